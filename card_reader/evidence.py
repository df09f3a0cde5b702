"""What a reading leaves behind: raw files and transcripts that can be verified again anywhere.

The bytes are deterministic CBOR (RFC 8949 §4.2.1) with a domain tag and a schema version.  No
password and no session key is ever part of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import cbor2

from card_reader.access.pace import ChipMapping
from card_reader.errors import CardReason, MalformedEvidenceError
from card_reader.lds import FILES_BY_NAME, MASTER_FILES_BY_NAME
from card_reader.lds.security_infos import Mapping as PaceMapping

DOMAIN = "truong-thi/chip-evidence"
SCHEMA = 2
MAX_EVIDENCE = 1024 * 1024
MAX_FILE = 256 * 1024
MAX_RESPONSE = 2048
MAX_STEPS = 64
MAX_TEXT = 200
MAX_DEPTH = 8
CHALLENGE_LENGTH = 8
MAX_KEY_ID = 1 << 63
KNOWN_FILES = frozenset({*FILES_BY_NAME, *MASTER_FILES_BY_NAME})


class Freshness(StrEnum):
    """Who chose the challenge; below ``server`` a proctor confirms."""

    SERVER = "server"
    ROOM_CODE = "room_code"
    STATION = "station"


@dataclass(frozen=True, slots=True)
class Challenge:
    """Eight bytes for the chip, the issuer's id of them, and their origin."""

    id: str
    value: bytes
    freshness: Freshness

    def __post_init__(self) -> None:
        if len(self.value) != CHALLENGE_LENGTH:
            raise MalformedEvidenceError("a challenge has eight bytes")


class AccessProtocol(StrEnum):
    """How the chip was opened; ``none``: it asked for nothing."""

    BAC = "bac"
    PACE = "pace"
    NONE = "none"


class PasswordKind(StrEnum):
    """What the password was taken from, never the password."""

    MRZ = "mrz"
    CAN = "can"


class Downgrade(StrEnum):
    """Why the chip was not opened with PACE although it offers that."""

    PACE_FAILED = "pace_failed"
    PACE_UNSUPPORTED = "pace_unsupported"  # it offers none that is known here


class AccessPolicy(StrEnum):
    """Which ways of opening a chip are accepted.

    A PACE that is unknown here is as good as none: whether the offer was genuine shows later,
    when EF.CardAccess is compared with the signed EF.DG14.
    """

    PACE_ONLY = "pace_only"
    BAC_IF_NOT_OFFERED = "bac_if_not_offered"
    BAC_AFTER_FAILURE = "bac_after_failure"

    def accepts(self, protocol: AccessProtocol, downgrade: Downgrade | None) -> bool:
        if protocol is AccessProtocol.PACE:
            return True
        if self is AccessPolicy.PACE_ONLY:
            return False
        return self is AccessPolicy.BAC_AFTER_FAILURE or downgrade is not Downgrade.PACE_FAILED


@dataclass(frozen=True, slots=True)
class Access:
    """How the chip was opened.

    PACE names its protocol (``oid``), its mapping and the standardised group, if it was one;
    ``downgrade`` says why it was not PACE where the chip offered that.
    """

    protocol: AccessProtocol
    downgrade: Downgrade | None = None
    mapping: PaceMapping | None = None
    password: PasswordKind = PasswordKind.MRZ
    oid: str | None = None
    parameter_id: int | None = None

    def __post_init__(self) -> None:
        pace = self.protocol is AccessProtocol.PACE
        named = (self.mapping is not None, self.oid is not None)
        if named != (pace, pace) or (self.parameter_id is not None and not pace):
            raise MalformedEvidenceError("the access names a protocol that was not run")
        if pace and self.downgrade is not None:
            raise MalformedEvidenceError("PACE is no downgrade")
        if not pace and self.password is not PasswordKind.MRZ:
            raise MalformedEvidenceError("only PACE takes a card access number")


