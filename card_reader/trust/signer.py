"""The signature of a CMS SignedData: which certificate made it, and does it verify."""

import hmac

from card_reader.asn1 import parsing
from card_reader.cms import SignedData, SignerInfo
from card_reader.errors import CardError, MalformedCertificateError, MalformedFileError
from card_reader.trust.certificates import Certificate, parse_certificate
from card_reader.trust.findings import Finding
from card_reader.trust.signatures import (
    SignatureAlgorithm,
    digest,
    hash_by_oid,
    parse_signature_algorithm,
    verify_signature,
)


class SignatureRefusedError(CardError):
    """The signature does not hold; ``finding`` says why."""

    reason = MalformedFileError.reason

    def __init__(self, finding: Finding, detail: str) -> None:
        super().__init__(detail)
        self.finding = finding


def signer_certificate(signed: SignedData) -> Certificate:
    """The certificate that the only signer names; raises :class:`SignatureRefusedError`."""
    signer = _only_signer(signed)
    for raw in signed.certificates:
        try:
            certificate = parse_certificate(raw)
        except MalformedCertificateError:
            continue
        if _is_named(signer, certificate):
            return certificate
    raise SignatureRefusedError(
        Finding.NO_SIGNER_CERTIFICATE, "the signer's certificate is missing"
    )


def signature_algorithm(signed: SignedData) -> SignatureAlgorithm:
    """Scheme and hash of the only signature; raises UnsupportedAlgorithmError for unknown ones."""
    signer = _only_signer(signed)
    return parse_signature_algorithm(signer.signature_algorithm, hash_by_oid(signer.digest_oid))


def check_signature(signed: SignedData, certificate: Certificate) -> None:
    """Verify digest, content type and signature (RFC 5652 §5.4, §5.6) or raise."""
    signer = _only_signer(signed)
    digest_name = hash_by_oid(signer.digest_oid)
    if digest_name is None:
        raise SignatureRefusedError(Finding.UNSUPPORTED_ALGORITHM, f"no hash {signer.digest_oid}")
    if signer.attributes:
        _check_attributes(signed, signer, digest_name)
    elif signed.content_type != _ID_DATA:  # RFC 5652 §5.3: other content needs attributes
        raise SignatureRefusedError(Finding.SIGNATURE_INVALID, "signed attributes are missing")
    message = signer.attributes or signed.content
    algorithm = signature_algorithm(signed)
    with parsing("the signature", MalformedFileError):
        valid = verify_signature(certificate.public_key, algorithm, message, signer.signature)
    if not valid:
        raise SignatureRefusedError(Finding.SIGNATURE_INVALID, "the signature does not verify")


_ID_DATA = "1.2.840.113549.1.7.1"


def _only_signer(signed: SignedData) -> SignerInfo:
    if len(signed.signers) != 1:
        raise SignatureRefusedError(
            Finding.SIGNATURE_INVALID, f"{len(signed.signers)} signers where one is expected"
        )
    return signed.signers[0]


def _is_named(signer: SignerInfo, certificate: Certificate) -> bool:
    if signer.key_id is not None:
        return signer.key_id == certificate.key_id
    return (signer.issuer, signer.serial) == (certificate.issuer, certificate.serial)


def _check_attributes(signed: SignedData, signer: SignerInfo, digest_name: str) -> None:
    if signer.content_type != signed.content_type:
        raise SignatureRefusedError(
            Finding.CONTENT_TYPE_MISMATCH, "the signed content type is another one"
        )
    expected = digest(digest_name, signed.content)
    if signer.message_digest is None or not hmac.compare_digest(signer.message_digest, expected):
        raise SignatureRefusedError(
            Finding.DIGEST_MISMATCH, "the content was changed after signing"
        )
