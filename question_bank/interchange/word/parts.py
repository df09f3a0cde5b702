"""The parts of an Office package and how they refer to each other (ECMA-376 part 2)."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interchange.archive import Archive, opened, resolve
from question_bank.interchange.markup import attribute, children, parse_xml

MAIN = "officeDocument"
ROOT_RELATIONS = "_rels/.rels"


@dataclass(frozen=True, slots=True)
class Relation:
    """What one relationship id of a part means. `part` is None for what lies outside."""

    kind: str
    target: str
    part: str | None


class Parts:
    """The parts of one document; every name stays inside of the package."""

    def __init__(self, data: bytes | Archive, file: str) -> None:
        """Raises FileRefusedError for what is no Office document."""
        self.file = file
        self._archive = opened(data)
        if ROOT_RELATIONS not in self._archive:
            raise FileRefusedError(f"{file}: no Office document; it has no {ROOT_RELATIONS}")
        roots = self.relations("").values()
        main = next((relation.part for relation in roots if relation.kind == MAIN), None)
        if main is None:
            raise FileRefusedError(f"{file}: no Office document; its main part is missing")
        self.main = main

    def __contains__(self, part: str) -> bool:
        return part in self._archive

    def read(self, part: str) -> bytes:
        """A part's bytes; raises FileRefusedError."""
        return self._archive.read(part)

    def xml(self, part: str) -> etree._Element:
        """A part's root element; raises FileRefusedError."""
        return parse_xml(self._archive.read(part), f"{self.file}/{part}")

    def relations(self, part: str) -> Mapping[str, Relation]:
        """A part's relationships by id."""
        folder, name = posixpath.split(part)
        file = posixpath.join(folder, "_rels", f"{name}.rels") if part else ROOT_RELATIONS
        if file not in self._archive:
            return {}
        return {
            attribute(relation, "Id"): self._relation(part, relation)
            for relation in children(self.xml(file), "Relationship")
        }

    def _relation(self, part: str, relation: etree._Element) -> Relation:
        kind = attribute(relation, "Type").rpartition("/")[2]
        target = attribute(relation, "Target")
        if attribute(relation, "TargetMode") == "External":
            return Relation(kind, target, None)
        inside = resolve("", target[1:]) if target.startswith("/") else resolve(part, target)
        known = inside is not None and inside in self._archive
        return Relation(kind, target, inside if known else None)

    def of_kind(self, kind: str) -> Iterator[str]:
        """The names of the parts that the main part refers to by this kind of relationship."""
        for relation in self.relations(self.main).values():
            if relation.kind == kind and relation.part is not None:
                yield relation.part

    def first_xml(self, kind: str) -> etree._Element | None:
        """The root of the first part of that kind."""
        part = next(self.of_kind(kind), None)
        return None if part is None else self.xml(part)
