"""A journal from a dead kiosk's disk: read with the server's keys, brought in by its rules.

Nothing here trusts the file. Its records come in through `attempts.journal` as if their stations
had sent them now: MAC, chain, lease and deadline are judged there, and what cannot count is kept
as evidence.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from sqlmodel import Session, select

from exam_server.attempts import conflicts, journal
from exam_server.attempts.granting import lease_key
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import Attempt, EvidenceRecord, JournalRecord, Lease, of_attempt
from exam_server.contract import journal_file
from exam_server.contract.batches import Batch
from exam_server.contract.errors import ContractError
from exam_server.contract.journal_file import DamagedFileError, Header
from exam_server.contract.records import Body, Record, SignedHead
from exam_server.contract.wrapping import Purpose, unwrap
from exam_server.errors import InputError, RefusedError
from exam_server.keys import ServerKeys
from exam_server.shards import anywhere
from exam_server.stations.models import Station

BATCH = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What can be read in a journal's file, in the file's order.

    The first `sound` records are one chain from the attempt's beginning. `damage` says what is
    wrong behind them, None where nothing is; `torn` counts the bytes of a last write that never
    ended, which was told to nobody. `header` is None where it is lost.
    """

    attempt: str
    header: Header | None
    records: tuple[Record, ...]
    sound: int
    heads: tuple[SignedHead, ...]
    torn: int = 0
    damage: str | None = None

    @property
    def head(self) -> bytes | None:
        """The chain's value after the last sound record, None where there is none."""
        return self.records[self.sound - 1].head if self.sound else None


def found_in(data: bytes) -> Found:
    """What the bytes of a journal's file hold; InputError where they hold none."""
    try:
        contents = journal_file.read(data)
    except DamagedFileError as error:
        return _damaged(error)
    header, records = contents.header, contents.records
    return Found(header.attempt, header, records, len(records), contents.heads, contents.torn)


