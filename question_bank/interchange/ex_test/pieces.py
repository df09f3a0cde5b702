"""Rendered pieces, and how they become paragraphs and phrases."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or picture; empty: the end of a paragraph."""

    html: str


Piece = str | Block
BREAK = Block("")


def wrapped(tag: str, pieces: Sequence[Piece]) -> list[Piece]:
    """The words in an inline element; blocks inside stay as they are."""
    out: list[Piece] = []
    run: list[str] = []
    for piece in (*pieces, None):
        if isinstance(piece, str):
            run.append(piece)
            continue
        if run:
            words = "".join(run)
            out.append(f"<{tag}>{words}</{tag}>" if tag and words.strip() else words)
            run = []
        if piece is not None:
            out.append(piece)
    return out


def paragraphs(pieces: Sequence[Piece]) -> str:
    """The words as paragraphs, blocks between them."""
    out: list[str] = []
    run: list[str] = []
    for piece in (*pieces, BREAK):
        if isinstance(piece, str):
            run.append(piece)
            continue
        words = trimmed("".join(run))
        if words:
            out.append(f"<p>{words}</p>")
        run = []
        out.append(piece.html)
    return "".join(out)


def phrase(pieces: Sequence[Piece]) -> str:
    """The same without a paragraph around it where it is a single one."""
    html = paragraphs(pieces)
    inner = html.removeprefix("<p>").removesuffix("</p>")
    alone = html.startswith("<p>") and html.endswith("</p>") and "<p>" not in inner
    return inner if alone else html


def trimmed(words: str) -> str:
    """Without white space and line breaks around it, white space inside as single spaces."""
    words = " ".join(words.split(" ")).strip(" \n\t").replace("‘‘", "“").replace("’’", "”")
    while words.startswith("<br/>") or words.endswith("<br/>"):
        words = words.removeprefix("<br/>").removesuffix("<br/>").strip(" \n\t")
    return words
