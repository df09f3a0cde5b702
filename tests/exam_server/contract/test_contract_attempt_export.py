"""An exported attempt: any bit changed, part dropped, reordered or cut off is named."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from exported_attempts import (
    ATTEMPT,
    KEY,
    NOON,
    SERVER,
    STATIONS,
    chain,
    exported,
    kept_head,
    sealed,
    with_record,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from exam_server.contract.answers import responses_of
from exam_server.contract.attempt_export import (
    FRAMING,
    MAGIC,
    AttemptExport,
    KeptEvidence,
    KeptReceipt,
    OfficersWord,
    Part,
    file_of,
    part_of,
)
from exam_server.contract.attempt_proof import Fault, Flaw, prove
from exam_server.contract.entries import entry
from exam_server.contract.errors import ContractError
from exam_server.contract.receipt import Receipt
from exam_server.contract.records import Answered, Flagged, Record

EXPORT = exported()
PARTS = list(EXPORT.parts())
WHOLE = EXPORT.to_bytes(SERVER)
PUBLIC = SERVER.public_key()


def spans() -> list[tuple[str, int, int]]:
    """Name, begin and end of the file's first bytes, its manifest and every part."""
    found, at, names = [("first bytes", 0, len(MAGIC))], len(MAGIC), ["manifest"]
    names += [part.name for part in PARTS]
    for name in names:
        one = FRAMING.entry_at(WHOLE, at)
        assert one is not None
        found.append((name, at, one.end))
        at = one.end
    assert at == len(WHOLE)
    return found


SPANS = spans()


def faults(data: bytes) -> list[tuple[str, Flaw]]:
    return [(fault.part, fault.flaw) for fault in prove(data, PUBLIC).faults]


def part_bytes(number: int) -> bytes:
    _name, start, end = SPANS[number + 2]
    return WHOLE[start:end]


def of_parts(numbers: Sequence[int]) -> bytes:
    """The file with these parts, in this order, under the manifest of the whole one."""
    return WHOLE[: SPANS[1][2]] + b"".join(map(part_bytes, numbers))


def test_what_was_exported_holds() -> None:
    proof = prove(WHOLE, PUBLIC)
    assert proof.holds and proof.opened
    assert proof.facts == EXPORT.facts
    counts = {"lease": 2, "record": 6, "head": 2, "ledger": 2, "conflict": 1, "evidence": 1}
    counts["adopted"] = 0
    assert proof.counts == counts
    bare = replace(EXPORT, key=None)
    proof = prove(bare.to_bytes(SERVER), PUBLIC)
    assert proof.holds and not proof.opened


def test_parts_come_back() -> None:
    assert [part_of(part.kind, part.to_bytes()) for part in PARTS] == PARTS
    for part in PARTS:
        with pytest.raises(ContractError):
            part_of(part.kind, part.to_bytes()[:-1])
        with pytest.raises(ContractError):
            part_of(part.kind % 8 + 2, part.to_bytes())


def test_another_servers_signature_counts_for_nothing() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"O" * 32)
    assert ("manifest", Flaw.NOT_SIGNED) in faults(EXPORT.to_bytes(other))
    assert faults(b"") != [] and faults(MAGIC) != []


@settings(max_examples=400, deadline=None)
@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_any_bit_changed_is_named(at: int, bit: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] ^= 1 << bit
    name = next(name for name, start, end in SPANS if start <= at < end)
    found = faults(bytes(changed))
    expected = Flaw.MISSING if name == "manifest" else Flaw.CHANGED
    assert found == [(name, expected)]


@given(st.integers(0, len(PARTS) - 1))
def test_any_part_dropped_is_named(number: int) -> None:
    rest = [place for place in range(len(PARTS)) if place != number]
    assert faults(of_parts(rest)) == [(PARTS[number].name, Flaw.MISSING)]


@given(st.sets(st.integers(0, len(PARTS) - 1), min_size=1))
def test_any_parts_dropped_are_named(numbers: set[int]) -> None:
    rest = [place for place in range(len(PARTS)) if place not in numbers]
    assert faults(of_parts(rest)) == [(PARTS[n].name, Flaw.MISSING) for n in sorted(numbers)]