@dataclass(frozen=True, slots=True)
class ChipAuthenticationRecord:
    """One run of chip authentication.

    ``session`` names the server's run where a server was the terminal; ``response`` is the
    first response under the new keys, as it was received, and empty where it was not authentic.
    """

    oid: str
    key_id: int | None
    terminal_public_key: bytes
    session: str | None
    response: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the reading: duration, exchanges, bytes both ways."""

    name: str
    milliseconds: int
    apdus: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ChipEvidence:
    """Raw files by name ("EF.SOD", "EF.DG1", ...), the chip's raw proof, and circumstances.

    ``active_authentication`` is the chip's response to ``challenge``, None where not asked;
    ``chip_authentication`` and ``chip_mapping`` (of PACE with chip authentication mapping) are
    None where they were not run.  ``read_at`` is UTC.
    """

    files: Mapping[str, bytes] = field(repr=False)
    challenge: Challenge | None
    active_authentication: bytes | None = field(repr=False)
    access: Access
    steps: tuple[Step, ...]
    atr: bytes
    reader: str
    reader_version: str
    read_at: datetime
    chip_authentication: ChipAuthenticationRecord | None = None
    chip_mapping: ChipMapping | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))
        _check(self)

    def to_bytes(self) -> bytes:
        """Deterministic bytes: equal evidence gives equal bytes."""
        encoded = cbor2.dumps([DOMAIN, SCHEMA, _to_map(self)], canonical=True)
        if len(encoded) > MAX_EVIDENCE:
            raise MalformedEvidenceError("the evidence is too large", CardReason.TOO_LARGE)
        return encoded

    @classmethod
    def from_bytes(cls, raw: bytes) -> "ChipEvidence":
        """Strict inverse of :meth:`to_bytes`; any other bytes raise MalformedEvidenceError."""
        if len(raw) > MAX_EVIDENCE:
            raise MalformedEvidenceError(f"evidence of {len(raw)} bytes", CardReason.TOO_LARGE)
        try:
            outer = cbor2.loads(
                raw, max_depth=MAX_DEPTH, allow_indefinite=False, allow_duplicate_keys=False
            )
        except (cbor2.CBORError, ValueError, OverflowError) as error:
            raise MalformedEvidenceError("the evidence is no CBOR") from error
        if not (isinstance(outer, list) and len(outer) == 3 and outer[0] == DOMAIN):
            raise MalformedEvidenceError("the bytes are no chip evidence")
        if type(outer[1]) is not int or outer[1] != SCHEMA:
            raise MalformedEvidenceError(
                f"the evidence is of schema {outer[1]!r:.20}, this version reads schema {SCHEMA}"
            )
        evidence = _from_map(outer[2])
        if evidence.to_bytes() != raw:
            raise MalformedEvidenceError("the evidence is not in its deterministic form")
        return evidence


def _check(evidence: ChipEvidence) -> None:
    unknown = set(evidence.files) - KNOWN_FILES
    if unknown:
        raise MalformedEvidenceError("the evidence holds a file that no card has")
    if any(not 0 < len(content) <= MAX_FILE for content in evidence.files.values()):
        raise MalformedEvidenceError("a file of the evidence is empty or too large")
    if any(len(proof) > MAX_RESPONSE for proof in _proofs(evidence)):
        raise MalformedEvidenceError("a proof of the chip is too large")
    if evidence.chip_mapping and evidence.access.mapping is not PaceMapping.CHIP_AUTHENTICATION:
        raise MalformedEvidenceError("the evidence holds a chip mapping that no PACE made")
    if len(evidence.steps) > MAX_STEPS or len(evidence.atr) > 64:
        raise MalformedEvidenceError("the evidence holds too many steps, or a long ATR")
    if evidence.read_at.utcoffset() is None:
        raise MalformedEvidenceError("the time of reading lacks its zone")
    challenge, record = evidence.challenge, evidence.chip_authentication
    texts = [evidence.reader, evidence.reader_version, evidence.access.oid or ""]
    texts += [step.name for step in evidence.steps] + ([challenge.id] if challenge else [])
    texts += [record.oid, record.session or ""] if record else []
    for text in texts:
        _text(text)
    for number in (evidence.access.parameter_id, record.key_id if record else None):
        if number is not None and not 0 <= number < MAX_KEY_ID:
            raise MalformedEvidenceError("a parameter or key id is out of range")


def _proofs(evidence: ChipEvidence) -> list[bytes]:
    record, mapping = evidence.chip_authentication, evidence.chip_mapping
    proofs = [evidence.active_authentication or b""]
    proofs += [record.terminal_public_key, record.response] if record else []
    proofs += [mapping.mapping_public_key, mapping.data] if mapping else []
    return proofs


def _to_map(evidence: ChipEvidence) -> dict[str, object]:
    challenge, access = evidence.challenge, evidence.access
    record, mapping = evidence.chip_authentication, evidence.chip_mapping
    return {
        "files": dict(evidence.files),
        "challenge": challenge
        and {
            "id": challenge.id,
            "value": challenge.value,
            "freshness": challenge.freshness.value,
        },
        "active_authentication": evidence.active_authentication,
        "chip_authentication": record
        and {
            "oid": record.oid,
            "key_id": record.key_id,
            "terminal_public_key": record.terminal_public_key,
            "session": record.session,
            "response": record.response,
        },
        "chip_mapping": mapping
        and {"mapping_public_key": mapping.mapping_public_key, "data": mapping.data},
        "access": {
            "protocol": access.protocol.value,
            "downgrade": access.downgrade and access.downgrade.value,
            "mapping": access.mapping and access.mapping.value,
            "password": access.password.value,
            "oid": access.oid,
            "parameter_id": access.parameter_id,
        },
        "steps": [[s.name, s.milliseconds, s.apdus, s.bytes] for s in evidence.steps],
        "atr": evidence.atr,
        "reader": evidence.reader,
        "reader_version": evidence.reader_version,
        "read_at": evidence.read_at.astimezone(UTC).isoformat(timespec="microseconds"),
    }


def _from_map(value: object) -> ChipEvidence:
    fields = _Fields(value)
    files = {_text(name): _bytes(raw) for name, raw in fields.take("files", dict).items()}
    evidence = ChipEvidence(
        files=files,
        challenge=_challenge(fields.take("challenge", dict | None)),
        active_authentication=fields.take("active_authentication", bytes | None),
        access=_access(fields.take("access", dict)),
        steps=tuple(_step(item) for item in fields.take("steps", list)),
        atr=fields.take("atr", bytes),
        reader=_text(fields.take("reader", str)),
        reader_version=_text(fields.take("reader_version", str)),
        read_at=_time(fields.take("read_at", str)),
        chip_authentication=_record(fields.take("chip_authentication", dict | None)),
        chip_mapping=_chip_mapping(fields.take("chip_mapping", dict | None)),
    )
    fields.finish()
    return evidence


class _Fields:
    """A map whose every key must be taken, with its type, and none left over."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise MalformedEvidenceError("a part of the evidence is no map")
        self._rest = dict(value)

    def take(self, name: str, kind: Any) -> Any:
        if name not in self._rest:
            raise MalformedEvidenceError(f"the evidence lacks {name}")
        value = self._rest.pop(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise MalformedEvidenceError(f"{name} of the evidence has a wrong type")
        return value

    def finish(self) -> None:
        if self._rest:
            raise MalformedEvidenceError("the evidence holds an unknown field")


def _challenge(value: dict[str, object] | None) -> Challenge | None:
    if value is None:
        return None
    fields = _Fields(value)
    identifier, raw = _text(fields.take("id", str)), fields.take("value", bytes)
    freshness = _member(Freshness, fields.take("freshness", str))
    fields.finish()
    return Challenge(identifier, raw, freshness)


def _access(value: dict[str, object]) -> Access:
    fields = _Fields(value)
    access = Access(
        protocol=_member(AccessProtocol, fields.take("protocol", str)),
        downgrade=_optional_member(Downgrade, fields.take("downgrade", str | None)),
        mapping=_optional_member(PaceMapping, fields.take("mapping", str | None)),
        password=_member(PasswordKind, fields.take("password", str)),
        oid=fields.take("oid", str | None),
        parameter_id=fields.take("parameter_id", int | None),
    )
    fields.finish()
    return access


def _record(value: dict[str, object] | None) -> ChipAuthenticationRecord | None:
    if value is None:
        return None
    fields = _Fields(value)
    record = ChipAuthenticationRecord(
        oid=fields.take("oid", str),
        key_id=fields.take("key_id", int | None),
        terminal_public_key=fields.take("terminal_public_key", bytes),
        session=fields.take("session", str | None),
        response=fields.take("response", bytes),
    )
    fields.finish()
    return record


def _chip_mapping(value: dict[str, object] | None) -> ChipMapping | None:
    if value is None:
        return None
    fields = _Fields(value)
    mapping = ChipMapping(fields.take("mapping_public_key", bytes), fields.take("data", bytes))
    fields.finish()
    return mapping


def _step(value: object) -> Step:
    if not (isinstance(value, list) and len(value) == 4):
        raise MalformedEvidenceError("a step of the evidence has a wrong form")
    name, *numbers = value
    if any(type(number) is not int or not 0 <= number < 1 << 32 for number in numbers):
        raise MalformedEvidenceError("a step of the evidence has a wrong number")
    return Step(_text(name), *numbers)


def _member(kind: Any, value: str) -> Any:
    if value not in [member.value for member in kind]:
        raise MalformedEvidenceError("the evidence holds an unknown code")
    return kind(value)


def _optional_member(kind: Any, value: str | None) -> Any:
    return None if value is None else _member(kind, value)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise MalformedEvidenceError("a text of the evidence is too long or no text")
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise MalformedEvidenceError("a file of the evidence is no byte string")
    return value


def _time(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise MalformedEvidenceError("the time of reading is no time") from error
    if moment.utcoffset() is None:
        raise MalformedEvidenceError("the time of reading lacks its zone")
    return moment.astimezone(UTC)
