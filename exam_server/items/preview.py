"""Items as the kiosk shows them: the same whitelist of content and the same drawing of formulas.

What comes out of here is markup that a page may hold as it is: every fragment is cleaned again,
whatever lies in the bank; formulas are SVG within the page, pictures come from the bank itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from html import unescape

from markupsafe import Markup, escape

from exam_server.items.answer_fields import Answer
from question_bank import content
from question_bank.difference import key_in_words
from question_bank.drawing import OPTICAL_SIZE, Drawing, draw
from question_bank.errors import ContentError, FormulaError
from question_bank.formulas import mathml_of
from question_bank.interactions import (
    Area,
    Composite,
    Interaction,
    Picture,
    Shape,
    TrueFalseCluster,
    picture_of,
    pieces_of,
)
from question_bank.item import Item
from question_bank.keys import (
    ChoiceKey,
    ClusterKey,
    CompositeKey,
    External,
    MappedPoints,
    NumericKey,
    OrderKey,
    PairsKey,
    PartMarks,
    PointsKey,
    SumOfParts,
    TextKey,
)

INK = "#16242f"
_MATH = re.compile(r"<math [^>]*>.*?</math>", re.DOTALL)
_ALTTEXT = re.compile(r'alttext="([^"]*)"')
_SOURCE = re.compile(r'src="media:([A-Za-z0-9._-]{1,128})"')
# An empty place of a text, which the kiosk fills: a part, a template variable, a number.
_PLACE = re.compile(
    r'<(span|div)(?: data-format="[^"]*")? data-(?:part|value|number)="([^"]*)"></\1>'
)
_AUDIO = re.compile(r"<audio ([^>]*)/>")
_SVG = re.compile(r"<svg\b[^>]*>")
_VIEW_BOX = re.compile(r'viewBox="([^"]+)"')
_FORMULA = re.compile(r"\$([^$]+)\$")

#: The address of a picture by its id.
MediaUrl = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ShownOption:
    """An option under its letter, or a statement; `right` is None where the key says nothing."""

    label: str
    content: Markup
    right: bool | None


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item ready for a page.

    `number` is what a numeric entry asks for; `text` and `picture` are what other kinds are
    answered on; `key` is the key in one line; `parts` are those of a composite, each with its id as
    its stem.
    """

    kind: str
    stimulus: Markup
    stem: Markup
    options: tuple[ShownOption, ...]
    number: Decimal | None
    unit: str
    points: Decimal
    explanation: Markup
    text: Markup
    picture: Markup
    key: str
    parts: tuple["ShownItem", ...] = ()
    #: How often each sound may be heard; 0: as often as one likes.
    plays: tuple[int, ...] = ()


def shown_item(item: Item, media: MediaUrl) -> ShownItem:
    """The item as its candidates read it, and what only the bank's people read."""
    key, interaction = item.key, item.interaction
    on = getattr(interaction, "picture", None)
    return ShownItem(
        kind=item.kind,
        stimulus=shown(item.stimulus.content, media) if item.stimulus else Markup(""),
        stem=shown(item.stem, media),
        options=_options(item, media),
        number=key.value if isinstance(key, NumericKey) else None,
        unit=getattr(item.interaction, "unit", ""),
        points=item.points,
        explanation=shown(item.explanation, media),
        text=shown(getattr(interaction, "text", ""), media),
        picture=_picture(on, areas_in(interaction), media) if on else Markup(""),
        key="" if isinstance(interaction, Composite) else _key(item),
        parts=_parts(item, media),
        plays=_plays(item),
    )


def areas_in(interaction: Interaction) -> tuple[Shape, ...]:
    """The areas that candidates see on the picture."""
    return tuple(one.shape for one in pieces_of(interaction) if isinstance(one, Area))


def picture_shown(answer: Answer, media: MediaUrl) -> Markup:
    """The picture that is answered on, for who edits it: its areas under their numbers."""
    on, rule = picture_of(answer.interaction), answer.scoring
    if on is None or not on.media:
        return Markup("")
    shapes = areas_in(answer.interaction)
    if isinstance(rule, MappedPoints):
        shapes = tuple(shape for shape, _ in rule.areas)
    return _picture(on, shapes, media)


