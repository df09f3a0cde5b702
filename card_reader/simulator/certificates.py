"""Certificates and revocation lists of the test issuer (ICAO 9303-12 §7.1, RFC 5280).

Built field by field, because the usual library neither writes explicit curve parameters nor signs
on every curve. Every certificate carries the extension TEST_ISSUER.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import algos, core, keys
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from card_reader import tlv
from card_reader.simulator import signature_schemes
from card_reader.simulator.signing_keys import SigningKey, public_key_info
from card_reader.trust.certificates import TEST_ISSUER
from card_reader.trust.signatures import SignatureAlgorithm, parse_signature_algorithm

ORGANISATION = "Trường Thi TEST"
MASTER_LIST_SIGNING = "2.23.136.1.1.3"  # ICAO 9303-12 §7.1.3
_DOCUMENT_TYPE_LIST = "2.23.136.1.1.6.2"  # ICAO 9303-12 §7.1.1.6
_COUNTRY, _ORGANISATION_NAME, _COMMON_NAME = "2.5.4.6", "2.5.4.10", "2.5.4.3"
_FIRST_GENERALIZED_YEAR = 2050  # RFC 5280 §4.1.2.5
_NULL = b"\x05\x00"
_SEQUENCE, _SET = 0x30, 0x31

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate and the private key that belongs to it."""

    certificate: x509.Certificate
    key: SigningKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


