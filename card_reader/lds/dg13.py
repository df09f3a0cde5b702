"""EF.DG13 of the Vietnamese citizen card: what is printed on it, in Vietnamese.

    CitizenDetails ::= SEQUENCE { version INTEGER, type OBJECT IDENTIFIER,
                                  entries SET OF SEQUENCE { number INTEGER, value ANY } }

The issuer publishes no specification. Public readers agree on numbers 1 to 12 and differ on some
of 13 to 16: one of these that has another shape than expected, and an entry with another number,
is kept as it is. Every length must be DER; the order of the SET is not asked for, since real cards
list the entries by number. The two parents are read both as one value and as two values behind
the number.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from asn1crypto import core

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.tlv import Tlv

TAG = 0x6D
TEST_TYPE = "2.999.13"  # arc for examples; that of real cards is not published
NO_END = "Không thời hạn"  # the day of expiry of a card without end
MAX_ENTRIES = 64
MAX_TEXT_BYTES = 2048
_INTEGER, _OID, _UTF8, _PRINTABLE, _SEQUENCE, _SET = 0x02, 0x06, 0x0C, 0x13, 0x30, 0x31
_PARENTS, _SPOUSE = 13, 14
_TEXTS = {
    1: "number",
    2: "name",
    3: "date_of_birth",
    4: "gender",
    5: "nationality",
    6: "ethnicity",
    7: "religion",
    8: "place_of_origin",
    9: "residence",
    10: "identifying_features",
    11: "date_of_issue",
    12: "date_of_expiry",
    14: "spouse",
    15: "old_number",
    16: "chip_number",
}
_DISPUTED = range(13, 17)
_PRINTABLE_NUMBERS = {1, 3, 11, 15, 16}
_PRINTABLE_ALPHABET = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?"
)


@dataclass(frozen=True, slots=True)
class CitizenDetails:
    """Texts as the card prints them; dates are dd/mm/yyyy, an absent entry is the empty text.

    `date_of_expiry` may be NO_END. `unknown` holds (number, DER of the value)
    of entries that this reader cannot name, in the file's order.
    """

    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    date_of_birth: str = field(default="", repr=False)
    gender: str = field(default="", repr=False)
    nationality: str = field(default="", repr=False)
    ethnicity: str = field(default="", repr=False)
    religion: str = field(default="", repr=False)
    place_of_origin: str = field(default="", repr=False)
    residence: str = field(default="", repr=False)
    identifying_features: str = field(default="", repr=False)
    date_of_issue: str = field(default="", repr=False)
    date_of_expiry: str = field(default="", repr=False)
    father: str = field(default="", repr=False)
    mother: str = field(default="", repr=False)
    spouse: str = field(default="", repr=False)
    old_number: str = field(default="", repr=False)
    chip_number: str = field(default="", repr=False)
    version: int = 0
    type: str = TEST_TYPE
    unknown: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)


def parse(raw: bytes) -> CitizenDetails:
    outer = _strict(tlv.parse(raw))
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.DG13 starts with tag {outer.tag:X}, not 6D")
    version, kind, entries = _children(_one(outer, _SEQUENCE), 3)
    _expect(kind, _OID)
    _expect(entries, _SET)
    values: dict[int, tuple[Tlv, ...]] = {}
    for entry in _all(entries):
        _expect(entry, _SEQUENCE)
        number, *value = _all(entry) or (entry,)
        n = _integer(number)
        if n in values or len(values) == MAX_ENTRIES:
            raise MalformedFileError(f"EF.DG13 has too many entries, or number {n} twice")
        values[n] = tuple(value)
    return _details(_integer(version), _oid(kind), values)


def encode(details: CitizenDetails) -> bytes:
    """The file's bytes; the SET is sorted as DER wants it (X.690 §11.6)."""
    parents = b"".join(
        tlv.encode(_SEQUENCE, _text(_PARENTS, name)) for name in (details.father, details.mother)
    )
    values = {n: _text(n, getattr(details, name)) for n, name in _TEXTS.items()}
    values[_PARENTS] = tlv.encode(_SEQUENCE, parents)
    values |= dict(details.unknown)
    if len(values) > MAX_ENTRIES or len(dict(details.unknown)) != len(details.unknown):
        raise MalformedFileError(f"EF.DG13 holds at most {MAX_ENTRIES} entries, each number once")
    entries = [_entry(n, value) for n, value in values.items()]
    body = (
        bytes(core.Integer(details.version).dump())
        + bytes(core.ObjectIdentifier(details.type).dump())
        + tlv.encode(_SET, b"".join(sorted(entries)))
    )
    return tlv.encode(TAG, tlv.encode(_SEQUENCE, body))


