"""What was promised, compared with what is there: L.

A change is promised once a candidate has seen it (`shown`: it was written to the journal) or the
server has acknowledged it, to whomever. It must then be there, under its number, with the very
bytes (the chain's value says so): at every kill in what is left of the side that promised it, since
the other side's copy may be gone as well; in the end in the server's chain, and in the journal too.
Of a candidate who was moved, what the former kiosk still had is in the chain or kept as evidence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import Engine
from sqlmodel import Session, select

from exam_server import db
from exam_server.attempts import records_kept
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    IssuedReceipt,
    JournalRecord,
)
from exam_server.contract import journal_file
from exam_server.contract.errors import ContractError
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import Answered, Record
from exam_server.keys import ServerKeys
from faults.proxy import Said
from question_bank.response import Response, from_plain

Head = str
#: An attempt and the number of a change in it; 0 stands for the attempt as a whole.
Change = tuple[str, int]
#: Attempt → number → the chain's value there.
Chains = dict[str, dict[int, Head]]
#: Attempt → number → chain values: several where it was written at more than one station.
Forks = dict[str, dict[int, set[Head]]]


@dataclass(slots=True)
class Promises:
    """What stations and candidates were told, by attempt, number and chain value."""

    shown: set[tuple[str, int, Head]] = field(default_factory=set)
    acknowledged: set[tuple[str, int, Head]] = field(default_factory=set)
    receipts: set[tuple[str, int, Head]] = field(default_factory=set)

    @property
    def changes(self) -> set[Change]:
        """What was promised at all."""
        return {(attempt, number) for attempt, number, _ in self.shown | self.acknowledged}

    def hear(self, lines: Iterable[dict[str, object]]) -> None:
        """What robots witnessed."""
        kept = {
            "shown": self.shown,
            "acknowledged": self.acknowledged,
            "receipt": self.receipts,
        }
        for line in lines:
            told = (str(line["attempt"]), int(str(line["sequence"])), str(line["head"]))
            kept[str(line["event"])].add(told)

    def hear_said(self, said: Iterable[Said]) -> None:
        """What the proxy saw the server say."""
        for one in said:
            if one.sequence:
                self.acknowledged.add((one.attempt, one.sequence, one.head.hex()))


@dataclass(slots=True)
class Losses:
    """What was found to be lost, by name of the finding."""

    found: dict[str, set[Change]] = field(default_factory=dict)

    def add(self, name: str, changes: set[Change]) -> None:
        if changes:
            self.found.setdefault(name, set()).update(changes)

    @property
    def count(self) -> int:
        """L: how many changes; one that is lost in two ways is one."""
        return len(set().union(*self.found.values()))

    def told(self) -> dict[str, list[str]]:
        return {
            name: [f"{attempt}/{number}" for attempt, number in sorted(changes)]
            for name, changes in self.found.items()
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lost` counts changes; `findings` names them."""

    lost: int
    promised: int
    findings: dict[str, list[str]]


def missing_at_server(engine: Engine, promises: Promises) -> set[Change]:
    """Of what the server acknowledged, what its database does not hold."""
    with db.reading(engine) as session:
        held = _held(session)
    return _missing(promises.acknowledged, held) | _gaps(promises, held)


def missing_in_journals(promises: Promises, journals: Iterable[Path]) -> set[Change]:
    """Of what candidates have seen, what the journals of their stations do not hold."""
    return _not_in(_written(journals)[0], promises.shown)


def missing_of_shown(engine: Engine, promises: Promises) -> set[Change]:
    """Of what candidates have seen, what the server has neither in its chain nor as evidence."""
    with db.reading(engine) as session:
        return _not_in(_kept(session, _held(session)), promises.shown)


def judge(
    engine: Engine,
    keys: ServerKeys,
    promises: Promises,
    journals: Iterable[Path],
    losses: Losses,
) -> Verdict:
    """Compares promises, the stations' journals and the server's records in the end; `losses` are
    those found on the way."""
    with db.reading(engine) as session:
        held = _held(session)
        kept = _kept(session, held)
        broken = _broken(session)
        answers = {
            attempt.id: records_kept.final_responses(session, attempt, keys)
            for attempt in session.exec(select(Attempt))
            if attempt.id not in broken
        }
        receipts = _receipts(session)
    written, damaged = _written(journals)
    last: dict[str, set[Change]] = {
        "acknowledged_not_held": _missing(promises.acknowledged, held) | _gaps(promises, held),
        "shown_not_kept": _not_in(kept, promises.shown),
        "receipt_not_held": _missing(promises.receipts, held),
        "journal_not_kept": {
            (attempt, number)
            for attempt, chain in written.items()
            for number, heads in chain.items()
            if heads - kept.get(attempt, {}).get(number, set())
        },
        "chain_broken": {(attempt, 0) for attempt in broken},
        "journal_damaged": {(attempt, 0) for attempt in damaged},
        "answers_differ": _differing(journals, keys, answers, held),
        "receipt_differs": {
            (attempt, number)
            for attempt, number, head in receipts
            if (attempt, number, head) not in promises.receipts and attempt in _of(promises)
        },
    }
    for name, changes in last.items():
        losses.add(name, changes)
    return Verdict(losses.count, len(promises.changes), losses.told())


