"""EF.DG14: the chip's protocols and keys, as a SET of SecurityInfo (ICAO 9303-11 §9.2).

    SecurityInfo ::= SEQUENCE { protocol OBJECT IDENTIFIER, requiredData ANY,
                                optionalData ANY OPTIONAL }

The file's hash is over the bytes as read: never encode a parsed file again to compare it.
"""

from dataclasses import dataclass

from asn1crypto import core

from card_reader import tlv
from card_reader.errors import MalformedFileError

TAG = 0x6E
MAX_INFOS = 64
_OID, _SEQUENCE, _SET = 0x06, 0x30, 0x31


@dataclass(frozen=True, slots=True)
class SecurityInfo:
    """`oid` dotted; `required` and `optional` are the DER of their values."""

    oid: str
    required: bytes
    optional: bytes | None = None


def parse(raw: bytes) -> tuple[SecurityInfo, ...]:
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.DG14 starts with tag {outer.tag:X}, not 6E")
    return parse_infos(outer.value)


def parse_infos(raw: bytes) -> tuple[SecurityInfo, ...]:
    """The bare SET, as EF.CardAccess holds it too; in the file's order."""
    infos = tlv.parse(raw)
    if infos.tag != _SET:
        raise MalformedFileError("SecurityInfos are not a SET")
    items = infos.children()
    if len(items) > MAX_INFOS:
        raise MalformedFileError(f"more than {MAX_INFOS} SecurityInfos")
    return tuple(_info(item) for item in items)


def encode(infos: tuple[SecurityInfo, ...]) -> bytes:
    return tlv.encode(TAG, encode_infos(infos))


def encode_infos(infos: tuple[SecurityInfo, ...]) -> bytes:
    """The SET, sorted as DER wants it (X.690 §11.6)."""
    return tlv.encode(_SET, b"".join(sorted(_encode_info(info) for info in infos)))


def _info(item: tlv.Tlv) -> SecurityInfo:
    parts = item.children() if item.tag == _SEQUENCE else ()
    if len(parts) not in (2, 3) or parts[0].tag != _OID or not 1 <= len(parts[0].value) <= 64:
        raise MalformedFileError("a SecurityInfo is not { protocol, required data, optional data }")
    try:
        oid = str(core.ObjectIdentifier.load(parts[0].raw, strict=True).dotted)
    except (ValueError, IndexError):
        raise MalformedFileError("a SecurityInfo has a damaged object identifier") from None
    return SecurityInfo(oid, parts[1].raw, parts[2].raw if len(parts) == 3 else None)


def _encode_info(info: SecurityInfo) -> bytes:
    oid = bytes(core.ObjectIdentifier(info.oid).dump())
    return tlv.encode(_SEQUENCE, oid + info.required + (info.optional or b""))
