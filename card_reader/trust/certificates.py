"""X.509 certificates of issuers and document signers (ICAO 9303-12 §7.1, RFC 5280).

Parsed with asn1crypto, which reads what real issuers write; the raw bytes are kept and the
signature is checked over the raw part that was signed.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from asn1crypto import pem, x509

from card_reader import tlv
from card_reader.asn1 import parsing
from card_reader.cms import name_key
from card_reader.errors import CardReason, MalformedCertificateError, UnsupportedAlgorithmError
from card_reader.trust.keys import PublicKey, describe_public_key, parse_public_key
from card_reader.trust.signatures import (
    SignatureAlgorithm,
    parse_signature_algorithm,
    verify_signature,
)

MAX_CERTIFICATE = 64 * 1024
#: An extension in the certificates of test issuers, under the arc for examples (ITU-T X.660):
#: whatever their names say, they are never anchors of the realm `live`.
TEST_ISSUER = "2.999.9303.1"


@dataclass(frozen=True)
class Certificate:
    """One certificate.  Compared and hashed by its bytes.

    ``subject`` and ``issuer`` are comparable forms of the names, ``subject_text`` is for people;
    ``country`` is the subject's, ``issuer_country`` the issuer's C attribute in upper case.
    """

    raw: bytes
    tbs: bytes
    signature: bytes
    signature_algorithm: bytes
    spki: bytes
    subject: str
    subject_text: str
    country: str | None
    issuer: str
    issuer_text: str
    issuer_country: str | None
    serial: int
    key_id: bytes | None
    authority_key_id: bytes | None
    not_before: datetime
    not_after: datetime
    is_ca: bool
    may_sign_documents: bool
    is_test: bool

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    @cached_property
    def sha256(self) -> str:
        """Fingerprint in lower-case hex."""
        return hashlib.sha256(self.raw).hexdigest()

    @cached_property
    def public_key(self) -> PublicKey:
        """Raises UnsupportedAlgorithmError where the key cannot be used."""
        return parse_public_key(self.spki)

    @cached_property
    def key_text(self) -> str:
        return describe_public_key(self.spki)[0]

    @cached_property
    def has_explicit_parameters(self) -> bool:
        return describe_public_key(self.spki)[1]

    def algorithm(self) -> SignatureAlgorithm:
        """How the certificate itself was signed."""
        return parse_signature_algorithm(self.signature_algorithm, None)

    def signed_by(self, issuer: "Certificate") -> bool:
        """Whether this certificate's signature verifies under ``issuer``'s key."""
        try:
            return verify_signature(issuer.public_key, self.algorithm(), self.tbs, self.signature)
        except (UnsupportedAlgorithmError, MalformedCertificateError):
            return False

    def names_as_parent(self, other: "Certificate") -> bool:
        """Whether this certificate claims ``other`` as its issuer: by key id, else by name."""
        if self.authority_key_id is not None and other.key_id is not None:
            return self.authority_key_id == other.key_id
        return self.issuer == other.subject


def parse_certificate(raw: bytes) -> Certificate:
    """One DER certificate."""
    if len(raw) > MAX_CERTIFICATE:
        raise MalformedCertificateError(f"a certificate of {len(raw)} bytes", CardReason.TOO_LARGE)
    with parsing("a certificate", MalformedCertificateError):
        outer = x509.Certificate.load(raw, strict=True)
        body = outer["tbs_certificate"]
        subject, issuer = body["subject"], body["issuer"]
        validity = body["validity"]
        usage = outer.key_usage_value
        constraints = outer.basic_constraints_value
        return Certificate(
            raw=raw,
            tbs=_first_child(raw),
            signature=bytes(outer["signature_value"]),
            signature_algorithm=outer["signature_algorithm"].dump(),
            spki=body["subject_public_key_info"].dump(),
            subject=name_key(subject),
            subject_text=str(subject.human_friendly),
            country=_country(subject),
            issuer=name_key(issuer),
            issuer_text=str(issuer.human_friendly),
            issuer_country=_country(issuer),
            serial=int(body["serial_number"].native),
            key_id=outer.key_identifier,
            authority_key_id=outer.authority_key_identifier,
            not_before=validity["not_before"].native,
            not_after=validity["not_after"].native,
            is_ca=_may_issue(constraints, usage),
            may_sign_documents=usage is None or "digital_signature" in usage.native,
            is_test=any(item["extn_id"].dotted == TEST_ISSUER for item in body["extensions"]),
        )


def parse_certificates(data: bytes) -> tuple[Certificate, ...]:
    """The certificates of a PEM bundle, or the one of a DER file."""
    with parsing("a certificate file", MalformedCertificateError):
        if not pem.detect(data):
            return (parse_certificate(data),)
        parts = [
            body for kind, _, body in pem.unarmor(data, multiple=True) if kind == "CERTIFICATE"
        ]
    if not parts:
        raise MalformedCertificateError("the PEM file holds no certificate")
    return tuple(parse_certificate(part) for part in parts)


def _may_issue(constraints: x509.BasicConstraints | None, usage: x509.KeyUsage | None) -> bool:
    """By basic constraints or key usage: real link certificates carry but one of the two."""
    if constraints is not None and constraints["ca"].native:
        return True
    return usage is not None and "key_cert_sign" in usage.native


def _first_child(raw: bytes) -> bytes:
    """The part that is signed, as it was sent."""
    return tlv.parse_prefix(tlv.parse(raw).value)[0].raw


def _country(name: x509.Name) -> str | None:
    value = name.native.get("country_name")
    return value.strip().upper() if isinstance(value, str) and value.strip() else None
