"""Domain parameters of key agreement: the standardised groups, and those that keys name.

ICAO 9303-11 §9.5.1 numbers the groups.  In EF.DG14, EF.CardSecurity and EF.CardAccess they stand
as AlgorithmIdentifier, by number, by name or spelled out.
"""

from typing import Any

from asn1crypto import core, keys

from card_reader import tlv
from card_reader.asn1 import parsing
from card_reader.errors import MalformedFileError, UnsupportedAlgorithmError
from card_reader.groups import AnyGroup, DhGroup, EcGroup, Group, byte_length
from card_reader.trust import curves
from card_reader.trust.curves import Curve
from card_reader.trust.keys import EcKey, parse_public_key

__all__ = [
    "AnyGroup",
    "DhGroup",
    "EcGroup",
    "Group",
    "group_of_key",
    "group_of_parameters",
    "is_standardised",
    "public_key_info",
    "standardised",
    "standardised_key_info",
]

MIN_PRIME_BITS, MAX_PRIME_BITS = 1024, 4096
MIN_ORDER_BITS = 160

EC_PUBLIC_KEY = "1.2.840.10045.2.1"
DH_PUBLIC_NUMBER = "1.2.840.10046.2.1"  # X9.42, with the order q
DH_KEY_AGREEMENT = "1.2.840.113549.1.3.1"  # PKCS #3, without it
STANDARDISED_PARAMETERS = "0.4.0.127.0.7.1.2"  # §9.5.1
PRIME_FIELD = "1.2.840.10045.1.1"


def standardised(parameter_id: int) -> AnyGroup | None:
    """The group with this number in the table of §9.5.1; None for the reserved ones."""
    return _STANDARDISED.get(parameter_id)


def group_of_key(spki: bytes) -> tuple[AnyGroup, Any]:
    """Group and public key of a SubjectPublicKeyInfo in EF.DG14 or EF.CardSecurity (§9.2.6).

    EC parameters may be named, standardised or explicit, where they equal a known curve; DH ones
    come as X9.42 or PKCS #3.
    """
    with parsing("a key agreement key", MalformedFileError):
        info = _KeyInfo.load(spki, strict=True)
        algorithm = str(info["algorithm"]["algorithm"].dotted)
        if algorithm == EC_PUBLIC_KEY:
            key = parse_public_key(spki)
            if isinstance(key, EcKey):
                return EcGroup.of(key.curve), (key.x, key.y)
        group = group_of_parameters(info["algorithm"].dump())
        encoded = bytes(info["public_key"])
        if isinstance(group, DhGroup):
            value = int(core.Integer.load(encoded, strict=True))
            if value <= 0:
                raise MalformedFileError("a DH public key is not positive")
            encoded = value.to_bytes(byte_length(value), "big")
        return group, group.decode(encoded)


def group_of_parameters(algorithm: bytes) -> AnyGroup:
    """The group of an AlgorithmIdentifier: parameters without a key (§9.2.1, §9.5)."""
    with parsing("domain parameters", MalformedFileError):
        identifier = _AlgorithmIdentifier.load(algorithm, strict=True)
        oid = str(identifier["algorithm"].dotted)
        parameters = identifier["parameters"].dump()
        if oid == STANDARDISED_PARAMETERS:
            group = standardised(int(core.Integer.load(parameters, strict=True)))
        elif oid == EC_PUBLIC_KEY:
            group = _ec_group(identifier, parameters)
        elif oid == DH_PUBLIC_NUMBER:
            numbers = keys.DomainParameters.load(parameters, strict=True)
            group = _dh_group(*(int(numbers[name]) for name in ("p", "g", "q")))
        elif oid == DH_KEY_AGREEMENT:
            pkcs3 = _Pkcs3Parameters.load(parameters, strict=True)
            group = _dh_group(int(pkcs3["p"]), int(pkcs3["g"]), None)
        else:
            group = None
    if group is None:
        raise UnsupportedAlgorithmError(f"domain parameters of an unknown kind ({oid})")
    return group


def is_standardised(group: AnyGroup) -> bool:
    """Whether the group, generator included, is one of the table of §9.5.1."""
    return group in _STANDARDISED.values()


def public_key_info(group: AnyGroup, element: Any, *, explicit: bool = False) -> bytes:
    """DER SubjectPublicKeyInfo; ``explicit`` spells out a curve (RFC 3279 §2.3.3, §2.3.5)."""
    if isinstance(group, EcGroup):
        parameters = _specified(group.curve) if explicit else _object_identifier(group.curve.oid)
        return _spki(EC_PUBLIC_KEY, parameters, group.encode(element))
    if isinstance(group, DhGroup):
        oid = DH_KEY_AGREEMENT if group.q is None else DH_PUBLIC_NUMBER
        numbers = [group.p, group.generator] + ([] if group.q is None else [group.q])
        return _spki(oid, _sequence(*map(_integer, numbers)), _integer(element))
    raise UnsupportedAlgorithmError(f"no public keys over {group.name}")


