"""The plain form of interactions, read back strictly: for items in the bank and for forms.

What is at its usual value in a bank item and never said of a presented one (`fixed`, `shuffle`)
is left out of the kinds that came after the first four.
"""

from collections.abc import Callable, Mapping

from question_bank import plain
from question_bank.content import MAX_CONTENT
from question_bank.errors import MalformedError
from question_bank.interactions import (
    MAX_COORDINATE,
    MAX_COORDS,
    MAX_ESSAY,
    MAX_GAP_TEXT,
    MAX_LABEL,
    MAX_LINES,
    MAX_NUMERIC_TEXT,
    MAX_OPTIONS,
    MAX_PAIRS,
    MAX_PARTS,
    MAX_PIECES,
    MAX_POINTS,
    MAX_WORD,
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
    Interaction,
    Match,
    MultipleChoice,
    NumericEntry,
    Option,
    Order,
    Part,
    Picture,
    Piece,
    SelectPoint,
    Shape,
    Simple,
    SingleChoice,
    Slider,
    TextEntry,
    TrueFalseCluster,
)

Plain = dict[str, object]
Later = (
    TextEntry | InlineChoice | ExtendedText | Order | Match | Associate | GapMatch | HotText
    | Hotspot | GraphicGapMatch | GraphicOrder | SelectPoint | Slider
)  # fmt: skip


def interaction_to_plain(interaction: Interaction) -> Plain:
    """The plain form of an item's interaction."""
    kind = interaction.kind
    match interaction:
        case SingleChoice(options=options, shuffle=shuffle):
            return {"kind": kind, "options": _options_to_plain(options), "shuffle": shuffle}
        case MultipleChoice(options=options, shuffle=shuffle, max_choices=most):
            limit = {"max_choices": most} if most else {}
            options_plain = _options_to_plain(options)
            return {"kind": kind, "options": options_plain, "shuffle": shuffle, **limit}
        case TrueFalseCluster(statements=statements, shuffle=shuffle):
            return {"kind": kind, "statements": _options_to_plain(statements), "shuffle": shuffle}
        case NumericEntry():
            return {
                "kind": kind,
                "max_length": interaction.max_length,
                "allowed": interaction.allowed,
                "tolerance": str(interaction.tolerance),
                "unit": interaction.unit,
            }
        case Composite(parts=parts):
            simple = [interaction_to_plain(part.interaction) for part in parts]
            named = zip(parts, simple, strict=True)
            return {"kind": kind, "parts": [{"id": p.id, "interaction": i} for p, i in named]}
        case _:
            return later_to_plain(interaction)


def later_to_plain(interaction: Later) -> Plain:
    """The plain form of a kind that is the same in the bank and in a form."""
    match interaction:
        case TextEntry(max_length=length):
            fields: Plain = {"max_length": length}
        case InlineChoice(options=options) | Order(options=options):
            fields = {"options": [_option_to_plain(option) for option in options]}
        case ExtendedText(max_length=length, lines=lines):
            fields = {"max_length": length, "lines": lines}
        case Match():
            fields = {
                "sources": _pieces_to_plain(interaction.sources),
                "targets": _pieces_to_plain(interaction.targets),
                "max_pairs": interaction.max_pairs,
            }
        case Associate(options=pieces, max_pairs=most):
            fields = {"options": _pieces_to_plain(pieces), "max_pairs": most}
        case GapMatch(text=text, pieces=pieces):
            fields = {"text": text, "pieces": _pieces_to_plain(pieces)}
        case HotText(text=text, max_choices=most):
            fields = {"text": text, "max_choices": most}
        case Hotspot(max_choices=most):
            fields = _drawn(interaction.picture, interaction.areas) | {"max_choices": most}
        case GraphicGapMatch(pieces=pieces):
            drawn = _drawn(interaction.picture, interaction.areas)
            fields = drawn | {"pieces": _pieces_to_plain(pieces)}
        case GraphicOrder():
            fields = _drawn(interaction.picture, interaction.areas)
        case SelectPoint(picture=picture, max_points=most):
            fields = {"picture": _picture_to_plain(picture), "max_points": most}
        case Slider():
            names = ("lower", "upper", "step")
            fields = {name: str(getattr(interaction, name)) for name in names}
    shuffle = {"shuffle": True} if getattr(interaction, "shuffle", False) else {}
    return {"kind": interaction.kind, **fields, **shuffle}


