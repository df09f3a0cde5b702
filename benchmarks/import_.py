"""Import of large files: 1,700 items in one Word document, 10,000 in a QTI package or a workbook,
and a QTI package of 200 MB of pictures.

Writes build/bench/import.json: `value` is the seconds of the slowest format; `ceiling` the seconds
that unpacking the file and parsing its XML alone take in the same run; `limit_s` what the format
may take on two cores; `large` the memory that a process has resident at most which imports the
package of pictures. Ends with an error where an item is missing or a limit is exceeded.
"""

import io
import json
import os
import platform
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from lxml import etree

from benchmarks import _large_package, _qti_items
from fixtures.word.wordml import Package, formula, math, paragraph, png, run, table
from question_bank.interchange.archive import Archive
from question_bank.interchange.problems import Imported
from question_bank.interchange.qti3 import read_qti3
from question_bank.interchange.spreadsheet import read_xlsx
from question_bank.interchange.word import read_word

ROOT = Path(__file__).parents[1]
WORD_ITEMS = 1_700
QTI_ITEMS = 10_000
SHEET_ITEMS = 10_000
LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Format:
    """A file to import: its bytes, its reader, and how many items it holds."""

    data: bytes
    read: Callable[[bytes, str], Imported]
    items: int


def word_document(items: int) -> bytes:
    """A paper of every kind of question, half of it in paragraphs, half in a table."""
    package = Package()
    rows = []
    for number in range(1, items + 1):
        if number % 2:
            _add_question(package, number)
        else:
            rows.append(_row(package, number))
    package.add(table(*rows))
    return package.file()


def workbook(items: int) -> bytes:
    """A sheet of choices with a formula each."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Toán")
    sheet.append(["STT", "Câu hỏi", "A", "B", "C", "D", "Đáp án", "Mức độ", "Lời giải"])
    for number in range(1, items + 1):
        stem = f"Số nghiệm của phương trình $x^2 = {number}$ là"
        sheet.append(
            [number, stem, 0, 1, 2, f"$\\frac{{{number}}}{{2}}$", "C", "TH", "Hai nghiệm."]
        )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_sheet(data: bytes, file: str) -> Imported:
    return read_xlsx(Archive(data), file)


def _add_question(package: Package, number: int) -> None:
    square = "<m:sSup><m:e>" + math("x") + "</m:e><m:sup>" + math("2") + "</m:sup></m:sSup>"
    half = f"<m:f><m:num>{math(str(number))}</m:num><m:den>{math('2')}</m:den></m:f>"
    picture = package.picture(f"{number}.png", png(shade=number % 256)) if number % 10 == 1 else ""
    package.add(
        paragraph(
            run(f"Câu {number}. ", bold=True),
            f"Cho hàm số bậc hai có hệ số tự do {number}: ", formula(square + math("+") + half),
            *([picture] if picture else []),
            " và đường thẳng $y = 2x + 1$. Số giao điểm của hai đồ thị là",
        ),
        paragraph("A. ", formula(half), ".\tB. $\\frac{1}{2}$.\tC. 1.\tD. 2."),
        "Lời giải",
        "Xét phương trình hoành độ giao điểm rồi tính biệt thức. Chọn B.",
    )  # fmt: skip


def _row(package: Package, number: int) -> list[str]:
    image = package.picture(f"{number}.png", png(shade=number % 256)) if number % 10 == 0 else ""
    question = (
        f"Câu {number}: Một vật dao động điều hoà với biên độ {number} cm. Quỹ đạo dài\n"
        f"A. {number} cm.\t\nB. {2 * number} cm.\t\nC. {3 * number} cm.\t\nD. {4 * number} cm."
    )
    note = "Quỹ đạo dài gấp đôi biên độ: $L = 2A$.\nChọn B."
    return [f"VL_{number}", paragraph(image) if image else " ", question, "B", " ", note]


def figures(item: Format, file: str) -> Mapping[str, object]:
    """What reading the file took, against unpacking and parsing alone."""
    start = time.perf_counter()
    with zipfile.ZipFile(io.BytesIO(item.data)) as archive:
        for name in archive.namelist():
            inside = archive.read(name)
            if name.endswith(".xml"):
                etree.fromstring(inside)
    ceiling = time.perf_counter() - start
    start = time.perf_counter()
    found = item.read(item.data, file)
    seconds = time.perf_counter() - start
    return {
        "items": len(found.items),
        "wanted": item.items,
        "problems": len(found.problems),
        "bytes": len(item.data),
        "seconds": round(seconds, 3),
        "ceiling_s": round(ceiling, 3),
        "limit_s": LIMIT_S,
        "within_limit": seconds <= LIMIT_S and len(found.items) == item.items,
    }


def main() -> int:
    formats = {
        "word": Format(word_document(WORD_ITEMS), read_word, WORD_ITEMS),
        "spreadsheet": Format(workbook(SHEET_ITEMS), read_sheet, SHEET_ITEMS),
        "qti": Format(_qti_items.package(QTI_ITEMS), read_qti3, QTI_ITEMS),
    }
    details = {name: figures(item, f"{name}.bench") for name, item in formats.items()}
    large = _large_package.figures(ROOT / "build" / "bench")
    slowest = max(details.values(), key=lambda item: float(str(item["seconds"])))
    seconds, ceiling = float(str(slowest["seconds"])), float(str(slowest["ceiling_s"]))
    result = {
        "name": "import",
        "value": seconds,
        "unit": "s for the slowest format",
        "ceiling": ceiling,
        "ratio": round(seconds / ceiling, 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {**details, "large": large},
    }
    target = ROOT / "build" / "bench" / "import.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    results = {**details, "large": large}
    missed = [name for name, item in results.items() if not item["within_limit"]]
    if missed:
        print(f"import: too slow or too large, or items missing: {', '.join(missed)}",
              file=sys.stderr)  # fmt: skip
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
