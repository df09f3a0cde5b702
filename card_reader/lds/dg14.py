"""EF.DG14: the chip's protocols and keys, as signed SecurityInfos (ICAO 9303-10 §4.7.14).

The file's hash is over the bytes as read: never encode a parsed file again to compare it.
"""

from collections.abc import Iterable

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds.security_infos import SecurityInfo, encode_infos, parse_infos

TAG = 0x6E


def parse(raw: bytes) -> tuple[SecurityInfo, ...]:
    """The file's entries, in its order."""
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.DG14 starts with tag {outer.tag:X}, not 6E")
    return parse_infos(outer.value)


def encode(infos: Iterable[SecurityInfo]) -> bytes:
    return tlv.encode(TAG, encode_infos(infos))
