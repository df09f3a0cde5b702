"""Two hands in one attempt: a conflict is opened, and what the side aside writes is kept.

Both journals are kept from the fork on. The claimant's lies aside: its leases and heads have tables
of their own, its records are evidence, and it may write on, until an officer settles whose journal
counts (`attempts.settling`).
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from exam_server import audit
from exam_server.attempts import evidence, heads, time
from exam_server.attempts.fencing_models import LeaseConflict, RivalLease
from exam_server.attempts.keys import attempt_key_of, lease_key_of
from exam_server.attempts.models import Attempt, SetAside
from exam_server.attempts.opening import opened
from exam_server.contract.api import Acknowledged, AttemptState, LedgerView
from exam_server.contract.batches import ReceivedBatch
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.records import Body, Record, SignedHead, Submitted
from exam_server.errors import RefusedError
from exam_server.keys import ServerKeys
from exam_server.stations.models import Station
from question_bank.errors import MalformedError


@dataclass(frozen=True, slots=True)
class Fork:
    """Where the claimant's chain leaves the server's; `plain` where it only goes on from it."""

    sequence: int
    head: bytes
    plain: bool


@dataclass(frozen=True, slots=True)
class ClaimantsSide:
    """The claimant's: the stations whose leases are not entered, from `epoch` on, the claimant
    the last of them, and where its chain stands."""

    epoch: int
    stations: tuple[str, ...]
    sequence: int
    head: bytes


def key_of_lease(keys: ServerKeys, attempt: Attempt, station: str, epoch: int) -> bytes:
    return lease_key_of(
        keys, shift=attempt.shift_id, station=station, attempt=attempt.id, epoch=epoch
    )


def open_conflict(
    session: Session,
    attempt: Attempt,
    side: ClaimantsSide,
    fork: Fork,
    *,
    station: Station,
    now: datetime,
) -> LeaseConflict:
    conflict = LeaseConflict(
        centre_id=attempt.centre_id,
        attempt_id=attempt.id,
        epoch=side.epoch,
        claimant_id=station.id,
        claimed_at=now,
        fork_sequence=fork.sequence,
        fork_head=fork.head,
        tip_sequence=side.sequence,
        tip_head=side.head,
        aside_state=AttemptState.WRITING,
    )
    session.add(conflict)
    session.flush()
    for place, holder in enumerate(side.stations):
        session.add(
            RivalLease(
                centre_id=attempt.centre_id,
                conflict_id=conflict.id,
                epoch=side.epoch + place,
                attempt_id=attempt.id,
                station_id=holder,
                granted_at=now,
            )
        )
    session.flush()
    audit.record(
        session,
        actor=f"station:{station.id}",
        action="lease_conflict_opened",
        subject=f"attempt:{attempt.id}",
        details={"epoch": conflict.epoch, "fork": fork.sequence, "conflict": conflict.id},
        now=now,
    )
    return conflict


def reason_aside(conflict: LeaseConflict, epoch: int) -> SetAside:
    """Why a record of the side that does not count is evidence: what the former station wrote
    before the fork's leases is late, and of theirs an officer says as a whole."""
    late = epoch < conflict.epoch
    return SetAside.SUPERSEDED_LEASE if late else SetAside.LEASE_CONFLICT


#: A lease that lies aside, with its attempt and conflict.
Rival = tuple[Attempt, LeaseConflict, RivalLease]


@dataclass(frozen=True, slots=True)
class Aside:
    """What became of a rival's batch. `refusal` is to be raised once it is committed."""

    acknowledged: Acknowledged
    refusal: RefusedError | None


def proven_rival(
    session: Session, received: ReceivedBatch, keys: ServerKeys, *, sender: str | None
) -> RivalLease | None:
    """The lease that lies aside under which the batch was sent, proven by its MAC. Locks nothing:
    only who has proven to be one of two hands makes anybody wait for the attempt.

    `sender` tells in which centre to look (`leases.LeaseName`).
    """
    batch = received.batch
    query = (
        select(Attempt, RivalLease)
        .join(
            LeaseConflict,
            (col(LeaseConflict.centre_id) == Attempt.centre_id)
            & (col(LeaseConflict.attempt_id) == Attempt.id),
        )
        .join(
            RivalLease,
            (col(RivalLease.centre_id) == LeaseConflict.centre_id)
            & (col(RivalLease.conflict_id) == LeaseConflict.id),
        )
        .where(Attempt.id == batch.attempt, RivalLease.epoch == batch.epoch)
    )
    if sender is not None:
        named = session.get(Station, sender)
        query = query.where(Attempt.centre_id == (named.centre_id if named else ""))
    for attempt, lease in session.exec(query).all():
        try:
            received.check_mac(key_of_lease(keys, attempt, lease.station_id, lease.epoch))
        except ContractError:
            continue
        return lease
    return None


