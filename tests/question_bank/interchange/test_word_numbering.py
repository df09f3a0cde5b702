"""Which numbered lines of a paper begin a question, and which are steps, lists and solutions."""

import zipfile

import pytest

from fixtures.word.wordml import Package
from question_bank.content import plain_text
from question_bank.interchange.problems import Imported
from question_bank.interchange.word import read_word
from question_bank.item import ChoiceKey, NumericKey

OPTIONS = "A. Pa-ri.\tB. Li-ông.\tC. Mác-xây.\tD. Lin."


def _read(*lines: str) -> Imported:
    package = Package()
    package.add(*lines)
    return read_word(package.file(zipfile.ZIP_STORED), "de.docx")


def _keys(found: Imported) -> list[tuple[str, str]]:
    """(stem, key) of each item."""
    keys = []
    for item in found.items:
        assert isinstance(item.key, ChoiceKey | NumericKey)
        key = item.key.options[0] if isinstance(item.key, ChoiceKey) else str(item.key.value)
        keys.append((plain_text(item.stem), key))
    return keys


def _errors(found: Imported) -> list[str]:
    return [problem.element for problem in found.problems if problem.severity == "error"]


TWO = [("Thủ đô của Pháp là", "A"), ("Thủ đô của Anh là", "B")]


@pytest.mark.parametrize("mark", [".", ")", "/", ":"])
def test_questions_that_are_only_numbered(mark: str) -> None:
    found = _read(f"1{mark} Thủ đô của Pháp là", OPTIONS, "Đáp án: A",
                  f"2{mark} Thủ đô của Anh là", OPTIONS, "Đáp án: B")  # fmt: skip
    assert _keys(found) == TWO
    assert not found.problems


def test_a_list_in_a_question_begins_none() -> None:
    found = _read("1. Cho các phát biểu sau:", "1. Một.", "2. Hai.", "3. Ba.",
                  "Số phát biểu đúng là", OPTIONS, "Đáp án: A",
                  "2. Thủ đô của Anh là", OPTIONS, "Đáp án: B")  # fmt: skip
    assert _keys(found) == [
        ("Cho các phát biểu sau: 1. Một. 2. Hai. 3. Ba. Số phát biểu đúng là", "A"), TWO[1],
    ]  # fmt: skip
    assert not found.problems


def test_the_steps_of_a_solution_begin_none() -> None:
    found = _read("1. Thủ đô của Pháp là", OPTIONS, "Lời giải", "1. Xét.", "2. Suy ra.", "Chọn A",
                  "2. Thủ đô của Anh là", OPTIONS, "Lời giải", "1. Xét.", "2. Suy ra.", "3. Vậy.",
                  "Chọn B", "3. Tính 1 + 1.", "Đáp án: 2")  # fmt: skip
    assert _keys(found) == [*TWO, ("Tính 1 + 1.", "2")]
    assert "2. Suy ra." in plain_text(found.items[0].explanation)
    assert not found.problems


def test_steps_of_a_solution_without_a_key_begin_none() -> None:
    found = _read("1. Thủ đô của Pháp là", OPTIONS, "Lời giải", "1. Xét.", "2. Suy ra.",
                  "2. Thủ đô của Anh là", OPTIONS, "ĐÁP ÁN", "1.A 2.B")  # fmt: skip
    assert _keys(found) == TWO
    assert not _errors(found)


@pytest.mark.parametrize("name", ["Câu 1.", "1."])
@pytest.mark.parametrize(
    "heading", ["HƯỚNG DẪN GIẢI", "LỜI GIẢI CHI TIẾT", "Lời giải chi tiết", "ĐÁP ÁN", "Hướng dẫn"]
)
def test_solutions_below_all_questions(name: str, heading: str) -> None:
    second = name.replace("1", "2")
    found = _read(f"{name} Thủ đô của Pháp là", OPTIONS, f"{second} Thủ đô của Anh là", OPTIONS,
                  heading, f"{name} Vì thế.", "Chọn A", f"{second} Vì vậy chọn B.")  # fmt: skip
    assert _keys(found) == TWO
    told = [plain_text(item.explanation) for item in found.items]
    assert told == ["Vì thế. Chọn A", "Vì vậy chọn B."]
    assert not _errors(found)


def test_a_second_paper_below_a_heading_stays_one() -> None:
    found = _read("Câu 1. Thủ đô của Pháp là", OPTIONS, "Đáp án: A", "Hướng dẫn",
                  "Câu 1. Thủ đô của Anh là", OPTIONS, "Đáp án: B")  # fmt: skip
    assert _keys(found) == TWO


@pytest.mark.parametrize(
    "told",
    ["Câu 1 đến câu 2: chọn một phương án.", "Câu 1 – 2: chọn một phương án.",
     "Câu 1 và câu 2 dùng hình bên."],
)  # fmt: skip
def test_a_range_of_questions_begins_none(told: str) -> None:
    for name in ("Câu 1.", "1."):
        second = name.replace("1", "2")
        found = _read(told, f"{name} Thủ đô của Pháp là", OPTIONS, "Đáp án: A",
                      f"{second} Thủ đô của Anh là", OPTIONS, "Đáp án: B")  # fmt: skip
        assert [key for _, key in _keys(found)] == ["A", "B"]
        assert not _errors(found)


def test_a_question_without_its_word_is_one_where_it_fills_a_gap_and_has_a_key() -> None:
    found = _read("Câu 1. Thủ đô của Pháp là", OPTIONS, "Chọn A", "Vì thế.",
                  "2. Thủ đô của Anh là", OPTIONS, "Chọn B",
                  "Câu 3. Thủ đô của Áo là", OPTIONS, "Chọn C")  # fmt: skip
    assert _keys(found) == [*TWO, ("Thủ đô của Áo là", "C")]
    assert plain_text(found.items[0].explanation) == "Chọn A Vì thế."
    # The line is that of the question before it, whose solution it stood in.
    assert [(p.line, p.element, p.severity) for p in found.problems] == [(1, "Câu 2", "warning")]


def test_several_questions_without_their_word() -> None:
    found = _read("Câu 1. Thủ đô của Pháp là", OPTIONS, "Chọn A", "2. Thủ đô của Anh là", OPTIONS,
                  "Chọn B", "3. Thủ đô của Áo là", OPTIONS, "Chọn C")  # fmt: skip
    assert [key for _, key in _keys(found)] == ["A", "B", "C"]
    assert not _errors(found)


def test_steps_with_options_stay_in_their_solution() -> None:
    steps = ("2. Loại trừ.", "A. Đúng.", "B. Sai.", "C. Sai.", "D. Sai.")
    found = _read("Câu 1. Thủ đô của Pháp là", OPTIONS, "Lời giải", "1. Xét.", *steps, "Chọn A")
    assert [key for _, key in _keys(found)] == ["A"]
