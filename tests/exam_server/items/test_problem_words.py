"""What readers say is shown in Vietnamese; whatever they say of our own files has its words."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from exam_server.items import problem_words
from exam_server.items.problem_words import said, translated
from exam_server.web.texts import Language, known
from question_bank.errors import FileRefusedError
from question_bank.interchange import problems
from question_bank.interchange.formats import WRITERS, read_any
from question_bank.interchange.problems import Problem
from tests.interaction_items import ITEMS
from tests.question_bank.item_builders import cluster, multiple, numeric, single

FIXTURES = Path(__file__).parents[3] / "fixtures"
FILES = sorted(
    file
    for folder in ("word", "ex_test", "moodle", "science", "qti12", "spreadsheets")
    for file in (FIXTURES / folder).glob("*")
    if file.suffix in (".docx", ".tex", ".xml", ".gift", ".zip", ".txt", ".xlsx", ".ods", ".csv")
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_problem_of_our_files_has_vietnamese_words(file: Path) -> None:
    try:
        found = read_any(file.read_bytes(), file.name, lambda _: None)
    except FileRefusedError as refused:
        assert translated(str(refused)) is not None
        return
    missing = {p.message for p in found.problems if translated(p.message) is None}
    assert not missing


OURS = re.compile(r"[a-z]+( [a-z]+)+|header|footer|comment|endnote")
"""What the readers call parts of a document; a file's own marks and names stay as they are."""


def test_every_part_of_a_document_has_a_vietnamese_name() -> None:
    named = {
        problem.element
        for file in FILES
        if file.suffix == ".docx"
        for problem in read_any(file.read_bytes(), file.name, lambda _: None).problems
        if OURS.fullmatch(problem.element)
    }
    assert {"tracked change", "hidden text", "text box", "header", "comment"} <= named
    called = {
        said(Language.VIETNAMESE, Problem("", 1, one, "", "warning")).element for one in named
    }
    assert called.isdisjoint(named)


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_every_problem_of_what_goes_out_has_vietnamese_words(form: str) -> None:
    made = [*ITEMS, single(), multiple(), cluster(), numeric()]
    written = WRITERS[form].write(made, ())
    missing = {p.message for p in written.problems if translated(p.message) is None}
    assert not missing


TELLING = {"error", "warning", "warn", "_error", "_warn", "_report"}
RAISED = {"NoItemError", "UnsupportedError", "_RefusedError", "TexError"}


def _spelled(node: ast.expr) -> str:
    """A message of the source with something in its places; empty where it is no literal."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(map(_spelled, values))
        case ast.FormattedValue(conversion=conversion):
            return "'x'" if conversion == ord("r") else "7"
        case _:
            return ""


def _messages(source: str) -> Iterator[str]:
    """What the functions of a module tell of or raise, by literals or names of literals."""
    functions = [f for f in ast.walk(ast.parse(source)) if isinstance(f, ast.FunctionDef)]
    for function in functions:
        named: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    named.setdefault(name, []).append(value)
        for node in ast.walk(function):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr=called) | ast.Name(id=called), args=[*_, last]
                ):
                    if called in TELLING | RAISED:
                        told = named.get(last.id, []) if isinstance(last, ast.Name) else [last]
                        yield from map(_spelled, told)


def test_every_message_of_the_readers_and_writers_has_vietnamese_words() -> None:
    folder = Path(problems.__file__).parent
    told = {
        message
        for file in folder.rglob("*.py")
        for message in _messages(file.read_text(encoding="utf-8"))
        if re.search(r"[A-Za-z]{3} ", message)
    }
    assert len(told) > 200
    # Writers say the item's id before it.
    missing = {m for m in told if translated(m) is None and translated(f"q: {m}") is None}
    assert not missing


def test_both_languages_name_the_same() -> None:
    tables = tomllib.loads(problem_words.CATALOGUE.read_text(encoding="utf-8"))
    shorter = re.compile(r"LaTeX ex_test|Unikey")  # advice that is said anew, not named
    for table in tables.values():
        for english, vietnamese in table.items():
            places = set(re.findall(r"\{([a-d])\}", english))
            named = set(re.findall(r"\{([a-d])(?::[a-z_]+)?\}", vietnamese))
            assert named == places or (named < places and shorter.search(vietnamese)), english
            assert vietnamese.strip(string.whitespace) == vietnamese


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("is left out: 'is empty'", "đã bỏ qua: 'is empty'"),
        ("item q-1: two options have the same id", "câu q-1: hai phương án trùng tên"),
        (r"\begin{ex} is never ended", r"\begin{ex} không có kết thúc"),
        ("is shown as its LaTeX: \\abc is not known",
         "được hiện nguyên mã LaTeX: không nhận ra \\abc"),
        (
            "no key is found (none stated, no option marked): 'Câu: is empty'",
            "không tìm thấy đáp án (không ghi đáp án, không phương án nào được đánh dấu): "
            "'Câu: is empty'",
        ),
        ("the key's column says A, the answers' table says B; the former is taken",
         "cột đáp án nói A, bảng đáp án nói B; lấy theo cái trước"),
        ("its number is not read, and what follows it is left out: 'Câu *: x'",
         "không đọc được số câu; đã bỏ phần tiếp theo: 'Câu *: x'"),
        ("thanh-truot: Moodle has no type of question for the kind slider",
         "thanh-truot: Moodle không có loại câu hỏi cho dạng thanh trượt"),
        ("hinh-chop: Moodle pays every statement alike, not by graded_cluster",
         "hinh-chop: Moodle cho mỗi ý số điểm như nhau, không theo cách chấm "
         "điểm theo số ý đúng"),
        ("nothing has ever been said so", None),
    ],
)  # fmt: skip
def test_sentences_with_what_they_name(message: str, wanted: str | None) -> None:
    assert translated(message) == wanted


def test_a_kind_of_item_is_called_as_everywhere() -> None:
    problem = Problem("a.xml", None, "slider", "nothing has ever been said so", "error")
    assert said(Language.VIETNAMESE, problem).element == "Thanh trượt"
    assert said(Language.ENGLISH, problem).element == "Slider"


def test_every_list_that_a_sentence_names_is_one() -> None:
    text = problem_words.CATALOGUE.read_text(encoding="utf-8")
    families = set(re.findall(r"\{[a-d]:([a-z_]+)\}", text))
    assert families == {"item_kind", "scoring"}
    codes = {"item_kind": "slider", "scoring": "graded_cluster"}
    assert all(known(Language.VIETNAMESE, f"{one}.{codes[one]}") for one in families)


def test_what_has_no_words_is_shown_as_english() -> None:
    problem = Problem("a.docx", 3, "option A", "nothing has ever been said so", "warning")
    shown = said(Language.VIETNAMESE, problem)
    assert (shown.element, shown.language) == ("phương án A", Language.ENGLISH)
    assert said(Language.ENGLISH, problem).element == "option A"
