"""The item widgets under mouse and keys, in the real window with the real flow behind it."""

import pytest
from kiosk_stage import Kiosk
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from exam_station.flow import events
from exam_station.flow.events import UserAnswered, UserWentTo
from exam_station.ui.items.choice import ChoiceView
from exam_station.ui.look import Look
from exam_station.ui.texts import Texts
from exam_station.ui.theme import Theme
from question_bank.package import PresentedChoice, PresentedItem, PresentedOption
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse

LEFT = Qt.MouseButton.LeftButton


def click(kiosk: Kiosk, name: str) -> None:
    QTest.mouseClick(kiosk.find(name), LEFT)


def press(kiosk: Kiosk, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    target = kiosk.window.focusWidget() or kiosk.window
    QTest.keyClick(target, key, modifier or Qt.KeyboardModifier.NoModifier)


def checked(kiosk: Kiosk, name: str) -> bool:
    button = kiosk.find(name)
    assert isinstance(button, QAbstractButton)
    return button.isChecked()


def open_item(kiosk: Kiosk, number: int) -> None:
    click(kiosk, f"item-{number}")


def test_click_anywhere_in_the_row_chooses(kiosk: Kiosk) -> None:
    row = kiosk.find("option-o2")
    QTest.mouseClick(row, LEFT, pos=row.rect().bottomRight() - row.rect().center() / 10)
    assert kiosk.acts == [UserAnswered("i1", ChoiceResponse(("o2",)))]
    assert checked(kiosk, "option-o2")
    assert not checked(kiosk, "option-o1")


def test_choosing_another_option_replaces_the_first(kiosk: Kiosk) -> None:
    click(kiosk, "option-o2")
    click(kiosk, "option-o4")
    assert kiosk.sitting.response("i1") == ChoiceResponse(("o4",))
    assert [checked(kiosk, f"option-o{n}") for n in (1, 2, 3, 4)] == [False, False, False, True]


@pytest.mark.parametrize(("key", "option"), [(Qt.Key.Key_A, "o1"), (Qt.Key.Key_D, "o4")])
def test_letters_choose(kiosk: Kiosk, key: Qt.Key, option: str) -> None:
    press(kiosk, key)
    assert kiosk.acts == [UserAnswered("i1", ChoiceResponse((option,)))]


def test_arrows_move_and_space_chooses(kiosk: Kiosk) -> None:
    press(kiosk, Qt.Key.Key_Down)
    press(kiosk, Qt.Key.Key_Down)
    assert kiosk.window.focusWidget() is kiosk.find("option-o3")
    press(kiosk, Qt.Key.Key_Space)
    assert kiosk.sitting.response("i1") == ChoiceResponse(("o3",))


def test_answer_can_be_cleared(kiosk: Kiosk) -> None:
    assert not kiosk.find("clear-answer").isEnabled()
    click(kiosk, "option-o2")
    click(kiosk, "clear-answer")
    assert kiosk.acts[-1] == UserAnswered("i1", ChoiceResponse(()))
    assert kiosk.sitting.response("i1") is None
    assert not checked(kiosk, "option-o2")
    assert not kiosk.find("clear-answer").isEnabled()


def test_no_more_options_than_may_be_chosen(qtbot: QtBot) -> None:
    options = tuple(PresentedOption(f"o{n}", f"<p>{n}</p>") for n in range(4))
    item = PresentedItem("i", 1, "<p>x</p>", PresentedChoice("multiple", options, 2))
    look = Look(Theme(), Texts())
    view = ChoiceView(item, look, {})
    qtbot.addWidget(view)
    answers: list[object] = []
    view.answered.connect(answers.append)
    rows = [view.findChild(QAbstractButton, f"option-o{n}") for n in range(4)]
    for row in rows[:3]:
        row.click()
    assert answers == [
        ChoiceResponse(("o0",), "multiple"), ChoiceResponse(("o0", "o1"), "multiple"),
    ]  # fmt: skip
    assert [row.isChecked() for row in rows] == [True, True, False, False]
    rows[0].click()
    rows[2].click()
    assert answers[-1] == ChoiceResponse(("o1", "o2"), "multiple")
    assert any("tối đa 2" in label.text() for label in view.findChildren(QLabel))


def test_several_options_of_a_multiple_choice(kiosk: Kiosk) -> None:
    open_item(kiosk, 3)
    click(kiosk, "option-o3")
    click(kiosk, "option-o1")
    assert kiosk.acts[-1] == UserAnswered("i3", ChoiceResponse(("o1", "o3"), "multiple"))
    click(kiosk, "option-o3")
    assert kiosk.sitting.response("i3") == ChoiceResponse(("o1",), "multiple")


def test_statements_are_judged_one_by_one_and_taken_back(kiosk: Kiosk) -> None:
    open_item(kiosk, 4)
    click(kiosk, "statement-o1-true")
    click(kiosk, "statement-o2-false")
    assert kiosk.acts[-1] == UserAnswered("i4", ClusterResponse({"o1": True, "o2": False}))
    click(kiosk, "statement-o1-false")
    assert not checked(kiosk, "statement-o1-true")
    click(kiosk, "statement-o1-false")
    assert kiosk.sitting.response("i4") == ClusterResponse({"o2": False})
    click(kiosk, "statement-o2-false")
    assert kiosk.sitting.response("i4") is None


def test_cluster_by_keys(kiosk: Kiosk) -> None:
    open_item(kiosk, 4)
    press(kiosk, Qt.Key.Key_Space)
    press(kiosk, Qt.Key.Key_Down)
    press(kiosk, Qt.Key.Key_Right)
    press(kiosk, Qt.Key.Key_Return)
    assert kiosk.sitting.response("i4") == ClusterResponse({"o1": True, "o2": False})


def test_number_is_typed(kiosk: Kiosk) -> None:
    open_item(kiosk, 5)
    QTest.keyClicks(kiosk.find("numeric-entry"), "-1,5")
    assert kiosk.sitting.response("i5") == NumericResponse("-1,5")


def test_only_allowed_characters_enter_and_points_become_commas(kiosk: Kiosk) -> None:
    open_item(kiosk, 5)
    QTest.keyClicks(kiosk.find("numeric-entry"), "a2.x57 8")
    assert kiosk.sitting.response("i5") == NumericResponse("2,57")


def test_keypad_types_and_erases(kiosk: Kiosk) -> None:
    open_item(kiosk, 5)
    for key in ("-", "1", ",", "5"):
        click(kiosk, f"key-{key}")
    click(kiosk, "key-7")
    assert kiosk.sitting.response("i5") == NumericResponse("-1,5")
    click(kiosk, "key-backspace")
    assert kiosk.sitting.response("i5") == NumericResponse("-1,")
    click(kiosk, "clear-answer")
    assert kiosk.sitting.response("i5") is None


def test_answers_are_still_there_when_one_comes_back(kiosk: Kiosk) -> None:
    press(kiosk, Qt.Key.Key_C)
    open_item(kiosk, 4)
    click(kiosk, "statement-o3-true")
    open_item(kiosk, 5)
    QTest.keyClicks(kiosk.find("numeric-entry"), "42")
    open_item(kiosk, 1)
    assert checked(kiosk, "option-o3")
    open_item(kiosk, 4)
    assert checked(kiosk, "statement-o3-true")
    open_item(kiosk, 5)
    field = kiosk.find("numeric-entry")
    assert isinstance(field, QLineEdit)
    assert field.text() == "42"


def test_late_echo_takes_nothing_back(kiosk: Kiosk) -> None:
    """The state may lag behind the typing; what was typed stays."""
    open_item(kiosk, 5)
    states = []
    kiosk.window.acted.disconnect()
    kiosk.window.acted.connect(states.append)
    field = kiosk.find("numeric-entry")
    assert isinstance(field, QLineEdit)
    QTest.keyClicks(field, "12")
    for event in states:
        kiosk.act(event)
        assert field.text() == "12"
    assert kiosk.sitting.response("i5") == NumericResponse("12")


def test_ctrl_arrows_and_page_keys_move_between_items(kiosk: Kiosk) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    press(kiosk, Qt.Key.Key_Right, control)
    press(kiosk, Qt.Key.Key_PageDown)
    assert kiosk.acts == [UserWentTo("i2"), UserWentTo("i3")]
    press(kiosk, Qt.Key.Key_Left, control)
    press(kiosk, Qt.Key.Key_PageUp)
    press(kiosk, Qt.Key.Key_PageUp)
    assert kiosk.sitting.current == "i1"
    assert len(kiosk.acts) == 4


def test_ctrl_arrows_leave_the_numeric_field(kiosk: Kiosk) -> None:
    open_item(kiosk, 5)
    QTest.keyClicks(kiosk.find("numeric-entry"), "12")
    press(kiosk, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert kiosk.sitting.current == "i4"


def test_next_previous_and_flag(kiosk: Kiosk) -> None:
    assert not kiosk.find("previous-item").isEnabled()
    click(kiosk, "flag-item")
    assert kiosk.sitting.flags == {"i1"}
    click(kiosk, "next-item")
    assert not checked(kiosk, "flag-item")
    click(kiosk, "previous-item")
    assert checked(kiosk, "flag-item")
    click(kiosk, "flag-item")
    assert kiosk.sitting.flags == frozenset()
    open_item(kiosk, 5)
    assert not kiosk.find("next-item").isEnabled()


def test_navigator_speaks_the_state_of_every_item(kiosk: Kiosk) -> None:
    click(kiosk, "option-o1")
    click(kiosk, "flag-item")
    open_item(kiosk, 4)
    click(kiosk, "statement-o1-true")
    spoken = {n: kiosk.find(f"item-{n}").accessibleName() for n in range(1, 6)}
    assert spoken[1] == "Câu 1, Đã trả lời, Đánh dấu"
    assert spoken[2] == "Câu 2, Chưa trả lời"
    assert spoken[4] == "Câu 4, Trả lời một phần, Đang xem"


def test_same_state_again_changes_nothing(kiosk: Kiosk) -> None:
    """A tick or an acknowledgement neither moves the focus nor makes new widgets."""
    press(kiosk, Qt.Key.Key_Down)
    focused, stem = kiosk.window.focusWidget(), kiosk.find("stem")
    kiosk.act(events.UploadProgressed("a1", unsent=3))
    assert kiosk.window.focusWidget() is focused
    assert kiosk.find("stem") is stem


def test_option_names_are_what_is_shown(kiosk: Kiosk) -> None:
    assert kiosk.find("option-o1").accessibleName() == r"$\frac{1}{2}$"
    assert kiosk.find("option-o2").accessibleName() == "hai"


def test_every_button_has_an_accessible_name(kiosk: Kiosk) -> None:
    for number in range(1, 6):
        open_item(kiosk, number)
        for widget in kiosk.window.findChildren(QWidget):
            focusable = widget.focusPolicy() != Qt.FocusPolicy.NoFocus
            if widget.isVisible() and focusable and widget.objectName():
                assert widget.accessibleName(), widget.objectName()


def test_tab_goes_from_the_answers_on_to_the_way_on(kiosk: Kiosk) -> None:
    names = []
    for _ in range(40):
        focused = kiosk.window.focusWidget()
        names.append(focused.objectName() if focused else "")
        press(kiosk, Qt.Key.Key_Tab)
    assert names[:4] == ["option-o1", "option-o2", "option-o3", "option-o4"]
    assert names[4:6] == ["flag-item", "next-item"]
    assert names[6:12] == [*(f"item-{number}" for number in range(1, 6)), "submit"]
    assert {"language-en", "text-large", "high-contrast"} <= set(names)


def test_what_has_the_keyboard_is_in_sight(kiosk: Kiosk) -> None:
    kiosk.window.resize(1280, 460)
    for _ in range(3):
        press(kiosk, Qt.Key.Key_Down)
    last, area = kiosk.find("option-o4"), kiosk.find("item-area")
    bottom = last.mapTo(area, last.rect().bottomLeft()).y()
    assert 0 < bottom <= area.height()