def leases_aside(session: Session, attempt: Attempt, epoch: int) -> Sequence[RivalLease]:
    """The leases `epoch` of the attempt that lie aside, of whatever station."""
    return session.exec(
        select(RivalLease).where(
            RivalLease.centre_id == attempt.centre_id,
            RivalLease.attempt_id == attempt.id,
            RivalLease.epoch == epoch,
        )
    ).all()


def rival_lease(
    session: Session, centre_id: str, attempt_id: str, station_id: str, epoch: int
) -> Rival | None:
    """The lease `epoch` of the station, where it lies aside by now.

    The attempt is locked first: an officer who settles the conflict changes all three.
    """
    attempt = session.get(Attempt, (centre_id, attempt_id), with_for_update=True)
    rows = session.exec(
        select(LeaseConflict, RivalLease)
        .join(
            RivalLease,
            (col(RivalLease.centre_id) == LeaseConflict.centre_id)
            & (col(RivalLease.conflict_id) == LeaseConflict.id),
        )
        .where(
            LeaseConflict.centre_id == centre_id,
            LeaseConflict.attempt_id == attempt_id,
            RivalLease.station_id == station_id,
            RivalLease.epoch == epoch,
        )
        .execution_options(populate_existing=True)
    ).first()
    return None if attempt is None or rows is None else (attempt, *rows)


def keep_aside(
    session: Session,
    found: Rival,
    records: Sequence[bytes],
    signed: SignedHead | None,
    *,
    keys: ServerKeys,
    now: datetime,
) -> Aside:
    """Keeps what a station writes whose side does not count, chained as its own journal is.

    While nobody has settled the conflict the station is answered as any other: it goes on.
    """
    _attempt, _conflict, lease = found
    if session.get_one(Station, lease.station_id).revoked_at is not None:
        raise RefusedError(ErrorCode.STATION_REVOKED, "this station was revoked; enrol it anew")
    return take_aside(session, found, records, signed, keys=keys, now=now)


def take_aside(
    session: Session,
    found: Rival,
    records: Sequence[bytes],
    signed: SignedHead | None,
    *,
    keys: ServerKeys,
    now: datetime,
) -> Aside:
    """The same of a station that does not send itself, or no more: what it wrote is read."""
    attempt, conflict, lease = found
    station = session.get_one(Station, lease.station_id)
    refusal: RefusedError | None = None
    try:
        for data in records:
            _take(session, attempt, conflict, lease, data, keys=keys, now=now)
        if signed is not None:
            if signed.epoch != lease.epoch:
                raise RefusedError(ErrorCode.RECORD_REJECTED, "a head of another lease")
            heads.keep_aside(session, conflict, signed, station, now)
    except RefusedError as error:
        refusal = error
    if refusal is None and conflict.settled_at is not None:
        refusal = RefusedError(ErrorCode.LEASE_SUPERSEDED, "another station's journal was chosen")
    acknowledged = Acknowledged(
        sequence=conflict.tip_sequence,
        head=conflict.tip_head,
        ledger=LedgerView.of(time.ledger_of(session, attempt)),
        server_time=now,
    )
    return Aside(acknowledged, refusal)


def keep_unplaced(
    session: Session,
    found: Rival,
    records: Sequence[bytes],
    *,
    keys: ServerKeys,
    now: datetime,
) -> None:
    """Keeps what is genuine behind a gap in the chain that lies aside: it was lost for good."""
    attempt, _conflict, lease = found
    for data in records:
        with contextlib.suppress(RefusedError):
            record, _body = _genuine(attempt, lease, data, keys)
            evidence.set_aside(
                session, attempt, record, lease.station_id, SetAside.LEASE_CONFLICT, now
            )


def _take(
    session: Session,
    attempt: Attempt,
    conflict: LeaseConflict,
    lease: RivalLease,
    data: bytes,
    *,
    keys: ServerKeys,
    now: datetime,
) -> None:
    record, body = _genuine(attempt, lease, data, keys)
    if record.sequence > conflict.tip_sequence + 1:
        message = f"record {conflict.tip_sequence + 1} is missing"
        raise RefusedError(ErrorCode.RECORD_GAP, message)
    goes_on = record.sequence == conflict.tip_sequence + 1 and record.previous == conflict.tip_head
    evidence.set_aside(session, attempt, record, lease.station_id, SetAside.LEASE_CONFLICT, now)
    if goes_on:
        conflict.tip_sequence, conflict.tip_head = record.sequence, record.head
        conflict.aside_handed_in = conflict.aside_handed_in or isinstance(body, Submitted)


def _genuine(
    attempt: Attempt, lease: RivalLease, data: bytes, keys: ServerKeys
) -> tuple[Record, Body]:
    """A record of the lease, opened; RefusedError unless it is one."""
    try:
        record = Record.from_bytes(data)
        if (record.attempt, record.epoch) != (attempt.id, lease.epoch):
            raise ContractError("a record of another lease")
        record.check_mac(key_of_lease(keys, attempt, lease.station_id, lease.epoch))
        body, _at = opened(record, attempt_key_of(keys, attempt.id))
    except (ContractError, MalformedError) as error:
        raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error
    return record, body
