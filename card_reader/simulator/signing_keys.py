"""Keys of issuers and signers: RSA, and EC on every curve that travel documents use."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from asn1crypto import core, keys
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from card_reader import tlv
from card_reader.domain_parameters import EcGroup
from card_reader.domain_parameters import public_key_info as ec_public_key_info
from card_reader.trust.curves import CURVES, Curve, by_oid, library_curve

_BY_NAME = {curve.name: curve for curve in CURVES}
_NIST = {
    "P-192": "secp192r1",
    "P-224": "secp224r1",
    "P-256": "secp256r1",
    "P-384": "secp384r1",
    "P-521": "secp521r1",
}
_LIBRARY_OIDS = {known.name: curve.oid for curve in CURVES if (known := library_curve(curve))}
_SEQUENCE, _OCTET_STRING = 0x30, 0x04


class KeyKind(StrEnum):
    """Kind of a key: the modulus' bits and, where it is not 65537, the exponent; or the curve."""

    RSA_1024 = "RSA-1024"
    RSA_1536 = "RSA-1536"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"
    RSA_2048_E3 = "RSA-2048-e3"
    RSA_3072_E3 = "RSA-3072-e3"
    RSA_4096_E3 = "RSA-4096-e3"
    P192 = "P-192"
    P224 = "P-224"
    P256 = "P-256"
    P384 = "P-384"
    P521 = "P-521"
    BRAINPOOL_P192R1 = "brainpoolP192r1"
    BRAINPOOL_P224R1 = "brainpoolP224r1"
    BRAINPOOL_P256R1 = "brainpoolP256r1"
    BRAINPOOL_P320R1 = "brainpoolP320r1"
    BRAINPOOL_P384R1 = "brainpoolP384r1"  # as seen on Vietnamese cards
    BRAINPOOL_P512R1 = "brainpoolP512r1"

    @property
    def curve(self) -> Curve | None:
        """None for RSA."""
        return _BY_NAME.get(_NIST.get(self.value, self.value))

    @property
    def bits(self) -> int:
        curve = self.curve
        return curve.bits if curve else int(self.value.split("-")[1])

    @property
    def exponent(self) -> int:
        """Of RSA keys."""
        return 3 if self.value.endswith("-e3") else 65537


@dataclass(frozen=True, slots=True)
class CurveKey:
    """A private key on a curve that `cryptography` lacks: brainpoolP192r1, P224r1, P320r1."""

    curve: Curve
    scalar: int = field(repr=False)


SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | CurveKey


def new_key(kind: KeyKind, rng: Callable[[int], bytes]) -> SigningKey:
    """Scalars of EC keys come from `rng`; RSA primes always from the library's generator."""
    curve = kind.curve
    if curve is None:
        return rsa.generate_private_key(kind.exponent, kind.bits)
    # A 64-bit surplus makes the bias of the reduction negligible; 2^(bits-1) lies below each order.
    surplus = int.from_bytes(rng(curve.bits // 8 + 8), "big")
    return curve_key(curve, max(surplus % (1 << (curve.bits - 1)), 1))


def curve_key(curve: Curve, scalar: int) -> ec.EllipticCurvePrivateKey | CurveKey:
    """The key with this scalar, in the library where it has the curve."""
    known = library_curve(curve)
    return ec.derive_private_key(scalar, known) if known else CurveKey(curve, scalar)


def another_key(key: SigningKey, rng: Callable[[int], bytes]) -> SigningKey:
    """A new key of the same kind."""
    if isinstance(key, rsa.RSAPrivateKey):
        return rsa.generate_private_key(key.public_key().public_numbers().e, key.key_size)
    return new_key(next(kind for kind in KeyKind if is_of_kind(key, kind)), rng)


def curve_of(key: ec.EllipticCurvePrivateKey | CurveKey) -> Curve:
    if isinstance(key, CurveKey):
        return key.curve
    found = by_oid(_LIBRARY_OIDS[key.curve.name])
    if found is None:
        raise ValueError(f"no curve {key.curve.name}")
    return found


def is_of_kind(key: SigningKey, kind: KeyKind) -> bool:
    if not isinstance(key, rsa.RSAPrivateKey):
        return curve_of(key) == kind.curve
    exponent = key.public_key().public_numbers().e
    return kind.curve is None and (key.key_size, exponent) == (kind.bits, kind.exponent)


def public_key_info(key: SigningKey, *, explicit: bool = False) -> bytes:
    """DER SubjectPublicKeyInfo (RFC 5480 §2); `explicit` spells the curve out (RFC 3279 §2.3.5)."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key()
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    group = EcGroup.of(curve_of(key))
    return ec_public_key_info(group, _point(key), explicit=explicit)


def private_key_der(key: SigningKey) -> bytes:
    """DER PKCS #8, with a named curve."""
    if not isinstance(key, CurveKey):
        return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    octets = tlv.encode(_OCTET_STRING, key.scalar.to_bytes(key.curve.order_bytes, "big"))
    inner = tlv.encode(_SEQUENCE, bytes(core.Integer(1).dump()) + octets)  # RFC 5915 §3
    algorithm = keys.PrivateKeyAlgorithm(
        {"algorithm": "ec", "parameters": _named_parameters(key.curve)}
    )
    body = bytes(core.Integer(0).dump()) + bytes(algorithm.dump())
    return tlv.encode(_SEQUENCE, body + tlv.encode(_OCTET_STRING, inner))


def load_private_key(pkcs8: bytes) -> SigningKey:
    """The key of a DER PKCS #8; raises ValueError for any other bytes."""
    try:
        key = load_der_private_key(pkcs8, None)
    except UnsupportedAlgorithm:
        return _load_curve_key(pkcs8)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("a key that is neither EC nor RSA")
    return key


def _load_curve_key(pkcs8: bytes) -> CurveKey:
    _, algorithm, octets = tlv.parse(pkcs8).children()[:3]
    parameters = keys.PrivateKeyAlgorithm.load(algorithm.raw)["parameters"]
    curve = by_oid(parameters.chosen.dotted) if parameters.name == "named" else None
    if curve is None:
        raise ValueError("a key on an unknown curve")
    scalar = int.from_bytes(tlv.parse(octets.value).children()[1].value, "big")
    if not 0 < scalar < curve.n:
        raise ValueError("a scalar beyond the curve's order")
    return CurveKey(curve, scalar)


def _named_parameters(curve: Curve) -> keys.ECDomainParameters:
    return keys.ECDomainParameters("named", curve.oid)


def _point(key: ec.EllipticCurvePrivateKey | CurveKey) -> tuple[int, int]:
    if isinstance(key, CurveKey):
        return EcGroup.of(key.curve).public(key.scalar)
    numbers = key.public_key().public_numbers()
    return numbers.x, numbers.y
