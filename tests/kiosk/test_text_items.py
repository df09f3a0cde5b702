"""Words, lists and texts, alone and in the midst of a sentence, and the passage beside them."""

import pytest
from kiosk_stage import HALF, PATIENCE, Kiosk, options, paper_of
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QInputMethodEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QPlainTextEdit, QScrollArea
from pytestqt.qtbot import QtBot

from exam_station.flow.events import UserAnswered
from question_bank.interactions import ExtendedText, InlineChoice, Option, TextEntry
from question_bank.package import PresentedChoice, PresentedComposite, PresentedNumeric
from question_bank.presented import PresentedItemPart
from question_bank.response import (
    ChoiceResponse,
    CompositeResponse,
    NumericResponse,
    TextResponse,
)

LEFT = Qt.MouseButton.LeftButton
LISTED = InlineChoice((Option("a", "tăng"), Option("b", HALF), Option("c", "giảm")), shuffle=False)
PASSAGE = "".join(f"<p>Đoạn {number} của một bài đọc dài.</p>" for number in range(60))


def compose(field: QLineEdit | QPlainTextEdit, preedit: str, commit: str = "") -> None:
    """What an input method does: shows what is being composed, and at last gives the word."""
    event = QInputMethodEvent(preedit, [])
    if commit:
        event.setCommitString(commit)
    QApplication.sendEvent(field, event)


def write(page: QPlainTextEdit, text: str) -> None:
    """Key by key, Vietnamese letters included."""
    for sign in text:
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(page, QKeyEvent(kind, 0, Qt.KeyboardModifier.NoModifier, sign))


def field_of(kiosk: Kiosk, name: str) -> QLineEdit:
    field = kiosk.find(name)
    assert isinstance(field, QLineEdit)
    return field


def page_of(kiosk: Kiosk) -> QPlainTextEdit:
    page = kiosk.find("text-page")
    assert isinstance(page, QPlainTextEdit)
    return page


def list_of(kiosk: Kiosk, name: str) -> QComboBox:
    found = kiosk.find(name)
    assert isinstance(found, QComboBox)
    return found


def gaps(*parts: tuple[str, object]) -> PresentedComposite:
    return PresentedComposite(tuple(PresentedItemPart(name, one) for name, one in parts))  # type: ignore[arg-type]


def test_word_is_typed_cleared_and_there_after_a_restart(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(TextEntry(8)))
    QTest.keyClicks(field_of(kiosk, "text-entry"), "ampe")
    assert kiosk.response == TextResponse("ampe")
    kiosk.restart()
    assert field_of(kiosk, "text-entry").text() == "ampe"
    QTest.mouseClick(kiosk.find("clear-answer"), LEFT)
    assert kiosk.response is None
    assert field_of(kiosk, "text-entry").text() == ""


def test_word_is_no_longer_than_it_may_be(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(TextEntry(3)))
    QTest.keyClicks(field_of(kiosk, "text-entry"), "abcdef")
    assert kiosk.response == TextResponse("abc")


def test_what_is_being_composed_is_not_answered_yet(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(TextEntry(20)))
    field = field_of(kiosk, "text-entry")
    for half_done in ("t", "ti", "tie", "tiê", "tiến"):
        compose(field, half_done)
    assert kiosk.acts == []
    compose(field, "", "tiếng")
    assert kiosk.acts == [UserAnswered("i1", TextResponse("tiếng"))]


def test_composing_in_a_text_is_not_answered_yet(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(ExtendedText(200)))
    page = page_of(kiosk)
    compose(page, "nươ")
    compose(page, "nước")
    assert kiosk.acts == []
    compose(page, "", "nước ")
    assert kiosk.acts == [UserAnswered("i1", TextResponse("nước ", "extended"))]