@given(st.permutations(range(len(PARTS))))
def test_any_order_but_the_right_one_is_named(order: list[int]) -> None:
    found = faults(of_parts(order))
    assert bool(found) == (order != sorted(order))
    assert all(flaw is Flaw.OUT_OF_PLACE for _name, flaw in found)
    moved = {name for name, _flaw in found}
    still = [place for place in order if PARTS[place].name not in moved]
    assert still == sorted(still)


@given(st.integers(0, len(PARTS) - 1), st.integers(0, len(PARTS)))
def test_a_part_given_twice_is_named(number: int, at: int) -> None:
    order = list(range(len(PARTS)))
    order.insert(at, number)
    found = faults(of_parts(order))
    assert (PARTS[number].name, Flaw.TWICE) in found
    assert {flaw for _name, flaw in found} <= {Flaw.TWICE, Flaw.OUT_OF_PLACE}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
def test_whatever_is_cut_off_is_named(cut: int) -> None:
    found = faults(WHOLE[:cut])
    lost = [name for name, _start, end in SPANS if end > cut]
    if lost[0] in ("first bytes", "manifest"):
        assert ("manifest", Flaw.MISSING) in found
        return
    assert [name for name, _flaw in found] == lost


@settings(max_examples=100, deadline=None)
@given(at=st.integers(len(MAGIC), len(WHOLE)), more=st.binary(min_size=1, max_size=40))
def test_bytes_put_in_are_named(at: int, more: bytes) -> None:
    longer = WHOLE[:at] + more + WHOLE[at:]
    if longer != WHOLE:
        assert faults(longer)


def signed(parts: Sequence[Part]) -> list[Fault]:
    """The faults of a file that the server signed, whatever is in it."""
    return list(prove(file_of(ATTEMPT, list(parts), SERVER), PUBLIC).faults)


def test_a_part_changed_with_its_checksums_is_named() -> None:
    """Not by accident: whoever changes it computes the CRCs anew."""
    other = sealed(1, Flagged("b", False), 3, chain()[1].head)
    forged = replace(EXPORT.records[2], data=other.to_bytes())
    data = WHOLE.replace(part_bytes(5), entry(forged.kind, forged.to_bytes()))
    assert PARTS[5].name == "record 3"
    assert faults(data) == [("record 3", Flaw.CHANGED)]


def named(export: AttemptExport) -> list[str]:
    found = signed(list(export.parts()))
    assert all(fault.flaw is Flaw.CONTRADICTS for fault in found)
    return [fault.part for fault in found]


def test_what_a_server_signed_must_make_sense() -> None:
    records = chain()
    assert named(EXPORT) == []
    other = sealed(1, Flagged("b", False), 3, records[1].head)
    assert "record 3" in named(with_record(EXPORT, 3, other))
    alien = sealed(3, Flagged("b", False), 6, records[4].head)
    assert "record 6" in named(with_record(EXPORT, 6, alien))
    assert "record 6" in named(replace(EXPORT, records=EXPORT.records[:-1]))
    assert "record 2" in named(replace(EXPORT, records=EXPORT.records[1:]))
    swapped = (EXPORT.records[1], EXPORT.records[0], *EXPORT.records[2:])
    assert "record 2" in named(replace(EXPORT, records=swapped))
    mislabelled = replace(EXPORT.records[0], sequence=9)
    assert "record 9" in named(replace(EXPORT, records=(mislabelled, *EXPORT.records[1:])))
    assert named(replace(EXPORT, leases=EXPORT.leases[:1])) == [
        "record 4", "record 5", "record 6", "signed head 2/6",
    ]  # fmt: skip
    forged = replace(kept_head(records[2]), signature=bytes(64))
    assert named(replace(EXPORT, heads=(forged,))) == ["signed head 1/3"]
    misplaced = replace(kept_head(records[2]), sequence=2)
    assert "signed head 1/2" in named(replace(EXPORT, heads=(misplaced,)))
    assert named(replace(EXPORT, ledger=EXPORT.ledger[1:])) == ["ledger entry 2"]
    assert EXPORT.receipt is not None
    unsigned = replace(EXPORT.receipt, signature=STATIONS[0].sign(EXPORT.receipt.body))
    assert named(replace(EXPORT, receipt=unsigned)) == ["receipt"]
    evidence = KeptEvidence(1, records[3].to_bytes(), "station-1", "fork", EXPORT.facts.admitted_at)
    assert named(replace(EXPORT, evidence=(evidence,))) == ["evidence 1"]
    assert named(replace(EXPORT, facts=replace(EXPORT.facts, registration_number="9"))) == [
        "receipt"
    ]


