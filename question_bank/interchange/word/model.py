"""A Word document as its readers see it: paragraphs and tables of text, pictures and formulas.

The unit of all searching is the `Strip`: a flat row of pieces with one text, in which a picture,
formula or table counts as one character (`OBJECT`), so that what a pattern finds in the text can
be cut out of the pieces.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from question_bank.content import plain_text
from question_bank.item import Media

# Unicode's own OBJECT REPLACEMENT CHARACTER.
OBJECT = "\ufffc"


@dataclass(frozen=True, slots=True)
class Mark:
    """How characters look. `colour` and `highlight` are empty where they are the page's own."""

    bold: bool = False
    italic: bool = False
    underline: bool = False
    script: str = ""  # "sub" or "sup"
    colour: str = ""
    highlight: str = ""


PLAIN = Mark()


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that look alike; a line break is `\\n`, a tab `\\t`."""

    text: str
    mark: Mark = PLAIN


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with its bytes."""

    media: Media


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as MathML, whose alttext is its LaTeX; its look where it has one of its own."""

    mathml: str
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table that belongs to a text: rows of cells."""

    rows: tuple[tuple["Strip", ...], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of the question stands: a gap to fill."""

    name: str


Piece = Text | Picture | Formula | Grid | Place


@dataclass(frozen=True)
class Strip:
    """A flat row of pieces."""

    pieces: tuple[Piece, ...] = ()

    @cached_property
    def text(self) -> str:
        """One character for every object; positions in it are those of `cut`."""
        return "".join(p.text if isinstance(p, Text) else OBJECT for p in self.pieces)

    @cached_property
    def _ends(self) -> list[int]:
        """Where in the text each piece ends."""
        return list(accumulate(map(_length, self.pieces)))

    def cut(self, start: int, stop: int | None = None) -> "Strip":
        """The pieces between two positions of the text."""
        stop = len(self.text) if stop is None else stop
        kept: list[Piece] = []
        for place in range(bisect_right(self._ends, max(start, 0)), len(self._ends)):
            length = _length(piece := self.pieces[place])
            at = self._ends[place] - length
            if at >= stop:
                break
            first, last = max(start - at, 0), min(stop - at, length)
            if first < last:
                inside = isinstance(piece, Text) and last - first < length
                kept.append(_part(piece, first, last) if inside else piece)
        return Strip(tuple(kept))

    def trimmed(self) -> "Strip":
        """Without white space at both ends."""
        left = len(self.text) - len(self.text.lstrip())
        return self.cut(left, max(left, len(self.text.rstrip())))

    def lines(self) -> "list[Strip]":
        """Cut at every line break, in one pass: a solution may have thousands of them."""
        lines: list[list[Piece]] = [[]]
        for piece in self.pieces:
            if not isinstance(piece, Text):
                lines[-1].append(piece)
                continue
            first, *others = piece.text.split("\n")
            lines[-1] += _shortened(piece, first)
            lines += (_shortened(piece, text) for text in others)
        return [Strip(tuple(line)) for line in lines] if len(lines) > 1 else [self]

    def marks(self, start: int = 0, stop: int | None = None) -> Iterator[Mark]:
        """How each visible piece in between looks that has a look."""
        for piece in self.cut(start, stop).pieces:
            shown = isinstance(piece, Formula) or (isinstance(piece, Text) and piece.text.strip())
            if shown and isinstance(piece, Text | Formula) and piece.mark is not None:
                yield piece.mark

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing but white space."""
        return not self.text.strip()

    def pictures(self) -> Iterator[Media]:
        """All pictures, those in tables too."""
        for piece in self.pieces:
            if isinstance(piece, Picture):
                yield piece.media
            elif isinstance(piece, Grid):
                for row in piece.rows:
                    for cell in row:
                        yield from cell.pictures()


def _length(piece: Piece) -> int:
    return len(piece.text) if isinstance(piece, Text) else 1


def _shortened(piece: Text, text: str) -> list[Piece]:
    """The part of a piece that one line has of it; nothing where that is empty."""
    if text == piece.text:
        return [piece] if text else []
    return [Text(text, piece.mark)] if text else []


def _part(piece: Piece, first: int, last: int) -> Piece:
    return Text(piece.text[first:last], piece.mark) if isinstance(piece, Text) else piece


def words_of(strip: Strip) -> str:
    """The strip in words for a message: objects by their kind, tables by their cells."""
    parts = []
    for piece in strip.pieces:
        match piece:
            case Text(text=text):
                parts.append(text)
            case Picture(media=media):
                parts.append(f"[{media.id}]")
            case Formula(mathml=mathml):
                parts.append(plain_text(mathml))
            case Place():
                parts.append("____")
            case Grid(rows=rows):
                parts.append(" | ".join(words_of(cell) for row in rows for cell in row))
    return " ".join("".join(parts).split())


def joined(strips: Iterable[Strip], separator: str = "\n") -> Strip:
    """One strip of many."""
    pieces: list[Piece] = []
    for strip in strips:
        if pieces:
            pieces.append(Text(separator))
        pieces.extend(strip.pieces)
    return Strip(tuple(pieces))


def merged(pieces: Iterable[Piece]) -> Strip:
    """A strip in which neighbours that look alike are one piece."""
    kept: list[Piece] = []
    for piece in pieces:
        last = kept[-1] if kept else None
        if isinstance(piece, Text) and isinstance(last, Text) and piece.mark == last.mark:
            kept[-1] = Text(last.text + piece.text, last.mark)
        else:
            kept.append(piece)
    return Strip(tuple(kept))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `number` counts all of the document's paragraphs from 1."""

    number: int
    strip: Strip


@dataclass(frozen=True, slots=True)
class Cell:
    """A table's cell; its own blocks."""

    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `number` is the first paragraph's in it. `style`: what a document of our own says
    that it is (`names.DATA`, `names.KEYS`); empty in any other."""

    number: int
    rows: tuple[tuple[Cell, ...], ...]
    style: str = ""


Block = Paragraph | Table


def strip_of(blocks: Iterable[Block]) -> Strip:
    """All blocks as one strip: paragraphs as lines, tables as grids."""
    return joined(
        block.strip if isinstance(block, Paragraph) else grid_of(block) for block in blocks
    )


def grid_of(table: Table) -> Strip:
    """A table as one object."""
    rows = tuple(tuple(strip_of(cell.blocks).trimmed() for cell in row) for row in table.rows)
    return Strip((Grid(rows),))
