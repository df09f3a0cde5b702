"""One item of every kind after the first four, with its right response."""

from decimal import Decimal

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
    Interaction,
    Match,
    NumericEntry,
    Order,
    Part,
    Picture,
    Piece,
    SelectPoint,
    Shape,
    SingleChoice,
    Slider,
    TextEntry,
)
from question_bank.item import Item, Stimulus
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    CompositeKey,
    External,
    Key,
    MappedChoice,
    MappedPairs,
    MappedPoints,
    MappedText,
    NoKey,
    NumericKey,
    OrderKey,
    PairsKey,
    PartMarks,
    PointsKey,
    ScoringRule,
    Spelling,
    SumOfParts,
    TextKey,
)
from question_bank.response import (
    ChoiceResponse,
    CompositeResponse,
    NumericResponse,
    OrderResponse,
    PairsResponse,
    PointsResponse,
    Response,
    SliderResponse,
    TextResponse,
)
from tests.question_bank.item_builders import FIGURE, METADATA, options

MAP = Picture(FIGURE.id, 400, 300, "Lược đồ")
RECT, CIRCLE = Shape("rect", (10, 10, 60, 60)), Shape("circle", (200, 150, 40))
POLY = Shape("poly", (300, 200, 380, 200, 340, 280))
AREAS = (Area("HN", RECT, "Hà Nội"), Area("HUE", CIRCLE, "Huế"), Area("SG", POLY, "Sài Gòn"))
BLANK = '<span data-part="{}"></span>'


def pieces(*texts: str, most: int = 1) -> tuple[Piece, ...]:
    return tuple(Piece(f"p{n}", text, most=most) for n, text in enumerate(texts))


def item(
    name: str, interaction: Interaction, key: Key, rule: ScoringRule | None = None,
    points: str = "1", stem: str = "<p>Làm theo yêu cầu</p>",
) -> Item:  # fmt: skip
    return Item(
        name, stem, interaction, key, rule or AllOrNothing(), Decimal(points), METADATA, (FIGURE,)
    )


def word() -> Item:
    return item("gap", TextEntry(20), TextKey(("Hồ Chí Minh", "Bác Hồ")))


def weighed_word() -> Item:
    spellings = (Spelling("Paris", Decimal(1), True), Spelling("paris", Decimal("0.5")))
    return item("gap-mapped", TextEntry(), TextKey(("Paris",), True), MappedText(spellings))


def inline() -> Item:
    return item("inline", InlineChoice(options("go", "goes", "went")), ChoiceKey(("B",)))


def essay() -> Item:
    return item("essay", ExtendedText(5000, 12), NoKey(), External(), "4")


def order() -> Item:
    return item("order", Order(options("1945", "1954", "1975")), OrderKey(("B", "C", "A")))


def match() -> Item:
    interaction = Match(
        (Piece("x", "Sông Hồng"), Piece("y", "Sông Hương")),
        (Piece("a", "Hà Nội", most=0), Piece("b", "Huế"), Piece("c", "Đà Nẵng")),
    )
    return item("match", interaction, PairsKey((("x", "a"), ("y", "b"))))


def weighed_match() -> Item:
    worth = {("x", "a"): Decimal("0.5"), ("y", "b"): Decimal("0.5"), ("y", "c"): Decimal("-0.25")}
    rule = MappedPairs(worth, lower=Decimal(0), upper=Decimal(1))
    return item("match-mapped", match().interaction, match().key, rule)


def associate() -> Item:
    key = PairsKey((("p0", "p3"), ("p1", "p2")))
    return item("associate", Associate(pieces("nóng", "cao", "thấp", "lạnh"), 2), key)


def gap_match() -> Item:
    text = f"<p>{BLANK.format('g1')} là thủ đô, {BLANK.format('g2')} là cố đô.</p>"
    interaction = GapMatch(text, pieces("Hà Nội", "Huế", "Vinh"))
    return item("gap-match", interaction, PairsKey((("p0", "g1"), ("p1", "g2"))))


def hot_text() -> Item:
    words = "".join(
        f'<span data-part="w{n}">{w}</span> ' for n, w in enumerate(["He", "go", "home"])
    )
    return item("hot-text", HotText(f"<p>{words.strip()}.</p>"), ChoiceKey(("w1",)))


def hotspot() -> Item:
    return item("hotspot", Hotspot(MAP, AREAS), ChoiceKey(("HUE",)))


def weighed_hotspot() -> Item:
    worth = {"HN": Decimal("0.5"), "SG": Decimal("0.5"), "HUE": Decimal(-1)}
    rule = MappedChoice(worth, lower=Decimal(0))
    return item("hotspot-mapped", Hotspot(MAP, AREAS, 0), ChoiceKey(("HN", "SG")), rule)


