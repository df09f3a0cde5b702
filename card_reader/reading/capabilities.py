"""What a card says about its own abilities: historical bytes of the ATR, and EF.ATR/INFO.

Both are read before any access control and nobody signed them, so they steer how commands are
formed and nothing else (ISO 7816-4 §12.1.1; ICAO 9303-10 §3.11.2.1).
"""

from dataclasses import dataclass

from card_reader.apdu import MAX_SHORT_LE
from card_reader.errors import CardError
from card_reader.lds import atr_info

_CATEGORY_STATUS_BEHIND = 0x00  # compact-TLV objects, then three bytes of status
_CATEGORY_OBJECTS_ALONE = 0x80
_STATUS_LENGTH = 3
_COMPACT_CAPABILITIES = 7  # tag 7x: card capabilities, data object 47 elsewhere
# Third byte of the card capabilities (ISO 7816-4 table 119).
_EXTENDED_LENGTH = 0x40
_LENGTHS_IN_ATR_INFO = 0x20


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the card states; None where it says nothing.

    ``extended``: whether it takes commands in the extended form.  ``max_response``: bytes of a
    whole response.  ``lengths_in_atr_info``: the lengths stand in EF.ATR/INFO.
    """

    extended: bool | None = None
    max_response: int | None = None
    lengths_in_atr_info: bool = False


SILENT = Capabilities()


def of_atr(atr: bytes) -> Capabilities:
    """From an answer to reset (ISO 7816-3 §8.2); hostile bytes say nothing."""
    historical = historical_bytes(atr)
    category, objects = historical[:1], historical[1:]
    if category == bytes([_CATEGORY_STATUS_BEHIND]):
        objects = objects[:-_STATUS_LENGTH]
    elif category != bytes([_CATEGORY_OBJECTS_ALONE]):
        return SILENT
    while objects:
        tag, length = objects[0] >> 4, objects[0] & 0x0F
        value, objects = objects[1 : 1 + length], objects[1 + length :]
        if tag == _COMPACT_CAPABILITIES and len(value) == length == 3:
            return Capabilities(
                extended=bool(value[2] & _EXTENDED_LENGTH),
                lengths_in_atr_info=bool(value[2] & _LENGTHS_IN_ATR_INFO),
            )
    return SILENT


def of_atr_info(content: bytes) -> Capabilities:
    """From EF.ATR/INFO; a damaged file says nothing."""
    try:
        info = atr_info.parse(content)
    except CardError:
        return SILENT
    if info.max_response is None or info.max_response <= MAX_SHORT_LE:
        return Capabilities(extended=info.extended_length)
    # Whoever states these lengths takes the extended form.
    return Capabilities(extended=True, max_response=info.max_response)


def historical_bytes(atr: bytes) -> bytes:
    """The historical bytes of an answer to reset, empty where it is cut off."""
    if len(atr) < 2:
        return b""
    count, follows, position = atr[1] & 0x0F, atr[1] >> 4, 2
    while follows:
        position += follows.bit_count()
        if not follows & 0x08:
            break
        if position > len(atr):
            return b""
        follows = atr[position - 1] >> 4
    found = atr[position : position + count]
    return found if len(found) == count else b""
