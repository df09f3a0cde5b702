"""Layer 7 of the plan, unit LDS_B: EF.DG1."""

from dataclasses import replace
from datetime import date

import pytest
from drafts import der
from expectations import accepted, ended, refused
from inspection import Inspect, Outcome
from strictness import stating_too_little, strictly, with_length, with_tag
from workshop import BAC, HOLDER, Workshop
from zones import Zone

from card_reader.comparison import ComparedField, RosterEntry, Sameness, compare
from card_reader.lds import dg1
from card_reader.lds.mrz import Mrz

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer7")]

RIGHT = Zone()
BIRTH = date(2006, 5, 17)

# Whatever a field holds, its check digit and the composite one are right but where they are meant.
WRONG_ZONES = {
    "LDS_B_09": Zone(state="V1M"),
    "LDS_B_10": Zone(names=""),
    "LDS_B_13": Zone(wrong_digit="number"),
    "LDS_B_14": Zone(nationality="V8M"),
    "LDS_B_15": Zone(birth="06O517"),
    "LDS_B_16": Zone(birth="061317"),
    "LDS_B_17": Zone(wrong_digit="birth"),
    "LDS_B_18": Zone(sex="Z"),
    "LDS_B_19": Zone(expiry="35AA15"),
    "LDS_B_20": Zone(expiry="350230"),
    "LDS_B_21": Zone(wrong_digit="expiry"),
    "LDS_B_22": Zone(optional="001206012345", wrong_digit="optional"),
    "LDS_B_23": Zone(wrong_digit="composite"),
}
PARTLY_UNKNOWN = {
    "LDS_B_25": ("0605<<", "2006-05-XX"),
    "LDS_B_26": ("06<<17", "2006-XX-17"),
    "LDS_B_27": ("<<0517", "XXXX-05-17"),
    "LDS_B_28": ("<<<<<<", "XXXX-XX-XX"),
}


def inspected(zone: Zone | bytes, workshop: Workshop, inspect: Inspect) -> Outcome:
    content = zone if isinstance(zone, bytes) else zone.file()
    return strictly(inspect, workshop.with_groups(workshop.issue(BAC), {1: content}))


def read(zone: Zone, workshop: Workshop, inspect: Inspect) -> Mrz:
    """What an inspection that accepts the card reads in the zone."""
    outcome = inspected(zone, workshop, inspect)
    accepted(outcome)
    return dg1.parse(outcome.files["EF.DG1"])


def test_a_right_zone_is_read(workshop: Workshop, inspect: Inspect) -> None:
    zone = read(RIGHT, workshop, inspect)
    assert (zone.document_number, zone.date_of_birth, zone.sex) == ("C6012345", BIRTH, "M")


def test_lds_b_01(workshop: Workshop, inspect: Inspect) -> None:
    zone = read(Zone(optional="001206012345"), workshop, inspect)
    assert zone.personal_number == "001206012345"


def test_lds_b_02(workshop: Workshop, inspect: Inspect) -> None:
    zone = read(Zone(names="NGUYEN<<VAN<A"), workshop, inspect)
    assert (zone.primary_identifier, zone.secondary_identifier) == ("NGUYEN", "VAN A")


def test_lds_b_03(workshop: Workshop, inspect: Inspect) -> None:
    zone = read(Zone(names="NGUYENVANAN"), workshop, inspect)
    assert (zone.primary_identifier, zone.secondary_identifier) == ("NGUYENVANAN", "")


def test_lds_b_04(workshop: Workshop, inspect: Inspect) -> None:
    assert read(Zone(empty_digit="0"), workshop, inspect).personal_number == ""


def test_lds_b_05(workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspected(with_tag(RIGHT.file(), 0x62), workshop, inspect)
    refused(outcome, "data_group_malformed")


def test_lds_b_06(workshop: Workshop, inspect: Inspect) -> None:
    stored, as_read = stating_too_little(workshop, workshop.issue(BAC), 1, RIGHT.file())
    refused(strictly(inspect, stored), "data_group_mismatch")
    refused(strictly(inspect, as_read), "data_group_malformed")


def test_lds_b_07(workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspected(with_length(RIGHT.file(), 1), workshop, inspect)
    ended(outcome, "chip_answered_wrongly", "EF.DG1: the chip answered 6B00")


@pytest.mark.parametrize(
    ("code", "finding"), [("XX", "document_code_not_accepted"), ("9P", "data_group_malformed")]
)
def test_lds_b_08(code: str, finding: str, workshop: Workshop, inspect: Inspect) -> None:
    """Kinds are accepted by name; one that begins with no letter is none at all."""
    refused(inspected(Zone(code=code), workshop, inspect), finding)


@pytest.mark.parametrize("zone", WRONG_ZONES.values(), ids=list(WRONG_ZONES))
def test_wrong_zone(zone: Zone, workshop: Workshop, inspect: Inspect) -> None:
    refused(inspected(zone, workshop, inspect), "data_group_malformed")


def test_lds_b_11(workshop: Workshop, inspect: Inspect) -> None:
    """The chip is authentic; what the page (or the roster) says is compared with it."""
    found = compare(
        read(Zone(names="TRAN<<VAN<BINH"), workshop, inspect),
        roster=RosterEntry(HOLDER.name, BIRTH, RIGHT.number),
    )
    assert found.fields[ComparedField.NAME].sameness is Sameness.DIFFERS
    assert found.fields[ComparedField.NUMBER].sameness is Sameness.SAME


def test_lds_b_12(workshop: Workshop, inspect: Inspect) -> None:
    found = compare(
        read(Zone(number="C6099999"), workshop, inspect),
        roster=RosterEntry(HOLDER.name, BIRTH, RIGHT.number),
    )
    assert found.fields[ComparedField.NUMBER].sameness is Sameness.DIFFERS
    assert found.fields[ComparedField.NAME].sameness is Sameness.SAME


def test_lds_b_24(workshop: Workshop, inspect: Inspect) -> None:
    other_object = der(0x61, der(0x5F1E, RIGHT.text().encode("ascii")))
    for content in (der(0x61), other_object):
        refused(inspected(content, workshop, inspect), "data_group_malformed")


@pytest.mark.parametrize(("birth", "known"), PARTLY_UNKNOWN.values(), ids=list(PARTLY_UNKNOWN))
def test_birth_known_in_part(birth: str, known: str, workshop: Workshop, inspect: Inspect) -> None:
    """The unknown stays unknown, and the fillers open the chip as they are printed."""
    card = workshop.with_groups(workshop.issue(BAC), {1: Zone(birth=birth).file()})
    printed = replace(card.access, date_of_birth=birth)
    outcome = strictly(inspect, replace(card, access=printed))
    accepted(outcome)
    assert dg1.parse(outcome.files["EF.DG1"]).date_of_birth.isoformat() == known