def test_conflicts_and_officers_words_must_make_sense() -> None:
    (conflict,), (word,) = EXPORT.conflicts, EXPORT.words
    opposite = replace(word, adopted=True)
    assert named(replace(EXPORT, conflicts=(replace(conflict, fork_sequence=2),))) == ["conflict 1"]
    assert named(replace(EXPORT, words=(replace(word, evidence=2),))) == ["word on evidence 2"]
    assert named(replace(EXPORT, words=(word, opposite))) == ["word on evidence 1"]
    rivals = KeptEvidence(1, chain()[3].to_bytes(), "station-3", "lease_conflict", NOON)
    assert named(replace(EXPORT, evidence=(rivals,))) == []
    assert named(replace(EXPORT, evidence=(rivals,), rival_leases=())) == ["evidence 1"]


def test_with_the_key_adopted_answers_are_counted_like_those_kept() -> None:
    records = chain()
    late = [
        sealed(1, Answered(item, {"kind": "single", "options": ["o9"]}), 4, records[2].head)
        for item in ("b", "c")
    ]
    evidence = tuple(
        KeptEvidence(number, record.to_bytes(), "station-1", "superseded_lease", NOON)
        for number, record in enumerate(late, 1)
    )
    words = tuple(OfficersWord(number, True, NOON) for number in (1, 2))
    adopted = replace(EXPORT, evidence=evidence, words=words)
    assert named(adopted) == ["receipt"]  # which counts one, and b and c are answered
    assert EXPORT.receipt is not None
    receipt = replace(Receipt.from_bytes(EXPORT.receipt.body), answered=2)
    again = replace(adopted, receipt=KeptReceipt(receipt.to_bytes(), receipt.sign(SERVER)))
    assert named(again) == []
    assert prove(again.to_bytes(SERVER), PUBLIC).counts["adopted"] == 2
    kept = [Record.from_bytes(one.data) for one in again.records]
    counted = responses_of([*kept, *late], KEY)
    assert {item: answer.options for item, answer in counted.items()} == {
        "b": ("o2",),
        "c": ("o9",),
    }
    bare = replace(again, words=(replace(words[0], adopted=False), words[1]))
    assert named(bare) == []  # what was answered again later stands in any case
    wrong = replace(again, evidence=(evidence[0], replace(evidence[1], data=b"?")))
    assert "evidence 2" in named(wrong)


def test_with_the_key_the_answers_are_counted() -> None:
    records = chain()
    assert EXPORT.key is not None
    wrong = replace(EXPORT, key=replace(EXPORT.key, key=bytes(32)))
    assert named(wrong) == ["record 1"]
    last = sealed(2, Answered("b", None), 6, records[4].head)
    shorter = with_record(EXPORT, 6, last)
    facts = replace(EXPORT.facts, head=last.head)
    found = signed(list(replace(shorter, facts=facts, heads=()).parts()))
    assert any("counts 1 answers of 0" in fault.detail for fault in found)


def test_without_a_manifest_the_chain_still_names_what_was_changed() -> None:
    other = sealed(1, Flagged("b", False), 3, chain()[1].head)
    changed = with_record(EXPORT, 3, other).to_bytes(SERVER)
    start, end = SPANS[1][1:]
    found = faults(changed[:start] + changed[end:])
    assert found[0] == ("manifest", Flaw.MISSING)
    assert ("record 3", Flaw.CONTRADICTS) in found


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(data: bytes) -> None:
    for candidate in (data, MAGIC + data, WHOLE[: SPANS[3][2]] + data):
        assert not prove(candidate, PUBLIC).holds
