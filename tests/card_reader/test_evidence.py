"""Evidence: deterministic bytes, strict parsing, nothing but our errors on hostile bytes."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.access.pace import ChipMapping
from card_reader.errors import MalformedEvidenceError
from card_reader.evidence import (
    DOMAIN,
    MAX_EVIDENCE,
    Access,
    AccessPolicy,
    AccessProtocol,
    Challenge,
    ChipAuthenticationRecord,
    ChipEvidence,
    Downgrade,
    Freshness,
    PasswordKind,
    Step,
)
from card_reader.lds.security_infos import Mapping

TEXT = st.text(max_size=20)
NUMBER = st.integers(0, 1 << 31)
BYTES = st.binary(max_size=40)
NOT_PACE = st.builds(
    Access,
    protocol=st.sampled_from([AccessProtocol.BAC, AccessProtocol.NONE]),
    downgrade=st.none() | st.sampled_from(Downgrade),
)
PACE = st.builds(
    Access,
    protocol=st.just(AccessProtocol.PACE),
    mapping=st.sampled_from([Mapping.GENERIC, Mapping.INTEGRATED]),
    password=st.sampled_from(PasswordKind),
    oid=TEXT,
    parameter_id=st.none() | NUMBER,
)
RECORD = st.builds(
    ChipAuthenticationRecord,
    oid=TEXT,
    key_id=st.none() | NUMBER,
    terminal_public_key=BYTES,
    session=st.none() | TEXT,
    response=BYTES,
)
EVIDENCE = st.builds(
    ChipEvidence,
    files=st.dictionaries(
        st.sampled_from(["EF.SOD", "EF.DG1", "EF.CardAccess", "EF.CardSecurity", "EF.ATR/INFO"]),
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
    access=NOT_PACE | PACE,
    chip_authentication=st.none() | RECORD,
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
RICH = replace(
    SIMPLE,
    access=Access(
        AccessProtocol.PACE,
        mapping=Mapping.CHIP_AUTHENTICATION,
        password=PasswordKind.CAN,
        oid="0.4.0.127.0.7.2.2.4.6.4",
        parameter_id=16,
    ),
    chip_authentication=ChipAuthenticationRecord("1.2.3", 7, b"\x04\x05", "run", b"\x90\x00"),
    chip_mapping=ChipMapping(b"\x04\x01", b"\x02"),
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


def test_every_proof_and_protocol_is_kept() -> None:
    assert ChipEvidence.from_bytes(RICH.to_bytes()) == RICH


def changed(evidence: ChipEvidence = SIMPLE, **values: object) -> bytes:
    content = cbor2.loads(evidence.to_bytes())
    content[2].update(values)
    return cbor2.dumps(content, canonical=True)


def within(name: str, **values: object) -> bytes:
    """Richer evidence with other values inside one of its parts."""
    part = {**cbor2.loads(RICH.to_bytes())[2][name], **values}
    return changed(RICH, **{name: part})


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
        cbor2.dumps([DOMAIN, 3, cbor2.loads(SIMPLE.to_bytes())[2]], canonical=True),
        cbor2.dumps([DOMAIN, True, cbor2.loads(SIMPLE.to_bytes())[2]], canonical=True),
        changed(chip_mapping={"mapping_public_key": b"", "data": b""}),  # but it was BAC
        within("access", protocol="bac"),
        within("access", mapping=None),
        within("access", oid=None),
        within("access", downgrade="pace_failed"),
        within("access", password="123456"),
        within("access", parameter_id=-1),
        within("access", parameter_id=1 << 63),
        within("access", can="123456"),
        within("chip_authentication", key_id="7"),
        within("chip_authentication", key_id=True),
        within("chip_authentication", response=bytes(2049)),
        within("chip_authentication", oid="1" * 201),
        within("chip_mapping", data="00"),
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


def test_evidence_of_the_first_schema_is_refused_by_name() -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        ChipEvidence.from_bytes(bytes.fromhex(SCHEMA_1))
    assert "schema 1" in str(caught.value) and "schema 2" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("policy", "accepted"),
    [
        (AccessPolicy.PACE_ONLY, {"pace"}),
        (AccessPolicy.BAC_IF_NOT_OFFERED, {"pace", "bac", "bac pace_unsupported", "none"}),
        (
            AccessPolicy.BAC_AFTER_FAILURE,
            {"pace", "bac", "bac pace_unsupported", "bac pace_failed", "none"},
        ),
    ],
)
def test_what_an_access_policy_accepts(policy: AccessPolicy, accepted: set[str]) -> None:
    ways = [
        (AccessProtocol.PACE, None),
        (AccessProtocol.BAC, None),
        (AccessProtocol.BAC, Downgrade.PACE_UNSUPPORTED),
        (AccessProtocol.BAC, Downgrade.PACE_FAILED),
        (AccessProtocol.NONE, None),
    ]
    found = {" ".join(filter(None, way)) for way in ways if policy.accepts(*way)}
    assert found == accepted


def test_the_bytes_of_this_version_stay_readable() -> None:
    """A golden sample: changing the format needs a new schema number."""
    assert SIMPLE.to_bytes().hex() == GOLDEN


SCHEMA_1 = (
    "8378187472756f6e672d7468692f636869702d65766964656e636501a963617472413b6566696c6573a16645"
    "462e534f4442770065737465707381846645462e534f4401020366616363657373a26870726f746f636f6c63"
    "62616369646f776e6772616465f6667265616465726672656164657267726561645f61747820323032362d30"
    "362d30315430303a30303a30302e3030303030302b30303a3030696368616c6c656e6765a362696461636576"
    "616c75654800000000000000006966726573686e6573736773746174696f6e6e7265616465725f7665727369"
    "6f6e6131756163746976655f61757468656e7469636174696f6e4101"
)
GOLDEN = (
    "8378187472756f6e672d7468692f636869702d65766964656e636502ab63617472413b6566696c6573a16645"
    "462e534f4442770065737465707381846645462e534f4401020366616363657373a6636f6964f6676d617070"
    "696e67f66870617373776f7264636d727a6870726f746f636f6c6362616369646f776e6772616465f66c7061"
    "72616d657465725f6964f6667265616465726672656164657267726561645f61747820323032362d30362d30"
    "315430303a30303a30302e3030303030302b30303a3030696368616c6c656e6765a362696461636576616c75"
    "654800000000000000006966726573686e6573736773746174696f6e6c636869705f6d617070696e67f66e72"
    "65616465725f76657273696f6e613173636869705f61757468656e7469636174696f6ef6756163746976655f"
    "61757468656e7469636174696f6e4101"
)
