"""What a package's manifest says about an item: IEEE LOM and QTI's own metadata, both ways.

LOM has no place for items that must not stand together: they are relations of our own kind.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lxml import etree
from lxml.builder import ElementMaker

from question_bank.errors import MalformedError
from question_bank.interactions import Composite
from question_bank.interchange.levels import process_named
from question_bank.interchange.markup import child, children, line_of, name_of, text_of
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_terms import (
    COMPETENCY,
    DISCIPLINE,
    EDUCATIONAL_LEVEL,
    LOM,
    QTI_METADATA,
    QTI_METADATA_2_2,
)
from question_bank.item import Item
from question_bank.keys import NoKey
from question_bank.metadata import LEVELS, MAX_ENEMIES, Bloom, ItemMetadata
from question_bank.plain import identifier

CATALOG = "code"
OURS, ENEMY, BASIS = "truong-thi", "enemy", "isbasedon"
_E = ElementMaker(namespace=LOM, nsmap={None: LOM})
_INTERACTION = re.compile(rb"<(?:qti-)?([A-Za-z][A-Za-z-]*[iI]nteraction)\b")
#: What an item's own markup says, too: nothing is lost with these.
_RESTATED = frozenset(
    ("itemTemplate", "composite", "interactionType", "feedbackType", "solutionAvailable")
)


def write_metadata(metadata: ItemMetadata) -> etree._Element:
    """A `lom` element."""
    general = _E.general()
    if metadata.code:
        general.append(_E.identifier(_E.catalog(CATALOG), _E.entry(metadata.code)))
    if metadata.language:
        general.append(_E.language(metadata.language))
    lom = _E.lom(general)
    if metadata.author:
        role = _E.role(_E.source("LOMv1.0"), _E.value("author"))
        lom.append(_E.lifeCycle(_E.contribute(role, _E.entity(metadata.author))))
    if metadata.source:
        text = _E.description(_E.string(metadata.source))
        lom.append(_relation("LOMv1.0", BASIS, text))
    for enemy in metadata.enemies:
        named = _E.identifier(_E.catalog(OURS), _E.entry(enemy))
        lom.append(_relation(OURS, ENEMY, named))
    subject = (metadata.subject, metadata.topic) if metadata.topic else (metadata.subject,)
    for purpose, *paths in (
        (DISCIPLINE, subject),
        (EDUCATIONAL_LEVEL, (metadata.grade,)),
        (COMPETENCY, (metadata.level or "",), (metadata.bloom or "",)),
    ):
        if said := [path for path in paths if any(path)]:
            lom.append(_classification(purpose, said))
    return lom


def _relation(source: str, kind: str, what: etree._Element) -> etree._Element:
    return _E.relation(_E.kind(_E.source(source), _E.value(kind)), _E.resource(what))


def _classification(purpose: str, paths: Sequence[tuple[str, ...]]) -> etree._Element:
    return _E.classification(
        _E.purpose(_E.source("LOMv1.0"), _E.value(purpose)),
        *(_E.taxonPath(*(_E.taxon(_E.entry(_E.string(one))) for one in path)) for path in paths),
    )


def write_qti_metadata(item: Item, xml: bytes, version: str) -> etree._Element:
    """A `qtiMetadata` element for the item that was written as `xml`."""
    space = QTI_METADATA if version == "3.0" else QTI_METADATA_2_2
    make = ElementMaker(namespace=space, nsmap={None: space})
    kinds = dict.fromkeys(_camel(name.decode()) for name in _INTERACTION.findall(xml))
    return make.qtiMetadata(
        make.timeDependent("false"),
        make.composite(_boolean(isinstance(item.interaction, Composite))),
        *(make.interactionType(kind) for kind in kinds),
        make.solutionAvailable(_boolean(not isinstance(item.key, NoKey))),
    )


def _camel(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(map(str.capitalize, rest))


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def read_metadata(resource: etree._Element, log: ProblemLog) -> ItemMetadata:
    """What the resource's metadata says; what is not understood is a warning."""
    reader = _Reader(log)
    for holder in children(resource, "metadata"):
        for element in holder:
            match name_of(element):
                case "lom":
                    reader.lom(element)
                case "qtiMetadata" | "qti-metadata":
                    reader.qti(element)
                case "schema" | "schemaversion" | "":
                    pass
                case _:
                    reader.left_out(element)
    return reader.metadata()


