"""The document as a row of entries: lines, rows of question tables, tables of answers.

A table is one of four: answers; questions, one a row; a mere arrangement of lines (options in
cells, a figure beside its text); or data that belongs to a question and stays a table.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from question_bank.interchange.word.answers import Answer, answers_in_grid
from question_bank.interchange.word.matching import is_matching
from question_bank.interchange.word.model import (
    Block,
    Cell,
    Paragraph,
    Strip,
    Table,
    Text,
    grid_of,
    joined,
    strip_of,
)
from question_bank.interchange.word.names import DATA, KEYS
from question_bank.interchange.word.options import choices_in, statements_in
from question_bank.interchange.word.phrases import QUESTION, SHARED, pattern
from question_bank.interchange.word.roles import Role, roles_of

_LABELLED = pattern(r"\s*(?:[(\[*]\s*)?(?:[A-DАВС]|[a-d])\s?[.):]")
_TRUE_HEADER = pattern(r"\W*(?:đúng|đ|true)\W*")
_FALSE_HEADER = pattern(r"\W*(?:sai|s|false)\W*")
_TRUTH = pattern(r"đúng|sai|đ|s|true|false|t|f")
_CROSS = pattern(r"\s*[x✓✔☑☒✗√*]\s*")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text with its paragraph's number."""

    number: int
    strip: Strip


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A row of a question table: what its cells are for."""

    number: int
    cells: tuple[tuple[Role, Strip], ...]


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """A table of answers, e.g. at a paper's end."""

    number: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class KeyTable:
    """A table of a document of our own: (number, what its row says)."""

    rows: tuple[tuple[str, Strip], ...]


Entry = Line | QuestionRow | AnswerTable | KeyTable
Grid = Sequence[Sequence[Strip]]


def entries_of(blocks: Iterable[Block]) -> Iterator[Entry]:
    """All entries of the document, in order."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from (Line(block.number, strip) for strip in block.strip.lines())
        else:
            yield from _table(block)


def strip_of_cell(blocks: Iterable[Block]) -> Strip:
    """A cell as one strip: nested tables are lines where they only arrange, else stay tables."""
    return joined(entry.strip for entry in _only_lines(blocks))


def _only_lines(blocks: Iterable[Block]) -> Iterator[Line]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from (Line(block.number, strip) for strip in block.strip.lines())
        elif block.style == DATA:
            yield Line(block.number, grid_of(block))
        else:
            yield from _arranged(
                block, [[strip_of_cell(c.blocks) for c in row] for row in block.rows]
            )


def _table(table: Table) -> Iterator[Entry]:
    if table.style == DATA:
        yield Line(table.number, grid_of(table))
        return
    if table.style == KEYS:
        yield KeyTable(tuple(_row_of(row) for row in table.rows[1:]))
        return
    grid = [[strip_of_cell(cell.blocks) for cell in row] for row in table.rows]
    texts = [[strip.text for strip in row] for row in grid]
    if is_matching(grid):
        yield Line(table.number, grid_of(table))
        return
    if answers := answers_in_grid(texts):
        yield AnswerTable(table.number, answers)
        return
    roles = roles_of(grid)
    if roles is None:
        yield from _arranged(table, grid)
        return
    number = table.number
    for place, (row, cells) in enumerate(zip(grid, table.rows, strict=True)):
        if place >= roles.first:
            named = tuple(zip(roles.columns, row, strict=False))
            question = joined(strip for role, strip in named if role is Role.QUESTION)
            if len(row) == len(roles.columns) and not question.is_blank:
                yield QuestionRow(number, named)
            else:
                yield from _cell_lines(number, row)
        number += sum(_paragraphs(cell.blocks) for cell in cells)


def _row_of(row: Sequence[Cell]) -> tuple[str, Strip]:
    cells = [strip_of(cell.blocks).trimmed() for cell in row]
    return (cells[0].text.strip(), joined(cells[1:])) if cells else ("", Strip())


def _cell_lines(number: int, row: Sequence[Strip]) -> Iterator[Line]:
    for strip in row:
        yield from (Line(number, line) for line in strip.lines() if not line.is_blank)


def _paragraphs(blocks: Iterable[Block]) -> int:
    return sum(
        1
        if isinstance(block, Paragraph)
        else sum(_paragraphs(cell.blocks) for row in block.rows for cell in row)
        for block in blocks
    )


def _arranged(table: Table, grid: Grid) -> Iterator[Line]:
    """The table's lines where it only arranges them, else the table as one object."""
    if key := _truths_below_names(grid):
        yield Line(table.number, Strip((Text(key),)))
        return
    if not _only_arranges(grid):
        yield Line(table.number, grid_of(table))
        return
    truths = _truth_columns(grid)
    number = table.number
    for row, cells in zip(grid, table.rows, strict=True):
        if truths is not None:
            yield from _truth_row(number, row, truths)
        elif all("\n" not in strip.text.strip() for strip in row):
            yield Line(number, joined((s.trimmed() for s in row if not s.is_blank), "\t"))
        else:
            yield from _cell_lines(number, row)
        number += sum(_paragraphs(cell.blocks) for cell in cells)


