"""CMS SignedData as SODs, master lists and EF.CardSecurity use it (RFC 5652 §5).

The raw bytes that are hashed and signed are kept as they were sent; nothing is verified here
(see :mod:`card_reader.trust.signer`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import algos, cms, core, x509

from card_reader import tlv
from card_reader.asn1 import parsing
from card_reader.errors import CardReason, MalformedFileError

MAX_CERTIFICATES = 16
MAX_SIGNERS = 4
MAX_ATTRIBUTES = 32
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_SET = 0x31
_VERSIONS = frozenset({"v1", "v3", "v4", "v5"})
_SIGNER_VERSIONS = frozenset({"v1", "v3"})


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signature over the content.

    The signer is named by ``issuer`` (a comparable form of the name) and ``serial``, or by
    ``key_id``.  ``attributes`` are the signed attributes as the DER SET that was signed, empty
    where the signature covers the content itself.
    """

    issuer: str | None
    serial: int | None
    key_id: bytes | None
    digest_oid: str
    signature_algorithm: bytes
    attributes: bytes
    content_type: str | None
    message_digest: bytes | None
    signing_time: datetime | None
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedData:
    """``content_type`` dotted, the signed ``content``, DER ``certificates``, ``signers``."""

    content_type: str
    content: bytes
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]


def parse_signed_data(raw: bytes) -> SignedData:
    """A ContentInfo with SignedData; BER with indefinite lengths is read too."""
    with parsing("CMS SignedData", MalformedFileError):
        info = cms.ContentInfo.load(raw, strict=True)
        if info["content_type"].dotted != _SIGNED_DATA:
            raise MalformedFileError("the CMS object is not SignedData")
        data = info["content"]
        encapsulated = data["encap_content_info"]
        signed = SignedData(
            encapsulated["content_type"].dotted,
            bytes(encapsulated["content"]),
            _certificates(data["certificates"]),
            _signers(data["signer_infos"]),
        )
        _check_outside(data, signed)
    return signed


def _check_outside(data: cms.SignedData, signed: SignedData) -> None:
    """The parts no signature covers: known versions, and the hashes that are used announced."""
    announced = {item["algorithm"].dotted for item in data["digest_algorithms"]}
    versions = {item["version"].native for item in data["signer_infos"]}
    if data["version"].native not in _VERSIONS or not versions <= _SIGNER_VERSIONS:
        raise MalformedFileError("CMS SignedData of an unknown version")
    if any(signer.digest_oid not in announced for signer in signed.signers):
        raise MalformedFileError("CMS SignedData does not announce the hash that it uses")


def name_key(name: x509.Name) -> str:
    """A form of a distinguished name that is equal for equal names (RFC 5280 §7.1)."""
    return str(name.hashable)


def _certificates(field: cms.CertificateSet) -> tuple[bytes, ...]:
    if isinstance(field, core.Void):
        return ()
    if len(field) > MAX_CERTIFICATES:
        raise MalformedFileError(f"more than {MAX_CERTIFICATES} certificates", CardReason.TOO_LARGE)
    return tuple(choice.chosen.dump() for choice in field if choice.name == "certificate")


def _signers(field: cms.SignerInfos) -> tuple[SignerInfo, ...]:
    if not 1 <= len(field) <= MAX_SIGNERS:
        raise MalformedFileError(f"{len(field)} signers")
    return tuple(_signer(item) for item in field)


def _signer(item: cms.SignerInfo) -> SignerInfo:
    identifier = item["sid"]
    issuer = serial = key_id = None
    if identifier.name == "issuer_and_serial_number":
        issuer = name_key(identifier.chosen["issuer"])
        serial = int(identifier.chosen["serial_number"].native)
    else:
        key_id = bytes(identifier.chosen)
    attributes = item["signed_attrs"]
    raw = b"" if isinstance(attributes, core.Void) else _signed_bytes(attributes)
    values = _attribute_values(raw)
    digest_algorithm: algos.DigestAlgorithm = item["digest_algorithm"]
    return SignerInfo(
        issuer,
        serial,
        key_id,
        digest_algorithm["algorithm"].dotted,
        item["signature_algorithm"].dump(),
        raw,
        _object_identifier(values.get(_CONTENT_TYPE)),
        _octets(values.get(_MESSAGE_DIGEST)),
        _time(values.get(_SIGNING_TIME)),
        bytes(item["signature"]),
    )


def _signed_bytes(attributes: cms.CMSAttributes) -> bytes:
    """The attributes as signed: the bytes sent, under the tag SET (RFC 5652 §5.4)."""
    if len(attributes) > MAX_ATTRIBUTES:
        raise MalformedFileError("too many signed attributes", CardReason.TOO_LARGE)
    raw = tlv.encode(_SET, attributes.contents)
    try:
        tlv.parse(raw).children()
    except MalformedFileError:  # indefinite lengths inside: the signature is over the DER
        raw = attributes.untag().dump(force=True)
    return raw


class _Attribute(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [("type", core.ObjectIdentifier), ("values", core.Any)]  # noqa: RUF012 - asn1crypto's


def _attribute_values(raw: bytes) -> dict[str, bytes]:
    """DER of the only value of each signed attribute, by its dotted type."""
    if not raw:
        return {}
    values: dict[str, bytes] = {}
    for item in tlv.parse(raw).children():
        oid = _Attribute.load(item.raw, strict=True)["type"].dotted
        content = item.children()[1].children()
        if oid in values:
            raise MalformedFileError(f"signed attribute {oid} appears twice")
        if oid in (_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME) and len(content) != 1:
            raise MalformedFileError(f"signed attribute {oid} has {len(content)} values")
        values[oid] = content[0].raw if content else b""
    return values


def _object_identifier(der: bytes | None) -> str | None:
    return None if der is None else str(core.ObjectIdentifier.load(der, strict=True).dotted)


def _octets(der: bytes | None) -> bytes | None:
    return None if der is None else bytes(core.OctetString.load(der, strict=True))


def _time(der: bytes | None) -> datetime | None:
    if der is None:
        return None
    value: datetime = cms.Time.load(der, strict=True).native
    return value.astimezone(UTC)
