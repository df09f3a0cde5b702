"""Leases that were taken without network: registered, or a named conflict; nothing is thrown away.

A station shows the former one's move token and claims the epoch after it, or took the first lease
by its room kit. Where the server has given that epoch to nobody and holds nothing that the
claimant's chain lacks, the lease is entered and the attempt goes on. Otherwise two hands wrote: a
conflict (`attempts.conflicts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import Session, select

from exam_server import audit
from exam_server.attempts import evidence, moments, records_kept
from exam_server.attempts.conflicts import (
    ClaimantsSide,
    Fork,
    key_of_lease,
    open_conflict,
    reason_aside,
    rival_lease,
)
from exam_server.attempts.fencing_models import LeaseConflict, PresentedToken
from exam_server.attempts.granting import take_over
from exam_server.attempts.journal import CLOCK_SKEW
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import Attempt, JournalRecord, Lease, SetAside
from exam_server.attempts.opening import opened
from exam_server.attempts.service import attempt_here, form_opened
from exam_server.contract.api import AttemptState, Claim, ClaimView
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.records import Body, Record, Submitted, genesis
from exam_server.errors import RefusedError
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import Station
from exam_server.stations.service import has_stood_at, seat_of
from question_bank.errors import MalformedError

#: What a record says, and the moment at which it was sealed.
_Written = tuple[Body, datetime]

#: The epoch of the lease that a room kit gives.
FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True)
class _Carried:
    """A record that was brought along, and the station that wrote it."""

    record: Record
    station: str


def claim(
    session: Session,
    attempt_id: str,
    asked: Claim,
    *,
    station: Station,
    keys: ServerKeys,
    grace: timedelta,
    now: datetime,
    seated: bool = True,
) -> ClaimView:
    """Enters a lease taken with a move token, or opens a conflict. Asked again it says the same.

    `grace`: what comes later after its end is flagged. `seated`: the candidate goes on at this
    station's seat, which is not so of a dead one's disk.
    """
    attempt = attempt_here(session, attempt_id, station)
    signed = _signed(asked, attempt)
    token = _checked(session, signed, attempt, station)
    if asked.epoch != token.epoch + 1:
        raise RefusedError(ErrorCode.BAD_REQUEST, "a claim is for the epoch after the token's")
    carried = _carried(session, asked, token, attempt, keys)
    records = [one.record for one in carried]
    known = _known(session, attempt, asked.epoch, station)
    if known is not None:
        _leave_aside(session, attempt, carried, now)
        return _view(attempt, asked.epoch, known, now)
    _remember(session, signed, token, attempt, now)
    fork = _fork(session, attempt, token, records)
    new = _opened([one for one in records if one.sequence > attempt.sequence], attempt, keys)
    if (
        fork.plain
        and attempt.state is not AttemptState.SUBMITTED
        and not attempt.handed_in
        and _had_it(session, attempt, token)
        and _is_timely(session, attempt, new, now)
    ):
        if seated:
            _seat(session, attempt, station, now)
        _register(session, attempt, token, records, station=station, now=now)
        records_kept.read_sections_again(session, attempt, keys)
        if _came_late(session, attempt, new, grace, now):
            moments.flag_late(session, attempt, station.id, attempt.sequence, now)
        return _view(attempt, asked.epoch, None, now)
    side = _side(session, attempt, token, station)
    conflict = open_conflict(session, attempt, side, fork, station=station, now=now)
    for one in carried:
        if one.record.sequence > fork.sequence:
            reason = reason_aside(conflict, one.record.epoch)
            evidence.set_aside(session, attempt, one.record, one.station, reason, now)
    return _view(attempt, asked.epoch, conflict, now)


def claim_first(
    session: Session, attempt: Attempt, station: Station, *, proven: bool, now: datetime
) -> None:
    """Enters the lease that a station took by its room kit, the attempt's first.

    Where another station had that one, there are two hands from the first record on: a conflict.
    So there are where the station is none of the candidate's seat: whoever stands there has the
    lease for the asking, and an officer says whether the candidate sat elsewhere. `proven` says
    whether more than the station's word tells that the candidate sat there: it counts where the
    station left the seat in this shift.
    """
    if _known(session, attempt, FIRST_EPOCH, station) is not None:
        return
    if attempt.epoch == 0 and _is_of_the_seat(session, attempt, station, proven=proven):
        take_over(session, attempt, station, now=now)
        return
    none_yet = ClaimantsSide(FIRST_EPOCH, (station.id,), 0, genesis(attempt.id))
    fork = Fork(0, none_yet.head, plain=False)
    open_conflict(session, attempt, none_yet, fork, station=station, now=now)


def _is_of_the_seat(session: Session, attempt: Attempt, station: Station, *, proven: bool) -> bool:
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    seat = seat_of(session, station)
    if seat is not None and seat.id == placement.seat_id:
        return True
    shift = session.get_one(Shift, (attempt.centre_id, attempt.shift_id))
    return (
        proven
        and shift.opened_at is not None
        and has_stood_at(session, station, placement.seat_id, since=shift.opened_at)
    )


def _leave_aside(
    session: Session,
    attempt: Attempt,
    carried: Sequence[_Carried],
    now: datetime,
) -> None:
    """Another token for a lease that is known changes nothing; what it brought is evidence."""
    for one in carried:
        record = one.record
        kept = session.get(JournalRecord, (attempt.centre_id, attempt.id, record.sequence))
        if kept is None or kept.head != record.head:
            evidence.set_aside(
                session, attempt, record, one.station, SetAside.SUPERSEDED_LEASE, now
            )


def _signed(asked: Claim, attempt: Attempt) -> SignedMoveToken:
    try:
        signed = SignedMoveToken.from_bytes(asked.token)
    except ContractError as error:
        raise RefusedError(ErrorCode.BAD_REQUEST, str(error)) from error
    if signed.token.attempt != attempt.id:
        raise RefusedError(ErrorCode.BAD_REQUEST, "a move token of another attempt")
    return signed


def _checked(
    session: Session, signed: SignedMoveToken, attempt: Attempt, claimant: Station
) -> MoveToken:
    """The token, of a station of this centre that had that lease or may have taken it first."""
    former = session.get(Station, signed.token.station)
    if former is None or former.centre_id != attempt.centre_id or former.id == claimant.id:
        raise RefusedError(ErrorCode.RECORD_REJECTED, "the token is of no other station here")
    try:
        token = signed.check(Ed25519PublicKey.from_public_bytes(former.signing_key))
    except ContractError as error:
        raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error
    held = session.get(Lease, (attempt.centre_id, attempt.id, token.epoch))
    if held is None and token.epoch != attempt.epoch + 1:
        raise RefusedError(ErrorCode.RECORD_REJECTED, "nobody had the lease that the token ends")
    if held is not None and held.station_id != former.id:
        raise RefusedError(ErrorCode.RECORD_REJECTED, "another station had that lease")
    return token


def _had_it(session: Session, attempt: Attempt, token: MoveToken) -> bool:
    """Whether the attempt was the former station's to give: it had the last lease, or the first
    one by the kit of the candidate's seat. A revoked station's word gives nobody anything."""
    former = session.get_one(Station, token.station)
    if former.revoked_at is not None:
        return False
    if attempt.epoch == token.epoch:
        return True
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    seat = seat_of(session, former)
    first = (attempt.epoch, token.epoch) == (0, FIRST_EPOCH)
    return first and seat is not None and seat.id == placement.seat_id


def _opened(records: Sequence[Record], attempt: Attempt, keys: ServerKeys) -> list[_Written]:
    key = attempt_key_of(keys, attempt.id)
    written = [record.open(key) for record in records]
    return [(body, datetime.fromtimestamp(at / 1000, UTC)) for body, at in written]


def _is_timely(session: Session, attempt: Attempt, new: Sequence[_Written], now: datetime) -> bool:
    """Whether no rule speaks against the moments of the new records, and none of them hands in."""
    if any(at > now + CLOCK_SKEW or isinstance(body, Submitted) for body, at in new):
        return False
    return moments.allowed(session, attempt, new, now) == len(new)


def _came_late(
    session: Session,
    attempt: Attempt,
    new: Sequence[_Written],
    grace: timedelta,
    now: datetime,
) -> bool:
    """Whether something counts that came so long after its end."""
    ends = (moments.last_moment(session, attempt, body, now) for body, _ in new)
    return any(end is not None and now > end + grace for end in ends)


def _side(session: Session, attempt: Attempt, token: MoveToken, claimant: Station) -> ClaimantsSide:
    """The claimant's lease, and the former station's where the server never gave that one."""
    held = session.get(Lease, (attempt.centre_id, attempt.id, token.epoch))
    if held is None:
        stations = (token.station, claimant.id)
        return ClaimantsSide(token.epoch, stations, token.sequence, token.head)
    return ClaimantsSide(token.epoch + 1, (claimant.id,), token.sequence, token.head)


def _known(
    session: Session, attempt: Attempt, epoch: int, station: Station
) -> LeaseConflict | bool | None:
    """True where the lease is entered, the conflict where there is one, None where neither."""
    held = session.get(Lease, (attempt.centre_id, attempt.id, epoch))
    if held is not None and held.station_id == station.id:
        return True
    aside = rival_lease(session, attempt.centre_id, attempt.id, station.id, epoch)
    return None if aside is None else aside[1]


def _view(
    attempt: Attempt, epoch: int, known: LeaseConflict | bool | None, now: datetime
) -> ClaimView:
    if isinstance(known, LeaseConflict) and known.settled_at is None:
        sequence, head, conflict = known.tip_sequence, known.tip_head, True
    else:
        sequence, head, conflict = attempt.sequence, attempt.head, False
    return ClaimView(epoch=epoch, sequence=sequence, head=head, conflict=conflict, server_time=now)


def _carried(
    session: Session, asked: Claim, token: MoveToken, attempt: Attempt, keys: ServerKeys
) -> list[_Carried]:
    """The records brought along: one chain that ends at the token's head, all genuine."""
    key = attempt_key_of(keys, attempt.id)
    leases = select(Lease).where(
        Lease.centre_id == attempt.centre_id, Lease.attempt_id == attempt.id
    )
    holders = {held.epoch: held.station_id for held in session.exec(leases)}
    holders[token.epoch] = token.station
    records: list[Record] = []
    try:
        for data in asked.records:
            record = Record.from_bytes(data)
            opened(record, key)
            known = record.epoch in holders and record.epoch <= token.epoch
            if record.attempt != attempt.id or not known:
                raise ContractError("a record that the token does not speak of")
            if records and (record.sequence, record.previous) != (
                records[-1].sequence + 1,
                records[-1].head,
            ):
                raise ContractError(f"record {record.sequence} does not continue the chain")
            record.check_mac(key_of_lease(keys, attempt, holders[record.epoch], record.epoch))
            records.append(record)
    except (ContractError, MalformedError) as error:
        raise RefusedError(ErrorCode.RECORD_REJECTED, str(error)) from error
    if records and (records[-1].sequence, records[-1].head) != (token.sequence, token.head):
        raise RefusedError(ErrorCode.RECORD_REJECTED, "the records do not end as the token says")
    return [_Carried(record, holders[record.epoch]) for record in records]


