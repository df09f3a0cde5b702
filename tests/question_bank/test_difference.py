"""Differences between versions, as a person reads them."""

from dataclasses import replace
from decimal import Decimal

from question_bank.difference import Mark, Part, Piece, compare, differences
from question_bank.item import (
    AllOrNothing,
    ChoiceKey,
    Item,
    ItemMetadata,
    Media,
    Option,
    SingleChoice,
)
from question_bank.writing import content_from

OPTIONS = tuple(Option(letter, f"Phương án {letter}") for letter in "ABCD")
ITEM = Item(
    "x",
    content_from("Hàm số $y=x^2$ nghịch biến trên khoảng nào?"),
    SingleChoice(OPTIONS),
    ChoiceKey(("B",)),
    AllOrNothing(),
    Decimal("0.25"),
    ItemMetadata(subject="Toán", topic="Hàm số"),
)


def test_the_same_item_has_no_differences() -> None:
    assert differences(ITEM, replace(ITEM, version=2)) == ()


def test_words_are_marked_and_a_formula_is_one_word() -> None:
    new = replace(ITEM, stem=content_from("Hàm số $y=x^3$ đồng biến trên khoảng nào?"))
    (change,) = differences(ITEM, new)
    assert (change.part, change.name) == (Part.STEM, "")
    marked = [(piece.mark, piece.text) for piece in change.pieces if piece.mark is not Mark.SAME]
    assert marked == [
        (Mark.REMOVED, "$y=x^2$"), (Mark.ADDED, "$y=x^3$"),
        (Mark.REMOVED, "nghịch"), (Mark.ADDED, "đồng"),
    ]  # fmt: skip
    old = "".join(piece.text for piece in change.pieces if piece.mark is not Mark.ADDED)
    assert old == "Hàm số $y=x^2$ nghịch biến trên khoảng nào?"


def test_every_part_that_differs_is_told() -> None:
    options = (*OPTIONS[:2], replace(OPTIONS[2], content="<b>Phương án C</b>"), Option("E", "Mới"))
    new = replace(
        ITEM,
        interaction=SingleChoice(options, shuffle=False),
        key=ChoiceKey(("E",)),
        points=Decimal("0.5"),
        explanation="Vì sao",
        metadata=ItemMetadata(subject="Toán", topic="Đạo hàm"),
        media=(Media("m", "image/png", b"1"),),
    )
    found = {(one.part, one.name): one.pieces for one in differences(ITEM, new)}
    assert list(found) == [
        (Part.OPTION, "C"), (Part.OPTION, "E"), (Part.OPTION, "D"), (Part.KEY, ""),
        (Part.POINTS, ""), (Part.INTERACTION, ""), (Part.EXPLANATION, ""), (Part.MEDIA, "m"),
        (Part.TOPIC, ""),
    ]  # fmt: skip
    assert found[Part.OPTION, "C"] == ()
    assert found[Part.OPTION, "E"] == (Piece(Mark.ADDED, "Mới"),)
    assert found[Part.OPTION, "D"] == (Piece(Mark.REMOVED, "Phương án D"),)
    assert found[Part.POINTS, ""] == (Piece(Mark.REMOVED, "0.25"), Piece(Mark.ADDED, "0.5"))


def test_a_changed_picture_is_told_without_words() -> None:
    old, new = (replace(ITEM, media=(Media("m", "image/png", data),)) for data in (b"1", b"2"))
    (change,) = differences(old, new)
    assert (change.part, change.name, change.pieces) == (Part.MEDIA, "m", ())


def test_long_texts_are_compared_as_wholes() -> None:
    old, new = "a " * 3000, "b " * 3000
    assert list(compare(old, new)) == [Piece(Mark.REMOVED, old), Piece(Mark.ADDED, new)]
