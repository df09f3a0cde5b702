"""Evidence: deterministic bytes, strict parsing, nothing but our errors on hostile bytes."""

import contextlib
from datetime import UTC, datetime

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.errors import MalformedEvidenceError
from card_reader.evidence import (
    DOMAIN,
    MAX_EVIDENCE,
    Access,
    AccessProtocol,
    Challenge,
    ChipEvidence,
    Freshness,
    Step,
)

TEXT = st.text(max_size=20)
NUMBER = st.integers(0, 1 << 31)
EVIDENCE = st.builds(
    ChipEvidence,
    files=st.dictionaries(
        st.sampled_from(["EF.COM", "EF.SOD", "EF.DG1", "EF.DG15"]),
        st.binary(min_size=1, max_size=40),
    ),
    challenge=st.none()
    | st.builds(
        Challenge,
        id=TEXT,
        value=st.binary(min_size=8, max_size=8),
        freshness=st.sampled_from(Freshness),
    ),
    active_authentication=st.none() | st.binary(max_size=40),
    access=st.builds(Access, protocol=st.sampled_from(AccessProtocol), downgrade=st.none() | TEXT),
    steps=st.lists(
        st.builds(Step, name=TEXT, milliseconds=NUMBER, apdus=NUMBER, bytes=NUMBER), max_size=4
    ).map(tuple),
    atr=st.binary(max_size=33),
    reader=TEXT,
    reader_version=TEXT,
    read_at=st.datetimes(timezones=st.just(UTC)),
)
SIMPLE = ChipEvidence(
    {"EF.SOD": b"\x77\x00"},
    Challenge("c", bytes(8), Freshness.STATION),
    b"\x01",
    Access(AccessProtocol.BAC),
    (Step("EF.SOD", 1, 2, 3),),
    b"\x3b",
    "reader",
    "1",
    datetime(2026, 6, 1, tzinfo=UTC),
)


@given(EVIDENCE)
def test_evidence_survives_its_bytes(evidence: ChipEvidence) -> None:
    raw = evidence.to_bytes()
    assert ChipEvidence.from_bytes(raw) == evidence
    assert ChipEvidence.from_bytes(raw).to_bytes() == raw


@given(st.binary(max_size=200))
def test_hostile_bytes(data: bytes) -> None:
    with pytest.raises(MalformedEvidenceError):
        ChipEvidence.from_bytes(data)


@given(st.data())
def test_a_changed_byte_gives_evidence_or_our_error(data: st.DataObject) -> None:
    raw = bytearray(SIMPLE.to_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedEvidenceError):
        assert ChipEvidence.from_bytes(bytes(raw)).to_bytes() == raw


def changed(**values: object) -> bytes:
    content = cbor2.loads(SIMPLE.to_bytes())
    content[2].update(values)
    return cbor2.dumps(content, canonical=True)


def unordered() -> bytes:
    domain, schema, content = cbor2.loads(SIMPLE.to_bytes())
    return cbor2.dumps([domain, schema, dict(reversed(content.items()))])


@pytest.mark.parametrize(
    "raw",
    [
        SIMPLE.to_bytes() + b"\x00",
        SIMPLE.to_bytes()[:-1],
        bytes(MAX_EVIDENCE + 1),
        unordered(),
        cbor2.dumps(["another/domain", 1, {}], canonical=True),
        cbor2.dumps([DOMAIN, 2, cbor2.loads(SIMPLE.to_bytes())[2]], canonical=True),
        b"\x81" * 100_000,
        changed(password="L898902C"),
        changed(files={"EF.DG99": b"\x01"}),
        changed(files={"EF.DG1": b""}),
        changed(files={"EF.DG1": "text"}),
        changed(read_at="2026-06-01T00:00:00"),
        changed(reader="x" * 201),
        changed(steps=[["a", -1, 0, 0]]),
        changed(steps=[["a", True, 0, 0]]),
        changed(challenge={"id": "c", "value": bytes(7), "freshness": "server"}),
        changed(challenge={"id": "c", "value": bytes(8), "freshness": "tomorrow"}),
    ],
)
def test_only_the_exact_form_is_accepted(raw: bytes) -> None:
    with pytest.raises(MalformedEvidenceError):
        ChipEvidence.from_bytes(raw)


def test_the_first_version_of_the_bytes_stays_readable() -> None:
    """A golden sample: changing the format needs a new schema number."""
    assert SIMPLE.to_bytes().hex() == GOLDEN


GOLDEN = (
    "8378187472756f6e672d7468692f636869702d65766964656e636501a963617472413b6566696c6573a16645"
    "462e534f4442770065737465707381846645462e534f4401020366616363657373a26870726f746f636f6c63"
    "62616369646f776e6772616465f6667265616465726672656164657267726561645f61747820323032362d30"
    "362d30315430303a30303a30302e3030303030302b30303a3030696368616c6c656e6765a362696461636576"
    "616c75654800000000000000006966726573686e6573736773746174696f6e6e7265616465725f7665727369"
    "6f6e6131756163746976655f61757468656e7469636174696f6e4101"
)
