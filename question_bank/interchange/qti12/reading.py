"""Files and packages of QTI 1.2: one XML file, or a zip with a manifest and pictures."""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from urllib.parse import unquote

from lxml import etree

from question_bank.assembly import BaseForm, BasePart
from question_bank.errors import ContentError, FileRefusedError
from question_bank.interchange.archive import Archive, resolve
from question_bank.interchange.encodings import head_of
from question_bank.interchange.markup import (
    attribute,
    child,
    children,
    line_of,
    name_of,
    parse_xml,
)
from question_bank.interchange.moodle.questions import identifier_of
from question_bank.interchange.pictures import medium
from question_bank.interchange.problems import Imported, Problem, ProblemLog
from question_bank.interchange.qti12.conditions import NotTakenError
from question_bank.interchange.qti12.item import read_item
from question_bank.interchange.qti12.material import MaterialReader, PictureSource
from question_bank.interchange.qti12.metadata import fields_of
from question_bank.item import Item, Media

DEFAULT_MINUTES = 60
MANIFEST = "imsmanifest.xml"
MAX_SECTIONS = 20
ROOT = "questestinterop"
_TYPES = re.compile(rb"imsqti_\w*xmlv1p|x-bb-qti|imscc_xmlv1p\d/assessment")
_LATER = re.compile(rb"imsqti_\w*xmlv[23]p")
# A document type that only names the file of its rules declares nothing, and real files have it.
_DOCTYPE = re.compile(rb"<!DOCTYPE\s+questestinterop\b[^\[>]*>")
_HEAD = 4_000
_DURATION = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?")
# What the systems write for the folder of a package's own files.
_OWN_FOLDERS = ("$IMS-CC-FILEBASE$", "$IMS_CC_FILEBASE$", "%24IMS-CC-FILEBASE%24")
_BLACKBOARD = re.compile(r"(xid-\d+_\d+)")
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}")

Beside = Callable[[str], bytes | None]


def is_qti12(data: bytes) -> bool:
    """Whether an XML file is of QTI 1.x, by its first element."""
    head = head_of(data, _HEAD)
    return re.search(rb"<(?:\w{1,40}:)?questestinterop[\s>/]", head) is not None


def is_qti12_package(archive: Archive) -> bool:
    """Whether a zip holds QTI 1.x: by its manifest, or by the files in it."""
    if MANIFEST in archive:
        manifest = archive.read(MANIFEST)
        if (told := _TYPES.search(manifest)) or _LATER.search(manifest):
            return told is not None
    return any(True for _ in _papers(archive))


def _papers(archive: Archive) -> Iterator[str]:
    """The names of the files of QTI 1.x."""
    for name in archive.names:
        if name.lower().endswith((".xml", ".dat", ".qti")) and is_qti12(archive.head(name, _HEAD)):
            yield name


def read_qti12(data: bytes | Archive, file: str, beside: Beside = lambda _: None) -> Imported:
    """Items and base forms of a file or package; raises FileRefusedError where it is neither.

    `beside` gives the files that lie with an XML file outside of a package.
    """
    if isinstance(data, Archive):
        return _read_package(data, file)

    def picture_beside(href: str) -> Media:
        found = beside(href)
        if found is None:
            raise FileRefusedError(f"picture {href[:100]!r}: neither in a package nor beside it")
        return medium(found, href)

    reading = _Reading(file)
    reading.read(data, ProblemLog(file, reading.problems), picture_beside)
    return reading.result()


def _read_package(archive: Archive, file: str) -> Imported:
    reading = _Reading(file)
    pictures = _Pictures(archive)
    for name in _papers(archive):
        pictures.used.add(name)
        log = ProblemLog(f"{file}/{name}", reading.problems)
        try:
            reading.read(archive.read(name), log, partial(pictures.of, name))
        except FileRefusedError as error:
            log.error(None, "file", str(error))
    if not reading.seen:
        raise FileRefusedError(f"{file}: no file of QTI 1.x in the package")
    for name in archive.names:
        if name not in pictures.used and name != MANIFEST:
            message = "nothing in the package uses it; left out"
            ProblemLog(f"{file}/{name}", reading.problems).warning(None, "file", message)
    return reading.result()


