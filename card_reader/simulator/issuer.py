"""A test issuer: country signing authority, document signers, revocation list, cards.

Every name says TEST, every certificate carries the extension TEST_ISSUER, and the private keys lie
readable beside the certificates: nothing of this may ever be an anchor outside the realm `test`.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from card_reader.errors import UnreadableInputError
from card_reader.lds.security_infos import SecurityInfo, encode_infos
from card_reader.simulator import certificates, personalisation, security_object, signed_data
from card_reader.simulator.certificates import ORGANISATION, Authority, Period, Random, Signer
from card_reader.simulator.passport import Traveller
from card_reader.simulator.personalisation import CannotIssueError, Holder
from card_reader.simulator.profile import REALM, CardProfile
from card_reader.simulator.recipe import (
    VIETNAMESE_CARD,
    ActiveAuthenticationRecipe,
    Recipe,
    Shape,
    SignerRecipe,
)
from card_reader.simulator.signature_schemes import default_algorithm
from card_reader.simulator.signing_keys import (
    KeyKind,
    SigningKey,
    is_of_kind,
    load_private_key,
    new_key,
    private_key_der,
    public_key_info,
)
from card_reader.trust.certificates import parse_certificate
from card_reader.trust.signatures import SignatureAlgorithm

__all__ = ["ORGANISATION", "Issuer", "KeyKind", "Signer"]

CSCA_FILE, SIGNER_FILE, REVOKED_FILE, CRL_FILE = "csca.pem", "ds.pem", "ds-revoked.pem", "crl.pem"
LINK_FILE = "csca-link.pem"  # of an authority that replaced another one
KEYS_FILE = "private-keys.test.pem"
_PRIVATE_KEY = "PRIVATE KEY"
_VALID_BEFORE, _AUTHORITY_YEARS, _SIGNER_YEARS = timedelta(days=30), 25, 15
_YEAR = timedelta(days=365.25)
CARD_SECURITY_CONTENT = "0.4.0.127.0.7.3.2.1"  # id-SecurityObject, BSI TR-03110-3 §A.1.2.5
_MAX_PEM_BYTES = 64 * 1024
_MAX_CRL_PEM_BYTES = 1024 * 1024
_DOCUMENT_TYPES = {Shape.VIETNAM: "ID", Shape.TD1: "I", Shape.TD2: "I", Shape.TD3: "P"}


@dataclass(frozen=True, slots=True)
class Issuer:
    """`revoked` is a second document signer that the revocation list names.

    `link` is the link certificate of an authority that replaced another one (:meth:`renew`).
    """

    csca: Signer
    signer: Signer
    revoked: Signer
    crl: x509.CertificateRevocationList
    link: x509.Certificate | None = None

    @classmethod
    def generate(
        cls,
        *,
        country: str = "VN",
        name: str = "CSCA TEST",
        kind: KeyKind = KeyKind.BRAINPOOL_P384R1,
        authority: SignerRecipe | None = None,
        signer: SignerRecipe | None = None,
        rng: Random = os.urandom,
        now: datetime | None = None,
    ) -> "Issuer":
        """A new issuer in memory; `country` is the two-letter code of its certificates.

        `kind` is the key of authority and signers, where their recipes say nothing else.
        """
        moment = now or datetime.now(UTC)
        subject = certificates.distinguished_name(country, name)
        choice = authority or SignerRecipe(kind)
        key = new_key(choice.key, rng)
        root = Authority(subject, key, _algorithm(choice, key))
        certificate = certificates.authority_certificate(
            subject,
            key,
            root,
            _period(moment, _AUTHORITY_YEARS),
            rng,
            explicit_parameters=choice.explicit_parameters,
        )
        csca = Signer(certificate, key)
        return _with_signers(csca, signer or SignerRecipe(kind), rng, moment)

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        country: str = "VN",
        name: str = "CSCA TEST",
        kind: KeyKind = KeyKind.BRAINPOOL_P384R1,
        authority: SignerRecipe | None = None,
        signer: SignerRecipe | None = None,
        rng: Random = os.urandom,
        now: datetime | None = None,
    ) -> "Issuer":
        """A new issuer, saved in `folder`; an issuer that is already there stays untouched."""
        if (folder / CSCA_FILE).exists():
            raise UnreadableInputError(f"{folder} already holds an issuer")
        issuer = cls.generate(
            country=country,
            name=name,
            kind=kind,
            authority=authority,
            signer=signer,
            rng=rng,
            now=now,
        )
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
        if self.link is not None:
            (folder / LINK_FILE).write_bytes(self.link.public_bytes(Encoding.PEM))
        keys = folder / KEYS_FILE
        keys.touch(mode=0o600)
        keys.write_bytes(
            f"Realm: {REALM}\n".encode()
            + b"".join(
                pem.armor(_PRIVATE_KEY, private_key_der(signer.key))
                for signer in (self.csca, self.signer, self.revoked)
            )
        )

    @classmethod
    def load(cls, folder: Path) -> "Issuer":
        try:
            loaded = [
                x509.load_pem_x509_certificate(_read(folder / file))
                for file in (CSCA_FILE, SIGNER_FILE, REVOKED_FILE)
            ]
            crl = x509.load_pem_x509_crl(_read(folder / CRL_FILE, _MAX_CRL_PEM_BYTES))
            link = folder / LINK_FILE
            former = x509.load_pem_x509_certificate(_read(link)) if link.exists() else None
            keys = _load_keys(_read(folder / KEYS_FILE))
            csca, signer, revoked = map(_signer, loaded, keys)
        except OSError as error:
            raise UnreadableInputError(f"cannot read the issuer in {folder}: {error}") from None
        except ValueError as error:
            raise UnreadableInputError(f"{folder} holds no whole test issuer ({error})") from None
        return cls(csca, signer, revoked, crl, former)

    @property
    def country(self) -> str:
        """The two letters of the authority's subject."""
        (country,) = self.csca.certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)
        return str(country.value)

    def issue(
        self,
        holder: Holder | Traveller,
        portrait: bytes,
        *,
        recipe: Recipe = VIETNAMESE_CARD,
        key_bits: int | None = None,
        rng: Random = os.urandom,
        now: datetime | None = None,
    ) -> CardProfile:
        """A card; without a recipe in the shape of the Vietnamese one.

        `portrait` is a JPEG or JPEG 2000 file, `key_bits` the size of an RSA key of active
        authentication where the recipe's is not wanted.
        """
        moment = now or datetime.now(UTC)
        chosen = recipe if key_bits is None else _with_rsa_key(recipe, key_bits)
        signer = self.document_signer(chosen, rng=rng, now=moment)
        made = personalisation.personalise(holder, portrait, chosen, rng)
        sod = self.sign(made.data_groups, now=moment, signer=signer, recipe=chosen, rng=rng)
        infos = made.equipment.card_security
        signed = _card_security(infos, signer, chosen, moment, rng) if infos else None
        return personalisation.profile(made, chosen, sod, signed)

    def sign(
        self,
        data_groups: Mapping[int, bytes],
        *,
        now: datetime,
        signer: Signer | None = None,
        recipe: Recipe = VIETNAMESE_CARD,
        rng: Random = os.urandom,
    ) -> bytes:
        """EF.SOD over data group files by number."""
        used, choice = signer or self.signer, recipe.security_object
        return security_object.build(
            data_groups,
            used,
            _signature_of(recipe, used),
            now,
            rng,
            hash_name=choice.hash,
            lds_version=choice.lds_version,
            content_type=choice.content_type,
            envelope=choice.envelope,
        )

    def document_signer(
        self,
        recipe: Recipe = VIETNAMESE_CARD,
        *,
        rng: Random = os.urandom,
        now: datetime | None = None,
        period: Period | None = None,
    ) -> Signer:
        """The issuer's own signer where the recipe wants no other and no period; else a new one."""
        choice = recipe.signer
        if period is None and (choice is None or _fits(self.signer, choice)):
            return self.signer
        return _document_signer(
            self.csca,
            "Document Signer TEST 3",
            choice or SignerRecipe(_kind_of(self.signer.key)),
            rng,
            period or _period(now or datetime.now(UTC), _SIGNER_YEARS),
            _DOCUMENT_TYPES[recipe.shape],
        )

    def renew(
        self,
        *,
        authority: SignerRecipe | None = None,
        rng: Random = os.urandom,
        now: datetime | None = None,
    ) -> "Issuer":
        """The issuer with a new authority's key of the same name, and the link between them.

        The link certificate is the new key under the old one (ICAO 9303-12 §7.1): whoever trusts
        the old authority can take over the new one.
        """
        moment = now or datetime.now(UTC)
        old = Authority.of(self.csca)
        choice = authority or SignerRecipe(_kind_of(self.csca.key))
        key = new_key(choice.key, rng)
        period = _period(moment, _AUTHORITY_YEARS)
        own = Authority(old.name, key, _algorithm(choice, key))
        explicit = choice.explicit_parameters
        certificate = certificates.authority_certificate(
            old.name, key, own, period, rng, explicit_parameters=explicit
        )
        link = certificates.authority_certificate(
            old.name, key, old, period, rng, explicit_parameters=explicit
        )
        signers = SignerRecipe(_kind_of(self.signer.key))
        renewed = _with_signers(Signer(certificate, key), signers, rng, moment)
        return replace(renewed, link=link)

    def revoking(
        self,
        serials: Iterable[int],
        *,
        rng: Random = os.urandom,
        now: datetime | None = None,
    ) -> "Issuer":
        """The issuer with a newer revocation list that names these certificates too."""
        moment = now or datetime.now(UTC)
        named = [*(entry.serial_number for entry in self.crl), *serials]
        (number,) = (
            extension.value.crl_number
            for extension in self.crl.extensions
            if isinstance(extension.value, x509.CRLNumber)
        )
        newer = certificates.revocation_list(
            Authority.of(self.csca), named, number + 1, _period(moment, _AUTHORITY_YEARS), rng
        )
        return replace(self, crl=newer)


