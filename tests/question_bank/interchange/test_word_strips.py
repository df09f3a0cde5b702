"""The strip of pieces that Word's readers search in."""

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from question_bank.interchange.word.model import Grid, Mark, Piece, Place, Strip, Text

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


class _Watched(tuple[Piece, ...]):
    """Pieces that count how often one of them is looked at."""

    looks = 0

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
