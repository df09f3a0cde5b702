"""The paper in which every interaction stands once, as people meet it and as they never should."""

import random
from pathlib import Path
from typing import get_args

import pytest
from kiosk_stage import Kiosk
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget

from exam_station.flow.codes import Language
from exam_station.flow.events import UserAnswered, UserChangedLanguage
from exam_station.robot.answers import response_to
from exam_station.ui.items.present import VIEWS
from exam_station.ui.theme import TextSize
from question_bank.assembly import arrange
from question_bank.interactions import Kind
from question_bank.interchange.qti3 import read_qti3
from question_bank.package import PresentedComposite, PresentedForm, decode, encode
from question_bank.presented import PresentedInteraction

PACKAGE = Path(__file__).parents[2] / "fixtures" / "science" / "science.zip"
Key = Qt.Key
KEYS = (
    Key.Key_Space, Key.Key_Return, Key.Key_Up, Key.Key_Down, Key.Key_Left, Key.Key_Right,
    Key.Key_Home, Key.Key_End, Key.Key_Escape, Key.Key_Backspace, Key.Key_A, Key.Key_1,
    Key.Key_Comma, Key.Key_Tab, Key.Key_Backtab,
)  # fmt: skip


@pytest.fixture(scope="module")
def science() -> PresentedForm:
    imported = read_qti3(PACKAGE.read_bytes(), PACKAGE.name)
    assert not imported.problems
    arranged = arrange(
        imported.base_forms[0], imported.items, code="0101", seed=bytes(32), exam="Thi thử"
    )
    return decode(encode(arranged.form))


def test_every_interaction_has_a_widget(science: PresentedForm) -> None:
    known = {*VIEWS, PresentedComposite}
    assert known == {*get_args(PresentedInteraction)}
    kinds = {item.interaction.kind for item in science.items}
    parts = {
        part.interaction.kind
        for item in science.items
        if isinstance(item.interaction, PresentedComposite)
        for part in item.interaction.parts
    }
    assert kinds | parts == {*get_args(Kind)}


def test_every_answer_is_shown_again_and_emits_nothing(
    kiosk: Kiosk, science: PresentedForm
) -> None:
    kiosk.begin(science)
    chance = random.Random(1)
    for item in science.items:
        kiosk.act(UserAnswered(item.id, response_to(item.interaction, chance)))
    kiosk.restart()
    kiosk.acts.clear()
    sitting = kiosk.sitting
    for item in science.items:
        QTest.mouseClick(kiosk.find(f"item-{item.number}"), Qt.MouseButton.LeftButton)
        assert kiosk.find("clear-answer").isEnabled(), item.interaction.kind
        kiosk.window.grab()
    assert kiosk.sitting.responses == sitting.responses
    assert not [act for act in kiosk.acts if isinstance(act, UserAnswered)]


@pytest.mark.slow
@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("size", list(TextSize))
def test_nothing_is_wider_than_the_paper(
    kiosk: Kiosk, science: PresentedForm, language: Language, size: TextSize
) -> None:
    kiosk.begin(science)
    kiosk.window.resize(1366, 768)
    kiosk.act(UserChangedLanguage(language))
    kiosk.window.choose_text_size(size)
    for item in science.items:
        QTest.mouseClick(kiosk.find(f"item-{item.number}"), Qt.MouseButton.LeftButton)
        area = kiosk.find("item-area")
        QApplication.processEvents()
        paper = area.widget()  # type: ignore[attr-defined]
        assert paper.width() <= area.width(), item.interaction.kind


def test_every_place_of_the_keyboard_has_a_name(kiosk: Kiosk, science: PresentedForm) -> None:
    kiosk.begin(science)
    for item in science.items:
        QTest.mouseClick(kiosk.find(f"item-{item.number}"), Qt.MouseButton.LeftButton)
        for widget in kiosk.find("item-area").findChildren(QWidget):
            if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                assert widget.accessibleName(), (item.interaction.kind, widget.objectName())


@pytest.mark.slow
@pytest.mark.qt_log_ignore("does not support", extend=True)
def test_whatever_is_pressed_the_paper_takes_every_answer(
    kiosk: Kiosk, science: PresentedForm
) -> None:
    """No widget emits what the sitting refuses, and the clear button follows the answer."""
    kiosk.begin(science)
    chance = random.Random(3)
    for item in science.items:
        QTest.mouseClick(kiosk.find(f"item-{item.number}"), Qt.MouseButton.LeftButton)
        area = kiosk.find("item-area")
        for _ in range(120):
            _press_something(kiosk, area, chance)
            given = [a for a in kiosk.acts if isinstance(a, UserAnswered) and a.item == item.id]
            if given:
                last = None if given[-1].response.is_empty else given[-1].response
                assert kiosk.sitting.response(item.id) == last
                assert kiosk.find("clear-answer").isEnabled() == (last is not None)
    answered = {act.item for act in kiosk.acts if isinstance(act, UserAnswered)}
    assert answered == {item.id for item in science.items}


def _press_something(kiosk: Kiosk, area: QWidget, chance: random.Random) -> None:
    focused = kiosk.window.focusWidget()
    if focused is None or not area.isAncestorOf(focused):
        tab = Qt.FocusPolicy.TabFocus
        places = [w for w in area.findChildren(QWidget) if w.isVisible() and w.focusPolicy() & tab]
        focused = chance.choice([w for w in places if w.isEnabled()])
        focused.setFocus()
    if chance.random() < 0.6:
        key = chance.choice(KEYS)
        if not (isinstance(focused, QComboBox) and key in (Key.Key_Return, Key.Key_Space)):
            QTest.keyClick(focused, key)
        return
    at = QPoint(chance.randrange(area.width()), chance.randrange(area.height()))
    under = area.childAt(at)
    if under is not None and not isinstance(under, QComboBox):
        QTest.mouseClick(under, Qt.MouseButton.LeftButton, pos=under.mapFrom(area, at))
