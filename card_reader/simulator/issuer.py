"""A test issuer: country signing authority, document signers, revocation list, cards.

Every name says TEST, every certificate carries the extension TEST_ISSUER, and the private keys lie
readable beside the certificates: nothing of this may ever be an anchor outside the realm `test`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from card_reader.errors import UnreadableInputError
from card_reader.simulator import personalisation, security_object
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import REALM, CardProfile
from card_reader.simulator.security_object import SignerKey
from card_reader.trust.certificates import TEST_ISSUER

ORGANISATION = "Trường Thi TEST"
CSCA_FILE, SIGNER_FILE, REVOKED_FILE, CRL_FILE = "csca.pem", "ds.pem", "ds-revoked.pem", "crl.pem"
KEYS_FILE = "private-keys.test.pem"
_DOCUMENT_TYPE_LIST = x509.ObjectIdentifier("2.23.136.1.1.6.2")  # ICAO 9303-12 §7.1.1.6
_TEST_MARK = x509.UnrecognizedExtension(x509.ObjectIdentifier(TEST_ISSUER), b"\x05\x00")  # NULL
_TYPE_ID = bytes.fromhex("3009020100310413024944")  # { version 0, { "ID" } }
_VALID_BEFORE, _AUTHORITY_YEARS, _SIGNER_YEARS = timedelta(days=30), 25, 15
_YEAR = timedelta(days=365.25)
_MAX_PEM_BYTES = 64 * 1024


class KeyKind(StrEnum):
    """Key of authority and signers."""

    BRAINPOOL_P384R1 = "brainpoolP384r1"  # as seen on Vietnamese cards
    P256 = "P-256"
    RSA_3072 = "RSA-3072"


_CURVES: dict[KeyKind, ec.EllipticCurve] = {
    KeyKind.BRAINPOOL_P384R1: ec.BrainpoolP384R1(),
    KeyKind.P256: ec.SECP256R1(),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate and the private key that belongs to it."""

    certificate: x509.Certificate
    key: SignerKey


@dataclass(frozen=True, slots=True)
class Issuer:
    """`revoked` is a second document signer that the revocation list names."""

    csca: Signer
    signer: Signer
    revoked: Signer
    crl: x509.CertificateRevocationList

    @classmethod
    def generate(
        cls,
        *,
        country: str = "VN",
        name: str = "CSCA TEST",
        kind: KeyKind = KeyKind.BRAINPOOL_P384R1,
        rng: Callable[[int], bytes] = os.urandom,
        now: datetime | None = None,
    ) -> "Issuer":
        """A new issuer in memory; `country` is the two-letter code of its certificates."""
        start = (now or datetime.now(UTC)) - _VALID_BEFORE
        csca = _authority(country, name, kind, rng, start)
        signer = _document_signer(csca, country, "Document Signer TEST 1", kind, rng, start)
        revoked = _document_signer(csca, country, "Document Signer TEST 2", kind, rng, start)
        return cls(csca, signer, revoked, _revocation_list(csca, revoked, start))

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        country: str = "VN",
        name: str = "CSCA TEST",
        kind: KeyKind = KeyKind.BRAINPOOL_P384R1,
        rng: Callable[[int], bytes] = os.urandom,
        now: datetime | None = None,
    ) -> "Issuer":
        """A new issuer, saved in `folder`; an issuer that is already there stays untouched."""
        if (folder / CSCA_FILE).exists():
            raise UnreadableInputError(f"{folder} already holds an issuer")
        issuer = cls.generate(country=country, name=name, kind=kind, rng=rng, now=now)
        issuer.save(folder)
        return issuer

    def save(self, folder: Path) -> None:
        """Certificates and CRL as PEM; the private keys in one file that only its owner reads."""
        folder.mkdir(parents=True, exist_ok=True)
        for file, signer in (
            (CSCA_FILE, self.csca),
            (SIGNER_FILE, self.signer),
            (REVOKED_FILE, self.revoked),
        ):
            (folder / file).write_bytes(signer.certificate.public_bytes(Encoding.PEM))
        (folder / CRL_FILE).write_bytes(self.crl.public_bytes(Encoding.PEM))
        keys = folder / KEYS_FILE
        keys.touch(mode=0o600)
        keys.write_bytes(
            f"Realm: {REALM}\n".encode()
            + b"".join(_key_pem(signer.key) for signer in (self.csca, self.signer, self.revoked))
        )

    @classmethod
    def load(cls, folder: Path) -> "Issuer":
        try:
            certificates = [
                x509.load_pem_x509_certificate(_read(folder / file))
                for file in (CSCA_FILE, SIGNER_FILE, REVOKED_FILE)
            ]
            crl = x509.load_pem_x509_crl(_read(folder / CRL_FILE))
            keys = _load_keys(_read(folder / KEYS_FILE))
            csca, signer, revoked = map(_signer, certificates, keys)
        except OSError as error:
            raise UnreadableInputError(f"cannot read the issuer in {folder}: {error}") from None
        except ValueError as error:
            raise UnreadableInputError(f"{folder} holds no whole test issuer ({error})") from None
        return cls(csca, signer, revoked, crl)

    @property
    def country(self) -> str:
        """The two letters of the authority's subject."""
        return str(_country(self.csca.certificate))

    def issue(
        self,
        holder: Holder,
        portrait: bytes,
        *,
        key_bits: int = 1536,
        rng: Callable[[int], bytes] = os.urandom,
        now: datetime | None = None,
    ) -> CardProfile:
        """A card in the shape of the Vietnamese one; `portrait` is a JPEG or JPEG 2000 file."""
        moment = now or datetime.now(UTC)
        files, key = personalisation.data_group_files(holder, portrait, key_bits, rng)
        return personalisation.profile(holder, files, self.sign(files, now=moment), key)

    def sign(
        self, data_groups: Mapping[int, bytes], *, now: datetime, signer: Signer | None = None
    ) -> bytes:
        """EF.SOD over data group files by number."""
        used = signer or self.signer
        return security_object.build(data_groups, used.certificate, used.key, now)


