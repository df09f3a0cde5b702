"""EF.CardAccess: what PACE the chip offers, readable before any access (ICAO 9303-10 §3.11.3).

Nobody signed this file.  What it says is compared with EF.DG14 once that is authenticated.
"""

from collections.abc import Iterable

from card_reader import tlv
from card_reader.lds.security_infos import SecurityInfo, encode_infos, parse_infos


def parse(raw: bytes) -> tuple[SecurityInfo, ...]:
    """The file's entries, in its order; the padding that some chips add behind them is left."""
    infos, _ = tlv.parse_prefix(raw)
    return parse_infos(infos.raw)


def encode(infos: Iterable[SecurityInfo]) -> bytes:
    return encode_infos(infos)
