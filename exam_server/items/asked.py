"""An item as the kiosk lays it out: parts in their sentences, gaps as boxes, pairs as a table.

Only what a candidate sees goes in here; the order is the bank's, since a form shuffles.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup, escape

from exam_server.items.preview import MediaUrl, areas_in, outlined, shown
from question_bank.content import sounds_of
from question_bank.interactions import (
    Area,
    Composite,
    ExtendedText,
    GapMatch,
    HotText,
    Interaction,
    Match,
    NumericEntry,
    Slider,
    TextEntry,
    picture_of,
    pieces_of,
)
from question_bank.item import Item

EMPTY = Markup("")
_PART = re.compile(r'<(span|div) data-part="([^"]+)">((?:(?!<\1\b).)*?)</\1>', re.DOTALL)
# Letters for private use stand for a place until the rest is markup of a page.
_OPEN, _BETWEEN, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"{_OPEN}(.*?){_BETWEEN}(.*?){_CLOSE}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one interaction asks: `options` are choices, statements, sources or pieces; `text` has
    its gaps as boxes and its words marked; `size` is how many characters a field takes."""

    kind: str
    options: tuple[Markup, ...] = ()
    targets: tuple[Markup, ...] = ()
    text: Markup = EMPTY
    picture: Markup = EMPTY
    size: int = 0
    lines: int = 0
    unit: str = ""
    ends: tuple[Decimal, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether the field is as wide as a few words."""
        return self.size > 12


@dataclass(frozen=True, slots=True)
class AskedItem:
    """A whole item: its stem in pieces, each with the part that stands behind it."""

    stimulus: Markup
    stem: tuple[tuple[Markup, Asked | None], ...]
    asked: Asked | None
    plays: tuple[int, ...]


def asked_item(item: Item, media: MediaUrl) -> AskedItem:
    """The item for a page."""
    stimulus = item.stimulus.content if item.stimulus else ""
    plays = tuple(plays for one in (stimulus, item.stem) for _, plays in sounds_of(one))
    interaction = item.interaction
    if isinstance(interaction, Composite):
        parts = {part.id: _asked(part.interaction, media) for part in interaction.parts}
        return AskedItem(shown(stimulus, media), _pieces(item.stem, parts, media), None, plays)
    stem = ((shown(item.stem, media), None),)
    return AskedItem(shown(stimulus, media), stem, _asked(interaction, media), plays)


def _asked(interaction: Interaction, media: MediaUrl) -> Asked:
    on, text = picture_of(interaction), ""
    if isinstance(interaction, GapMatch | HotText):
        text = interaction.text
    targets: Sequence[Markup] = ()
    held = pieces_of(interaction)
    if isinstance(interaction, Match):
        held = interaction.sources
        targets = [shown(one.content, media) for one in interaction.targets]
    options = [shown(one.content, media) for one in held if not isinstance(one, Area)]
    size = interaction.max_length if isinstance(interaction, NumericEntry | TextEntry) else 0
    return Asked(
        kind=interaction.kind,
        options=tuple(options),
        targets=tuple(targets),
        text=_with_boxes(text, media),
        picture=outlined(on, areas_in(interaction), media) if on else EMPTY,
        size=size,
        lines=interaction.lines if isinstance(interaction, ExtendedText) else 0,
        unit=interaction.unit if isinstance(interaction, NumericEntry) else "",
        ends=(interaction.lower, interaction.upper) if isinstance(interaction, Slider) else (),
    )


def _marked(fragment: str) -> str:
    return _PART.sub(lambda found: f"{_OPEN}{found[2]}{_BETWEEN}{found[3]}{_CLOSE}", fragment)


def _with_boxes(fragment: str, media: MediaUrl) -> Markup:
    def place(found: re.Match[str]) -> str:
        if found[2]:
            return f'<span class="hot-word">{found[2]}</span>'
        return '<span class="gap-box"></span>'

    made = _MARKED.sub(place, str(shown(_marked(fragment), media)))
    return Markup(made)  # noqa: S704 - of `shown`, which cleans; boxes are ours


def _pieces(
    fragment: str, parts: dict[str, Asked], media: MediaUrl
) -> tuple[tuple[Markup, Asked | None], ...]:
    page, pieces, end = str(shown(_marked(fragment), media)), [], 0
    by_name = {str(escape(name)): part for name, part in parts.items()}
    for found in _MARKED.finditer(page):
        before = Markup(page[end : found.start()])  # noqa: S704 - of `shown`, which cleans
        pieces.append((before, by_name.get(found[1])))
        end = found.end()
    return (*pieces, (Markup(page[end:]), None))  # noqa: S704 - of `shown`
