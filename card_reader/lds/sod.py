"""EF.SOD: the issuer's signature over the hashes of the data groups (ICAO 9303-10 §4.6.2).

LDSSecurityObject ::= SEQUENCE { version INTEGER, hashAlgorithm AlgorithmIdentifier,
    dataGroupHashValues SEQUENCE OF SEQUENCE { INTEGER, OCTET STRING }, ldsVersionInfo OPTIONAL }
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from asn1crypto import algos, core

from card_reader import tlv
from card_reader.asn1 import parsing
from card_reader.cms import SignedData, parse_signed_data
from card_reader.errors import CardReason, MalformedFileError

TAG = 0x77
CMS_TAG = 0x30
MAX_SOD = 64 * 1024
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
# The draft identifier of early documents, and id-data, which one state writes.
CONTENT_TYPES = frozenset({LDS_SECURITY_OBJECT, "1.3.27.1.1.1", "1.2.840.113549.1.7.1"})
VERSIONS = (0, 1)
MAX_DATA_GROUP = 16
MAX_VERSION = 16  # characters kept of a version


@dataclass(frozen=True, slots=True)
class Sod:
    """``hash_oid`` dotted; ``data_group_hashes`` by number; ``signed_data`` as it was sent.

    ``lds_version`` ("0108") and ``unicode_version`` ("040000") stand in version 1 alone, and are
    signed there, unlike those of EF.COM; None where absent.
    """

    raw: bytes
    version: int
    hash_oid: str
    data_group_hashes: Mapping[int, bytes]
    signed_data: SignedData
    lds_version: str | None = None
    unicode_version: str | None = None


class _DataGroupHash(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [("number", core.Integer), ("hash", core.OctetString)]  # noqa: RUF012 - asn1crypto's


class _DataGroupHashes(core.SequenceOf):  # type: ignore[misc]  # untyped
    _child_spec = _DataGroupHash


class _LdsVersionInfo(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [("lds", core.PrintableString), ("unicode", core.PrintableString)]  # noqa: RUF012 - asn1crypto's


class _SecurityObject(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [  # noqa: RUF012 - asn1crypto's
        ("version", core.Integer),
        ("hash_algorithm", algos.DigestAlgorithm),
        ("hashes", _DataGroupHashes),
        ("lds_version_info", _LdsVersionInfo, {"optional": True}),
    ]


def parse(raw: bytes) -> Sod:
    """Parse EF.SOD, or the bare CMS object inside it.  Nothing is verified."""
    signed = envelope(raw)
    if signed.content_type not in CONTENT_TYPES:
        raise MalformedFileError(f"EF.SOD holds content of type {signed.content_type}")
    with parsing("EF.SOD", MalformedFileError):
        content = _SecurityObject.load(signed.content, strict=True)
        version = int(content["version"].native)
        hash_oid = str(content["hash_algorithm"]["algorithm"].dotted)
        hashes = [(int(item["number"].native), bytes(item["hash"])) for item in content["hashes"]]
        lds_version, unicode_version = _version_info(content["lds_version_info"])
    if version not in VERSIONS:
        raise MalformedFileError(f"EF.SOD of unknown version {version}")
    return Sod(raw, version, hash_oid, _by_number(hashes), signed, lds_version, unicode_version)


def envelope(raw: bytes) -> SignedData:
    """The SignedData of EF.SOD, whatever content it holds."""
    if len(raw) > MAX_SOD:
        raise MalformedFileError(f"an EF.SOD of {len(raw)} bytes", CardReason.TOO_LARGE)
    return parse_signed_data(_cms_object(raw))


def _version_info(info: _LdsVersionInfo | core.Void) -> tuple[str | None, str | None]:
    if isinstance(info, core.Void):
        return None, None
    return str(info["lds"].native)[:MAX_VERSION], str(info["unicode"].native)[:MAX_VERSION]


def _cms_object(raw: bytes) -> bytes:
    if raw[:1] == bytes([CMS_TAG]):
        return raw
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.SOD starts with tag {outer.tag:X}, not 77")
    return outer.value


def _by_number(hashes: list[tuple[int, bytes]]) -> Mapping[int, bytes]:
    numbers = [number for number, _ in hashes]
    if not numbers or len(set(numbers)) != len(numbers):
        raise MalformedFileError("EF.SOD lists no data group, or one twice")
    if min(numbers) < 1 or max(numbers) > MAX_DATA_GROUP:
        raise MalformedFileError("EF.SOD lists a data group that does not exist")
    return MappingProxyType(dict(sorted(hashes)))
