"""One `item` of QTI 1.2 to an item of the bank."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from lxml import etree

from question_bank.content import plain_text
from question_bank.errors import ContentError, ItemError
from question_bank.interactions import Area, Composite, Interaction, Part, Picture, picture_of
from question_bank.interchange.languages import language_of
from question_bank.interchange.markup import attribute, child, children, line_of, name_of, text_of
from question_bank.interchange.pictures import pixels_of
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti12.conditions import (
    NotTakenError,
    Program,
    declared_most,
    program_of,
)
from question_bank.interchange.qti12.marks import Marked, Marker, by_people, scaled, tidy, with_rest
from question_bank.interchange.qti12.matching import grouped, looks_like_matching, matched
from question_bank.interchange.qti12.material import MaterialReader, PictureSource
from question_bank.interchange.qti12.metadata import Told, told_of
from question_bank.interchange.qti12.own import Own, Translator
from question_bank.interchange.qti12.parts import composite
from question_bank.interchange.qti12.presentation import (
    Label,
    Presentation,
    Response,
    image_of,
    presentation_of,
    shape_of,
)
from question_bank.item import Item
from question_bank.keys import External, Key, ScoringRule

_KNOWN = ("itemmetadata", "presentation", "resprocessing", "itemfeedback", "qticomment",
          "duration", "objectives", "rubric", "itemcontrol")  # fmt: skip
_GENERAL = ("general_fb", "general", "solution")
# What Blackboard writes for the words True and False.
_TRUTHS = {"true_false.true": "True", "true_false.false": "False"}
_PLACE = re.compile(r"(<[^>]*>)")


@dataclass(frozen=True, slots=True)
class _Made:
    stem: str
    interaction: Interaction
    key: Key
    rule: ScoringRule
    points: Decimal


def read_item(
    element: etree._Element, identifier: str, log: ProblemLog, pictures: PictureSource
) -> Item | None:
    """The item, or None with an error in `log` that says why not."""
    before = len(log.problems)
    try:
        item = _Reader(element, log, MaterialReader(log, pictures)).read(identifier)
        return (
            item if not log.failed_since(before) else None
        )  # without its picture it is another one
    except NotTakenError as error:
        log.error(error.line, name_of(error.element), str(error))
    except (ItemError, ContentError) as error:
        log.error(line_of(element), "item", str(error))
    return None


@dataclass(slots=True)
class _Reader:
    """Reads one item."""

    element: etree._Element
    log: ProblemLog
    material: MaterialReader
    told: Told = field(default_factory=Told)

    def read(self, identifier: str) -> Item:
        self.log.unknown_children(self.element, *_KNOWN)
        self.told = told_of(self.element, self.log)
        body = child(self.element, "presentation")
        if body is None:
            raise NotTakenError(self.element, "has no presentation")
        for extension in self.element.iter("{*}calculated"):
            raise NotTakenError(
                extension, "values that are drawn for each person are not supported"
            )
        shown = presentation_of(body, self.material)
        if not shown.responses:
            raise NotTakenError(body, "asks nothing: it has no response")
        made = self._made(shown)
        if not made.stem and picture_of(made.interaction) is None:
            raise NotTakenError(body, "has no text")
        explanation = self._explanation()
        media = tuple(sorted(self.material.media.values(), key=lambda one: one.id))
        return Item(
            id=identifier,
            stem=made.stem,
            interaction=made.interaction,
            key=made.key,
            scoring=made.rule,
            points=made.points,
            metadata=replace(self.told.metadata, language=self._language(made.stem)),
            media=media,
            explanation=explanation,
        )

    def _language(self, stem: str) -> str:
        return self.told.metadata.language or language_of(plain_text(stem))

    def _made(self, shown: Presentation) -> _Made:
        program = program_of(self.element, {r.id: _values(r) for r in shown.responses})
        if len({response.id for response in shown.responses}) != len(shown.responses):
            raise NotTakenError(self.element, "two of its responses have the same ident")
        if program is not None and program.score({}) != 0 and not self.told.is_essay:
            raise NotTakenError(self.element, "gives marks for no answer at all")
        if looks_like_matching(shown):
            one = matched(shown, self._needed(program), self.log)
            return self._simple(one, program, shown.text())
        if len(shown.responses) == 1 and not (self._has_places(shown) or shown.is_amid_text):
            return self._alone(shown, program)
        return self._composite(shown, program)

    def _alone(self, shown: Presentation, program: Program | None) -> _Made:
        """One response, by a rule of the bank or else by a processing of its own."""
        response = shown.responses[0]
        stem = shown.text() or response.prompt
        if response.prompt and shown.text():
            stem = f"<div>{stem}</div><div>{response.prompt}</div>"
        try:
            return self._simple(self._marked(response, program, {}), program, stem)
        except NotTakenError:
            own = None if program is None else self._own(response, program)
            if own is None:
                raise
        return _Made(stem, own.interaction, own.key, own.rule, own.points)

    def _own(self, response: Response, program: Program) -> Own | None:
        name = attribute(self.element, "ident") or "item"
        translator = Translator(name, response, program)
        if response.is_number and response.kind in ("str", "num"):
            return translator.number(lambda best: self._factor(program, best))
        choice = response.kind == "lid" and name_of(response.render) == "render_choice"
        if choice and response.cardinality == "multiple" and response.labels:
            return translator.multiple(lambda best: self._factor(program, best))
        return None

    def _needed(self, program: Program | None) -> Program:
        if program is None:
            raise NotTakenError(self.element, "has no response processing that changes a score")
        return program

    def _simple(self, one: Marked, program: Program | None, stem: str) -> _Made:
        if isinstance(one.rule, External):
            most = None if self.told.in_percent else declared_most(self.element)
            points = self.told.points or most or Decimal(1)
            return _Made(stem, one.interaction, one.key, one.rule, points)
        factor = self._factor(program, one.worth)
        points = tidy(self._whole(program, one.worth) * factor)
        one = scaled(one, factor)
        rule = with_rest(one, points - one.worth)
        return _Made(stem, one.interaction, one.key, rule, points)

    def _whole(self, program: Program | None, worth: Decimal) -> Decimal:
        """33.33 three times is meant to be 100: what is within a hundredth of the maximum is it."""
        most = None if program is None else program.most
        return most if most is not None and 0 < most - worth <= most / 100 else worth

    def _factor(self, program: Program | None, best: Decimal) -> Decimal:
        """How many points one of the file's units is: its marks are often per cent."""
        most = program.most if program is not None else None
        full = most if most is not None and most > best else best
        points = self.told.points
        if points is None and self.told.in_percent and full == 100:
            points = Decimal(1)
        return Decimal(1) if points is None else points / full

    def _marked(
        self, response: Response, program: Program | None, given: Mapping[str, tuple[str, ...]],
        *, in_line: bool = False,
    ) -> Marked:  # fmt: skip
        response = replace(response, labels=tuple(map(_with_words, response.labels)))
        rendered = name_of(response.render)
        if response.kind in ("str", "num") and self._is_essay(response, program):
            return by_people(response)
        marker = Marker(self._needed(program), response, self.log, given)
        if response.kind == "grp":
            return grouped(marker)
        if response.is_number and response.kind in ("str", "num"):
            return marker.number()
        if response.kind == "str" or rendered == "render_fib":
            return marker.text()
        if response.kind == "xy":
            return marker.points(self._picture(response))
        if not response.labels:
            raise NotTakenError(response.element, "has nothing to choose")
        if rendered == "render_hotspot":
            return marker.hotspot(self._picture(response), _areas(response))
        match response.cardinality:
            case "multiple":
                return marker.multiple()
            case "ordered":
                return marker.order()
            case _:
                return marker.single(in_line=in_line)

    def _is_essay(self, response: Response, program: Program | None) -> bool:
        asked = program is not None and any(program.tests(response.id))
        if program is None and not self.told.is_essay and not response.element.get("rows"):
            rows = attribute(response.render, "rows", "1")
            if rows in ("", "1") and not response.is_number:
                message = "no right answer is told; people mark the text"
                self.log.warning(line_of(response.element), name_of(response.element), message)
        return self.told.is_essay or not (asked or response.is_number)

    def _picture(self, response: Response) -> Picture:
        found = image_of(response.render)
        if found is None:
            raise NotTakenError(response.element, "has no picture to answer on")
        media = self.material.media_of(found, attribute(found, "uri"))
        if media is None:
            raise NotTakenError(found, "there is nothing to answer on without it")
        said = [attribute(found, name) for name in ("width", "height")]
        told = all(size.isdecimal() and size.isascii() and len(size) < 6 for size in said)
        width, height = (int(said[0]), int(said[1])) if told else pixels_of(media)
        return Picture(media.id, width, height, attribute(found, "label"))

    # --- several responses

    def _has_places(self, shown: Presentation) -> bool:
        """Whether the text says `[name]` where a response stands, as Canvas writes it."""
        text = shown.text()
        return (
            all(f"[{plain_text(one.prompt)}]" in text for one in shown.responses if one.prompt)
            and any(one.prompt for one in shown.responses)
            and self.told.has_blanks
        )

    def _composite(self, shown: Presentation, program: Program | None) -> _Made:
        named = self._has_places(shown)

        def mark(response: Response, given: Mapping[str, tuple[str, ...]]) -> Marked:
            if named and self.told.is_typed_blanks:
                return Marker(self._needed(program), response, self.log, given).blank()
            return self._marked(response, program, given, in_line=named)

        def warn(response: Response, message: str) -> None:
            element = response.element
            self.log.warning(line_of(element), name_of(element), message)

        parts = composite(shown.responses, program, mark, warn)
        factor = self._factor(program, parts.worth)
        full = tidy(self._whole(program, parts.worth) * factor)
        marks, rule, points = parts.scaled(factor, full)
        interaction = Composite(tuple(Part(name, one.interaction) for name, one in marks.items()))
        stem = self._stem_with_places(shown, marks) if named else _stem_in_order(shown, marks)
        return _Made(stem, interaction, parts.key(), rule, points)

    def _stem_with_places(self, shown: Presentation, marks: Mapping[str, Marked]) -> str:
        stem = shown.text()
        for response in shown.responses:
            place = f"[{plain_text(response.prompt)}]"
            pieces = _PLACE.split(stem)
            at = next((n for n, p in enumerate(pieces) if n % 2 == 0 and place in p), None)
            if at is None or response.id not in marks:
                raise NotTakenError(response.element, f"the text has no place {place[:60]}")
            pieces[at] = pieces[at].replace(place, _place(response.id, "span"), 1)
            stem = "".join(pieces)
        return stem

    # --- what else an item says

    def _explanation(self) -> str:
        fragments = []
        for feedback in children(self.element, "itemfeedback"):
            general = attribute(feedback, "ident").lower() in _GENERAL
            for node in feedback:
                if general or name_of(node) == "solution":
                    inner = list(children(node, "solutionmaterial")) or [node]
                    fragments += [t for one in inner for t in self.material.pieces(one) if t]
                elif text_of(node):
                    message = "is kept for no single answer and was left out"
                    self.log.warning(line_of(node), "itemfeedback", message)
        for name in ("rubric", "objectives"):
            for node in children(self.element, name):
                if text_of(node):
                    self.log.warning(line_of(node), name, "is not supported and was left out")
        return (
            fragments[0] if len(fragments) == 1 else "".join(f"<div>{t}</div>" for t in fragments)
        )


def _values(response: Response) -> str:
    if response.kind == "grp":
        return "paired"
    if response.kind == "xy":
        return "chosen"
    if response.kind != "lid":
        return "typed"
    return "ordered" if response.cardinality == "ordered" else "chosen"


def _with_words(label: Label) -> Label:
    return replace(label, content=_TRUTHS.get(label.content, label.content))


def _areas(response: Response) -> tuple[Area, ...]:
    return tuple(
        Area(
            label.id,
            shape_of(label.element, attribute(label.element, "rarea"), _coords(label.element)),
            plain_text(label.content),
        )
        for label in response.labels
    )


def _coords(label: etree._Element) -> str:
    """The numbers, which stand as text of the label beside its own material."""
    return " ".join([label.text or "", *(str(node.tail or "") for node in label)])


def _place(identifier: str, element: str) -> str:
    return f'<{element} data-part="{identifier}"></{element}>'


def _stem_in_order(shown: Presentation, marks: Mapping[str, Marked]) -> str:
    places = {}
    for response in shown.responses:
        in_line = marks[response.id].interaction.kind in ("gap", "numeric", "inline_choice")
        places[response.id] = response.prompt + _place(response.id, "span" if in_line else "div")
    return shown.text(places=places)