@dataclass(slots=True)
class _Pictures:
    """The pictures of a package, each read once."""

    archive: Archive
    used: set[str] = field(default_factory=set)
    read: dict[str, Media] = field(default_factory=dict)

    def of(self, base: str, href: str) -> Media:
        name = self._name(base, unquote(href))
        if name is None:
            raise FileRefusedError(f"picture {href[:100]!r} is not in the package")
        if name not in self.read:
            self.used.add(name)
            self.read[name] = medium(self.archive.read(name), name)
        return self.read[name]

    def _name(self, base: str, href: str) -> str | None:
        """The package's file that `href` means: beside its file, in the package, or in the folder
        that the systems keep for such files."""
        href = href.partition("?")[0]
        for folder in _OWN_FOLDERS:
            href = href.replace(folder, "").lstrip("/") if folder in href else href
        for found in (resolve(base, href), resolve("", href), resolve("", f"web_resources/{href}")):
            if found is not None and found in self.archive:
                return found
        if (own := _BLACKBOARD.search(href)) is not None:
            return next((n for n in self.archive.names if own[1] in posixpath.basename(n)
                         and not n.endswith(".xml")), None)  # fmt: skip
        return None


@dataclass(slots=True)
class _Reading:
    """What has been read of one file or package."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    items: dict[str, Item] = field(default_factory=dict)
    forms: list[BaseForm] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    seen: int = 0

    def result(self) -> Imported:
        if not self.seen and not self.problems:
            raise FileRefusedError(f"{self.file}: holds no item")
        return Imported(
            tuple(self.items.values()), tuple(self.forms), tuple(self.problems), self.lines,
            self.files,
        )  # fmt: skip

    def read(self, data: bytes, log: ProblemLog, pictures: PictureSource) -> None:
        """Everything in one XML file."""
        root = parse_xml(_without_doctype(data), log.file)
        if name_of(root) != ROOT:
            raise FileRefusedError(f"{log.file}: <{name_of(root)[:60]}> is no QTI 1.x")
        for node in root:
            match name_of(node):
                case "assessment":
                    self._assessment(node, log, pictures)
                case "section" | "objectbank":
                    self._section(node, log, pictures, 0)
                case "item":
                    self._item(node, log, pictures)
                case "qticomment" | "":
                    pass
                case name:
                    log.warning(line_of(node), name, "is not supported and was left out")

    def _item(self, node: etree._Element, log: ProblemLog, pictures: PictureSource) -> list[str]:
        self.seen += 1
        name = self._name(node, log)
        self.lines[name] = line_of(node) or 1
        self.files[name] = log.file
        item = read_item(node, name, log, pictures)
        if item is None:
            return []
        self.items[item.id] = item
        return [item.id]

    def _name(self, node: etree._Element, log: ProblemLog) -> str:
        """The item's ident where it can be one here, else the file's name and its number."""
        told = attribute(node, "ident") or fields_of(node).get("bbmd_asi_object_id", "")
        name = told if _SAFE.fullmatch(told) else f"{identifier_of(self.file)}-{self.seen}"
        if told and name != told:
            log.warning(line_of(node), "item", f"ident {told[:60]!r} is written as {name}")
        free = name
        while free in self.lines:
            self.asked[name] += 1
            free = f"{name[:100]}-{self.asked[name] + 1}"
        if free != name:
            log.warning(line_of(node), "item", f"ident {name} occurs twice; taken as {free}")
        return free

    def _section(
        self, node: etree._Element, log: ProblemLog, pictures: PictureSource, depth: int
    ) -> list[str]:
        """The items of a section, those of sections in it included."""
        if depth > MAX_SECTIONS:
            log.error(line_of(node), "section", f"nested deeper than {MAX_SECTIONS}; left out")
            return []
        found: list[str] = []
        for part in node:
            match name_of(part):
                case "item":
                    found += self._item(part, log, pictures)
                case "section":
                    found += self._section(part, log, pictures, depth + 1)
                case "selection_ordering":
                    if any(name_of(one) == "selection" for one in part):
                        message = "a choice among the items is not supported; all are taken"
                        log.warning(line_of(part), "selection_ordering", message)
                case "itemref" | "sectionref":
                    message = f"{attribute(part, 'linkrefid')[:60]!r} refers to another file"
                    log.error(line_of(part), name_of(part), message)
                case ("qtimetadata" | "sectionmetadata" | "presentation_material" | "rubric"
                      | "qticomment" | "duration" | "objectives" | ""):  # fmt: skip
                    pass
                case name:
                    log.warning(line_of(part), name, "is not supported and was left out")
        return found

    def _assessment(self, node: etree._Element, log: ProblemLog, pictures: PictureSource) -> None:
        log.unknown_children(
            node, "section", "qtimetadata", "assessmentmetadata", "duration", "qticomment",
            "presentation_material", "rubric", "objectives", "assessmentcontrol",
            "selection_ordering", "outcomes_processing", "assessproc_extension", "item",
        )  # fmt: skip
        parts = []
        for section in _sections(node):
            items = self._section(section, log, pictures, 0)
            told = self._instructions(section, log, pictures)
            if items:
                parts.append(BasePart(attribute(section, "title"), told, tuple(items)))
        for item in children(node, "item"):
            self._item(item, log, pictures)
        if not parts or fields_of(node).get("bbmd_assessmenttype", "").lower() == "pool":
            return
        title = attribute(node, "title") or identifier_of(self.file)
        told = attribute(node, "ident")
        name = told if _SAFE.fullmatch(told) else identifier_of(log.file)
        subject = fields_of(node).get("subject", "") or title
        self.forms.append(BaseForm(name, title, subject, _minutes(node, log), tuple(parts)))

    def _instructions(
        self, section: etree._Element, log: ProblemLog, pictures: PictureSource
    ) -> str:
        """What stands before a section's items; rubrics for others than candidates stay out."""
        material = MaterialReader(log, pictures)
        told = []
        for block in children(section, "presentation_material", "rubric"):
            if attribute(block, "view", "All").lower() not in ("all", "candidate"):
                log.warning(line_of(block), "rubric", "is not for candidates and was left out")
                continue
            try:
                told.append(material.fragment(block))
            except (NotTakenError, ContentError) as error:
                log.error(line_of(block), name_of(block), str(error))
        return "".join(f"<div>{text}</div>" for text in told if text)


