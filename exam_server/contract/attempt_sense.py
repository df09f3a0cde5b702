"""Whether the parts of an exported attempt agree with each other; pure.

The chain binds the records to each other and to the head that the facts name; stations signed
heads on the way; the receipt names the same head; officers' words speak of evidence that is there.
Where the attempt's key is given, every record and all adopted evidence must open under it, and the
receipt count the answers that count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exam_server.contract.answers import responses_of
from exam_server.contract.attempt_export import (
    AttemptKey,
    ConflictFact,
    Facts,
    KeptEvidence,
    KeptHead,
    KeptReceipt,
    KeptRecord,
    LeaseFact,
    LedgerFact,
    OfficersWord,
    Part,
    RivalLeaseFact,
)
from exam_server.contract.errors import ContractError
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import Record, SignedHead, genesis
from question_bank.errors import MalformedError

Of = TypeVar("Of", bound=Part)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`part` does not agree with the others."""

    part: str
    why: str


def contradictions(parts: Sequence[Part], server: Ed25519PublicKey) -> Iterator[Contradiction]:
    """Everything that does not fit together. `server` is the key that receipts are signed with."""
    facts = _all(Facts, parts)
    if len(facts) != 1:
        yield Contradiction("facts", f"there are {len(facts)}, not one")
        return
    about = facts[0]
    leases = {lease.epoch: lease for lease in _all(LeaseFact, parts)}
    kept = _all(KeptRecord, parts)
    records = list(_readable(kept))
    yield from _unreadable(kept)
    yield from _chain(about, records)
    yield from _leases(records, leases)
    yield from _heads(_all(KeptHead, parts), about, records, leases)
    yield from _ledger(_all(LedgerFact, parts))
    evidence, words = _all(KeptEvidence, parts), _all(OfficersWord, parts)
    yield from _conflicts(_all(ConflictFact, parts), about, records, evidence)
    yield from _evidence(evidence, about, leases, _all(RivalLeaseFact, parts))
    yield from _words(words, evidence)
    for receipt in _all(KeptReceipt, parts):
        yield from _receipt(receipt, about, server)
    for key in _all(AttemptKey, parts):
        adopted = adopted_evidence(parts)
        yield from _opened(key.key, records, adopted, _all(KeptReceipt, parts))


def _all(kind: type[Of], parts: Sequence[Part]) -> list[Of]:
    return [part for part in parts if isinstance(part, kind)]


def _readable(kept: Sequence[KeptRecord | KeptEvidence]) -> Iterator[Record]:
    for one in kept:
        try:
            yield Record.from_bytes(one.data)
        except ContractError:
            continue


def _unreadable(kept: Sequence[KeptRecord]) -> Iterator[Contradiction]:
    for one in kept:
        try:
            if Record.from_bytes(one.data).sequence != one.sequence:
                yield Contradiction(one.name, "it tells another number of itself")
        except ContractError as error:
            yield Contradiction(one.name, str(error))


def _chain(about: Facts, records: Sequence[Record]) -> Iterator[Contradiction]:
    """Numbers without a gap, and the chain: from its end back to the first break, which names the
    record that was changed, and from its beginning."""
    for number, record in enumerate(records, 1):
        if (record.attempt, record.sequence) != (about.attempt, number):
            yield Contradiction(f"record {record.sequence}", f"record {number} should be here")
            return
    if len(records) != about.sequence:
        yield Contradiction(f"record {len(records) + 1}", f"there should be {about.sequence}")
        return
    expected = about.head
    for record in reversed(records):
        if record.head != expected:
            yield Contradiction(f"record {record.sequence}", "it is not the one that was chained")
            break
        expected = record.previous
    else:
        if expected != genesis(about.attempt):
            yield Contradiction("record 1", "the chain does not begin with this attempt")


def _leases(records: Sequence[Record], leases: dict[int, LeaseFact]) -> Iterator[Contradiction]:
    epoch = 0
    for record in records:
        if record.epoch < epoch:
            yield Contradiction(f"record {record.sequence}", "it is of an older lease")
        if record.epoch not in leases:
            yield Contradiction(f"record {record.sequence}", f"there is no lease {record.epoch}")
        epoch = max(epoch, record.epoch)


