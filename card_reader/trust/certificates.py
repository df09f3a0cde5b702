"""X.509 certificates of issuers and document signers (ICAO 9303-12 §7.1, RFC 5280).

Parsing splits a certificate into its raw parts and looks at what a store is indexed by; the
rest is read when it is asked for.  So a list of a thousand loads in a moment, and one odd field
of a real certificate spoils that field alone.  Signatures are checked over the raw bytes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from asn1crypto import pem, x509

from card_reader import tlv
from card_reader.asn1 import definite_form, parsing, unsigned
from card_reader.distinguished_names import name_text, parse_name
from card_reader.errors import (
    CardError,
    CardReason,
    MalformedCertificateError,
)
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
_TEST_ISSUER = bytes.fromhex("8837C85701")  # the same, encoded

_SUBJECT_KEY_ID = bytes.fromhex("551D0E")
_KEY_USAGE = bytes.fromhex("551D0F")
_BASIC_CONSTRAINTS = bytes.fromhex("551D13")
_AUTHORITY_KEY_ID = bytes.fromhex("551D23")
_VERSION, _EXTENSIONS, _CONTEXT_0, _UTC_TIME = 0xA0, 0xA3, 0x80, 0x17
_DIGITAL_SIGNATURE, _KEY_CERT_SIGN = 0x80, 0x04  # bits of the first byte of a key usage
_TAGS = (0x30, 0x30, 0x02, 0x03)  # of the certificate, its signed part, serial and signature
_WHOLE = b"\x00"  # a bit string without unused bits
_INDEFINITE = b"\x80"
_PEM_KINDS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})


@dataclass(frozen=True)
class Certificate:
    """One certificate.  Compared and hashed by its bytes.

    ``subject`` and ``issuer`` are comparable forms of the names, ``subject_text`` is for people;
    ``country`` is the subject's, ``issuer_country`` the issuer's C attribute in upper case.
    Properties raise MalformedCertificateError where that part cannot be read.
    """

    raw: bytes
    tbs: bytes
    signature: bytes
    signature_algorithm: bytes
    inner_algorithm: bytes
    serial: int
    spki: bytes
    key_bits: bytes
    subject: str
    subject_raw: bytes
    country: str | None
    issuer: str
    issuer_raw: bytes
    issuer_country: str | None
    not_before: datetime
    not_after: datetime
    key_id: bytes | None
    authority_key_id: bytes | None
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

    @property
    def subject_text(self) -> str:
        return name_text(self.subject_raw)

    @property
    def issuer_text(self) -> str:
        return name_text(self.issuer_raw)

    @cached_property
    def public_key(self) -> PublicKey:
        """Raises UnsupportedAlgorithmError where the key cannot be used."""
        return parse_public_key(self.spki)

    @property
    def key_digest(self) -> bytes:
        """The key id that a certificate without one has (RFC 5280 §4.2.1.2, method 1)."""
        return hashlib.sha1(self.key_bits, usedforsecurity=False).digest()

    @cached_property
    def key_text(self) -> str:
        return describe_public_key(self.spki)[0]

    @cached_property
    def has_explicit_parameters(self) -> bool:
        return describe_public_key(self.spki)[1]

    def algorithm(self) -> SignatureAlgorithm:
        """How the certificate itself was signed; the signed part must say the same."""
        if self.inner_algorithm != self.signature_algorithm:  # RFC 5280 §4.1.1.2
            raise MalformedCertificateError("a certificate names two signature algorithms")
        return parse_signature_algorithm(self.signature_algorithm, None)

    def signed_by(self, issuer: "Certificate") -> bool:
        """Whether this certificate's signature verifies under ``issuer``'s key."""
        try:
            return verify_signature(issuer.public_key, self.algorithm(), self.tbs, self.signature)
        except CardError:
            return False

    def names_key_of(self, other: "Certificate") -> bool:
        """Whether this certificate claims to be signed with ``other``'s very key.

        A name alone claims no key: issuers change keys and keep the name.
        """
        return self.authority_key_id is not None and self.authority_key_id == other.key_id

    def names_as_parent(self, other: "Certificate") -> bool:
        """Whether this certificate claims ``other`` as its issuer: by key id, else by name."""
        if self.authority_key_id is not None and other.key_id is not None:
            return self.authority_key_id == other.key_id
        return self.issuer == other.subject


def parse_certificate(raw: bytes) -> Certificate:
    """One DER certificate."""
    if len(raw) > MAX_CERTIFICATE:
        raise MalformedCertificateError(f"a certificate of {len(raw)} bytes", CardReason.TOO_LARGE)
    with parsing("a certificate", MalformedCertificateError, raw):
        der = definite_form(raw) if raw[1:2] == _INDEFINITE else raw
        outer = tlv.parse(der)
        body, algorithm, signature = outer.children()
        fields = [item for item in body.children() if item.tag != _VERSION]
        serial, inner, issuer, validity, subject, spki, *rest = fields
        if (outer.tag, body.tag, serial.tag, signature.tag) != _TAGS or signature.value[
            :1
        ] != _WHOLE:
            raise MalformedCertificateError("the bytes are no certificate")
        extensions = _extensions([item for item in rest if item.tag == _EXTENSIONS])
        subject_name, issuer_name = parse_name(subject.raw), parse_name(issuer.raw)
        not_before, not_after = validity.children()
        usage = _key_usage(extensions)
        return Certificate(
            raw=raw,
            tbs=body.raw,
            signature=signature.value[1:],
            signature_algorithm=algorithm.raw,
            inner_algorithm=inner.raw,
            serial=unsigned(serial.value),
            spki=spki.raw,
            key_bits=spki.children()[1].value[1:],
            subject=subject_name.key,
            subject_raw=subject.raw,
            country=subject_name.country,
            issuer=issuer_name.key,
            issuer_raw=issuer.raw,
            issuer_country=issuer_name.country,
            not_before=parse_time(not_before.raw),
            not_after=parse_time(not_after.raw),
            key_id=_key_id(extensions),
            authority_key_id=_authority_key_id(extensions),
            is_ca=_may_issue(extensions, usage, self_issued=issuer_name == subject_name),
            may_sign_documents=usage is None or bool(usage & _DIGITAL_SIGNATURE),
            is_test=_TEST_ISSUER in extensions,
        )


def parse_certificates(data: bytes) -> tuple[Certificate, ...]:
    """The certificates of a PEM bundle, or the one of a DER file."""
    with parsing("a certificate file", MalformedCertificateError):
        if not pem.detect(data):
            return (parse_certificate(data),)
        parts = [body for kind, _, body in pem.unarmor(data, multiple=True) if kind in _PEM_KINDS]
    if not parts:
        raise MalformedCertificateError("the PEM file holds no certificate")
    return tuple(parse_certificate(part) for part in parts)


def _extensions(found: list[tlv.Tlv]) -> Mapping[bytes, bytes]:
    """Value of each extension by its encoded identifier (RFC 5280 §4.2)."""
    if not found:
        return {}
    rows = [item.children() for item in tlv.parse(found[0].value).children()]
    return {row[0].value: row[-1].value for row in rows}


def _key_usage(extensions: Mapping[bytes, bytes]) -> int | None:
    """First byte of the bit string, None where the usage is not limited."""
    value = extensions.get(_KEY_USAGE)
    return None if value is None else int.from_bytes(tlv.parse(value).value[1:2], "big")


def _may_issue(extensions: Mapping[bytes, bytes], usage: int | None, *, self_issued: bool) -> bool:
    """By basic constraints or key usage: real link certificates carry but one of the two.

    The oldest issuers' own certificates carry neither (X.509 version 1).
    """
    value = extensions.get(_BASIC_CONSTRAINTS)
    if value is None and usage is None:
        return self_issued
    ca = tlv.parse(value).children()[:1] if value is not None else ()
    if ca and ca[0].tag == 0x01 and any(ca[0].value):
        return True
    return usage is not None and bool(usage & _KEY_CERT_SIGN)


def _key_id(extensions: Mapping[bytes, bytes]) -> bytes | None:
    value = extensions.get(_SUBJECT_KEY_ID)
    return tlv.parse(value).value if value is not None else None


def _authority_key_id(extensions: Mapping[bytes, bytes]) -> bytes | None:
    value = extensions.get(_AUTHORITY_KEY_ID)
    parts = tlv.parse(value).children() if value is not None else ()
    return next((part.value for part in parts if part.tag == _CONTEXT_0), None)


def parse_time(raw: bytes) -> datetime:
    """A Time (RFC 5280 §4.1.2.5) in UTC."""
    text = raw[2:]
    if raw[0] == _UTC_TIME and len(text) == 13 and text[-1:] == b"Z" and text[:-1].isdigit():
        year, month, day, hour, minute, second = (int(text[i : i + 2]) for i in range(0, 12, 2))
        year += 1900 if year >= 50 else 2000
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    value: datetime = x509.Time.load(raw, strict=True).native  # the rarer forms
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
