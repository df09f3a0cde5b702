"""Papers whose parts are written one after the other, each with its own time."""

import io
import re
import zipfile
from dataclasses import replace

import pytest
from item_builders import single

from question_bank.assembly import BaseForm, BasePart, arrange
from question_bank.errors import AssemblyError, MalformedError
from question_bank.interchange.problems import Imported
from question_bank.interchange.qti3 import read_qti3
from question_bank.interchange.qti3_writer import write_package
from question_bank.package import FREE, SEQUENTIAL, PresentedForm, decode, encode
from question_bank.records import base_form_from_plain, base_form_to_plain

ITEMS = tuple(single(f"q{number}") for number in range(1, 5))
FORM = BaseForm(
    "b1",
    "Đánh giá năng lực",
    "Tổng hợp",
    90,
    (
        BasePart("Phần 1", "<p>Tiếng Việt</p>", ("q1", "q2"), 30),
        BasePart("Phần 2", "", ("q3",), 40),
        BasePart("Phần 3", "", ("q4",)),
    ),
    sequential=True,
)


def presented(form: BaseForm = FORM) -> PresentedForm:
    return arrange(form, ITEMS, code="0101", seed=bytes(32), exam="Thi thử").form


def imported(form: BaseForm = FORM, edit: tuple[str, str] | None = None) -> Imported:
    """`form` through a QTI package; `edit` replaces text in the test's own file."""
    archive = zipfile.ZipFile(io.BytesIO(write_package(ITEMS, [form])))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as changed:
        for name in archive.namelist():
            data = archive.read(name)
            if edit and b"<qti-assessment-test" in data:
                text, count = re.subn(edit[0], edit[1], data.decode(), count=1)
                assert count == 1
                data = text.encode()
            changed.writestr(name, data)
    return read_qti3(target.getvalue(), "a.zip")


def test_the_form_says_that_it_is_sequential_and_how_long_its_parts_are() -> None:
    form = presented()
    assert (form.schema, form.sequential) == (SEQUENTIAL, True)
    assert [part.minutes for part in form.parts] == [30, 40, None]
    assert decode(encode(form)) == form


def test_a_free_paper_keeps_its_bytes() -> None:
    """The first schema does not know of any of this: what was sealed stays what it is."""
    free = replace(
        FORM, sequential=False, parts=tuple(replace(p, minutes=None) for p in FORM.parts)
    )
    form = presented(free)
    assert (form.schema, form.sequential) == (FREE, False)
    assert b"minutes" in encode(form)  # the paper's
    assert encode(form).count(b"minutes") == 1


@pytest.mark.parametrize(
    "form",
    [
        replace(presented(), minutes=60),
        replace(presented(), schema=3),
        replace(presented(), schema=FREE),
        replace(presented(), parts=(replace(presented().parts[0], minutes=0),)),
    ],
    ids=["parts longer than the paper", "a schema to come", "times in a free paper", "no time"],
)
def test_what_makes_no_sense_is_no_form(form: PresentedForm) -> None:
    with pytest.raises(MalformedError):
        encode(form)


def test_a_free_papers_part_has_no_time_of_its_own() -> None:
    with pytest.raises(AssemblyError, match="free paper"):
        presented(replace(FORM, sequential=False))


def test_it_comes_back_from_the_bank_folder_and_from_qti() -> None:
    assert base_form_from_plain(base_form_to_plain(FORM)) == FORM
    read = imported()
    assert [problem.severity for problem in read.problems] == []
    assert read.base_forms == (replace(FORM, paper=read.base_forms[0].paper),)


def test_a_section_may_say_its_time_itself() -> None:
    section = r'(title="Phần 3" visible="true">)'
    read = imported(edit=(section, r'\1<qti-time-limits max-time="600"/>'))
    assert [part.minutes for part in read.base_forms[0].parts] == [30, 40, 10]


def test_more_time_for_the_parts_than_for_the_test_is_an_error() -> None:
    read = imported(edit=('max-time="1800"', 'max-time="5400"'))
    assert read.base_forms == ()
    assert any("more time" in problem.message for problem in read.problems)


def test_a_time_for_several_sections_together_is_an_error() -> None:
    two = replace(FORM, parts=FORM.parts[:2])
    between = r"(?s)</qti-test-part>\s*<qti-test-part[^>]*>\s*<qti-time-limits[^>]*/>"
    read = imported(two, edit=(between, ""))
    assert any(problem.severity == "error" for problem in read.problems)
