"""Spreadsheets as writers keep them: fixtures/spreadsheets, and what Excel and WPS add to them."""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fixtures.spreadsheets import make_sheets
from fixtures.word.wordml import png
from question_bank.cli import main
from question_bank.errors import FileRefusedError, QuestionBankError
from question_bank.interchange.formats import read_any
from question_bank.interchange.problems import Imported, Problem, ProblemLog
from question_bank.interchange.spreadsheet.template import template, template_csv
from question_bank.item import GradedCluster, Item, NumericEntry, NumericKey
from question_bank.item_summary import item_summary
from question_bank.response import NumericResponse
from question_bank.scoring import score

SHEETS = Path(__file__).parents[3] / "fixtures" / "spreadsheets"
NAMES = ("de-kiem-tra.xlsx", "hoa.ods", "sinh-utf16.csv", "sinh-1258.csv")


def beside(name: str) -> bytes | None:
    return (SHEETS / name).read_bytes() if (SHEETS / name).is_file() else None


def read(name: str) -> Imported:
    return read_any((SHEETS / name).read_bytes(), name, beside)


def told(found: Imported) -> dict[str, object]:
    return {
        "items": [
            item_summary(item) | {"level": item.metadata.level, "topic": item.metadata.topic}
            for item in found.items
        ],
        "problems": [problem.to_plain() for problem in found.problems],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_spreadsheet_is_what_its_json_says(name: str) -> None:
    expected = json.loads((SHEETS / f"{name}.json").read_text("utf-8"))
    assert told(read(name)) == expected


def _parts(workbook: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_files_are_those_that_the_maker_writes() -> None:
    made, kept = (
        _parts(data) for data in (make_sheets.workbook(), (SHEETS / NAMES[0]).read_bytes())
    )
    assert made == kept
    assert (SHEETS / "hoa.ods").read_bytes() == make_sheets.open_document()


def by_id(name: str, wanted: str) -> Item:
    return next(item for item in read(name).items if item.id == wanted)


def test_looks_pictures_passages_and_points_are_kept() -> None:
    prefix = "de-kiem-tra-Khoi-12-"
    water = by_id(NAMES[0], f"{prefix}1")
    assert "H<sub>2</sub>O" in water.stem and water.metadata.subject == "Hóa học"
    cluster = by_id(NAMES[0], f"{prefix}2")
    assert isinstance(cluster.scoring, GradedCluster)
    assert cluster.scoring.table == tuple(map(Decimal, ("0", "0.2", "0.5", "1", "2")))
    pictured = by_id(NAMES[0], f"{prefix}4")
    assert len(pictured.media) == 3 and pictured.stem.count("<img") == 2
    first, second = (by_id(NAMES[0], f"{prefix}{n}").stimulus for n in (5, 6))
    assert first == second is not None
    gravity = by_id(NAMES[0], "de-kiem-tra-English-2")
    assert [score(gravity, NumericResponse(t)).raw for t in ("9,85", "9.76", "9.7")] == [
        Decimal("0.25"), Decimal("0.25"), 0,
    ]  # fmt: skip


def test_items_begin_in_their_rows() -> None:
    found = read(NAMES[0])
    assert found.lines["de-kiem-tra-Khoi-12-7"] == 11
    assert found.files["de-kiem-tra-English-1"] == "de-kiem-tra.xlsx/English"


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("make", [template, template_csv])
def test_the_template_is_read_without_a_problem(language: str, make: object) -> None:
    data = make(language)  # type: ignore[operator]
    found = read_any(data, "mau.xlsx" if make is template else "mau.csv", lambda _: None)
    assert not found.problems
    assert [item.kind for item in found.items] == [
        "single", "multiple", "tf_cluster", "numeric", "gap", "extended", "order", "match",
    ]  # fmt: skip
    assert found.items[0].metadata.level == "N" and found.items[0].explanation
    assert make(language) == data  # type: ignore[operator]


def table(*rows: str, name: str = "a.csv") -> Imported:
    return read_any("\n".join(rows).encode(), name, lambda _: None)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("B", ["B"]), ("b", ["B"]), ("2", ["B"]), ("hai", ["B"]), ("A, C", ["A", "C"]),
        ("AC", ["A", "C"]), ("1;3", ["A", "C"]), ("A và C", ["A", "C"]), ("Đáp án B", ["B"]),
        ("ba; một", ["A", "C"]),
    ],
)  # fmt: skip
def test_a_key_names_options_by_letter_place_or_text(key: str, expected: list[str]) -> None:
    (item,) = table("Câu hỏi,A,B,C,Đáp án", f'x,một,hai,ba,"{key}"').items
    assert item_summary(item)["key"] == expected