def _sections(assessment: etree._Element) -> list[etree._Element]:
    """The sections that are parts of a paper: those in a single one that only holds sections."""
    sections = list(children(assessment, "section"))
    while len(sections) == 1 and not any(True for _ in children(sections[0], "item")):
        inner = list(children(sections[0], "section"))
        if not inner:
            break
        sections = inner
    return sections


def _minutes(node: etree._Element, log: ProblemLog) -> int:
    fields = fields_of(node)
    told = child(node, "duration")
    if told is not None and (found := _DURATION.fullmatch((told.text or "").strip())):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        whole = days * 1440 + hours * 60 + minutes + round(Decimal(seconds) / 60)
    else:
        text = fields.get("qmd_timelimit") or fields.get("cc_timelimit") or ""
        whole = int(text) if text.isdecimal() and text.isascii() and len(text) < 5 else 0
    if not 1 <= whole <= 24 * 60:
        log.warning(line_of(node), "duration", f"missing; {DEFAULT_MINUTES} minutes taken")
        return DEFAULT_MINUTES
    return whole


def _without_doctype(data: bytes) -> bytes:
    """The file without the document type that names QTI's own rules, its lines as they were."""
    found = _DOCTYPE.search(data[:_HEAD])
    if found is None:
        return data
    blank = re.sub(rb"[^\n]", b" ", found[0])
    return data[: found.start()] + blank + data[found.end() :]
