"""Items as candidates are shown them: opaque ids, options arranged, values and numbers in place."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from question_bank import content
from question_bank.arrangement import Arrangement
from question_bank.errors import AssemblyError, ScoringError
from question_bank.form_mapping import MappedItem, MappedPart
from question_bank.interactions import (
    Area,
    Associate,
    Composite,
    ExtendedText,
    GapMatch,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    HotText,
    InlineChoice,
    Match,
    MultipleChoice,
    NumericEntry,
    Option,
    Order,
    Picture,
    Piece,
    SelectPoint,
    Simple,
    SingleChoice,
    Slider,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.item import Item, Media
from question_bank.presented import (
    PresentedChoice,
    PresentedCluster,
    PresentedComposite,
    PresentedInteraction,
    PresentedItem,
    PresentedItemPart,
    PresentedNumeric,
    PresentedOption,
    PresentedSimple,
    PresentedStimulus,
)
from question_bank.qti import processed
from question_bank.qti.values import Single, Value

_FORMAT = re.compile(r"%[0#+ -]{0,3}\d{0,2}(?:\.\d{1,2})?[dfeEgGs]", re.ASCII)


class Presenter:
    """Presents the items of one form, which come in the form's order."""

    def __init__(self, arrangement: Arrangement, items: Iterable[Item]) -> None:
        self._arrangement = arrangement
        self._numbers = {item.id: number for number, item in enumerate(items, 1)}
        self.mapped: dict[str, MappedItem] = {}
        self.media: dict[str, Media] = {}
        self.stimuli: dict[str, PresentedStimulus] = {}

    def item(self, item: Item) -> PresentedItem:
        """`item` under opaque ids; remembers the way back, its pictures and its stimulus."""
        arrangement = self._arrangement
        draw = self._draw(item)
        texts = _Texts(item, self._picture_of(item), self._number, _values(item, draw))
        item_id = arrangement.opaque("i", item.id, str(item.version))
        options: dict[str, str] = {}
        parts: dict[str, MappedPart] = {}
        stem = texts.shown(item.stem)
        interaction: PresentedInteraction
        if isinstance(item.interaction, Composite):
            stem, interaction = self._composite(item, item.interaction, stem, texts, parts)
        else:
            names = (item.id,)
            interaction = _Interactions(arrangement, texts, names, options).shown(item.interaction)
        self.mapped[item_id] = MappedItem(item.id, item.version, options, parts, draw)
        return PresentedItem(
            item_id, self._numbers[item.id], stem, interaction, self._stimulus(item, texts)
        )

    def _composite(
        self,
        item: Item,
        composite: Composite,
        stem: str,
        texts: "_Texts",
        mapped: dict[str, MappedPart],
    ) -> tuple[str, PresentedComposite]:
        names, shown = {}, []
        for part in composite.parts:
            opaque = names[part.id] = self._arrangement.opaque("p", item.id, part.id)
            options: dict[str, str] = {}
            within = _Interactions(self._arrangement, texts, (item.id, "part", part.id), options)
            shown.append(PresentedItemPart(opaque, within.shown(part.interaction)))
            mapped[opaque] = MappedPart(part.id, options)
        return content.rename_parts(stem, names.__getitem__), PresentedComposite(tuple(shown))

    def _picture_of(self, item: Item) -> Callable[[str], str]:
        pictures = {media.id: media for media in item.media}

        def renamed(media_id: str) -> str:
            if media_id not in pictures:
                raise AssemblyError(f"item {item.id}: picture {media_id[:40]!r} is missing")
            picture = pictures[media_id]
            opaque = self._arrangement.opaque("m", item.id, media_id)
            self.media[opaque] = Media(opaque, picture.mime, picture.data)
            return opaque

        return renamed

    def _number(self, item_id: str) -> str:
        if item_id not in self._numbers:
            raise AssemblyError(f"a text names the number of item {item_id[:60]}, not in the form")
        return str(self._numbers[item_id])

    def _stimulus(self, item: Item, texts: "_Texts") -> str | None:
        stimulus = item.stimulus
        if stimulus is None:
            return None
        if stimulus.id not in self.stimuli:
            opaque = self._arrangement.opaque("s", stimulus.id)
            shown = PresentedStimulus(opaque, texts.shown(stimulus.content))
            self.stimuli[stimulus.id] = shown
        return self.stimuli[stimulus.id].id

    def _draw(self, item: Item) -> str:
        """The seed of the item's template variables; empty where it has none."""
        program = item.program
        if program is None or not program.template_rules:
            return ""
        return self._arrangement.opaque("t", item.id, str(item.version))


def _values(item: Item, draw: str) -> dict[str, str | float]:
    """The values of the item's template variables, drawn from `draw`."""
    program = item.program
    if program is None:
        return {}
    try:
        drawn = processed(program, {}, seed=draw.encode())
    except ScoringError as error:
        raise AssemblyError(f"item {item.id}: {error}") from None
    return {name: _printed(value) for name, value in drawn.templates.items()}


def _printed(value: Value | None) -> str | float:
    if isinstance(value, Single) and not isinstance(value.data, tuple | bool):
        return value.data
    return ""


