"""Reading QTI 3.0: a content package (zip), or a single item as XML.

A package's tests become base forms: a section below a test part is a part of the paper, its
`qti-rubric-block` the instructions, `qti-time-limits` the minutes. Items outside of every test
are read too. Caps and refusals: `archive`, `markup`, `pictures`.
"""

from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from question_bank.assembly import BaseForm, BasePart
from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive, resolve
from question_bank.interchange.markup import (
    attribute,
    child,
    children,
    line_of,
    name_of,
    namespace_of,
    parse_xml,
)
from question_bank.interchange.pictures import picture
from question_bank.interchange.problems import Imported, Problem, ProblemLog
from question_bank.interchange.qti3_body import ContentReader
from question_bank.interchange.qti3_item import ReadItem, read_item
from question_bank.interchange.qti3_metadata import read_metadata
from question_bank.interchange.qti3_scoring import UnrecognisedError, number
from question_bank.interchange.qti3_terms import (
    ITEM_TYPE,
    MANIFEST,
    MEDIA_TYPE,
    PACKAGE,
    TEST_TYPE,
)
from question_bank.item import Item, ItemMetadata, Media

DEFAULT_MINUTES = 60
ZIP_MAGIC = b"PK\x03\x04"


def read_qti3(data: bytes, file: str) -> Imported:
    """Items, base forms and problems of a package or an item; FileRefusedError if neither."""
    if data.startswith(ZIP_MAGIC):
        return _Package(Archive(data), file).read()
    log = ProblemLog(file)
    read = read_single(data, log)
    return Imported((read.item,) if read else (), (), tuple(log.problems))


def read_single(data: bytes, log: ProblemLog) -> ReadItem | None:
    """The item of one XML file outside of a package; its pictures cannot be there."""
    root = parse_xml(data, log.file)
    if name_of(root) != "qti-assessment-item":
        raise FileRefusedError(
            f"{log.file}: <{name_of(root)}> is no QTI 3.0 item; give a package or an item"
        )

    def no_picture(href: str) -> Media:
        raise FileRefusedError(f"picture {href[:100]!r}: only a package holds pictures")

    return read_item(root, log, no_picture, ItemMetadata())


@dataclass(frozen=True, slots=True)
class _Resource:
    identifier: str
    type: str
    href: str
    element: etree._Element


