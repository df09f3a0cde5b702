"""What the server must know before the records of a kiosk that never had a network again.

The kiosk would have told it (`exam_station.introduction`): the check-in that a proctor confirmed,
the start by code, and by both that it holds the attempt's first lease; or the move token with
which the attempt was carried there. Here it lies on its disk. Which station wrote is proven by the
records themselves: only one has the key of that lease.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from card_reader.trust.store import TrustStore
from exam_server.attempts import claims, starting_by_code
from exam_server.attempts.claims import FIRST_EPOCH
from exam_server.attempts.keys import attempt_id_of, lease_key_of
from exam_server.attempts.models import Attempt
from exam_server.checkin import offline
from exam_server.contract.api import Claim, OfflineCheckIn, StartedByCode
from exam_server.contract.errors import ContractError
from exam_server.contract.move_token import SignedMoveToken
from exam_server.contract.records import Record
from exam_server.errors import InputError, RefusedError
from exam_server.keys import ServerKeys
from exam_server.settings import Settings
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement
from exam_server.stations.models import Station


@dataclass(frozen=True, slots=True)
class Untold:
    """What a station still had to tell of an attempt beside its records."""

    checkin: OfflineCheckIn | None = None
    started: StartedByCode | None = None
    claim: SignedMoveToken | None = None

    @property
    def epoch(self) -> int:
        """Of the lease that the station took without network."""
        return FIRST_EPOCH if self.claim is None else self.claim.token.epoch + 1


def introduce(
    session: Session,
    attempt_id: str,
    records: Sequence[Record],
    untold: Untold,
    *,
    keys: ServerKeys,
    settings: Settings,
    trust: Callable[[], TrustStore],
    now: datetime,
) -> None:
    """Takes what was untold, as from the station. The same again changes nothing.

    InputError where the server cannot take any record afterwards.
    """
    attempt = anywhere(session, Attempt, attempt_id)
    if all(record.epoch != untold.epoch for record in records) and untold.claim is not None:
        untold = _before_the_move(untold)
    if attempt is not None and attempt.epoch > 0 and untold == Untold():
        return
    placement = _placement(session, attempt_id)
    station = _writer(session, placement, attempt_id, records, untold.epoch, keys)
    try:
        if untold.checkin is not None:
            _check_in(session, untold.checkin, station, keys, settings, trust, now)
        attempt = session.get(Attempt, (placement.centre_id, attempt_id), with_for_update=True)
        if attempt is None:
            raise InputError(
                "the server knows of no check-in of this candidate; two officers check the"
                " candidate in by hand, then this can be brought in"
            )
        if untold.claim is not None:
            _claim(session, attempt, untold.claim, records, station, keys, settings.grace, now)
        else:
            # Who sat there was confirmed by two officers at the server, if it was not told above.
            claims.claim_first(session, attempt, station, proven=untold.checkin is None, now=now)
        if untold.started is not None:
            starting_by_code.take(
                session,
                attempt_id,
                untold.started,
                station=station,
                keys=keys,
                late_limit=settings.late_limit,
                now=now,
            )
    except RefusedError as refusal:
        raise InputError(f"nothing is taken: {refusal}") from refusal


def _before_the_move(untold: Untold) -> Untold:
    """Nothing was written here since; what was carried has leases of its own. Where the candidate
    was checked in here, too, before the attempt went there and back, that is still to be told."""
    return replace(untold, claim=None) if untold.checkin is not None else Untold()


def _placement(session: Session, attempt_id: str) -> Placement:
    """Whose attempt it is: its id follows from the placement's."""
    for centre, placement in session.exec(select(Placement.centre_id, Placement.id)):
        if attempt_id_of(placement) == attempt_id:
            return session.get_one(Placement, (centre, placement))
    raise InputError(f"the server knows no attempt {attempt_id}; is this the exam's server?")


def _writer(
    session: Session,
    placement: Placement,
    attempt_id: str,
    records: Sequence[Record],
    epoch: int,
    keys: ServerKeys,
) -> Station:
    """The station of the centre under whose lease `epoch` the first record of it was written."""
    first = next((record for record in records if record.epoch == epoch), None)
    if first is None:
        raise InputError("no record of the attempt's first lease is in this journal")
    stations = session.exec(
        select(Station).where(Station.centre_id == placement.centre_id).order_by(col(Station.id))
    )
    for station in stations:
        key = lease_key_of(
            keys,
            shift=placement.shift_id,
            station=station.id,
            attempt=attempt_id,
            epoch=epoch,
        )
        try:
            first.check_mac(key)
        except ContractError:
            continue
        return station
    raise InputError("no station of this exam's centre wrote this journal")


def _claim(
    session: Session,
    attempt: Attempt,
    signed: SignedMoveToken,
    records: Sequence[Record],
    station: Station,
    keys: ServerKeys,
    grace: timedelta,
    now: datetime,
) -> None:
    """The lease after the token's, with the records up to the token's, from their last gap on."""
    carried: list[Record] = []
    for record in records:
        if record.sequence > signed.token.sequence:
            break
        if carried and record.previous != carried[-1].head:
            carried.clear()
        carried.append(record)
    asked = Claim(
        token=signed.to_bytes(),
        epoch=signed.token.epoch + 1,
        records=[record.to_bytes() for record in carried],
    )
    claims.claim(
        session,
        attempt.id,
        asked,
        station=station,
        keys=keys,
        grace=grace,
        now=now,
        seated=False,
    )


def _check_in(
    session: Session,
    told: OfflineCheckIn,
    station: Station,
    keys: ServerKeys,
    settings: Settings,
    trust: Callable[[], TrustStore],
    now: datetime,
) -> None:
    taken = offline.take(
        session, told, station=station, keys=keys, late_limit=settings.late_limit, now=now
    )
    if taken.known is not None:
        return
    judgement = offline.judged(told, taken, trust=trust, settings=settings, now=now)
    offline.conclude(
        session,
        told,
        taken,
        judgement,
        station=station,
        keys=keys,
        settings=settings,
        now=now,
    )
