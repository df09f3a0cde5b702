"""Strips as content: the XHTML fragments that items are made of."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from xml.sax.saxutils import escape, quoteattr

from question_bank.content import clean
from question_bank.interchange.word.model import (
    Formula,
    Grid,
    Mark,
    Picture,
    Piece,
    Place,
    Strip,
    Text,
)


def content_of(strip: Strip, *, without: Collection[str] = ()) -> str:
    """The strip as content; one line stands alone, several are paragraphs. `without` names looks
    that told the key and must not be shown."""
    lines = [line.trimmed() for line in strip.trimmed().lines() if not line.is_blank]
    if len(lines) == 1 and not _has_grid(lines[0]):
        return clean("".join(_inline(lines[0].pieces, without)))
    return clean("".join(_line(line, without) for line in lines))


def _has_grid(line: Strip) -> bool:
    return any(isinstance(piece, Grid) for piece in line.pieces)


def _line(line: Strip, without: Collection[str]) -> str:
    """A paragraph; tables in it stand between paragraphs."""
    parts: list[str] = []
    inline: list[Piece] = []
    for piece in (*line.pieces, None):
        if piece is not None and not isinstance(piece, Grid):
            inline.append(piece)
            continue
        if not Strip(tuple(inline)).is_blank:
            parts.append(f"<p>{''.join(_inline(inline, without))}</p>")
        inline = []
        if piece is not None:
            parts.append(_table(piece))
    return "".join(parts)


def _table(grid: Grid) -> str:
    rows = (f"<tr>{''.join(f'<td>{content_of(c)}</td>' for c in row)}</tr>" for row in grid.rows)
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _inline(pieces: Collection[Piece], without: Collection[str]) -> Iterator[str]:
    for piece in pieces:
        match piece:
            case Text(text=text, mark=mark):
                yield _marked(escape(text.replace("\t", " ").replace("\n", " ")), mark, without)
            case Picture(media=media):
                yield f"<img src={quoteattr(f'media:{media.id}')}/>"
            case Formula(mathml=mathml):
                yield mathml
            case Place(name=name):
                yield f"<span data-part={quoteattr(name)}></span>"
            case Grid():
                yield _table(piece)


def _marked(text: str, mark: Mark, without: Collection[str]) -> str:
    shown = replace(
        mark,
        bold=mark.bold and "bold" not in without,
        underline=mark.underline and "underline" not in without,
    )
    if not text.strip() and not shown.underline:
        return text
    tags = [
        tag
        for tag, there in (
            ("b", shown.bold), ("i", shown.italic), ("u", shown.underline),
            (shown.script, bool(shown.script)),
        )
        if there
    ]  # fmt: skip
    return "".join(f"<{t}>" for t in tags) + text + "".join(f"</{t}>" for t in reversed(tags))
