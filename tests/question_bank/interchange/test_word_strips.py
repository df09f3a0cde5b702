"""The strip of pieces that Word's readers search in."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word import scan
from question_bank.interchange.word.drafts import LOOKED_BACK
from question_bank.interchange.word.lines import Line
from question_bank.interchange.word.model import OBJECT, Grid, Mark, Piece, Place, Strip, Text
from question_bank.interchange.word.options import Choice, choices_in
from question_bank.interchange.word.scan import Scanner

TEXTS = st.builds(
    Text,
    st.text("ab \n\t", max_size=6),
    st.sampled_from([Mark(), Mark(bold=True)]),
)
PIECES = st.one_of(TEXTS, st.sampled_from([Place("g1"), Grid(())]))


@given(st.lists(PIECES, max_size=8))
def test_lines_are_the_cuts_between_line_breaks(pieces: list[Piece]) -> None:
    strip = Strip(tuple(pieces))
    breaks = [-1, *(at for at, sign in enumerate(strip.text) if sign == "\n"), len(strip.text)]
    cuts = [strip.cut(before + 1, at) for before, at in pairwise(breaks)]
    assert strip.lines() == (cuts if len(cuts) > 1 else [strip])


@given(st.lists(PIECES, max_size=8), st.integers(-2, 12), st.integers(-2, 12))
def test_a_cut_is_what_the_text_has_between_two_positions(
    pieces: list[Piece], start: int, stop: int
) -> None:
    strip = Strip(tuple(pieces))
    signs = [(sign, getattr(piece, "mark", piece)) for piece in pieces
             for sign in (piece.text if isinstance(piece, Text) else OBJECT)]  # fmt: skip
    cut = [(sign, getattr(piece, "mark", piece)) for piece in strip.cut(start, stop).pieces
           for sign in (piece.text if isinstance(piece, Text) else OBJECT)]  # fmt: skip
    assert cut == signs[max(start, 0) : max(stop, 0)]


class _Watched(tuple[Piece, ...]):
    """Pieces that count how often one of them is looked at."""

    looks = 0

    def __getitem__(self, place: Any) -> Any:
        self.looks += 1
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[Piece]:
        for piece in super().__iter__():
            self.looks += 1
            yield piece


def test_each_piece_is_looked_at_as_often_in_a_long_strip_as_in_a_short_one() -> None:
    """A solution of 1,500 lines looked at its pieces 1,500 times."""

    def looks(lines: int) -> int:
        watched = _Watched(piece for _ in range(lines) for piece in (Text("x"), Text("\n")))
        assert len(Strip(watched).lines()) == lines + 1
        return watched.looks

    assert looks(1500) == 100 * looks(15)


def test_the_options_of_a_long_strip_cost_each_piece_no_more_looks_than_of_a_short_one() -> None:
    """A question of 500 lines that begin like options took a minute and a half."""

    def looks(lines: int) -> int:
        watched = _Watched(piece for _ in range(lines) for piece in (Text("A. x"), Text("\n")))
        choices_in(Strip(watched))
        return watched.looks

    assert looks(600) < 11 * looks(60)


@pytest.mark.parametrize("line", ["Đọc đoạn văn", "A. Trắc nghiệm", "Đáp án", "1-a, 2-b"])
def test_a_question_without_end_is_looked_through_once(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each such line asks for the options before it, and looked for them in all that was there."""
    read = 0

    def counted(strip: Strip) -> tuple[Choice, ...]:
        nonlocal read
        read += len(strip.pieces)
        return ()

    monkeypatch.setattr(scan, "choices_in", counted)
    lines = 5 * LOOKED_BACK
    entries = [Line(1, Strip((Text("Câu 1. Hỏi"),)))]
    entries += [Line(place, Strip((Text(line),))) for place in range(2, lines)]
    Scanner(ProblemLog("de.docx")).read(entries)
    assert read <= 2 * LOOKED_BACK * lines
