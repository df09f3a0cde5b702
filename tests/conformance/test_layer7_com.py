"""Layer 7 of the plan, unit LDS_A: EF.COM.

Nobody signs EF.COM, so by default it is not even read: EF.SOD says what exists.  A strict
inspection refuses one that is missing, is damaged, or says anything else than EF.SOD.
"""

import pytest
from drafts import ObjectDraft, SodDraft, der, pen
from expectations import accepted
from inspection import Inspect
from strictness import irregular, strictly, with_file, with_length, with_tag
from workshop import BAC, Workshop

from card_reader.lds import com
from card_reader.simulator.profile import EF_COM, EF_SOD, CardProfile, data_group_id

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer7")]

GROUPS = b"\x61\x75"


def com_file(lds: bytes = b"0107", unicode: bytes = b"040000", groups: bytes = GROUPS) -> bytes:
    """EF.COM; an empty part is left out."""
    parts = ((0x5F01, lds), (0x5F36, unicode), (0x5C, groups))
    return der(0x60, *(der(tag, value) for tag, value in parts if value))


RIGHT = com_file()
WRONG = {
    "LDS_A_01": with_tag(RIGHT, 0x61),
    "LDS_A_02": with_length(RIGHT, -1),
    "LDS_A_03": with_length(RIGHT, 1),
    "LDS_A_04": com_file(lds=b"0300"),
    "LDS_A_05": com_file(lds=b""),
    "LDS_A_06": com_file(unicode=b"050000"),
    "LDS_A_07": com_file(unicode=b""),
    "LDS_A_08": com_file(groups=b"\x75"),
    "LDS_A_09": com_file(groups=b""),
}


def test_a_right_file_is_accepted(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    assert card.files[EF_COM] == RIGHT
    outcome = strictly(inspect, card)
    accepted(outcome)
    assert com.parse(outcome.files["EF.COM"]) == com.Com((1, 2), "0107", "040000")


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_wrong_com(wrong: bytes, workshop: Workshop, inspect: Inspect) -> None:
    irregular(inspect, with_file(workshop.issue(BAC), EF_COM, wrong))


def test_lds_a_10(workshop: Workshop, inspect: Inspect) -> None:
    """EF.COM and the signed EF.SOD both say 1.8; one that says 1.7 differs from the other."""
    newer = with_newer_object(workshop, workshop.issue(BAC))
    accepted(strictly(inspect, with_file(newer, EF_COM, com_file(lds=b"0108"))))
    irregular(inspect, newer)


def with_newer_object(workshop: Workshop, card: CardProfile) -> CardProfile:
    """The card under an LDS security object of version 1, LDS 1.8."""
    signer = workshop.issuer.signer
    groups = {number: card.files[data_group_id(number)] for number in (1, 2)}
    content = ObjectDraft.of(groups).stating(1, "0108")
    own = pen(signer.key)
    return with_file(card, EF_SOD, SodDraft.of(content, signer.der, own).file(own))