@pytest.mark.parametrize("key", ["ĐSĐ", "Đ,S,Đ", "Đúng; Sai; Đúng", "TFT", "101", "a, c", "1-0-1"])
def test_a_cluster_is_judged_in_many_spellings(key: str) -> None:
    (item,) = table("Loại,Câu hỏi,A,B,C,Đáp án", f'ĐS,x,một,hai,ba,"{key}"').items
    assert item_summary(item)["key"] == ["true", "false", "true"]


@pytest.mark.parametrize(
    ("key", "value", "tolerance"),
    [("1,5", "1.5", "0"), ("-2", "-2", "0"), ("9.8 ± 0.1", "9.8", "0.1"), ("3..4", "3.5", "0.5")],
)
def test_numbers_have_commas_ranges_and_tolerances(key: str, value: str, tolerance: str) -> None:
    (item,) = table("Question;Key", f"x;{key}").items
    assert item_summary(item)["key"] == value
    assert str(getattr(item.interaction, "tolerance", "")) == tolerance


@pytest.mark.parametrize(
    ("heading", "key", "value", "unit", "doubtful"),
    [
        ("Câu hỏi", "1.234,5", "1234.5", "", False), ("Câu hỏi", "1 234", "1234", "", False),
        ("Câu hỏi", "12,5 cm", "12.5", "cm", True),
        ("Câu hỏi", "12,5 ± 0,1 cm", "12.5", "cm", True),
        ("Câu hỏi", "1.234", "1234", "", True), ("Question", "1,234", "1.234", "", True),
        ("Câu hỏi", "1,234", "1.234", "", False), ("Câu hỏi", "−2", "-2", "", False),
    ],
)  # fmt: skip
def test_numbers_are_read_as_everywhere(
    heading: str, key: str, value: str, unit: str, doubtful: bool
) -> None:
    found = table(f"{heading};Key", f"x;{key}")
    (item,) = found.items
    assert item.key == NumericKey(Decimal(value))
    assert isinstance(item.interaction, NumericEntry) and item.interaction.unit == unit
    assert bool(found.problems) == doubtful


@pytest.mark.parametrize("key", ["1/2", "1e5", "2^3", ".5", "√2", "1.234.5", "3×10^5", "1 2"])
def test_what_may_be_a_number_is_no_word_to_type(key: str) -> None:
    found = table("Câu hỏi;Đáp án", f"x;{key}")
    assert not found.items
    assert [p.severity for p in found.problems] == ["error"]
    (item,) = table("Câu hỏi;Loại;Đáp án", f"x;điền;{key}").items
    assert item.kind == "gap"


def test_a_unit_that_contradicts_its_column_is_an_error() -> None:
    found = table("Câu hỏi;Đáp án;Đơn vị", "x;12,5 cm;m")
    assert not found.items and "unit" in found.problems[0].message


HEADINGS = (
    "Question,Answer 1,Answer 2,Correct answer(s) - choose one",
    "Câu hỏi,1,2,Đáp án",
    "CÂU HỎI:,Phương án 1,Phương án 2,Key",
    "Nội dung câu hỏi,Lựa chọn A,Lựa chọn B,Đáp án đúng",
)