def _options_to_plain(options: tuple[Option, ...]) -> list[Plain]:
    return [{"id": o.id, "content": o.content, "fixed": o.fixed} for o in options]


def _option_to_plain(option: Option | Piece) -> Plain:
    fixed = {"fixed": True} if option.fixed else {}
    return {"id": option.id, "content": option.content, **fixed}


def _pieces_to_plain(pieces: tuple[Piece, ...]) -> list[Plain]:
    return [_option_to_plain(piece) | {"most": piece.most} for piece in pieces]


def _drawn(picture: Picture, areas: tuple[Area, ...]) -> Plain:
    return {
        "picture": _picture_to_plain(picture),
        "areas": [
            {"id": a.id, "shape": shape_to_plain(a.shape), "label": a.label, "most": a.most}
            for a in areas
        ],
    }


def _picture_to_plain(picture: Picture) -> Plain:
    return {
        "media": picture.media,
        "width": picture.width,
        "height": picture.height,
        "alt": picture.alt,
    }


def shape_to_plain(shape: Shape) -> Plain:
    """The plain form of a region."""
    return {"name": shape.name, "coords": list(shape.coords)}


def interaction_from_plain(value: object) -> Interaction:
    """The interaction that `interaction_to_plain` wrote; raises MalformedError."""
    if isinstance(value, dict) and value.get("kind") == "composite":
        parts = []
        given = plain.record(value, ("kind", "parts"), "interaction")["parts"]
        for entry in plain.array(given, "interaction parts", least=1, most=MAX_PARTS):
            fields = plain.record(entry, ("id", "interaction"), "part")
            simple = _simple_from_plain(fields["interaction"])
            parts.append(Part(plain.identifier(fields["id"], "part id"), simple))
        return Composite(tuple(parts))
    return _simple_from_plain(value)


def _simple_from_plain(value: object) -> Simple:
    kind = value.get("kind") if isinstance(value, dict) else None
    match kind:
        case "single":
            fields = plain.record(value, ("kind", "options", "shuffle"), "interaction")
            return SingleChoice(
                _options_from_plain(fields["options"]), plain.boolean(fields["shuffle"], "shuffle")
            )
        case "multiple":
            known = ("kind", "options", "shuffle")
            fields = plain.record(value, known, "interaction", optional=("max_choices",))
            return MultipleChoice(
                _options_from_plain(fields["options"]),
                plain.boolean(fields["shuffle"], "shuffle"),
                plain.integer(
                    fields.get("max_choices", 0), "max_choices", least=0, most=MAX_OPTIONS
                ),
            )
        case "tf_cluster":
            fields = plain.record(value, ("kind", "statements", "shuffle"), "interaction")
            statements = _options_from_plain(fields["statements"])
            return TrueFalseCluster(statements, plain.boolean(fields["shuffle"], "shuffle"))
        case "numeric":
            names = ("kind", "max_length", "allowed", "tolerance", "unit")
            fields = plain.record(value, names, "interaction")
            return NumericEntry(
                plain.integer(fields["max_length"], "max_length", least=1, most=MAX_NUMERIC_TEXT),
                plain.text(fields["allowed"], "allowed", most=MAX_WORD),
                plain.decimal(fields["tolerance"], "tolerance"),
                plain.text(fields["unit"], "unit", most=MAX_WORD),
            )
        case _:
            return later_from_plain(value)


