"""Moodle's categories and tags as metadata.

A tag is a field where it says so (`level:V`, `lớp: 12`, `môn: Toán`), a level or a code where it is
one. `FIELDS` are the names that this project writes.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

from question_bank.item_code import CODE, with_code
from question_bank.metadata import LEVELS, Bloom, ItemMetadata, Level

#: The fields of the metadata that a tag `name:value` gives.
FIELDS = ("subject", "grade", "topic", "level", "code", "language", "author")
_NAMES: Mapping[str, str] = {
    **{name: name for name in FIELDS},
    "môn": "subject", "môn học": "subject", "lớp": "grade", "khối": "grade", "chủ đề": "topic",
    "mức độ": "level", "mức": "level", "mã": "code", "ngôn ngữ": "language", "tác giả": "author",
    "nguồn": "source", "source": "source",
}  # fmt: skip
_LEVELS: Mapping[str, Level] = {
    **{level.lower(): level for level in LEVELS},
    "nb": "N", "nhận biết": "N", "th": "H", "thông hiểu": "H", "vd": "V", "vận dụng": "V",
    "vdc": "C", "vận dụng cao": "C",
}  # fmt: skip
_PLAIN = {"subject": 100, "grade": 20, "topic": 200, "code": 200, "language": 20, "author": 200,
          "source": 200}  # fmt: skip


def topic_of(category: str) -> str:
    """The topic that a category is: its path without the context and the name of its top."""
    path = [step.strip() for step in category.replace("//", "\0").split("/")]
    if path and re.fullmatch(r"\$\w+\$", path[0]):
        path = path[1:]
    if path and path[0] == "top":
        path = path[1:]
    return "/".join(step.replace("\0", "/") for step in path if step)


def metadata_of(topic: str, code: str, tags: Iterable[str]) -> tuple[ItemMetadata, list[str]]:
    """The metadata, and the tags that no field of it takes."""
    metadata = ItemMetadata(topic=topic[:200], code=code[:200])
    left = []
    for tag in (unicodedata.normalize("NFC", tag).strip() for tag in tags):
        told = _told(metadata, tag)
        if told is None:
            left.append(tag)
        else:
            metadata = told
    return metadata, left


def _told(metadata: ItemMetadata, tag: str) -> ItemMetadata | None:
    name, colon, value = (part.strip() for part in tag.partition(":"))
    field = _NAMES.get(name.lower()) if colon else None
    if field == "level" or field is None:
        spoken = value if field else tag
        # "c" alone may be anything; "C" is a level.
        level = _LEVELS.get(spoken.lower()) if field or len(tag) > 1 or tag in LEVELS else None
        if level is not None:
            return replace(metadata, level=level)
    if field is None and CODE.fullmatch(tag):
        return with_code(replace(metadata, code=tag))
    if name.lower() == "bloom":
        bloom = next((one for one in Bloom if one == value.lower()), None)
        return None if bloom is None else replace(metadata, bloom=bloom)
    most = _PLAIN.get(field or "")
    if most is None or not value or len(value) > most:
        return None
    fields: dict[str, str] = {str(field): value}
    return replace(metadata, **fields)  # type: ignore[arg-type]  # a text field of it
