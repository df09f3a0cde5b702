"""EF.ATR/INFO of the master file: what the chip can do (ICAO 9303-10 §3.11.2.1).

A row of data objects; 43, 47 and 7F66 are read (ISO/IEC 7816-4 §12.1.1), others are kept.
"""

from dataclasses import dataclass

from card_reader import tlv
from card_reader.errors import MalformedFileError

_SERVICES, _CAPABILITIES, _EXTENDED_LENGTH, _INTEGER = 0x43, 0x47, 0x7F66, 0x02
MAX_OBJECTS = 32
MAX_HEADER = 8  # bytes of a data object's tag and length
_SHORT_FILE_IDS = 0x04  # first byte of the capabilities (ISO/IEC 7816-4 table 117)
_CHAINING, _EXTENDED, _EXTENDED_INFORMED = 0x80, 0x40, 0x20  # third byte (table 119)


@dataclass(frozen=True, slots=True)
class AtrInfo:
    """Card capabilities; None where the file does not state them.

    `max_command` and `max_response` are the bytes of the longest command and response APDU that
    the chip takes and gives, headers included. `unknown` holds (tag, value) in the file's order.
    """

    short_file_ids: bool | None = None
    command_chaining: bool | None = None
    extended_length: bool | None = None
    max_command: int | None = None
    max_response: int | None = None
    unknown: tuple[tuple[int, bytes], ...] = ()


def parse(raw: bytes) -> AtrInfo:
    """Bytes of 00 or FF behind the last object are the file's unused end."""
    items = tlv.parse_all(used_part(raw))
    if not items or len({item.tag for item in items}) != len(items):
        raise MalformedFileError("EF.ATR/INFO has no data object, or one twice")
    values = {item.tag: item.value for item in items}
    capabilities = values.pop(_CAPABILITIES, b"")
    if len(capabilities) > 3:
        raise MalformedFileError("EF.ATR/INFO has card capabilities longer than three bytes")
    max_command, max_response = _lengths(values.pop(_EXTENDED_LENGTH, None))
    return AtrInfo(
        short_file_ids=_flag(capabilities, 0, _SHORT_FILE_IDS),
        command_chaining=_flag(capabilities, 2, _CHAINING),
        extended_length=_flag(capabilities, 2, _EXTENDED),
        max_command=max_command,
        max_response=max_response,
        unknown=tuple(values.items()),
    )


def encode(info: AtrInfo) -> bytes:
    """The file's bytes, with capabilities where any is stated."""
    body = b"".join(tlv.encode(tag, value) for tag, value in info.unknown)
    if info.command_chaining is not None or info.extended_length is not None:
        third = _CHAINING * bool(info.command_chaining) + _EXTENDED * bool(info.extended_length)
        if info.max_command is not None:
            third |= _EXTENDED_INFORMED
        first = _SHORT_FILE_IDS if info.short_file_ids else 0
        body += tlv.encode(_CAPABILITIES, bytes((first, 0x01, third)))  # 01: data unit is a byte
    elif info.short_file_ids is not None:
        body += tlv.encode(_CAPABILITIES, bytes([_SHORT_FILE_IDS if info.short_file_ids else 0]))
    if info.max_command is not None and info.max_response is not None:
        lengths = b"".join(_integer(length) for length in (info.max_command, info.max_response))
        body += tlv.encode(_EXTENDED_LENGTH, lengths)
    return body


def _lengths(value: bytes | None) -> tuple[int | None, int | None]:
    if value is None:
        return None, None
    items = tlv.parse_all(value)
    if len(items) != 2 or any(i.tag != _INTEGER or not 1 <= len(i.value) <= 4 for i in items):
        raise MalformedFileError("EF.ATR/INFO states the extended lengths wrongly")
    command, response = (int.from_bytes(item.value, "big") for item in items)
    if min(command, response) == 0:
        raise MalformedFileError("EF.ATR/INFO states an extended length of 0")
    return command, response


def _integer(length: int) -> bytes:
    if not 0 < length < 1 << 24:
        raise MalformedFileError(f"an APDU has no length of {length} bytes")
    # At least two bytes, as the standard's example has it; longer ones without a sign.
    return tlv.encode(_INTEGER, length.to_bytes(2 if length < 1 << 16 else 3, "big"))


def _flag(capabilities: bytes, position: int, bit: int) -> bool | None:
    return bool(capabilities[position] & bit) if position < len(capabilities) else None


def used_part(raw: bytes) -> bytes:
    """The file without its unused end, which can only be told after the last object."""
    position = 0
    for _ in range(MAX_OBJECTS + 1):
        if position >= len(raw) or raw[position] in (0x00, 0xFF):
            break
        position += tlv.header_length(raw[position : position + MAX_HEADER])
    if raw[position:].strip(b"\x00\xff"):
        raise MalformedFileError("the file has too many data objects, or bytes behind its end")
    return raw[:position]