def _with_signers(csca: Signer, choice: SignerRecipe, rng: Random, now: datetime) -> Issuer:
    """The authority with two document signers, the second of them revoked."""
    period = _period(now, _SIGNER_YEARS)
    document_type = _DOCUMENT_TYPES[Shape.VIETNAM]
    signer, revoked = (
        _document_signer(csca, f"Document Signer TEST {n}", choice, rng, period, document_type)
        for n in (1, 2)
    )
    crl = certificates.revocation_list(
        Authority.of(csca),
        [revoked.certificate.serial_number],
        1,
        _period(now, _AUTHORITY_YEARS),
        rng,
    )
    return Issuer(csca, signer, revoked, crl)


def _document_signer(
    csca: Signer, name: str, choice: SignerRecipe, rng: Random, period: Period, document_type: str
) -> Signer:
    key = new_key(choice.key, rng)
    (country,) = csca.certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)
    certificate = certificates.document_signer_certificate(
        certificates.distinguished_name(str(country.value), name),
        key,
        Authority.of(csca),
        period,
        rng,
        document_types=[document_type],
        explicit_parameters=choice.explicit_parameters,
    )
    return Signer(certificate, key)


def _card_security(
    infos: Iterable[SecurityInfo], signer: Signer, recipe: Recipe, now: datetime, rng: Random
) -> bytes:
    """EF.CardSecurity under the same document signer (ICAO 9303-10 §3.11.4)."""
    content = encode_infos(infos)
    algorithm = _signature_of(recipe, signer)
    return signed_data.sign(CARD_SECURITY_CONTENT, content, signer, algorithm, now, rng)


