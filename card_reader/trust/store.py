"""The anchors that vouch for document signers, and the revocation lists beside them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from card_reader.errors import (
    CardError,
    CardReason,
    MalformedCertificateError,
    UnreadableInputError,
)
from card_reader.trust.certificates import Certificate
from card_reader.trust.crl import RevocationList, parse_crl
from card_reader.trust.master_list import (
    MAX_FILE,
    CertificateFile,
    ListSignature,
    parse_certificate_file,
)

# What is looked at inside a folder; a file that is named itself may be called anything.
CERTIFICATE_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".ml", ".ldif"})
CRL_SUFFIXES = frozenset({".crl", ".pem"})
_PEM = b"-----BEGIN "
_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_PEM_CRL = b"-----BEGIN X509 CRL-----"


class Realm(StrEnum):
    """Anchors, cards, stations and exams are of one realm; nothing of one counts in the other."""

    TEST = "test"
    LIVE = "live"


class TrustStore:
    """CSCA certificates of one realm, found by name or key id in constant time.

    Only certificates that may issue others are anchors; a document signer in a list vouches for
    nobody. In the realm `live` a certificate marked as a test issuer's is refused.
    """

    def __init__(
        self,
        certificates: Iterable[Certificate],
        *,
        crls: Iterable[RevocationList] = (),
        realm: Realm,
    ) -> None:
        self.realm = realm
        self.anchors = tuple(dict.fromkeys(item for item in certificates if item.is_ca))
        if realm is Realm.LIVE:
            _refuse_test_issuers(self.anchors)
        self.crls = tuple(crls)
        self._by_subject: dict[str, list[Certificate]] = defaultdict(list)
        self._by_key_id: dict[bytes, list[Certificate]] = defaultdict(list)
        self._crls: dict[str, tuple[list[RevocationList], bool]] = {}
        for anchor in self.anchors:
            self._by_subject[anchor.subject].append(anchor)
            if anchor.key_id is not None:
                self._by_key_id[anchor.key_id].append(anchor)

    @classmethod
    def load(
        cls, paths: Sequence[Path], *, crls: Sequence[Path] = (), realm: Realm
    ) -> "TrustStore":
        """Read files and folders of PEM, DER, master lists and LDIF.

        A master list is refused as a whole unless its signature holds and a CA among the given
        certificates issued its signer.
        """
        files = read_certificate_files(paths)
        plain = tuple(
            certificate
            for _, file in files
            if file.signature is ListSignature.ABSENT
            for certificate in file.certificates
        )
        for path, file in files:
            _check_list(path, file, plain)
        certificates = [item for _, file in files for item in file.certificates]
        lists = [parse_crl(data) for _, data in read_files(crls, _holds_crl)]
        return cls(certificates, crls=lists, realm=realm)

    def candidates(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Anchors that may have issued ``certificate``: same key id, or same name."""
        found: dict[Certificate, None] = {}
        if certificate.authority_key_id is not None:
            found.update(dict.fromkeys(self._by_key_id.get(certificate.authority_key_id, ())))
        found.update(dict.fromkeys(self._by_subject.get(certificate.issuer, ())))
        return tuple(found)

    def verified_crls(self, issuer: Certificate) -> tuple[list[RevocationList], bool]:
        """Lists of ``issuer`` that verify, and whether another of its name does not.

        Any key of the issuer will do: a list may be signed with its newest one.
        """
        if issuer.subject not in self._crls:
            named = [item for item in self.crls if item.issuer == issuer.subject]
            keys = self._by_subject.get(issuer.subject, [issuer])
            verified = [item for item in named if any(item.signed_by(key) for key in keys)]
            self._crls[issuer.subject] = verified, len(verified) < len(named)
        return self._crls[issuer.subject]


def _refuse_test_issuers(anchors: Iterable[Certificate]) -> None:
    for anchor in anchors:
        if anchor.is_test:
            raise UnreadableInputError(
                f"{anchor.subject_text} is a test issuer's and no anchor of the realm live"
            )


def read_certificate_files(paths: Sequence[Path]) -> list[tuple[Path, CertificateFile]]:
    """Every certificate file named or inside a folder named; one that is none is an error."""
    files: list[tuple[Path, CertificateFile]] = []
    for path, data in read_files(paths, _holds_certificates):
        try:
            files.append((path, parse_certificate_file(data)))
        except CardError as error:
            raise MalformedCertificateError(f"{path}: {error.detail}", error.reason) from error
    return files


def read_files(
    paths: Sequence[Path], wanted: Callable[[Path, bytes], bool] | None = None
) -> list[tuple[Path, bytes]]:
    """The files named, and those inside the folders named that are ``wanted``, by name."""
    found: list[tuple[Path, bytes]] = []
    try:
        for path in paths:
            if not path.is_dir():
                found.append((path, _read(path)))
                continue
            inside = [(file, _read(file)) for file in sorted(path.rglob("*")) if file.is_file()]
            found += [item for item in inside if wanted is None or wanted(*item)]
    except OSError as error:
        raise UnreadableInputError(f"{error.filename} cannot be read: {error.strerror}") from error
    return found


def _read(file: Path) -> bytes:
    if file.stat().st_size > MAX_FILE:
        raise UnreadableInputError(f"{file} is too large", CardReason.TOO_LARGE)
    return file.read_bytes()


def _holds_certificates(file: Path, data: bytes) -> bool:
    """Inside a folder: by suffix, and a PEM file by what it holds (keys and CRLs stay out)."""
    known = file.suffix.lower() in CERTIFICATE_SUFFIXES
    return known and (_PEM not in data or _PEM_CERTIFICATE in data)


def _holds_crl(file: Path, data: bytes) -> bool:
    known = file.suffix.lower() in CRL_SUFFIXES
    return known and (_PEM_CRL in data if _PEM in data else file.suffix.lower() != ".pem")


def _check_list(path: Path, file: CertificateFile, plain: tuple[Certificate, ...]) -> None:
    if file.signature is ListSignature.INVALID:
        raise MalformedCertificateError(f"the signature of the master list {path.name} is invalid")
    if not file.vouched(plain):
        raise MalformedCertificateError(f"no given CSCA issued the signer of the list {path.name}")
