"""Making signatures: every scheme of ICAO 9303-12 §4.1 from the signer's side."""

from collections.abc import Callable

from asn1crypto import algos, core
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from card_reader.domain_parameters import EcGroup
from card_reader.errors import UnreadableInputError
from card_reader.simulator.signing_keys import CurveKey, SigningKey, curve_of
from card_reader.trust.signatures import HASHES, Scheme, SignatureAlgorithm

HASH_NAMES = tuple(HASHES)
_NUMBERS = {"sha1": 1, "sha224": 2, "sha256": 3, "sha384": 4, "sha512": 5}
_RSA_NUMBERS = {"sha1": 5, "sha224": 14, "sha256": 11, "sha384": 12, "sha512": 13}
_ECDSA_SHA2 = "1.2.840.10045.4.3"
_NULL = core.Null()


def default_algorithm(key: SigningKey, hash_name: str = "sha256") -> SignatureAlgorithm:
    scheme = Scheme.RSA if isinstance(key, rsa.RSAPrivateKey) else Scheme.ECDSA
    return SignatureAlgorithm(scheme, hash_name)


def identifier(algorithm: SignatureAlgorithm) -> algos.SignedDigestAlgorithm:
    """AlgorithmIdentifier (RFC 8017 §A.2, RFC 5758 §3.2, BSI TR-03111 §5.2.1)."""
    name = algorithm.hash_name
    match algorithm.scheme:
        case Scheme.RSA:
            oid = f"1.2.840.113549.1.1.{_RSA_NUMBERS[name]}"
            return algos.SignedDigestAlgorithm({"algorithm": oid, "parameters": _NULL})
        case Scheme.PSS:
            return _pss_identifier(algorithm)
        case Scheme.PLAIN_ECDSA:
            oid = f"0.4.0.127.0.7.1.1.4.1.{_NUMBERS[name]}"
        case Scheme.ECDSA:
            # RFC 5758 numbers the SHA-2 hashes from 1; SHA-1 is ANSI X9.62's own.
            oid = "1.2.840.10045.4.1" if name == "sha1" else f"{_ECDSA_SHA2}.{_NUMBERS[name] - 1}"
    return algos.SignedDigestAlgorithm({"algorithm": oid})


def sign(
    key: SigningKey,
    algorithm: SignatureAlgorithm,
    message: bytes,
    rng: Callable[[int], bytes],
) -> bytes:
    """The signature over `message`. `rng` draws nonces on the curves the library lacks."""
    used = HASHES[algorithm.hash_name]
    if isinstance(key, rsa.RSAPrivateKey):
        return _sign_rsa(key, algorithm, message)
    if algorithm.scheme not in (Scheme.ECDSA, Scheme.PLAIN_ECDSA):
        raise UnreadableInputError(f"an EC key does not sign with {algorithm.describe()}")
    if isinstance(key, CurveKey):
        signature = utils.encode_dss_signature(*_sign_on_curve(key, used, message, rng))
    else:
        signature = key.sign(message, ec.ECDSA(used))
    if algorithm.scheme is Scheme.ECDSA:
        return signature
    size = curve_of(key).order_bytes
    return b"".join(n.to_bytes(size, "big") for n in utils.decode_dss_signature(signature))


def _pss_identifier(algorithm: SignatureAlgorithm) -> algos.SignedDigestAlgorithm:
    parameters = {
        "hash_algorithm": {"algorithm": algorithm.hash_name, "parameters": _NULL},
        "mask_gen_algorithm": {
            "algorithm": "mgf1",
            "parameters": {"algorithm": algorithm.mask_hash_name, "parameters": _NULL},
        },
        "salt_length": algorithm.salt_length,
    }
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def _sign_rsa(key: rsa.RSAPrivateKey, algorithm: SignatureAlgorithm, message: bytes) -> bytes:
    used = HASHES[algorithm.hash_name]
    if algorithm.scheme is Scheme.RSA:
        return key.sign(message, padding.PKCS1v15(), used)
    if algorithm.scheme is not Scheme.PSS:
        raise UnreadableInputError(f"an RSA key does not sign with {algorithm.describe()}")
    mask = padding.MGF1(HASHES[algorithm.mask_hash_name])
    try:
        return key.sign(message, padding.PSS(mask, algorithm.salt_length), used)
    except ValueError as error:
        raise UnreadableInputError(f"{algorithm.describe()} cannot be made: {error}") from None


def _sign_on_curve(
    key: CurveKey, used: hashes.HashAlgorithm, message: bytes, rng: Callable[[int], bytes]
) -> tuple[int, int]:
    """ECDSA (BSI TR-03111 §4.2.1.1) on own arithmetic: good enough for a test issuer."""
    context = hashes.Hash(used)
    context.update(message)
    curve, group = key.curve, EcGroup.of(key.curve)
    excess = max(0, 8 * used.digest_size - curve.n.bit_length())
    e = int.from_bytes(context.finalize(), "big") >> excess
    while True:
        nonce = group.draw_scalar(rng)
        r = group.public(nonce)[0] % curve.n
        s = pow(nonce, -1, curve.n) * (e + r * key.scalar) % curve.n
        if r and s:
            return r, s