def outlined(on: Picture, shapes: tuple[Shape, ...], media: MediaUrl) -> Markup:
    """The picture with the outlines that a candidate sees."""
    return _picture(on, shapes, media, numbered=False)


def _picture(
    on: Picture, shapes: tuple[Shape, ...], media: MediaUrl, *, numbered: bool = True
) -> Markup:
    """SVG within the page, in the picture's own pixels; areas have their numbers."""
    size = Markup('viewBox="0 0 {w} {h}" width="{w}" height="{h}"').format(w=on.width, h=on.height)
    image = Markup('<image href="{}" width="{}" height="{}"/>').format(
        media(on.media), on.width, on.height
    )
    drawn = [
        _area(shape) + (_number_in(shape, number, on) if numbered else "")
        for number, shape in enumerate(shapes, 1)
    ]
    inside = Markup("").join([image, *drawn])
    return Markup('<svg class="answered-on{}" role="img" aria-label="{}" {}>{}</svg>').format(
        "" if numbered else " outlined", on.alt, size, inside
    )


def _area(shape: Shape) -> Markup:
    c = shape.coords
    match shape.name:
        case "circle":
            return Markup('<circle cx="{}" cy="{}" r="{}"/>').format(*c)
        case "ellipse":
            return Markup('<ellipse cx="{}" cy="{}" rx="{}" ry="{}"/>').format(*c)
        case "rect":
            return Markup('<rect x="{}" y="{}" width="{}" height="{}"/>').format(
                c[0], c[1], max(0, c[2] - c[0]), max(0, c[3] - c[1])
            )
        case _:
            return Markup('<polygon points="{}"/>').format(" ".join(map(str, c)))


def _number_in(shape: Shape, number: int, on: Picture) -> Markup:
    """The number in the middle, in a size that the picture can be read by."""
    c = shape.coords
    across, down = (c[0::2], c[1::2]) if shape.name in ("rect", "poly") else (c[:1], c[1:2])
    middle = sum(across) / len(across), sum(down) / len(down)
    size = max(on.width, on.height) / 28
    return Markup('<text x="{:.0f}" y="{:.0f}" font-size="{:.0f}">{}</text>').format(
        *middle, size, number
    )


def _plays(item: Item) -> tuple[int, ...]:
    fragments = (item.stimulus.content if item.stimulus else "", item.stem)
    return tuple(plays for one in fragments for _, plays in content.sounds_of(one))


def _parts(item: Item, media: MediaUrl) -> tuple[ShownItem, ...]:
    if not isinstance(item.interaction, Composite) or not isinstance(item.key, CompositeKey):
        return ()
    keys = item.key.parts
    # A part is shown as an item of its own, marked as it is in this one.
    marks = item.scoring.parts if isinstance(item.scoring, SumOfParts) else {}
    whole = PartMarks(External(), item.points)
    return tuple(
        shown_item(
            Item(
                part.id, part.id, part.interaction, keys[part.id],
                marks.get(part.id, whole).rule, marks.get(part.id, whole).points,
                media=item.media,
            ),
            media,
        )
        for part in item.interaction.parts
    )  # fmt: skip


def _options(item: Item, media: MediaUrl) -> tuple[ShownOption, ...]:
    labels = _labels(item)
    made = []
    for option in pieces_of(item.interaction):
        content = escape(option.label) if isinstance(option, Area) else shown(option.content, media)
        made.append(ShownOption(labels[option.id], content, _right(item, option.id)))
    return tuple(made)


