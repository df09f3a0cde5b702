"""Layer 6 of the plan, unit ISO7816_D: chip authentication."""

from dataclasses import replace

import pytest
from asn1crypto import core
from expectations import accepted, refused, sent
from inspection import Inspect, Outcome
from mistakes import status
from workshop import Workshop, eac, infos_of

from card_reader import tlv
from card_reader.domain_parameters import DhGroup, EcGroup, group_of_key, public_key_info
from card_reader.lds.security_infos import (
    ID_PK_DH,
    ID_PK_ECDH,
    ChipAuthenticationPublicKeyInfo,
    SecurityInfo,
    chip_keys,
)
from card_reader.simulator import defects
from card_reader.simulator.chip import Chip
from card_reader.simulator.faults import Fault, FaultyChip, FaultySessionChip, SessionFault
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.recipe import ChipAuthenticationRecipe, ParameterEncoding

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer6")]

MSE, GENERAL_AUTHENTICATE = 0x22, 0x86
P256, BP256, MODP_1024, MODP_2048 = 12, 13, 0, 2
CIPHERS = ("3DES-CBC-CBC", "AES-CBC-CMAC-128", "AES-CBC-CMAC-192", "AES-CBC-CMAC-256")
KEY_REFERENCE = b"\x84\x01"

ECDH = eac(ChipAuthenticationRecipe(("CA-ECDH-AES-CBC-CMAC-128",), BP256))
DH = eac(ChipAuthenticationRecipe(("CA-DH-AES-CBC-CMAC-128",), MODP_2048))


def proves(outcome: Outcome) -> None:
    accepted(outcome, chip_authentication="station_observed")
    assert outcome.chip_authentication is not None
    assert outcome.chip_authentication.response


def key_named(outcome: Outcome, number: int) -> bool:
    """Whether the commands name this key."""
    return any(KEY_REFERENCE + bytes([number]) in command for command in sent(outcome, MSE))


def named_keys(*numbers: int) -> tuple[ChipAuthenticationRecipe, ...]:
    """Keys with these references; each later one has the stronger cipher."""
    return tuple(
        ChipAuthenticationRecipe((f"CA-ECDH-{cipher}",), P256, number)
        for cipher, number in zip(CIPHERS[1:], numbers, strict=False)
    )


def with_chip_key(card: CardProfile, workshop: Workshop, spki: bytes) -> CardProfile:
    """The card whose signed EF.DG14 shows another public key."""
    return workshop.with_infos(card, [_shown(info, spki) for info in infos_of(card)])


def _shown(info: SecurityInfo, spki: bytes) -> SecurityInfo:
    return replace(info, required=spki) if info.oid in (ID_PK_DH, ID_PK_ECDH) else info


def spki_of(card: CardProfile) -> bytes:
    (key,) = chip_keys(infos_of(card))
    return key.spki


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("parameters", [0, 1, 2])
def test_iso7816_d_01(parameters: int, cipher: str, workshop: Workshop, inspect: Inspect) -> None:
    recipe = eac(ChipAuthenticationRecipe((f"CA-DH-{cipher}",), parameters))
    proves(inspect(Chip(workshop.issue(recipe))))


@pytest.mark.parametrize("parameters", range(8, 19))
def test_iso7816_d_02(parameters: int, workshop: Workshop, inspect: Inspect) -> None:
    """Every curve, with each cipher and each way of naming the curve in turn."""
    cipher = CIPHERS[parameters % len(CIPHERS)]
    encoding = list(ParameterEncoding)[parameters % len(ParameterEncoding)]
    key = ChipAuthenticationRecipe((f"CA-ECDH-{cipher}",), parameters, encoding=encoding)
    proves(inspect(Chip(workshop.issue(eac(key)))))


