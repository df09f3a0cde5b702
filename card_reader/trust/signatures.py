"""Signature schemes of travel documents (ICAO 9303-12 §4.1): one verify for all of them.

RSA with PKCS#1 v1.5 and PSS, DSA, ECDSA in DER and in plain form (BSI TR-03111 §5.2.1), with
SHA-1 to SHA-512.
"""

from dataclasses import dataclass
from enum import StrEnum

from asn1crypto import algos, core
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from card_reader.asn1 import parsing
from card_reader.errors import MalformedCertificateError, UnsupportedAlgorithmError
from card_reader.trust.keys import MAX_RSA_BITS, DsaKey, EcKey, PublicKey, RsaKey

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - documents in circulation use it
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class Scheme(StrEnum):
    """How a digest becomes a signature."""

    RSA = "rsa"
    PSS = "pss"
    DSA = "dsa"
    ECDSA = "ecdsa"
    PLAIN_ECDSA = "plain-ecdsa"


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """Scheme and hash; for PSS also the hash of the mask function and the salt's length."""

    scheme: Scheme
    hash_name: str
    mask_hash_name: str = ""
    salt_length: int = 0

    def describe(self) -> str:
        """For instance "ecdsa-sha256" or "pss-sha256 mgf1-sha256 salt 32"."""
        if self.scheme is Scheme.PSS:
            return f"pss-{self.hash_name} mgf1-{self.mask_hash_name} salt {self.salt_length}"
        return f"{self.scheme}-{self.hash_name}"


# Object identifiers with the hash inside: RFC 8017 §A.2.4, RFC 5758 §3.1 and §3.2,
# TR-03111 §5.2.1.
_WITH_HASH: dict[str, tuple[Scheme, str]] = {
    "1.2.840.113549.1.1.5": (Scheme.RSA, "sha1"),
    "1.2.840.113549.1.1.14": (Scheme.RSA, "sha224"),
    "1.2.840.113549.1.1.11": (Scheme.RSA, "sha256"),
    "1.2.840.113549.1.1.12": (Scheme.RSA, "sha384"),
    "1.2.840.113549.1.1.13": (Scheme.RSA, "sha512"),
    "1.3.14.3.2.29": (Scheme.RSA, "sha1"),
    "1.2.840.10040.4.3": (Scheme.DSA, "sha1"),
    "2.16.840.1.101.3.4.3.1": (Scheme.DSA, "sha224"),
    "2.16.840.1.101.3.4.3.2": (Scheme.DSA, "sha256"),
    "1.2.840.10045.4.1": (Scheme.ECDSA, "sha1"),
    "1.2.840.10045.4.3.1": (Scheme.ECDSA, "sha224"),
    "1.2.840.10045.4.3.2": (Scheme.ECDSA, "sha256"),
    "1.2.840.10045.4.3.3": (Scheme.ECDSA, "sha384"),
    "1.2.840.10045.4.3.4": (Scheme.ECDSA, "sha512"),
    "0.4.0.127.0.7.1.1.4.1.1": (Scheme.PLAIN_ECDSA, "sha1"),
    "0.4.0.127.0.7.1.1.4.1.2": (Scheme.PLAIN_ECDSA, "sha224"),
    "0.4.0.127.0.7.1.1.4.1.3": (Scheme.PLAIN_ECDSA, "sha256"),
    "0.4.0.127.0.7.1.1.4.1.4": (Scheme.PLAIN_ECDSA, "sha384"),
    "0.4.0.127.0.7.1.1.4.1.5": (Scheme.PLAIN_ECDSA, "sha512"),
}
# In a SignerInfo the bare key type may stand here, the hash beside it.
_WITHOUT_HASH = {
    "1.2.840.113549.1.1.1": Scheme.RSA,
    "1.2.840.10040.4.1": Scheme.DSA,
    "1.2.840.10045.2.1": Scheme.ECDSA,
}
_PSS = "1.2.840.113549.1.1.10"
_MGF1 = "1.2.840.113549.1.1.8"


def hash_by_oid(oid: str) -> str | None:
    """Name of the hash in :data:`HASHES` with this dotted object identifier."""
    return _HASH_OIDS.get(oid)


_HASH_OIDS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


def digest(hash_name: str, data: bytes) -> bytes:
    """The digest of ``data`` with a hash of :data:`HASHES`."""
    if hash_name not in HASHES:
        raise UnsupportedAlgorithmError(f"no hash {hash_name}")
    context = hashes.Hash(HASHES[hash_name])
    context.update(data)
    return context.finalize()


def signature_by_oid(oid: str) -> SignatureAlgorithm | None:
    """The scheme with this dotted object identifier, where that names the hash too."""
    found = _WITH_HASH.get(oid)
    return SignatureAlgorithm(*found) if found else None


def parse_signature_algorithm(identifier: bytes, digest_name: str | None) -> SignatureAlgorithm:
    """The scheme of a DER AlgorithmIdentifier.

    ``digest_name`` is the hash that stands beside it in a SignerInfo, None in a certificate.  A
    scheme that names its own hash must not differ from it.
    """
    with parsing("a signature algorithm", MalformedCertificateError, identifier):
        parsed = algos.AnyAlgorithmIdentifier.load(identifier, strict=True)
        oid = parsed["algorithm"].dotted
        if oid == _PSS:
            algorithm = _pss(identifier)
        elif oid in _WITHOUT_HASH and digest_name is not None:
            algorithm = SignatureAlgorithm(_WITHOUT_HASH[oid], digest_name)
        else:
            found = signature_by_oid(oid)
            if found is None:
                raise UnsupportedAlgorithmError(f"no signature algorithm {oid}")
            algorithm = found
    return algorithm