def _authority(
    country: str, name: str, kind: KeyKind, rng: Callable[[int], bytes], start: datetime
) -> Signer:
    key = _new_key(kind, rng)
    subject = _name(country, name)
    builder = _builder(subject, subject, key, rng, start, _AUTHORITY_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    builder = builder.add_extension(_key_identifier(key), critical=False)
    return Signer(builder.sign(key, hashes.SHA256()), key)


def _document_signer(
    csca: Signer,
    country: str,
    name: str,
    kind: KeyKind,
    rng: Callable[[int], bytes],
    start: datetime,
) -> Signer:
    key = _new_key(kind, rng)
    issuer = csca.certificate.subject
    builder = _builder(_name(country, name), issuer, key, rng, start, _SIGNER_YEARS)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(_key_identifier(key), critical=False)
    builder = builder.add_extension(_authority_identifier(csca), critical=False)
    types = x509.UnrecognizedExtension(_DOCUMENT_TYPE_LIST, _TYPE_ID)
    builder = builder.add_extension(types, critical=False)
    return Signer(builder.sign(csca.key, hashes.SHA256()), key)


def _revocation_list(
    csca: Signer, revoked: Signer, start: datetime
) -> x509.CertificateRevocationList:
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(revoked.certificate.serial_number)
        .revocation_date(start)
        .build()
    )
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(csca.certificate.subject)
        .last_update(start)
        .next_update(start + _AUTHORITY_YEARS * _YEAR)
        .add_revoked_certificate(entry)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(_authority_identifier(csca), critical=False)
        .sign(csca.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: SignerKey,
    rng: Callable[[int], bytes],
    start: datetime,
    years: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(b"\x01" + rng(15), "big"))
        .not_valid_before(start)
        .not_valid_after(start + years * _YEAR)
        .add_extension(_TEST_MARK, critical=False)
    )


def _name(country: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _country(certificate: x509.Certificate) -> str | bytes:
    return certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)[0].value


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _key_identifier(key: SignerKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _authority_identifier(csca: Signer) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(csca.key.public_key())


def _new_key(kind: KeyKind, rng: Callable[[int], bytes]) -> SignerKey:
    """Scalars of EC keys come from `rng`; RSA primes always from the library's generator."""
    if kind is KeyKind.RSA_3072:
        return rsa.generate_private_key(65537, 3072)
    curve = _CURVES[kind]
    # A 64-bit surplus makes the bias of the reduction negligible; 2^(bits-1) lies below each order.
    scalar = int.from_bytes(rng(curve.key_size // 8 + 8), "big") % (1 << (curve.key_size - 1))
    return ec.derive_private_key(max(scalar, 1), curve)


def _key_pem(key: SignerKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_PEM_BYTES)


def _load_keys(pem: bytes) -> list[SignerKey]:
    head, *blocks = pem.split(b"-----BEGIN PRIVATE KEY-----")
    if head.strip() != f"Realm: {REALM}".encode() or len(blocks) != 3:
        raise ValueError(f"{KEYS_FILE} does not hold three keys of realm {REALM}")
    keys: list[SignerKey] = []
    for block in blocks:
        key = load_pem_private_key(b"-----BEGIN PRIVATE KEY-----" + block, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ValueError(f"{KEYS_FILE} holds a key that is neither EC nor RSA")
        keys.append(key)
    return keys


def _signer(certificate: x509.Certificate, key: SignerKey) -> Signer:
    if certificate.public_key() != key.public_key():
        raise ValueError("a private key does not belong to its certificate")
    return Signer(certificate, key)
