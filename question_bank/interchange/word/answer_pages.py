"""The answers and solutions at a paper's end."""

from collections.abc import Iterator, Sequence

from question_bank.interchange.paper.model import Paper, Question
from question_bank.interchange.paper.words import words_in
from question_bank.interchange.word import look
from question_bank.interchange.word.expected import is_read
from question_bank.interchange.word.names import KEYS
from question_bank.interchange.word.pages import BOLD, Pages
from question_bank.interchange.word.wordml import paragraph, run, strip_lines, table

KEYS_A_ROW = 8
LEAST = 2  # so many keys the reader takes for a table of them


def write_keys(pages: Pages, paper: Paper) -> None:
    """The keys of every section, from a page of their own."""
    pages.add(run(pages.words["key"]), style="Apart", properties="<w:pageBreakBefore/>")
    for section in paper.sections:
        if title := pages.title(section):
            pages.add(run(title), style="Part")
        for row in _rows([q for q in section.questions if is_read(q.item)]):
            if len(row) < LEAST:
                pages.add(run(f"{row[0].label} {row[0].key}"))
            else:
                pages.table(_key_table(pages, row))
        if others := [q for q in section.questions if not is_read(q.item)]:
            pages.table(_key_list(pages, others))


def _key_table(pages: Pages, questions: Sequence[Question]) -> str:
    heads = [pages.words["question"], *(str(question.number) for question in questions)]
    keys = [pages.words["answer"], *(question.key for question in questions)]
    width = look.TEXT_WIDTH // (KEYS_A_ROW + 1)
    rows = [
        [paragraph(run(text, BOLD), style="Cell") for text in heads],
        [paragraph(run(text), style="Cell") for text in keys],
    ]
    return table(rows, [width] * len(heads), "Lines")


def _key_list(pages: Pages, questions: Sequence[Question]) -> str:
    """Keys that are no letter, number or row of truths; with them, their solutions."""
    words = pages.words
    heads = (words["question"], words["answer"], words["points"].capitalize())
    rows = [[paragraph(run(head, BOLD), style="Cell") for head in heads]]
    for question in questions:
        item = question.item
        lines = [run(question.key)]
        if item.explanation:
            told = strip_lines(pages.strip(item.explanation, item))
            lines += [pages.inline(line) for line in told]
        points = f"{item.points.normalize():f}"
        rows.append([
            paragraph(run(str(question.number)), style="Cell"),
            "".join(paragraph(line) for line in lines),
            paragraph(run(points), style="Cell"),
        ])  # fmt: skip
    width = look.TEXT_WIDTH // (KEYS_A_ROW + 1)
    return table(rows, (width, look.TEXT_WIDTH - 2 * width, width), KEYS)


def write_solutions(pages: Pages, paper: Paper) -> None:
    """The solutions of every section that has some."""
    sections = [s for s in paper.sections if any(map(_is_explained, s.questions))]
    if sections:
        pages.add(run(pages.words["explained"]), style="Apart")
    for section in sections:
        if title := pages.title(section):
            pages.add(run(title), style="Part")
        for question in section.questions:
            if _is_explained(question):
                answer = words_in(question.item.metadata.language)["answer"]
                told = run(f"{question.label} ", BOLD) + run(f"{answer}: {question.key}. ")
                pages.lines(question.item.explanation, question.item, first=told)


def _rows(questions: Sequence[Question]) -> Iterator[Sequence[Question]]:
    """Rows of a table of keys: numbers that follow each other, so many as have room."""
    row: list[Question] = []
    for question in questions:
        if row and (len(row) == KEYS_A_ROW or question.number != row[-1].number + 1):
            yield row
            row = []
        row.append(question)
    if row:
        yield row


def _is_explained(question: Question) -> bool:
    """Whether its solution stands among the solutions, and not with its key."""
    return bool(question.item.explanation) and is_read(question.item)
