"""What an import gives: items, base forms, and every thing that could not be taken as it stood."""

from dataclasses import asdict, dataclass, field
from typing import Literal

from lxml import etree

from question_bank.assembly import BaseForm
from question_bank.interchange.markup import line_of, name_of
from question_bank.item import Item

Severity = Literal["error", "warning"]


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
    """What a file held."""

    items: tuple[Item, ...] = ()
    base_forms: tuple[BaseForm, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether something could not be taken at all."""
        return any(problem.severity == "error" for problem in self.problems)


@dataclass(slots=True)
class ProblemLog:
    """Collects the problems of one file."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many errors there are so far."""
        return sum(problem.severity == "error" for problem in self.problems)

    def error(self, line: int | None, element: str, message: str) -> None:
        """Something is not taken."""
        self.problems.append(Problem(self.file, line, element, message, "error"))

    def warning(self, line: int | None, element: str, message: str) -> None:
        """Something is not taken as it stood."""
        self.problems.append(Problem(self.file, line, element, message, "warning"))

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
