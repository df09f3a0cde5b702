"""Tables to match: "Cột A" with numbers, "Cột B" with letters, the key as "1-c, 2-a, 3-b"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from question_bank.interactions import Match, Piece
from question_bank.interchange.word.fragments import content_of
from question_bank.interchange.word.model import Grid, Strip, joined
from question_bank.interchange.word.phrases import pattern
from question_bank.keys import PairsKey

_COLUMN_A = pattern(r"\W*(?:cột|column)\s*(?:A|I|1)(?!\w).{0,60}")
_COLUMN_B = pattern(r"\W*(?:cột|column)\s*(?:B|II|2)(?!\w).{0,60}")
_NUMBER = re.compile(r"\s*(\d{1,2})\s*[.):]\s*")
_LETTER = re.compile(r"\s*([a-hA-H])\s*[.):]\s*")
_SIGN = r"\s*(?:[-–—→:=.)]+>?|nối\s+với|với)\s*"
_PAIR = pattern(rf"(?<!\w)(?P<number>\d{{1,2}}){_SIGN}(?P<letter>[a-h])(?!\w)")
#: A line that is nothing but such a key.
PAIRING = pattern(
    rf"\W*(?:(?:đáp\s*án|trả\s*lời|kết\s*quả|key|answers?|nối)(?!\w)\W*)?"
    rf"\d{{1,2}}{_SIGN}[a-h](?:[\s,;|]+\d{{1,2}}{_SIGN}[a-h])+\W*"
)


@dataclass(frozen=True, slots=True)
class Matching:
    """What is matched with what, and the key."""

    interaction: Match
    key: PairsKey


def is_matching(grid: Sequence[Sequence[Strip]]) -> bool:
    """Whether a table has the columns A and B, by its first row."""
    if len(grid) < 2 or not 2 <= len(grid[0]) <= 3:
        return False
    first, second = grid[0][0].text, grid[0][1].text
    return bool(_COLUMN_A.fullmatch(first) and _COLUMN_B.fullmatch(second))


def table_in(body: Strip) -> Grid | None:
    """The table to match that a question has; None where it has none, or several."""
    found = [p for p in body.pieces if isinstance(p, Grid) and is_matching(p.rows)]
    return found[0] if len(found) == 1 else None


def matching_of(grid: Grid, told: Sequence[str]) -> Matching | None:
    """The pieces of the table and the pairs that the first of `told` says that has one for every
    number; None where the table or the key leaves anything open."""
    left = _labelled([row[0] for row in grid.rows[1:] if row], _NUMBER)
    right = _labelled([row[1] for row in grid.rows[1:] if len(row) > 1], _LETTER)
    if left is None or right is None or len(left) < 2 or len(right) < 2:
        return None
    third = " ".join(row[2].text for row in grid.rows[1:] if len(row) > 2)
    letters = [name.lower() for name, _ in right]
    for text in (*told, third):
        pairs = [(m["number"], m["letter"].lower()) for m in _PAIR.finditer(text)]
        whole = [number for number, _ in pairs] == [name for name, _ in left]
        if whole and {letter for _, letter in pairs} <= set(letters):
            return _made(left, right, pairs)
    return None


def _made(
    left: Sequence[tuple[str, Strip]],
    right: Sequence[tuple[str, Strip]],
    pairs: Sequence[tuple[str, str]],
) -> Matching:
    sources = tuple(Piece(f"s{name}", content_of(strip)) for name, strip in left)
    targets = tuple(Piece(f"t{name.lower()}", content_of(strip), most=0) for name, strip in right)
    key = PairsKey(tuple((f"s{number}", f"t{letter}") for number, letter in pairs))
    return Matching(Match(sources, targets, len(sources)), key)


def _labelled(cells: Sequence[Strip], label: re.Pattern[str]) -> list[tuple[str, Strip]] | None:
    """(label, content) of all entries of a column; None where one has no label, or two the
    same."""
    entries: list[tuple[str, list[Strip]]] = []
    for line in (line for cell in cells for line in cell.lines() if not line.is_blank):
        found = label.match(line.text)
        if found is not None:
            entries.append((found[1], [line.cut(found.end())]))
        elif entries:
            entries[-1][1].append(line)
        else:
            return None
    names = [name.lower() for name, _ in entries]
    if len(set(names)) != len(names):
        return None
    return [(name, joined(lines).trimmed()) for name, lines in entries]