def _signature_of(recipe: Recipe, signer: Signer) -> SignatureAlgorithm:
    """The recipe's scheme where it was made for this signer's key."""
    choice = recipe.signer
    if choice is None or choice.signature is None or not is_of_kind(signer.key, choice.key):
        return default_algorithm(signer.key)
    return choice.signature


def _algorithm(choice: SignerRecipe, key: SigningKey) -> SignatureAlgorithm:
    return choice.signature or default_algorithm(key)


def _fits(signer: Signer, choice: SignerRecipe) -> bool:
    explicit = parse_certificate(signer.der).has_explicit_parameters
    return is_of_kind(signer.key, choice.key) and explicit == choice.explicit_parameters


def _kind_of(key: SigningKey) -> KeyKind:
    return next(kind for kind in KeyKind if is_of_kind(key, kind))


def _with_rsa_key(recipe: Recipe, bits: int) -> Recipe:
    if bits not in (1024, 1536, 2048):
        raise CannotIssueError("the key of active authentication has 1024, 1536 or 2048 bits")
    active = ActiveAuthenticationRecipe(KeyKind(f"RSA-{bits}"))
    return replace(recipe, active_authentication=active)


def _period(now: datetime, years: int) -> Period:
    start = now - _VALID_BEFORE
    return Period(start, start + years * _YEAR)


def _read(path: Path, limit: int = _MAX_PEM_BYTES) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)


def _load_keys(armoured: bytes) -> list[SigningKey]:
    head, separator, _ = armoured.partition(b"-----BEGIN ")
    if head.strip() != f"Realm: {REALM}".encode() or not separator:
        raise ValueError(f"{KEYS_FILE} does not hold keys of realm {REALM}")
    blocks = [der for _, _, der in pem.unarmor(armoured[len(head) :], multiple=True)]
    if len(blocks) != 3:
        raise ValueError(f"{KEYS_FILE} does not hold three keys")
    return [load_private_key(der) for der in blocks]


def _signer(certificate: x509.Certificate, key: SigningKey) -> Signer:
    signer = Signer(certificate, key)
    parsed = parse_certificate(signer.der)
    if public_key_info(key, explicit=parsed.has_explicit_parameters) != parsed.spki:
        raise ValueError("a private key does not belong to its certificate")
    return signer
