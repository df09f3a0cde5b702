"""Public keys out of a SubjectPublicKeyInfo, explicit curve parameters included."""

from dataclasses import dataclass

from asn1crypto import keys
from cryptography.exceptions import UnsupportedAlgorithm as LibraryLacks
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from card_reader.asn1 import parsing, unsigned
from card_reader.errors import (
    CardError,
    MalformedCertificateError,
    UnsupportedAlgorithmError,
)
from card_reader.trust.curves import Curve, by_oid, by_prime, library_curve

MIN_RSA_BITS = 1024
MAX_RSA_BITS = 8192
MAX_RSA_EXPONENT = (1 << 64) - 1
DSA_BITS, DSA_ORDER_BITS = (1024, 2048, 3072), (160, 224, 256)  # FIPS 186-4 §4.2
_PRIME_FIELD = "1.2.840.10045.1.1"


@dataclass(frozen=True, slots=True)
class RsaKey:
    """Modulus and exponent.  ``describe`` gives for instance "rsa4096 e=65537"."""

    modulus: int
    exponent: int
    explicit = False

    @property
    def bits(self) -> int:
        return self.modulus.bit_length()

    def describe(self) -> str:
        return f"rsa{self.bits} e={self.exponent}"

    def library_key(self) -> rsa.RSAPublicKey:
        try:
            return rsa.RSAPublicNumbers(self.exponent, self.modulus).public_key()
        except ValueError as error:
            raise UnsupportedAlgorithmError(f"the RSA key is unusable: {error}") from error


@dataclass(frozen=True, slots=True)
class EcKey:
    """A point on a known curve; ``explicit`` says that the key spelled the curve out."""

    curve: Curve
    x: int
    y: int
    explicit: bool

    @property
    def bits(self) -> int:
        return self.curve.bits

    def describe(self) -> str:
        return f"ec{self.bits} {'explicit' if self.explicit else self.curve.name}"

    def library_key(self) -> ec.EllipticCurvePublicKey | None:
        """The key in ``cryptography``; None where that lacks the curve."""
        curve = library_curve(self.curve)
        if curve is None:
            return None
        try:
            return ec.EllipticCurvePublicNumbers(self.x, self.y, curve).public_key()
        except LibraryLacks:
            return None
        except ValueError as error:
            raise UnsupportedAlgorithmError(f"the EC key is unusable: {error}") from error


@dataclass(frozen=True, slots=True)
class DsaKey:
    """Prime, order of the subgroup, generator and public element (FIPS 186-4 §4.1)."""

    p: int
    q: int
    g: int
    y: int
    explicit = False

    @property
    def bits(self) -> int:
        return self.p.bit_length()

    def describe(self) -> str:
        return f"dsa{self.bits}"

    def library_key(self) -> dsa.DSAPublicKey:
        parameters = dsa.DSAParameterNumbers(self.p, self.q, self.g)
        try:
            return dsa.DSAPublicNumbers(self.y, parameters).public_key()
        except ValueError as error:
            raise UnsupportedAlgorithmError(f"the DSA key is unusable: {error}") from error


PublicKey = RsaKey | EcKey | DsaKey


def parse_public_key(spki: bytes) -> PublicKey:
    """The key of a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)."""
    with parsing("a public key", MalformedCertificateError, spki):
        info = keys.PublicKeyInfo.load(spki, strict=True)
        algorithm = info["algorithm"]["algorithm"].native
        if algorithm in ("rsa", "rsassa_pss"):
            return _rsa_key(_rsa_numbers(info))
        if algorithm == "ec":
            return _ec_key(info["algorithm"]["parameters"], bytes(info["public_key"]))
        if algorithm == "dsa":
            return _dsa_key(info)
    raise UnsupportedAlgorithmError(f"no public keys of type {algorithm}")


def describe_public_key(spki: bytes) -> tuple[str, bool]:
    """The key in words and whether it spells a curve out, even where the key is unusable."""
    try:
        key = parse_public_key(spki)
        return key.describe(), key.explicit
    except CardError:
        pass
    try:
        with parsing("a public key", MalformedCertificateError, spki):
            return _describe_unusable(keys.PublicKeyInfo.load(spki, strict=True))
    except CardError:
        return "unreadable", False


def _describe_unusable(info: keys.PublicKeyInfo) -> tuple[str, bool]:
    algorithm = info["algorithm"]
    name = str(algorithm["algorithm"].native)
    if name == "rsa":
        return _rsa_numbers(info).describe(), False
    if name == "ec" and algorithm["parameters"].name == "specified":
        field = algorithm["parameters"].chosen["field_id"]
        if field["field_type"].dotted == _PRIME_FIELD:
            return f"ec{int(field['parameters'].native).bit_length()} explicit", True
        return "ec explicit", True
    return f"{name} unsupported", False


