"""CMS SignedData as SODs, master lists and EF.CardSecurity use it (RFC 5652 §5).

The raw bytes that are hashed and signed are kept as they were sent; nothing is verified here
(see :mod:`card_reader.trust.signer`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import algos, cms, core

from card_reader import tlv
from card_reader.asn1 import definite_form, parsing, unsigned
from card_reader.distinguished_names import parse_name
from card_reader.errors import CardReason, MalformedFileError

MAX_CERTIFICATES = 16
MAX_SIGNERS = 4
MAX_ATTRIBUTES = 32
_DATA = "1.2.840.113549.1.7.1"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_MESSAGE_DIGEST_DER = bytes.fromhex("06092A864886F70D010904")
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_SET = 0x31
_NO_PARAMETERS = (b"", b"\x05\x00")  # RFC 5754 §2: absent or NULL
_VERSIONS = frozenset({"v1", "v3", "v4", "v5"})
_SIGNER_VERSIONS = frozenset({"v1", "v3"})


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signature over the content.

    The signer is named by ``issuer`` (a comparable form of the name) and ``serial``, or by
    ``key_id``.  ``attributes`` are the encodings of the signed attributes that may have been
    signed: as they were sent, and in the order of DER where that differs (RFC 5652 §5.4 signs
    DER, some issuers what they send); empty where the signature covers the content itself.
    """

    issuer: str | None
    serial: int | None
    key_id: bytes | None
    digest_oid: str
    signature_algorithm: bytes
    attributes: tuple[bytes, ...]
    content_type: str | None
    message_digest: bytes | None
    signing_time: datetime | None
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedData:
    """``content_type`` dotted, the signed ``content``, DER ``certificates``, ``signers``.

    ``has_right_versions``: its version and its signers' are those that its contents demand.
    """

    content_type: str
    content: bytes
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]
    has_right_versions: bool


def parse_signed_data(raw: bytes) -> SignedData:
    """A ContentInfo with SignedData; the forms of BER that DER excludes are read too."""
    try:
        return _parse(raw)
    except MalformedFileError as error:
        plain = definite_form(raw)
        if plain == raw:
            raise error
        return _parse(plain)


def _parse(raw: bytes) -> SignedData:
    with parsing("CMS SignedData", MalformedFileError, raw):
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
            _has_right_versions(data),
        )
        _check_outside(data, signed)
    return signed


def _check_outside(data: cms.SignedData, signed: SignedData) -> None:
    """The parts no signature covers: known versions, and the hashes that are used announced."""
    if len(data["digest_algorithms"]) > MAX_SIGNERS:
        raise MalformedFileError("too many hashes announced", CardReason.TOO_LARGE)
    announced = {item["algorithm"].dotted for item in data["digest_algorithms"]}
    versions = {item["version"].native for item in data["signer_infos"]}
    if data["version"].native not in _VERSIONS or not versions <= _SIGNER_VERSIONS:
        raise MalformedFileError("CMS SignedData of an unknown version")
    hashes = [*data["digest_algorithms"], *(i["digest_algorithm"] for i in data["signer_infos"])]
    if any(item["parameters"].dump() not in _NO_PARAMETERS for item in hashes):
        raise MalformedFileError("CMS SignedData gives a hash parameters")
    if any(signer.digest_oid not in announced for signer in signed.signers):
        raise MalformedFileError("CMS SignedData does not announce the hash that it uses")


def _has_right_versions(data: cms.SignedData) -> bool:
    """RFC 5652 §5.1, §5.3; attribute certificates, which want others, are not for documents."""
    named = [item["sid"].name == "issuer_and_serial_number" for item in data["signer_infos"]]
    versions = [item["version"].native for item in data["signer_infos"]]
    plain = data["encap_content_info"]["content_type"].dotted == _DATA and all(named)
    return data["version"].native == ("v1" if plain else "v3") and versions == [
        "v1" if by_issuer else "v3" for by_issuer in named
    ]


def looks_like_attributes(content: bytes) -> bool:
    """Whether ``content`` could be the signed attributes of another message.

    A signature over attributes is one over content without any, once they are sent as that; so a
    SET with a message digest in it is never content that is signed directly.
    """
    return content[:1] == bytes([_SET]) and _MESSAGE_DIGEST_DER in content


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
        issuer = parse_name(identifier.chosen["issuer"].dump()).key
        serial = unsigned(identifier.chosen["serial_number"].contents)
    else:
        key_id = bytes(identifier.chosen)
    attributes = item["signed_attrs"]
    signed = () if isinstance(attributes, core.Void) else _signed_encodings(attributes)
    values = _attribute_values(signed[0]) if signed else {}
    digest_algorithm: algos.DigestAlgorithm = item["digest_algorithm"]
    return SignerInfo(
        issuer,
        serial,
        key_id,
        digest_algorithm["algorithm"].dotted,
        item["signature_algorithm"].dump(),
        signed,
        _object_identifier(values.get(_CONTENT_TYPE)),
        _octets(values.get(_MESSAGE_DIGEST)),
        _time(values.get(_SIGNING_TIME)),
        bytes(item["signature"]),
    )


def _signed_encodings(attributes: cms.CMSAttributes) -> tuple[bytes, ...]:
    """The attributes under the tag SET: as sent, and sorted as DER wants (RFC 5652 §5.4)."""
    if len(attributes) > MAX_ATTRIBUTES:
        raise MalformedFileError("too many signed attributes", CardReason.TOO_LARGE)
    # Of indefinite lengths the definite form was signed: the signature is over DER.
    sent = definite_form(tlv.encode(_SET, attributes.contents))
    items = tlv.parse(sent).children()
    ordered = tlv.encode(_SET, b"".join(sorted(item.raw for item in items)))
    return (sent,) if ordered == sent else (sent, ordered)


class _Attribute(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [("type", core.ObjectIdentifier), ("values", core.Any)]  # noqa: RUF012 - asn1crypto's


def _attribute_values(raw: bytes) -> dict[str, bytes]:
    """DER of the only value of each signed attribute, by its dotted type."""
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
