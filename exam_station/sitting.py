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
    PresentedComposite,
    PresentedForm,
    PresentedItem,
    PresentedNumeric,
)
from question_bank.presented import PresentedSimple, sounds_in
from question_bank.response import (
    ChoiceResponse,
    ClusterResponse,
    CompositeResponse,
    NumericResponse,
    Response,
)
from question_bank.scoring.belonging import belongs


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
    """`responses` holds answered items only: clearing an answer takes it out.

    `left` are the sections of a sequential paper that are behind; nobody comes back to them.
    `heard` tells how far each sound that may be heard so often was heard.
    """

    form: PresentedForm
    current: str
    responses: Mapping[str, Response] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    submitted: str | None = None
    left: tuple[records.Left, ...] = ()
    heard: Mapping[str, records.Heard] = field(default_factory=dict)

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
    def open_items(self) -> tuple[PresentedItem, ...]:
        """The items that may be gone to: the present section's, or a free paper's all."""
        return self.form.parts[len(self.left)].items if self.form.sequential else self.form.items

    @property
    def in_last_section(self) -> bool:
        """Whether nothing comes after what may be gone to."""
        return not self.form.sequential or len(self.left) == len(self.form.parts) - 1

    @property
    def counts(self) -> Counts:
        """Of the items that may be gone to."""
        items = {item.id for item in self.open_items}
        answered = len(items & self.responses.keys())
        return Counts(answered, len(items) - answered, len(items & self.flags))

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

    def hear(self, sound: str, play: int, at: int) -> tuple["Sitting", records.Body]:
        """The sound is heard the `play`th time, up to `at` milliseconds of it."""
        body = records.Heard(sound, play, at)
        return self._after(body), body

    def leave(self, by: str, at: int) -> tuple["Sitting", records.Body]:
        """Ends the present section and begins the next; `by` as in `records.Left`."""
        body = records.Left(len(self.left), at, by)
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
                return replace(self, current=self._open(item).id)
            case records.Flagged(item, on):
                name = frozenset({self._open(item).id})
                return replace(self, flags=self.flags | name if on else self.flags - name)
            case records.Answered(item, plain):
                return replace(self, responses=self._responses_with(self._open(item), plain))
            case records.Submitted(by):
                return replace(self, submitted=by)
            case records.Left(section):
                if self.in_last_section or section != len(self.left):
                    raise SittingError("there is no such section to leave")
                entered = self.form.parts[section + 1].items[0]
                return replace(self, left=(*self.left, body), current=entered.id)
            case records.Restarted():
                return self
            case records.Heard(sound):
                self._check_heard(body)
                return replace(self, heard={**self.heard, sound: body})

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

    def _check_heard(self, body: records.Heard) -> None:
        """A play goes on from where it was, or the next one begins, as often as it may."""
        sound = sounds_in(self.form).get(body.sound)
        if sound is None or not sound.items & {item.id for item in self.open_items}:
            raise SittingError("this paper has no such sound here")
        if not 0 < body.play <= sound.plays:
            raise SittingError("this sound may not be heard so often")
        before = self.heard.get(body.sound, records.Heard(body.sound, 0, 0))
        goes_on = body.play == before.play and body.at >= before.at
        if not goes_on and (body.play, body.at) != (before.play + 1, 0):
            raise SittingError("a sound goes on from where it was, or begins anew")

    def _open(self, item: str) -> PresentedItem:
        found = self._find(item)
        if found not in self.open_items:
            raise SittingError(f"item {found.number} is in another section")
        return found

    def _find(self, item: str) -> PresentedItem:
        found = next((each for each in self.form.items if each.id == item), None)
        if found is None:
            raise SittingError(f"this paper has no item {item}")
        return found


def _check_fits(item: PresentedItem, response: Response) -> None:
    match item.interaction, response:
        case PresentedComposite(parts), CompositeResponse(parts=given):
            known = {part.id: part.interaction for part in parts}
            fits = all(name in known and _fits(known[name], one) for name, one in given.items())
        case PresentedComposite(), _:
            fits = False
        case interaction, _:
            fits = _fits(interaction, response)
    if not fits:
        raise SittingError(f"item {item.number} does not take this answer")


def _fits(interaction: PresentedSimple, response: Response) -> bool:
    match interaction, response:
        case PresentedChoice(kind, options, most), ChoiceResponse(chosen):
            known = {option.id for option in options}
            within = not most or len(chosen) <= most
            return response.kind == kind and {*chosen} <= known and within
        case PresentedCluster(statements), ClusterResponse(values):
            return {*values} <= {statement.id for statement in statements}
        case PresentedNumeric(max_length=most, allowed=allowed), NumericResponse(text):
            return len(text) <= most and {*text} <= {*allowed}
        case PresentedChoice() | PresentedCluster() | PresentedNumeric(), _:
            return False
        case later, _:
            return belongs(later, response)