def verify_signature(
    key: PublicKey, algorithm: SignatureAlgorithm, message: bytes, signature: bytes
) -> bool:
    """Whether ``signature`` over ``message`` verifies.  A key of another kind gives False."""
    hashed = digest(algorithm.hash_name, message)
    if isinstance(key, RsaKey):
        return _verify_rsa(key, algorithm, hashed, signature)
    if isinstance(key, DsaKey):
        return _verify_dsa(key, algorithm, hashed, signature)
    return _verify_ec(key, algorithm, hashed, signature)


def _pss(identifier: bytes) -> SignatureAlgorithm:
    parameters = algos.SignedDigestAlgorithm.load(identifier)["parameters"]
    mask = parameters["mask_gen_algorithm"]
    if mask["algorithm"].dotted != _MGF1 or parameters["trailer_field"].native not in (
        1,
        "trailer_field_bc",
    ):
        raise UnsupportedAlgorithmError("RSA-PSS with an unknown mask function")
    names = [
        hash_by_oid(parameters["hash_algorithm"]["algorithm"].dotted),
        hash_by_oid(mask["parameters"]["algorithm"].dotted),
    ]
    if names[0] is None or names[1] is None:
        raise UnsupportedAlgorithmError("RSA-PSS with an unknown hash")
    salt_length = int(parameters["salt_length"].native)
    if not 0 <= salt_length <= MAX_RSA_BITS // 8:  # a salt lies within one block (RFC 8017 §9.1)
        raise UnsupportedAlgorithmError("RSA-PSS with a salt of an impossible length")
    return SignatureAlgorithm(Scheme.PSS, names[0], names[1], salt_length)


def _verify_rsa(
    key: RsaKey, algorithm: SignatureAlgorithm, hashed: bytes, signature: bytes
) -> bool:
    used = HASHES[algorithm.hash_name]
    scheme: padding.AsymmetricPadding
    if algorithm.scheme is Scheme.PSS:
        mask = padding.MGF1(HASHES[algorithm.mask_hash_name])
        scheme = padding.PSS(mask, algorithm.salt_length)
    elif algorithm.scheme is Scheme.RSA:
        scheme = padding.PKCS1v15()
    else:
        return False
    try:
        key.library_key().verify(signature, hashed, scheme, Prehashed(used))
    except (InvalidSignature, ValueError):
        return False
    return True


def _verify_dsa(
    key: DsaKey, algorithm: SignatureAlgorithm, hashed: bytes, signature: bytes
) -> bool:
    if algorithm.scheme is not Scheme.DSA:
        return False
    try:
        key.library_key().verify(signature, hashed, Prehashed(HASHES[algorithm.hash_name]))
    except (InvalidSignature, ValueError):
        return False
    return True


def _verify_ec(key: EcKey, algorithm: SignatureAlgorithm, hashed: bytes, signature: bytes) -> bool:
    pair: tuple[int, int] | None
    if algorithm.scheme is Scheme.PLAIN_ECDSA:
        pair = plain_pair(key, signature)
    elif algorithm.scheme is Scheme.ECDSA:
        pair = der_pair(signature)
    else:
        return False
    return pair is not None and verify_ecdsa(key, algorithm.hash_name, hashed, pair)


def verify_ecdsa(key: EcKey, hash_name: str, hashed: bytes, pair: tuple[int, int]) -> bool:
    """Whether (r, s) signs the digest."""
    library_key = key.library_key()
    if library_key is None:
        return key.curve.verify((key.x, key.y), hashed, *pair)
    encoded = utils.encode_dss_signature(*pair)
    try:
        library_key.verify(encoded, hashed, ec.ECDSA(Prehashed(HASHES[hash_name])))
    except InvalidSignature:
        return False
    return True


def der_pair(signature: bytes) -> tuple[int, int] | None:
    """(r, s) of an ECDSA-Sig-Value, strictly one SEQUENCE of two positive integers."""
    pair: tuple[int, int] | None
    try:
        pair = utils.decode_dss_signature(signature)
    except ValueError:
        pair = _ber_pair(signature)
    return pair if pair and min(pair) > 0 else None


def plain_pair(key: EcKey, signature: bytes) -> tuple[int, int] | None:
    """(r, s) of r || s, each as long as the curve's order."""
    size = key.curve.order_bytes
    if len(signature) != 2 * size:
        return None
    return int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")


class _SignatureValue(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [("r", core.Integer), ("s", core.Integer)]  # noqa: RUF012 - asn1crypto's


def _ber_pair(signature: bytes) -> tuple[int, int] | None:
    """Some issuers pad integers or lengths: BER that a strict DER decoder refuses."""
    try:
        with parsing("a signature", MalformedCertificateError, signature):
            value = _SignatureValue.load(signature, strict=True)
            return int(value["r"].native), int(value["s"].native)
    except MalformedCertificateError:
        return None
