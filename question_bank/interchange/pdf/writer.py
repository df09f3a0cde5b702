"""Items out to a printable PDF: A4, as the paper stands, its key and solutions on their own pages.

WeasyPrint lays out; it is handed the pictures of the items and the drawings of their formulas, and
can fetch nothing else, neither from a network nor from a disk.
"""

import io
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files

from PIL import Image, UnidentifiedImageError

from question_bank.assembly import BaseForm
from question_bank.content import sounds_of
from question_bank.errors import FileRefusedError
from question_bank.interchange.paper.making import papers_of
from question_bank.interchange.pdf.pages import Pictures, html_of
from question_bank.interchange.pictures import EXTENSIONS, picture
from question_bank.interchange.problems import Exported, ProblemLog
from question_bank.item import Item

FILE = "paper.pdf"
MAX_PIXELS = 40_000_000
_UNDRAWN = re.compile(r'<code class="undrawn">(.*?)</code>')


def write_pdf(items: Iterable[Item], base_forms: Iterable[BaseForm]) -> Exported:
    """The paper, then its key and solutions."""
    return _written(items, base_forms, with_key=True)


def write_pdf_without_key(items: Iterable[Item], base_forms: Iterable[BaseForm]) -> Exported:
    """The paper alone, for candidates."""
    return _written(items, base_forms, with_key=False)


def _written(items: Iterable[Item], forms: Iterable[BaseForm], *, with_key: bool) -> Exported:
    log, items = ProblemLog(FILE), list(items)
    for item in items:
        if any(
            sounds_of(one) for one in (item.stem, item.stimulus.content if item.stimulus else "")
        ):
            log.warning(None, "audio", f"{item.id}: a sound cannot be printed; have it played")
    css = (files("question_bank.interchange.pdf") / "paper.css").read_text(encoding="utf-8")
    pictures: Pictures = {}
    html = html_of(papers_of(items, forms, log), css, pictures, with_key=with_key)
    for latex in _UNDRAWN.findall(html):
        log.warning(None, "formula", f"cannot be drawn and is printed as its LaTeX: {latex[:200]}")
    from question_bank.interchange.pdf.rendering import rendered

    def refused(url: str) -> None:
        log.error(None, "picture", f"{url[:100]!r} is nothing of the items' and is not printed")

    data = rendered(html, _shown(pictures, log), refused)
    return Exported(data, tuple(log.problems))


def _shown(
    pictures: Mapping[str, tuple[str, bytes]], log: ProblemLog
) -> Mapping[str, tuple[str, bytes]]:
    """The pictures that can be printed; the others are named."""
    shown = {}
    for url, (mime, data) in pictures.items():
        if url.startswith("media:") and (reason := _unprintable(mime, data)):
            log.error(None, "picture", f"{url.removeprefix('media:')} is not printed: {reason}")
        else:
            shown[url] = (mime, data)
    return shown


def _unprintable(mime: str, data: bytes) -> str:
    """Why a picture cannot be printed; empty where it can."""
    if mime not in EXTENSIONS:
        return f"{mime} is neither PNG nor JPEG nor SVG"
    try:
        if mime == "image/svg+xml":
            picture(data, "picture.svg")
            return ""
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"it has more than {MAX_PIXELS} pixels"
            image.load()
    except FileRefusedError as error:
        return str(error)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return "it is damaged"
    return ""
