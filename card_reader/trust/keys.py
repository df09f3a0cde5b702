"""Public keys out of a SubjectPublicKeyInfo, explicit curve parameters included."""

from dataclasses import dataclass

from asn1crypto import keys
from cryptography.exceptions import UnsupportedAlgorithm as LibraryLacks
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from card_reader.asn1 import parsing
from card_reader.errors import MalformedCertificateError, UnsupportedAlgorithmError
from card_reader.trust.curves import Curve, by_oid, by_prime, library_curve

MIN_RSA_BITS = 1024
MAX_RSA_BITS = 8192
MAX_RSA_EXPONENT = (1 << 64) - 1


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


PublicKey = RsaKey | EcKey


def parse_public_key(spki: bytes) -> PublicKey:
    """The key of a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)."""
    with parsing("a public key", MalformedCertificateError):
        info = keys.PublicKeyInfo.load(spki, strict=True)
        algorithm = info["algorithm"]["algorithm"].native
        if algorithm in ("rsa", "rsassa_pss"):
            return _rsa_key(info["public_key"].parsed.native)
        if algorithm == "ec":
            return _ec_key(info["algorithm"]["parameters"], bytes(info["public_key"]))
    raise UnsupportedAlgorithmError(f"no public keys of type {algorithm}")


def describe_public_key(spki: bytes) -> tuple[str, bool]:
    """The key in words and whether it spells a curve out, even where the key is unusable."""
    try:
        key = parse_public_key(spki)
        return key.describe(), key.explicit
    except UnsupportedAlgorithmError:
        with parsing("a public key", MalformedCertificateError):
            info = keys.PublicKeyInfo.load(spki, strict=True)
            name = str(info["algorithm"]["algorithm"].native)
            explicit = name == "ec" and info["algorithm"]["parameters"].name == "specified"
        return f"{name} {'explicit' if explicit else 'unsupported'}", explicit


def _rsa_key(numbers: dict[str, int]) -> RsaKey:
    modulus, exponent = numbers["modulus"], numbers["public_exponent"]
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        raise UnsupportedAlgorithmError(f"an RSA key of {modulus.bit_length()} bits")
    if exponent < 3 or exponent % 2 == 0 or exponent > MAX_RSA_EXPONENT:
        raise UnsupportedAlgorithmError("an RSA key with an unusable exponent")
    return RsaKey(modulus, exponent)


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
    if field["field_type"].dotted != "1.2.840.10045.1.1":  # prime-field
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
    if curve.p % 4 != 3:  # P-224 alone; nobody compresses its points
        raise UnsupportedAlgorithmError("a compressed point on this curve")
    y = pow((x * x + curve.a) * x + curve.b, (curve.p + 1) // 4, curve.p)
    return y if bool(y & 1) == odd else curve.p - y