@pytest.mark.parametrize("heading", HEADINGS)
def test_headings_are_known_in_both_languages(heading: str) -> None:
    (item,) = table(heading, "x,một,hai,B").items
    assert item_summary(item)["key"] == ["B"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_separator_and_encoding_are_found_out(separator: str, encoding: str) -> None:
    text = "\r\n".join(separator.join(row) for row in (["Câu hỏi", "A", "B", "Đáp án"],
                                                       ["Số, nào; lớn?" if separator == "\t" else
                                                        "Số nào lớn?", "1", "2", "B"]))  # fmt: skip
    (item,) = read_any(text.encode(encoding), "a.csv", lambda _: None).items
    assert item.stem.startswith("Số")


def test_what_a_file_says_of_its_separator_counts_and_its_line() -> None:
    found = table("sep=;", "Question;A;B;Key", '"a;\nb";1;2;B', "c;1;2;X")
    assert found.items[0].stem == "a;<br/>b"
    (problem,) = found.problems
    assert (problem.line, problem.element) == (5, "D5 (Key)")


def test_a_table_may_be_a_txt_file() -> None:
    (item,) = table("Question\tA\tB\tKey", "x\t1\t2\tB", name="a.txt").items
    assert item.kind == "single"


def changed(name: str, parts: Mapping[str, bytes | str | None]) -> bytes:
    """A workbook with some parts put in, changed, or left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(SHEETS / name) as old, zipfile.ZipFile(out, "w") as new:
        for part in dict.fromkeys((*old.namelist(), *parts)):
            data = parts[part] if part in parts else old.read(part)
            if data is not None:
                new.writestr(part, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}'
    "</sheetData></worksheet>"
)
HEAD = "".join(
    f'<c r="{c}1" t="inlineStr"><is><t>{t}</t></is></c>'
    for c, t in zip("ABCD", ("Câu hỏi", "A", "B", "Đáp án"), strict=True)
)
REST = "".join(
    f'<c r="{c}2" t="inlineStr"><is><t>{t}</t></is></c>'
    for c, t in zip("BCD", ("1", "2", "A"), strict=True)
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://x/image" Target="{}"/></Relationships>'
)


def one_sheet(question: str, more: Mapping[str, bytes | str | None]) -> Imported:
    rows = f'<row r="1">{HEAD}</row><row r="2">{question}{REST}</row>'
    parts = {"xl/worksheets/sheet1.xml": SHEET.format(rows), **more}
    gone = {"xl/worksheets/_rels/sheet1.xml.rels": None}
    return read_any(changed(NAMES[0], gone | parts), "a.xlsx", lambda _: None)


def test_a_picture_that_excel_places_in_a_cell_is_taken() -> None:
    found = one_sheet(
        '<c r="A2" t="e" vm="1"><v>#VALUE!</v></c>',
        {
            "xl/metadata.xml": '<metadata><futureMetadata name="XLRICHVALUE"><bk><extLst><ext>'
            '<rvb i="0"/></ext></extLst></bk></futureMetadata><valueMetadata><bk><rc t="1" v="0"/>'
            "</bk></valueMetadata></metadata>",
            "xl/richData/rdrichvalue.xml": "<rvData><rv s='0'><v>0</v><v>5</v></rv></rvData>",
            "xl/richData/richValueRel.xml": '<richValueRels xmlns:r="urn:r"><rel r:id="rId1"/>'
            "</richValueRels>",
            "xl/richData/_rels/richValueRel.xml.rels": RELATIONS.format("../media/o.png"),
            "xl/media/o.png": png(shade=9),
        },
    )
    first = found.items[0]
    assert [one.data for one in first.media] == [png(shade=9)] and "<img" in first.stem


def test_a_picture_that_wps_places_in_a_cell_is_taken() -> None:
    found = one_sheet(
        '<c r="A2" t="str"><f>_xlfn.DISPIMG("ID_7",1)</f><v>=DISPIMG("ID_7",1)</v></c>',
        {
            "xl/cellimages.xml": '<cellImages xmlns:r="urn:r"><cellImage><pic><nvPicPr>'
            '<cNvPr name="ID_7"/></nvPicPr><blipFill><blip r:embed="rId1"/></blipFill></pic>'
            "</cellImage></cellImages>",
            "xl/_rels/cellimages.xml.rels": RELATIONS.format("media/o.png"),
            "xl/media/o.png": png(shade=9),
        },
    )
    assert [one.data for one in found.items[0].media] == [png(shade=9)]


@pytest.mark.parametrize(
    ("style", "value", "shown"),
    [
        ('numFmtId="2"', "2.5", "2,50"), ('numFmtId="4"', "-3", "-3,00"),
        ('numFmtId="170"', "0.5", "0,500"), ('numFmtId="2"', "3.14159", "3,14159"),
        ('numFmtId="0"', "2.5", "2,5"), ('numFmtId="11"', "2.5", "2,5"),
    ],
)  # fmt: skip
def test_decimals_that_a_cell_shows_are_kept(style: str, value: str, shown: str) -> None:
    styles = (
        '<styleSheet><numFmts><numFmt numFmtId="170" formatCode="#,##0.000;-0.000"/></numFmts>'
        f"<cellXfs><xf {style}/></cellXfs></styleSheet>"
    )
    question = f'<c r="A2" s="0"><v>{value}</v></c>'
    assert one_sheet(question, {"xl/styles.xml": styles}).items[0].stem == shown


@pytest.mark.parametrize("part", ["xl/media/image1.png", "xl/media/image2.png"])
def test_a_question_is_not_taken_without_its_picture(part: str) -> None:
    for data in (b"BM no picture", None):
        found = read_any(changed(NAMES[0], {part: data}), "a.xlsx", beside)
        assert not [item for item in found.items if item.id.endswith("Khoi-12-4")]
        assert any(p.line == 7 and p.severity == "error" for p in found.problems)


def test_metadata_stand_in_their_columns() -> None:
    (item,) = table(
        "Câu hỏi,Đáp án,Mã,Nguồn,Câu kị,Bloom,Môn", 'x,5,2D1H3-1,SGK,"a1, a2",phân tích,'
    ).items
    told = item.metadata
    assert (told.subject, told.grade, told.level, told.source) == ("Toán", "12", "H", "SGK")
    assert told.enemies == ("a1", "a2") and told.bloom == "analyse"


@pytest.mark.parametrize(
    ("cell", "severity", "words"),
    [
        ('<c r="A2"><f>HYPERLINK("http://x")</f></c>', "error", "formula without a value"),
        ('<c r="A2" t="str"><f>CONCAT("a")</f><v>a</v></c>', "warning", "never run"),
        ('<c r="A2" t="e"><v>#REF!</v></c>', "error", "#REF!"),
        ('<c r="A2" t="e" vm="9"><v>#VALUE!</v></c>', "error", "#VALUE!"),
    ],
)
def test_what_a_cell_computes_is_named_and_never_run(cell: str, severity: str, words: str) -> None:
    problems = one_sheet(cell, {}).problems
    problem = next(one for one in problems if one.file == "a.xlsx/Khối 12")
    assert (problem.line, problem.element) == (2, "A2 (Câu hỏi)")
    assert problem.severity == severity and words in problem.message


def test_macros_are_named_and_not_opened() -> None:
    relations = zipfile.ZipFile(SHEETS / NAMES[0]).read("xl/_rels/workbook.xml.rels").decode()
    with_macros = relations.replace(
        "</Relationships>",
        '<Relationship Id="m" Type="http://x/vbaProject" Target="vbaProject.bin"/></Relationships>',
    )
    data = changed(
        NAMES[0], {"xl/_rels/workbook.xml.rels": with_macros, "xl/vbaProject.bin": b"\xd0\xcf"}
    )
    assert any(p.element == "vbaProject" for p in read_any(data, "a.xlsm", beside).problems)


ROW = '<row r="{}"><c r="A{}"><v>1</v></c></row>'
HOSTILE = {
    "rows": SHEET.format("".join(ROW.format(n, n) for n in range(1, 20_102))),
    "entities": '<!DOCTYPE a [<!ENTITY b "c">]><worksheet>&b;</worksheet>',
    "no XML": "PK",
    "a cell": SHEET.format(
        f'<row r="1"><c t="inlineStr"><is><t>{"x" * 100_001}</t></is></c></row>'
    ),
    "nothing": SHEET.format(""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_sheet_is_refused_or_left_out(name: str) -> None:
    parts: dict[str, bytes | str | None] = {
        f"xl/worksheets/sheet{n}.xml": HOSTILE[name] for n in (1, 2, 3, 4)
    }
    with pytest.raises(FileRefusedError) as refused:
        read_any(changed(NAMES[0], parts), "a.xlsx", beside)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="XFE99999999"/>', '<c r="A2" t="s"><v>99999999999</v></c>',
        '<c r="A2" s="99999"><v>1e999</v></c>', '<c r="A2"><v>NaN</v></c>',
        '<c r="A2" t="inlineStr"><is><t>_x0000__xD800_a</t></is></c>', "<c/>",
        '<c r="A2" vm="x" t="e"><v>#N/A</v></c>',
    ],
)  # fmt: skip
def test_an_odd_cell_costs_at_most_its_row(cell: str) -> None:
    found = one_sheet(cell, {})
    assert len(found.items) >= 2  # those of the other sheet


def test_a_sheet_that_merges_a_million_rows_is_read_in_bounds() -> None:
    rows = f'<row r="1">{HEAD}</row><row r="2">{REST}</row>'
    merged = "<mergeCells>" + '<mergeCell ref="B2:B1048576"/>' * 50 + "</mergeCells>"
    sheet = SHEET.format(rows).replace("</worksheet>", f"{merged}</worksheet>")
    assert read_any(changed(NAMES[0], {"xl/worksheets/sheet1.xml": sheet}), "a.xlsx", beside).items


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b""),
        ("a.csv", b"\xef\xbb\xbf"),
        ("a.csv", b"\xff\xfe"),
        ("a.csv", b"Question,A,B,Key\n"[:8]),
        ("a.csv", b"\x00" * 100),
        ("a.csv", b"a\x00,b,c\n" * 9),
        ("a.csv", b'Question,A,B,Key\n"' + b"x" * 200_000),
        ("a.csv", bytes(range(128, 256)) * 20),
        ("a.tsv", "tªp hîp rçng".encode("latin-1") * 30),
        ("a.xlsx", b"not a zip"),
        ("a.xlsx", b"PK\x03\x04"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("a.ods", b""),
        ("a.xlsx", changed(NAMES[0], {"xl/workbook.xml": None})),
        ("a.xlsx", changed(NAMES[0], {"xl/workbook.xml": "<a/>"})),
        ("a.xlsb", changed(NAMES[0], {"xl/workbook.bin": b"x"})),
        ("a.xlsx", changed(NAMES[0], {"xl/sharedStrings.xml": bytes(40_000_000)})),
        ("a.ods", changed("hoa.ods", {"content.xml": "<a"})),
        ("a.ods", changed("hoa.ods", {"content.xml": None})),
    ],
)
def test_what_is_no_spreadsheet_is_refused_in_one_line(
    name: str, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    assert main(["show", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_off_anywhere_is_read_or_refused(name: str) -> None:
    whole = (SHEETS / name).read_bytes()
    for end in range(0, len(whole), max(len(whole) // 80, 1)):
        try:
            read_any(whole[:end], name, beside)
        except QuestionBankError as error:
            assert "\n" not in str(error)


def test_the_command_writes_a_template_and_refuses_other_endings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mau.xlsx"
    assert main(["template", "--out", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["language"] == "vi"
    assert main(["import", str(file), "--bank", str(tmp_path / "bank"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["imported"] == 8
    assert main(["template", "--out", str(tmp_path / "mau.doc")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_number_that_is_a_place_and_another_options_text_is_no_key() -> None:
    found = read_any("Câu hỏi,A,B,C,Đáp án\nx?,3,2,1,1\ny?,1,2,3,1\n".encode(), "a.csv", beside)
    assert [item_summary(item)["key"] for item in found.items] == [["A"]]
    assert [problem.line for problem in found.problems if problem.severity == "error"] == [2]


def test_labels_before_the_options_are_no_part_of_them() -> None:
    """The kiosk letters options itself, in an order of its own."""
    rows = "x?,A. một,B. hai,A\ny?,A. một,hai,A\nz?,a) một,b) hai,ĐS\n"
    found = read_any(f"Câu hỏi,A,B,Đáp án\n{rows}".encode(), "a.csv", beside)
    texts = [[o["text"] for o in told["options"]] for told in map(item_summary, found.items)]
    assert texts == [["một", "hai"], ["A. một", "hai"], ["một", "hai"]]


def test_a_hidden_sheet_without_a_name_is_told_of_by_a_word() -> None:
    parts = _parts((SHEETS / "de-kiem-tra.xlsx").read_bytes())
    book = parts["xl/workbook.xml"].decode()
    named = re.search(r'<sheet [^>]*state="hidden"[^>]*>', book)
    assert named is not None
    nameless = re.sub(r'name="[^"]*"', 'name=""', named[0])
    parts["xl/workbook.xml"] = book.replace(named[0], nameless).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name, data in parts.items():
            target.writestr(name, data)
    found = read_any(made.getvalue(), "de.xlsx", beside)
    assert ("sheet", "is a hidden sheet and was left out") in [
        (problem.element, problem.message) for problem in found.problems
    ]


class _Counted(list[Problem]):
    """Problems that count how many are looked at, in all lists of them together."""

    looks = 0

    def __iter__(self) -> Iterator[Problem]:
        for problem in super().__iter__():
            _Counted.looks += 1
            yield problem

    def __getitem__(self, place: Any) -> Any:
        taken = super().__getitem__(place)
        return _Counted(taken) if isinstance(place, slice) else taken


def test_a_row_looks_at_its_own_problems_alone() -> None:
    """20,000 rows that are wrong looked at those of all rows before, four times each."""
    log = ProblemLog("a.csv", _Counted())
    _Counted.looks = 0
    for _ in range(100):
        before = len(log.problems)
        log.error(1, "row", "is wrong")
        assert log.failed_since(before)
        assert not log.failed_since(before + 1)
    assert _Counted.looks == 100
