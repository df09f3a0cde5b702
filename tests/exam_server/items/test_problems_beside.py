"""On the page of an import a problem stands beside its item, whatever the format."""

import io
import zipfile
from pathlib import Path

from exam_server.items.importing import beside
from exam_server.items.preview import shown_item
from exam_server.items.reading_apart import Reading, reading_from_plain
from question_bank.interchange.formats import read_any

FIXTURES = Path(__file__).parents[3] / "fixtures"


def found_in(data: bytes, name: str) -> Reading:
    found = read_any(data, name, lambda _: None)
    reading = Reading(found.items, found.problems, found.lines, found.files)
    assert reading_from_plain(reading.to_plain()) == reading
    return reading


def apart(reading: Reading) -> tuple[list[tuple[str, str]], list[str]]:
    """(item, element) of every problem beside an item, and the elements of all others."""
    problems, rest = beside(reading)
    near = [(reading.items[place].id, p.element) for place, own in problems.items() for p in own]
    return sorted(near), sorted(problem.element for problem in rest)


def test_moodle_xml() -> None:
    data = (FIXTURES / "moodle" / "cac-loai.xml").read_bytes()
    near, rest = apart(found_in(data, "cac-loai.xml"))
    assert near == [
        ("cac-loai-1", "attachments"), ("cac-loai-1", "tag"), ("cac-loai-11", "drop"),
        ("cac-loai-4", "feedback"), ("cac-loai-7", "feedback"),
    ]  # fmt: skip
    assert rest == ["description", "random"]


def test_gift() -> None:
    data = (FIXTURES / "moodle" / "cac-loai.gift").read_bytes()
    near, rest = apart(found_in(data, "cac-loai.gift"))
    assert [item for item, _ in near] == ["cac-loai-1", "cac-loai-1", "cac-loai-3", "cac-loai-6",
                                          "cac-loai-8"]  # fmt: skip
    assert rest == ["question"]


def test_aiken() -> None:
    near, rest = apart(found_in(b"Q\nA) a\nB) b\nANSWER: A\n\nR\nA) a\nS\nA) b\n", "a.aiken"))
    assert near == []
    assert rest == ["question", "question"]


def test_ex_test_errors_inside_of_an_item_stand_beside_it() -> None:
    data = (FIXTURES / "ex_test" / "khong-nhan-het.tex").read_bytes()
    near, rest = apart(found_in(data, "khong-nhan-het.tex"))
    assert ("khong-nhan-het-5", "\\includegraphics") in near
    assert ("khong-nhan-het-9", "\\input{/etc/passwd}") in near
    assert "\\begin{kienthuc}" in rest
    assert rest.count("ex") == 7


def test_several_files_of_one_zip_are_kept_apart() -> None:
    body = r"\begin{ex}Câu \lenhla{một} \choice{\True 1}{2}{3}{4}\end{ex}" + "\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mot.tex", "\n" * 5 + body)
        archive.writestr("hai.tex", body * 2)
    near, rest = apart(found_in(packed.getvalue(), "de.zip"))
    assert near == [("hai-1", "\\lenhla"), ("hai-2", "\\lenhla"), ("mot-1", "\\lenhla")]
    assert rest == []


def test_items_of_a_qti_package() -> None:
    reading = found_in((FIXTURES / "science" / "science.zip").read_bytes(), "science.zip")
    assert set(reading.files) == {item.id for item in reading.items}
    odd = (
        b'<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="q" '
        b'title="q" adaptive="false" time-dependent="false"><qti-response-declaration '
        b'identifier="RESPONSE" cardinality="single" base-type="identifier"><qti-correct-response>'
        b"<qti-value>A</qti-value></qti-correct-response></qti-response-declaration>"
        b"<qti-outcome-declaration identifier='SCORE' cardinality='single' base-type='float'/>"
        b'<qti-item-body><p style="color:red">Q</p><qti-choice-interaction '
        b'response-identifier="RESPONSE" max-choices="1"><qti-simple-choice identifier="A">a'
        b'</qti-simple-choice><qti-simple-choice identifier="B">b</qti-simple-choice>'
        b"</qti-choice-interaction></qti-item-body><qti-response-processing template="
        b'"https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/match_correct"/>'
        b"</qti-assessment-item>"
    )
    near, rest = apart(found_in(odd, "cau.xml"))
    assert near == [("q", "p")]
    assert rest == []


def test_word() -> None:
    data = (FIXTURES / "word" / "keys-that-fail.docx").read_bytes()
    reading = found_in(data, "keys-that-fail.docx")
    problems, rest = beside(reading)
    assert all(p.severity == "warning" for own in problems.values() for p in own)
    assert [p.severity for p in rest].count("error") == sum(
        problem.severity == "error" for problem in reading.problems
    )


def test_every_kind_that_readers_give_can_be_looked_at() -> None:
    for folder, name in (("moodle", "cac-loai.xml"), ("word", "gaps.docx"), ("word", "essays.docx"),
                         ("word", "matching.docx"), ("ex_test", "tu-luan.tex")):  # fmt: skip
        for item in found_in((FIXTURES / folder / name).read_bytes(), name).items:
            shown = shown_item(item, "/media/{}".format)
            assert shown.points == item.points
            assert len(shown.parts) == len(getattr(item.interaction, "parts", ()))


def test_places_and_keys_are_shown_by_the_names_they_stand_under() -> None:
    reading = found_in((FIXTURES / "moodle" / "cac-loai.xml").read_bytes(), "cac-loai.xml")
    shown = {i.metadata.code: shown_item(i, "/m/{}".format) for i in reading.items}
    assert '<span class="badge">g1</span>' in shown["chon-tu"].stem
    assert '<span class="badge">v_s</span>' in shown["tinh-toan"].stem
    assert [part.key for part in shown["nhung"].parts] == ["2", "B", "Galilei", "A, B"]
    assert shown["noi-cot"].key == "A – D, B – E, C – E"
    assert shown["keo-tu"].key == "A – g1, B – g2"
    assert shown["sap-xep"].key == "A → B → C"
    assert shown["danh-dau"].parts[0].key == "(50; 60)"
