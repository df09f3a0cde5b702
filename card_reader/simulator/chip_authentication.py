"""Chip authentication, version 1, the chip's part (ICAO 9303-11 §6.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from card_reader.apdu import StatusWord
from card_reader.domain_parameters import AnyGroup, group_of_key, standardised
from card_reader.errors import CardError, UnreadableInputError, UnsupportedAlgorithmError
from card_reader.lds import dg14
from card_reader.lds.security_infos import (
    ECDH_PARAMETER_IDS,
    Agreement,
    ChipAuthenticationInfo,
    chip_keys,
)
from card_reader.simulator.ciphers import CIPHERS, TRIPLE_DES, BlockCipher
from card_reader.simulator.pace import oid_bytes
from card_reader.simulator.profile import CardProfile, ChipKey, data_group_id
from card_reader.simulator.refusal import RefusalError
from card_reader.simulator.secure_messaging import CardSession


@dataclass(frozen=True, slots=True)
class AgreementKey:
    """One static key with one cipher, ready to compute."""

    oid: str
    key_id: int | None
    cipher: BlockCipher
    group: AnyGroup
    private_key: int

    def session(self, public_key: bytes) -> CardSession:
        """The session with the terminal of that ephemeral key (§6.2.1)."""
        try:
            secret = self.group.shared_secret(self.private_key, self.group.decode(public_key))
        except CardError:
            raise RefusalError(StatusWord.WRONG_DATA) from None
        return CardSession.agreed(self.cipher, secret)


def agreement_keys(profile: CardProfile) -> tuple[AgreementKey, ...]:
    """The keys of chip authentication; those of PACE-CAM alone are not among them."""
    return tuple(_agreement_key(profile, key) for key in profile.chip_keys if not key.mapping)


def choose(keys: Sequence[AgreementKey], oid: bytes | None, key_id: bytes | None) -> AgreementKey:
    """The key that MSE names; `oid` None is MSE:Set KAT, which knows 3DES alone (§6.2.4)."""
    suited = [
        key
        for key in keys
        if (key.cipher is TRIPLE_DES if oid is None else oid_bytes(key.oid) == oid)
    ]
    if not suited:
        raise RefusalError(StatusWord.WRONG_DATA)
    if key_id is not None:
        number = int.from_bytes(key_id, "big")
        suited = [key for key in suited if key.key_id == number]
    if len(suited) != 1:  # §6.2.4: the reference is required where the key is ambiguous
        raise RefusalError(StatusWord.REFERENCED_DATA_NOT_FOUND)
    return suited[0]


def _agreement_key(profile: CardProfile, key: ChipKey) -> AgreementKey:
    try:
        info = ChipAuthenticationInfo(key.oid, key_id=key.key_id)
    except UnsupportedAlgorithmError:
        info = None
    group = _group(profile, info, key.parameter_id) if info is not None else None
    if info is None or group is None or not 0 < key.private_key < group.order:
        raise UnreadableInputError(f"a card cannot run chip authentication {key.oid} with this key")
    return AgreementKey(key.oid, key.key_id, CIPHERS[info.cipher], group, key.private_key)


def _group(
    profile: CardProfile, info: ChipAuthenticationInfo, parameter_id: int | None
) -> AnyGroup | None:
    if parameter_id is None:
        return _group_in_dg14(profile, info)
    over_curve = parameter_id in ECDH_PARAMETER_IDS
    return standardised(parameter_id) if over_curve is (info.agreement is Agreement.ECDH) else None


def _group_in_dg14(profile: CardProfile, info: ChipAuthenticationInfo) -> AnyGroup | None:
    """The group of the public key that stands in EF.DG14 under the same key id."""
    file = profile.files.get(data_group_id(14))
    if file is None:
        return None
    for shown in chip_keys(dg14.parse(file)):
        if (shown.key_id, shown.agreement) == (info.key_id, info.agreement):
            return group_of_key(shown.spki)[0]
    return None
