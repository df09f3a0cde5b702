"""Layer 6 of the plan, unit ISO7816_G up to 28: PACE, and what may go wrong in its steps.

Cards that shall open refuse their application before PACE.  Cards that err have BAC beside PACE, so
that a reader which fell back to it would be found out.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from asn1crypto import core
from expectations import GENERAL_AUTHENTICATE, aborted, accepted, sent
from inspection import Inspect, Outcome
from mistakes import DYNAMIC, PACE_OBJECTS, data, pace_step, pace_tag, pace_value, status
from workshop import CAN, Workshop, pace, with_master_file

from card_reader import tlv
from card_reader.access.passwords import CanPassword
from card_reader.apdu import CommandApdu, ResponseApdu, StatusWord
from card_reader.domain_parameters import DhGroup, EcGroup, public_key_info, standardised
from card_reader.evidence import AccessPolicy, Downgrade
from card_reader.lds import card_access
from card_reader.lds.security_infos import (
    ID_PACE,
    PACE_VERSION,
    PaceDomainParameterInfo,
    PaceInfo,
    SecurityInfo,
    oid_value,
    pace_infos,
)
from card_reader.simulator.chip import Chip
from card_reader.simulator.chip_keys import PACE_PROTOCOLS
from card_reader.simulator.faults import Fault, FaultyChip
from card_reader.simulator.profile import EF_CARD_ACCESS, CardProfile
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.recipe import Recipe

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer6")]

SELECT, MSE = 0xA4, 0x22
BY_NAME = 0x04
P256, BP256, BP384, MODP_1024, MODP_2048 = 12, 13, 16, 0, 2
PRIME_FIELDS, CURVES = (0, 1, 2), tuple(range(8, 19))
NOT_FOR_INTEGRATED_MAPPING = 10

GENERIC = ("PACE-ECDH-GM-AES-CBC-CMAC-128", BP256)
GENERIC_DH = ("PACE-DH-GM-AES-CBC-CMAC-128", MODP_1024)
INTEGRATED = ("PACE-ECDH-IM-AES-CBC-CMAC-128", BP256)

# What is neither an answer to a wrong password nor a reason to try otherwise.
ERRORS = pytest.mark.parametrize(
    "sw", [0x6400, 0x6581, 0x6700, 0x6A86, 0x6D00], ids="{:04X}".format
)
ALL_STEPS_ERRORS = (0x6400, 0x6A80, 0x6A88, 0x6982, 0x6F00)


def chip(card: CardProfile) -> Chip:
    """A chip that shows its application behind PACE alone."""
    return Chip(replace(card, quirks=Quirks(application_needs_access=True)))


def erring(recipe: Recipe, workshop: Workshop, *faults: Fault) -> Chip:
    """A chip that errs in PACE and would open with BAC."""
    return FaultyChip(replace(workshop.issue(recipe), basic_access=True), *faults)


def opened(outcome: Outcome, card: CardProfile) -> None:
    """With PACE as the card offers it, before anything else was selected."""
    accepted(outcome, "pace")
    assert outcome.access is not None
    offers = {(offer.oid, offer.parameter_id) for offer in card.pace}
    assert (outcome.access.oid, outcome.access.parameter_id) in offers
    names = [command for command in sent(outcome, SELECT) if command[2] == BY_NAME]
    assert outcome.commands.index(sent(outcome, MSE)[0]) < outcome.commands.index(names[0])


def opens(workshop: Workshop, inspect: Inspect, *offers: tuple[str, int]) -> Outcome:
    card = workshop.issue(pace(*offers))
    outcome = inspect(chip(card))
    opened(outcome, card)
    return outcome


def test_iso7816_g_01(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(pace(GENERIC))
    for passwords, kind, reference in (((), "mrz", 1), ((CanPassword(CAN),), "can", 2)):
        outcome = inspect(chip(card), passwords=passwords)
        opened(outcome, card)
        assert outcome.access is not None and outcome.access.password == kind
        (template,) = sent(outcome, MSE)
        assert tlv.encode(0x80, oid_value(card.pace[0].oid)) in template
        assert tlv.encode(0x83, bytes([reference])) in template
        assert len(sent(outcome, GENERAL_AUTHENTICATE)) == 4


@pytest.mark.parametrize("parameters", [*PRIME_FIELDS, *CURVES])
def test_iso7816_g_02(parameters: int, workshop: Workshop, inspect: Inspect) -> None:
    agreement = "DH" if parameters in PRIME_FIELDS else "ECDH"
    opens(workshop, inspect, (f"PACE-{agreement}-GM-AES-CBC-CMAC-128", parameters))


@pytest.mark.parametrize(
    "parameters",
    [number for number in (*PRIME_FIELDS, *CURVES) if number != NOT_FOR_INTEGRATED_MAPPING],
)
def test_iso7816_g_03(parameters: int, workshop: Workshop, inspect: Inspect) -> None:
    agreement = "DH" if parameters in PRIME_FIELDS else "ECDH"
    opens(workshop, inspect, (f"PACE-{agreement}-IM-AES-CBC-CMAC-128", parameters))


@pytest.mark.parametrize("protocol", [name for name in PACE_PROTOCOLS if "-CAM-" not in name])
def test_iso7816_g_04(protocol: str, workshop: Workshop, inspect: Inspect) -> None:
    opens(workshop, inspect, (protocol, BP256 if "ECDH" in protocol else MODP_2048))


def test_iso7816_g_05(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(pace(GENERIC))
    offered = card_access.parse(card.master_files[EF_CARD_ACCESS])
    additional = (
        SecurityInfo("1.2.3.4", bytes(core.Null().dump())),
        SecurityInfo("2.23.136.1.1.99", bytes(core.OctetString(bytes(40)).dump())),
        SecurityInfo(f"{ID_PACE}.2", bytes(core.Integer(1).dump()), bytes(core.Integer(2).dump())),
    )
    infos = (*additional[:2], *offered)
    opened(inspect(chip(workshop.with_infos(card, infos, infos))), card)
    infos = (*offered, *additional)
    opened(inspect(chip(workshop.with_infos(card, infos, infos))), card)


def test_iso7816_g_06(workshop: Workshop, inspect: Inspect) -> None:
    """Several offers: the strongest is taken, and its parameters are named (object 84)."""
    outcome = opens(
        workshop,
        inspect,
        ("PACE-ECDH-GM-3DES-CBC-CBC", P256),
        ("PACE-DH-GM-AES-CBC-CMAC-256", MODP_2048),
        ("PACE-ECDH-GM-AES-CBC-CMAC-128", P256),
        ("PACE-ECDH-GM-AES-CBC-CMAC-256", BP384),
        ("PACE-ECDH-IM-AES-CBC-CMAC-256", P256),
    )
    assert outcome.access is not None
    assert outcome.access.oid == PACE_PROTOCOLS["PACE-ECDH-GM-AES-CBC-CMAC-256"]
    assert tlv.encode(0x84, bytes([BP384])) in sent(outcome, MSE)[0]


def test_iso7816_g_07(workshop: Workshop, inspect: Inspect) -> None:
    """Parameters of the chip's own are no standardised ones and are left alone."""
    card = workshop.issue(pace(GENERIC))
    group = standardised(BP256)
    assert isinstance(group, EcGroup)
    own = EcGroup.of(replace(group.curve, b=group.curve.b - 1))
    algorithm = tlv.parse(public_key_info(own, group.generator, explicit=True)).children()[0]
    oid = PACE_PROTOCOLS["PACE-ECDH-GM-AES-CBC-CMAC-256"]
    infos = (
        *card_access.parse(card.master_files[EF_CARD_ACCESS]),
        PaceInfo(oid, PACE_VERSION, 32).security_info(),
        PaceDomainParameterInfo(f"{ID_PACE}.2", algorithm.raw, 32).security_info(),
    )
    outcome = inspect(chip(workshop.with_infos(card, infos, infos)))
    opened(outcome, card)
    assert tlv.encode(0x84, bytes([BP256])) in sent(outcome, MSE)[0]


