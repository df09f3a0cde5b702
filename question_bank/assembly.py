"""From a base form (đề gốc) to a form (mã đề): arranged, numbered, under opaque ids.

Reproducible for ever: the arrangement is a function of the seed alone, defined here and nowhere
else. Every draw comes from SHAKE-256 over `truong-thi/arrange/1`, the seed, the code and a label
(each with its length before it), read as 32-bit big-endian words; a number below n is a word
modulo n, words from the last incomplete multiple of n upwards being rejected, so every order is
equally likely; orders are Fisher-Yates from the last place down. Parts keep their order; items
move within their part, options and statements within their item, fixed ones stay.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from question_bank import content, plain
from question_bank.errors import AssemblyError, ScoringError
from question_bank.item import (
    Item,
    Media,
    MultipleChoice,
    NumericEntry,
    Option,
    SingleChoice,
    TrueFalseCluster,
)
from question_bank.package import (
    MAX_ITEMS,
    PresentedChoice,
    PresentedCluster,
    PresentedForm,
    PresentedInteraction,
    PresentedItem,
    PresentedNumeric,
    PresentedOption,
    PresentedPart,
)
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse, Response

ALGORITHM = b"truong-thi/arrange/1"
MIN_SEED = 16
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BasePart:
    """A part of a base form: title (plain text), instructions (content), item ids in order."""

    title: str
    instructions: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BaseForm:
    """A paper as its author laid it down, before any arranging."""

    id: str
    title: str
    paper: str
    minutes: int
    parts: tuple[BasePart, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of all items, in order."""
        return tuple(item for part in self.parts for item in part.items)


