"""The codes that Vietnamese writers of Maths items put beside them: 2D1H3-1.

Six signs, as the community of `ex_test` uses them: class, branch, chapter, level, lesson, and the
form of the exercise after a hyphen. A class 0, 1, 2 is grade 10, 11, 12; 6 to 9 are themselves.
Branches: D (đại số, giải tích, thống kê, xác suất), H (hình học), C (chuyên đề). Levels: N, H, V,
C.
What is not in these tables stays unread in the code: older letters of levels (Y, B, K, G) are
told differently by different sources, and other subjects have branches of their own.
"""

import re
from dataclasses import dataclass, replace

from question_bank.metadata import LEVELS, ItemMetadata, Level

CODE = re.compile(r"(1[0-2]|\d)([A-Z])(\d)([A-Z])(\d|[A-Z])?(?:-(\d+|[A-Z]))?")
_PLAIN = ("6", "7", "8", "9", "10", "11", "12")
GRADES = {"0": "10", "1": "11", "2": "12"} | dict(zip(_PLAIN, _PLAIN, strict=True))
SUBJECTS = dict.fromkeys("DHC", "Toán")


@dataclass(frozen=True, slots=True)
class ItemCode:
    """A code's parts; empty or None where it does not say, or the tables do not know it.

    `chapter` is the code of the chapter in a topic tree: 2D1.
    """

    subject: str
    grade: str
    chapter: str
    level: Level | None
    lesson: str
    form: str


def read_code(text: str) -> ItemCode | None:
    """The parts of a code; None for a text that is none."""
    match = CODE.fullmatch(text)
    if match is None:
        return None
    digit, branch, chapter, letter, lesson, form = match.groups(default="")
    return ItemCode(
        subject=SUBJECTS.get(branch, ""),
        grade=GRADES.get(digit, ""),
        chapter=f"{digit}{branch}{chapter}",
        level=next((level for level in LEVELS if level == letter), None),
        lesson=lesson,
        form=form,
    )


def with_code(metadata: ItemMetadata) -> ItemMetadata:
    """What the metadata's own code tells, where nothing else did."""
    read = read_code(metadata.code)
    if read is None:
        return metadata
    return replace(
        metadata,
        subject=metadata.subject or read.subject,
        grade=metadata.grade or read.grade,
        topic=metadata.topic or read.chapter,
        level=metadata.level or read.level,
    )
