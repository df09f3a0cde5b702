"""The signatures of a CMS SignedData: which certificate made one, and does it verify."""

import hmac
from collections.abc import Iterable

from card_reader.asn1 import parsing
from card_reader.cms import SignedData, SignerInfo, looks_like_attributes
from card_reader.distinguished_names import same_attributes
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


def embedded_certificates(signed: SignedData) -> tuple[Certificate, ...]:
    """The certificates sent along; one that cannot be read is left out."""
    certificates: list[Certificate] = []
    for raw in signed.certificates:
        try:
            certificates.append(parse_certificate(raw))
        except MalformedCertificateError:
            continue
    return tuple(certificates)


def signer_certificate(
    signed: SignedData, signer: SignerInfo, supplied: Iterable[Certificate] = ()
) -> Certificate:
    """The certificate that the signer names, sent along or among those ``supplied``.

    No signature covers the name, so it only finds the key, and the parts of an issuer's name may
    stand in another order (some libraries turn them round).  Raises
    :class:`SignatureRefusedError` where there is none.
    """
    for certificate in (*embedded_certificates(signed), *supplied):
        if _is_named(signer, certificate):
            return certificate
    raise SignatureRefusedError(
        Finding.NO_SIGNER_CERTIFICATE, "the signer's certificate is missing"
    )


def signature_algorithm(signer: SignerInfo) -> SignatureAlgorithm:
    """Scheme and hash of a signature; raises UnsupportedAlgorithmError for unknown ones."""
    return parse_signature_algorithm(signer.signature_algorithm, hash_by_oid(signer.digest_oid))


def check_signature(signed: SignedData, signer: SignerInfo, certificate: Certificate) -> None:
    """Verify digest and signature (RFC 5652 §5.4, §5.6) or raise.

    The content type is :func:`check_content_type`'s part.
    """
    digest_name = hash_by_oid(signer.digest_oid)
    if digest_name is None:
        raise SignatureRefusedError(Finding.UNSUPPORTED_ALGORITHM, f"no hash {signer.digest_oid}")
    if signer.attributes:
        _check_digest(signed, signer, digest_name)
    elif looks_like_attributes(signed.content):
        # Attributes that were signed, sent as the content: the signature was made for another one.
        raise SignatureRefusedError(Finding.SIGNATURE_INVALID, "the content is a signer's own")
    algorithm = signature_algorithm(signer)
    with parsing("the signature", MalformedFileError):
        valid = any(
            verify_signature(certificate.public_key, algorithm, message, signer.signature)
            for message in signer.attributes or (signed.content,)
        )
    if not valid:
        raise SignatureRefusedError(Finding.SIGNATURE_INVALID, "the signature does not verify")


def check_content_type(signed: SignedData, signer: SignerInfo) -> None:
    """The content type that was signed must be the one that is claimed (RFC 5652 §11.1)."""
    if signer.attributes and signer.content_type != signed.content_type:
        raise SignatureRefusedError(
            Finding.CONTENT_TYPE_MISMATCH, "the signed content type is another one"
        )


def _is_named(signer: SignerInfo, certificate: Certificate) -> bool:
    if signer.key_id is not None:
        return signer.key_id in (certificate.key_id, certificate.key_digest)
    return (
        signer.issuer is not None
        and signer.serial == certificate.serial
        and same_attributes(signer.issuer, certificate.issuer)
    )


def _check_digest(signed: SignedData, signer: SignerInfo, digest_name: str) -> None:
    expected = digest(digest_name, signed.content)
    if signer.message_digest is None or not hmac.compare_digest(signer.message_digest, expected):
        raise SignatureRefusedError(
            Finding.DIGEST_MISMATCH, "the content was changed after signing"
        )