@dataclass(frozen=True, slots=True)
class MappedItem:
    """What a presented item is in the bank; `options`: presented option id → bank option id."""

    item_id: str
    version: int
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormMapping:
    """Presented item id → bank item. Server only: it undoes what `arrange` hides."""

    items: Mapping[str, MappedItem]

    def to_bank(self, presented_id: str, response: Response) -> Response:
        """`response` in the bank's option ids; ScoringError where an id is not of this form."""
        mapped = self.items.get(presented_id)
        if mapped is None:
            raise ScoringError(f"the form has no item {presented_id[:40]!r}")
        try:
            match response:
                case ChoiceResponse(options=options, kind=kind):
                    return ChoiceResponse(tuple(mapped.options[o] for o in options), kind)
                case ClusterResponse(values=values):
                    return ClusterResponse({mapped.options[s]: v for s, v in values.items()})
                case NumericResponse():
                    return response
        except KeyError as error:
            raise ScoringError(
                f"item {presented_id} has no option {str(error.args[0])[:40]!r}"
            ) from None

    def to_plain(self) -> dict[str, object]:
        """A JSON-able form."""
        return {
            presented: {"item": m.item_id, "version": m.version, "options": dict(m.options)}
            for presented, m in self.items.items()
        }

    @classmethod
    def from_plain(cls, value: object) -> "FormMapping":
        """The mapping that `to_plain` wrote; raises MalformedError."""
        items = {}
        for presented, entry in plain.mapping(value, "form mapping", most=MAX_ITEMS).items():
            fields = plain.record(entry, ("item", "version", "options"), f"mapping {presented}")
            options = plain.mapping(fields["options"], f"mapping {presented}", most=100)
            items[presented] = MappedItem(
                plain.identifier(fields["item"], f"mapping {presented}"),
                plain.integer(fields["version"], f"mapping {presented}", least=1, most=10**9),
                {key: plain.identifier(v, f"mapping {presented}") for key, v in options.items()},
            )
        return cls(items)


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
    Raises AssemblyError for a missing or doubled item, a missing picture or a short seed.
    """
    if len(seed) < MIN_SEED:
        raise AssemblyError(f"the seed must have at least {MIN_SEED} bytes")
    bank = {item.id: item for item in items}
    _check(base_form, bank)
    arranger = _Arranger(seed, code)
    parts = []
    number = 0
    for index, part in enumerate(base_form.parts):
        presented = []
        for item_id in arranger.shuffled(part.items, f"part/{index}"):
            number += 1
            presented.append(arranger.present(bank[item_id], number))
        instructions = content.clean(part.instructions)
        parts.append(PresentedPart(part.title, instructions, tuple(presented)))
    form = PresentedForm(
        exam=exam,
        paper=base_form.paper,
        code=code,
        minutes=base_form.minutes,
        parts=tuple(parts),
        media=tuple(sorted(arranger.media.values(), key=lambda media: media.id)),
    )
    return ArrangedForm(form, FormMapping(arranger.mapped))


def _check(base_form: BaseForm, bank: Mapping[str, Item]) -> None:
    if not base_form.items or not all(part.items for part in base_form.parts):
        raise AssemblyError(f"base form {base_form.id}: a part without items")
    if len(set(base_form.items)) != len(base_form.items):
        raise AssemblyError(f"base form {base_form.id}: an item stands in it twice")
    missing = [item_id for item_id in base_form.items if item_id not in bank]
    if missing:
        raise AssemblyError(f"base form {base_form.id}: item {missing[0]} is not given")


class _Arranger:
    """Draws orders and ids for one form and remembers the way back."""

    def __init__(self, seed: bytes, code: str) -> None:
        self._seed = seed
        self._code = code
        self.mapped: dict[str, MappedItem] = {}
        self.media: dict[str, Media] = {}

    def shuffled(self, values: Iterable[_T], label: str) -> list[_T]:
        """`values` in the order drawn for `label`."""
        order = list(values)
        words = _words(self._seed, self._code, label)
        for last in range(len(order) - 1, 0, -1):
            chosen = _below(words, last + 1)
            order[last], order[chosen] = order[chosen], order[last]
        return order

    def present(self, item: Item, number: int) -> PresentedItem:
        """`item` under opaque ids, its options arranged."""
        pictures = {media.id: media for media in item.media}

        def renamed(media_id: str) -> str:
            if media_id not in pictures:
                raise AssemblyError(f"item {item.id}: picture {media_id[:40]!r} is missing")
            picture = pictures[media_id]
            opaque = self._opaque("m", item.id, media_id)
            self.media[opaque] = Media(opaque, picture.mime, picture.data)
            return opaque

        options: dict[str, str] = {}
        item_id = self._opaque("i", item.id, str(item.version))
        stem = content.rename_media(item.stem, renamed)
        interaction = self._present_interaction(item, options, renamed)
        self.mapped[item_id] = MappedItem(item.id, item.version, options)
        return PresentedItem(item_id, number, stem, interaction)

    def _present_interaction(
        self, item: Item, options: dict[str, str], renamed: Callable[[str], str]
    ) -> PresentedInteraction:
        def presented(
            bank_options: tuple[Option, ...], shuffle: bool
        ) -> tuple[PresentedOption, ...]:
            shown = []
            for option in self._order(bank_options, f"item/{item.id}") if shuffle else bank_options:
                opaque = self._opaque("o", item.id, option.id)
                options[opaque] = option.id
                shown.append(PresentedOption(opaque, content.rename_media(option.content, renamed)))
            return tuple(shown)

        interaction = item.interaction
        match interaction:
            case SingleChoice() | MultipleChoice():
                kind: Literal["single", "multiple"] = (
                    "single" if isinstance(interaction, SingleChoice) else "multiple"
                )
                return PresentedChoice(kind, presented(interaction.options, interaction.shuffle))
            case TrueFalseCluster():
                return PresentedCluster(presented(interaction.statements, interaction.shuffle))
            case NumericEntry(max_length=max_length, allowed=allowed, unit=unit):
                return PresentedNumeric(max_length, allowed, unit)

    def _order(self, options: tuple[Option, ...], label: str) -> list[Option]:
        free = iter(self.shuffled((o for o in options if not o.fixed), label))
        return [option if option.fixed else next(free) for option in options]

    def _opaque(self, prefix: str, *names: str) -> str:
        """An id that says nothing without the seed: 80 bits of HMAC-SHA-256, base32."""
        message = _framed(ALGORITHM + b"/id", self._code, prefix, *names)
        digest = hmac.digest(self._seed, message, hashlib.sha256)
        return prefix + base64.b32encode(digest[:10]).decode().lower()


def _framed(domain: bytes, *fields: str | bytes) -> bytes:
    raw = (field.encode() if isinstance(field, str) else field for field in fields)
    return domain + b"".join(len(field).to_bytes(4, "big") + field for field in raw)


def _words(seed: bytes, code: str, label: str) -> Iterator[int]:
    """32-bit words of SHAKE-256; a longer output begins with the shorter one."""
    state = hashlib.shake_256(_framed(ALGORITHM, seed, code, label))
    size, start = 256, 0
    while True:
        block = state.digest(size)
        for offset in range(start, size, 4):
            yield int.from_bytes(block[offset : offset + 4], "big")
        start, size = size, 2 * size


def _below(words: Iterator[int], bound: int) -> int:
    """A number from 0 to bound - 1, each equally likely."""
    limit = 2**32 - 2**32 % bound
    return next(word for word in words if word < limit) % bound
