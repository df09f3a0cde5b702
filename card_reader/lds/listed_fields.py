"""Data groups that are a list of tags and then the objects: EF.DG11 and EF.DG12.

ICAO 9303-10 §4.7.11 and §4.7.12.  The list is required and kept, but what is there is told by
the objects themselves: issuers list the template of repeated names in more than one way.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from card_reader import tlv
from card_reader.errors import CardReason, MalformedFileError
from card_reader.lds.dates import Day, day_of_digits
from card_reader.tlv import Tlv

TAG_LIST, REPEATED, COUNT = 0x5C, 0xA0, 0x02
MAX_TEXT_BYTES = 4096
MAX_REPEATED = 64
MAX_OBJECTS = 64
SEPARATOR = "<"


class Fields:
    """The data objects of one file, each taken once; what is left over is unknown."""

    def __init__(self, raw: bytes, *, tag: int, name: str, repeated: int) -> None:
        outer = tlv.parse(raw)
        if outer.tag != tag:
            raise MalformedFileError(f"{name} starts with tag {outer.tag:X}, not {tag:X}")
        self._name = name
        self._repeated = repeated
        items = outer.children()
        if len(items) > MAX_OBJECTS + MAX_REPEATED:
            raise MalformedFileError(f"{name} has too many data objects", CardReason.TOO_LARGE)
        self.tag_list = self._tags(tlv.find(items, TAG_LIST).value)
        self._items = self._by_tag(items)

    def text(self, tag: int) -> str:
        value = self._items.pop(tag, None)
        return "" if value is None else self._text(tag, value)

    def texts(self, tag: int) -> tuple[str, ...]:
        """The components that ``<`` separates; none where the object is absent."""
        value = self._items.pop(tag, None)
        return () if value is None else tuple(self._text(tag, value).split(SEPARATOR))

    def raw(self, tag: int) -> bytes:
        return self._items.pop(tag, b"")

    def digits(self, tag: int, count: int) -> str:
        """Digits as ASCII, or two in a byte (BCD), which older documents use."""
        value = self._items.pop(tag, None)
        if value is None:
            return ""
        text = value.hex() if len(value) == count // 2 else value.decode("latin-1")
        if len(text) != count or not (text.isascii() and text.isdigit()):
            raise MalformedFileError(f"{self._name}: object {tag:X} is not {count} digits")
        return text

    def day(self, tag: int) -> Day | None:
        text = self.digits(tag, 8)
        return day_of_digits(text) if text else None

    def whole_day(self, tag: int) -> date | None:
        day = self.day(tag)
        if day is not None and not isinstance(day, date):
            raise MalformedFileError(f"{self._name}: the day in object {tag:X} is not complete")
        return day

    def repeated(self) -> tuple[str, ...]:
        """Names that may come several times: in template A0 with their number, or bare."""
        return tuple(self._text(self._repeated, value) for value in self._names)

    def unknown(self) -> tuple[tuple[int, bytes], ...]:
        """Tag and value of what nobody has asked for, in the file's order."""
        return tuple(self._items.items())

    def _by_tag(self, items: Sequence[Tlv]) -> dict[int, bytes]:
        self._names = [item.value for item in items if item.tag == self._repeated]
        values: dict[int, bytes] = {}
        for item in items:
            if item.tag in (TAG_LIST, self._repeated):
                continue
            if item.tag in values:
                raise MalformedFileError(f"{self._name} has object {item.tag:X} twice")
            values[item.tag] = item.value
        if REPEATED in values:
            self._names += self._inside(values.pop(REPEATED))
        if len(self._names) > MAX_REPEATED:
            raise MalformedFileError(f"{self._name} has too many names", CardReason.TOO_LARGE)
        return values

    def _inside(self, template: bytes) -> list[bytes]:
        parts = tlv.parse_all(template)
        names = [part.value for part in parts if part.tag == self._repeated]
        stated = tlv.find(parts, COUNT).value
        if len(parts) != len(names) + 1 or stated != bytes([len(names) & 0xFF]):
            raise MalformedFileError(f"{self._name} states another number of names than it holds")
        return names

    def _tags(self, value: bytes) -> tuple[int, ...]:
        tags = []
        while value:
            length = 2 if value[0] & 0x1F == 0x1F else 1
            tags.append(int.from_bytes(value[:length], "big"))
            if len(value) < length or len(tags) > MAX_OBJECTS:
                raise MalformedFileError(f"{self._name}'s list of tags is wrong")
            value = value[length:]
        return tuple(tags)

    def _text(self, tag: int, value: bytes) -> str:
        if len(value) > MAX_TEXT_BYTES:
            raise MalformedFileError(
                f"{self._name}: object {tag:X} is longer than {MAX_TEXT_BYTES} bytes",
                CardReason.TOO_LARGE,
            )
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedFileError(f"{self._name}: object {tag:X} is not UTF-8") from None


def encode(
    tag: int, values: Iterable[tuple[int, bytes]], *, repeated: int, names: Sequence[str]
) -> bytes:
    """The file: the list of tags, the objects in that order, the repeated names in their template.

    Objects with an empty value are left away.
    """
    items = [(number, value) for number, value in values if value]
    listed = [number for number, _ in items]
    body = b"".join(tlv.encode(number, value) for number, value in items)
    if names:
        if len(names) > MAX_REPEATED:
            raise MalformedFileError(f"more than {MAX_REPEATED} names")
        listed.append(repeated)
        inside = b"".join(tlv.encode(repeated, text_bytes(name)) for name in names)
        body += tlv.encode(REPEATED, tlv.encode(COUNT, bytes([len(names)])) + inside)
    if len(set(listed)) != len(listed) or len(listed) > MAX_OBJECTS:
        raise MalformedFileError("a data object stands twice in the file, or there are too many")
    tags = b"".join(number.to_bytes(1 if number < 0x100 else 2, "big") for number in listed)
    return tlv.encode(tag, tlv.encode(TAG_LIST, tags) + body)


def text_bytes(text: str) -> bytes:
    value = text.encode()
    if len(value) > MAX_TEXT_BYTES:
        raise MalformedFileError(f"a text is longer than {MAX_TEXT_BYTES} bytes")
    return value


def joined(parts: Sequence[str]) -> bytes:
    """Components with ``<`` between them, the inverse of :meth:`Fields.texts`."""
    if any(SEPARATOR in part for part in parts) or parts == ("",):
        raise MalformedFileError(f"a component is empty or holds {SEPARATOR}")
    return text_bytes(SEPARATOR.join(parts))
