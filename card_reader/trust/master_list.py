"""Lists of issuer certificates: ICAO and national master lists (9303-12 §9), LDIF exports.

A master list's own signature is checked before one certificate of it is used.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum

from asn1crypto import core, x509

from card_reader.asn1 import parsing
from card_reader.cms import SignedData, parse_signed_data
from card_reader.errors import CardError, CardReason, MalformedCertificateError
from card_reader.trust.certificates import Certificate, parse_certificate, parse_certificates
from card_reader.trust.signer import check_signature, signer_certificate

CSCA_MASTER_LIST = "2.23.136.1.1.2"
MAX_FILE = 64 * 1024 * 1024
MAX_LISTED = 20_000
_LDIF_LISTS = "pkdmasterlistcontent"
_LDIF_CERTIFICATES = "usercertificate"


class ListSignature(StrEnum):
    """State of a file's own signature."""

    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"  # plain certificates carry none


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """The certificates of one file, doubles included, and what its own signature is worth.

    ``signer`` is the master list's signer certificate; the caller decides whether an anchor
    vouches for it (:meth:`vouched`).
    """

    certificates: tuple[Certificate, ...]
    signature: ListSignature
    signers: tuple[Certificate, ...] = ()

    def vouched(self, others: tuple[Certificate, ...] = ()) -> bool:
        """Whether every signer is issued by a CA of the file itself or of ``others``."""
        issuers = [item for item in (*self.certificates, *others) if item.is_ca]
        return all(
            any(signer.names_as_parent(ca) and signer.signed_by(ca) for ca in issuers)
            for signer in self.signers
        )


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
    if is_signed_data(data):
        return parse_master_list(data)
    return CertificateFile(parse_certificates(data), ListSignature.ABSENT)


def parse_master_list(data: bytes) -> CertificateFile:
    """A CMS CscaMasterList (ICAO 9303-12 §9): its certificates and its own signature."""
    with parsing("a master list", MalformedCertificateError):
        signed = parse_signed_data(data)
        if signed.content_type != CSCA_MASTER_LIST:
            raise MalformedCertificateError("the CMS object is no CSCA master list")
        listed = _MasterList.load(signed.content, strict=True)["certificates"]
        if len(listed) > MAX_LISTED:
            raise MalformedCertificateError("too many certificates listed", CardReason.TOO_LARGE)
        raws = [item.dump() for item in listed]
    certificates = tuple(parse_certificate(raw) for raw in raws)
    return _with_signature(certificates, signed)


def _with_signature(certificates: tuple[Certificate, ...], signed: SignedData) -> CertificateFile:
    try:
        signer = signer_certificate(signed)
        check_signature(signed, signer)
    except CardError:
        return CertificateFile(certificates, ListSignature.INVALID)
    return CertificateFile(certificates, ListSignature.VALID, (signer,))


def is_signed_data(data: bytes) -> bool:
    """Whether a CMS ContentInfo begins here: SEQUENCE, then the identifier of SignedData."""
    return data[:1] == b"\x30" and b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in data[:24]


def _is_ldif(data: bytes) -> bool:
    head = data[:4096].lstrip().lower()
    return head.startswith((b"dn:", b"version:", b"#")) and b"dn:" in head


def _parse_ldif(data: bytes) -> CertificateFile:
    """ICAO PKD exports: base64 attributes with master lists or certificates (RFC 2849)."""
    certificates: list[Certificate] = []
    signers: list[Certificate] = []
    signature = ListSignature.ABSENT
    for name, value in _ldif_values(data):
        if name == _LDIF_LISTS:
            found = parse_master_list(value)
            certificates += found.certificates
            signers += found.signers
            if signature is not ListSignature.INVALID:
                signature = found.signature
        elif name == _LDIF_CERTIFICATES:
            certificates.append(parse_certificate(value))
        if len(certificates) > MAX_LISTED:
            raise MalformedCertificateError("too many certificates listed", CardReason.TOO_LARGE)
    if not certificates:
        raise MalformedCertificateError("the LDIF file holds no certificate")
    return CertificateFile(tuple(certificates), signature, tuple(signers))


def _ldif_values(data: bytes) -> list[tuple[str, bytes]]:
    """Every base64 attribute: its name in lower case without options, and its bytes."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\n ", "")
    values: list[tuple[str, bytes]] = []
    for line in text.split("\n"):
        name, separator, encoded = line.partition(":: ")
        if not separator:
            continue
        try:
            values.append((name.split(";")[0].lower(), base64.b64decode(encoded, validate=True)))
        except binascii.Error as error:
            raise MalformedCertificateError("the LDIF file holds broken base64") from error
    return values