class _Package:
    """One content package while it is being read."""

    def __init__(self, archive: Archive, file: str) -> None:
        if MANIFEST not in archive:
            raise FileRefusedError(f"{file}: no {MANIFEST} inside; this is no QTI package")
        self._archive = archive
        self._file = file
        self._used = {MANIFEST}
        self._problems: list[Problem] = []
        self._by_href: dict[str, Item] = {}

    def read(self) -> Imported:
        """Everything the manifest names."""
        resources = self._resources()
        for resource in resources:
            if resource.type.startswith("imsqti_item"):
                self._read_item(resource)
        forms = [
            form
            for resource in resources
            if resource.type.startswith("imsqti_test")
            if (form := self._read_test(resource)) is not None
        ]
        self._report_unused()
        return Imported(tuple(self._by_href.values()), tuple(forms), tuple(self._problems))

    def _log(self, name: str) -> ProblemLog:
        return ProblemLog(f"{self._file}/{name}", self._problems)

    def _resources(self) -> list[_Resource]:
        root = parse_xml(self._archive.read(MANIFEST), MANIFEST)
        if name_of(root) != "manifest" or namespace_of(root) != PACKAGE:
            raise FileRefusedError(f"{self._file}: {MANIFEST} is no QTI 3.0 manifest")
        log, found = self._log(MANIFEST), []
        for element in (e for group in children(root, "resources") for e in group):
            kind = attribute(element, "type")
            href = resolve(MANIFEST, attribute(element, "href"))
            if kind not in (ITEM_TYPE, TEST_TYPE, MEDIA_TYPE):
                log.error(line_of(element), "resource", f"type {kind[:60]!r} is not supported")
            elif href is None or href not in self._archive:
                log.error(line_of(element), "resource", f"{attribute(element, 'href')!r}: no file")
            else:
                found.append(_Resource(attribute(element, "identifier"), kind, href, element))
        return found

    def _read_item(self, resource: _Resource) -> None:
        log = self._log(resource.href)
        self._used.add(resource.href)
        metadata = read_metadata(resource.element, self._log(MANIFEST))
        try:
            root = parse_xml(self._archive.read(resource.href), resource.href)
            read = read_item(root, log, lambda href: self._picture(resource.href, href), metadata)
        except FileRefusedError as error:
            log.error(None, "file", str(error))
            return
        if read is None:
            return
        if any(item.id == read.item.id for item in self._by_href.values()):
            log.error(line_of(root), "qti-assessment-item", f"id {read.item.id} occurs twice")
            return
        self._by_href[resource.href] = read.item

    def _picture(self, base: str, href: str) -> Media:
        name = resolve(base, href)
        if name is None:
            raise FileRefusedError(f"picture {href[:100]!r} lies outside of the package")
        self._used.add(name)
        return picture(self._archive.read(name), name)

    def _read_test(self, resource: _Resource) -> BaseForm | None:
        log = self._log(resource.href)
        self._used.add(resource.href)
        try:
            root = parse_xml(self._archive.read(resource.href), resource.href)
        except FileRefusedError as error:
            log.error(None, "file", str(error))
            return None
        if name_of(root) != "qti-assessment-test":
            log.error(line_of(root), name_of(root), "is no QTI 3.0 assessment test")
            return None
        log.unknown_children(root, "qti-test-part", "qti-time-limits")
        parts = []
        for test_part in children(root, "qti-test-part"):
            log.unknown_children(test_part, "qti-assessment-section")
            for section in children(test_part, "qti-assessment-section"):
                parts.append(self._part(resource.href, section, log))
        if not parts or not all(part.items for part in parts):
            log.error(line_of(root), "qti-assessment-test", "a part without usable items")
            return None
        title = attribute(root, "title")
        subject = read_metadata(resource.element, self._log(MANIFEST)).subject
        minutes = _minutes(root, log)
        identifier = attribute(root, "identifier")
        return BaseForm(identifier, title, subject or title, minutes, tuple(parts))

    def _part(self, base: str, section: etree._Element, log: ProblemLog) -> BasePart:
        log.unknown_children(
            section, "qti-rubric-block", "qti-assessment-item-ref", "qti-assessment-section"
        )
        reader = ContentReader(log, lambda href: self._picture(base, href))
        rubrics = [
            _instructions(block, reader, log) for block in children(section, "qti-rubric-block")
        ]
        log.unknown_attributes(section, "identifier", "title", "visible")
        items: list[str] = []
        for element in children(section, "qti-assessment-item-ref", "qti-assessment-section"):
            if name_of(element) == "qti-assessment-section":
                nested = self._part(base, element, log)
                items.extend(nested.items)
                log.warning(line_of(element), "qti-assessment-section", "joined to its part")
            else:
                items.extend(self._item_ref(base, element, log))
        return BasePart(attribute(section, "title"), "".join(rubrics), tuple(items))

    def _item_ref(self, base: str, element: etree._Element, log: ProblemLog) -> list[str]:
        log.unknown_children(element)
        log.unknown_attributes(element, "identifier", "href")
        item = self._by_href.get(resolve(base, attribute(element, "href")) or "")
        if item is None:
            message = f"{attribute(element, 'href')[:100]!r} is no item that could be read"
            log.error(line_of(element), "qti-assessment-item-ref", message)
            return []
        return [item.id]

    def _report_unused(self) -> None:
        for name in self._archive.names:
            if name not in self._used:
                self._log(name).warning(None, "file", "nothing in the package uses it; left out")


def _instructions(block: etree._Element, reader: ContentReader, log: ProblemLog) -> str:
    """The block's content if it is for candidates; a scorer's rubric must not reach them."""
    if "candidate" not in attribute(block, "view").split():
        log.warning(line_of(block), "qti-rubric-block", "is not for candidates and was left out")
        return ""
    body = child(block, "qti-content-body")
    return reader.fragment(block if body is None else body)


def _minutes(root: etree._Element, log: ProblemLog) -> int:
    limits = child(root, "qti-time-limits")
    if limits is None or not attribute(limits, "max-time"):
        log.warning(line_of(root), "qti-time-limits", f"missing; {DEFAULT_MINUTES} minutes taken")
        return DEFAULT_MINUTES
    try:
        seconds = number(limits, attribute(limits, "max-time"))
    except UnrecognisedError as error:
        log.error(line_of(limits), "qti-time-limits", str(error))
        return DEFAULT_MINUTES
    if seconds % 60 or not Decimal(60) <= seconds <= Decimal(24 * 3600):
        log.warning(line_of(limits), "qti-time-limits", "rounded to whole minutes of one day")
    return min(max(round(seconds / 60), 1), 24 * 60)
