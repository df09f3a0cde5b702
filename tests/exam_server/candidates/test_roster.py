"""Rosters as schools send them; every bad line named, and nothing half-loaded."""

import io
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from server_world import DEMO, World

from exam_server import loading
from exam_server.candidates.models import Candidate
from exam_server.candidates.roster import RosterLine, read_roster
from exam_server.candidates.service import load_roster
from exam_server.errors import InputError
from exam_server.forms.models import Realm
from exam_server.shifts.models import Placement, Shift
from tests.databases import row_of

HEADINGS = "Số báo danh,Họ và tên,Ngày sinh,Số căn cước,Môn,Phòng,Chỗ,Thời gian thêm (%)"
GOOD = "01,Nguyễn Văn An,14/03/2008,001208000101,Toán,P.101,01,25"
LINE = RosterLine(
    2, "01", "Nguyễn Văn An", date(2008, 3, 14), "001208000101", "Toán", "P.101", "01", 25
)


def csv(*lines: str, headings: str = HEADINGS) -> bytes:
    return "\n".join((headings, *lines)).encode()


def xlsx(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def faults(data: bytes) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        read_roster(data, "r.csv")
    return error.value.problems


def test_the_demo_roster() -> None:
    lines = read_roster((DEMO / "roster.xlsx").read_bytes(), "roster.xlsx")
    assert len(lines) == 12
    assert lines[0].name == "Nguyễn Hoàng Bách"
    assert lines[0].date_of_birth == date(2008, 3, 14)
    assert lines[3].extra_time_percent == 25
    assert {line.room for line in lines} == {"P.101", "P.102"}


@pytest.mark.parametrize(
    "data",
    [
        csv(GOOD),
        csv(GOOD).replace(b",", b";"),
        b"\xef\xbb\xbf" + csv(GOOD).replace(b",", b"\t"),
        csv(GOOD).decode().encode("utf-16"),
        csv(GOOD, headings="SBD,HỌ TÊN,ngày sinh,Số CCCD,Môn thi,Phòng thi,Số ghế,Cộng giờ"),
        csv(GOOD, headings="so bao danh,ho va ten,ngay sinh,cccd,mon,phong,cho,them gio"),
        csv(GOOD).replace(b"14/03/2008", b"2008-03-14").replace(b"\n", b"\r\n"),
    ],
)
def test_every_usual_spelling(data: bytes) -> None:
    assert read_roster(data, "r.csv") == [LINE]


def test_excel_spoils_numbers_and_is_understood() -> None:
    data = xlsx(
        ["DANH SÁCH THÍ SINH"],
        [],
        ["STT", *HEADINGS.split(",")],
        [1, "01", "Nguyễn  Văn An", datetime(2008, 3, 14), 1208000101.0, "Toán", "P.101", 1, 25],
        [None] * 9,
    )
    assert read_roster(data, "r.xlsx") == [replace(LINE, row=4)]


def test_every_fault_is_named_by_row_and_column() -> None:
    found = faults(
        csv(
            GOOD,
            "02,Trần 7,31/02/2008,12,Toán,P.101,02,x",
            ",Lê Văn Ba,01/01/2008,,Toán,P.101,03,",
            "01,Phạm Văn Tư,01/01/2008,,Toán,P.101,01,",
        )
    )
    assert [fault.split(":")[0] for fault in found] == [
        "r.csv, row 3, column Họ và tên",
        "r.csv, row 3, column Ngày sinh",
        "r.csv, row 3, column Số căn cước",
        "r.csv, row 3, column Thời gian thêm",
        "r.csv, row 4, column Số báo danh",
        "r.csv, row 5, column Số báo danh",
        "r.csv, row 5, column Chỗ",
    ]
    assert "write dd/mm/yyyy" in found[1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "column missing"),
        (csv(), "no candidates"),
        (csv(GOOD, headings=HEADINGS.replace("Ngày sinh", "Tuổi")), "column missing: Ngày sinh"),
        (b"PK\x03\x04 no zip", "no sound .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old .xls"),
        ("Số báo danh".encode("cp1258", "replace") + b"\xff\xfe", "not in UTF-8"),
        (b"a\0b", "neither"),
    ],
)
def test_an_unreadable_file_gives_one_line(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_roster(data, "r.csv")


@given(st.binary(max_size=200))
def test_hostile_bytes_give_our_error(data: bytes) -> None:
    with pytest.raises(InputError):
        read_roster(data, "r.csv")
    with pytest.raises(InputError):
        read_roster(b"PK\x03\x04" + data, "r.xlsx")


def test_nothing_is_half_loaded(world: World) -> None:
    lines = [
        RosterLine(2, "99", "Lê Văn Ba", date(2008, 1, 1), None, "Toán", "P.101", "01", 0),
        RosterLine(3, "98", "Lê Văn Tư", date(2008, 1, 1), None, "Sử", "P.101", "02", 0),
        RosterLine(4, "97", "Lê Văn Năm", date(2008, 1, 1), None, "Toán", "P.999", "02", 0),
        RosterLine(5, "01000001", "Ai Đó", date(2008, 1, 1), None, "Toán", "P.101", "09", 0),
    ]
    before = counts(world)
    with pytest.raises(InputError) as error, world.server.transaction() as session:
        shift = session.scalars(sa.select(Shift)).one()
        load_roster(session, lines, shift=shift, file="r.csv")
    assert [problem.split(":")[0] for problem in error.value.problems] == [
        f"r.csv, row {row}" for row in (2, 3, 4, 5)
    ]
    assert counts(world) == before == (12, 12)


def counts(world: World) -> tuple[int | None, ...]:
    with world.server.reading() as session:
        return tuple(
            session.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (Candidate, Placement)
        )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('realm = "test"', 'realm = "live"', "of realm live"),
        ('code = "DEMO-2026"', "", "exam.code"),
        ("rows = 2", "rows = 1", "has no seat '04'"),
        ('name = "Toán"', 'name = "Văn"', "there is no paper 'Toán'"),
        ("maths-2025.zip", "none.zip", "cannot be read"),
        ('"0102"', '"0101"', "each only once"),
        ("[exam]", "[exam", "no sound TOML"),
    ],
)
def test_a_faulty_exam_folder_is_refused_as_a_whole(
    world: World, tmp_path, old: str, new: str, said: str
) -> None:
    text = (DEMO / "exam.toml").read_text("utf-8").replace("../maths", str(DEMO.parent / "maths"))
    text = text.replace("DEMO-2026", "DEMO-2").replace('code = "01"', 'code = "02"')
    old = old.replace("DEMO-2026", "DEMO-2")
    assert old in text
    (tmp_path / "exam.toml").write_text(text.replace(old, new), "utf-8")
    (tmp_path / "roster.xlsx").write_bytes((DEMO / "roster.xlsx").read_bytes())
    before = counts(world)
    with pytest.raises(InputError) as error, world.server.transaction() as session:
        loading.load_exam(
            session, tmp_path, realm=Realm.TEST, keys=world.server.keys, now=world.clock.now
        )
    assert said in "\n".join((str(error.value), *error.value.problems))
    assert counts(world) == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "Nguyễn Văn Khác"}, "belongs to"),
        ({"citizen_number": "001208009999"}, "another citizen number"),
        ({"extra_time_percent": 50}, "extra time"),
    ],
)
def test_a_known_number_with_changed_fields_is_named(
    world: World, changed: dict[str, Any], said: str
) -> None:
    line = replace(read_roster((DEMO / "roster.xlsx").read_bytes(), "roster.xlsx")[0], **changed)
    with world.server.transaction() as session:
        shift = row_of(session, Shift, world.shift_id)
        session.execute(sa.delete(Placement))
        with pytest.raises(InputError) as error:
            load_roster(session, [line], shift=shift, file="r.xlsx")
        session.rollback()
    assert said in error.value.problems[0]