def standardised_key_info(parameter_id: int, element: Any) -> bytes:
    """DER SubjectPublicKeyInfo that names its group by number (§9.5.1)."""
    group = standardised(parameter_id)
    if group is None:
        raise UnsupportedAlgorithmError(f"there are no domain parameters number {parameter_id}")
    key = _integer(element) if isinstance(group, DhGroup) else group.encode(element)
    return _spki(STANDARDISED_PARAMETERS, _integer(parameter_id), key)


class _AlgorithmIdentifier(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [  # noqa: RUF012 - asn1crypto's
        ("algorithm", core.ObjectIdentifier),
        ("parameters", core.Any, {"optional": True}),
    ]


class _KeyInfo(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [  # noqa: RUF012 - asn1crypto's
        ("algorithm", _AlgorithmIdentifier),
        ("public_key", core.OctetBitString),
    ]


class _Pkcs3Parameters(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [  # noqa: RUF012 - asn1crypto's
        ("p", core.Integer),
        ("g", core.Integer),
        ("private_bits", core.Integer, {"optional": True}),
    ]


def _ec_group(identifier: _AlgorithmIdentifier, parameters: bytes) -> EcGroup | None:
    domain = keys.ECDomainParameters.load(parameters, strict=True)
    if domain.name == "named":
        curve = curves.by_oid(str(domain.chosen.dotted))
        return EcGroup.of(curve) if curve else None
    if domain.name != "specified":
        return None
    # The generator is a point of the curve: as its key it makes the parameters a whole key,
    # whose parser accepts no curve but a known one.
    base = core.OctetBitString(bytes(domain.chosen["base"]))
    key = parse_public_key(_sequence(identifier.dump(), base.dump()))
    return EcGroup.of(key.curve) if isinstance(key, EcKey) else None


def _dh_group(p: int, g: int, q: int | None) -> DhGroup:
    for known in _DH_GROUPS.values():
        if (known.p, known.generator) == (p, g) and q in (known.q, None):
            return known
    if not MIN_PRIME_BITS <= p.bit_length() <= MAX_PRIME_BITS or p % 2 == 0 or not 1 < g < p - 1:
        raise UnsupportedAlgorithmError("DH parameters of an unusable size")
    if q is not None and (q.bit_length() < MIN_ORDER_BITS or (p - 1) % q or pow(g, q, p) != 1):
        raise UnsupportedAlgorithmError("DH parameters that contradict each other")
    return DhGroup(f"dh{p.bit_length()}", p, g, q)


def _sequence(*parts: bytes) -> bytes:
    return tlv.encode(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return bytes(core.Integer(number).dump())


def _octets(content: bytes) -> bytes:
    return tlv.encode(0x04, content)


def _object_identifier(oid: str) -> bytes:
    return bytes(core.ObjectIdentifier(oid).dump())


def _spki(oid: str, parameters: bytes, key: bytes) -> bytes:
    algorithm = _sequence(_object_identifier(oid), parameters)
    return _sequence(algorithm, bytes(core.OctetBitString(key).dump()))


def _specified(curve: Curve) -> bytes:
    """SpecifiedECDomain (SEC 1 §C.2)."""
    size = curve.field_bytes
    field = _sequence(_object_identifier(PRIME_FIELD), _integer(curve.p))
    coefficients = _sequence(*(_octets(n.to_bytes(size, "big")) for n in (curve.a, curve.b)))
    base = _octets(EcGroup.of(curve).encode((curve.gx, curve.gy)))
    return _sequence(_integer(1), field, coefficients, base, _integer(curve.n), _integer(curve.h))


def _rfc5114(name: str, p: str, g: str, q: str) -> DhGroup:
    return DhGroup(name, *(int(number, 16) for number in (p, g, q)))


# RFC 5114 §2.1 to §2.3.
_DH_GROUPS = {
    0: _rfc5114(
        "modp1024-160",
        "B10B8F96A080E01DDE92DE5EAE5D54EC52C99FBCFB06A3C69A6A9DCA52D23B616073E28675A23D18"
        "9838EF1E2EE652C013ECB4AEA906112324975C3CD49B83BFACCBDD7D90C4BD7098488E9C219A7372"
        "4EFFD6FAE5644738FAA31A4FF55BCCC0A151AF5F0DC8B4BD45BF37DF365C1A65E68CFDA76D4DA708"
        "DF1FB2BC2E4A4371",
        "A4D1CBD5C3FD34126765A442EFB99905F8104DD258AC507FD6406CFF14266D31266FEA1E5C41564B"
        "777E690F5504F213160217B4B01B886A5E91547F9E2749F4D7FBD7D3B9A92EE1909D0D2263F80A76"
        "A6A24C087A091F531DBF0A0169B6A28AD662A4D18E73AFA32D779D5918D08BC8858F4DCEF97C2A24"
        "855E6EEB22B3B2E5",
        "F518AA8781A8DF278ABA4E7D64B7CB9D49462353",
    ),
    1: _rfc5114(
        "modp2048-224",
        "AD107E1E9123A9D0D660FAA79559C51FA20D64E5683B9FD1B54B1597B61D0A75E6FA141DF95A56DB"
        "AF9A3C407BA1DF15EB3D688A309C180E1DE6B85A1274A0A66D3F8152AD6AC2129037C9EDEFDA4DF8"
        "D91E8FEF55B7394B7AD5B7D0B6C12207C9F98D11ED34DBF6C6BA0B2C8BBC27BE6A00E0A0B9C49708"
        "B3BF8A317091883681286130BC8985DB1602E714415D9330278273C7DE31EFDC7310F7121FD5A074"
        "15987D9ADC0A486DCDF93ACC44328387315D75E198C641A480CD86A1B9E587E8BE60E69CC928B2B9"
        "C52172E413042E9B23F10B0E16E79763C9B53DCF4BA80A29E3FB73C16B8E75B97EF363E2FFA31F71"
        "CF9DE5384E71B81C0AC4DFFE0C10E64F",
        "AC4032EF4F2D9AE39DF30B5C8FFDAC506CDEBE7B89998CAF74866A08CFE4FFE3A6824A4E10B9A6F0"
        "DD921F01A70C4AFAAB739D7700C29F52C57DB17C620A8652BE5E9001A8D66AD7C17669101999024A"
        "F4D027275AC1348BB8A762D0521BC98AE247150422EA1ED409939D54DA7460CDB5F6C6B250717CBE"
        "F180EB34118E98D119529A45D6F834566E3025E316A330EFBB77A86F0C1AB15B051AE3D428C8F8AC"
        "B70A8137150B8EEB10E183EDD19963DDD9E263E4770589EF6AA21E7F5F2FF381B539CCE3409D13CD"
        "566AFBB48D6C019181E1BCFE94B30269EDFE72FE9B6AA4BD7B5A0F1C71CFFF4C19C418E1F6EC0179"
        "81BC087F2A7065B384B890D3191F2BFA",
        "801C0D34C58D93FE997177101F80535A4738CEBCBF389A99B36371EB",
    ),
    2: _rfc5114(
        "modp2048-256",
        "87A8E61DB4B6663CFFBBD19C651959998CEEF608660DD0F25D2CEED4435E3B00E00DF8F1D61957D4"
        "FAF7DF4561B2AA3016C3D91134096FAA3BF4296D830E9A7C209E0C6497517ABD5A8A9D306BCF67ED"
        "91F9E6725B4758C022E0B1EF4275BF7B6C5BFC11D45F9088B941F54EB1E59BB8BC39A0BF12307F5C"
        "4FDB70C581B23F76B63ACAE1CAA6B7902D52526735488A0EF13C6D9A51BFA4AB3AD8347796524D8E"
        "F6A167B5A41825D967E144E5140564251CCACB83E6B486F6B3CA3F7971506026C0B857F689962856"
        "DED4010ABD0BE621C3A3960A54E710C375F26375D7014103A4B54330C198AF126116D2276E11715F"
        "693877FAD7EF09CADB094AE91E1A1597",
        "3FB32C9B73134D0B2E77506660EDBD484CA7B18F21EF205407F4793A1A0BA12510DBC15077BE463F"
        "FF4FED4AAC0BB555BE3A6C1B0C6B47B1BC3773BF7E8C6F62901228F8C28CBB18A55AE31341000A65"
        "0196F931C77A57F2DDF463E5E9EC144B777DE62AAAB8A8628AC376D282D6ED3864E67982428EBC83"
        "1D14348F6F2F9193B5045AF2767164E1DFC967C1FB3F2E55A4BD1BFFE83B9C80D052B985D182EA0A"
        "DB2A3B7313D3FE14C8484B1E052588B9B7D2BBD2DF016199ECD06E1557CD0915B3353BBB64E0EC37"
        "7FD028370DF92B52C7891428CDC67EB6184B523D1DB246C32F63078490F00EF8D647D148D4795451"
        "5E2327CFEF98C582664B4C0F6CC41659",
        "8CF83642A709A097B447997640129DA299B1A47D1EB3750BA308B0FE64F5FBD3",
    ),
}

# ICAO 9303-11 §9.5.1: the numbers of the curves, in the table's order.
_EC_NAMES = (
    "secp192r1",
    "brainpoolP192r1",
    "secp224r1",
    "brainpoolP224r1",
    "secp256r1",
    "brainpoolP256r1",
    "brainpoolP320r1",
    "secp384r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "secp521r1",
)
_CURVES_BY_NAME = {curve.name: curve for curve in curves.CURVES}
_STANDARDISED: dict[int, AnyGroup] = {
    **_DH_GROUPS,
    **{number: EcGroup.of(_CURVES_BY_NAME[name]) for number, name in enumerate(_EC_NAMES, 8)},
}
