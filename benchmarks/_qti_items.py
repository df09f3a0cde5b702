"""A QTI package of many items: choices, clusters, numbers, words, orders, pairs, texts of parts."""

from decimal import Decimal

from question_bank.interactions import (
    Composite,
    InlineChoice,
    Match,
    NumericEntry,
    Option,
    Order,
    Part,
    Piece,
    SingleChoice,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.interchange.qti3_writer import write_package
from question_bank.item import Item
from question_bank.keys import (
    NATIONAL_2025_CLUSTER,
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    CompositeKey,
    NumericKey,
    OrderKey,
    PairsKey,
    PartMarks,
    SumOfParts,
    TextKey,
)

ONE = Decimal(1)
FORMULA = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML" alttext="x^{2}"><msup><mi>x</mi><mn>2</mn>'
    "</msup></math>"
)


def package(items: int) -> bytes:
    """`items` items, each kind as often as the others."""
    kinds = (_choice, _cluster, _number, _word, _order, _match, _cloze)
    return write_package((kinds[n % len(kinds)](f"cau-{n}", n) for n in range(items)), ())


def _options(number: int) -> tuple[Option, ...]:
    return tuple(
        Option(letter, f"<p>{number + n} {FORMULA}</p>") for n, letter in enumerate("ABCD")
    )


def _stem(number: int) -> str:
    return f"<p>Cho hàm số {FORMULA} + {number}, khẳng định nào sau đây đúng?</p>"


def _choice(name: str, number: int) -> Item:
    interaction = SingleChoice(_options(number))
    return Item(
        name, _stem(number), interaction, ChoiceKey(("B",)), AllOrNothing(), Decimal("0.25")
    )


def _cluster(name: str, number: int) -> Item:
    key = ClusterKey({letter: letter in "AC" for letter in "ABCD"})
    interaction = TrueFalseCluster(_options(number))
    return Item(name, _stem(number), interaction, key, NATIONAL_2025_CLUSTER, ONE)


def _number(name: str, number: int) -> Item:
    key = NumericKey(Decimal(number % 100) / 4)
    return Item(name, _stem(number), NumericEntry(5), key, AllOrNothing(), Decimal("0.5"))


def _word(name: str, number: int) -> Item:
    return Item(name, _stem(number), TextEntry(), TextKey(("đúng", "phải")), AllOrNothing(), ONE)


def _order(name: str, number: int) -> Item:
    key = OrderKey(("B", "A", "D", "C"))
    return Item(name, _stem(number), Order(_options(number)), key, AllOrNothing(), ONE)


def _match(name: str, number: int) -> Item:
    sources = tuple(Piece(f"s{n}", f"Sông {number + n}") for n in range(3))
    targets = tuple(Piece(f"t{n}", f"Tỉnh {number + n}") for n in range(4))
    key = PairsKey((("s0", "t1"), ("s1", "t0"), ("s2", "t3")))
    return Item(name, _stem(number), Match(sources, targets), key, AllOrNothing(), ONE)


def _cloze(name: str, number: int) -> Item:
    stem = f'<p>Once <span data-part="a"></span> {number} <span data-part="b"></span> lived.</p>'
    parts = (Part("a", TextEntry()), Part("b", InlineChoice(_options(number))))
    key = CompositeKey({"a": TextKey(("upon",)), "b": ChoiceKey(("A",))})
    rule = SumOfParts(dict.fromkeys("ab", PartMarks(AllOrNothing(), ONE)))
    return Item(name, stem, Composite(parts), key, rule, Decimal(2))
