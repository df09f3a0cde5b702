"""The paper as the candidate has it before them: where they are, what they answered, what they
marked.

Pure. Every operation gives the next sitting and the body of the record that must be on disk
before the screen shows it; `replay` is the inverse: the sitting that a journal's bodies tell of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from exam_server.contract import records
from question_bank import response as responses
from question_bank.errors import MalformedError
from question_bank.package import (
    PresentedChoice,
    PresentedCluster,
    PresentedForm,
    PresentedItem,
    PresentedNumeric,
)
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse, Response


class SittingError(Exception):
    """An operation that this paper does not allow, e.g. an option that the item does not have."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items are answered, not answered, and marked to look at again."""

    answered: int
    unanswered: int
    flagged: int


@dataclass(frozen=True, slots=True)
class Sitting:
    """`responses` holds answered items only: clearing an answer takes it out."""

    form: PresentedForm
    current: str
    responses: Mapping[str, Response] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    submitted: str | None = None

    @classmethod
    def begin(cls, form: PresentedForm) -> tuple["Sitting", records.Body]:
        """The sitting before the first item, and the record that says the form was opened."""
        return cls(form, current=form.items[0].id), records.Opened(form.code)

    @classmethod
    def replay(cls, form: PresentedForm, bodies: Iterable[records.Body]) -> "Sitting":
        """The sitting after `bodies`; SittingError where they do not belong to this form."""
        sitting, _ = cls.begin(form)
        for body in bodies:
            sitting = sitting._after(body)
        return sitting

    @property
    def item(self) -> PresentedItem:
        """The item on the screen."""
        return self._find(self.current)

    @property
    def counts(self) -> Counts:
        total = len(self.form.items)
        return Counts(len(self.responses), total - len(self.responses), len(self.flags))

    def response(self, item: str) -> Response | None:
        return self.responses.get(item)

    def answer(self, item: str, response: Response) -> tuple["Sitting", records.Body]:
        """`response` as the item's answer; an empty one clears it."""
        plain = None if response.is_empty else responses.to_plain(response)
        body = records.Answered(item, plain)
        return self._after(body), body

    def go_to(self, item: str) -> tuple["Sitting", records.Body]:
        body = records.Visited(item)
        return self._after(body), body

    def flag(self, item: str, on: bool) -> tuple["Sitting", records.Body]:
        body = records.Flagged(item, on)
        return self._after(body), body

    def submit(self, by: str) -> tuple["Sitting", records.Body]:
        """`by` is ``candidate`` or ``time``."""
        body = records.Submitted(by)
        return self._after(body), body

    def _after(self, body: records.Body) -> "Sitting":
        if self.submitted is not None:
            raise SittingError("the paper has been handed in")
        match body:
            case records.Opened(code):
                if code != self.form.code:
                    raise SittingError(f"the records are of form {code}, not {self.form.code}")
                return self
            case records.Visited(item):
                return replace(self, current=self._find(item).id)
            case records.Flagged(item, on):
                name = frozenset({self._find(item).id})
                return replace(self, flags=self.flags | name if on else self.flags - name)
            case records.Answered(item, plain):
                return replace(self, responses=self._responses_with(self._find(item), plain))
            case records.Submitted(by):
                return replace(self, submitted=by)

    def _responses_with(self, item: PresentedItem, plain: object) -> Mapping[str, Response]:
        others = {name: given for name, given in self.responses.items() if name != item.id}
        if plain is None:
            return others
        try:
            response = responses.from_plain(plain)
        except MalformedError as error:
            raise SittingError(str(error)) from error
        _check_fits(item, response)
        return {**others, item.id: response}

    def _find(self, item: str) -> PresentedItem:
        found = next((each for each in self.form.items if each.id == item), None)
        if found is None:
            raise SittingError(f"this paper has no item {item}")
        return found


def _check_fits(item: PresentedItem, response: Response) -> None:
    match item.interaction, response:
        case PresentedChoice(kind, options), ChoiceResponse(chosen) if response.kind == kind:
            fits = {*chosen} <= {option.id for option in options}
        case PresentedCluster(statements), ClusterResponse(values):
            fits = {*values} <= {statement.id for statement in statements}
        case PresentedNumeric() as interaction, NumericResponse(text):
            fits = len(text) <= interaction.max_length and {*text} <= {*interaction.allowed}
        case _:
            fits = False
    if not fits:
        raise SittingError(f"item {item.number} does not take this answer")