@dataclass(frozen=True, slots=True)
class Period:
    """Validity, both ends included; UTC."""

    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs certificates: his name, his key and how he signs."""

    name: asn1_x509.Name
    key: SigningKey
    algorithm: SignatureAlgorithm

    @classmethod
    def of(cls, signer: Signer) -> "Authority":
        """A CSCA signs everything as it signed itself."""
        parsed = asn1_x509.Certificate.load(signer.der)
        algorithm = parse_signature_algorithm(parsed["signature_algorithm"].dump(), None)
        return cls(parsed.subject, signer.key, algorithm)


def distinguished_name(country: str, common_name: str) -> asn1_x509.Name:
    parts = (
        (_COUNTRY, asn1_x509.DirectoryString("printable_string", country)),
        (_ORGANISATION_NAME, asn1_x509.DirectoryString("utf8_string", ORGANISATION)),
        (_COMMON_NAME, asn1_x509.DirectoryString("utf8_string", common_name)),
    )
    relative = [
        asn1_x509.RelativeDistinguishedName(
            [asn1_x509.NameTypeAndValue({"type": oid, "value": value})]
        )
        for oid, value in parts
    ]
    return asn1_x509.Name("", asn1_x509.RDNSequence(relative))


def authority_certificate(
    subject: asn1_x509.Name,
    key: SigningKey,
    issuer: Authority,
    period: Period,
    rng: Random,
    *,
    explicit_parameters: bool = False,
) -> x509.Certificate:
    """A CSCA's certificate; under another authority's key a link certificate (9303-12 §7.1)."""
    extensions = [
        _extension("basic_constraints", {"ca": True, "path_len_constraint": 0}, critical=True),
        _extension("key_usage", {"key_cert_sign", "crl_sign"}, critical=True),
    ]
    spki = public_key_info(key, explicit=explicit_parameters)
    return _certificate(subject, spki, issuer, period, rng, extensions)


def document_signer_certificate(
    subject: asn1_x509.Name,
    key: SigningKey,
    issuer: Authority,
    period: Period,
    rng: Random,
    *,
    document_types: Iterable[str],
    explicit_parameters: bool = False,
) -> x509.Certificate:
    extensions = [
        _extension("key_usage", {"digital_signature"}, critical=True),
        _raw_extension(_DOCUMENT_TYPE_LIST, _document_type_list(document_types)),
    ]
    spki = public_key_info(key, explicit=explicit_parameters)
    return _certificate(subject, spki, issuer, period, rng, extensions)


def master_list_signer_certificate(
    subject: asn1_x509.Name, key: SigningKey, issuer: Authority, period: Period, rng: Random
) -> x509.Certificate:
    extensions = [
        _extension("key_usage", {"digital_signature"}, critical=True),
        _extension("extended_key_usage", [MASTER_LIST_SIGNING], critical=True),
    ]
    return _certificate(subject, public_key_info(key), issuer, period, rng, extensions)


def revocation_list(
    issuer: Authority, serials: Iterable[int], number: int, period: Period, rng: Random
) -> x509.CertificateRevocationList:
    """A CRL that names these serial numbers; its period is until the next one is due."""
    body = asn1_crl.TbsCertList(
        {
            "version": "v2",
            "signature": signature_schemes.identifier(issuer.algorithm),
            "issuer": issuer.name,
            "this_update": _time(period.not_before),
            "next_update": _time(period.not_after),
            "revoked_certificates": [
                {"user_certificate": serial, "revocation_date": _time(period.not_before)}
                for serial in serials
            ],
            "crl_extensions": [
                {
                    "extn_id": "authority_key_identifier",
                    "critical": False,
                    "extn_value": {"key_identifier": _key_identifier(_spki_of(issuer))},
                },
                {"extn_id": "crl_number", "critical": False, "extn_value": number},
            ],
        }
    )
    signed = asn1_crl.CertificateList(
        {
            "tbs_cert_list": body,
            "signature_algorithm": signature_schemes.identifier(issuer.algorithm),
            "signature": signature_schemes.sign(issuer.key, issuer.algorithm, body.dump(), rng),
        }
    )
    return x509.load_der_x509_crl(signed.dump())


def _certificate(
    subject: asn1_x509.Name,
    spki: bytes,
    issuer: Authority,
    period: Period,
    rng: Random,
    extensions: list[asn1_x509.Extension],
) -> x509.Certificate:
    algorithm: algos.SignedDigestAlgorithm = signature_schemes.identifier(issuer.algorithm)
    identifiers = [
        _extension("key_identifier", _key_identifier(spki)),
        _extension(
            "authority_key_identifier", {"key_identifier": _key_identifier(_spki_of(issuer))}
        ),
        _raw_extension(TEST_ISSUER, _NULL),
    ]
    body = asn1_x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": int.from_bytes(b"\x01" + rng(15), "big"),
            "signature": algorithm,
            "issuer": issuer.name,
            "validity": {
                "not_before": _time(period.not_before),
                "not_after": _time(period.not_after),
            },
            "subject": subject,
            "subject_public_key_info": keys.PublicKeyInfo.load(spki),
            "extensions": [*extensions, *identifiers],
        }
    )
    signature = signature_schemes.sign(issuer.key, issuer.algorithm, body.dump(), rng)
    signed = asn1_x509.Certificate(
        {
            "tbs_certificate": body,
            "signature_algorithm": algorithm,
            "signature_value": signature,
        }
    )
    return x509.load_der_x509_certificate(signed.dump())


def _extension(kind: str, value: object, *, critical: bool = False) -> asn1_x509.Extension:
    return asn1_x509.Extension({"extn_id": kind, "critical": critical, "extn_value": value})


def _raw_extension(oid: str, der: bytes) -> asn1_x509.Extension:
    return _extension(oid, core.ParsableOctetString(der))


def _document_type_list(types: Iterable[str]) -> bytes:
    """DocumentTypeList ::= SEQUENCE { version 0, SET OF PrintableString } (9303-12 §7.1.1.6)."""
    names = sorted(bytes(core.PrintableString(item).dump()) for item in types)
    version = bytes(core.Integer(0).dump())
    return tlv.encode(_SEQUENCE, version + tlv.encode(_SET, b"".join(names)))


def _spki_of(authority: Authority) -> bytes:
    return public_key_info(authority.key)


def _key_identifier(spki: bytes) -> bytes:
    """SHA-1 of the public key's bits (RFC 5280 §4.2.1.2)."""
    bits = keys.PublicKeyInfo.load(spki)["public_key"]
    return hashlib.sha1(bits.contents[1:]).digest()  # noqa: S324 - an identifier


def _time(moment: datetime) -> asn1_x509.Time:
    whole = moment.replace(microsecond=0)
    kind = "general_time" if whole.year >= _FIRST_GENERALIZED_YEAR else "utc_time"
    return asn1_x509.Time({kind: whole})