def _labels(item: Item) -> dict[str, str]:
    """The letters that options and pieces stand under, by id."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cluster = isinstance(item.interaction, TrueFalseCluster)
    return {
        option.id: f"{letters[place % 26]})" if cluster else letters[place % 26].upper()
        for place, option in enumerate(pieces_of(item.interaction))
    }


def _key(item: Item) -> str:
    """The key in one line, options and pieces by the letters that they stand under."""
    labels = _labels(item)
    match item.key:
        case TextKey(accepted=accepted):
            return " / ".join(accepted)
        case PairsKey(pairs=pairs):
            return ", ".join(f"{labels.get(a, a)} – {labels.get(b, b)}" for a, b in pairs)
        case OrderKey(order=order):
            return " → ".join(labels.get(name, name) for name in order)
        case ChoiceKey(options=right):
            return ", ".join(labels.get(name, name) for name in right)
        case PointsKey(points=points):
            return ", ".join(f"({across}; {down})" for across, down in points)
        case _:
            return key_in_words(item)


def _right(item: Item, option: str) -> bool | None:
    match item.key:
        case ChoiceKey(options=right):
            return option in right
        case ClusterKey(values=values):
            return values.get(option)
        case _:
            return None


def shown(fragment: str, media: MediaUrl) -> Markup:
    """The fragment as markup of a page."""
    try:
        clean = content.clean(fragment, lambda _element, _message: None)
    except ContentError:
        return Markup("<em>{}</em>").format(fragment[:500])
    parts, end = [], 0
    for math in _MATH.finditer(clean):
        parts += [_with_pictures(clean[end : math.start()], media), _formula(math[0])]
        end = math.end()
    return Markup("".join([*parts, _with_pictures(clean[end:], media)]))  # noqa: S704 - cleaned


def _with_pictures(clean: str, media: MediaUrl) -> str:
    """With pictures and sounds, and a name where a part or a value stands."""
    named = _PLACE.sub(r'<span class="badge">\2</span>', clean)
    playing = _AUDIO.sub(r'<audio controls="controls" preload="metadata" \1></audio>', named)
    return _SOURCE.sub(lambda found: f'src="{escape(media(found[1]))}"', playing)


def _formula(math: str) -> str:
    found = _ALTTEXT.search(math.partition(">")[0])
    latex = unescape(found[1]) if found else ""
    try:
        return _drawn(draw(math, INK), latex)
    except FormulaError:
        return str(Markup("<code>{}</code>").format(latex))


def _drawn(drawing: Drawing, latex: str) -> str:
    """The part above the baseline holds the drawing, an empty one below it keeps the room: so the
    formula stands on its line without a style of its own (the pages allow none)."""
    box = _VIEW_BOX.search(drawing.svg)
    head = _SVG.search(drawing.svg)
    if box is None or head is None:
        raise FormulaError("a formula has no measures")
    left, _top, width, _height = (float(one) for one in box[1].split())
    unit = 100.0 / OPTICAL_SIZE
    # ziamath puts the baseline at 0: what is above has negative coordinates.
    view = f"{left:.2f} {-drawing.ascent * unit:.2f} {width:.2f} {drawing.ascent * unit:.2f}"
    across = width / unit
    inner = drawing.svg[head.end() :]
    above = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(latex)}" '
        f'width="{across:.3f}em" height="{drawing.ascent:.3f}em" viewBox="{view}">{inner}'
    )
    below = f'<svg width="1" height="{max(drawing.descent, 0):.3f}em" aria-hidden="true"></svg>'
    return f'<span class="formula">{above}{below}</span>'


def line(text: str, most: int = 10_000) -> Markup:
    """Plain text (`content.plain_text`) in a line, its `$LaTeX$` drawn; cut after `most`."""
    out, used, end = [Markup("")], 0, 0
    for formula in _FORMULA.finditer(text):
        words = text[end : formula.start()]
        if used + len(words) > most:
            break
        out += [escape(words), _formula_of(formula[1])]
        used += len(words) + len(formula[1]) // 2
        end = formula.end()
    rest = text[end:]
    room = max(most - used, 0)
    if len(rest) <= room:
        return Markup("").join([*out, escape(rest)])
    cut = rest[:room].partition("$")[0].rpartition(" ")[0]
    return Markup("").join([*out, escape(cut), "…"])


def _formula_of(latex: str) -> Markup:
    try:
        return Markup(_formula(mathml_of(latex)))  # noqa: S704 - cleaned, drawn
    except FormulaError:
        return Markup("<code>{}</code>").format(latex)
