"""EF.CardSecurity: SecurityInfos that the issuer signed, the key of PACE-CAM among them.

ICAO 9303-10 §3.11.4, ICAO 9303-11 §9.2.11, TR-03110-3 A.1.2.5: CMS SignedData over a bare set
of SecurityInfos.  Nothing is verified here, the content's type neither: that is
:func:`card_reader.trust.passive_authentication.authenticate_signed_data`'s part.
"""

from dataclasses import dataclass

from card_reader.cms import SignedData, parse_signed_data
from card_reader.errors import CardError, CardReason, MalformedFileError
from card_reader.lds.security_infos import SecurityInfo, parse_infos

CONTENT_TYPES = frozenset({"0.4.0.127.0.7.3.2.1"})  # id-SecurityObject
MAX_SIZE = 64 * 1024


@dataclass(frozen=True, slots=True)
class CardSecurity:
    """``security_infos`` in the file's order; ``signed_data`` as it was sent."""

    raw: bytes
    security_infos: tuple[SecurityInfo, ...]
    signed_data: SignedData


def parse(raw: bytes) -> CardSecurity:
    """Parse the file."""
    if len(raw) > MAX_SIZE:
        raise MalformedFileError(f"an EF.CardSecurity of {len(raw)} bytes", CardReason.TOO_LARGE)
    signed = parse_signed_data(raw)
    return CardSecurity(raw, parse_infos(signed.content), signed)


def is_card_security(content: bytes) -> bool:
    """Whether a CMS object claims, or was signed as, an EF.CardSecurity: EF.SOD is one, too."""
    try:
        signed = parse_signed_data(content)
    except CardError:
        return False
    claimed = {signed.content_type, *(item.content_type for item in signed.signers)}
    return not claimed.isdisjoint(CONTENT_TYPES)
