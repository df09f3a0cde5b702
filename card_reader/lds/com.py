"""EF.COM: which data groups the issuer says are there (ICAO 9303-10 §4.6.1).

Nobody signs this file; what exists is told by the SOD alone.
"""

import re
from dataclasses import dataclass

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import DATA_GROUPS

TAG = 0x60
_LDS_VERSION, _UNICODE_VERSION, _TAG_LIST = 0x5F01, 0x5F36, 0x5C

_NUMBERS = {file.tag: number for number, file in DATA_GROUPS.items()}


@dataclass(frozen=True, slots=True)
class Com:
    """`lds_version` is four digits ("0107"), `unicode_version` six ("040000")."""

    data_groups: tuple[int, ...]
    lds_version: str = "0107"
    unicode_version: str = "040000"


def parse(raw: bytes) -> Com:
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.COM starts with tag {outer.tag:X}, not 60")
    parts = outer.children()
    tags = tlv.find(parts, _TAG_LIST).value
    unknown = [tag for tag in tags if tag not in _NUMBERS]
    if unknown or len(set(tags)) != len(tags):
        raise MalformedFileError(f"EF.COM's list of tags is wrong: {tags[:32].hex()}")
    return Com(
        data_groups=tuple(_NUMBERS[tag] for tag in tags),
        lds_version=_digits(tlv.find(parts, _LDS_VERSION).value, 4),
        unicode_version=_digits(tlv.find(parts, _UNICODE_VERSION).value, 6),
    )


def encode(com: Com) -> bytes:
    return tlv.encode(
        TAG,
        tlv.encode(_LDS_VERSION, com.lds_version.encode("ascii"))
        + tlv.encode(_UNICODE_VERSION, com.unicode_version.encode("ascii"))
        + tlv.encode(_TAG_LIST, bytes(DATA_GROUPS[number].tag for number in com.data_groups)),
    )


def _digits(value: bytes, count: int) -> str:
    if not re.fullmatch(rb"[0-9]{%d}" % count, value):
        raise MalformedFileError(f"a version in EF.COM is not {count} digits")
    return value.decode("ascii")
