"""Orders, pairs, gaps and hot words under mouse and keys."""

import pytest
from kiosk_stage import Kiosk, paper_of
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget

from exam_station.flow.events import UserAnswered
from exam_station.ui.items.chip import Chip
from exam_station.ui.items.choosing import joined, toggled
from exam_station.ui.items.hot_text import HotWord
from question_bank.interactions import Associate, GapMatch, HotText, Match, Option, Order, Piece
from question_bank.response import ChoiceResponse, OrderResponse, PairsResponse

LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key
THREE = Order((Option("a", "<p>một</p>"), Option("b", "hai"), Option("c", "ba")), shuffle=False)
MATCH = Match(
    (Piece("a", "Lực"), Piece("b", "Công suất")),
    (Piece("x", "niutơn"), Piece("y", "oát"), Piece("z", "ôm")),
    shuffle=False,
)
COUPLES = Associate((Piece("a", "Na"), Piece("b", "Natri"), Piece("c", "Sắt"), Piece("d", "Fe")))
GAPS = GapMatch(
    '<p>Nước <span data-part="g1"></span> rồi <span data-part="g2"></span>.</p>',
    (Piece("a", "bay hơi"), Piece("b", "ngưng tụ"), Piece("c", "đông đặc", most=0)),
)
LONG = "từ ngữ " * 30
WORDS = HotText(
    f'<p>Câu có <span data-part="h1">chữ nóng</span> và <span data-part="h2">{LONG}</span> hết '
    '<span data-part="h3">nữa</span>.</p>',
    max_choices=2,
)


def click(kiosk: Kiosk, name: str) -> None:
    QTest.mouseClick(kiosk.find(name), LEFT)


