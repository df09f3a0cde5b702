"""Groups of key agreement: points of a curve, residues modulo a prime (9303-11 §9.4 to §9.6).

PACE and chip authentication are the same protocol over an elliptic curve or over a prime field;
a :class:`Group` is what they see of either.  Nothing here knows a protocol or a key that lasts.

Point multiplication goes through ``cryptography`` (constant time) wherever it knows the curve,
also on the mapped generators of PACE, and else through :mod:`card_reader.trust.curves`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from card_reader.errors import ChipError, UnreadableInputError, UnsupportedAlgorithmError
from card_reader.trust.curves import Curve, library_curve

AffinePoint = tuple[int, int]
Element = TypeVar("Element")

MAX_DRAWS = 128


class Group(Protocol[Element]):
    """A cyclic group of known order with a generator.

    Elements are points (x, y) or integers; each group takes its own.  What a chip sends passes
    :meth:`decode`, which refuses everything outside the group.
    """

    @property
    def name(self) -> str: ...

    @property
    def order(self) -> int: ...

    @property
    def scalar_bytes(self) -> int:
        """Bytes that :meth:`draw_scalar` draws at a time."""
        ...

    @property
    def field_bits(self) -> int:
        """Bits of the prime field's p."""
        ...

    @property
    def generator(self) -> Element: ...

    def draw_scalar(self, rng: Callable[[int], bytes]) -> int:
        """A private scalar, 0 < x < order: big-endian bytes, drawn again until they fit."""
        ...

    def public(self, scalar: int) -> Element:
        """The public key of a private scalar."""
        ...

    def multiply(self, scalar: int, element: Element) -> Element:
        """``scalar`` times an element (a power, in a prime field)."""
        ...

    def combine(self, left: Element, right: Element) -> Element:
        """The group's operation: sum of points, product of integers."""
        ...

    def encode(self, element: Element) -> bytes:
        """04 ‖ X ‖ Y, or the integer without leading zero bytes (§9.4.1, §9.4.3, §9.4.5)."""
        ...

    def decode(self, encoded: bytes) -> Element:
        """Undo :meth:`encode`; anything that is no usable public key is a :class:`ChipError`."""
        ...

    def shared_secret(self, scalar: int, element: Element) -> bytes:
        """Key agreement (§9.6): the x coordinate, or the integer, in as many bytes as p."""
        ...

    def mapped(self, generator: Element) -> "Group[Element]":
        """The same group with another generator."""
        ...

    @property
    def maps_numbers(self) -> bool:
        """Whether :meth:`element_of` is defined for this group."""
        ...

    def element_of(self, number: int) -> Element:
        """The element that integrated mapping assigns to a field element (§4.4.3.3.2)."""
        ...


AnyGroup = Group[Any]


