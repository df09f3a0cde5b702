"""Files of issuer certificates: ICAO and national master lists (9303-12 §9), PKD exports, PEM.

A master list's own signature is checked before one certificate of it is used.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from asn1crypto import core, pem, x509

from card_reader.asn1 import parsing
from card_reader.cms import SignedData, parse_signed_data
from card_reader.errors import CardError, CardReason, MalformedCertificateError
from card_reader.trust.certificates import Certificate, parse_certificate
from card_reader.trust.crl import RevocationList, parse_crl
from card_reader.trust.signer import (
    check_content_type,
    check_signature,
    embedded_certificates,
    signer_certificate,
)

CSCA_MASTER_LIST = "2.23.136.1.1.2"
MAX_FILE = 128 * 1024 * 1024  # the ICAO PKD's document signers come as one LDIF of some 70 MB
MAX_LISTED = 50_000
_PEM, _PEM_END = b"-----BEGIN ", b"-----END "
# What is looked at, by the label of a PEM block and by the attribute of an LDIF entry.
_PEM_CERTIFICATES = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_PEM_CRL = "X509 CRL"
_PEM_LISTS = frozenset({"CMS", "PKCS7"})
_LDIF_LISTS = frozenset({"pkdmasterlistcontent", "cscamasterlistdata"})  # an older name
_LDIF_CERTIFICATES = frozenset({"usercertificate", "cacertificate"})
_LDIF_CRL = "certificaterevocationlist"


class ListSignature(StrEnum):
    """State of a file's own signature."""

    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"  # plain certificates carry none


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """The certificates of one file, doubles included, and what its own signature is worth.

    ``signers`` are the master lists' signer certificates; the caller decides whether an anchor
    vouches for them (:meth:`vouched`).  ``unreadable`` names what could not be parsed,
    ``sent_along`` holds the certificates in the lists' CMS objects beside the content.
    """

    certificates: tuple[Certificate, ...]
    signature: ListSignature
    signers: tuple[Certificate, ...] = ()
    crls: tuple[RevocationList, ...] = ()
    unreadable: tuple[str, ...] = ()
    sent_along: tuple[Certificate, ...] = ()

    def vouched(self, others: tuple[Certificate, ...] = ()) -> bool:
        """Whether every signer is issued by a CA of the file itself or of ``others``.

        ICAO's list sends the CSCA of its signer along and does not list it (9303-12 §9).
        """
        known = (*self.certificates, *self.sent_along, *others)
        issuers = [item for item in known if item.is_ca]
        return all(
            any(signer.names_as_parent(ca) and signer.signed_by(ca) for ca in issuers)
            for signer in self.signers
        )


@dataclass(slots=True)
class _Contents:
    """What has been found in a file so far."""

    certificates: list[Certificate] = field(default_factory=list)
    signers: list[Certificate] = field(default_factory=list)
    crls: list[RevocationList] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    signatures: list[ListSignature] = field(default_factory=list)
    sent_along: list[Certificate] = field(default_factory=list)

    def add_certificate(self, raw: bytes) -> None:
        """One odd certificate does not spoil a list of hundreds; it is named instead."""
        self._attempt(lambda: self.certificates.append(parse_certificate(raw)))

    def add_crl(self, raw: bytes) -> None:
        self._attempt(lambda: self.crls.append(parse_crl(raw)))

    def add_list(self, raw: bytes) -> None:
        signed = parse_signed_data(raw)
        if signed.content_type != CSCA_MASTER_LIST:
            raise MalformedCertificateError("the CMS object is no CSCA master list")
        for certificate in _listed(signed.content):
            self.add_certificate(certificate)
        self.sent_along += embedded_certificates(signed)
        try:
            self.signers += _verified_signers(signed)
            self.signatures.append(ListSignature.VALID)
        except CardError:
            self.signatures.append(ListSignature.INVALID)

    def add_one_of_lists(self, raw: bytes) -> None:
        """A list that cannot be read is named; the file counts as one with a wrong signature."""
        try:
            self.add_list(raw)
        except CardError as error:
            if error.reason is CardReason.TOO_LARGE:
                raise
            self.unreadable.append(f"a master list: {error.detail}")
            self.signatures.append(ListSignature.INVALID)

    def file(self, kind: str) -> CertificateFile:
        if not (self.certificates or self.crls):
            problem = f": {self.unreadable[0]}" if self.unreadable else ""
            raise MalformedCertificateError(f"the {kind} holds no readable certificate{problem}")
        signature = ListSignature.VALID if self.signatures else ListSignature.ABSENT
        if ListSignature.INVALID in self.signatures:
            signature = ListSignature.INVALID
        return CertificateFile(
            tuple(self.certificates),
            signature,
            tuple(self.signers),
            tuple(self.crls),
            tuple(self.unreadable),
            tuple(self.sent_along),
        )

    def _attempt(self, step: Callable[[], None]) -> None:
        count = len(self.certificates) + len(self.crls) + len(self.unreadable)
        if count >= MAX_LISTED:
            raise MalformedCertificateError("too many certificates listed", CardReason.TOO_LARGE)
        try:
            step()
        except CardError as error:
            self.unreadable.append(f"entry {count + 1}: {error.detail}")