def later_from_plain(value: object) -> Later:
    """The interaction that `later_to_plain` wrote; raises MalformedError."""
    kind = value.get("kind") if isinstance(value, dict) else None
    read = _LATER.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise MalformedError("interaction: its kind is none of the known ones")
    return read(value)


def _text_entry(value: object) -> TextEntry:
    fields = plain.record(value, ("kind", "max_length"), "interaction")
    return TextEntry(_length(fields, MAX_GAP_TEXT))


def _inline_choice(value: object) -> InlineChoice:
    fields = plain.record(value, ("kind", "options"), "interaction", optional=("shuffle",))
    return InlineChoice(_plain_options(fields), _shuffle(fields))


def _extended(value: object) -> ExtendedText:
    fields = plain.record(value, ("kind", "max_length", "lines"), "interaction")
    lines = plain.integer(fields["lines"], "lines", least=1, most=MAX_LINES)
    return ExtendedText(_length(fields, MAX_ESSAY), lines)


def _order(value: object) -> Order:
    fields = plain.record(value, ("kind", "options"), "interaction", optional=("shuffle",))
    return Order(_plain_options(fields), _shuffle(fields))


def _match(value: object) -> Match:
    names = ("kind", "sources", "targets", "max_pairs")
    fields = plain.record(value, names, "interaction", optional=("shuffle",))
    sources, targets = _pieces(fields["sources"]), _pieces(fields["targets"])
    return Match(sources, targets, _most(fields, "max_pairs", MAX_PAIRS), _shuffle(fields))


def _associate(value: object) -> Associate:
    names = ("kind", "options", "max_pairs")
    fields = plain.record(value, names, "interaction", optional=("shuffle",))
    most = _most(fields, "max_pairs", MAX_PAIRS)
    return Associate(_pieces(fields["options"]), most, _shuffle(fields))


def _gap_match(value: object) -> GapMatch:
    fields = plain.record(value, ("kind", "text", "pieces"), "interaction", optional=("shuffle",))
    return GapMatch(_content(fields["text"]), _pieces(fields["pieces"]), _shuffle(fields))


def _hot_text(value: object) -> HotText:
    fields = plain.record(value, ("kind", "text", "max_choices"), "interaction")
    return HotText(_content(fields["text"]), _most(fields, "max_choices", MAX_PIECES))


def _hotspot(value: object) -> Hotspot:
    fields = plain.record(value, ("kind", "picture", "areas", "max_choices"), "interaction")
    picture, areas = _picture(fields["picture"]), _areas(fields["areas"])
    return Hotspot(picture, areas, _most(fields, "max_choices", MAX_PIECES))


def _graphic_gap_match(value: object) -> GraphicGapMatch:
    names = ("kind", "picture", "areas", "pieces")
    fields = plain.record(value, names, "interaction", optional=("shuffle",))
    picture, areas = _picture(fields["picture"]), _areas(fields["areas"])
    return GraphicGapMatch(picture, areas, _pieces(fields["pieces"]), _shuffle(fields))


def _graphic_order(value: object) -> GraphicOrder:
    fields = plain.record(value, ("kind", "picture", "areas"), "interaction")
    return GraphicOrder(_picture(fields["picture"]), _areas(fields["areas"]))


def _select_point(value: object) -> SelectPoint:
    fields = plain.record(value, ("kind", "picture", "max_points"), "interaction")
    return SelectPoint(_picture(fields["picture"]), _most(fields, "max_points", MAX_POINTS))


def _slider(value: object) -> Slider:
    names = ("lower", "upper", "step")
    fields = plain.record(value, ("kind", *names), "interaction")
    lower, upper, step = (plain.decimal(fields[name], name) for name in names)
    return Slider(lower, upper, step)