def _only_arranges(grid: Grid) -> bool:
    cells = [strip for row in grid for strip in row if not strip.is_blank]
    labelled = sum(bool(_LABELLED.match(strip.text)) for strip in cells)
    whole = any(
        QUESTION.match(line.text) or SHARED.match(line.text)
        for strip in cells
        for line in strip.lines()
    )
    inside = any(len(choices_in(strip)) > 2 or len(statements_in(strip)) > 2 for strip in cells)
    bare = [strip.text.strip() for row in grid for strip in row[:1]]
    alone = len(bare) >= 4 and [t.rstrip(".):") for t in bare if len(t) <= 2][:4] == list("ABCD")
    single = len(cells) == 1 and len(grid) == 1  # a frame around a text
    return whole or inside or labelled >= 2 or alone or single


def _truths_below_names(grid: Grid) -> str:
    """The key that a small table below a cluster states: a b c d over Đ S Đ Đ."""
    if len(grid) != 2:
        return ""
    pairs = [
        (name.text.strip().rstrip(").:").lower(), truth.text.strip())
        for name, truth in zip(*grid, strict=False)
    ]
    named = [pair for pair in pairs if len(pair[0]) == 1 and _TRUTH.fullmatch(pair[1])]
    names = "".join(name for name, _ in named)
    if len(named) < 2 or names != "abcdefgh"[: len(named)] or len(pairs) - len(named) > 1:
        return ""
    return "Đáp án: " + " ".join(f"{name}) {truth}" for name, truth in named)


def _truth_columns(grid: Grid) -> tuple[int, int] | None:
    """The columns "Đúng" and "Sai" that the first row names."""
    header = [strip.text for strip in grid[0]] if grid else []
    true = next((i for i, text in enumerate(header) if _TRUE_HEADER.fullmatch(text)), None)
    false = next((i for i, text in enumerate(header) if _FALSE_HEADER.fullmatch(text)), None)
    return None if true is None or false is None else (true, false)


def _truth_row(number: int, row: Sequence[Strip], columns: tuple[int, int]) -> Iterator[Line]:
    true, false = columns
    texts = [strip.text for strip in row]
    if len(row) <= max(columns) or _TRUE_HEADER.fullmatch(texts[true]):
        return
    words = [strip.trimmed() for place, strip in enumerate(row) if place not in columns]
    line = joined((strip for strip in words if not strip.is_blank), " ")
    marked = [bool(_CROSS.fullmatch(texts[true])), bool(_CROSS.fullmatch(texts[false]))]
    if marked in ([True, False], [False, True]):
        line = joined((line, Strip((Text("Đúng" if marked[0] else "Sai"),))), "\t")
    yield Line(number, line)
