"""How to speak to one kind of card: every decision that cards differ over, in one value.

A reading starts with what is known of the kind, learns while it goes on, and hands what it has
learnt to a :class:`CardMemory`, so that the next card of the kind is asked nothing twice.

Whoever holds a card can teach its kind something: a strategy therefore steers the form of commands
and never what is accepted, and no lesson makes reading slower than ``MIN_BLOCK`` bytes a command.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from card_reader.apdu import MAX_SHORT_LE
from card_reader.errors import UnreadableInputError
from card_reader.reading.capabilities import Capabilities

FORMAT = "card-memory-1"
MAX_KINDS = 256
MAX_MEMORY_BYTES = 1024 * 1024
MIN_BLOCK = 64
# Data bytes of one READ BINARY: every size fails on some card, so start well and step down.
BLOCKS = (32_767, 8_192, 4_096, 2_048, 1_024, 512, 256, 231, 223, 192, 160, 128, 96, MIN_BLOCK)


class SelectForm(StrEnum):
    """P2 and expected length of SELECT: whether the card shall answer with control information."""

    SILENT = "0C"
    SILENT_LE = "0C 00"
    INFORMING = "00"
    INFORMING_LE = "00 00"

    @property
    def p2(self) -> int:
        return int(self.value[:2], 16)

    @property
    def le(self) -> int | None:
        return MAX_SHORT_LE if len(self.value) > 2 else None


# Some cards refuse SELECT with an expected length, some without: the likeliest first.
SELECT_FORMS = (
    SelectForm.SILENT,
    SelectForm.INFORMING_LE,
    SelectForm.INFORMING,
    SelectForm.SILENT_LE,
)


class MasterFileWay(StrEnum):
    """How the files of the master file are reached before an application is selected."""

    SHORT_ID = "short_id"  # READ BINARY with short identifier, at once
    SELECT_FILE = "select_file"  # SELECT of the file alone
    SELECT = "select"  # SELECT of the master file, then of the file
    SELECT_NAMELESS = "select_nameless"  # the same, the master file without its identifier


@dataclass(frozen=True, slots=True)
class Strategy:
    """``None`` means: not known yet, find out.  Lengths are plain data bytes.

    ``extended``: whether commands may have the extended form; ``max_response``: bytes of a whole
    response in it, as the card states them.
    ``first_read``: bytes of a file's first READ BINARY, a whole block where None.
    ``offset_bytes``: fewest bytes of an offset in data object 54.
    ``exact_le``: BAC asks for as many bytes as it expects, else for all there are.
    ``pace_in_master_file``: SELECT of the master file comes before PACE.
    ``name_pace_parameters``: data object 84 in MSE:Set AT of PACE; None: where it is ambiguous.
    ``set_kat``: chip authentication with 3DES by MSE:Set KAT, else as with AES.
    ``name_chip_key``: data object 84 in chip authentication where the key has an id.
    ``authenticate_extended``: the form of INTERNAL AUTHENTICATE for a long signature.
    """

    extended: bool | None = None
    max_response: int | None = None
    block: int | None = None
    first_read: int | None = None
    short_ids: bool = True
    select: SelectForm = SelectForm.SILENT
    master_file: MasterFileWay | None = None
    offset_bytes: int = 1
    exact_le: bool = True
    pace_in_master_file: bool = False
    name_pace_parameters: bool | None = None
    set_kat: bool = True
    name_chip_key: bool = True
    authenticate_extended: bool | None = None

    def informed(self, stated: Capabilities) -> "Strategy":
        """With what the card states; what was learnt already stays."""
        return replace(
            self,
            extended=stated.extended if self.extended is None else self.extended,
            max_response=self.max_response or stated.max_response,
        )

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: object) -> "Strategy":
        """Strict inverse of :meth:`to_dict`; raises ValueError."""
        if not isinstance(content, dict) or set(content) != {item.name for item in fields(cls)}:
            raise ValueError("a strategy has other fields")
        return cls(**{name: _value(name, value) for name, value in content.items()})


_ENUMS: Mapping[str, type[StrEnum]] = {"select": SelectForm, "master_file": MasterFileWay}
_RANGES = {
    "max_response": (MAX_SHORT_LE, 1 << 32),
    "block": (MIN_BLOCK, BLOCKS[0]),
    "first_read": (1, BLOCKS[0]),
    "offset_bytes": (1, 3),
}
_OPTIONAL = frozenset(item.name for item in fields(Strategy) if item.default is None)


def _value(name: str, value: Any) -> Any:
    if value is None and name in _OPTIONAL:
        return None
    if name in _ENUMS:
        return _ENUMS[name](value)
    if name in _RANGES:
        low, high = _RANGES[name]
        if type(value) is int and low <= value <= high:
            return value
    elif isinstance(value, bool):
        return value
    raise ValueError(f"{name} cannot be {value!r}")


class CardMemory:
    """What was learnt of each kind of card.  A kind: its ATR and the bytes of its EF.CardAccess.

    EF.CardAccess is read from every card all the same: what decides between PACE and BAC is never
    remembered.  That a card has none is believed at once only where no card with its ATR had one.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, Strategy] = {}

    def recall(self, atr: bytes, card_access: bytes | None) -> Strategy | None:
        """What is known of the kind; None where it was never read."""
        return self._kinds.get(_kind(atr, card_access))

    def way_in(self, atr: bytes) -> Strategy | None:
        """How EF.CardAccess was reached on the last card with this ATR."""
        prefix = f"{atr.hex()}:"
        kinds = [kind for kind in self._kinds if kind.startswith(prefix)]
        return self._kinds[kinds[-1]] if kinds else None

    def lacks_card_access(self, atr: bytes) -> bool:
        """Whether all cards with this ATR were searched for EF.CardAccess in vain."""
        prefix = f"{atr.hex()}:"
        return {kind for kind in self._kinds if kind.startswith(prefix)} == {_kind(atr, None)}

    def learn(self, atr: bytes, card_access: bytes | None, strategy: Strategy) -> None:
        """Keep what a finished reading has learnt; the kind longest unseen is forgotten first."""
        kind = _kind(atr, card_access)
        self._kinds.pop(kind, None)
        while len(self._kinds) >= MAX_KINDS:
            del self._kinds[next(iter(self._kinds))]
        self._kinds[kind] = strategy

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        kinds = {kind: strategy.to_dict() for kind, strategy in self._kinds.items()}
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({"format": FORMAT, "kinds": kinds}, indent=1) + "\n")
            beside.replace(path)
        except OSError as error:
            raise UnreadableInputError(f"{path} cannot be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> "CardMemory":
        """A saved memory; raises UnreadableInputError."""
        memory = cls()
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_MEMORY_BYTES + 1)
        except OSError as error:
            raise UnreadableInputError(f"{path} cannot be read: {error.strerror}") from error
        try:
            document = json.loads(raw)
            if len(raw) > MAX_MEMORY_BYTES or document["format"] != FORMAT:
                raise ValueError("another format")
            for kind, content in list(document["kinds"].items())[-MAX_KINDS:]:
                memory._kinds[kind] = Strategy.from_dict(content)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UnreadableInputError(f"{path} is no memory of cards; delete it") from None
        return memory


def _kind(atr: bytes, card_access: bytes | None) -> str:
    digest = "none" if card_access is None else hashlib.sha256(card_access).hexdigest()
    return f"{atr.hex()}:{digest}"
