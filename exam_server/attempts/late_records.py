"""Genuine records that came too late to be kept: what they are worth (`late_decisions`: who says).

They are evidence, always, and none of them counts by itself. Two ways lead here:

- **Another station had taken over.** An answer may be adopted where it is provably from before the
  takeover and the candidate has not answered that item since. Provable means: the chain goes on
  from the very head at which the other station took over, up to a head that was fixed by then: a
  code that people noted from the kiosk's screen, or a move token.
- **The attempt was closed** while its station had no network. Nobody has written since, so the
  station that holds the lease goes on from the kept head, and what it sealed in time may be adopted
  as far as there is one chain. Behind a gap an officer has to choose answer by answer.

What counts in the end is, for each item, the last answer by epoch and number among the records
kept and those adopted (`records_kept.final_responses`); so an adopted answer never stands above one
that was given after the takeover, whenever that one arrives.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from exam_server.attempts import journal, noting, records_kept, time
from exam_server.attempts.evidence import kept_since
from exam_server.attempts.fencing_models import LateDecision, PresentedToken
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import Attempt, EvidenceRecord, Lease, SetAside, of_attempt
from exam_server.attempts.opening import opened
from exam_server.attempts.sections import sections_of
from exam_server.contract.errors import ContractError
from exam_server.contract.receipt import head_code
from exam_server.contract.records import Answered, Body, Record, Submitted, genesis
from exam_server.keys import ServerKeys
from question_bank.errors import MalformedError
from question_bank.response import Response, from_plain

#: Why records were set aside among which a candidate's answers may be. The side of a conflict
#: that lies aside is not among them: that is settled as a whole (`attempts.settling`).
LATE = (SetAside.SUPERSEDED_LEASE, SetAside.AFTER_THE_END, SetAside.UNPLACED, SetAside.FORK)


class Standing(StrEnum):
    """Whether a late answer may be adopted, or why not."""

    ADOPTABLE = "adoptable"
    BEHIND_A_GAP = "behind_a_gap"
    UNPROVEN = "unproven"
    ANSWERED_SINCE = "answered_since"
    AFTER_THE_END = "after_the_end"
    SECTION_NOT_BEGUN = "section_not_begun"


#: What an officer may adopt, and what waits for an officer's word.
MAY_BE_ADOPTED = (Standing.ADOPTABLE, Standing.BEHIND_A_GAP)
WAITS = (*MAY_BE_ADOPTED, Standing.UNPROVEN)


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """The last late answer to one item under one lease, or an earlier one on which an officer has
    said a word: whatever counts is listed.

    `evidence` is the record's row; `at` is the moment by the station's clock, when it was sealed.
    `response` is None where it cleared the answer; `present` is what counts for the item now.
    """

    evidence: str
    item: str
    epoch: int
    sequence: int
    station: str
    at: datetime
    received_at: datetime
    response: Response | None
    present: Response | None
    standing: Standing
    decision: LateDecision | None

    @property
    def counts(self) -> bool:
        """Whether an officer has adopted it."""
        return self.decision is not None and self.decision.adopted

    @property
    def waits(self) -> bool:
        """Whether nobody has said yet what becomes of it, and somebody has to."""
        return self.decision is None and self.standing in WAITS


@dataclass(frozen=True, slots=True)
class _Opened:
    """A late record that opens."""

    row: EvidenceRecord
    record: Record
    body: Body
    at: datetime


@dataclass(frozen=True, slots=True)
class _Late:
    row: EvidenceRecord
    record: Record
    body: Answered
    at: datetime
    standing: Standing


def late_answers(
    session: Session, attempt: Attempt, *, keys: ServerKeys, now: datetime
) -> list[LateAnswer]:
    """What arrived late, by epoch and number; ContractError where the journal itself is broken."""
    key = attempt_key_of(keys, attempt.id)
    kept = list(records_kept.records_of(session, attempt))
    found = list(_opened(session, attempt, key))
    proofs = _proofs(session, attempt, kept, found)
    since = _last_epochs(kept, key)
    decisions = _decisions(session, attempt)
    present = records_kept.final_responses(session, attempt, keys)
    ledger, sections = time.ledger_of(session, attempt), sections_of(session, attempt)
    deadline = ledger.deadline(now)

    def untimely(body: Answered, at: datetime) -> Standing | None:
        """As an answer is judged that comes in time (`attempts.journal`)."""
        if deadline is None:
            return None
        until: datetime | None = deadline
        if sections is not None:
            until = sections.answerable_until(attempt, ledger, body.item, now)
        if until is None:
            return Standing.SECTION_NOT_BEGUN
        return Standing.AFTER_THE_END if at > min(until, deadline) else None

    def standing(record: Record, body: Answered, at: datetime) -> Standing:
        if since.get(body.item, 0) > record.epoch:
            return Standing.ANSWERED_SINCE
        return untimely(body, at) or proofs[record.head]

    late = [
        _Late(one.row, one.record, one.body, one.at, standing(one.record, one.body, one.at))
        for one in found
        if isinstance(one.body, Answered)
    ]
    return [
        LateAnswer(
            evidence=one.row.id,
            item=one.body.item,
            epoch=one.record.epoch,
            sequence=one.record.sequence,
            station=one.row.station_id,
            at=one.at,
            received_at=one.row.received_at,
            response=_response(one.body),
            present=present.get(one.body.item),
            standing=one.standing,
            decision=decisions.get(one.row.id),
        )
        for one in _listed(late, decisions)
    ]


def undecided(
    session: Session, attempts: Iterable[Attempt], *, keys: ServerKeys, now: datetime
) -> dict[str, int]:
    """How many late answers of each attempt wait for an officer's word; those with any."""
    by_id = {attempt.id: attempt for attempt in attempts}
    rows = select(EvidenceRecord.attempt_id).where(
        col(EvidenceRecord.centre_id).in_({one.centre_id for one in by_id.values()}),
        col(EvidenceRecord.attempt_id).in_(by_id),
        col(EvidenceRecord.reason).in_(LATE),
        ~kept_since(),
    )
    waiting = {
        found: sum(
            answer.waits for answer in late_answers(session, by_id[found], keys=keys, now=now)
        )
        for found in session.exec(rows.distinct())
    }
    return {attempt: count for attempt, count in waiting.items() if count}