def test_iso7816_d_03(workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspect(Chip(workshop.issue(eac(*named_keys(1)))))
    proves(outcome)
    assert key_named(outcome, 1)


def test_iso7816_d_04(workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspect(Chip(workshop.issue(eac(*named_keys(1, 2)))))
    proves(outcome)
    assert key_named(outcome, 2)


def test_iso7816_d_05(workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspect(Chip(workshop.issue(eac(*named_keys(1, 2, 3)))))
    proves(outcome)
    assert key_named(outcome, 3)


def test_iso7816_d_06(workshop: Workshop, inspect: Inspect) -> None:
    """EF.DG14 names key 9, the chip has 1 and 2."""
    keys = [ChipAuthenticationRecipe(parameter_id=P256, key_id=number) for number in (1, 2)]
    card = workshop.issue(eac(*keys))
    first, ninth = (core.Integer(number).dump() for number in (1, 9))
    invalid = [replace(info, optional=ninth) for info in infos_of(card) if info.optional == first]
    outcome = inspect(Chip(workshop.with_infos(card, invalid)))
    refused(outcome, "chip_authentication_missing")
    assert key_named(outcome, 9)


def test_iso7816_d_07(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(DH)
    group, element = group_of_key(spki_of(card))
    assert isinstance(group, DhGroup)
    for number in (1, group.p - 1, group.p, element ^ 1):  # the last lies outside the subgroup
        corrupted = with_chip_key(card, workshop, public_key_info(group, number))
        refused(inspect(Chip(corrupted)), "chip_authentication_missing")
    refused(inspect(cloned(card, workshop)), "chip_authentication_failed")


def test_iso7816_d_08(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(ECDH)
    group, (x, y) = group_of_key(spki_of(card))
    for point in ((x, y ^ 1), (x ^ 1, y), (0, 0)):
        corrupted = with_chip_key(card, workshop, public_key_info(group, point))
        refused(inspect(Chip(corrupted)), "chip_authentication_missing")
    refused(inspect(cloned(card, workshop)), "chip_authentication_failed")


def cloned(card: CardProfile, workshop: Workshop) -> Chip:
    """A chip whose private key is not that of the public key it shows."""
    return Chip(defects.apply(card, Defect.CHIP_KEY_CLONED, issuer=workshop.issuer))


@pytest.mark.parametrize("recipe", [DH, ECDH], ids=["dh", "ecdh"])
def test_iso7816_d_09(recipe: object, workshop: Workshop, inspect: Inspect) -> None:
    chip = FaultySessionChip(workshop.issue(recipe), SessionFault.STALE_KEYS)
    outcome = inspect(chip)
    refused(outcome, "chip_authentication_failed")
    assert outcome.report["chip_authentication"] == "failed"


def test_iso7816_d_10(workshop: Workshop, inspect: Inspect) -> None:
    chip = Chip(workshop.issue(ECDH))
    records = [inspect(chip).chip_authentication for _ in range(3)]
    assert len({record.terminal_public_key for record in records if record}) == 3


def test_iso7816_d_11(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(DH)
    group, element = group_of_key(spki_of(card))
    assert isinstance(group, DhGroup) and group.q is not None
    for parameters in (
        replace(group, p=group.p - 1),
        replace(group, generator=1),
        replace(group, q=group.q - 2),
    ):
        invalid = with_chip_key(card, workshop, public_key_info(parameters, element))
        refused(inspect(Chip(invalid)), "chip_authentication_missing")


def test_iso7816_d_12(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(ECDH)
    group, element = group_of_key(spki_of(card))
    assert isinstance(group, EcGroup)
    curve = group.curve
    for parameters in (
        replace(curve, b=curve.b - 1),
        replace(curve, gx=curve.gy, gy=curve.gx),
        replace(curve, n=curve.n - 2),
    ):
        spki = public_key_info(EcGroup.of(parameters), element, explicit=True)
        refused(inspect(Chip(with_chip_key(card, workshop, spki))), "chip_authentication_missing")


@pytest.mark.parametrize("cipher", CIPHERS)
def test_iso7816_d_13(cipher: str, workshop: Workshop, inspect: Inspect) -> None:
    """The protocol is for key 1, the public key has reference 2: nothing is made of them."""
    card = workshop.issue(eac(ChipAuthenticationRecipe((f"CA-ECDH-{cipher}",), P256, 1)))
    (key,) = chip_keys(infos_of(card))
    others = [info for info in infos_of(card) if info.oid != ID_PK_ECDH]
    renamed = ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, key.spki, 2).security_info()
    outcome = inspect(Chip(workshop.with_infos(card, [*others, renamed])))
    refused(outcome, "chip_authentication_missing")
    assert not sent(outcome, MSE)


@pytest.mark.parametrize("cipher", CIPHERS[:2])
def test_iso7816_d_14(cipher: str, workshop: Workshop, inspect: Inspect) -> None:
    """A key longer than a short command: at once in extended length, in a chain without it."""
    key = ChipAuthenticationRecipe((f"CA-DH-{cipher}",), MODP_2048)
    card = workshop.issue(eac(key))
    extended = inspect(Chip(replace(card, quirks=Quirks(command_chaining=False))))
    proves(extended)
    (longest,) = [command for command in extended.commands if len(command) > 261]
    assert longest[4] == 0
    chained = inspect(Chip(replace(card, quirks=Quirks(extended_length=False))))
    proves(chained)
    assert not [command for command in chained.commands if len(command) > 261]


@pytest.mark.parametrize(
    "sw", [0x6300, 0x6400, 0x6982, 0x6984, 0x6985, 0x6A80, 0x6A86, 0x6A88], ids="{:04X}".format
)
def test_iso7816_d_15(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(eac(*named_keys(1)))
    outcome = inspect(FaultyChip(card, Fault(MSE, status(sw))))
    refused(outcome, "chip_authentication_missing")
    assert outcome.report["chip_authentication"] == "absent"
    assert tlv.encode(0x84, b"\x01") in sent(outcome, MSE)[0]