def press(kiosk: Kiosk, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(kiosk.window.focusWidget() or kiosk.window, key)


def drag(piece: QWidget, target: QWidget, spot: QPoint | None = None) -> None:
    """Pressed, moved in steps as a hand does, and let go over the target."""
    start = piece.rect().center()
    end = piece.mapFromGlobal(target.mapToGlobal(spot or target.rect().center()))
    QTest.mousePress(piece, LEFT, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(piece, start + (end - start) * step / 5)
    QTest.mouseRelease(piece, LEFT, pos=end)


def checked(kiosk: Kiosk, name: str) -> bool:
    button = kiosk.find(name)
    assert isinstance(button, QAbstractButton)
    return button.isChecked()


def slot(kiosk: Kiosk, name: str) -> str:
    found = kiosk.find(name)
    assert isinstance(found, Chip)
    return found.content


def test_the_oldest_gives_way() -> None:
    assert toggled(("a", "b"), "c", 2) == ("b", "c")
    assert toggled(("a", "b"), "a", 2) == ("b",)
    assert toggled(("a",), "b", 0) == ("a", "b")
    one = {"a": 1, "b": 1, "x": 2, "y": 0}.__getitem__
    assert joined((("a", "x"),), ("a", "y"), one) == (("a", "y"),)
    assert joined((("a", "x"), ("b", "x")), ("a", "y"), one) == (("b", "x"), ("a", "y"))
    assert joined((("a", "x"), ("b", "y")), ("b", "x"), one) == (("a", "x"), ("b", "x"))
    assert joined((("a", "x"),), ("b", "y"), one, 1) == (("b", "y"),)


def test_order_is_no_answer_before_it_is_said_to_be_one(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(THREE))
    assert kiosk.response is None
    click(kiosk, "keep-order")
    assert kiosk.response == OrderResponse(("a", "b", "c"))
    click(kiosk, "clear-answer")
    assert kiosk.response is None
    assert kiosk.find("keep-order").isVisible()


def test_rows_are_moved_by_buttons(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(THREE))
    click(kiosk, "down-a")
    assert kiosk.response == OrderResponse(("b", "a", "c"))
    click(kiosk, "up-c")
    assert kiosk.response == OrderResponse(("b", "c", "a"))
    kiosk.restart()
    tops = [kiosk.find(f"row-{name}").y() for name in ("b", "c", "a")]
    assert tops == sorted(tops)
    assert kiosk.find("row-c").accessibleName() == "Vị trí 2/3: ba"


def test_rows_are_moved_by_keys(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(THREE))
    press(kiosk, Key.Key_Down, Key.Key_Space, Key.Key_Down)
    assert kiosk.response == OrderResponse(("a", "c", "b"))
    assert kiosk.window.focusWidget() is kiosk.find("row-b")
    press(kiosk, Key.Key_Up, Key.Key_Up, Key.Key_Space, Key.Key_Down)
    assert kiosk.response == OrderResponse(("b", "a", "c"))
    assert kiosk.window.focusWidget() is kiosk.find("row-a")


@pytest.mark.parametrize(("name", "onto", "order"), [("a", "c", "bca"), ("c", "a", "cab")])
def test_rows_are_dragged(kiosk: Kiosk, name: str, onto: str, order: str) -> None:
    kiosk.begin(paper_of(THREE))
    target = kiosk.find(f"row-{onto}")
    edge = QPoint(40, target.height() - 2 if onto == "c" else 2)
    drag(kiosk.find(f"row-{name}"), target, edge)
    assert kiosk.acts == [UserAnswered("i1", OrderResponse(tuple(order)))]


def test_two_rows_pressed_move_the_first_to_the_second(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(THREE))
    click(kiosk, "row-c")
    click(kiosk, "row-a")
    assert kiosk.response == OrderResponse(("c", "a", "b"))
    assert not checked(kiosk, "row-c")


def test_boxes_make_pairs_one_for_each_piece(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(MATCH))
    click(kiosk, "pair-a-x")
    click(kiosk, "pair-b-y")
    click(kiosk, "pair-a-y")
    assert kiosk.response == PairsResponse((("a", "y"),))
    assert not checked(kiosk, "pair-b-y")
    kiosk.restart()
    assert checked(kiosk, "pair-a-y")
    click(kiosk, "pair-a-y")
    assert kiosk.response is None


def test_boxes_by_keys(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(MATCH))
    press(kiosk, Key.Key_Space, Key.Key_Down, Key.Key_Right, Key.Key_Right, Key.Key_Return)
    assert kiosk.response == PairsResponse((("a", "x"), ("b", "z")))
    assert kiosk.find("pair-b-z").accessibleName() == "Công suất – ôm"


def test_couples_are_made_by_clicks_and_parted(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(COUPLES))
    click(kiosk, "piece-a")
    assert checked(kiosk, "piece-a")
    click(kiosk, "piece-b")
    click(kiosk, "piece-d")
    click(kiosk, "piece-c")
    assert kiosk.response == PairsResponse((("a", "b"), ("d", "c")), "associate")
    kiosk.restart()
    assert kiosk.find("pair-2").accessibleName() == "Fe – Sắt"
    click(kiosk, "part-1")
    assert kiosk.response == PairsResponse((("d", "c"),), "associate")
    click(kiosk, "clear-answer")
    assert kiosk.response is None


def test_couples_by_drag_and_by_keys(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(COUPLES))
    drag(kiosk.find("piece-a"), kiosk.find("piece-b"))
    assert kiosk.response == PairsResponse((("a", "b"),), "associate")
    kiosk.find("piece-c").setFocus()
    press(kiosk, Key.Key_Return, Key.Key_Tab, Key.Key_Return)
    assert kiosk.response == PairsResponse((("a", "b"), ("c", "d")), "associate")


def test_piece_is_dragged_into_a_gap_and_out_again(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(GAPS))
    drag(kiosk.find("piece-b"), kiosk.find("gap-g1"))
    assert kiosk.response == PairsResponse((("b", "g1"),), "gap_match")
    assert slot(kiosk, "gap-g1") == "ngưng tụ"
    drag(kiosk.find("gap-g1"), kiosk.find("gap-g2"))
    assert kiosk.response == PairsResponse((("b", "g2"),), "gap_match")
    drag(kiosk.find("gap-g2"), kiosk.find("stem"))
    assert kiosk.response is None
    assert slot(kiosk, "gap-g2") == ""


def test_piece_dropped_beside_the_gaps_changes_nothing(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(GAPS))
    drag(kiosk.find("piece-b"), kiosk.find("stem"))
    assert kiosk.acts == []


def test_gaps_by_clicks(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(GAPS))
    for name in ("piece-a", "gap-g1", "piece-c", "gap-g1", "piece-c", "gap-g2"):
        click(kiosk, name)
    assert kiosk.response == PairsResponse((("c", "g1"), ("c", "g2")), "gap_match")
    kiosk.restart()
    assert slot(kiosk, "gap-g2") == "đông đặc"
    assert kiosk.find("gap-g2").accessibleName() == "Chỗ trống 2: đông đặc"
    click(kiosk, "gap-g1")
    assert kiosk.response == PairsResponse((("c", "g2"),), "gap_match")


def test_gaps_by_keys(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(GAPS))
    press(kiosk, Key.Key_Return, Key.Key_Escape)
    assert not checked(kiosk, "piece-a")
    press(kiosk, Key.Key_Return, Key.Key_Tab, Key.Key_Tab, Key.Key_Tab, Key.Key_Tab)
    assert kiosk.window.focusWidget() is kiosk.find("gap-g2")
    press(kiosk, Key.Key_Return)
    assert kiosk.response == PairsResponse((("a", "g2"),), "gap_match")


def test_hot_words_are_clicked_where_they_stand(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(WORDS))
    word = kiosk.find("word-h2")
    assert isinstance(word, HotWord)
    text = word.parentWidget()
    assert text is not None
    rects = text.rects("h2")  # type: ignore[attr-defined]
    assert len(rects) > 1
    for number in (0, -1, -1):
        QTest.mouseClick(text, LEFT, pos=rects[number].center().toPoint())
    assert [act.response.options for act in kiosk.acts] == [("h2",), (), ("h2",)]  # type: ignore[attr-defined]
    assert word.accessibleName() == LONG.strip()


def test_hot_words_by_keys_and_no_more_than_may_be(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(WORDS))
    press(kiosk, Key.Key_Space, Key.Key_Right, Key.Key_Return, Key.Key_Tab, Key.Key_Space)
    assert kiosk.response == ChoiceResponse(("h2", "h3"), "hot_text")
    kiosk.restart()
    assert [checked(kiosk, f"word-h{n}") for n in (1, 2, 3)] == [False, True, True]
    click(kiosk, "clear-answer")
    assert kiosk.response is None
    assert not checked(kiosk, "word-h3")


def test_between_hot_words_nothing_is_chosen(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(WORDS))
    text = kiosk.find("word-h1").parentWidget()
    assert text is not None
    QTest.mouseClick(text, LEFT, pos=QPoint(2, 8))
    assert kiosk.acts == []
