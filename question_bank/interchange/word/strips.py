"""Content as a strip of text, pictures, formulas and tables: what a Word document can say of it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from lxml import etree

from question_bank.content import parse
from question_bank.interchange.markup import children, name_of
from question_bank.interchange.word.model import (
    PLAIN,
    Formula,
    Grid,
    Mark,
    Picture,
    Piece,
    Strip,
    Text,
    merged,
)
from question_bank.item import Media

_BLOCKS = frozenset(("p", "div", "ul", "ol", "li", "table", "blockquote", "pre"))


class Reading:
    """Reads the content of one item. `lost`: what no document says; `widths` and `alts`: those of
    pictures, by their ids."""

    def __init__(self, media: Mapping[str, Media]) -> None:
        self._media = media
        self.lost: set[str] = set()
        self.widths: dict[str, int] = {}
        self.alts: dict[str, str] = {}

    def strip(self, fragment: str) -> Strip:
        """The fragment's lines."""
        root = parse(fragment)
        pieces = [*self._inside(root, PLAIN)]
        return merged(_without_empty_lines(pieces)).trimmed()

    def _inside(self, parent: etree._Element, mark: Mark) -> Iterator[Piece]:
        yield from _words(parent.text, mark)
        for place, node in enumerate(parent):
            yield from self._node(node, mark, place + 1)
            yield from _words(node.tail, mark)

    def _node(self, node: etree._Element, mark: Mark, place: int) -> Iterator[Piece]:
        name = name_of(node)
        if name == "audio":
            self.lost.add("a sound")
        match name:
            case "math":
                yield Formula(_alone(node))
            case "br":
                yield Text("\n")
            case "img":
                yield from self._picture(node)
            case "table":
                yield from (Text("\n"), self._grid(node), Text("\n"))
            case "li":
                parent = node.getparent()
                ordered = parent is not None and name_of(parent) == "ol"
                yield Text(f"\n{place}) " if ordered else "\n– ")
                yield from self._inside(node, mark)
                yield Text("\n")
            case _ if name in _BLOCKS:
                yield Text("\n")
                yield from self._inside(node, mark)
                yield Text("\n")
            case _:
                yield from self._inside(node, _marked(mark, name))

    def _picture(self, node: etree._Element) -> Iterator[Piece]:
        name = str(node.get("src", "")).removeprefix("media:")
        if node.get("width"):
            self.widths[name] = int(str(node.get("width")))
        if node.get("alt"):
            self.alts[name] = str(node.get("alt"))
        if name in self._media:
            yield Picture(self._media[name])
        else:
            self.lost.add("a picture that is not there")

    def _grid(self, table: etree._Element) -> Grid:
        rows = []
        for row in table.iter("tr"):
            cells = []
            for cell in children(row, "td", "th"):
                mark = Mark(bold=True) if name_of(cell) == "th" else PLAIN
                inside = merged(_without_empty_lines([*self._inside(cell, mark)])).trimmed()
                cells.append(inside)
            rows.append(tuple(cells))
        return Grid(tuple(rows))


def _words(text: str | None, mark: Mark) -> Iterator[Piece]:
    if text:
        yield Text(text.replace("\n", " ").replace("\t", " "), mark)


def _marked(mark: Mark, name: str) -> Mark:
    match name:
        case "b" | "strong":
            return replace(mark, bold=True)
        case "i" | "em":
            return replace(mark, italic=True)
        case "u":
            return replace(mark, underline=True)
        case "sub" | "sup":
            return replace(mark, script=name)
        case _:
            return mark


def _alone(math: etree._Element) -> str:
    tail, math.tail = math.tail, None
    written = etree.tostring(math, encoding="unicode")
    math.tail = tail
    return str(written)


def _without_empty_lines(pieces: list[Piece]) -> list[Piece]:
    """Lines are parted once, however many blocks begin and end there."""
    kept: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Text) and piece.text.startswith("\n"):
            while kept and isinstance(kept[-1], Text) and not kept[-1].text.strip():
                kept.pop()
            if not kept:
                piece = Text(piece.text.lstrip("\n"), piece.mark)
        if not isinstance(piece, Text) or piece.text:
            kept.append(piece)
    return kept