def _opened(session: Session, attempt: Attempt, attempt_key: bytes) -> Iterator[_Opened]:
    """What was set aside, by epoch and number. What does not open holds nobody's answer."""
    rows = session.exec(
        select(EvidenceRecord)
        .where(
            EvidenceRecord.centre_id == attempt.centre_id,
            EvidenceRecord.attempt_id == attempt.id,
            col(EvidenceRecord.reason).in_(LATE),
            ~kept_since(),
        )
        .order_by(col(EvidenceRecord.epoch), col(EvidenceRecord.sequence), col(EvidenceRecord.head))
    )
    for row in rows:
        try:
            record = Record.from_bytes(row.data)
            body, at = opened(record, attempt_key)
            yield _Opened(row, record, body, datetime.fromtimestamp(at / 1000, UTC))
        except (ContractError, MalformedError, ValueError, OverflowError, OSError):
            continue


def _proofs(
    session: Session, attempt: Attempt, kept: Sequence[Record], found: Sequence[_Opened]
) -> dict[bytes, Standing]:
    """What each late record's place in the chains proves of it."""
    late = [one.record for one in found]
    proven = proven_heads(attempt.id, kept, late, _fixed(session, attempt))
    proofs = {
        record.head: Standing.ADOPTABLE if record.head in proven else Standing.UNPROVEN
        for record in late
    }
    writing = _writing(session, attempt)
    last = [one for one in found if (one.record.epoch, one.row.station_id) in writing]
    if attempt.handed_in:
        return proofs | {one.record.head: Standing.AFTER_THE_END for one in last}
    for head, standing in _going_on(attempt, last).items():
        if proofs[head] is Standing.UNPROVEN:
            proofs[head] = standing
    return proofs


