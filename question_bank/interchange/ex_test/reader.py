"""A .tex file, or a zip file of .tex files with their pictures, as items and problems."""

import posixpath
import re
import unicodedata
from collections.abc import Iterator

from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive, resolve
from question_bank.interchange.ex_test.groups import GroupReader
from question_bank.interchange.ex_test.item import ItemReader
from question_bank.interchange.ex_test.macros import expand
from question_bank.interchange.ex_test.passages import Passage, Passages, no_structure
from question_bank.interchange.ex_test.pictures import Beside, Pictures, nothing_beside
from question_bank.interchange.ex_test.rendering import Renderer
from question_bank.interchange.ex_test.segments import Outside, Segment, report_preamble, segments
from question_bank.interchange.ex_test.source import Source, source_of
from question_bank.interchange.languages import language_of
from question_bank.interchange.problems import Imported, Problem, ProblemLog
from question_bank.item import Item
from question_bank.policies import NATIONAL_2025, MarkingPolicy

_GRAPHICS = re.compile(r"^[^%\n]*\\graphicspath\s*\{((?:\s*\{[^{}\n]*\}\s*)+)\}", re.MULTILINE)


def read_ex_test(
    data: bytes,
    file: str,
    beside: Beside = nothing_beside,
    policy: MarkingPolicy = NATIONAL_2025,
) -> Imported:
    """The items of a .tex file. `beside` gives the files next to it, by relative name.

    Raises FileRefusedError for what is no UTF-8 or too large.
    """
    log = ProblemLog(file)
    source = expand(source_of(data, file), log)
    job = posixpath.splitext(posixpath.basename(file))[0]
    pictures = Pictures(beside, job, _folders(source))
    language = language_of(source.text)
    reader = ItemReader(source, log, pictures, policy, language)
    outside = Outside(source, log)
    report_preamble(source, log)
    passages = Passages(source, log, _identifier(job))
    groups = GroupReader(reader)
    items: dict[str, Item] = {}
    lines: dict[str, int] = {}
    number = 0
    for segment in segments(source, log):
        if not segment.name:
            renderer = Renderer(source, log, pictures, no_structure, reader.budget)
            for rest in passages.taken(segment, renderer):
                outside.report(rest)
            continue
        number += 1
        name = f"{_identifier(job)}-{number}"
        lines[name] = source.line_at(segment.at)
        lines[f"{name}/end"] = source.line_at(segment.end) + 1
        for asked, own, passage in _questions(segment, name, groups, passages):
            item = reader.read(asked, own)
            lines[own if item is None else item.id] = source.line_at(asked.at)
            if item is not None and item.id in items:
                log.error(source.line_at(asked.at), asked.name, f"a second item {item.id}")
            elif item is not None:
                items[item.id] = passages.given(item, passage)
    passages.finish()
    if not number:
        log.error(None, "file", r"holds no \begin{ex} … \end{ex}")
    return Imported(tuple(items.values()), problems=tuple(log.problems), lines=lines)


def _questions(
    segment: Segment, name: str, groups: GroupReader, passages: Passages
) -> Iterator[tuple[Segment, str, Passage | None]]:
    """The questions of an environment, their names and what they share: itself, or those in it."""
    outer = passages.shared()
    group = groups.group(segment, name)
    if group is None:
        yield segment, name, outer
        return
    for place, question in enumerate(group.questions):
        if place and group.numbered:
            outer = passages.shared()
        yield question, f"{name}-{place + 1}", group.passage or outer


def holds_ex_test(archive: Archive) -> bool:
    """Whether a zip file is one of .tex files and no content package."""
    names = [name.lower() for name in archive.names]
    return any(name.endswith(".tex") for name in names) and "imsmanifest.xml" not in names


def read_ex_test_zip(archive: Archive, policy: MarkingPolicy = NATIONAL_2025) -> Imported:
    """The items of all .tex files of a zip file, with the pictures that lie beside them."""
    used: set[str] = set()
    items: list[Item] = []
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    files: dict[str, str] = {}
    for name in archive.names:
        if not name.lower().endswith(".tex"):
            continue
        used.add(name)
        found = read_ex_test(archive.read(name), name, _inside(archive, name, used), policy)
        items += found.items
        problems += found.problems
        lines |= found.lines
        files |= dict.fromkeys(found.lines, name)
    unused = [name for name in archive.names if name not in used]
    problems += [Problem(name, None, "file", "no item names it", "warning") for name in unused]
    if len({item.id for item in items}) != len(items):
        raise FileRefusedError(
            "two .tex files of one name hold items; give them names of their own"
        )
    return Imported(tuple(items), problems=tuple(problems), lines=lines, files=files)


def _inside(archive: Archive, tex: str, used: set[str]) -> Beside:
    def beside(name: str) -> bytes | None:
        for base in (tex, ""):
            inside = resolve(base, name)
            if inside is not None and inside in archive:
                used.add(inside)
                return archive.read(inside)
        return None

    return beside


def _folders(source: Source) -> tuple[str, ...]:
    found = _GRAPHICS.search(source.text)
    named = re.findall(r"\{([^{}\n]*)\}", found[1]) if found else []
    return ("", *(folder.strip().rstrip("/") + "/" for folder in named[:20] if folder.strip()))


def _identifier(name: str) -> str:
    """The name of a file in letters that every format takes for an identifier."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", plain).strip("-")[:80] or "ex"
