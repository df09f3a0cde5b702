"""Items as questions on a sheet: which blocks each kind has, and its key in the sheet's labels."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from xml.sax.saxutils import escape

from question_bank.content import fill, parse, texts_of_parts
from question_bank.errors import ContentError
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
    Piece,
    SelectPoint,
    Shape,
    Simple,
    SingleChoice,
    Slider,
    TextEntry,
    TrueFalseCluster,
    ids_of,
)
from question_bank.interchange.paper.model import (
    AnswerLine,
    Bank,
    Block,
    Columns,
    Figure,
    Labelled,
    Options,
    Passage,
    Question,
    RuledLines,
    Statements,
)
from question_bank.interchange.paper.words import Words, words_in
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
    PointsKey,
    ScoringRule,
    SimpleKey,
    TextKey,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = "…………"
ESSAY_LINES = 40
_INLINE = InlineChoice | TextEntry | NumericEntry | Slider
_PLACE = re.compile(r'<(span|div) data-part="([^"]*)">(.*?)</\1>', re.DOTALL)


def question_of(item: Item, number: int, numbers: Mapping[str, int]) -> Question:
    """The item under its number; `numbers` are those of all items of the paper."""
    words = words_in(item.metadata.language)
    stem = numbered(item.stem, numbers)
    interaction, key = item.interaction, item.key
    if isinstance(interaction, Composite) and isinstance(key, CompositeKey):
        stem, blocks, told = _composite(stem, interaction, key, words)
    elif not isinstance(interaction, Composite):
        blocks = _blocks(interaction, words)
        told = _key(interaction, key, words) if not isinstance(key, CompositeKey) else ""
    else:
        blocks, told = (), ""
    label = f"{words['question']} {number}."
    return Question(item, number, label, stem, blocks, told or _by_rule(item.scoring, words))


def _by_rule(rule: ScoringRule, words: Words) -> str:
    """What is said of the right answer where the key alone says nothing."""
    match rule:
        case External():
            return words["by_people"]
        case MappedPoints(areas=areas):
            return "; ".join(f"{words['near']} ({x}, {y})" for x, y in map(centre, _worthy(areas)))
        case _:
            return words["by_program"]


def _worthy(areas: Sequence[tuple[Shape, Decimal]]) -> list[Shape]:
    return [shape for shape, worth in areas if worth > 0]


def centre(shape: Shape) -> tuple[int, int]:
    """The middle of a shape, in pixels."""
    coords = shape.coords
    if shape.name == "rect":
        return (coords[0] + coords[2]) // 2, (coords[1] + coords[3]) // 2
    if shape.name == "poly":
        count = len(coords) // 2
        return sum(coords[::2]) // count, sum(coords[1::2]) // count
    return coords[0], coords[1]


def numbered(fragment: str, numbers: Mapping[str, int]) -> str:
    """The content with the numbers of the items it names, and template variables by name."""

    def number(name: str, _: str) -> str:
        return str(numbers.get(name, "…"))

    named = fill(fragment, "data-number", number)
    return fill(named, "data-value", lambda name, _: f"[{name}]")


def decimal(value: Decimal, words: Words) -> str:
    """A number as the paper's language writes it."""
    text = f"{value:f}".replace("-", "\N{MINUS SIGN}")
    return text if words is words_in("en") else text.replace(".", ",")


def _labels(pieces: Sequence[Option | Piece]) -> tuple[Labelled, ...]:
    return tuple(
        Labelled(f"{letter}.", piece.content)
        for letter, piece in zip(LETTERS * 4, pieces, strict=False)
    )


def _small(pieces: Sequence[Option | Piece]) -> tuple[Labelled, ...]:
    return tuple(
        Labelled(f"{letter})", piece.content)
        for letter, piece in zip(LETTERS.lower() * 4, pieces, strict=False)
    )


def _figures(pieces: Sequence[Piece]) -> tuple[Labelled, ...]:
    return tuple(Labelled(f"{place}.", piece.content) for place, piece in enumerate(pieces, 1))


def _areas(areas: Sequence[Area]) -> tuple[tuple[str, Area], ...]:
    return tuple(zip(LETTERS * 4, areas, strict=False))


def _blocks(shown: Simple, words: Words) -> tuple[Block, ...]:
    match shown:
        case SingleChoice(options=options) | MultipleChoice(options=options):
            return (Options(_labels(options)),)
        case InlineChoice(options=options):
            return (Options(_labels(options)),)
        case TrueFalseCluster(statements=statements):
            return (Statements(_small(statements)),)
        case NumericEntry(unit=unit):
            return (AnswerLine(unit=unit),)
        case TextEntry():
            return (AnswerLine(),)
        case Slider(lower=lower, upper=upper, step=step):
            bounds = (decimal(number, words) for number in (lower, upper, step))
            return (AnswerLine(words["from_to"].format(*bounds)),)
        case ExtendedText(lines=lines):
            return (RuledLines(min(lines, ESSAY_LINES)),)
        case Order(options=options):
            return (Options(_labels(options)), AnswerLine(words["order"]))
        case Match(sources=sources, targets=targets):
            return (Columns(_figures(sources), _labels(targets)), AnswerLine(words["pairs"]))
        case Associate(options=options):
            return (Bank(_labels(options)), AnswerLine(words["pairs"]))
        case GapMatch(text=text, pieces=pieces):
            return (Bank(_labels(pieces)), Passage(_with_gaps(text)))
        case HotText(text=text):
            return (Passage(_with_letters(text)), AnswerLine(words["words"]))
        case GraphicGapMatch(picture=picture, areas=areas, pieces=pieces):
            figure = Figure(picture, _areas(areas))
            return (figure, Bank(_figures(pieces)), AnswerLine(words["pairs"]))
        case Hotspot(picture=picture, areas=areas):
            return (Figure(picture, _areas(areas)), AnswerLine())
        case GraphicOrder(picture=picture, areas=areas):
            return (Figure(picture, _areas(areas)), AnswerLine(words["order"]))
        case SelectPoint(picture=picture):
            return (Figure(picture, ()), AnswerLine(words["mark"]))