def _writing(session: Session, attempt: Attempt) -> set[tuple[int, str]]:
    """Epoch and station of the leases that may write: the one in force, and those before it of a
    station for which a conflict was settled."""
    leases = session.exec(select(Lease).where(*of_attempt(Lease, attempt))).all()
    return {
        (held.epoch, held.station_id)
        for held in leases
        if journal.may_write(session, attempt, held)
    }


def _going_on(attempt: Attempt, late: Sequence[_Opened]) -> dict[bytes, Standing]:
    """Records of leases that may write that follow what is kept, one version of each, by number.

    Where two chains part, nobody knows whose is the candidate's; nor behind a hand-in.
    """
    versions = Counter(one.record.sequence for one in late)
    heads = {one.record.head for one in late}
    standings = {attempt.head: Standing.ADOPTABLE}
    for one in late:
        record = one.record
        before = standings.get(record.previous)
        gap = record.previous not in heads and record.sequence > attempt.sequence + 1
        if before is None and gap:
            before = Standing.BEHIND_A_GAP
        if before is None or versions[record.sequence] > 1 or isinstance(one.body, Submitted):
            continue
        standings[record.head] = before
    return {head: standing for head, standing in standings.items() if head in heads}


def _fixed(session: Session, attempt: Attempt) -> Callable[[Record], bool]:
    """Whether people or a move token have fixed a record's head as its lease's last."""
    codes = {(noted.epoch, noted.code) for noted in noting.noted(session, attempt)}
    tokens = set(
        session.exec(
            select(PresentedToken.epoch, PresentedToken.head).where(
                PresentedToken.centre_id == attempt.centre_id,
                PresentedToken.attempt_id == attempt.id,
            )
        )
    )
    return lambda record: (
        (record.epoch, head_code(record.head)) in codes or (record.epoch, record.head) in tokens
    )


def proven_heads(
    attempt: str,
    kept: Iterable[Record],
    late: Iterable[Record],
    fixed: Callable[[Record], bool],
) -> set[bytes]:
    """The heads of those late records that are provably from before the takeover.

    From each fixed head back, record by record of that epoch, to the head that the takeover found.
    """
    found: dict[int, bytes] = {}
    for record in kept:
        found[record.epoch] = record.head
    late = list(late)
    by_head = {(record.epoch, record.head): record for record in late}
    proven: set[bytes] = set()
    for last in filter(fixed, late):
        before = [epoch for epoch in found if epoch <= last.epoch]
        base = found[max(before)] if before else genesis(attempt)
        one: Record | None = last
        path = []
        while one is not None and one.head != base:
            path.append(one)
            one = by_head.get((last.epoch, one.previous))
        if path and path[-1].previous == base:
            proven.update(each.head for each in path)
    return proven


def _last_epochs(kept: Iterable[Record], attempt_key: bytes) -> dict[str, int]:
    """The epoch of the last answer to each item."""
    epochs: dict[str, int] = {}
    for record in kept:
        body, _at = record.open(attempt_key)
        if isinstance(body, Answered):
            epochs[body.item] = record.epoch
    return epochs


def _listed(late: Sequence[_Late], decided: Collection[str]) -> list[_Late]:
    """One for each epoch and item: the last that may be adopted, else the last that waits, or the
    last of all. And every one that was decided on, which may count, whatever arrived after it."""
    groups: dict[tuple[int, str], list[_Late]] = defaultdict(list)
    for one in late:
        groups[one.record.epoch, one.body.item].append(one)
    last = {max(group, key=_rank).row.id for group in groups.values()}
    listed = [one for one in late if one.row.id in last or one.row.id in decided]
    return sorted(listed, key=lambda one: (one.record.epoch, one.record.sequence))


def _rank(one: _Late) -> tuple[bool, bool, int]:
    return one.standing in MAY_BE_ADOPTED, one.standing in WAITS, one.record.sequence


def _response(body: Answered) -> Response | None:
    response = None if body.response is None else from_plain(body.response)
    return None if response is None or response.is_empty else response


def _decisions(session: Session, attempt: Attempt) -> dict[str, LateDecision]:
    rows = session.exec(
        select(LateDecision).where(
            LateDecision.centre_id == attempt.centre_id, LateDecision.attempt_id == attempt.id
        )
    )
    return {row.evidence_id: row for row in rows}
