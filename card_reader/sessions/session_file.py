"""A session with a card as a JSON file (format: docs/recording.md).

What a key means is closed: a wrong type, a damaged hex string or a code unknown here raises
:class:`card_reader.errors.UnreadableInputError` with the key's place.  Keys that nobody here reads
are left alone, so that a session may carry notes.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from card_reader.access.passwords import CanPassword, MrzKeySeed, MrzPassword, Password
from card_reader.errors import CardError, CardReason, UnreadableInputError
from card_reader.secure_messaging import Cipher, SessionKeys

MAX_FILE = 16 * 1024 * 1024
MAX_EXCHANGES = 20_000
MAX_RANDOMNESS = 1_000
MAX_PASSWORDS = 32

Value = TypeVar("Value")
Json = Mapping[str, Any]


class Procedure(StrEnum):
    """What the terminal did in a session."""

    BAC = "bac"
    PACE = "pace"
    CHIP_AUTHENTICATION = "chip_authentication"
    ACTIVE_AUTHENTICATION = "active_authentication"
    READ_FILE = "read_file"
    READ_CARD = "read_card"


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One command on the wire and its response with status word; None where contact was ``lost``.

    The plain forms stand where secure messaging was in force: the plain command beside the first,
    the plain response beside the last exchange of a logical one.  ``continues`` marks each but its
    last (command chaining, GET RESPONSE, a repeated command).
    """

    command: bytes
    response: bytes | None
    plain_command: bytes | None = None
    plain_response: bytes | None = None
    continues: bool = False
    lost: CardReason | None = None
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A whole session; the secrets in it never show in a ``repr``."""

    procedure: Procedure
    exchanges: tuple[RecordedExchange, ...] = field(repr=False)
    randomness: tuple[bytes, ...] = field(default=(), repr=False)
    start: SessionKeys | None = None
    end: SessionKeys | None = None
    has_end: bool = False
    passwords: tuple[Password, ...] = field(default=(), repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    parameters: "Fields" = field(default_factory=lambda: Fields({}, "parameters"))
    result: Json = field(default_factory=dict, repr=False)
    description: str = ""
    source: str = ""
    atr: bytes = b""
    original: Json | None = None  # of a masked session: what the card itself was told

    @classmethod
    def load(cls, path: Path) -> "Session":
        """Read a session from a file."""
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_FILE + 1)
        except OSError as error:
            raise UnreadableInputError(f"{path} cannot be read: {error.strerror}") from None
        if len(raw) > MAX_FILE:
            raise UnreadableInputError(f"{path} is too large for a card session")
        try:
            return cls.parse(json.loads(raw))
        except (ValueError, RecursionError):
            raise UnreadableInputError(f"{path} is no JSON") from None
        except UnreadableInputError as error:
            raise UnreadableInputError(f"{path} is no card session: {error.detail}") from None

    @classmethod
    def parse(cls, document: object) -> "Session":
        """A session from decoded JSON."""
        fields = Fields(document, "the session")
        name = fields.need("procedure", str)
        if name not in list(Procedure):
            raise UnreadableInputError(f"procedure {name[:40]!r} is none of {', '.join(Procedure)}")
        exchanges = fields.list_of("exchanges", _exchange, limit=MAX_EXCHANGES)
        if not exchanges:
            raise UnreadableInputError("exchanges is empty")
        return cls(
            procedure=Procedure(name),
            exchanges=exchanges,
            randomness=fields.list_of("randomness", _octets, limit=MAX_RANDOMNESS),
            start=_start(fields),
            end=_optional(fields, "end", _keys),
            has_end="end" in fields,
            passwords=_passwords(fields),
            files=_files(fields),
            parameters=Fields(fields.get("parameters", dict) or {}, "parameters"),
            result=fields.get("result", dict) or {},
            description=fields.get("description", str) or "",
            source=fields.get("source", str) or "",
            atr=_optional(fields, "atr", _octets) or b"",
            original=fields.get("original", dict),
        )

    def to_document(self) -> dict[str, object]:
        """The session as JSON-ready values; the inverse of :meth:`parse`."""
        passwords = [_password_document(item) for item in self.passwords]
        document: dict[str, object] = {
            "description": self.description,
            "source": self.source,
            "atr": hex_of(self.atr),
            "start": {"secure_messaging": _keys_document(self.start)},
            "password": passwords[0] if passwords else None,
            "further_passwords": passwords[1:],
            "files": {name: hex_of(content) for name, content in self.files.items()},
            "procedure": self.procedure.value,
            "parameters": dict(self.parameters),
            "randomness": [hex_of(value) for value in self.randomness],
            "exchanges": [_exchange_document(item) for item in self.exchanges],
            "result": dict(self.result),
        }
        if self.has_end:
            document["end"] = _keys_document(self.end)
        if self.original is not None:
            document["original"] = dict(self.original)
        return document

    def save(self, path: Path) -> None:
        """Write the session, readable by its owner alone."""
        write_private(path, json.dumps(self.to_document(), indent=1).encode() + b"\n")


class Fields(Mapping[str, Any]):
    """A JSON object whose values are taken with their types; ``place`` names it in errors."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise UnreadableInputError(f"{place} is no JSON object")
        self._values: dict[str, Any] = value
        self._place = place

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def get(self, name: str, kind: type[Value] | Any = object) -> Any:
        """The value of a key, None where it is absent or null."""
        value = self._values.get(name)
        wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is int)
        if value is not None and wrong:
            raise UnreadableInputError(f"{name} of {self._place} has a wrong type")
        return value

    def need(self, name: str, kind: type[Value] | Any) -> Any:
        value = self.get(name, kind)
        if value is None:
            raise UnreadableInputError(f"{name} of {self._place} is missing")
        return value

    def octets(self, name: str) -> bytes | None:
        """A hex string as bytes."""
        return _optional(self, name, _octets)

    def list_of(
        self, name: str, read: Callable[[object, str], Value], *, limit: int
    ) -> tuple[Value, ...]:
        """A list, each entry through ``read``; absent is empty."""
        values = self.get(name, list) or []
        if len(values) > limit:
            raise UnreadableInputError(f"{name} has more than {limit} entries")
        return tuple(read(value, f"{name}[{index}]") for index, value in enumerate(values))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that holds personal data: readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(content)
    except OSError as error:
        raise UnreadableInputError(f"{path} cannot be written: {error.strerror}") from error


