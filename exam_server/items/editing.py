"""An item in the plain fields of a page, and back: every fault is told beside its field.

What a field is not shown for (a stimulus) stays as it is; a text that was not touched stays the
very same content. The answer part is `answers`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from exam_server.items import answers
from exam_server.items.answer_fields import Answer, Group, placed_content, places_as_text
from exam_server.items.typed import MAX_SHORT, Typed, number_text
from question_bank.content import part_ids
from question_bank.errors import ItemError, MalformedError
from question_bank.interactions import INLINE_KINDS, Composite, Kind
from question_bank.item import Item
from question_bank.keys import MappedPoints, SumOfParts
from question_bank.metadata import LEVELS, MAX_ENEMIES, Bloom, ItemMetadata
from question_bank.plain import identifier
from question_bank.writing import text_from

METADATA = ("grade", "topic", "code", "language", "author", "source")


@dataclass(frozen=True, slots=True)
class Draft:
    """An item as it is being written: `item` lends what has no fields; its answer part may be
    still in pieces."""

    item: Item
    stem: str
    answer: Answer

    @property
    def groups(self) -> tuple[Group, ...]:
        """The fields of the answer; none where it is not edited here."""
        return answers.shown(self.answer).groups if answers.is_edited(self.answer) else ()

    @property
    def kind(self) -> Kind:
        return self.answer.interaction.kind

    @property
    def blocks(self) -> frozenset[str]:
        """The parts that stand on lines of their own."""
        parts = answers.parts_of(self.answer)
        return frozenset(name for name, one in parts if one.interaction.kind not in INLINE_KINDS)

    @property
    def sums(self) -> bool:
        """Whether the points are those of the parts."""
        return isinstance(self.answer.scoring, SumOfParts)


def draft_of(item: Item) -> Draft:
    answer = Answer(item.interaction, item.key, item.scoring, item.points)
    return Draft(item, item.stem, answer)


def blank(kind: Kind, name: str = "new") -> Draft:
    """What a new item of `kind` begins with; its texts are still to be written."""
    answer = answers.blank(kind)
    whole = answers.blank("single")
    about = ItemMetadata(language="vi")
    item = Item(name, "", whole.interaction, whole.key, whole.scoring, answer.points, about)
    stem = answers.BLANK_STEM if kind == "composite" else ""
    return Draft(item, stem, answer)


def fields_of(draft: Draft) -> dict[str, str]:
    """What the fields hold before anybody types."""
    item = draft.item
    values = {
        "stem": text_from(draft.stem),
        "explanation": text_from(item.explanation),
        "points": number_text(draft.answer.points),
        "subject": item.metadata.subject,
        "level": item.metadata.level or "",
        "bloom": item.metadata.bloom or "",
        "enemies": " ".join(item.metadata.enemies),
        **{name: getattr(item.metadata, name) for name in METADATA},
    }
    if isinstance(draft.answer.interaction, Composite):
        values["stem"] = places_as_text(values["stem"], draft.blocks)
    return values | (dict(answers.shown(draft.answer).values) if draft.groups else {})


def edited(draft: Draft, read: Callable[[str], str], typed: Typed) -> tuple[Draft, Item | None]:
    """The draft with what was typed (`read` gives a field's text); no item where `typed` got
    errors. The draft has the fields to be shown then."""
    before = fields_of(draft)
    typed.values = {name: read(name) for name in sorted(before)}
    stem = _stem(draft, typed, before)
    if draft.groups and isinstance(draft.answer.interaction, Composite):
        places = part_ids(stem)
        if len(set(places)) != len(places) or not places:
            typed.wrong("stem", "no_place")
        kinds = {name: typed.values.get(f"{answers.PART}{name}.kind", "") for name in places}
        draft = replace(draft, answer=answers.reshaped(draft.answer, kinds))
        before |= answers.shown(draft.answer).values
    names = {*before, *answers.names_in(draft.groups)}
    typed.values |= {name: read(name) for name in sorted(names)}
    if not stem:
        typed.wrong("stem", "missing")
    item = draft.item
    explanation = typed.content("explanation", before, item.explanation)
    points = draft.answer.points
    if not draft.sums:
        points = typed.decimal("points", least=Decimal(0))
    answer = replace(draft.answer, points=points)
    if draft.groups:
        answer = answers.read(answer, typed, before)
    about = _metadata(item, typed)
    if typed.errors:
        return draft, None
    return draft, _made(draft, typed, answer, (stem, explanation, about))


def _made(
    draft: Draft, typed: Typed, answer: Answer, rest: tuple[str, str, ItemMetadata]
) -> Item | None:
    stem, explanation, about = rest
    rule = answer.scoring
    if isinstance(rule, MappedPoints) and rule.upper == draft.answer.points:
        rule = replace(rule, upper=answer.points)  # no more than the item is worth, as before
    try:
        return replace(
            draft.item, stem=stem, explanation=explanation, points=answer.points,
            interaction=answer.interaction, key=answer.key, metadata=about, scoring=rule,
        )  # fmt: skip
    except ItemError as error:
        typed.wrong("item", "item", str(error).partition(": ")[2])
        return None


def _stem(draft: Draft, typed: Typed, before: dict[str, str]) -> str:
    if isinstance(draft.answer.interaction, Composite):
        return placed_content(typed, "stem", before, draft.stem, draft.blocks)
    return typed.content("stem", before, draft.stem)


def _metadata(item: Item, typed: Typed) -> ItemMetadata:
    values = typed.values
    for name in ("subject", *METADATA):
        if len(values.get(name, "")) > MAX_SHORT:
            typed.wrong(name, "too_long")
    texts = {name: values.get(name, "")[:MAX_SHORT] for name in METADATA}
    return ItemMetadata(
        subject=values.get("subject", ""),
        level=next((one for one in LEVELS if one == values.get("level")), None),
        bloom=next((one for one in Bloom if one == values.get("bloom")), None),
        enemies=_enemies(item, typed),
        **texts,
    )


def _enemies(item: Item, typed: Typed) -> tuple[str, ...]:
    """The names that were typed, between spaces or commas."""
    names = tuple(dict.fromkeys(typed.values.get("enemies", "").replace(",", " ").split()))
    try:
        for name in names:
            identifier(name, "enemy")
    except MalformedError:
        typed.wrong("enemies", "enemies")
    if len(names) > MAX_ENEMIES or item.id in names:
        typed.wrong("enemies", "enemies")
    return names
