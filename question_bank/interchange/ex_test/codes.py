"""What the comments beside an item tell of it: `%[2D1H3-1]%[Nguyễn Văn A]`.

What a code says is read by `question_bank.item_code`; notes on where an item comes from are its
source.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from question_bank.item_code import CODE, with_code
from question_bank.key_records import MAX_NAME
from question_bank.metadata import LEVELS, ItemMetadata, Level

_OTHER_CODE = re.compile(r"(?=[^-]*\d)[0-9A-Z]{2,}(?:[-.][0-9A-Z.]+)+")
_WORDS: dict[str, Level] = {"NB": "N", "TH": "H", "VD": "V", "VDC": "C"}
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
# Notes on where an item comes from; what else stands in brackets is its author.
_SOURCE = re.compile(
    r"\b(dự án|nguồn|đề|thi thử|ex[-_ ]?\d+|sở|thpt|thcs|kntt|ctst|sgk|sbt|câu|id|\d{4})\b|^trường",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Told:
    """The metadata, and the notes that no field of it takes."""

    metadata: ItemMetadata
    notes: tuple[str, ...]


def read_comments(comments: Sequence[str], language: str) -> Told:
    """What the bracketed comments of one item say."""
    code = author = ""
    level: Level | None = None
    sources: list[str] = []
    notes: list[str] = []
    for comment in comments:
        for note in (found.strip() for found in _BRACKET.findall(comment)):
            if note in _WORDS or note in LEVELS:
                level = level or _WORDS.get(note) or next(one for one in LEVELS if one == note)
            elif CODE.fullmatch(note) or _OTHER_CODE.fullmatch(note):
                if code:
                    notes.append(note)
                code = code or note
            elif _SOURCE.search(note):
                sources.append(note)
            elif note and note != "?":
                if author:
                    notes.append(note)
                author = author or note
    source = "; ".join(sources)
    if len(author) > MAX_NAME or len(source) > MAX_NAME:
        notes += [one for one in (author, source) if len(one) > MAX_NAME]
    coded = with_code(
        ItemMetadata(
            code=code, language=language, author=author[:MAX_NAME], source=source[:MAX_NAME]
        )
    )
    return Told(replace(coded, level=coded.level or level), tuple(notes))
