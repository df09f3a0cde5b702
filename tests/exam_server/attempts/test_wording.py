"""What staff read of an answer to each kind of item."""

import pytest

from exam_server.attempts.wording import in_words
from question_bank.interactions import (
    Area,
    GapMatch,
    Hotspot,
    HotText,
    InlineChoice,
    Match,
    Option,
    Order,
    Picture,
    Piece,
    SelectPoint,
    Shape,
    TextEntry,
)
from question_bank.package import (
    PresentedChoice,
    PresentedComposite,
    PresentedInteraction,
    PresentedItem,
    PresentedItemPart,
    PresentedOption,
)
from question_bank.response import (
    ChoiceResponse,
    CompositeResponse,
    OrderResponse,
    PairsResponse,
    PointsResponse,
    Response,
    TextResponse,
)

OPTIONS = (Option("o1", "<b>một</b>"), Option("o2", "hai"))
PIECES = (Piece("p1", "x"), Piece("p2", "y"))
MAP = Picture("m", 9, 9)
COMPOSITE = PresentedComposite(
    (
        PresentedItemPart("a", TextEntry()),
        PresentedItemPart("b", PresentedChoice("single", (PresentedOption("o9", "x"),))),
    )
)


@pytest.mark.parametrize(
    ("interaction", "response", "words"),
    [
        (TextEntry(), TextResponse("đã đi"), "đã đi"),
        (InlineChoice(OPTIONS), ChoiceResponse(("o1",), "inline_choice"), "một"),
        (Order(OPTIONS), OrderResponse(("o2", "o1")), "hai → một"),
        (
            Match(PIECES[:1], PIECES[1:]),
            PairsResponse((("p1", "p2"), ("p1", "z"))),
            "x – y, x – [z]",
        ),
        (
            GapMatch('<p><span data-part="g"></span></p>', PIECES),
            PairsResponse((("p2", "g"),), "gap_match"),
            "y – (1)",
        ),
        (HotText('<span data-part="w">đi</span>'), ChoiceResponse(("w",), "hot_text"), "đi"),
        (
            Hotspot(MAP, (Area("h", Shape("circle", (1, 1, 1)), "Huế"),)),
            ChoiceResponse(("h",), "hotspot"),
            "Huế",
        ),
        (SelectPoint(MAP), PointsResponse(((3, 4),)), "(3, 4)"),
        (
            COMPOSITE,
            CompositeResponse({"a": TextResponse("từ"), "b": ChoiceResponse(("o9",))}),
            "từ; A",
        ),
        (COMPOSITE, CompositeResponse({"z": TextResponse("từ")}), "[z]"),
    ],
)
def test_an_answer_in_words(
    interaction: PresentedInteraction, response: Response, words: str
) -> None:
    item = PresentedItem("i", 1, "<p>x</p>", interaction)
    assert in_words(item, response, true="Đ", false="S") == words