def hex_of(value: bytes) -> str:
    return value.hex().upper()


def _optional(fields: Fields, name: str, read: Callable[[object, str], Value]) -> Value | None:
    value = fields.get(name)
    return None if value is None else read(value, name)


def _octets(value: object, place: str) -> bytes:
    try:
        if isinstance(value, str):
            return bytes.fromhex(value)
    except ValueError:
        pass
    raise UnreadableInputError(f"{place} is no hex string")


def _start(fields: Fields) -> SessionKeys | None:
    start = Fields(fields.get("start", dict) or {}, "start")
    return _optional(start, "secure_messaging", _keys)


def _keys(value: object, place: str) -> SessionKeys:
    fields = Fields(value, place)
    name = fields.need("cipher", str)
    if name not in list(Cipher):
        raise UnreadableInputError(f"cipher of {place} is none of {', '.join(Cipher)}")
    parts = [_octets(fields.need(key, str), f"{key} of {place}") for key in _KEY_PARTS]
    try:
        return SessionKeys(Cipher(name), *parts)
    except CardError as error:
        raise UnreadableInputError(f"{place}: {error.detail}") from None


_KEY_PARTS = ("ks_enc", "ks_mac", "ssc")


def _keys_document(keys: SessionKeys | None) -> dict[str, str] | None:
    if keys is None:
        return None
    return {"cipher": keys.cipher.value} | {
        name: hex_of(getattr(keys, name)) for name in _KEY_PARTS
    }


def _files(fields: Fields) -> dict[str, bytes]:
    files = fields.get("files", dict) or {}
    return {name: _octets(content, f"files.{name[:60]}") for name, content in files.items()}


def _exchange(value: object, place: str) -> RecordedExchange:
    fields = Fields(value, place)
    lost = fields.get("lost", str)
    if lost is not None and lost not in list(CardReason):
        raise UnreadableInputError(f"lost of {place} is no reason known here")
    if lost is None:
        fields.need("response", str)
    return RecordedExchange(
        command=_octets(fields.need("command", str), f"command of {place}"),
        response=fields.octets("response"),
        plain_command=fields.octets("plain_command"),
        plain_response=fields.octets("plain_response"),
        continues=fields.get("continues", bool) or False,
        lost=CardReason(lost) if lost else None,
        milliseconds=max(0, fields.get("milliseconds", int) or 0),
    )


def _exchange_document(item: RecordedExchange) -> dict[str, object]:
    document: dict[str, object] = {
        name: hex_of(value)
        for name in ("command", "response", "plain_command", "plain_response")
        if (value := getattr(item, name)) is not None
    }
    if item.continues:
        document["continues"] = True
    if item.milliseconds:
        document["milliseconds"] = item.milliseconds
    if item.lost is not None:
        document["lost"] = item.lost.value
    return document


# --- passwords ----------------------------------------------------------------------------------


def _passwords(fields: Fields) -> tuple[Password, ...]:
    first = _optional(fields, "password", _password)
    further = fields.list_of("further_passwords", _password, limit=MAX_PASSWORDS)
    return (() if first is None else (first,)) + further


def _password(value: object, place: str) -> Password:
    fields = Fields(value, place)
    kind = fields.need("type", str)
    try:
        if kind == "mrz":
            return MrzPassword(*(fields.need(name, str) for name in ("doc", "dob", "expiry")))
        if kind == "can":
            return CanPassword(fields.need("can", str))
        if kind == "mrz_key_seed":
            return MrzKeySeed(_octets(fields.need("k", str), f"k of {place}"))
    except UnreadableInputError as error:
        raise UnreadableInputError(f"{place}: {error.detail}") from None
    raise UnreadableInputError(f"type of {place} is none of mrz, can, mrz_key_seed")


def _password_document(password: Password) -> dict[str, str]:
    if isinstance(password, CanPassword):
        return {"type": "can", "can": password.can}
    if isinstance(password, MrzPassword):
        return {
            "type": "mrz",
            "doc": password.document_number,
            "dob": password.date_of_birth,
            "expiry": password.date_of_expiry,
        }
    return {"type": "mrz_key_seed", "k": hex_of(password.key_seed)}