def _details(version: int, kind: str, values: dict[int, tuple[Tlv, ...]]) -> CitizenDetails:
    texts: dict[str, str] = {}
    unknown: list[tuple[int, bytes]] = []
    for n, value in values.items():
        named = _named(n, value)
        if named is None:
            unknown.append((n, b"".join(item.raw for item in value)))
        else:
            texts |= named
    return CitizenDetails(**texts, version=version, type=kind, unknown=tuple(unknown))


def _named(n: int, value: Sequence[Tlv]) -> dict[str, str] | None:
    """The texts of one entry by their names, None where it is not one we can name."""
    if n in _DISPUTED:
        with suppress(MalformedFileError):
            return _texts(n, value)
        return None
    return _texts(n, value) if n in _TEXTS else None


def _texts(n: int, value: Sequence[Tlv]) -> dict[str, str]:
    if n == _PARENTS:
        return dict(zip(("father", "mother"), _parents(value), strict=True))
    return {_TEXTS[n]: _one_text(n, value)}


def _parents(value: Sequence[Tlv]) -> tuple[str, str]:
    """Father and mother; both shapes that public readers know, each name in its own SEQUENCE."""
    if not value:
        return "", ""
    people = _all(value[0]) if len(value) == 1 and value[0].tag == _SEQUENCE else tuple(value)
    if len(people) != 2:
        raise MalformedFileError("EF.DG13 does not name two parents")
    father, mother = (_one_text(_PARENTS, (person,)) for person in people)
    return father, mother


def _one_text(n: int, value: Sequence[Tlv]) -> str:
    """One string, alone or in a SEQUENCE of its own; nothing at all is the empty text."""
    if len(value) == 1 and value[0].tag == _SEQUENCE:
        value = _all(value[0])
    if not value:
        return ""
    if len(value) != 1 or value[0].tag not in (_UTF8, _PRINTABLE):
        raise MalformedFileError(f"EF.DG13 entry {n} is not one text")
    text = value[0].value
    if len(text) > MAX_TEXT_BYTES:
        raise MalformedFileError(f"EF.DG13 entry {n} is longer than {MAX_TEXT_BYTES} bytes")
    try:
        return text.decode("ascii" if value[0].tag == _PRINTABLE else "utf-8")
    except UnicodeDecodeError:
        raise MalformedFileError(f"EF.DG13 entry {n} is not a text of its type") from None


def _text(n: int, text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > MAX_TEXT_BYTES:
        raise MalformedFileError(f"entry {n} is longer than {MAX_TEXT_BYTES} bytes")
    printable = n in _PRINTABLE_NUMBERS and _PRINTABLE_ALPHABET.issuperset(text)
    return tlv.encode(_PRINTABLE if printable else _UTF8, encoded)


def _entry(n: int, value: bytes) -> bytes:
    return tlv.encode(_SEQUENCE, bytes(core.Integer(n).dump()) + value)


def _strict(item: Tlv) -> Tlv:
    if tlv.encode(item.tag, item.value) != item.raw:
        raise MalformedFileError("EF.DG13 is not DER: a length is longer than it need be")
    return item


def _all(item: Tlv) -> tuple[Tlv, ...]:
    return tuple(_strict(child) for child in item.children())


def _one(item: Tlv, tag: int) -> Tlv:
    (child,) = _children(item, 1)
    _expect(child, tag)
    return child


def _children(item: Tlv, count: int) -> tuple[Tlv, ...]:
    children = _all(item)
    if len(children) != count:
        raise MalformedFileError(f"EF.DG13 has {len(children)} elements where {count} belong")
    return children


def _expect(item: Tlv, tag: int) -> None:
    if item.tag != tag:
        raise MalformedFileError(f"EF.DG13 has tag {item.tag:02X} where {tag:02X} belongs")


def _integer(item: Tlv) -> int:
    _expect(item, _INTEGER)
    value = int.from_bytes(item.value, "big")
    if (
        not 1 <= len(item.value) <= 2
        or item.value[0] & 0x80
        or core.Integer(value).dump() != item.raw
    ):
        raise MalformedFileError("EF.DG13 has a number that is out of range or not DER")
    return value


def _oid(item: Tlv) -> str:
    try:
        oid = core.ObjectIdentifier.load(item.raw, strict=True)
        dotted = str(oid.dotted)
    except (ValueError, IndexError):
        raise MalformedFileError("EF.DG13 has a damaged object identifier") from None
    if len(item.value) > 64 or core.ObjectIdentifier(dotted).dump() != item.raw:
        raise MalformedFileError("EF.DG13 has an object identifier that is not DER")
    return dotted