@pytest.mark.parametrize(
    "sw", [0x6400, 0x6982, 0x6985, 0x6A80, 0x6A88, 0x6F00], ids="{:04X}".format
)
def test_iso7816_g_08(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspect(erring(pace(GENERIC), workshop, Fault(MSE, status(sw))))
    aborted(outcome, "chip_answered_wrongly", "step 0", f"{sw:04X}")
    assert not sent(outcome, GENERAL_AUTHENTICATE)


@pytest.mark.parametrize(
    "offer", [GENERIC, GENERIC_DH, INTEGRATED], ids=["ecdh-gm", "dh-gm", "ecdh-im"]
)
def test_iso7816_g_09(offer: tuple[str, int], workshop: Workshop, inspect: Inspect) -> None:
    """Another nonce is like another password; one of another length is none."""
    turned = pace_value(1, lambda nonce: nonce[:-1] + bytes([nonce[-1] ^ 1]))
    outcome = inspect(erring(pace(offer), workshop, turned))
    aborted(outcome, "access_denied", "6300")
    for change in (lambda nonce: nonce[:-1], lambda _: b"", lambda nonce: 5 * nonce):
        outcome = inspect(erring(pace(offer), workshop, pace_value(1, change)))
        aborted(outcome, "chip_answered_wrongly", "nonce")
        assert len(sent(outcome, GENERAL_AUTHENTICATE)) == 1


def refuses_step(step: int, sw: int, workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspect(erring(pace(GENERIC), workshop, pace_step(step, status(sw))))
    aborted(outcome, "chip_answered_wrongly", f"step {step}", f"{sw:04X}")
    assert len(sent(outcome, GENERAL_AUTHENTICATE)) == step


def misses_tag(step: int, instead: int, workshop: Workshop, inspect: Inspect) -> None:
    fault = pace_tag(step, PACE_OBJECTS[step], instead)
    outcome = inspect(erring(pace(GENERIC), workshop, fault))
    aborted(outcome, "chip_answered_wrongly", f"step {step}", f"object {PACE_OBJECTS[step]:02X}")
    assert len(sent(outcome, GENERAL_AUTHENTICATE)) == step


def is_no_template(step: int, offer: tuple[str, int], workshop: Workshop, inspect: Inspect) -> None:
    """The answer has no template around it, another one, or nothing in it."""
    tag = PACE_OBJECTS[step]
    for answer in (b"", tlv.encode(tag, bytes(16)), tlv.encode(0x7D, tlv.encode(tag, b"\1"))):
        changed = pace_step(step, data(lambda _, new=answer: new))
        outcome = inspect(erring(pace(offer), workshop, changed))
        aborted(outcome, "chip_answered_wrongly", f"step {step}")
        assert len(sent(outcome, GENERAL_AUTHENTICATE)) == step


@ERRORS
def test_iso7816_g_10(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    refuses_step(1, sw, workshop, inspect)


def test_iso7816_g_11(workshop: Workshop, inspect: Inspect) -> None:
    misses_tag(1, 0x90, workshop, inspect)


@ERRORS
def test_iso7816_g_12(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    refuses_step(2, sw, workshop, inspect)


def test_iso7816_g_13(workshop: Workshop, inspect: Inspect) -> None:
    misses_tag(2, 0x92, workshop, inspect)


def test_iso7816_g_14(workshop: Workshop, inspect: Inspect) -> None:
    is_no_template(2, GENERIC, workshop, inspect)


def test_iso7816_g_15(workshop: Workshop, inspect: Inspect) -> None:
    is_no_template(2, INTEGRATED, workshop, inspect)


Wrong = Callable[[bytes], bytes]
COORDINATE = 32  # bytes of a coordinate over brainpoolP256r1
WRONG_POINTS: dict[str, Wrong] = {
    "x": lambda point: (
        point[:COORDINATE] + bytes([point[COORDINATE] ^ 1]) + point[COORDINATE + 1 :]
    ),
    "y": lambda point: point[:-1] + bytes([point[-1] ^ 1]),
    "x too large": lambda point: point[:1] + b"\xff" * COORDINATE + point[1 + COORDINATE :],
    "y too large": lambda point: point[: 1 + COORDINATE] + b"\xff" * COORDINATE,
    "origin": lambda point: point[:1] + bytes(2 * COORDINATE),
    "infinity": lambda _: b"\0",
    "compressed": lambda point: b"\2" + point[1 : 1 + COORDINATE],
    "cut off": lambda point: point[:-1],
    "nothing": lambda _: b"",
}
points = pytest.mark.parametrize("wrong", WRONG_POINTS.values(), ids=list(WRONG_POINTS))


def dh_group() -> DhGroup:
    group = standardised(MODP_1024)
    assert isinstance(group, DhGroup)
    return group


def _number(number: int) -> Wrong:
    return lambda _: number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")


WRONG_NUMBERS: dict[str, Wrong] = {
    "0": _number(0),
    "1": _number(1),
    "p - 1": _number(dh_group().p - 1),
    "p": _number(dh_group().p),
    "p + 2": _number(dh_group().p + 2),
    "outside the subgroup": lambda key: key[:-1] + bytes([key[-1] ^ 1]),
    "nothing": lambda _: b"",
}
numbers = pytest.mark.parametrize("wrong", WRONG_NUMBERS.values(), ids=list(WRONG_NUMBERS))


DAMAGED_FILES: dict[str, Wrong] = {
    "outer tag": lambda file: b"\x30" + file[1:],
    "outer length too large": lambda file: file[:1] + bytes([file[1] + 5]) + file[2:],
    "outer length too small": lambda file: file[:1] + bytes([file[1] - 1]) + file[2:],
    "inner tag": lambda file: file[:2] + b"\x31" + file[3:],
    "inner length too large": lambda file: file[:3] + bytes([file[3] + 1]) + file[4:],
    "inner length too small": lambda file: file[:3] + bytes([file[3] - 1]) + file[4:],
    "cut off": lambda file: file[:-3],
}


def sends_wrong_key(
    step: int, offer: tuple[str, int], wrong: Wrong, workshop: Workshop, inspect: Inspect
) -> None:
    outcome = inspect(erring(pace(offer), workshop, pace_value(step, wrong)))
    aborted(outcome, "chip_answered_wrongly", "public key")
    assert len(sent(outcome, GENERAL_AUTHENTICATE)) == step


@points
def test_iso7816_g_16(wrong: Wrong, workshop: Workshop, inspect: Inspect) -> None:
    sends_wrong_key(2, GENERIC, wrong, workshop, inspect)


@numbers
def test_iso7816_g_17(wrong: Wrong, workshop: Workshop, inspect: Inspect) -> None:
    sends_wrong_key(2, GENERIC_DH, wrong, workshop, inspect)


@ERRORS
def test_iso7816_g_18(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    refuses_step(3, sw, workshop, inspect)


def test_iso7816_g_19(workshop: Workshop, inspect: Inspect) -> None:
    misses_tag(3, 0x94, workshop, inspect)


def test_iso7816_g_20(workshop: Workshop, inspect: Inspect) -> None:
    is_no_template(3, GENERIC, workshop, inspect)


@points
def test_iso7816_g_21(wrong: Wrong, workshop: Workshop, inspect: Inspect) -> None:
    sends_wrong_key(3, GENERIC, wrong, workshop, inspect)


@numbers
def test_iso7816_g_22(wrong: Wrong, workshop: Workshop, inspect: Inspect) -> None:
    sends_wrong_key(3, GENERIC_DH, wrong, workshop, inspect)


def test_iso7816_g_23(workshop: Workshop, inspect: Inspect) -> None:
    """The chip says that the terminal's ephemeral public key is its own."""

    def mirror(command: CommandApdu, _: ResponseApdu) -> ResponseApdu:
        (key,) = tlv.parse(command.data).children()
        echo = tlv.encode(PACE_OBJECTS[3], key.value)
        return ResponseApdu(tlv.encode(DYNAMIC, echo), StatusWord.OK)

    for offer in (GENERIC, GENERIC_DH, INTEGRATED):
        outcome = inspect(erring(pace(offer), workshop, pace_step(3, mirror)))
        aborted(outcome, "chip_answered_wrongly", "our own public key")
        assert len(sent(outcome, GENERAL_AUTHENTICATE)) == 3


@ERRORS
def test_iso7816_g_24(sw: int, workshop: Workshop, inspect: Inspect) -> None:
    refuses_step(4, sw, workshop, inspect)


def test_iso7816_g_25(workshop: Workshop, inspect: Inspect) -> None:
    misses_tag(4, 0x96, workshop, inspect)


def test_iso7816_g_26(workshop: Workshop, inspect: Inspect) -> None:
    is_no_template(4, GENERIC, workshop, inspect)
    wrong_tokens: tuple[Wrong, ...] = (
        lambda token: token[:-1] + bytes([token[-1] ^ 1]),
        lambda token: token[:-1],
        lambda token: token + b"\0",
        lambda _: bytes(8),
    )
    for wrong in wrong_tokens:
        outcome = inspect(erring(pace(GENERIC), workshop, pace_value(4, wrong)))
        aborted(outcome, "chip_answered_wrongly", "token of PACE is wrong")


@pytest.mark.parametrize("damaged", DAMAGED_FILES.values(), ids=list(DAMAGED_FILES))
def test_iso7816_g_27(damaged: Wrong, workshop: Workshop, inspect: Inspect) -> None:
    card = replace(workshop.issue(pace(GENERIC)), basic_access=True)
    content = damaged(card.master_files[EF_CARD_ACCESS])
    outcome = inspect(Chip(with_master_file(card, EF_CARD_ACCESS, content)))
    aborted(outcome, "malformed_file")
    assert not sent(outcome, MSE)


@pytest.mark.parametrize("parameters", [0, 2, 3, 7, 19, 31, 255])
def test_iso7816_g_28(parameters: int, workshop: Workshop, inspect: Inspect) -> None:
    """A number that is reserved, or that of a prime field, for PACE over curves."""
    card = workshop.issue(pace(GENERIC))
    (info,) = pace_infos(card_access.parse(card.master_files[EF_CARD_ACCESS]))
    wrong = [replace(info, parameter_id=parameters).security_info()]
    changed = workshop.with_infos(card, wrong, wrong)
    outcome = inspect(chip(changed), access_policy=AccessPolicy.PACE_ONLY)
    aborted(outcome, "unsupported_algorithm")
    assert not sent(outcome, MSE)
    # Where BAC is allowed beside a PACE that is unknown, the evidence says why it was used.
    other = inspect(Chip(replace(changed, basic_access=True)))
    assert not sent(other, MSE)
    assert other.access is not None and other.access.downgrade is Downgrade.PACE_UNSUPPORTED
    assert other.findings == {"pace_not_used"}
