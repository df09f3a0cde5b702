"""What an item says about itself: `qtimetadata` fields, `qmd_*`, Blackboard's `bbmd_*`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lxml import etree

from question_bank.interchange.levels import level_named, process_named
from question_bank.interchange.markup import attribute, child, children, line_of, name_of, text_of
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti12.conditions import number_of
from question_bank.item_code import with_code
from question_bank.metadata import ItemMetadata

MAX_FIELD = 200
_POINTS = ("points_possible", "qmd_absolutescore_max", "qmd_weighting", "cc_weighting", "weighting")
_TYPES = ("question_type", "qmd_itemtype", "bbmd_questiontype", "cc_profile", "itemtype", "type")
# Which of the bank's fields a label of the file is for; what stands first wins.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "subject": ("subject", "qmd_subject", "môn", "môn học"),
    "grade": ("grade", "qmd_grade", "lớp"),
    "topic": ("topic", "qmd_topic", "category", "cc_question_category", "chủ đề"),
    "code": ("code", "mã"),
    "language": ("language", "qmd_language"),
    "author": ("author", "qmd_author", "tác giả"),
    "source": ("source", "qmd_source", "nguồn"),
}
_LEVEL = ("bloom", "level", "qmd_levelofdifficulty", "mức độ", "difficulty")
# Of the systems' own housekeeping; an exam has no use for it.
_PASSED = re.compile(
    r"(qmd_|bbmd_|cc_|assessment_question_|original_answer_ids|calculator_type|"
    r"is_vertical|maxattempts|toolvendor|computerscored|renderingtype|responsetype|status)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """The metadata, and what a reader must know of them. `points`: None where nothing is said."""

    metadata: ItemMetadata = field(default_factory=ItemMetadata)
    points: Decimal | None = None
    kind: str = ""
    in_percent: bool = False

    @property
    def is_essay(self) -> bool:
        return "essay" in self.kind or "short response" in self.kind

    @property
    def has_blanks(self) -> bool:
        """Whether responses stand where the text says `[name]`."""
        return (
            "dropdown" in self.kind or self.is_typed_blanks or "fill in the blank plus" in self.kind
        )

    @property
    def is_typed_blanks(self) -> bool:
        """Whether the labels of a response are what may be typed there."""
        return "multiple_blanks" in self.kind


def fields_of(element: etree._Element) -> dict[str, str]:
    """All fields of an item, a section or an assessment, by label in small letters."""
    found: dict[str, str] = {}
    for holder in children(element, "itemmetadata", "qtimetadata", "assessmentmetadata",
                           "sectionmetadata"):  # fmt: skip
        for node in holder.iter():
            name = name_of(node).lower()
            if name == "qtimetadatafield":
                label = text_of(child(node, "fieldlabel")).lower()
                found.setdefault(label, text_of(child(node, "fieldentry")))
            elif name.startswith(("qmd_", "bbmd_")):
                found.setdefault(name, text_of(node))
    return found


def told_of(item: etree._Element, log: ProblemLog) -> Told:
    """What the item says; a field that nothing here is for is a warning."""
    fields = fields_of(item)
    taken = {
        name: next((fields[label][:MAX_FIELD] for label in labels if fields.get(label)), "")
        for name, labels in _FIELDS.items()
    }
    level = next((fields[label] for label in _LEVEL if fields.get(label)), "")
    known, process = level_named(level), process_named(level)
    known_labels = {
        label for labels in (*_FIELDS.values(), _LEVEL, _POINTS, _TYPES) for label in labels
    }
    for label, value in fields.items():
        if value and label not in known_labels and not _PASSED.match(label):
            message = f"{label[:60]!r} ({value[:60]!r}) is not understood and was left out"
            log.warning(line_of(item), "qtimetadatafield", message)
    if level and known is None and process is None:
        message = f"{level[:40]!r} is no level that is known and was left out"
        log.warning(line_of(item), "qtimetadatafield", message)
    points = next((n for label in _POINTS if (n := number_of(fields.get(label, "")))), None)
    language = taken["language"] or attribute(item, "{http://www.w3.org/XML/1998/namespace}lang")
    return Told(
        with_code(
            ItemMetadata(
                subject=taken["subject"],
                grade=taken["grade"],
                topic=taken["topic"],
                level=known,
                code=taken["code"] or attribute(item, "title")[:MAX_FIELD],
                language=language,
                author=taken["author"],
                bloom=process,
                source=taken["source"],
            )
        ),
        points if points is not None and points > 0 else None,
        " ".join(fields.get(label, "") for label in _TYPES).lower().strip(),
        any(label in fields for label in ("question_type", "cc_profile")),
    )
