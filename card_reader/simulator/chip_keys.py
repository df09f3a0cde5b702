"""A chip's own keys, and the SecurityInfos that announce them (ICAO 9303-11 §9.2).

EF.DG14 holds all of them, EF.CardAccess the ones for PACE, EF.CardSecurity those and the key of
PACE with chip authentication mapping.
"""

from dataclasses import dataclass, field
from typing import Any

from card_reader.domain_parameters import (
    AnyGroup,
    public_key_info,
    standardised,
    standardised_key_info,
)
from card_reader.errors import UnreadableInputError
from card_reader.lds.security_infos import (
    ID_CA_DH,
    ID_CA_ECDH,
    ID_PACE,
    ID_PK_DH,
    ID_PK_ECDH,
    PACE_VERSION,
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    SecurityInfo,
)
from card_reader.simulator.certificates import Random
from card_reader.simulator.profile import ChipKey, PaceOffer
from card_reader.simulator.recipe import (
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    PaceRecipe,
    ParameterEncoding,
    Recipe,
)

# The last number of a protocol's identifier names the cipher (ICAO 9303-11 §9.2.1, §9.2.5).
_CIPHERS = {1: "3DES-CBC-CBC", 2: "AES-CBC-CMAC-128", 3: "AES-CBC-CMAC-192", 4: "AES-CBC-CMAC-256"}
_PACE_FAMILIES = {1: "DH-GM", 2: "ECDH-GM", 3: "DH-IM", 4: "ECDH-IM", 6: "ECDH-CAM"}
PACE_PROTOCOLS = {
    f"PACE-{family}-{cipher}": f"{ID_PACE}.{number}.{last}"
    for number, family in _PACE_FAMILIES.items()
    for last, cipher in _CIPHERS.items()
    if (number, last) != (6, 1)  # the mapping by chip authentication has AES alone
}
CHIP_AUTHENTICATION_PROTOCOLS = {
    f"CA-{agreement}-{cipher}": f"{base}.{last}"
    for agreement, base in (("DH", ID_CA_DH), ("ECDH", ID_CA_ECDH))
    for last, cipher in _CIPHERS.items()
}
_LAST_DH_PARAMETER_ID = 2
_PLAIN_ECDSA = "0.4.0.127.0.7.1.1.4.1"  # BSI TR-03111 §5.2.1
_HASH_NUMBERS = {"sha1": 1, "sha224": 2, "sha256": 3, "sha384": 4, "sha512": 5}


@dataclass(frozen=True, slots=True)
class ChipEquipment:
    """Private keys for the profile, SecurityInfos for the files."""

    keys: tuple[ChipKey, ...] = field(repr=False)
    offers: tuple[PaceOffer, ...]
    card_access: tuple[SecurityInfo, ...]
    card_security: tuple[SecurityInfo, ...]
    chip_authentication: tuple[SecurityInfo, ...]


def equip(recipe: Recipe, rng: Random) -> ChipEquipment:
    """New keys for all that the recipe names."""
    offers = tuple(_offer(item) for item in recipe.access.pace)
    pace = tuple(
        PaceInfo(offer.oid, PACE_VERSION, offer.parameter_id).security_info() for offer in offers
    )
    keys: list[ChipKey] = []
    infos: list[SecurityInfo] = []
    for choice in recipe.chip_authentication:
        made, announced = _chip_authentication(choice, rng)
        keys += made
        infos += announced
    signed: tuple[SecurityInfo, ...] = ()
    if recipe.chip_mapping is not None:
        key, info = _mapping_key(recipe.chip_mapping, rng)
        keys.append(key)
        signed = (*pace, info)
    return ChipEquipment(tuple(keys), offers, pace, signed, tuple(infos))


def active_authentication_info(recipe: ActiveAuthenticationRecipe) -> SecurityInfo | None:
    """What EF.DG14 says of an ECDSA key; RSA signatures name their hash themselves (§6.1.2)."""
    if recipe.key.curve is None:
        return None
    oid = f"{_PLAIN_ECDSA}.{_HASH_NUMBERS[recipe.hash]}"
    return ActiveAuthenticationInfo(oid).security_info()


def _offer(recipe: PaceRecipe) -> PaceOffer:
    oid = _named(PACE_PROTOCOLS, recipe.protocol)
    _group(recipe.parameter_id, recipe.protocol)
    return PaceOffer(oid, recipe.parameter_id)


def _chip_authentication(
    recipe: ChipAuthenticationRecipe, rng: Random
) -> tuple[list[ChipKey], list[SecurityInfo]]:
    protocols = [_named(CHIP_AUTHENTICATION_PROTOCOLS, name) for name in recipe.protocols]
    group = _group(recipe.parameter_id, *recipe.protocols)
    private_key = group.draw_scalar(rng)
    keys = [ChipKey(oid, private_key, recipe.key_id, recipe.parameter_id) for oid in protocols]
    spki = _public_key(group, private_key, recipe.parameter_id, recipe.encoding)
    oid = ID_PK_DH if recipe.parameter_id <= _LAST_DH_PARAMETER_ID else ID_PK_ECDH
    infos = [ChipAuthenticationPublicKeyInfo(oid, spki, recipe.key_id).security_info()]
    if recipe.announced:
        infos += [
            ChipAuthenticationInfo(protocol, key_id=recipe.key_id).security_info()
            for protocol in protocols
        ]
    return keys, infos


def _mapping_key(parameter_id: int, rng: Random) -> tuple[ChipKey, SecurityInfo]:
    """The key of PACE-CAM, on the curve that PACE runs over (§4.4.3.3.3)."""
    if parameter_id <= _LAST_DH_PARAMETER_ID:
        raise UnreadableInputError("PACE with chip authentication mapping runs over a curve")
    group = _group(parameter_id)
    private_key = group.draw_scalar(rng)
    spki = _public_key(group, private_key, parameter_id, ParameterEncoding.NAMED)
    info = ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, spki, parameter_id).security_info()
    key = ChipKey(f"{ID_CA_ECDH}.2", private_key, parameter_id, parameter_id, mapping=True)
    return key, info


def _public_key(
    group: AnyGroup, private_key: int, parameter_id: int, encoding: ParameterEncoding
) -> bytes:
    element: Any = group.public(private_key)
    if encoding is ParameterEncoding.STANDARDISED:
        return standardised_key_info(parameter_id, element)
    return public_key_info(group, element, explicit=encoding is ParameterEncoding.EXPLICIT)


def _named(protocols: dict[str, str], name: str) -> str:
    if name not in protocols:
        raise UnreadableInputError(f"protocol {name!r} is none of {', '.join(protocols)}")
    return protocols[name]


def _group(parameter_id: int, *protocols: str) -> AnyGroup:
    """The standardised group, of the kind that each protocol runs over."""
    group = standardised(parameter_id)
    if group is None:
        raise UnreadableInputError(f"there are no domain parameters number {parameter_id}")
    prime_field = parameter_id <= _LAST_DH_PARAMETER_ID
    for name in protocols:
        if ("-DH-" in name) is not prime_field:
            raise UnreadableInputError(f"{name} does not run over {group.name}")
    return group