def _damaged(error: DamagedFileError) -> Found:
    sound = error.sound
    before = sound.records if sound is not None else ()
    records = (*before, *error.behind)
    if sound is None and not records:
        raise InputError(f"no journal can be read in this file ({error})") from error
    return Found(
        attempt=sound.header.attempt if sound is not None else records[0].attempt,
        header=sound.header if sound is not None else None,
        records=records,
        sound=len(before),
        heads=sound.heads if sound is not None else (),
        damage=str(error),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A record as people read it. `body` and `at` are None where it does not open; `genuine` says
    whether its MAC holds under its lease, None where the server knows of no such lease."""

    sequence: int
    epoch: int
    at: datetime | None
    body: Body | None
    genuine: bool | None


def lines(session: Session, found: Found, keys: ServerKeys) -> Iterator[Line]:
    """Every record of the file, opened with the server's keys."""
    key = _attempt_key(found, keys)
    attempt = anywhere(session, Attempt, found.attempt)
    for record in found.records:
        try:
            body, at = record.open(key)
            moment = datetime.fromtimestamp(at / 1000, UTC)
        except (ContractError, ValueError, OverflowError, OSError):
            body, moment = None, None
        genuine = _is_genuine(session, attempt, record, keys)
        yield Line(record.sequence, record.epoch, moment, body, genuine)


def _attempt_key(found: Found, keys: ServerKeys) -> bytes:
    """As the station wrapped it for the server's recovery key, else as the server derives it."""
    if found.header is None:
        return attempt_key_of(keys, found.attempt)
    try:
        return unwrap(found.header.recovery, keys.recovery, Purpose.ATTEMPT_KEY, found.attempt)
    except ContractError as error:
        raise InputError(
            "this journal was written for another server; use that server's keys"
        ) from error


def _is_genuine(
    session: Session, attempt: Attempt | None, record: Record, keys: ServerKeys
) -> bool | None:
    if attempt is None:
        return None
    held = session.get(Lease, (attempt.centre_id, attempt.id, record.epoch))
    if held is not None and _holds(record, lease_key(held, attempt, keys)):
        return True
    if _rival(session, attempt, [record], keys) is not None:
        return True
    return None if held is None else False


class Fate(StrEnum):
    """What became of a record of the file. A closed list."""

    ALREADY_HELD = "already_held"
    TAKEN = "taken"
    SET_ASIDE = "set_aside"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Brought:
    """Each record's fate, in the file's order, and why those were refused or set aside now."""

    fates: tuple[Fate, ...]
    reasons: tuple[str, ...]
    sequence: int
    head: bytes
    arrived_late: bool

    def count(self, fate: Fate) -> int:
        return self.fates.count(fate)


def bring_in(
    session: Session, found: Found, *, keys: ServerKeys, grace: timedelta, now: datetime
) -> Brought:
    """Takes what the server lacks. Bringing in the same file again changes nothing."""
    attempt = anywhere(session, Attempt, found.attempt, lock=True)
    if attempt is None:
        raise InputError(
            f"the server knows no attempt {found.attempt}; is this the exam's server, and is the"
            " candidate's check-in known to it?"
        )
    before = _held(session, attempt).kept
    reasons = dict.fromkeys(_offer(session, attempt, found, keys=keys, grace=grace, now=now))
    after = _held(session, attempt)
    return Brought(
        fates=tuple(_fate(record, before, after) for record in found.records),
        reasons=tuple(reasons),
        sequence=attempt.sequence,
        head=attempt.head,
        arrived_late=attempt.arrived_late,
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """Heads of the records that the server holds: each fixes its record and all before it."""

    kept: frozenset[bytes]
    evidence: frozenset[bytes]


def _held(session: Session, attempt: Attempt) -> _Held:
    kept = select(JournalRecord.head).where(*of_attempt(JournalRecord, attempt))
    evidence = select(EvidenceRecord.head).where(*of_attempt(EvidenceRecord, attempt))
    return _Held(frozenset(session.exec(kept)), frozenset(session.exec(evidence)))


def _fate(record: Record, before: frozenset[bytes], after: _Held) -> Fate:
    head = record.head
    if head in after.kept:
        return Fate.ALREADY_HELD if head in before else Fate.TAKEN
    return Fate.SET_ASIDE if head in after.evidence else Fate.REFUSED


def _offer(
    session: Session,
    attempt: Attempt,
    found: Found,
    *,
    keys: ServerKeys,
    grace: timedelta,
    now: datetime,
) -> Iterator[str]:
    """Gives the records to the journal's rules, lease by lease; yields the words of every refusal
    that cost a record."""
    for epoch, of_lease in groupby(found.records, lambda record: record.epoch):
        run = list(of_lease)
        batches = _batches(run, [head for head in found.heads if head.epoch == epoch])
        rival = _rival(session, attempt, run, keys)
        if rival is not None:
            yield from _offer_aside(session, rival, batches, keys=keys, now=now)
            continue
        held = session.get(Lease, (attempt.centre_id, attempt.id, epoch))
        if held is None:
            yield (
                f"record {run[0].sequence}: the server gave no lease {epoch}; give the whole folder"
                " of the attempt, in which the move token lies"
            )
            continue
        station = session.get_one(Station, held.station_id)
        for batch in batches:
            try:
                appended = journal.append(
                    session, attempt.id, batch, station=station, keys=keys, grace=grace, now=now
                )
            except RefusedError as refusal:
                raise InputError(f"nothing is taken: {refusal}") from refusal
            if appended.refusal is not None and not _are_kept(session, attempt, batch):
                yield str(appended.refusal)
                journal.set_aside_unplaced(
                    session, attempt, batch, station=station, keys=keys, grace=grace, now=now
                )


def _rival(
    session: Session, attempt: Attempt, run: Sequence[Record], keys: ServerKeys
) -> conflicts.Rival | None:
    """The lease that lies aside under which a record of the run was written."""
    for lease in conflicts.leases_aside(session, attempt, run[0].epoch):
        key = conflicts.key_of_lease(keys, attempt, lease.station_id, lease.epoch)
        if any(_holds(record, key) for record in run):
            return conflicts.rival_lease(
                session, attempt.centre_id, attempt.id, lease.station_id, lease.epoch
            )
    return None


def _holds(record: Record, lease_key: bytes) -> bool:
    try:
        record.check_mac(lease_key)
    except ContractError:
        return False
    return True


def _offer_aside(
    session: Session,
    rival: conflicts.Rival,
    batches: Iterable[Batch],
    *,
    keys: ServerKeys,
    now: datetime,
) -> Iterator[str]:
    """What belongs to the side of a conflict that does not count, under that side's rules."""
    for batch in batches:
        aside = conflicts.take_aside(session, rival, batch.records, batch.head, keys=keys, now=now)
        if aside.refusal is not None:
            yield str(aside.refusal)
            conflicts.keep_unplaced(session, rival, batch.records, keys=keys, now=now)


def _are_kept(session: Session, attempt: Attempt, batch: Batch) -> bool:
    """Whether all is here all the same: of a lease taken over even what is known is refused."""
    kept = _held(session, attempt).kept
    return all(Record.from_bytes(data).head in kept for data in batch.records)


def _batches(run: Sequence[Record], heads: Sequence[SignedHead]) -> Iterator[Batch]:
    """As a station would send them; the last signed head goes with the last."""
    last = heads[-1] if heads else None
    for start in range(0, len(run), BATCH):
        ends = start + BATCH >= len(run)
        records = tuple(record.to_bytes() for record in run[start : start + BATCH])
        yield Batch(run[0].attempt, run[0].epoch, records, last if ends else None)
