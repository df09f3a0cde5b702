"""Writing QTI 3.0 and 2.2: an item as XML, items and base forms as a content package.

The package's bytes are a function of its content: fixed order, fixed times. Scoring is written as
QTI response processing (`qti3_processing`). 2.2 is what 3.0 says in the older names; a stimulus,
for which it has no file, stands in the body of each of its items.
"""

import io
import zipfile
from collections.abc import Collection, Iterable
from copy import deepcopy
from dataclasses import replace
from itertools import chain, count

from lxml import etree
from lxml.builder import ElementMaker

from question_bank.assembly import BaseForm, BasePart
from question_bank.interactions import INLINE_KINDS, Composite
from question_bank.interchange.markup import name_of
from question_bank.interchange.qti3_made import XML_LANG, fill, made, places_in
from question_bank.interchange.qti3_made import Q as _Q
from question_bank.interchange.qti3_metadata import write_metadata, write_qti_metadata
from question_bank.interchange.qti3_own import Binding
from question_bank.interchange.qti3_processing import NAMES, declarations, processing
from question_bank.interchange.qti3_sounds import write_sounds, write_stimulus_sounds
from question_bank.interchange.qti3_terms import (
    EXPLANATION,
    ITEM_TYPE,
    ITEM_TYPE_2_2,
    MANIFEST,
    MEDIA_TYPE,
    PACKAGE,
    PACKAGE_2,
    STIMULUS,
    STIMULUS_TYPE,
    TEST_TYPE,
    TEST_TYPE_2_2,
)
from question_bank.interchange.qti3_vocabulary import Version as Version
from question_bank.interchange.qti3_vocabulary import downgrade, modernise
from question_bank.interchange.qti3_write_interactions import interaction_element
from question_bank.item import Item, ItemMetadata, Stimulus
from question_bank.keys import ResponseProcessing

EPOCH = (1980, 1, 1, 0, 0, 0)


def write_package(
    items: Iterable[Item], base_forms: Iterable[BaseForm], version: Version = "3.0"
) -> bytes:
    """A content package of that version of QTI."""
    writer = _Package(version)
    for item in _apart(items):
        writer.add_item(item)
    for form in base_forms:
        writer.add_form(form)
    return writer.packed()


def _apart(items: Iterable[Item]) -> Iterable[Item]:
    """The items, a stimulus that has the id of another one under an id of its own: items of
    different files may each have their `passage-1`, and a package has one file an id."""
    names: dict[Stimulus, str] = {}
    for item in items:
        if item.stimulus is None:
            yield item
            continue
        if item.stimulus not in names:
            names[item.stimulus] = _free(item.stimulus.id, set(names.values()))
        yield replace(item, stimulus=replace(item.stimulus, id=names[item.stimulus]))