def _with_gaps(text: str) -> str:
    """The text with its gaps numbered, to be written on."""
    places = [name for name, _ in texts_of_parts(text)]
    return _replaced(text, lambda name, _: f"({places.index(name) + 1})\u00a0{BLANK}")


def _with_letters(text: str) -> str:
    """The text with its words to choose underlined, each under a letter."""
    places = [name for name, _ in texts_of_parts(text)]

    def word(name: str, inside: str) -> str:
        return f"<u>{inside}</u> <sub>{LETTERS[places.index(name) % 26]}</sub>"

    return _replaced(text, word)


def _replaced(fragment: str, text_of: Callable[[str, str], str]) -> str:
    return _PLACE.sub(lambda found: text_of(found[2], found[3]), fragment)


# --- composites


def _composite(
    stem: str, shown: Composite, key: CompositeKey, words: Words
) -> tuple[str, tuple[Block, ...], str]:
    """The stem with a numbered place for each part, and below it what does not stand in a line."""
    parts = {part.id: (place, part.interaction) for place, part in enumerate(shown.parts, 1)}

    def place(name: str, _: str) -> str:
        at, interaction = parts[name]
        number = f"({at})" if len(parts) > 1 else ""
        if isinstance(interaction, InlineChoice):
            options = " / ".join(option.content for option in interaction.options)
            return f"{number} [ {options} ]"
        if isinstance(interaction, _INLINE):
            unit = getattr(interaction, "unit", "")
            return f"{number}\u00a0{BLANK} {escape(unit)}".strip()
        return number

    first, *pieces = _cut(stem, [n for n, (_, i) in parts.items() if not isinstance(i, _INLINE)])
    blocks: list[Block] = []
    for name, rest in pieces:
        at, interaction = parts[name]
        if len(parts) > 1:
            blocks.append(Passage(f"<p><b>({at})</b></p>"))
        blocks += _blocks(interaction, words)
        if rest:
            blocks.append(Passage(_replaced(rest, place)))
    told = [
        f"({at}) {_key(interaction, key.parts[name], words) or words['by_people']}"
        for name, (at, interaction) in parts.items()
    ]
    return _replaced(first[1], place), tuple(blocks), "; ".join(told)


def _cut(stem: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """The stem cut where parts stand that are no part of a line: what is before the first of
    them, then each with what follows it. A part amid other content comes after it."""
    pieces = [("", stem)]
    for name in names:
        before, mark, after = pieces[-1][1].partition(f'<div data-part="{name}"></div>')
        if mark and _is_whole(before) and _is_whole(after):
            pieces[-1] = (pieces[-1][0], before)
            pieces.append((name, after))
        else:
            pieces.append((name, ""))
    return pieces


def _is_whole(fragment: str) -> bool:
    try:
        parse(fragment)
    except ContentError:
        return False
    return True


# --- keys


def _key(shown: Simple, key: SimpleKey, words: Words) -> str:
    """What is right, by the labels of the sheet; empty where nothing is right by itself."""
    names = _names(shown)
    match key:
        case ChoiceKey(options=options):
            return ", ".join(sorted(names.get(name, name) for name in options))
        case ClusterKey(values=values):
            told = (values[name] for name in ids_of(shown))
            return " ".join(words["true"] if truth else words["false"] for truth in told)
        case NumericKey(value=value):
            return decimal(value, words)
        case TextKey(accepted=accepted):
            return " / ".join(accepted)
        case OrderKey(order=order):
            return " – ".join(names.get(name, name) for name in order)
        case PairsKey(pairs=pairs):
            return ", ".join(f"{names.get(a, a)}–{names.get(b, b)}" for a, b in pairs)
        case PointsKey(points=points):
            return "; ".join(f"{words['near']} ({x}, {y})" for x, y in points)
        case _:
            return ""


def _names(shown: Simple) -> Mapping[str, str]:
    """What the sheet calls each piece."""
    match shown:
        case Match(sources=sources, targets=targets):
            return _counted(sources) | _lettered(targets)
        case GapMatch(text=text, pieces=pieces):
            gaps = {name: f"({at})" for at, (name, _) in enumerate(texts_of_parts(text), 1)}
            return _lettered(pieces) | gaps
        case GraphicGapMatch(areas=areas, pieces=pieces):
            return _counted(pieces) | _lettered(areas)
        case _:
            return dict(zip(ids_of(shown), LETTERS * 4, strict=False))


def _counted(pieces: Sequence[Piece]) -> dict[str, str]:
    return {piece.id: str(place) for place, piece in enumerate(pieces, 1)}


def _lettered(pieces: Sequence[Piece | Area]) -> dict[str, str]:
    return {piece.id: letter for letter, piece in zip(LETTERS * 4, pieces, strict=False)}
