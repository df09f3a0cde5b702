"""Layer 7 of the plan, unit LDS_C: EF.DG2.

A portrait that can be had is handed out though its descriptions are wrong, which nobody relies
upon; a strict inspection refuses them.
"""

import pytest
from expectations import accepted, ended, refused
from faces import FORMAT, HEADER, JPEG2000, OWNER, POINT, SIZE, TYPE, Face, picture
from inspection import Inspect, Outcome
from strictness import irregular, stating_too_little, strictly, with_length
from workshop import BAC, Workshop

from card_reader.lds import dg2

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer7")]

NOT_AN_ANGLE = b"\xb6"  # 182; the standard's codes end with 181


def header(tag: int, value: bytes | None) -> Face:
    """The template's header with another value, or without the object."""
    rows = {**HEADER, tag: value}
    return Face(header={key: item for key, item in rows.items() if item is not None})


def at(position: int) -> bytes:
    """Three angles, of which one is none."""
    return NOT_AN_ANGLE.rjust(position + 1, b"\0").ljust(3, b"\0")


GOOD = {
    "LDS_C_01": Face(data_type=JPEG2000),
    "LDS_C_02": Face(),
    "LDS_C_03": Face(data_type=JPEG2000, points=POINT * 3),
    # In three bytes, as the first edition of the header's standard had it.
    "LDS_C_12": header(TYPE, b"\x00\x00\x02"),
}
UNREADABLE = {
    "LDS_C_04": Face(tag=0x76),
    "LDS_C_07": Face(instances=b""),
    "LDS_C_14": Face(record_format=b"FAX\x00"),
    "LDS_C_15": Face(record_version=b"000\x00"),
    "LDS_C_28": Face(block=False),
}
IRREGULAR = {
    "LDS_C_08": header(OWNER, b"\x01\xff"),
    "LDS_C_09": header(OWNER, None),
    "LDS_C_10": header(FORMAT, b"\x00\x09"),
    "LDS_C_11": header(FORMAT, None),
    "LDS_C_13": header(TYPE, b"\x08"),
    "LDS_C_17": Face(gender=3),
    "LDS_C_18": Face(eyes=0x20),
    "LDS_C_19": Face(hair=0x20),
    "LDS_C_20": Face(angles=at(0)),
    "LDS_C_21": Face(angles=at(1)),
    "LDS_C_22": Face(angles=at(2)),
    "LDS_C_23": Face(uncertainties=at(0)),
    "LDS_C_24": Face(uncertainties=at(1)),
    "LDS_C_25": Face(uncertainties=at(2)),
    "LDS_C_26": Face(image_type=0x09),
    "LDS_C_27": Face(stated_data_type=JPEG2000),
}


def inspected(content: bytes, workshop: Workshop, inspect: Inspect) -> Outcome:
    return strictly(inspect, workshop.with_groups(workshop.issue(BAC), {2: content}))


@pytest.mark.parametrize("face", GOOD.values(), ids=list(GOOD))
def test_good_portrait(face: Face, workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspected(face.file(), workshop, inspect)
    accepted(outcome)
    (portrait,) = dg2.parse(outcome.files["EF.DG2"])
    assert portrait.data == picture(face.data_type)
    assert portrait.mime == ("image/jp2" if face.data_type == JPEG2000 else "image/jpeg")
    assert (portrait.width, portrait.height) == SIZE


@pytest.mark.parametrize("face", UNREADABLE.values(), ids=list(UNREADABLE))
def test_no_portrait(face: Face, workshop: Workshop, inspect: Inspect) -> None:
    refused(inspected(face.file(), workshop, inspect), "data_group_malformed")


@pytest.mark.parametrize("face", IRREGULAR.values(), ids=list(IRREGULAR))
def test_irregular_portrait(face: Face, workshop: Workshop, inspect: Inspect) -> None:
    irregular(inspect, workshop.with_groups(workshop.issue(BAC), {2: face.file()}))


def test_lds_c_05(workshop: Workshop, inspect: Inspect) -> None:
    stored, as_read = stating_too_little(workshop, workshop.issue(BAC), 2, Face().file())
    refused(strictly(inspect, stored), "data_group_mismatch")
    refused(strictly(inspect, as_read), "data_group_malformed")


def test_lds_c_06(workshop: Workshop, inspect: Inspect) -> None:
    outcome = inspected(with_length(Face().file(), 1), workshop, inspect)
    ended(outcome, "chip_answered_wrongly", "EF.DG2: the chip answered 6B00")


def test_lds_c_16(workshop: Workshop, inspect: Inspect) -> None:
    """The length leaves out the points that are there, or the points that it counts are not."""
    uncounted = Face(points=POINT * 2, missing_length=2 * len(POINT))
    irregular(inspect, workshop.with_groups(workshop.issue(BAC), {2: uncounted.file()}))
    absent = Face(stated_points=2)
    refused(inspected(absent.file(), workshop, inspect), "data_group_malformed")
