"""Elliptic curves of travel documents: their numbers, and ECDSA over those a library lacks.

A key may spell its curve out (RFC 3279 §2.3.5).  Such a key is accepted only where *every*
number, generator and cofactor included, equals a known curve: a free choice of generator lets
anyone forge signatures (CVE-2020-0601).

``cryptography`` knows most of these curves.  brainpoolP192r1, P224r1 and P320r1 it does not;
those use the plain point arithmetic below.  It does not run in constant time.  So it may see
public values, and of secrets only what serves one session and dies with it: PACE's and chip
authentication's ephemeral scalars and PACE's nonce.  A key that lasts must never come here, but
for the keys of simulated cards, which guard nothing.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

Point = tuple[int, int] | None  # None is the point at infinity
_Jacobian = tuple[int, int, int]  # (X/Z², Y/Z³); Z = 0 is the point at infinity
_INFINITY: _Jacobian = (1, 1, 0)
_WINDOW = 4  # bits: one hexadecimal digit of the scalar


@dataclass(frozen=True, slots=True)
class Curve:
    """y² = x³ + ax + b over the prime field p; generator (gx, gy) of prime order n, cofactor 1."""

    name: str
    oid: str
    p: int
    a: int
    b: int
    gx: int
    gy: int
    n: int
    h: int = 1

    @property
    def bits(self) -> int:
        return self.p.bit_length()

    @property
    def field_bytes(self) -> int:
        return (self.bits + 7) // 8

    @property
    def order_bytes(self) -> int:
        return (self.n.bit_length() + 7) // 8

    def contains(self, x: int, y: int) -> bool:
        in_field = 0 <= x < self.p and 0 <= y < self.p
        return in_field and (y * y - (x * x + self.a) * x - self.b) % self.p == 0

    def equals(self, a: int, b: int, gx: int, gy: int, n: int, h: int | None) -> bool:
        """Whether all numbers over this field are the curve's; the cofactor may be absent."""
        same = (self.a, self.b, self.gx, self.gy, self.n) == (a, b, gx, gy, n)
        return same and h in (self.h, None)

    def verify(self, public: tuple[int, int], digest: bytes, r: int, s: int) -> bool:
        """ECDSA verification (BSI TR-03111 §4.2.1.2) of a digest under a point on the curve."""
        if not (0 < r < self.n and 0 < s < self.n and self.contains(*public)):
            return False
        excess = max(0, 8 * len(digest) - self.n.bit_length())
        e = int.from_bytes(digest, "big") >> excess
        w = pow(s, -1, self.n)
        left = self.multiply(e * w % self.n, (self.gx, self.gy))
        right = self.multiply(r * w % self.n, public)
        total = self.add(left, right)
        return total is not None and total[0] % self.n == r

    def multiply(self, scalar: int, point: Point) -> Point:
        """``scalar`` times a point of the curve; four bits at a time, in Jacobian coordinates."""
        scalar %= self.n
        if point is None or not scalar:
            return None
        base: _Jacobian = (*point, 1)
        table = [_INFINITY, base]
        while len(table) < 1 << _WINDOW:
            table.append(self._sum(table[-1], base))
        result = _INFINITY
        for digit in f"{scalar:x}":
            for _ in range(_WINDOW):
                result = self._double(result)
            result = self._sum(result, table[int(digit, 16)])
        return self._affine(result)

    def add(self, left: Point, right: Point) -> Point:
        """The sum of two points of the curve."""
        if left is None or right is None:
            return left or right
        return self._affine(self._sum((*left, 1), (*right, 1)))

    def _affine(self, point: "_Jacobian") -> Point:
        x, y, z = point
        if not z:
            return None
        inverse = pow(z, -1, self.p)
        square = inverse * inverse % self.p
        return x * square % self.p, y * square * inverse % self.p

    def _double(self, point: "_Jacobian") -> "_Jacobian":
        x, y, z = point
        p = self.p
        yy, zz = y * y % p, z * z % p
        s = 4 * x * yy % p
        m = (3 * x * x + self.a * zz * zz) % p
        x3 = (m * m - 2 * s) % p
        return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p

    def _sum(self, left: "_Jacobian", right: "_Jacobian") -> "_Jacobian":
        (x1, y1, z1), (x2, y2, z2) = left, right
        if not z1 or not z2:
            return right if not z1 else left
        p = self.p
        zz1, zz2 = z1 * z1 % p, z2 * z2 % p
        u1, u2 = x1 * zz2 % p, x2 * zz1 % p
        s1, s2 = y1 * zz2 * z2 % p, y2 * zz1 * z1 % p
        if u1 == u2:
            return self._double(left) if s1 == s2 else _INFINITY
        h, r = u2 - u1, s2 - s1
        hh = h * h % p
        hhh, v = h * hh % p, u1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return x3, (r * (v - x3) - s1 * hhh) % p, h * z1 * z2 % p