class _CertificateSet(core.SetOf):  # type: ignore[misc]  # untyped
    _child_spec = x509.Certificate


class _MasterList(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [("version", core.Integer), ("certificates", _CertificateSet)]  # noqa: RUF012 - asn1crypto's


def parse_certificate_file(data: bytes) -> CertificateFile:
    """A PEM bundle, a DER certificate, a CMS master list or an LDIF export, by its content."""
    if len(data) > MAX_FILE:
        raise MalformedCertificateError(f"a file of {len(data)} bytes", CardReason.TOO_LARGE)
    if _is_ldif(data):
        return _parse_ldif(data)
    if _is_pem(data):
        return _parse_pem(data)
    if is_signed_data(data):
        return parse_master_list(data)
    return CertificateFile((parse_certificate(data),), ListSignature.ABSENT)


def parse_master_list(data: bytes) -> CertificateFile:
    """A CMS CscaMasterList (ICAO 9303-12 §9): its certificates and its own signature."""
    contents = _Contents()
    with parsing("a master list", MalformedCertificateError):
        contents.add_list(data)
    return contents.file("master list")


def parse_crl_file(data: bytes) -> tuple[RevocationList, ...]:
    """The revocation lists of a DER, PEM or LDIF file; at least one."""
    if _is_ldif(data) or _is_pem(data):
        found = parse_certificate_file(data).crls
        if not found:
            raise MalformedCertificateError("the file holds no readable revocation list")
        return found
    return (parse_crl(data),)


def is_signed_data(data: bytes) -> bool:
    """Whether a CMS ContentInfo begins here: SEQUENCE, then the identifier of SignedData."""
    return data[:1] == b"\x30" and b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in data[:24]


def _listed(content: bytes) -> list[bytes]:
    """The raw certificates of a CscaMasterList."""
    with parsing("a master list", MalformedCertificateError):
        listed = _MasterList.load(content, strict=True)["certificates"]
        if len(listed) > MAX_LISTED:
            raise MalformedCertificateError("too many certificates listed", CardReason.TOO_LARGE)
        return [item.dump() for item in listed]


def _verified_signers(signed: SignedData) -> Sequence[Certificate]:
    """The certificate of every signer, after each signature was found to hold."""
    certificates = []
    for signer in signed.signers:
        certificate = signer_certificate(signed, signer)
        check_signature(signed, signer, certificate)
        check_content_type(signed, signer)
        certificates.append(certificate)
    return certificates


def _is_pem(data: bytes) -> bool:
    """Whatever stands before the first block: a certificate in words may be longer than itself."""
    is_der = data[:1] == b"\x30" and data[1:2] >= b"\x80"
    return not is_der and _PEM in data


def _parse_pem(data: bytes) -> CertificateFile:
    contents = _Contents()
    blocks = data[data.index(_PEM) :]  # a byte order mark would hide the first one
    if blocks.count(_PEM) != blocks.count(_PEM_END):
        raise MalformedCertificateError("the PEM file is cut off: a block has no end")
    with parsing("a PEM file", MalformedCertificateError):
        for kind, _, raw in pem.unarmor(blocks, multiple=True):
            if kind in _PEM_CERTIFICATES:
                contents.add_certificate(raw)
            elif kind == _PEM_CRL:
                contents.add_crl(raw)
            elif kind in _PEM_LISTS:
                contents.add_one_of_lists(raw)
    return contents.file("PEM file")


def _is_ldif(data: bytes) -> bool:
    head = data[:4096].lstrip().lower()
    return head.startswith((b"dn:", b"version:", b"#")) and b"dn:" in head


def _parse_ldif(data: bytes) -> CertificateFile:
    """ICAO PKD exports: base64 attributes with lists, certificates or CRLs (RFC 2849)."""
    contents = _Contents()
    with parsing("an LDIF file", MalformedCertificateError):
        for name, value in _ldif_values(data):
            if name in _LDIF_LISTS:
                contents.add_one_of_lists(value)
            elif name in _LDIF_CERTIFICATES:
                contents.add_certificate(value)
            elif name == _LDIF_CRL:
                contents.add_crl(value)
    return contents.file("LDIF file")


def _ldif_values(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every base64 attribute: its name in lower case without options, and its bytes."""
    # A line that begins with a space continues the one before it (RFC 2849, note 2).
    text = data.replace(b"\r\n", b"\n").replace(b"\n ", b"")
    for line in text.split(b"\n"):
        name, separator, encoded = line.partition(b"::")
        if not separator or line.startswith(b"#"):
            continue
        try:
            value = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error as error:
            raise MalformedCertificateError("the LDIF file holds broken base64") from error
        yield name.split(b";")[0].decode("ascii", "replace").strip().lower(), value
