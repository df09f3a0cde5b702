"""The move token: whole, signed, and the last word of the journal that it ends."""

import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from exam_server.contract import journal_file
from exam_server.contract.errors import ContractError
from exam_server.contract.journal_file import DamagedFileError, Header, moved_entry, record_entry
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.records import Record, Visited, WritingKeys, genesis

NOW = datetime(2027, 6, 9, 1, 30, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
KEYS = WritingKeys("t", 1, bytes(32), bytes(32))


def token(**changes: object) -> MoveToken:
    fields = {
        "attempt": "t", "station": "s", "epoch": 1, "sequence": 0, "head": genesis("t"),
        "seat": None, "at": NOW,
    }  # fmt: skip
    return MoveToken(**{**fields, **changes})  # type: ignore[arg-type]


@given(
    epoch=st.integers(1, 2**31 - 2),
    sequence=st.integers(0, 2**31 - 1),
    head=st.binary(min_size=32, max_size=32),
    seat=st.none() | st.text(max_size=20),
    milliseconds=st.integers(0, 4_000_000_000_000),
)
def test_a_token_comes_back_as_it_went(
    epoch: int, sequence: int, head: bytes, seat: str | None, milliseconds: int
) -> None:
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    sent = token(epoch=epoch, sequence=sequence, head=head, seat=seat, at=at)
    signed = SignedMoveToken.from_bytes(SignedMoveToken.sign(sent, KEY).to_bytes())
    assert signed.check(KEY.public_key()) == sent


def test_only_the_stations_own_signature_is_believed() -> None:
    signed = SignedMoveToken.sign(token(), KEY)
    with pytest.raises(ContractError, match="not signed"):
        signed.check(Ed25519PrivateKey.generate().public_key())
    other = SignedMoveToken(token(sequence=5).to_bytes(), signed.signature)
    with pytest.raises(ContractError, match="not signed"):
        other.check(KEY.public_key())


@given(st.binary(max_size=200))
def test_anything_else_is_refused(data: bytes) -> None:
    for read in (MoveToken.from_bytes, SignedMoveToken.from_bytes):
        with pytest.raises(ContractError):
            read(data)


def test_a_token_whose_fields_are_of_the_wrong_kind_is_refused() -> None:
    for changes in ({"epoch": 0}, {"sequence": -1}, {"head": b"short"}, {"epoch": 2**31 - 1}):
        with pytest.raises(ContractError):
            MoveToken.from_bytes(token(**changes).to_bytes())


def journal(count: int) -> tuple[bytes, list[Record]]:
    records: list[Record] = []
    for sequence in range(1, count + 1):
        previous = records[-1].head if records else genesis("t")
        record = KEYS.seal(
            Visited("a"), sequence=sequence, previous=previous, acknowledged=0, at=1, rng=os.urandom
        )
        records.append(record)
    return journal_file.begin(Header("t", b"w", b"r"), records), records


def test_a_token_ends_its_journal() -> None:
    data, records = journal(3)
    signed = SignedMoveToken.sign(token(sequence=3, head=records[-1].head), KEY)
    contents = journal_file.read(data + moved_entry(signed))
    assert contents.moved == signed and contents.records == tuple(records)
    torn = journal_file.read(data + moved_entry(signed)[:-5])
    assert torn.moved is None and torn.torn > 0


def test_nothing_follows_a_token_and_it_speaks_of_what_is_before_it() -> None:
    data, records = journal(3)
    signed = SignedMoveToken.sign(token(sequence=3, head=records[-1].head), KEY)
    more = journal(4)[1][3]
    with pytest.raises(DamagedFileError, match="behind the move token"):
        journal_file.read(data + moved_entry(signed) + record_entry(more))
    for false in (token(sequence=2, head=records[1].head), token(attempt="u", sequence=3)):
        with pytest.raises(DamagedFileError, match="other records"):
            journal_file.read(data + moved_entry(SignedMoveToken.sign(false, KEY)))
