"""EF.DG15: the public key of active authentication (ICAO 9303-10 §4.7.15)."""

from asn1crypto import keys

from card_reader import tlv
from card_reader.errors import MalformedFileError

TAG = 0x6F
MAX_BYTES = 4096


def parse(raw: bytes) -> bytes:
    """The DER of the SubjectPublicKeyInfo, as the file holds it."""
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.DG15 starts with tag {outer.tag:X}, not 6F")
    return _checked(outer.value)


def encode(subject_public_key_info: bytes) -> bytes:
    return tlv.encode(TAG, _checked(subject_public_key_info))


def _checked(der: bytes) -> bytes:
    if len(der) > MAX_BYTES:
        raise MalformedFileError(f"EF.DG15 is longer than {MAX_BYTES} bytes")
    try:
        info = keys.PublicKeyInfo.load(der, strict=True)
        known = bool(info["algorithm"]["algorithm"].native) and bool(info["public_key"].contents)
    except (ValueError, TypeError, IndexError, KeyError):
        raise MalformedFileError("EF.DG15 holds no SubjectPublicKeyInfo") from None
    if not known:
        raise MalformedFileError("EF.DG15 holds an empty public key")
    return der