def by_oid(oid: str) -> Curve | None:
    """The curve with this dotted object identifier."""
    return _BY_OID.get(oid)


def by_prime(p: int) -> Curve | None:
    """The known curve over this field; no two of them share one."""
    return _BY_PRIME.get(p)


def library_curve(curve: Curve) -> ec.EllipticCurve | None:
    """The same curve in ``cryptography``, None where that lacks it."""
    return _LIBRARY.get(curve.name)


_LIBRARY: dict[str, ec.EllipticCurve] = {
    "secp192r1": ec.SECP192R1(),
    "secp224r1": ec.SECP224R1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}


def _curve(name: str, oid: str, p: str, a: str, b: str, gx: str, gy: str, n: str) -> Curve:
    return Curve(name, oid, *(int(number, 16) for number in (p, a, b, gx, gy, n)))


# FIPS 186-4 appendix D.1.2 and RFC 5639 §3.
CURVES = (
    _curve(
        "secp192r1",
        "1.2.840.10045.3.1.1",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFFFFFFFFFF",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFFFFFFFFFC",
        "64210519E59C80E70FA7E9AB72243049FEB8DEECC146B9B1",
        "188DA80EB03090F67CBF20EB43A18800F4FF0AFD82FF1012",
        "07192B95FFC8DA78631011ED6B24CDD573F977A11E794811",
        "FFFFFFFFFFFFFFFFFFFFFFFF99DEF836146BC9B1B4D22831",
    ),
    _curve(
        "secp224r1",
        "1.3.132.0.33",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF000000000000000000000001",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFE",
        "B4050A850C04B3ABF54132565044B0B7D7BFD8BA270B39432355FFB4",
        "B70E0CBD6BB4BF7F321390B94A03C1D356C21122343280D6115C1D21",
        "BD376388B5F723FB4C22DFE6CD4375A05A07476444D5819985007E34",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D",
    ),
    _curve(
        "secp256r1",
        "1.2.840.10045.3.1.7",
        "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF",
        "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC",
        "5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B",
        "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296",
        "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
        "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
    ),
    _curve(
        "secp384r1",
        "1.3.132.0.34",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF"
        "0000000000000000FFFFFFFF",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF"
        "0000000000000000FFFFFFFC",
        "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D"
        "8A2ED19D2A85C8EDD3EC2AEF",
        "AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25D"
        "BF55296C3A545E3872760AB7",
        "3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE"
        "1D7E819D7A431D7C90EA0E5F",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB2"
        "48B0A77AECEC196ACCC52973",
    ),
    _curve(
        "secp521r1",
        "1.3.132.0.35",
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC",
        "0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E15619"
        "3951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00",
        "00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B"
        "5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66",
        "011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE"
        "72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650",
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA5186"
        "8783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
    ),
    _curve(
        "brainpoolP192r1",
        "1.3.36.3.3.2.8.1.1.3",
        "C302F41D932A36CDA7A3463093D18DB78FCE476DE1A86297",
        "6A91174076B1E0E19C39C031FE8685C1CAE040E5C69A28EF",
        "469A28EF7C28CCA3DC721D044F4496BCCA7EF4146FBF25C9",
        "C0A0647EAAB6A48753B033C56CB0F0900A2F5C4853375FD6",
        "14B690866ABD5BB88B5F4828C1490002E6773FA2FA299B8F",
        "C302F41D932A36CDA7A3462F9E9E916B5BE8F1029AC4ACC1",
    ),
    _curve(
        "brainpoolP224r1",
        "1.3.36.3.3.2.8.1.1.5",
        "D7C134AA264366862A18302575D1D787B09F075797DA89F57EC8C0FF",
        "68A5E62CA9CE6C1C299803A6C1530B514E182AD8B0042A59CAD29F43",
        "2580F63CCFE44138870713B1A92369E33E2135D266DBB372386C400B",
        "0D9029AD2C7E5CF4340823B2A87DC68C9E4CE3174C1E6EFDEE12C07D",
        "58AA56F772C0726F24C6B89E4ECDAC24354B9E99CAA3F6D3761402CD",
        "D7C134AA264366862A18302575D0FB98D116BC4B6DDEBCA3A5A7939F",
    ),
    _curve(
        "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.7",
        "A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377",
        "7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9",
        "26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6",
        "8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262",
        "547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997",
        "A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7",
    ),
    _curve(
        "brainpoolP320r1",
        "1.3.36.3.3.2.8.1.1.9",
        "D35E472036BC4FB7E13C785ED201E065F98FCFA6F6F40DEF4F92B9EC7893EC28FCD412B1F1B32E27",
        "3EE30B568FBAB0F883CCEBD46D3F3BB8A2A73513F5EB79DA66190EB085FFA9F492F375A97D860EB4",
        "520883949DFDBC42D3AD198640688A6FE13F41349554B49ACC31DCCD884539816F5EB4AC8FB1F1A6",
        "43BD7E9AFB53D8B85289BCC48EE5BFE6F20137D10A087EB6E7871E2A10A599C710AF8D0D39E20611",
        "14FDD05545EC1CC8AB4093247F77275E0743FFED117182EAA9C77877AAAC6AC7D35245D1692E8EE1",
        "D35E472036BC4FB7E13C785ED201E065F98FCFA5B68F12A32D482EC7EE8658E98691555B44C59311",
    ),
    _curve(
        "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.11",
        "8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123ACD3A729"
        "901D1A71874700133107EC53",
        "7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787139165EFBA91F90F8AA5814A"
        "503AD4EB04A8C7DD22CE2826",
        "04A8C7DD22CE28268B39B55416F0447C2FB77DE107DCD2A62E880EA53EEB62D57CB43902"
        "95DBC9943AB78696FA504C11",
        "1D1C64F068CF45FFA2A63A81B7C13F6B8847A3E77EF14FE3DB7FCAFE0CBD10E8E826E034"
        "36D646AAEF87B2E247D4AF1E",
        "8ABE1D7520F9C2A45CB1EB8E95CFD55262B70B29FEEC5864E19C054FF99129280E464621"
        "7791811142820341263C5315",
        "8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B31F166E6CAC0425A7CF3AB6AF"
        "6B7FC3103B883202E9046565",
    ),
    _curve(
        "brainpoolP512r1",
        "1.3.36.3.3.2.8.1.1.13",
        "AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA703308717D4D9B00"
        "9BC66842AECDA12AE6A380E62881FF2F2D82C68528AA6056583A48F3",
        "7830A3318B603B89E2327145AC234CC594CBDD8D3DF91610A83441CAEA9863BC2DED5D5A"
        "A8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CA",
        "3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9"
        "E7C1AC4D77FC94CADC083E67984050B75EBAE5DD2809BD638016F723",
        "81AEE4BDD82ED9645A21322E9C4C6A9385ED9F70B5D916C1B43B62EEF4D0098EFF3B1F78"
        "E2D0D48D50D1687B93B97D5F7C6D5047406A5E688B352209BCB9F822",
        "7DDE385D566332ECC0EABFA9CF7822FDF209F70024A57B1AA000C55B881F8111B2DCDE49"
        "4A5F485E5BCA4BD88A2763AED1CA2B2FA8F0540678CD1E0F3AD80892",
        "AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870553E5C41"
        "4CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069",
    ),
)

_BY_OID = {curve.oid: curve for curve in CURVES}
_BY_PRIME = {curve.p: curve for curve in CURVES}