_LATER: dict[str, Callable[[object], Later]] = {
    "gap": _text_entry,
    "inline_choice": _inline_choice,
    "extended": _extended,
    "order": _order,
    "match": _match,
    "associate": _associate,
    "gap_match": _gap_match,
    "hot_text": _hot_text,
    "hotspot": _hotspot,
    "graphic_gap_match": _graphic_gap_match,
    "graphic_order": _graphic_order,
    "select_point": _select_point,
    "slider": _slider,
}


def _length(fields: Mapping[str, object], most: int) -> int:
    return plain.integer(fields["max_length"], "max_length", least=1, most=most)


def _most(fields: Mapping[str, object], name: str, most: int) -> int:
    return plain.integer(fields[name], name, least=0, most=most)


def _shuffle(fields: Mapping[str, object]) -> bool:
    return plain.boolean(fields.get("shuffle", False), "shuffle")


def _content(value: object) -> str:
    return plain.text(value, "interaction text", most=MAX_CONTENT)


def _options_from_plain(value: object) -> tuple[Option, ...]:
    options = []
    for entry in plain.array(value, "options", most=MAX_OPTIONS):
        fields = plain.record(entry, ("id", "content", "fixed"), "option")
        options.append(
            Option(
                plain.identifier(fields["id"], "option id"),
                plain.text(fields["content"], "option content", most=MAX_CONTENT),
                plain.boolean(fields["fixed"], "option fixed"),
            )
        )
    return tuple(options)


def _plain_options(fields: Mapping[str, object]) -> tuple[Option, ...]:
    options = []
    for entry in plain.array(fields["options"], "options", most=MAX_OPTIONS):
        option = plain.record(entry, ("id", "content"), "option", optional=("fixed",))
        options.append(Option(*_named(option), plain.boolean(option.get("fixed", False), "fixed")))
    return tuple(options)


def _pieces(value: object) -> tuple[Piece, ...]:
    pieces = []
    for entry in plain.array(value, "pieces", most=MAX_PIECES):
        piece = plain.record(entry, ("id", "content", "most"), "piece", optional=("fixed",))
        fixed = plain.boolean(piece.get("fixed", False), "fixed")
        pieces.append(Piece(*_named(piece), fixed, _most(piece, "most", MAX_PIECES)))
    return tuple(pieces)


def _named(fields: Mapping[str, object]) -> tuple[str, str]:
    name = plain.identifier(fields["id"], "option id")
    return name, plain.text(fields["content"], "option content", most=MAX_CONTENT)


def _areas(value: object) -> tuple[Area, ...]:
    areas = []
    for entry in plain.array(value, "areas", most=MAX_PIECES):
        fields = plain.record(entry, ("id", "shape", "label", "most"), "area")
        name = plain.identifier(fields["id"], "area id")
        label = plain.text(fields["label"], "area label", most=MAX_LABEL)
        shape = shape_from_plain(fields["shape"])
        areas.append(Area(name, shape, label, _most(fields, "most", MAX_PIECES)))
    return tuple(areas)


def _picture(value: object) -> Picture:
    fields = plain.record(value, ("media", "width", "height", "alt"), "picture")
    width, height = (
        plain.integer(fields[name], f"picture {name}", least=1, most=MAX_COORDINATE)
        for name in ("width", "height")
    )
    media = plain.identifier(fields["media"], "picture")
    return Picture(media, width, height, plain.text(fields["alt"], "picture", most=MAX_LABEL))


def shape_from_plain(value: object) -> Shape:
    """The region that `shape_to_plain` wrote; raises MalformedError."""
    fields = plain.record(value, ("name", "coords"), "shape")
    coords = tuple(
        plain.integer(number, "shape", least=-MAX_COORDINATE, most=MAX_COORDINATE)
        for number in plain.array(fields["coords"], "shape", most=MAX_COORDS)
    )
    match fields["name"]:
        case ("circle" | "rect" | "ellipse" | "poly") as name:
            return Shape(name, coords)
        case _:
            raise MalformedError("shape: its name is none of the known ones")