def _rsa_numbers(info: keys.PublicKeyInfo) -> RsaKey:
    numbers = info["public_key"].parsed
    return RsaKey(
        unsigned(numbers["modulus"].contents), unsigned(numbers["public_exponent"].contents)
    )


def _dsa_key(info: keys.PublicKeyInfo) -> DsaKey:
    """RFC 3279 §2.3.2; parameters inherited from the issuer's key are not followed."""
    parameters = info["algorithm"]["parameters"]
    if not isinstance(parameters, keys.DSAParams):
        raise UnsupportedAlgorithmError("a DSA key without parameters of its own")
    p, q, g = (int(parameters[name].native) for name in ("p", "q", "g"))
    y = int(info["public_key"].parsed.native)
    key = DsaKey(p, q, g, y)
    if key.bits not in DSA_BITS or q.bit_length() not in DSA_ORDER_BITS:
        raise UnsupportedAlgorithmError(f"a DSA key of {key.bits} bits")
    if not (1 < g < p and 1 < y < p - 1) or pow(g, q, p) != 1 or pow(y, q, p) != 1:
        raise UnsupportedAlgorithmError("a DSA key outside its own subgroup")
    return key


def _rsa_key(key: RsaKey) -> RsaKey:
    if not MIN_RSA_BITS <= key.bits <= MAX_RSA_BITS:
        raise UnsupportedAlgorithmError(f"an RSA key of {key.bits} bits")
    if key.exponent < 3 or key.exponent % 2 == 0 or key.exponent > MAX_RSA_EXPONENT:
        raise UnsupportedAlgorithmError("an RSA key with an unusable exponent")
    return key


def _ec_key(parameters: keys.ECDomainParameters, point: bytes) -> EcKey:
    explicit = parameters.name == "specified"
    if explicit:
        curve = _explicit_curve(parameters.chosen)
    elif parameters.name == "named":
        curve = by_oid(parameters.chosen.dotted)
    else:
        raise UnsupportedAlgorithmError("an EC key without a curve of its own")
    if curve is None:
        raise UnsupportedAlgorithmError("an EC key on an unknown curve")
    x, y = _point(curve, point)
    return EcKey(curve, x, y, explicit)


def _explicit_curve(parameters: keys.SpecifiedECDomain) -> Curve | None:
    """The known curve that equals SpecifiedECDomain in every number (CVE-2020-0601)."""
    field = parameters["field_id"]
    if field["field_type"].dotted != _PRIME_FIELD:
        return None
    p = int(field["parameters"].native)
    if p.bit_length() > 521:
        return None
    a = int.from_bytes(bytes(parameters["curve"]["a"]), "big")
    b = int.from_bytes(bytes(parameters["curve"]["b"]), "big")
    order = int(parameters["order"].native)
    cofactor = parameters["cofactor"].native
    curve = by_prime(p)
    if curve is None:
        return None
    gx, gy = _point(curve, bytes(parameters["base"]))
    return curve if curve.equals(a, b, gx, gy, order, cofactor) else None


def _point(curve: Curve, encoded: bytes) -> tuple[int, int]:
    """A point in uncompressed or compressed form (SEC 1 §2.3.4); it must lie on the curve."""
    size = curve.field_bytes
    if len(encoded) == 1 + 2 * size and encoded[0] == 4:
        x, y = int.from_bytes(encoded[1 : 1 + size], "big"), int.from_bytes(encoded[-size:], "big")
    elif len(encoded) == 1 + size and encoded[0] in (2, 3):
        x = int.from_bytes(encoded[1:], "big")
        y = _square_root(curve, x, odd=encoded[0] == 3)
    else:
        raise UnsupportedAlgorithmError("an EC point in an unknown form")
    if not curve.contains(x, y):
        raise UnsupportedAlgorithmError("an EC point that is not on its curve")
    return x, y


def _square_root(curve: Curve, x: int, *, odd: bool) -> int:
    """The y of a compressed point; a number that is none where the curve has no such point."""
    y = _root((x * x + curve.a) * x + curve.b, curve.p)
    return y if bool(y & 1) == odd else curve.p - y


def _root(value: int, p: int) -> int:
    """A square root modulo a prime, where there is one (Tonelli and Shanks)."""
    twos = ((p - 1) & (1 - p)).bit_length() - 1  # p - 1 = odd_part * 2**twos
    odd_part = (p - 1) >> twos
    root, rest = pow(value, (odd_part + 1) // 2, p), pow(value, odd_part, p)
    if twos == 1:  # all curves here but P-224
        return root
    non_residue = next(z for z in range(2, p) if pow(z, (p - 1) // 2, p) == p - 1)
    factor = pow(non_residue, odd_part, p)
    for level in range(twos - 2, -1, -1):
        if pow(rest, 1 << level, p) == p - 1:
            root, rest = root * factor % p, rest * factor * factor % p
        factor = factor * factor % p
    return root
