"""The columns of a sheet, known by Vietnamese or English headings."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from question_bank.interchange.spreadsheet.cells import Cell, Sheet

LOOKED_AT = 40
MAX_HEADING = 120
_OPTION = re.compile(
    r"(?:(?:dap an|phuong an|lua chon|cau tra loi|option|answer|choice|alternative|y|menh de"
    r"|phat bieu|statement|pa) ?)([a-z]|\d{1,2})|([a-z])"
)
# After these words a heading only says how to fill it in: "Question - max 120 characters".
_REMARK = re.compile(r"\s*(?:\(|\[| - | – |:|\*|/).*", re.DOTALL)

#: Field → headings without diacritics; docs/import.md lists them.
_NAMES: Mapping[str, str] = {
    "number": "stt|tt|no|so|so tt|cau|cau so|so thu tu|order|number|question number|#",
    "id": "ma cau hoi|ma cau|id|item id|question id|identifier|dinh danh",
    "code": "ma|code|ma id|id6|ma nang luc|ma chuan|ma yeu cau can dat",
    "kind": "loai|loai cau|loai cau hoi|dang|dang cau hoi|kieu|kieu cau hoi|hinh thuc|type"
            "|question type|item type|kind|format",
    "question": "cau hoi|noi dung|noi dung cau hoi|de bai|cau dan|question|question text|stem"
                "|prompt|question stem",
    "key": "dap an|dap an dung|key|answer|answers|answer key|correct|correct answer"
           "|correct answers|phuong an dung|lua chon dung|ket qua|dap so|cau tra loi dung|da|keys",
    "points": "diem|so diem|thang diem|points|point|score|marks|mark|weight|trong so",
    "level": "muc do|muc|cap do|muc do nhan thuc|cap do nhan thuc|do kho|level|difficulty"
             "|cognitive level",
    "bloom": "bloom|muc do bloom|thang bloom|bloom level|cognitive process",
    "enemies": "cau ki|cau ky|cau ky nhau|khong di cung|enemies|enemy items",
    "subject": "mon|mon hoc|mon thi|subject",
    "grade": "lop|khoi|khoi lop|grade|class",
    "topic": "chu de|chuyen de|chuong|bai|bai hoc|topic|chapter|unit|category|lesson"
             "|noi dung kien thuc|don vi kien thuc|mach kien thuc",
    "explanation": "loi giai|giai thich|huong dan|huong dan giai|giai chi tiet|loi giai chi tiet"
                   "|explanation|solution|rationale|feedback|general feedback",
    "language": "ngon ngu|language",
    "author": "tac gia|nguoi soan|nguoi ra de|giao vien|author|writer",
    "source": "nguon|source",
    "passage": "ngu lieu|doan van|bai doc|tu lieu|van ban|passage|stimulus|reading passage|context"
               "|doan trich|ngu lieu chung",
    "picture": "hinh|hinh anh|anh|hinh ve|picture|image|figure|image link|media",
    "tolerance": "sai so|dung sai|tolerance|margin",
    "unit": "don vi|don vi do|units",
    "shuffle": "tron|dao|xao tron|tron phuong an|shuffle",
}  # fmt: skip
_FIELDS = {name: field for field, names in _NAMES.items() for name in names.split("|")}
_VIETNAMESE = re.compile(r"[ăâđêôơưàảãáạ]|[\u0300-\u036f]|[ạ-ỹ]|\bstt\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headings:
    """Which column holds what. `columns`: fields, and options as `option N` from 1."""

    row: int
    columns: Mapping[str, int]
    unknown: Mapping[int, str] = field(default_factory=dict)
    doubled: tuple[tuple[int, str], ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    is_vietnamese: bool = True

    @property
    def options(self) -> list[int]:
        """The columns of the options, in their order."""
        found = [(int(f[7:]), c) for f, c in self.columns.items() if f.startswith("option ")]
        return [column for _, column in sorted(found)]


def folded(text: str) -> str:
    """Small letters without diacritics, white space collapsed."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(bare.casefold().replace("_", " ").split())


def find_headings(sheet: Sheet) -> Headings | None:
    """The headings of a sheet: the first row, of the upper ones, that names a question and more."""
    for number, cells in list(sheet.rows.items())[:LOOKED_AT]:
        found = headings_in(number, cells)
        if found is not None:
            return found
    return None


def headings_in(number: int, cells: Mapping[int, Cell]) -> Headings | None:
    """The headings that a row is: a question, and a key, options or a kind. Else None."""
    columns: dict[str, int] = {}
    unknown: dict[int, str] = {}
    names: dict[int, str] = {}
    doubled = []
    counted = _counted(cells)
    for column, cell in sorted(cells.items()):
        text = " ".join(cell.text.split())
        if not text or len(text) > MAX_HEADING:
            continue
        names[column] = text
        name = f"option {text}" if column in counted else _field(text)
        if name is None:
            unknown[column] = text
        elif name in columns:
            doubled.append((column, text))
        else:
            columns[name] = column
    options = sum(name.startswith("option ") for name in columns) > 1
    if "question" not in columns or not (options or "key" in columns or "kind" in columns):
        return None
    if len(unknown) > 2 * len(columns):
        return None
    vietnamese = any(_VIETNAMESE.search(name) for name in names.values())
    return Headings(number, columns, unknown, tuple(doubled), names, vietnamese)


def _counted(cells: Mapping[int, Cell]) -> set[int]:
    """The columns that are called 1, 2, 3, …: options, where they count from 1."""
    numbers = {c: cell.text.strip() for c, cell in cells.items() if cell.text.strip().isdecimal()}
    counts = list(map(str, range(1, len(numbers) + 1)))
    return set(numbers) if len(numbers) > 1 and list(numbers.values()) == counts else set()


def _field(text: str) -> str | None:
    whole = folded(text).strip(" .:*?")
    for name in (whole, _REMARK.sub("", whole).strip(" .")):
        if known := _FIELDS.get(name):
            return known
        if option := _OPTION.fullmatch(name):
            sign = option[1] or option[2]
            place = int(sign) if sign.isdecimal() else ord(sign) - ord("a") + 1
            return f"option {place}" if 1 <= place <= 26 else None
    return None
