"""The real questions of the shared vectors, set in other layouts that papers have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.word.wordml import Package, paragraph, run, table
from question_bank.content import plain_text
from question_bank.interchange.word import read_word
from question_bank.item import ChoiceKey, options_of

FOLDER = Path(__file__).parents[3] / "../shared/vectors/vn"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.exists(), reason="shared vectors are absent"),
]


@dataclass(frozen=True, slots=True)
class Question:
    stem: str
    options: tuple[str, ...]
    key: str

    def labelled(self, between: str, mark: str = ". ") -> str:
        pairs = zip("ABCD", self.options, strict=True)
        return between.join(f"{letter}{mark}{option}" for letter, option in pairs)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    found = []
    for file in sorted(FOLDER.glob("*/*.docx")):
        for item in read_word(file.read_bytes(), file.name).items:
            assert isinstance(item.key, ChoiceKey)
            options = tuple(plain_text(o.content) for o in options_of(item.interaction))
            found.append(Question(plain_text(item.stem), options, item.key.options[0]))
    return found


def _one_row_each(between: str) -> Callable[[Package, Sequence[Question]], None]:
    def write(package: Package, questions: Sequence[Question]) -> None:
        rows = [
            [
                str(n),
                run(f"Câu {n}: {q.stem}\n{q.labelled(between)}"),
                q.key,
                "Theo sách giáo khoa.",
            ]
            for n, q in enumerate(questions, 1)
        ]
        package.add(table(*rows))

    return write


def _paragraphs(between: str) -> Callable[[Package, Sequence[Question]], None]:
    def write(package: Package, questions: Sequence[Question]) -> None:
        for number, question in enumerate(questions, 1):
            package.add(
                f"Câu {number}. {question.stem}", *question.labelled(between).split("\n"),
                "Lời giải", f"Chọn {question.key}.",
            )  # fmt: skip

    return write


def _option_columns(package: Package, questions: Sequence[Question]) -> None:
    rows = [
        [str(n), q.key, run(q.stem), *(run(option) for option in q.options)]
        for n, q in enumerate(questions, 1)
    ]
    package.add(table(["STT", "Đáp án", "Câu hỏi", *"ABCD"], *rows))


def _answers_at_the_end(package: Package, questions: Sequence[Question]) -> None:
    for number, question in enumerate(questions, 1):
        package.add(f"Câu {number}: {question.stem} {question.labelled(' ')}")
    package.add("BẢNG ĐÁP ÁN")
    for start in range(0, len(questions), 10):
        part = questions[start : start + 10]
        numbers = [str(number) for number in range(start + 1, start + 1 + len(part))]
        package.add(table(numbers, [question.key for question in part]))


def _lists(package: Package, questions: Sequence[Question]) -> None:
    package.numbering({1: [("decimal", "Câu %1."), ("upperLetter", "%2.")]})
    for question in questions:
        package.add(paragraph(run(question.stem), listed=(1, 0)))
        for letter, option in zip("ABCD", question.options, strict=True):
            right = {"highlight": "yellow"} if letter == question.key else {}
            package.add(paragraph(run(option, **right), listed=(1, 1)))


LAYOUTS = {
    "rows, lines": _one_row_each("\n"),
    "rows, one line": _one_row_each(" "),
    "rows, glued": _one_row_each(""),
    "paragraphs, lines": _paragraphs("\n"),
    "paragraphs, tabs": _paragraphs("\t"),
    "paragraphs, one line": _paragraphs(" "),
    "a column for each option": _option_columns,
    "answers at the end": _answers_at_the_end,
    "lists that number themselves": _lists,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_layout_loses_a_question(layout: str, questions: list[Question]) -> None:
    package = Package()
    LAYOUTS[layout](package, questions)
    found = {item.id: item for item in read_word(package.file(), "de.docx").items}
    assert len(questions) == 260
    differing = []
    for number, question in enumerate(questions, 1):
        item = found.get(f"de-{number}")
        read = item and (
            _squeezed(plain_text(item.stem)),
            [_squeezed(plain_text(option.content)) for option in options_of(item.interaction)],
            item.key,
        )
        wanted = (
            _squeezed(question.stem),
            [_squeezed(option) for option in question.options],
            ChoiceKey((question.key,)),
        )
        if read != wanted:
            differing.append((number, read, wanted))
    assert not differing


def _squeezed(text: str) -> str:
    return "".join(text.replace("$", "").split())