def _heads(
    heads: Sequence[KeptHead],
    about: Facts,
    records: Sequence[Record],
    leases: dict[int, LeaseFact],
) -> Iterator[Contradiction]:
    chain = {record.sequence: record.head for record in records}
    chain[0] = genesis(about.attempt)
    for kept in heads:
        lease = leases.get(kept.epoch)
        if lease is None:
            yield Contradiction(kept.name, f"there is no lease {kept.epoch}")
            continue
        if chain.get(kept.sequence) != kept.head:
            yield Contradiction(kept.name, "it is not over these records")
        signed = SignedHead(about.attempt, kept.epoch, kept.sequence, kept.head, kept.signature)
        try:
            signed.check(Ed25519PublicKey.from_public_bytes(lease.signing_key))
        except (ContractError, ValueError):
            yield Contradiction(kept.name, "the station did not sign it")


def _ledger(entries: Sequence[LedgerFact]) -> Iterator[Contradiction]:
    for number, one in enumerate(entries, 1):
        if one.position != number:
            yield Contradiction(one.name, f"entry {number} should be here")
            return


def _conflicts(
    conflicts: Sequence[ConflictFact],
    about: Facts,
    records: Sequence[Record],
    evidence: Sequence[KeptEvidence],
) -> Iterator[Contradiction]:
    """Each forks from a record that counts, or from one that another conflict laid aside."""
    heads = {(record.sequence, record.head) for record in (*records, *_readable(evidence))}
    heads.add((0, genesis(about.attempt)))
    for one in conflicts:
        if (one.fork_sequence, one.fork_head) not in heads:
            yield Contradiction(one.name, "it does not fork from these records")


def _evidence(
    evidence: Sequence[KeptEvidence],
    about: Facts,
    leases: dict[int, LeaseFact],
    rivals: Sequence[RivalLeaseFact],
) -> Iterator[Contradiction]:
    held = {(lease.epoch, lease.station) for lease in leases.values()}
    held |= {(rival.epoch, rival.station) for rival in rivals}
    for kept in evidence:
        try:
            record = Record.from_bytes(kept.data)
        except ContractError as error:
            yield Contradiction(kept.name, str(error))
            continue
        if record.attempt != about.attempt:
            yield Contradiction(kept.name, "it is of another attempt")
        elif (record.epoch, kept.station) not in held:
            yield Contradiction(kept.name, "its station had no such lease")


def _words(
    words: Sequence[OfficersWord], evidence: Sequence[KeptEvidence]
) -> Iterator[Contradiction]:
    numbers = {kept.number for kept in evidence}
    for word in words:
        if word.evidence not in numbers:
            yield Contradiction(word.name, "there is no such evidence")
        numbers.discard(word.evidence)


def adopted_evidence(parts: Sequence[Part]) -> list[KeptEvidence]:
    """The evidence that counts by an officer's word."""
    adopted = {word.evidence for word in _all(OfficersWord, parts) if word.adopted}
    return [kept for kept in _all(KeptEvidence, parts) if kept.number in adopted]


def _receipt(kept: KeptReceipt, about: Facts, server: Ed25519PublicKey) -> Iterator[Contradiction]:
    try:
        receipt = Receipt.from_bytes(kept.body)
        receipt.check(kept.signature, server)
    except ContractError as error:
        yield Contradiction(kept.name, str(error))
        return
    said = (receipt.attempt, receipt.realm, receipt.registration_number, receipt.paper)
    if said != (about.attempt, about.realm, about.registration_number, about.paper):
        yield Contradiction(kept.name, "it is of another attempt")
    if (receipt.code, receipt.sequence, receipt.head) != (about.code, about.sequence, about.head):
        yield Contradiction(kept.name, "it speaks of other records")


def _opened(
    key: bytes,
    records: Sequence[Record],
    adopted: Sequence[KeptEvidence],
    receipts: Sequence[KeptReceipt],
) -> Iterator[Contradiction]:
    named = [(f"record {record.sequence}", record) for record in records]
    named += [(kept.name, record) for kept in adopted for record in _readable([kept])]
    for name, record in named:
        try:
            responses_of([record], key)
        except (ContractError, MalformedError) as error:
            yield Contradiction(name, str(error))
            return
    answered = responses_of([record for _, record in named], key)
    for kept in receipts:
        counted = _counted(kept)
        if counted is not None and counted != len(answered):
            yield Contradiction(kept.name, f"it counts {counted} answers of {len(answered)}")


def _counted(kept: KeptReceipt) -> int | None:
    try:
        return Receipt.from_bytes(kept.body).answered
    except ContractError:
        return None  # told of already