def _remember(
    session: Session, signed: SignedMoveToken, token: MoveToken, attempt: Attempt, now: datetime
) -> None:
    key = (attempt.centre_id, attempt.id, token.epoch, token.head)
    if session.get(PresentedToken, key) is None:
        session.add(
            PresentedToken(
                centre_id=attempt.centre_id,
                attempt_id=attempt.id,
                epoch=token.epoch,
                head=token.head,
                token=signed.to_bytes(),
                presented_at=now,
            )
        )
        session.flush()


def _fork(session: Session, attempt: Attempt, token: MoveToken, records: Sequence[Record]) -> Fork:
    """The last record that both chains have."""
    heads = {record.sequence: record.head for record in records}
    first = records[0].sequence if records else token.sequence + 1
    heads[first - 1] = records[0].previous if records else token.head
    rows = session.exec(
        select(JournalRecord.sequence, JournalRecord.head).where(
            JournalRecord.centre_id == attempt.centre_id,
            JournalRecord.attempt_id == attempt.id,
            JournalRecord.sequence >= first - 1,
        )
    )
    kept: dict[int, bytes] = dict(rows.all())
    if first == 1:
        kept[0] = genesis(attempt.id)
    common = [sequence for sequence, head in heads.items() if kept.get(sequence) == head]
    if not common:
        raise RefusedError(
            ErrorCode.RECORD_GAP, "the records brought along do not reach back to those kept"
        )
    last = max(common)
    return Fork(last, heads[last], plain=last == attempt.sequence)


