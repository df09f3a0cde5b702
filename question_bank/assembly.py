"""From a base form (đề gốc) to a form (mã đề): arranged, numbered, under opaque ids.

Reproducible for ever: the arrangement is a function of the seed alone, defined in
`question_bank.arrangement` and nowhere else. Parts keep their order; items move within their part,
those of one stimulus together and in their order; options, statements and pieces move within
their item, fixed ones stay. What an item with template variables draws follows the seed too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from question_bank import content
from question_bank.arrangement import Arrangement
from question_bank.errors import AssemblyError
from question_bank.form_mapping import FormMapping, MappedItem, MappedPart
from question_bank.item import Item, Stimulus
from question_bank.presented import (
    PresentedForm,
    PresentedPart,
    schema_of,
)
from question_bank.presenting import Presenter

__all__ = [
    "ArrangedForm", "BaseForm", "BasePart", "FormMapping", "MappedItem", "MappedPart", "arrange",
]  # fmt: skip

MIN_SEED = 16


@dataclass(frozen=True, slots=True)
class BasePart:
    """A part of a base form: title (plain text), instructions (content), item ids in order.

    `minutes` is its own time, in sequential papers only.
    """

    title: str
    instructions: str
    items: tuple[str, ...]
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class BaseForm:
    """A paper as its author laid it down, before any arranging.

    `sequential`: its parts are written one after the other, and none is returned to.
    """

    id: str
    title: str
    paper: str
    minutes: int
    parts: tuple[BasePart, ...]
    sequential: bool = False

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of all items, in order."""
        return tuple(item for part in self.parts for item in part.items)


@dataclass(frozen=True, slots=True)
class ArrangedForm:
    """What the candidate is shown, and the way back to the bank."""

    form: PresentedForm
    mapping: FormMapping


def arrange(
    base_form: BaseForm, items: Iterable[Item], *, code: str, seed: bytes, exam: str
) -> ArrangedForm:
    """The form `code` of `base_form`, whose items are among `items`.

    `seed` is secret and at least 16 bytes; the same arguments give the same bytes for ever.
    Raises AssemblyError for a missing or doubled item, a missing picture, an adaptive item,
    two items that are enemies, items of one stimulus that do not stand together, or a short seed.
    """
    if len(seed) < MIN_SEED:
        raise AssemblyError(f"the seed must have at least {MIN_SEED} bytes")
    bank = {item.id: item for item in items}
    _check(base_form, bank)
    arrangement = Arrangement(seed, code)
    orders = [
        _ordered(arrangement, [bank[item_id] for item_id in part.items], f"part/{index}")
        for index, part in enumerate(base_form.parts)
    ]
    presenter = Presenter(arrangement, [item for order in orders for item in order])
    parts = tuple(
        PresentedPart(
            part.title,
            content.respelled(part.instructions),
            tuple(presenter.item(item) for item in order),
            part.minutes,
        )
        for part, order in zip(base_form.parts, orders, strict=True)
    )
    stimuli = tuple(presenter.stimuli.values())
    form = PresentedForm(
        exam=exam,
        paper=base_form.paper,
        code=code,
        minutes=base_form.minutes,
        parts=parts,
        media=tuple(sorted(presenter.media.values(), key=lambda media: media.id)),
        schema=schema_of(parts, stimuli, sequential=base_form.sequential),
        stimuli=stimuli,
    )
    return ArrangedForm(form, FormMapping(presenter.mapped))


def _ordered(arrangement: Arrangement, items: list[Item], label: str) -> list[Item]:
    """The items in the order drawn, those of one stimulus together and in their own."""
    groups: list[list[Item]] = []
    for stimulus, group in groupby(items, key=lambda item: item.stimulus):
        members = list(group)
        groups += [members] if stimulus is not None else [[item] for item in members]
    return [item for group in arrangement.shuffled(groups, label) for item in group]


def _check(base_form: BaseForm, bank: Mapping[str, Item]) -> None:
    if not base_form.items or not all(part.items for part in base_form.parts):
        raise AssemblyError(f"base form {base_form.id}: a part without items")
    if len(set(base_form.items)) != len(base_form.items):
        raise AssemblyError(f"base form {base_form.id}: an item stands in it twice")
    if not base_form.sequential and any(part.minutes for part in base_form.parts):
        raise AssemblyError(f"base form {base_form.id}: a part's own time in a free paper")
    missing = [item_id for item_id in base_form.items if item_id not in bank]
    if missing:
        raise AssemblyError(f"base form {base_form.id}: item {missing[0]} is not given")
    for item_id in base_form.items:
        program = bank[item_id].program
        if program is not None and program.adaptive:
            raise AssemblyError(f"item {item_id} is adaptive: a sealed form cannot hold it")
    _check_enemies(base_form, bank)
    _check_stimuli(base_form, bank)


def _check_enemies(base_form: BaseForm, bank: Mapping[str, Item]) -> None:
    """No two items that either of them names as the other's enemy."""
    standing = set(base_form.items)
    for item_id in base_form.items:
        for enemy in bank[item_id].metadata.enemies:
            if enemy in standing:
                raise AssemblyError(
                    f"base form {base_form.id}: items {item_id} and {enemy} must not stand "
                    "together; take one of them out"
                )


def _check_stimuli(base_form: BaseForm, bank: Mapping[str, Item]) -> None:
    """Items of one stimulus stand one after the other and agree on what it says."""
    seen: dict[str, Stimulus] = {}
    for part in base_form.parts:
        for stimulus, _ in groupby(bank[item_id].stimulus for item_id in part.items):
            if stimulus is None:
                continue
            if stimulus.id in seen:
                raise AssemblyError(
                    f"base form {base_form.id}: the items of stimulus {stimulus.id} do not stand "
                    "together, or hold different texts; put them side by side, in one version"
                )
            seen[stimulus.id] = stimulus