@dataclass(frozen=True, slots=True)
class EcGroup:
    """The points of a curve, with the curve's generator or a mapped one."""

    curve: Curve
    generator: AffinePoint

    @classmethod
    def of(cls, curve: Curve) -> "EcGroup":
        return cls(curve, (curve.gx, curve.gy))

    @property
    def name(self) -> str:
        return self.curve.name

    @property
    def order(self) -> int:
        return self.curve.n

    @property
    def scalar_bytes(self) -> int:
        return self.curve.order_bytes

    @property
    def field_bits(self) -> int:
        return self.curve.bits

    def draw_scalar(self, rng: Callable[[int], bytes]) -> int:
        return _draw_below(self.order, rng)

    def public(self, scalar: int) -> AffinePoint:
        library = library_curve(self.curve)
        standard = self.generator == (self.curve.gx, self.curve.gy)
        if library is None or not standard or not 0 < scalar < self.order:
            return self.multiply(scalar, self.generator)
        numbers = ec.derive_private_key(scalar, library).public_key().public_numbers()
        return numbers.x, numbers.y

    def multiply(self, scalar: int, element: AffinePoint) -> AffinePoint:
        scalar %= self.order
        library = library_curve(self.curve)
        if library is None or scalar in (0, self.order - 1):
            return _finite(self.curve.multiply(scalar, element), self.name)
        peer = ec.EllipticCurvePublicNumbers(*element, library).public_key()
        return self._point(
            element, _agreed_x(library, scalar, peer), _agreed_x(library, scalar + 1, peer)
        )

    def combine(self, left: AffinePoint, right: AffinePoint) -> AffinePoint:
        return _finite(self.curve.add(left, right), self.name)

    def encode(self, element: AffinePoint) -> bytes:
        size = self.curve.field_bytes
        return b"\x04" + element[0].to_bytes(size, "big") + element[1].to_bytes(size, "big")

    def decode(self, encoded: bytes) -> AffinePoint:
        size = self.curve.field_bytes
        if len(encoded) != 1 + 2 * size or encoded[0] != 4:
            raise ChipError(f"a public key is no uncompressed point of {self.name}")
        x, y = (int.from_bytes(part, "big") for part in (encoded[1 : 1 + size], encoded[-size:]))
        if not self.curve.contains(x, y):
            raise ChipError(f"a public key is not a point of {self.name}")
        return x, y

    def shared_secret(self, scalar: int, element: AffinePoint) -> bytes:
        library = library_curve(self.curve)
        if library is None:
            x = self.multiply(scalar, element)[0]
        else:
            peer = ec.EllipticCurvePublicNumbers(*element, library).public_key()
            x = _agreed_x(library, scalar, peer)
        return x.to_bytes(self.curve.field_bytes, "big")

    def mapped(self, generator: AffinePoint) -> "EcGroup":
        return replace(self, generator=generator)

    @property
    def maps_numbers(self) -> bool:
        return self.curve.p % 4 == 3  # all but secp224r1, where §9.5.1 rules it out

    def element_of(self, number: int) -> AffinePoint:
        """Point encoding of ICAO 9303-11 appendix B, steps 1 to 9; the cofactor is 1."""
        p, a, b = self.curve.p, self.curve.a, self.curve.b
        if not self.maps_numbers:
            raise UnsupportedAlgorithmError(f"integrated mapping is not possible over {self.name}")
        alpha = -number * number % p
        beta = (alpha + alpha * alpha) % p
        if not beta:
            raise ChipError("the nonces of integrated mapping have no point")
        x2 = -b * (1 + beta) * pow(a * beta, -1, p) % p
        x3 = alpha * x2 % p
        h2 = (x2 * x2 * x2 + a * x2 + b) % p
        root = pow(h2, p - 1 - (p + 1) // 4, p)
        if root * root * h2 % p == 1:
            return x2, root * h2 % p
        return x3, root * pow(number, 3, p) * h2 % p

    def _point(self, base: AffinePoint, x_product: int, x_next: int) -> AffinePoint:
        """kP from x(kP) and x((k+1)P) (Brier and Joye 2002, proposition 3).

        Key agreement gives x coordinates alone; two of them fix the y coordinate.
        """
        p, a, b = self.curve.p, self.curve.a, self.curve.b
        x, y = base
        numerator = 2 * b + (a + x * x_product) * (x + x_product) - x_next * (x - x_product) ** 2
        return x_product, numerator * pow(2 * y, -1, p) % p


@dataclass(frozen=True, slots=True)
class DhGroup:
    """The subgroup of order q that ``generator`` spans modulo p.

    ``q`` is None where a key does not tell it (PKCS #3); its elements are then checked by range.
    """

    name: str
    p: int
    generator: int
    q: int | None

    @property
    def order(self) -> int:
        return self.p - 1 if self.q is None else self.q

    @property
    def scalar_bytes(self) -> int:
        return byte_length(self.order)

    @property
    def field_bits(self) -> int:
        return self.p.bit_length()

    def draw_scalar(self, rng: Callable[[int], bytes]) -> int:
        return _draw_below(self.order, rng)

    def public(self, scalar: int) -> int:
        return self.multiply(scalar, self.generator)

    def multiply(self, scalar: int, element: int) -> int:
        return self._usable(pow(element, scalar, self.p))

    def combine(self, left: int, right: int) -> int:
        return self._usable(left * right % self.p)

    def encode(self, element: int) -> bytes:
        return element.to_bytes(byte_length(element), "big")

    def decode(self, encoded: bytes) -> int:
        """Public key validation of RFC 2631 §2.1.5; chips also send leading zero bytes."""
        if not encoded or len(encoded) > byte_length(self.p) + 1:
            raise ChipError(f"a public key has a wrong length for {self.name}")
        element = self._usable(int.from_bytes(encoded, "big"))
        if self.q is not None and pow(element, self.q, self.p) != 1:
            raise ChipError(f"a public key lies outside the subgroup of {self.name}")
        return element

    def shared_secret(self, scalar: int, element: int) -> bytes:
        return self.multiply(scalar, element).to_bytes(byte_length(self.p), "big")

    def mapped(self, generator: int) -> "DhGroup":
        return replace(self, generator=generator)

    @property
    def maps_numbers(self) -> bool:
        return self.q is not None

    def element_of(self, number: int) -> int:
        if self.q is None:
            raise UnsupportedAlgorithmError(f"integrated mapping is not possible over {self.name}")
        return self._usable(pow(number, (self.p - 1) // self.q, self.p))

    def _usable(self, element: int) -> int:
        if not 1 < element < self.p - 1:
            raise ChipError(f"a public key is no usable element of {self.name}")
        return element


def byte_length(number: int) -> int:
    """Bytes of a number without leading zero bytes."""
    return (number.bit_length() + 7) // 8


def _agreed_x(curve: ec.EllipticCurve, scalar: int, peer: ec.EllipticCurvePublicKey) -> int:
    private = ec.derive_private_key(scalar, curve)
    return int.from_bytes(private.exchange(ec.ECDH(), peer), "big")


def _finite(point: AffinePoint | None, name: str) -> AffinePoint:
    if point is None:
        raise ChipError(f"a key agreement over {name} ends in the point at infinity")
    return point


def _draw_below(order: int, rng: Callable[[int], bytes]) -> int:
    mask = (1 << order.bit_length()) - 1  # a scalar that fits is never changed by it
    for _ in range(MAX_DRAWS):
        scalar = int.from_bytes(rng(byte_length(order)), "big") & mask
        if 0 < scalar < order:
            return scalar
    raise UnreadableInputError("the source of randomness gives no usable private key")
