"""Our interactions → QTI 3.0 elements, and the types of their responses."""

from lxml import etree

from question_bank.content import parse
from question_bank.interactions import (
    Area,
    Associate,
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
from question_bank.interchange.markup import name_of
from question_bank.interchange.qti3_made import (
    fill,
    made,
    places_in,
    text_of_number,
    text_of_truth,
)
from question_bank.interchange.qti3_own import Binding
from question_bank.interchange.qti3_terms import QTI


def interaction_element(interaction: Simple, names: Binding) -> etree._Element:
    """The element, under the response's name in `names`."""
    element = _element(interaction, names)
    rest = [(str(key), str(value)) for key, value in element.attrib.items() if key != "class"]
    shuffle = getattr(interaction, "shuffle", None)
    ordered = [("class", element.get("class")), ("shuffle", shuffle), *rest]
    element.attrib.clear()
    for key, value in (*ordered, ("response-identifier", names.response)):
        if value is not None:
            element.set(key, value if isinstance(value, str) else text_of_truth(bool(value)))
    return element


def _element(interaction: Simple, names: Binding) -> etree._Element:
    match interaction:
        case SingleChoice(options=options):
            return made("qti-choice-interaction", *_choices(options), max_choices="1")
        case MultipleChoice(options=options, max_choices=most):
            return made("qti-choice-interaction", *_choices(options), max_choices=str(most))
        case TrueFalseCluster():
            return _cluster(interaction, names)
        case NumericEntry():
            return _numeric(interaction)
        case TextEntry(max_length=length):
            element = made("qti-text-entry-interaction", expected_length=str(length))
            element.set("pattern-mask", _text_mask(length))
            return element
        case InlineChoice(options=options):
            return made("qti-inline-choice-interaction", *_choices(options, "qti-inline-choice"))
        case ExtendedText(max_length=length, lines=lines):
            element = made("qti-extended-text-interaction", expected_lines=str(lines))
            element.set("pattern-mask", _text_mask(length))
            return element
        case Order(options=options):
            return made("qti-order-interaction", *_choices(options))
        case Match(sources=sources, targets=targets, max_pairs=most):
            sets = (
                made("qti-simple-match-set", *_associable(pieces)) for pieces in (sources, targets)
            )
            return made("qti-match-interaction", *sets, max_associations=str(most))
        case Associate(options=pieces, max_pairs=most):
            inside = _associable(pieces)
            return made("qti-associate-interaction", *inside, max_associations=str(most))
        case GapMatch(text=text, pieces=pieces):
            element = made("qti-gap-match-interaction", *map(_gap_piece, pieces))
            return _with_text(element, text, "qti-gap")
        case HotText(text=text, max_choices=most):
            element = made("qti-hottext-interaction", max_choices=str(most))
            return _with_text(element, text, "qti-hottext")
        case Hotspot(picture=picture, areas=areas, max_choices=most):
            inside = [_picture(picture), *(_area("qti-hotspot-choice", area) for area in areas)]
            return made("qti-hotspot-interaction", *inside, max_choices=str(most))
        case GraphicGapMatch(picture=picture, areas=areas, pieces=pieces):
            spots = [_area("qti-associable-hotspot", area) for area in areas]
            inside = [_picture(picture), *map(_gap_piece, pieces), *spots]
            return made("qti-graphic-gap-match-interaction", *inside)
        case GraphicOrder(picture=picture, areas=areas):
            inside = [_picture(picture), *(_area("qti-hotspot-choice", area) for area in areas)]
            return made("qti-graphic-order-interaction", *inside)
        case SelectPoint(picture=picture, max_points=most):
            inside = [_picture(picture)]
            return made("qti-select-point-interaction", *inside, max_choices=str(most))
        case Slider():
            element = made("qti-slider-interaction", step=text_of_number(interaction.step))
            element.set("lower-bound", text_of_number(interaction.lower))
            element.set("upper-bound", text_of_number(interaction.upper))
            return element


def types_of(interaction: Simple) -> tuple[str, str]:
    """Cardinality and base type of the response."""
    match interaction:
        case SingleChoice() | InlineChoice():
            return "single", "identifier"
        case HotText(max_choices=1) | Hotspot(max_choices=1):
            return "single", "identifier"
        case MultipleChoice() | HotText() | Hotspot():
            return "multiple", "identifier"
        case NumericEntry() | Slider():
            return "single", "float"
        case TextEntry() | ExtendedText():
            return "single", "string"
        case Order() | GraphicOrder():
            return "ordered", "identifier"
        case TrueFalseCluster() | Match() | GapMatch() | GraphicGapMatch():
            return "multiple", "directedPair"
        case Associate():
            return "multiple", "pair"
        case SelectPoint(max_points=most):
            return "single" if most == 1 else "multiple", "point"


def _choices(options: tuple[Option, ...], name: str = "qti-simple-choice") -> list[etree._Element]:
    return [_choice(name, option) for option in options]


def _choice(name: str, option: Option | Piece) -> etree._Element:
    element = made(name, identifier=option.id)
    if option.fixed:
        element.set("fixed", "true")
    if isinstance(option, Piece):
        element.set("match-max", str(option.most))
    fill(element, option.content)
    return element


def _associable(pieces: tuple[Piece, ...]) -> list[etree._Element]:
    return [_choice("qti-simple-associable-choice", piece) for piece in pieces]


def _gap_piece(piece: Piece) -> etree._Element:
    root = parse(piece.content)
    drawn = len(root) == 1 and name_of(root[0]) == "img" and not "".join(root.itertext()).strip()
    return _choice("qti-gap-img" if drawn else "qti-gap-text", piece)


def _cluster(interaction: TrueFalseCluster, names: Binding) -> etree._Element:
    statements = made("qti-simple-match-set")
    for option in interaction.statements:
        choice = _choice("qti-simple-associable-choice", option)
        choice.set("match-max", "1")
        statements.append(choice)
    columns = made("qti-simple-match-set")
    count = str(len(interaction.statements))
    for identifier, word in ((names.true, "Đúng"), (names.false, "Sai")):
        column = made("qti-simple-associable-choice", word, identifier=identifier)
        column.set("match-max", count)
        columns.append(column)
    element = made("qti-match-interaction", statements, columns, max_associations=count)
    element.set("class", "qti-match-tabular")
    return element


def _numeric(entry: NumericEntry) -> etree._Element:
    element = made("qti-text-entry-interaction", expected_length=str(entry.max_length))
    digits = "0123456789"
    rest = entry.allowed.removeprefix(digits)
    start = "0-9" if entry.allowed.startswith(digits) else ""
    escaped = "".join(rf"\{c}" if c in r"\]^-[" else c for c in rest)
    element.set("pattern-mask", f"[{start}{escaped}]{{1,{entry.max_length}}}")
    if entry.unit:
        element.set("data-unit", entry.unit)
    return element


def _text_mask(length: int) -> str:
    return rf"[\s\S]{{0,{length}}}"


def _with_text(element: etree._Element, text: str, name: str) -> etree._Element:
    """`element` with the text in it, its places as elements of that name."""
    fill(element, text)
    for identifier, place in places_in(element).items():
        place.tag = f"{{{QTI}}}{name}"
        place.attrib.clear()
        place.set("identifier", identifier)
    return element


def _picture(picture: Picture) -> etree._Element:
    element = made("img", src=f"../media/{picture.media}", alt=picture.alt)
    element.set("width", str(picture.width))
    element.set("height", str(picture.height))
    return element


def _area(name: str, area: Area) -> etree._Element:
    element = made(name, identifier=area.id, shape=area.shape.name)
    element.set("coords", ",".join(map(str, area.shape.coords)))
    if area.label:
        element.set("hotspot-label", area.label)
    if name == "qti-associable-hotspot":
        element.set("match-max", str(area.most))
    return element