def graphic_gap_match() -> Item:
    interaction = GraphicGapMatch(MAP, AREAS, pieces("Thăng Long", "Phú Xuân", "Gia Định"))
    key = PairsKey((("p0", "HN"), ("p1", "HUE"), ("p2", "SG")))
    return item("graphic-gap", interaction, key)


def graphic_order() -> Item:
    return item("graphic-order", GraphicOrder(MAP, AREAS), OrderKey(("SG", "HUE", "HN")))


def select_point() -> Item:
    rule = MappedPoints(((CIRCLE, Decimal(1)), (RECT, Decimal("0.5"))), upper=Decimal(1))
    return item("point", SelectPoint(MAP), PointsKey(((200, 150),)), rule)


def slider() -> Item:
    return item(
        "slider", Slider(Decimal(0), Decimal(10), Decimal("0.5")), NumericKey(Decimal("7.5"))
    )


def composite() -> Item:
    """A gap, a list and a number in a line, a choice below them, an essay that people mark."""
    stem = (
        f"<p>She {BLANK.format('verb')} to {BLANK.format('place')} for {BLANK.format('days')} days."
        '</p><div data-part="why"></div><div data-part="essay"></div>'
    )
    parts = (
        Part("verb", TextEntry(10)),
        Part("place", InlineChoice(options("Huế", "Vinh"))),
        Part("days", NumericEntry()),
        Part("why", SingleChoice(options("x", "y", "z"))),
        Part("essay", ExtendedText()),
    )
    keys = {
        "verb": TextKey(("went",)),
        "place": ChoiceKey(("A",)),
        "days": NumericKey(Decimal(3)),
        "why": ChoiceKey(("C",)),
        "essay": NoKey(),
    }
    half = PartMarks(AllOrNothing(), Decimal("0.5"))
    marks = dict.fromkeys(("verb", "place", "days", "why"), half)
    rule = SumOfParts(marks | {"essay": PartMarks(External(), Decimal(2))})
    return item("composite", Composite(parts), CompositeKey(keys), rule, "4", stem)


def cloze() -> Item:
    stem = f"<p>Once {BLANK.format('a')} a {BLANK.format('b')}.</p>"
    parts = (Part("a", TextEntry()), Part("b", TextEntry()))
    key = CompositeKey({"a": TextKey(("upon",)), "b": TextKey(("time",))})
    return item("cloze", Composite(parts), key, AllOrNothing(), "1", stem)


RIGHT: dict[str, tuple[Item, Response]] = {
    made.id: (made, response)
    for made, response in (
        (word(), TextResponse("  bác   hồ ")),
        (weighed_word(), TextResponse("Paris")),
        (inline(), ChoiceResponse(("B",), "inline_choice")),
        (order(), OrderResponse(("B", "C", "A"))),
        (match(), PairsResponse((("y", "b"), ("x", "a")))),
        (weighed_match(), PairsResponse((("x", "a"), ("y", "b")))),
        (associate(), PairsResponse((("p3", "p0"), ("p1", "p2")), "associate")),
        (gap_match(), PairsResponse((("p0", "g1"), ("p1", "g2")), "gap_match")),
        (hot_text(), ChoiceResponse(("w1",), "hot_text")),
        (hotspot(), ChoiceResponse(("HUE",), "hotspot")),
        (weighed_hotspot(), ChoiceResponse(("HN", "SG"), "hotspot")),
        (
            graphic_gap_match(),
            PairsResponse((("p0", "HN"), ("p1", "HUE"), ("p2", "SG")), "graphic_gap_match"),
        ),
        (graphic_order(), OrderResponse(("SG", "HUE", "HN"), "graphic_order")),
        (select_point(), PointsResponse(((210, 160),))),
        (slider(), SliderResponse("7.50")),
        (cloze(), CompositeResponse({"a": TextResponse("upon"), "b": TextResponse("Time")})),
        (
            composite(),
            CompositeResponse(
                {
                    "verb": TextResponse("Went"),
                    "place": ChoiceResponse(("A",), "inline_choice"),
                    "days": NumericResponse("3,0"),
                    "why": ChoiceResponse(("C",)),
                    "essay": TextResponse("Vì…", "extended"),
                }
            ),
        ),
        (essay(), TextResponse("Dàn ý…", "extended")),
    )
}
ITEMS = tuple(made for made, _ in RIGHT.values())
PASSAGE = Stimulus(
    "doan-van", f'<p>Đoạn văn <img src="media:{FIGURE.id}" alt=""/> '
    '(<span data-number="inline"></span>) … (<span data-number="cloze"></span>)</p>',
)  # fmt: skip