@dataclass(slots=True)
class _Reader:
    log: ProblemLog
    texts: dict[str, str] = field(default_factory=dict)
    bloom: Bloom | None = None
    enemies: list[str] = field(default_factory=list)

    def metadata(self) -> ItemMetadata:
        level = self.texts.pop("level", "")
        return ItemMetadata(
            **self.texts,
            level=next((known for known in LEVELS if known == level), None),
            bloom=self.bloom,
            enemies=tuple(self.enemies[:MAX_ENEMIES]),
        )

    def left_out(self, element: etree._Element) -> None:
        said = text_of(element)
        if said:
            message = f"metadata not understood; left out: {said[:60]!r}"
            self.log.warning(line_of(element), name_of(element), message)

    def qti(self, metadata: etree._Element) -> None:
        for element in metadata:
            restated = name_of(element) in _RESTATED
            plain = name_of(element) == "timeDependent" and text_of(element) == "false"
            if not restated and not plain:
                self.left_out(element)

    def lom(self, lom: etree._Element) -> None:
        for element in lom:
            match name_of(element):
                case "general":
                    self._general(element)
                case "lifeCycle":
                    self._life_cycle(element)
                case "relation":
                    self._relation(element)
                case "classification":
                    self._classification(element)
                case _:
                    self.left_out(element)

    def _take(self, name: str, value: str, element: etree._Element) -> None:
        """The first word on something counts."""
        if value and self.texts.setdefault(name, value) != value:
            self.left_out(element)

    def _general(self, general: etree._Element) -> None:
        for element in general:
            match name_of(element):
                case "identifier":
                    self._take("code", _deep_text(element, "entry"), element)
                case "language":
                    self._take("language", text_of(element), element)
                case _:
                    self.left_out(element)

    def _life_cycle(self, cycle: etree._Element) -> None:
        for element in cycle:
            role = _deep_text(element, "role", "value")
            if name_of(element) == "contribute" and role in ("author", ""):
                for entity in children(element, "entity"):
                    self._take("author", text_of(entity), entity)
            else:
                self.left_out(element)

    def _relation(self, relation: etree._Element) -> None:
        kind = _deep_text(relation, "kind", "value")
        if kind == BASIS:
            self._take("source", _deep_text(relation, "resource", "description"), relation)
        elif kind == ENEMY:
            self._enemy(_deep_text(relation, "resource", "identifier", "entry"), relation)
        else:
            self.left_out(relation)

    def _enemy(self, named: str, relation: etree._Element) -> None:
        try:
            enemy = identifier(named, "enemy")
        except MalformedError as error:
            self.log.warning(line_of(relation), "relation", f"{error}; left out")
            return
        if enemy not in self.enemies:
            self.enemies.append(enemy)

    def _classification(self, element: etree._Element) -> None:
        purpose = _deep_text(element, "purpose", "value")
        paths = list(_paths(element))
        if purpose == COMPETENCY:
            for path in paths:
                self._competency(path[0] if path else "", element)
            return
        if purpose not in (DISCIPLINE, EDUCATIONAL_LEVEL) or not paths:
            self.left_out(element)
            return
        first, *rest = paths[0] or [""]
        if purpose == DISCIPLINE:
            self._take("subject", first, element)
            self._take("topic", " / ".join(rest), element)
        else:
            self._take("grade", " / ".join((first, *rest)), element)
        if len(paths) > 1:
            self.log.warning(line_of(element), "taxonPath", "more than one; the first counts")

    def _competency(self, said: str, element: etree._Element) -> None:
        if said in LEVELS:
            self._take("level", said, element)
        elif (bloom := _bloom(said)) is not None:
            self.bloom = self.bloom or bloom
        elif said:
            message = f"level {said[:20]!r} is none of N, H, V, C, and no process of Bloom's"
            self.log.warning(line_of(element), "taxonPath", message)


def _bloom(said: str) -> Bloom | None:
    """The process of that name: "Apply", "Applying", "Analyze"."""
    return process_named(said)


def _paths(classification: etree._Element) -> Iterator[list[str]]:
    for path in children(classification, "taxonPath"):
        yield [text_of(child(taxon, "entry")) for taxon in children(path, "taxon")]


def _deep_text(element: etree._Element, *path: str) -> str:
    place: etree._Element | None = element
    for name in path:
        place = None if place is None else child(place, name)
    return text_of(place)