def test_text_is_told_word_by_word_and_where_typing_rests(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.begin(paper_of(ExtendedText(200)))
    write(page_of(kiosk), "cây cần")
    assert kiosk.acts == [UserAnswered("i1", TextResponse("cây ", "extended"))]
    told = TextResponse("cây cần", "extended")
    qtbot.waitUntil(lambda: kiosk.response == told, timeout=PATIENCE)


def test_text_not_told_yet_goes_with_the_candidate_to_the_next_item(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(ExtendedText(200), TextEntry(5)))
    write(page_of(kiosk), "nắng")
    QTest.mouseClick(kiosk.find("next-item"), LEFT)
    assert kiosk.sitting.current == "i2"
    assert kiosk.sitting.response("i1") == TextResponse("nắng", "extended")
    kiosk.restart()
    QTest.mouseClick(kiosk.find("previous-item"), LEFT)
    assert page_of(kiosk).toPlainText() == "nắng"


def test_state_that_comes_while_typing_takes_nothing_back(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(ExtendedText(200)))
    write(page_of(kiosk), "một ha")
    kiosk.window.render(kiosk.state)
    kiosk.show(kiosk.state.__class__(screen=kiosk.state.screen, status=kiosk.state.status))
    assert page_of(kiosk).toPlainText() == "một ha"


def test_text_ends_where_it_must_and_counts_its_words(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(ExtendedText(10)))
    write(page_of(kiosk), "hai ba bốn năm")
    assert page_of(kiosk).toPlainText() == "hai ba bốn"
    count = kiosk.find("text-count")
    assert count.text() == "3 từ · 10/10 ký tự"  # type: ignore[attr-defined]


def test_tab_leaves_the_page(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(ExtendedText(50)))
    QTest.keyClick(page_of(kiosk), Qt.Key.Key_Tab)
    assert kiosk.window.focusWidget() is not page_of(kiosk)


def test_list_is_chosen_from_by_keys_and_a_dash_takes_back(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(LISTED))
    found = list_of(kiosk, "inline-choice")
    QTest.keyClick(found, Qt.Key.Key_Down)
    QTest.keyClick(found, Qt.Key.Key_Down)
    assert kiosk.response == ChoiceResponse(("b",), "inline_choice")
    kiosk.restart()
    assert list_of(kiosk, "inline-choice").currentIndex() == 2
    QTest.keyClick(list_of(kiosk, "inline-choice"), Qt.Key.Key_Home)
    assert kiosk.response is None


@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_list_is_chosen_from_by_mouse(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(LISTED))
    found = list_of(kiosk, "inline-choice")
    QTest.mouseClick(found, LEFT)
    QTest.qWait(QApplication.doubleClickInterval() + 50)  # until then a release is of the opening
    QApplication.processEvents()  # the timer that tells so, even if the machine slept past its end
    view = found.view()
    QTest.mouseClick(view.viewport(), LEFT, pos=view.visualRect(found.model().index(3, 0)).center())
    assert kiosk.response == ChoiceResponse(("c",), "inline_choice")


STEM = (
    '<p>Cây <span data-part="p1"></span> cao <span data-part="p2"></span> và '
    '<span data-part="p3"></span>.</p><div data-part="p4"></div>'
)
FOUR = gaps(
    ("p1", TextEntry(10)),
    ("p2", PresentedNumeric(4, "0123456789,-", "cm")),
    ("p3", LISTED),
    ("p4", PresentedChoice("single", options("một", "hai"))),
)


def test_parts_are_answered_at_their_places(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(FOUR, stem=STEM))
    QTest.keyClicks(field_of(kiosk, "text-entry-p1"), "A")
    assert kiosk.find("item-1").accessibleName().startswith("Câu 1, Trả lời một phần")
    QTest.keyClicks(field_of(kiosk, "numeric-entry"), "2,5")
    QTest.keyClick(list_of(kiosk, "inline-choice-p3"), Qt.Key.Key_Down)
    QTest.mouseClick(kiosk.find("option-o2"), LEFT)
    whole = CompositeResponse(
        {
            "p1": TextResponse("A"),
            "p2": NumericResponse("2,5"),
            "p3": ChoiceResponse(("a",), "inline_choice"),
            "p4": ChoiceResponse(("o2",)),
        }
    )
    assert kiosk.response == whole
    assert kiosk.find("item-1").accessibleName().startswith("Câu 1, Đã trả lời")
    kiosk.restart()
    assert field_of(kiosk, "text-entry-p1").text() == "A"
    assert list_of(kiosk, "inline-choice-p3").currentIndex() == 1
    QTest.mouseClick(kiosk.find("clear-answer"), LEFT)
    assert kiosk.response is None
    assert field_of(kiosk, "text-entry-p1").text() == ""


def test_parts_stand_in_the_order_of_the_text(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(FOUR, stem=STEM))
    stem = kiosk.find("stem")
    word = kiosk.find("text-entry-p1")
    number = kiosk.find("numeric-entry")
    option = kiosk.find("option-o1")
    corners = [w.mapTo(stem, w.rect().topLeft()) for w in (word, number, option)]
    assert 0 < corners[0].x() < corners[1].x()
    assert corners[2].y() > corners[1].y() + number.height() / 2
    assert option.width() > stem.width() * 0.8
    bottom = kiosk.find("option-o2").mapTo(stem, option.rect().bottomLeft()).y()
    assert bottom <= stem.height()


def test_parts_are_called_apart(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(FOUR, stem=STEM))
    names = [
        kiosk.find(name).accessibleName()
        for name in ("text-entry-p1", "numeric-entry", "inline-choice-p3")
    ]
    assert names == [
        "Câu trả lời cho câu 1, chỗ 1",
        "Câu trả lời cho câu 1, chỗ 2 cm",
        "Câu trả lời cho câu 1, chỗ 3",
    ]


def test_tab_goes_through_the_parts(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(FOUR, stem=STEM))
    names = []
    for _ in range(5):
        focused = kiosk.window.focusWidget()
        names.append(focused.objectName() if focused else "")
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert names == [
        "text-entry-p1",
        "numeric-entry",
        "inline-choice-p3",
        "option-o1",
        "option-o2",
    ]


def test_passage_scrolls_by_itself_and_stays_for_its_next_item(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(TextEntry(5), TextEntry(6), stimulus=PASSAGE))
    pane = kiosk.find("stimulus")
    assert isinstance(pane, QScrollArea)
    bar = pane.verticalScrollBar()
    assert bar.maximum() > 0
    pane.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(5):
        QTest.keyClick(pane, Qt.Key.Key_Down)
    scrolled = bar.value()
    assert scrolled > 0
    QTest.mouseClick(kiosk.find("next-item"), LEFT)
    assert kiosk.find("stimulus") is pane
    assert bar.value() == scrolled


def test_passage_goes_where_the_item_has_none(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(TextEntry(5), stimulus=PASSAGE))
    assert kiosk.find("stimulus").isVisible()
    kiosk.begin(paper_of(TextEntry(5)))
    assert not [w for w in kiosk.window.findChildren(QScrollArea, "stimulus") if w.isVisible()]


def test_passage_is_reached_by_keys(kiosk: Kiosk) -> None:
    kiosk.begin(paper_of(TextEntry(5), stimulus=PASSAGE))
    focused = kiosk.window.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert kiosk.window.focusWidget() is kiosk.find("stimulus")