def _free(name: str, taken: Collection[str]) -> str:
    numbered = (f"{name}-{number}" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def write_item(item: Item, version: Version = "3.0") -> bytes:
    """One assessment item; its pictures are at `../media/ID`, its stimulus (3.0) at
    `../stimuli/ID.xml`."""
    root = _Q("qti-assessment-item", identifier=item.id, title=item.metadata.code or item.id)
    root.set("adaptive", "true" if item.program and item.program.adaptive else "false")
    root.set("time-dependent", "false")
    if item.metadata.language:
        root.set(XML_LANG, item.metadata.language)
    body = _body(item, version)
    root.extend(write_sounds(body, version))
    reference = _reference(item) if version == "3.0" else []
    if isinstance(item.scoring, ResponseProcessing):
        program = etree.fromstring(item.scoring.program.encode())
        modernise(program)
        own = [deepcopy(part) for part in program]
        last = [part for part in own if name_of(part) == "qti-response-processing"]
        root.extend([*(part for part in own if part not in last), *reference, body, *last])
    else:
        rules = processing(item)
        root.extend([*declarations(item), *reference, body, *([] if rules is None else [rules])])
    return _serialise(root if version == "3.0" else downgrade(root))


def _reference(item: Item) -> list[etree._Element]:
    if item.stimulus is None:
        return []
    name = item.stimulus.id
    return [made("qti-assessment-stimulus-ref", identifier=name, href=f"../stimuli/{name}.xml")]


def _body(item: Item, version: Version) -> etree._Element:
    body = made("qti-item-body")
    if item.stimulus is not None and version == "2.2":
        block = made("div", class_=STIMULUS, id=item.stimulus.id)
        fill(block, item.stimulus.content)
        body.append(block)
    fill(body, item.stem)
    if isinstance(item.interaction, Composite):
        places = places_in(body)
        for part in item.interaction.parts:
            names = Binding(part.id, NAMES.true, NAMES.false)
            element = interaction_element(part.interaction, names)
            element.tail = places[part.id].tail
            parent = places[part.id].getparent()
            if parent is not None:
                parent.replace(places[part.id], element)
    else:
        element = interaction_element(item.interaction, _names(item))
        body.append(made("p", element) if item.interaction.kind in INLINE_KINDS else element)
    if item.explanation:
        inner = made("qti-content-body")
        fill(inner, item.explanation)
        block = made("qti-rubric-block", inner, class_=EXPLANATION, view="author scorer tutor")
        block.set("use", "scoring")
        body.append(block)
    return body


def _names(item: Item) -> Binding:
    """The response variable and a cluster's columns, as the item's own processing names them."""
    if isinstance(item.scoring, ResponseProcessing):
        return Binding(item.scoring.response, item.scoring.true, item.scoring.false)
    return NAMES


def _stimulus(stimulus: Stimulus) -> bytes:
    body = made("qti-stimulus-body")
    fill(body, stimulus.content)
    write_stimulus_sounds(body)
    root = made("qti-assessment-stimulus", body, identifier=stimulus.id, title=stimulus.id)
    return _serialise(root)


class _Package:
    """A package while it is being written."""

    def __init__(self, version: Version) -> None:
        self._version = version
        namespace = PACKAGE if version == "3.0" else PACKAGE_2
        self._maker = ElementMaker(namespace=namespace, nsmap={None: namespace})
        self._resources = self._maker.resources()
        self._files: dict[str, bytes] = {}
        self._media: set[str] = set()
        self._stimuli: set[str] = set()

    def add_item(self, item: Item) -> None:
        href = f"items/{item.id}.xml"
        self._files[href] = write_item(item, self._version)
        self._files.update({f"media/{m.id}": m.data for m in item.media})
        self._media.update(media.id for media in item.media)
        needs = [f"media-{media.id}" for media in item.media]
        if item.stimulus is not None and self._version == "3.0":
            self._add_stimulus(item.stimulus)
            needs.append(f"stimulus-{item.stimulus.id}")
        kind = ITEM_TYPE if self._version == "3.0" else ITEM_TYPE_2_2
        about = write_qti_metadata(item, self._files[href], self._version)
        self._add_resource(item.id, kind, href, item.metadata, needs, about)

    def _add_stimulus(self, stimulus: Stimulus) -> None:
        href = f"stimuli/{stimulus.id}.xml"
        self._files[href] = _stimulus(stimulus)
        if stimulus.id not in self._stimuli:
            self._stimuli.add(stimulus.id)
            self._add_resource(f"stimulus-{stimulus.id}", STIMULUS_TYPE, href, None, ())

    def add_form(self, form: BaseForm) -> None:
        href = f"tests/{form.id}.xml"
        root = _test(form)
        self._files[href] = _serialise(root if self._version == "3.0" else downgrade(root))
        kind = TEST_TYPE if self._version == "3.0" else TEST_TYPE_2_2
        self._add_resource(form.id, kind, href, ItemMetadata(subject=form.paper), form.items)

    def packed(self) -> bytes:
        maker = self._maker
        for name in sorted(self._media):
            self._add_resource(f"media-{name}", MEDIA_TYPE, f"media/{name}", None, ())
        three = self._version == "3.0"
        schema = ("QTI Package", "3.0.0") if three else ("QTIv2.2 Package", "1.0.0")
        metadata = maker.metadata(maker.schema(schema[0]), maker.schemaversion(schema[1]))
        manifest = maker.manifest(
            metadata, maker.organizations(), self._resources, identifier="manifest"
        )
        etree.indent(manifest)
        return _zip({MANIFEST: _serialise(manifest)} | dict(sorted(self._files.items())))

    def _add_resource(
        self,
        identifier: str,
        kind: str,
        href: str,
        metadata: ItemMetadata | None,
        needs: Iterable[str],
        about: etree._Element | None = None,
    ) -> None:
        maker = self._maker
        resource = maker.resource(identifier=identifier, type=kind, href=href)
        if metadata is not None:
            more = [] if about is None else [about]
            resource.append(maker.metadata(write_metadata(metadata), *more))
        resource.append(maker.file(href=href))
        resource.extend(maker.dependency(identifierref=name) for name in needs)
        self._resources.append(resource)


def _test(form: BaseForm) -> etree._Element:
    """A free paper is one test part; a sequential one has a test part for each of its parts, which
    QTI delivers one after the other."""
    sections = [_section(part, f"section-{index}") for index, part in enumerate(form.parts, 1)]
    parts = [_test_part("part", *sections)]
    if form.sequential:
        parts = [
            _test_part(f"part-{index}", *_limits(part.minutes), section)
            for index, (part, section) in enumerate(zip(form.parts, sections, strict=True), 1)
        ]
    named = {"identifier": form.id, "title": form.title}
    return _Q("qti-assessment-test", *_limits(form.minutes), *parts, **named)


def _test_part(identifier: str, *content: etree._Element) -> etree._Element:
    part = _Q("qti-test-part", *content, identifier=identifier)
    part.set("navigation-mode", "nonlinear")
    part.set("submission-mode", "simultaneous")
    return part


def _limits(minutes: int | None) -> list[etree._Element]:
    if minutes is None:
        return []
    limits = _Q("qti-time-limits")
    limits.set("max-time", str(minutes * 60))
    return [limits]


def _section(part: BasePart, identifier: str) -> etree._Element:
    section = _Q("qti-assessment-section", identifier=identifier, title=part.title, visible="true")
    if part.instructions:
        body = _Q("qti-content-body")
        fill(body, part.instructions)
        section.append(_Q("qti-rubric-block", body, use="instructions", view="candidate"))
    for item in part.items:
        section.append(_Q("qti-assessment-item-ref", identifier=item, href=f"../items/{item}.xml"))
    return section


def _serialise(root: etree._Element) -> bytes:
    etree.cleanup_namespaces(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8")) + b"\n"


def _zip(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return target.getvalue()
