"""The answer part of any item as fields and back; what a new item of a kind begins with.

A composite's parts are ruled by its stem: a place `[[id]]` that is new there makes a new part, a
part whose place is gone goes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from exam_server.items.answer_fields import (
    LETTERS,
    Answer,
    AnswerForm,
    Form,
    Group,
    Input,
    Label,
    Legend,
    Row,
    Shown,
)
from exam_server.items.answer_kinds import (
    Choice,
    Cluster,
    HotWords,
    LongText,
    Number,
    Ordered,
    Scale,
    Words,
)
from exam_server.items.answer_pairs import Associated, Gaps, Matched
from exam_server.items.answer_pictures import PiecesOnSpots, Points, Spots, SpotsInOrder
from exam_server.items.typed import Typed, number_text
from question_bank.interactions import (
    INLINE_KINDS,
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
    Kind,
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
from question_bank.keys import (
    NATIONAL_2025_CLUSTER,
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    CompositeKey,
    External,
    Key,
    MappedPoints,
    NoKey,
    NumericKey,
    OrderKey,
    PairsKey,
    PartMarks,
    PartRule,
    PointsKey,
    ResponseProcessing,
    ScoringRule,
    SimpleKey,
    SumOfParts,
    TextKey,
)

FORMS: Mapping[Kind, AnswerForm] = {
    "single": Choice(one=True),
    "inline_choice": Choice(one=True),
    "multiple": Choice(one=False),
    "tf_cluster": Cluster(),
    "numeric": Number(),
    "slider": Scale(),
    "gap": Words(),
    "extended": LongText(),
    "order": Ordered(),
    "match": Matched(),
    "associate": Associated(),
    "gap_match": Gaps(),
    "hot_text": HotWords(),
    "hotspot": Spots(),
    "graphic_order": SpotsInOrder(),
    "graphic_gap_match": PiecesOnSpots(),
    "select_point": Points(),
}
KINDS: tuple[Kind, ...] = (*FORMS, "composite")
INLINE = tuple(kind for kind in FORMS if kind in INLINE_KINDS)
#: A part's names begin with this, its id and a dot.
PART = "part."


def is_edited(answer: Answer) -> bool:
    """Whether the fields hold all of the answer: not where the item's own processing marks it, nor
    where only a person says where a point is right."""
    rule = answer.scoring
    lost = isinstance(rule, ResponseProcessing)
    lost = lost or (
        answer.interaction.kind == "select_point" and not isinstance(rule, MappedPoints)
    )
    lost = lost or (isinstance(answer.key, NoKey) and answer.interaction.kind in _NEED_A_KEY)
    return not lost and all(is_edited(part) for _, part in parts_of(answer))


_NEED_A_KEY = frozenset(FORMS) - {"extended", "select_point"}


def parts_of(answer: Answer) -> Iterator[tuple[str, Answer]]:
    """The parts of a composite, each with its id."""
    if not isinstance(answer.interaction, Composite) or not isinstance(answer.key, CompositeKey):
        return
    rule = answer.scoring
    for part in answer.interaction.parts:
        marks = PartMarks(AllOrNothing(), Decimal(0))
        if isinstance(rule, SumOfParts):
            marks = rule.parts[part.id]
        elif isinstance(rule, External | ResponseProcessing):
            marks = PartMarks(External(), Decimal(0))
        yield part.id, Answer(part.interaction, answer.key.parts[part.id], marks.rule, marks.points)


def shown(answer: Answer) -> Shown:
    """The fields of the answer."""
    if not isinstance(answer.interaction, Composite):
        return FORMS[answer.interaction.kind].show(answer, "")
    groups: list[Group] = []
    values: dict[str, str] = {}
    for name, part in parts_of(answer):
        prefix = f"{PART}{name}."
        fields: list[Input] = []
        if part.interaction.kind in INLINE_KINDS:
            fields.append(
                Input(f"{prefix}kind", Label.KIND, "pick", choices=INLINE, family="item_kind")
            )
            values[f"{prefix}kind"] = part.interaction.kind
        if isinstance(answer.scoring, SumOfParts):
            fields.append(Input(f"{prefix}points", Label.POINTS))
            values[f"{prefix}points"] = number_text(part.points)
        groups.append(Group(Legend.PART, f"{prefix}part", (Row("", tuple(fields)),), of=name))
        within = FORMS[part.interaction.kind].show(part, prefix)
        groups += [replace(group, of=name) for group in within.groups]
        values |= within.values
    return Shown(tuple(groups), values)


def names_in(groups: tuple[Group, ...]) -> set[str]:
    return {one.name for group in groups for row in group.rows for one in row.inputs}


def read(answer: Answer, typed: Typed, before: Mapping[str, str]) -> Answer:
    """What was typed; `typed` gets the faults."""
    if not isinstance(answer.interaction, Composite):
        return FORMS[answer.interaction.kind].read(answer, Form(typed, before))
    parts: dict[str, Answer] = {}
    for name, part in parts_of(answer):
        form = Form(typed, before, f"{PART}{name}.")
        points = part.points
        if isinstance(answer.scoring, SumOfParts):
            points = form.decimal("points", least=Decimal(0))
        parts[name] = FORMS[part.interaction.kind].read(replace(part, points=points), form)
    return _together(answer, parts)


def _together(answer: Answer, parts: Mapping[str, Answer]) -> Answer:
    interaction = Composite(tuple(Part(name, _simple(one)) for name, one in parts.items()))
    key = CompositeKey({name: _simple_key(one) for name, one in parts.items()})
    rule, points = answer.scoring, answer.points
    if isinstance(rule, SumOfParts):
        marks = {name: PartMarks(_part_rule(one), one.points) for name, one in parts.items()}
        rule, points = SumOfParts(marks), sum((one.points for one in parts.values()), Decimal(0))
    return Answer(interaction, key, rule, points)


def _simple(answer: Answer) -> Simple:
    if isinstance(answer.interaction, Composite):
        raise TypeError("a part is no composite")
    return answer.interaction


def _simple_key(answer: Answer) -> SimpleKey:
    if isinstance(answer.key, CompositeKey):
        raise TypeError("a part is no composite")
    return answer.key


def _part_rule(answer: Answer) -> PartRule:
    if isinstance(answer.scoring, ResponseProcessing | SumOfParts):
        raise TypeError("a part is marked by a rule of its own")
    return answer.scoring


def reshaped(answer: Answer, kinds: Mapping[str, str]) -> Answer:
    """A composite with a part for each place of its stem, in the order of `kinds`: the name of the
    place → the kind that its part is to have from now on, nothing where it stays."""
    if not isinstance(answer.interaction, Composite):
        return answer
    former = dict(parts_of(answer))
    points = next((part.points for part in former.values()), Decimal("0.25"))
    parts = {}
    for name, kind in kinds.items():
        part = former.get(name) or replace(_blank_simple("gap"), points=points)
        wanted = next((one for one in INLINE if one == kind), part.interaction.kind)
        if wanted != part.interaction.kind and part.interaction.kind in INLINE_KINDS:
            part = replace(_blank_simple(wanted), points=part.points)
        parts[name] = part
    return _together(answer, parts)


def blank(kind: Kind) -> Answer:
    """What a new item of `kind` begins with; it is no whole item yet."""
    if kind != "composite":
        return _blank_simple(kind)
    part = _blank_simple("gap")
    start = Answer(Composite(()), CompositeKey({}), SumOfParts({}), Decimal(0))
    return _together(start, {"1": replace(part, points=Decimal("0.25"))})


#: The stem that a new composite begins with.
BLANK_STEM = '<p>… <span data-part="1"></span> …</p>'
_TEXT = '<p>… <span data-part="1"></span> …</p>'
_HOT = '<p>… <span data-part="1">…</span> …</p>'


def _blank_simple(kind: Kind) -> Answer:
    rows = tuple(Option(letter, "") for letter in LETTERS[:4])
    pieces = tuple(Piece(letter, "") for letter in LETTERS[:4])
    targets = tuple(Piece(str(number), "") for number in range(1, 5))
    picture, spot = Picture("", 100, 100), Area("v1", Shape("rect", (10, 10, 40, 40)))
    one, whole = AllOrNothing(), Decimal(1)
    quarter = Decimal("0.25")
    made: dict[str, tuple[Interaction, Key, ScoringRule, Decimal]] = {
        "single": (SingleChoice(rows), ChoiceKey(("A",)), one, quarter),
        "inline_choice": (InlineChoice(rows), ChoiceKey(()), one, quarter),
        "multiple": (MultipleChoice(rows), ChoiceKey(()), one, whole),
        "tf_cluster": (
            TrueFalseCluster(rows),
            ClusterKey(dict.fromkeys("ABCD", False)),
            NATIONAL_2025_CLUSTER,
            whole,
        ),
        "numeric": (NumericEntry(), NumericKey(Decimal(0)), one, quarter),
        "slider": (Slider(Decimal(0), Decimal(10)), NumericKey(Decimal(0)), one, quarter),
        "gap": (TextEntry(), TextKey(()), one, quarter),
        "extended": (ExtendedText(), NoKey(), External(), whole),
        "order": (Order(rows), OrderKey(tuple("ABCD")), one, whole),
        "match": (Match(pieces, targets), PairsKey(()), one, whole),
        "associate": (Associate(pieces), PairsKey(()), one, whole),
        "gap_match": (GapMatch(_TEXT, pieces), PairsKey(()), one, whole),
        "hot_text": (HotText(_HOT), ChoiceKey(()), one, quarter),
        "hotspot": (Hotspot(picture, (spot,)), ChoiceKey(()), one, quarter),
        "graphic_order": (GraphicOrder(picture, (spot,)), OrderKey(("v1",)), one, whole),
        "graphic_gap_match": (
            GraphicGapMatch(picture, (spot,), pieces),
            PairsKey(()),
            one,
            whole,
        ),
        "select_point": (
            SelectPoint(picture),
            PointsKey(()),
            MappedPoints(((spot.shape, whole),), upper=whole),
            whole,
        ),
    }
    return Answer(*made[kind])