@dataclass(frozen=True, slots=True)
class _Texts:
    """Content of one item, as it is shown."""

    item: Item
    picture: Callable[[str], str]
    number: Callable[[str], str]
    values: dict[str, str | float]

    def shown(self, fragment: str) -> str:
        filled = content.fill(fragment, "data-value", self._value)
        filled = content.fill(filled, "data-number", lambda name, _: self.number(name))
        return content.rename_media(filled, self.picture)

    def _value(self, name: str, pattern: str) -> str:
        value = self.values.get(name, "")
        text = str(value)
        if isinstance(value, int | float):
            text = _formatted(value, pattern)
            if self.item.metadata.language.startswith("vi"):
                text = text.replace(".", ",")
        return text.replace("-", "\N{MINUS SIGN}") if isinstance(value, int | float) else text


def _formatted(value: float, pattern: str) -> str:
    """`value` in a printf format; without one, as short as it can be said, never with an
    exponent."""
    if _FORMAT.fullmatch(pattern):
        whole = int(value) if pattern.endswith("d") else value
        return pattern % whole
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


@dataclass(frozen=True, slots=True)
class _Interactions:
    """Presents one interaction; `names` say which in the labels of its draws, `ids` remembers
    presented id → bank id."""

    arrangement: Arrangement
    texts: _Texts
    names: tuple[str, ...]
    ids: dict[str, str]

    def shown(self, interaction: Simple) -> PresentedSimple:
        match interaction:
            case SingleChoice(options=options, shuffle=shuffle):
                return PresentedChoice("single", self._presented(options, shuffle))
            case MultipleChoice(options=options, shuffle=shuffle, max_choices=most):
                return PresentedChoice("multiple", self._presented(options, shuffle), most)
            case TrueFalseCluster(statements=statements, shuffle=shuffle):
                return PresentedCluster(self._presented(statements, shuffle))
            case NumericEntry(max_length=max_length, allowed=allowed, unit=unit):
                return PresentedNumeric(max_length, allowed, unit)
            case TextEntry() | ExtendedText() | Slider():
                return interaction
            case InlineChoice(options=options, shuffle=shuffle):
                return InlineChoice(self._options(options, shuffle), shuffle=False)
            case Order(options=options, shuffle=shuffle):
                return Order(self._options(options, shuffle), shuffle=False)
            case Match(sources=sources, targets=targets, shuffle=shuffle):
                left = self._pieces(sources, shuffle)
                right = self._pieces(targets, shuffle, "targets")
                return Match(left, right, interaction.max_pairs, shuffle=False)
            case Associate(options=pieces, shuffle=shuffle):
                shown = self._pieces(pieces, shuffle)
                return Associate(shown, interaction.max_pairs, shuffle=False)
            case GapMatch(text=text, pieces=pieces, shuffle=shuffle):
                return GapMatch(self._text(text), self._pieces(pieces, shuffle), shuffle=False)
            case HotText(text=text, max_choices=most):
                return HotText(self._text(text), most)
            case Hotspot(areas=areas, max_choices=most):
                return Hotspot(self._picture(interaction.picture), self._areas(areas), most)
            case GraphicGapMatch(areas=areas, pieces=pieces, shuffle=shuffle):
                picture, shown = self._picture(interaction.picture), self._pieces(pieces, shuffle)
                return GraphicGapMatch(picture, self._areas(areas), shown, shuffle=False)
            case GraphicOrder(areas=areas):
                # The printed order may be the right one.
                drawn = tuple(self.arrangement.shuffled(areas, self._label()))
                return GraphicOrder(self._picture(interaction.picture), self._areas(drawn))
            case SelectPoint(max_points=most):
                return SelectPoint(self._picture(interaction.picture), most)

    def _label(self, *group: str) -> str:
        return "/".join(("item", *self.names, *group))

    def _opaque(self, prefix: str, bank_id: str) -> str:
        opaque = self.arrangement.opaque(prefix, *self.names, bank_id)
        self.ids[opaque] = bank_id
        return opaque

    def _presented(self, options: tuple[Option, ...], shuffle: bool) -> tuple[PresentedOption, ...]:
        shown = self._options(options, shuffle)
        return tuple(PresentedOption(option.id, option.content) for option in shown)

    def _options(self, options: tuple[Option, ...], shuffle: bool) -> tuple[Option, ...]:
        order = self.arrangement.options(options, self._label(), shuffle=shuffle)
        return tuple(
            Option(self._opaque("o", option.id), self.texts.shown(option.content))
            for option in order
        )

    def _pieces(self, pieces: tuple[Piece, ...], shuffle: bool, *group: str) -> tuple[Piece, ...]:
        order = self.arrangement.options(pieces, self._label(*group), shuffle=shuffle)
        return tuple(
            Piece(self._opaque("o", p.id), self.texts.shown(p.content), most=p.most) for p in order
        )

    def _areas(self, areas: tuple[Area, ...]) -> tuple[Area, ...]:
        return tuple(replace(area, id=self._opaque("a", area.id)) for area in areas)

    def _text(self, fragment: str) -> str:
        shown = self.texts.shown(fragment)
        return content.rename_parts(shown, lambda name: self._opaque("g", name))

    def _picture(self, picture: Picture) -> Picture:
        return replace(picture, media=self.texts.picture(picture.media))
