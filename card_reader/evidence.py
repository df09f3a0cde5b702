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

from card_reader.errors import CardReason, MalformedEvidenceError
from card_reader.lds import FILES_BY_NAME

DOMAIN = "truong-thi/chip-evidence"
SCHEMA = 1
MAX_EVIDENCE = 1024 * 1024
MAX_FILE = 256 * 1024
MAX_RESPONSE = 2048
MAX_STEPS = 64
MAX_TEXT = 200
MAX_DEPTH = 8
CHALLENGE_LENGTH = 8
KNOWN_FILES = frozenset({*FILES_BY_NAME, "EF.CardAccess", "EF.CardSecurity"})


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
    BAC = "bac"
    PACE = "pace"


@dataclass(frozen=True, slots=True)
class Access:
    """How the chip was opened; ``downgrade`` says why it was not the better way."""

    protocol: AccessProtocol
    downgrade: str | None = None


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

    ``active_authentication`` is the chip's response to ``challenge``, None where not asked.
    ``read_at`` is UTC.
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
        if outer[1] != SCHEMA or isinstance(outer[1], bool):
            raise MalformedEvidenceError("the evidence has a version unknown here")
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
    if len(evidence.active_authentication or b"") > MAX_RESPONSE:
        raise MalformedEvidenceError("the chip's response is too large")
    if len(evidence.steps) > MAX_STEPS or len(evidence.atr) > 64:
        raise MalformedEvidenceError("the evidence holds too many steps, or a long ATR")
    if evidence.read_at.utcoffset() is None:
        raise MalformedEvidenceError("the time of reading lacks its zone")
    challenge, access = evidence.challenge, evidence.access
    texts = [evidence.reader, evidence.reader_version, access.downgrade or ""]
    texts += [step.name for step in evidence.steps] + ([challenge.id] if challenge else [])
    for text in texts:
        _text(text)


def _to_map(evidence: ChipEvidence) -> dict[str, object]:
    challenge = evidence.challenge
    return {
        "files": dict(evidence.files),
        "challenge": challenge
        and {
            "id": challenge.id,
            "value": challenge.value,
            "freshness": challenge.freshness.value,
        },
        "active_authentication": evidence.active_authentication,
        "access": {
            "protocol": evidence.access.protocol.value,
            "downgrade": evidence.access.downgrade,
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
    protocol = _member(AccessProtocol, fields.take("protocol", str))
    downgrade = fields.take("downgrade", str | None)
    fields.finish()
    return Access(protocol, None if downgrade is None else _text(downgrade))


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
