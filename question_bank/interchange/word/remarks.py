"""What a question's label tells beside its number: level, code, points; and names as ids."""

import re
import unicodedata
from decimal import Decimal

from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word.drafts import Draft
from question_bank.interchange.word.phrases import CODE, LEVELS, POINTS
from question_bank.item_code import with_code
from question_bank.metadata import ItemMetadata, Level

QUOTE = 80
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def metadata_of(draft: Draft, subject: str, log: ProblemLog) -> ItemMetadata:
    """What label and level column tell; a remark that is not understood is reported."""
    words = f"{draft.remark} {draft.level}".strip()
    code = CODE.search(words)
    level = _level(code[1] if code is not None else words)
    if words and code is None and level is None and points_of(draft) is None:
        log.warning(draft.paragraph, "remark", f"is left out: {words[:QUOTE]!r}")
    told = ItemMetadata(
        subject=subject,
        level=level,
        code=code[0] if code else "",
        language="en" if draft.word.lower().startswith("q") else "vi",
    )
    return with_code(told)


def points_of(draft: Draft) -> Decimal | None:
    """The points that a label tells: "(0,5 điểm)"."""
    said = POINTS.search(draft.remark)
    return None if said is None else Decimal(said["points"].replace(",", "."))


def _level(words: str) -> Level | None:
    """The level that a letter or word names: "H", "TH", "Thông hiểu"."""
    named = unicodedata.normalize("NFC", words).lower()
    for name in sorted(LEVELS, key=len, reverse=True):
        if re.search(rf"(?<!\w){name}(?!\w)", named):
            return LEVELS[name]
    return None


def safe_name(name: str) -> str:
    """A name in the letters that ids are made of: "Đề thi" is "De-thi"."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _UNSAFE.sub("-", bare).strip("-.")
