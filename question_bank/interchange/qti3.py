"""Reading QTI 2.0 to 3.0: a content package (zip), or a single item as XML.

A package's tests become base forms: a section below a test part is a part of the paper, its
`qti-rubric-block` the instructions, `qti-time-limits` the minutes. Items outside of every test
are read too. Caps and refusals: `archive`, `markup`, `pictures`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from lxml import etree

from question_bank.assembly import BaseForm, BasePart
from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive, opened, resolve
from question_bank.interchange.markup import (
    attribute,
    child,
    children,
    line_of,
    name_of,
    namespace_of,
    parse_xml,
)
from question_bank.interchange.pictures import medium
from question_bank.interchange.problems import Imported, Problem, ProblemLog
from question_bank.interchange.qti3_body import ContentReader
from question_bank.interchange.qti3_item import ReadItem, read_item
from question_bank.interchange.qti3_metadata import read_metadata
from question_bank.interchange.qti3_scoring import UnrecognisedError, number
from question_bank.interchange.qti3_terms import (
    MANIFEST,
    MEDIA_TYPE,
    PACKAGE,
    PACKAGE_2,
    STIMULUS_TYPE,
)
from question_bank.interchange.qti3_vocabulary import modernise
from question_bank.item import Item, ItemMetadata, Media, Stimulus

DEFAULT_MINUTES = 60
ZIP_MAGIC = b"PK\x03\x04"
ITEM_TYPES = ("imsqti_item_xmlv2p", "imsqti_item_xmlv3p0")
TEST_TYPES = ("imsqti_test_xmlv2p", "imsqti_test_xmlv3p0", "imsqti_assessment_xmlv2p")


# The file next to an item, by its name; None where there is none.
Beside = Callable[[str], bytes | None]


def read_qti3(data: bytes | Archive, file: str, beside: Beside = lambda _: None) -> Imported:
    """Items, base forms and problems of a package or an item; FileRefusedError if neither.

    `beside` gives the files that lie with an item outside of a package.
    """
    if isinstance(data, Archive) or data.startswith(ZIP_MAGIC):
        return _Package(opened(data), file).read()
    log = ProblemLog(file)
    read = read_single(data, log, beside)
    if read is None:
        return Imported(problems=tuple(log.problems))
    return Imported((read.item,), (), tuple(log.problems), {read.item.id: 1})


def read_single(data: bytes, log: ProblemLog, beside: Beside) -> ReadItem | None:
    """The item of one XML file outside of a package, with what lies beside it."""
    root = parse_xml(data, log.file)
    log.names = modernise(root)
    if name_of(root) != "qti-assessment-item":
        raise FileRefusedError(
            f"{log.file}: <{log.names.get(name_of(root), name_of(root))}> is no QTI item; give a "
            "package or an item"
        )

    def picture_beside(href: str) -> Media:
        found = beside(href)
        if found is None:
            raise FileRefusedError(f"picture {href[:100]!r}: neither in a package nor beside it")
        return medium(found, href)

    return read_item(root, log, picture_beside, ItemMetadata())


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
        self._ids: set[str] = set()
        self._lines: dict[str, int] = {}
        self._files: dict[str, str] = {}
        self._pictures: dict[str, Media] = {}
        self._stimuli: dict[str, tuple[Stimulus, tuple[Media, ...]]] = {}

    def read(self) -> Imported:
        """Everything the manifest names."""
        resources = self._resources()
        for resource in resources:
            if resource.type.startswith(ITEM_TYPES):
                self._read_item(resource)
        forms = [
            form
            for resource in resources
            if resource.type.startswith(TEST_TYPES)
            if (form := self._read_test(resource)) is not None
        ]
        self._report_unused()
        items, problems = tuple(self._by_href.values()), tuple(self._problems)
        return Imported(items, tuple(forms), problems, self._lines, self._files)

    def _log(self, name: str) -> ProblemLog:
        return ProblemLog(f"{self._file}/{name}", self._problems)

    def _resources(self) -> list[_Resource]:
        root = parse_xml(self._archive.read(MANIFEST), MANIFEST)
        if name_of(root) != "manifest" or namespace_of(root) not in (PACKAGE, PACKAGE_2):
            raise FileRefusedError(f"{self._file}: {MANIFEST} is no QTI 2 or 3 manifest")
        log, found = self._log(MANIFEST), []
        for element in (e for group in children(root, "resources") for e in group):
            kind = attribute(element, "type")
            href = resolve(MANIFEST, attribute(element, "href"))
            if not kind.startswith((*ITEM_TYPES, *TEST_TYPES, MEDIA_TYPE, STIMULUS_TYPE)):
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
            log.names = modernise(root)
            read = read_item(
                root,
                log,
                lambda href: self._picture(resource.href, href),
                metadata,
                lambda href: self._stimulus(resource.href, href),
            )
        except FileRefusedError as error:
            log.error(None, "file", str(error))
            return
        if read is None:
            return
        if read.item.id in self._ids:
            log.error(line_of(root), "qti-assessment-item", f"id {read.item.id} occurs twice")
            return
        self._ids.add(read.item.id)
        self._by_href[resource.href] = read.item
        self._lines[read.item.id] = 1
        self._files[read.item.id] = log.file

    def _picture(self, base: str, href: str) -> Media:
        name = resolve(base, href)
        if name is None:
            raise FileRefusedError(f"picture {href[:100]!r} lies outside of the package")
        if name not in self._pictures:
            self._used.add(name)
            self._pictures[name] = medium(self._archive.read(name), name)
        return self._pictures[name]

    def _stimulus(self, base: str, href: str) -> tuple[Stimulus, tuple[Media, ...]]:
        """The stimulus in the file that `href`, written in `base`, means."""
        name = resolve(base, href)
        if name is None or name not in self._archive:
            raise FileRefusedError(f"stimulus {href[:100]!r}: no file of the package")
        if name not in self._stimuli:
            self._used.add(name)
            root = parse_xml(self._archive.read(name), name)
            body = child(root, "qti-stimulus-body")
            if name_of(root) != "qti-assessment-stimulus" or body is None:
                raise FileRefusedError(f"{name}: no QTI stimulus")
            log = self._log(name)
            log.unknown_children(root, "qti-stimulus-body")
            reader = ContentReader(log, lambda picture: self._picture(name, picture))
            stimulus = Stimulus(attribute(root, "identifier"), reader.fragment(body))
            self._stimuli[name] = stimulus, tuple(reader.media.values())
        return self._stimuli[name]

    def _read_test(self, resource: _Resource) -> BaseForm | None:
        log = self._log(resource.href)
        self._used.add(resource.href)
        try:
            root = parse_xml(self._archive.read(resource.href), resource.href)
        except FileRefusedError as error:
            log.error(None, "file", str(error))
            return None
        log.names = modernise(root)
        if name_of(root) != "qti-assessment-test":
            log.error(line_of(root), name_of(root), "is no QTI assessment test")
            return None
        log.unknown_children(root, "qti-test-part", "qti-time-limits")
        test_parts = list(children(root, "qti-test-part"))
        parts = [part for one in test_parts for part in self._test_part(resource.href, one, log)]
        # QTI delivers test parts one after the other; a time of its own makes no other sense.
        sequential = len(test_parts) > 1 or any(part.minutes for part in parts)
        if not parts or not all(part.items for part in parts):
            log.error(line_of(root), "qti-assessment-test", "a part without usable items")
            return None
        title = attribute(root, "title")
        subject = read_metadata(resource.element, self._log(MANIFEST)).subject
        minutes = _limit(root, log)
        if minutes is None:
            log.warning(
                line_of(root), "qti-time-limits", f"missing; {DEFAULT_MINUTES} minutes taken"
            )
            minutes = DEFAULT_MINUTES
        if sum(part.minutes or 0 for part in parts) > minutes:
            log.error(line_of(root), "qti-time-limits", "the parts have more time than the test")
            return None
        identifier = attribute(root, "identifier")
        return BaseForm(identifier, title, subject or title, minutes, tuple(parts), sequential)

    def _test_part(self, base: str, test_part: etree._Element, log: ProblemLog) -> list[BasePart]:
        log.unknown_children(test_part, "qti-assessment-section", "qti-time-limits")
        sections = list(children(test_part, "qti-assessment-section"))
        own = _limit(test_part, log)
        if own is not None and len(sections) > 1:
            message = "of a test part with several sections: give each section its own"
            log.error(line_of(test_part), "qti-time-limits", message)
        return [
            replace(self._part(base, section, log), minutes=_limit(section, log) or own)
            for section in sections
        ]

    def _part(self, base: str, section: etree._Element, log: ProblemLog) -> BasePart:
        log.unknown_children(
            section,
            *("qti-rubric-block", "qti-assessment-item-ref", "qti-assessment-section"),
            "qti-time-limits",
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
                if child(element, "qti-time-limits") is not None:
                    message = "of a section within a section is not supported"
                    log.error(line_of(element), "qti-time-limits", message)
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


def _limit(element: etree._Element, log: ProblemLog) -> int | None:
    """The whole minutes that a test, test part or section allows; None where it says nothing."""
    limits = child(element, "qti-time-limits")
    if limits is None or not attribute(limits, "max-time"):
        return None
    try:
        seconds = number(limits, attribute(limits, "max-time"))
    except UnrecognisedError as error:
        log.error(line_of(limits), "qti-time-limits", str(error))
        return None
    if seconds % 60 or not Decimal(60) <= seconds <= Decimal(24 * 3600):
        log.warning(line_of(limits), "qti-time-limits", "rounded to whole minutes of one day")
    return min(max(round(seconds / 60), 1), 24 * 60)
