"""The state of one processing: variables, draws, the budget of steps, and what was noticed."""

from collections.abc import Mapping
from typing import Protocol

from question_bank.errors import ScoringError
from question_bank.qti.draws import Draws
from question_bank.qti.program import Declaration, Expression
from question_bank.qti.values import NUMERIC, Single, Value, parsed

# What one processing may evaluate; a program of a real item needs some hundreds.
MAX_STEPS = 500_000
MAX_NOTICES = 20


class SessionValues(Protocol):
    """What the expressions of tests ask of the items of the session."""

    def value(self, expression: Expression) -> Value | None:
        """The value of numberCorrect, testVariables and their like."""

    def variable(self, identifier: str, weight: str) -> Value | None:
        """The value of ITEM.VARIABLE, weighted."""


class Run:
    """Variables by identifier, and the rest of the state; see the module."""

    def __init__(
        self,
        declarations: Mapping[str, Declaration],
        draws: Draws,
        test: SessionValues | None = None,
    ) -> None:
        self.declarations = declarations
        self.draws = draws
        self.test = test
        self.values: dict[str, Value | None] = {}
        self.defaults: dict[str, Value | None] = {}
        self.correct: dict[str, Value | None] = {}
        self.notices: list[str] = []
        self._steps = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Counts steps; raises ScoringError when the budget is used up."""
        self._steps -= steps
        if self._steps < 0:
            raise ScoringError(
                f"the processing takes more than {MAX_STEPS} steps; simplify the item's rules"
            )

    def notice(self, text: str) -> None:
        """Remembers what the item's author or the sender of the responses should know."""
        if len(self.notices) < MAX_NOTICES and text not in self.notices:
            self.notices.append(text)

    def variable(self, identifier: str) -> Value | None:
        """The value of a variable; NULL, with a notice, where there is none of that name."""
        if identifier in self.values:
            return self.values[identifier]
        self.notice(f"there is no variable {identifier[:60]}")
        return None

    def declared_default(self, identifier: str) -> Value | None:
        """The default value, as declared or as set by template processing."""
        if identifier in self.defaults:
            return self.defaults[identifier]
        declaration = self.declarations.get(identifier)
        return declaration.default if declaration else None

    def declared_correct(self, identifier: str) -> Value | None:
        """The correct response, as declared or as set by template processing."""
        if identifier in self.correct:
            return self.correct[identifier]
        declaration = self.declarations.get(identifier)
        return declaration.correct if declaration else None

    def referenced(self, text: str) -> Value | None:
        """The variable that an attribute refers to: NAME, {NAME} or {$NAME}."""
        name = text.strip().removeprefix("{").removesuffix("}").removeprefix("$").strip()
        return self.variable(name)

    def number(self, text: str) -> int | float | None:
        """A number written in an attribute, or the value of the variable it refers to."""
        value: Value | None
        try:
            value = parsed("integer", text)
        except ValueError:
            try:
                value = parsed("float", text)
            except ValueError:
                value = self.referenced(text)
        if isinstance(value, Single) and value.base_type in NUMERIC:
            return value.data if isinstance(value.data, int | float) else None
        return None

    def integer(self, text: str) -> int | None:
        """A whole number written in an attribute, or the value of a variable; else None."""
        value = self.number(text)
        return value if isinstance(value, int) else None
