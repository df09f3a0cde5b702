"""What an import gives: items, base forms, and every thing that could not be taken as it stood."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from lxml import etree

from question_bank.assembly import BaseForm
from question_bank.interchange.markup import line_of, name_of
from question_bank.item import Item

Severity = Literal["error", "warning"]
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class Problem:
    """What in which file and line is not taken (error) or not as it stood (warning)."""

    file: str
    line: int | None
    element: str
    message: str
    severity: Severity

    def to_plain(self) -> dict[str, object]:
        """As `question-bank show --json` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file held. `lines`: where each item begins, by its id, counted as its problems are;
    a name of no item begins something that was not taken, or what belongs to no item. `files`:
    the file of an item, as its problems name it, where there are several. Both say nothing where
    the reader does not.
    """

    items: tuple[Item, ...] = ()
    base_forms: tuple[BaseForm, ...] = ()
    problems: tuple[Problem, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_errors(self) -> bool:
        """Whether something could not be taken at all."""
        return any(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export gives: the file, and everything of the items that its format cannot carry.
    An item that is an error is not in the file."""

    data: bytes
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class ProblemLog:
    """Collects the problems of one file. `names`: what the file itself calls elements that its
    reader calls otherwise."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)

    def failed_since(self, count: int) -> bool:
        """Whether there is an error among the problems after the first `count`."""
        return any(problem.severity == "error" for problem in self.problems[count:])

    def error(self, line: int | None, element: str, message: str) -> None:
        """Something is not taken."""
        self._add(line, element, message, "error")

    def warning(self, line: int | None, element: str, message: str) -> None:
        """Something is not taken as it stood."""
        self._add(line, element, message, "warning")

    def _add(self, line: int | None, element: str, message: str, severity: Severity) -> None:
        if self.names:
            element = self.names.get(element, element)
            message = _WORD.sub(lambda found: self.names.get(found[0], found[0]), message)
        self.problems.append(Problem(self.file, line, element, message, severity))

    def unknown_children(self, element: etree._Element, *known: str) -> None:
        """Warns of every child element that is none of `known`."""
        for node in element:
            if name_of(node) not in known:
                self.warning(line_of(node), name_of(node), "is not supported and was left out")

    def unknown_attributes(self, element: etree._Element, *known: str) -> None:
        """Warns of every attribute that is none of `known`."""
        for key in map(str, element.attrib):
            if key not in known:
                message = f"attribute {key[:60]} is not supported and was left out"
                self.warning(line_of(element), name_of(element), message)
