"""The anchors that vouch for document signers, and the revocation lists beside them."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import TypeVar

from card_reader.cms import SignerInfo
from card_reader.errors import (
    CardError,
    CardReason,
    MalformedCertificateError,
    UnreadableInputError,
)
from card_reader.trust.certificates import Certificate
from card_reader.trust.crl import RevocationList
from card_reader.trust.master_list import (
    MAX_FILE,
    CertificateFile,
    ListSignature,
    parse_certificate_file,
    parse_crl_file,
)

# What is looked at inside a folder; a file that is named itself may be called anything.
CERTIFICATE_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".ml", ".ldif"})
CRL_SUFFIXES = frozenset({".crl", ".pem", ".ldif"})
_PEM = b"-----BEGIN "
_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_PEM_CRL = b"-----BEGIN X509 CRL-----"


class Realm(StrEnum):
    """Anchors, cards, stations and exams are of one realm; nothing of one counts in the other."""

    TEST = "test"
    LIVE = "live"


class TrustStore:
    """CSCA certificates of one realm, found by name, key id or key in constant time.

    Only certificates that may issue others are anchors; a document signer among the certificates
    vouches for nobody, but is found where a file comes without its signer's certificate.
    ``pinned`` are document signers that officers vouch for.  ``links`` count only as far as an
    anchor vouches for them, directly or over other links (ICAO 9303-12 §7.1).  In the realm
    `live` a certificate marked as a test issuer's is refused.
    """

    def __init__(
        self,
        certificates: Iterable[Certificate],
        *,
        crls: Iterable[RevocationList] = (),
        pinned: Iterable[Certificate] = (),
        links: Iterable[Certificate] = (),
        realm: Realm,
    ) -> None:
        self.realm = realm
        given = dict.fromkeys(certificates)
        self.pinned = frozenset(pinned)
        anchors = [item for item in given if item.is_ca]
        self.anchors = tuple(dict.fromkeys((*anchors, *_admitted_links(anchors, links))))
        if realm is Realm.LIVE:
            _refuse_test_issuers((*self.anchors, *self.pinned))
        self.crls = tuple(crls)
        self._by_subject = _index(self.anchors, lambda item: item.subject)
        self._by_key_id = _index(self.anchors, lambda item: item.key_id)
        self._by_key = _index(self.anchors, lambda item: item.key_bits)
        self._by_country = _index(self.anchors, lambda item: item.country)
        signers = [*self.pinned, *(item for item in given if not item.is_ca)]
        self._signers_by_serial = _index(signers, lambda item: item.serial)
        self._signers_by_key_id = _index(signers, lambda item: item.key_id or item.key_digest)
        self._crls: dict[str, tuple[list[RevocationList], bool]] = {}

    @classmethod
    def load(
        cls, paths: Sequence[Path], *, crls: Sequence[Path] = (), realm: Realm
    ) -> "TrustStore":
        """Read files and folders of PEM, DER, master lists and LDIF.

        A master list is refused as a whole unless its signature holds and a CA among the given
        certificates issued its signer.  The same bytes give the same store at once: it is kept
        in memory (a store cannot be changed), never on disk, where whoever can write a cache
        could add an anchor to it.
        """
        trusted = read_files(paths, _holds_certificates)
        lists = read_files(crls, _holds_crl)
        key = (realm, _digests(trusted), _digests(lists))
        with _loaded_lock:
            store = _loaded.get(key)
        if store is None:
            store = cls._of_files(trusted, lists, realm)
            with _loaded_lock:
                _loaded[key] = store
                while len(_loaded) > MAX_KEPT:
                    del _loaded[next(iter(_loaded))]
        return store

    @classmethod
    def _of_files(
        cls, trusted: list[tuple[Path, bytes]], lists: list[tuple[Path, bytes]], realm: Realm
    ) -> "TrustStore":
        files = _parse_certificate_files(trusted)
        plain = tuple(
            certificate
            for _, file in files
            if file.signature is ListSignature.ABSENT
            for certificate in file.certificates
        )
        for path, file in files:
            _check_list(path, file, plain)
        found = [item for path, data in lists for item in _named(path, data, parse_crl_file)]
        return cls(
            [item for _, file in files for item in file.certificates],
            crls=[*found, *(item for _, file in files for item in file.crls)],
            realm=realm,
        )

    def candidates(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Anchors that may have issued ``certificate``: same key id, or same name."""
        found: dict[Certificate, None] = {}
        if certificate.authority_key_id is not None:
            found.update(dict.fromkeys(self._by_key_id.get(certificate.authority_key_id, ())))
        found.update(dict.fromkeys(self._by_subject.get(certificate.issuer, ())))
        return tuple(found)

    def vouching(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Every anchor under whose key ``certificate`` verifies.

        Issuers rename themselves and misspell names, so where no candidate fits, the others of
        the issuer's country are tried: a signature says more than a name.
        """
        found = self._verifying(certificate, self.candidates(certificate))
        if not found:
            found = self._verifying(
                certificate, self._by_country.get(certificate.issuer_country, ())
            )
        return found

    def signers_named(self, signer: SignerInfo) -> tuple[Certificate, ...]:
        """Document signers of the store that may be the one a signature names."""
        if signer.serial is not None:
            return tuple(self._signers_by_serial.get(signer.serial, ()))
        return tuple(self._signers_by_key_id.get(signer.key_id or b"", ()))

    def verified_crls(self, issuer: str) -> tuple[list[RevocationList], bool]:
        """Lists of anchors named ``issuer`` that verify, and whether another one does not.

        Any key of the issuer will do: a list may be signed with its newest one.
        """
        if issuer not in self._crls:
            named = [item for item in self.crls if item.issuer == issuer]
            keys = self._by_subject.get(issuer, ())
            verified = [item for item in named if any(item.signed_by(key) for key in keys)]
            self._crls[issuer] = verified, len(verified) < len(named)
        return self._crls[issuer]

    def _verifying(
        self, certificate: Certificate, anchors: Iterable[Certificate]
    ) -> tuple[Certificate, ...]:
        """A signature verifies under one key: all anchors with that key vouch, no others."""
        for anchor in anchors:
            if certificate.signed_by(anchor):
                return tuple(self._by_key[anchor.key_bits])
        return ()


MAX_KEPT = 4  # stores in memory
_loaded: dict[tuple[Realm, tuple[bytes, ...], tuple[bytes, ...]], TrustStore] = {}
_loaded_lock = Lock()


def forget() -> None:
    """Drop the stores kept in memory, so that the next one is read anew."""
    with _loaded_lock:
        _loaded.clear()


Key = TypeVar("Key", bound=Hashable)
Parsed = TypeVar("Parsed")


def _index(
    certificates: Iterable[Certificate], key: Callable[[Certificate], Key]
) -> Mapping[Key, list[Certificate]]:
    index: dict[Key, list[Certificate]] = defaultdict(list)
    for certificate in certificates:
        index[key(certificate)].append(certificate)
    return dict(index)


def _admitted_links(
    anchors: Sequence[Certificate], links: Iterable[Certificate]
) -> list[Certificate]:
    """The links that an anchor vouches for, over others where need be."""
    waiting = {item for item in links if item.is_ca}
    trusted = list(anchors)
    position = 0
    while position < len(trusted) and waiting:  # each certificate is looked at as an issuer once
        issuer = trusted[position]
        admitted = [item for item in waiting if _carries_on(item, issuer)]
        waiting.difference_update(admitted)
        trusted += sorted(admitted, key=lambda item: item.raw)
        position += 1
    return trusted[len(anchors) :]


def _carries_on(link: Certificate, issuer: Certificate) -> bool:
    """Whether ``issuer`` signed the link, or is the same issuer with the same key."""
    if (link.key_bits, link.subject) == (issuer.key_bits, issuer.subject):
        return True
    return link.names_as_parent(issuer) and link.signed_by(issuer)


def _digests(files: Iterable[tuple[Path, bytes]]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(data).digest() for _, data in files)


def _refuse_test_issuers(anchors: Iterable[Certificate]) -> None:
    for anchor in anchors:
        if anchor.is_test:
            raise UnreadableInputError(
                f"{anchor.subject_text} is a test issuer's and no anchor of the realm live"
            )


def read_certificate_files(paths: Sequence[Path]) -> list[tuple[Path, CertificateFile]]:
    """Every certificate file named or inside a folder named; one that is none is an error."""
    return _parse_certificate_files(read_files(paths, _holds_certificates))


def _parse_certificate_files(
    files: Iterable[tuple[Path, bytes]],
) -> list[tuple[Path, CertificateFile]]:
    return [(path, _named(path, data, parse_certificate_file)) for path, data in files]


def _named(path: Path, data: bytes, parse: Callable[[bytes], Parsed]) -> Parsed:
    """What a file holds; an error names the file."""
    try:
        return parse(data)
    except CardError as error:
        reason = None if error.reason is CardReason.MALFORMED_FILE else error.reason
        raise MalformedCertificateError(f"{path}: {error.detail}", reason) from error


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
    with file.open("rb") as source:
        data = source.read(MAX_FILE + 1)  # a device states no size
    if len(data) > MAX_FILE:
        raise UnreadableInputError(f"{file} is too large", CardReason.TOO_LARGE)
    return data


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