def _of(promises: Promises) -> set[str]:
    return {attempt for attempt, _, _ in promises.receipts}


def _missing(told: set[tuple[str, int, Head]], held: Chains) -> set[Change]:
    return {(a, n) for a, n, head in told if held.get(a, {}).get(n) != head}


def _not_in(there: Forks, told: set[tuple[str, int, Head]]) -> set[Change]:
    return {(a, n) for a, n, head in told if head not in there.get(a, {}).get(n, ())}


def _gaps(promises: Promises, held: Chains) -> set[Change]:
    """An acknowledgement speaks of every record up to its own."""
    highest: dict[str, int] = {}
    for attempt, number, _ in promises.acknowledged:
        highest[attempt] = max(number, highest.get(attempt, 0))
    return {
        (attempt, number)
        for attempt, top in highest.items()
        for number in range(1, top + 1)
        if number not in held.get(attempt, {})
    }


def _held(session: Session) -> Chains:
    chains: Chains = {}
    for kept in session.exec(select(JournalRecord)):
        record = Record.from_bytes(kept.data)
        chains.setdefault(kept.attempt_id, {})[kept.sequence] = record.head.hex()
    return chains


def _kept(session: Session, held: Chains) -> Forks:
    """The chains, and what is kept beside them as evidence of a lease that was taken over.

    A record of the lease in force is no evidence: that one has to be in the chain.
    """
    kept: Forks = {
        attempt: {number: {head} for number, head in chain.items()}
        for attempt, chain in held.items()
    }
    epochs = dict(session.exec(select(Attempt.id, Attempt.epoch)).all())
    for one in session.exec(select(EvidenceRecord)):
        record = Record.from_bytes(one.data)
        if record.epoch < epochs[one.attempt_id]:
            chain = kept.setdefault(one.attempt_id, {})
            chain.setdefault(record.sequence, set()).add(record.head.hex())
    return kept


def _broken(session: Session) -> set[str]:
    """Attempts whose chain does not hold from its first record to its last."""
    found = set()
    for attempt in session.exec(select(Attempt)):
        try:
            for _ in records_kept.records_of(session, attempt):
                pass
        except ContractError:
            found.add(attempt.id)
    return found


def _receipts(session: Session) -> set[tuple[str, int, Head]]:
    bodies = [Receipt.from_bytes(one.body) for one in session.exec(select(IssuedReceipt))]
    return {(body.attempt, body.sequence, body.head.hex()) for body in bodies}


def _written(journals: Iterable[Path]) -> tuple[Forks, set[str]]:
    chains: Forks = {}
    damaged = set()
    for path in journals:
        try:
            contents = journal_file.read(path.read_bytes())
        except journal_file.DamagedFileError:
            damaged.add(path.parent.name)
            continue
        chain = chains.setdefault(contents.header.attempt, {})
        for record in contents.records:
            chain.setdefault(record.sequence, set()).add(record.head.hex())
    return chains, damaged


def _differing(
    journals: Iterable[Path],
    keys: ServerKeys,
    answers: dict[str, dict[str, Response]],
    held: Chains,
) -> set[Change]:
    """Attempts whose answers, as the server derives them, are not those of the journal that the
    chain ends with; some station must have that one."""
    found = {(attempt, 0) for attempt in held}
    for path in journals:
        try:
            contents = journal_file.read(path.read_bytes())
        except journal_file.DamagedFileError:
            continue
        attempt, chain = contents.header.attempt, held.get(contents.header.attempt, {})
        last = contents.records[-1].head.hex() if contents.records else None
        is_last = last is not None and chain.get(max(chain, default=0)) == last
        if is_last and answers.get(attempt) == _answers(contents, keys):
            found.discard((attempt, 0))
    return found


def _answers(contents: journal_file.Contents, keys: ServerKeys) -> dict[str, Response]:
    key = attempt_key_of(keys, contents.header.attempt)
    answers: dict[str, Response] = {}
    for record in contents.records:
        body, _ = record.open(key)
        if isinstance(body, Answered):
            answers.pop(body.item, None)
            if body.response is not None:
                answers[body.item] = from_plain(body.response)
    return answers
