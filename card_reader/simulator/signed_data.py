"""CMS SignedData as issuers make it (RFC 5652 §5, ICAO 9303-10 §4.6.2.2, 9303-12 §9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509

from card_reader import tlv
from card_reader.simulator import signature_schemes
from card_reader.simulator.certificates import Random, Signer
from card_reader.trust.signatures import SignatureAlgorithm, digest

ID_DATA = "1.2.840.113549.1.7.1"
_CONTEXT_0, _OCTET_STRING, _CONSTRUCTED = 0xA0, 0x04, 0x20
_INDEFINITE, _END_OF_CONTENTS = b"\x80", b"\x00\x00"


@dataclass(frozen=True, slots=True)
class Envelope:
    """How a SignedData is written around its content.

    `signer_by_key_id` names the signer by subject key identifier, not by issuer and serial number.
    `indefinite_length` writes the outer objects in BER with lengths left open, as one state does.
    """

    signed_attributes: bool = True
    certificate_inside: bool = True
    signer_by_key_id: bool = False
    indefinite_length: bool = False


STANDARD_ENVELOPE = Envelope()


def sign(
    content_type: str,
    content: bytes,
    signer: Signer,
    algorithm: SignatureAlgorithm,
    now: datetime,
    rng: Random,
    *,
    envelope: Envelope = STANDARD_ENVELOPE,
    certificates: Iterable[bytes] = (),
) -> bytes:
    """ContentInfo with one signature over `content`; `certificates` go in beside the signer's."""
    attributes = _attributes(content_type, content, algorithm, now)
    message = attributes.dump() if envelope.signed_attributes else content
    certificate = asn1_x509.Certificate.load(signer.der)
    information: dict[str, object] = {
        "version": "v3" if envelope.signer_by_key_id else "v1",
        "sid": _signer_identifier(certificate, by_key_id=envelope.signer_by_key_id),
        "digest_algorithm": {"algorithm": algorithm.hash_name},
        "signature_algorithm": signature_schemes.identifier(algorithm),
        "signature": signature_schemes.sign(signer.key, algorithm, message, rng),
    }
    if envelope.signed_attributes:
        information["signed_attrs"] = attributes
    inside = [signer.der] if envelope.certificate_inside else []
    first = _is_first_version(content_type, envelope)
    signed: dict[str, object] = {
        "version": "v1" if first else "v3",
        "digest_algorithms": [{"algorithm": algorithm.hash_name}],
        "encap_content_info": {
            "content_type": content_type,
            "content": (core.OctetString if first else core.ParsableOctetString)(content),
        },
        "signer_infos": [cms.SignerInfo(information)],
    }
    if inside or certificates:
        loaded = [asn1_x509.Certificate.load(der) for der in (*inside, *certificates)]
        signed["certificates"] = loaded
    info = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})
    der = bytes(info.dump())
    return _with_indefinite_lengths(der) if envelope.indefinite_length else der


def with_broken_signature(message: bytes) -> bytes:
    """The same ContentInfo with the last bit of its only signature turned.

    The signature is the last thing in it: unsigned attributes are never written here.
    """
    parsed = cms.ContentInfo.load(message)
    signature = bytes(parsed["content"]["signer_infos"][0]["signature"])
    at = message.rindex(signature) + len(signature) - 1
    return message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]


def _attributes(
    content_type: str, content: bytes, algorithm: SignatureAlgorithm, now: datetime
) -> cms.CMSAttributes:
    values = (
        ("content_type", content_type),
        ("message_digest", digest(algorithm.hash_name, content)),
        ("signing_time", cms.Time({"utc_time": now.replace(microsecond=0)})),
    )
    return cms.CMSAttributes(
        [cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in values]
    )


def _signer_identifier(
    certificate: asn1_x509.Certificate, *, by_key_id: bool
) -> cms.SignerIdentifier:
    if by_key_id:
        return cms.SignerIdentifier("subject_key_identifier", certificate.key_identifier)
    name = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    return cms.SignerIdentifier("issuer_and_serial_number", cms.IssuerAndSerialNumber(name))


def _is_first_version(content_type: str, envelope: Envelope) -> bool:
    """RFC 5652 §5.1: version 1 for plain data and signers by issuer and serial number."""
    return content_type == ID_DATA and not envelope.signer_by_key_id


def _with_indefinite_lengths(der: bytes) -> bytes:
    """ContentInfo, SignedData and the content in it with open lengths (X.690 §8.1.3.6)."""
    kind, wrapper = tlv.parse(der).children()
    signed = tlv.parse(wrapper.value)
    version, digests, encapsulated, *rest = signed.children()
    content_type, content = encapsulated.children()
    octets = _open(_OCTET_STRING | _CONSTRUCTED, tlv.parse(content.value).raw)
    body = _open(encapsulated.tag, content_type.raw + _open(_CONTEXT_0, octets))
    parts = version.raw + digests.raw + body + b"".join(item.raw for item in rest)
    inner = _open(_CONTEXT_0, _open(signed.tag, parts))
    return _open(0x30, kind.raw + inner)


def _open(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + _INDEFINITE + content + _END_OF_CONTENTS