def _seat(session: Session, attempt: Attempt, station: Station, now: datetime) -> None:
    """The candidate sits at the claimant's seat; refused where somebody else is placed there."""
    seat = seat_of(session, station)
    if seat is None:
        raise RefusedError(ErrorCode.NO_SEAT, "this station stands at no seat")
    placement = session.get_one(Placement, (attempt.centre_id, attempt.placement_id))
    if placement.seat_id == seat.id:
        return
    taken = select(Placement.id).where(
        Placement.centre_id == placement.centre_id,
        Placement.shift_id == placement.shift_id,
        Placement.seat_id == seat.id,
    )
    if session.scalar(taken) is not None:
        raise RefusedError(ErrorCode.PLACEMENT_ELSEWHERE, "another candidate is placed here")
    before = placement.seat_id
    placement.seat_id, placement.room_id = seat.id, seat.room_id
    audit.record(
        session,
        actor=f"station:{station.id}",
        action="candidate_moved",
        subject=f"placement:{placement.id}",
        details={"from": before, "to": seat.id, "reason": "move token"},
        now=now,
    )


def _register(
    session: Session,
    attempt: Attempt,
    token: MoveToken,
    records: Sequence[Record],
    *,
    station: Station,
    now: datetime,
) -> None:
    for epoch, holder in ((token.epoch, token.station), (token.epoch + 1, station.id)):
        if session.get(Lease, (attempt.centre_id, attempt.id, epoch)) is None:
            session.add(_lease(attempt, epoch, holder, now))
    attempt.epoch = token.epoch + 1
    for record in records:
        if record.sequence > attempt.sequence:
            session.add(_kept(attempt, record, now))
            attempt.sequence, attempt.head = record.sequence, record.head
    if records and attempt.state is AttemptState.ADMITTED:
        form_opened(attempt)
    session.flush()
    audit.record(
        session,
        actor=f"station:{station.id}",
        action="lease_claimed",
        subject=f"attempt:{attempt.id}",
        details={"epoch": attempt.epoch, "sequence": token.sequence},
        now=now,
    )


def _lease(attempt: Attempt, epoch: int, station: str, now: datetime) -> Lease:
    return Lease(
        centre_id=attempt.centre_id,
        attempt_id=attempt.id,
        epoch=epoch,
        station_id=station,
        granted_at=now,
    )


def _kept(attempt: Attempt, record: Record, now: datetime) -> JournalRecord:
    return JournalRecord(
        centre_id=attempt.centre_id,
        attempt_id=attempt.id,
        sequence=record.sequence,
        epoch=record.epoch,
        head=record.head,
        data=record.to_bytes(),
        received_at=now,
    )
