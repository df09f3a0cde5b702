"""Without network: the proctor types the start code at the start signal, and the paper opens."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QPushButton, QWidget

from exam_station.flow import events
from exam_station.flow.screens import StartCodeAsked
from exam_station.flow.states import Status
from exam_station.ui.elements import button, card, column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.look import Look
from exam_station.ui.screens.code_entry import code_field
from exam_station.ui.screens.screen_view import StageView


class StartCodeView(StageView[StartCodeAsked]):
    scene = Scene.CLOCK

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._field = code_field(look, "start-code", look.texts("start_code.field"), self._enter)

    def compose(self, screen: StartCodeAsked) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        parts: list[QWidget | QLayout] = [
            label(texts("start_code.overline"), "overline"),
            label(texts("start_code.title"), "title"),
            label(texts("start_code.lead"), "lead"),
        ]
        if screen.wrong or screen.refused:
            parts.append(notice(theme, self._problem(screen), tone="danger", name="wrong-code"))
        # What was typed stays, so that only the wrong group has to be typed again.
        parts.append(card(theme, label(texts("start_code.field"), "small"), self._field))
        parts.append(label(texts("start_code.forgiving"), "muted"))
        return column(theme, *parts, gap=22)

    def _problem(self, screen: StartCodeAsked) -> str:
        if screen.refused:
            return self.look.texts("start_code.refused")
        groups = ", ".join(str(number) for number in screen.wrong)
        return self.look.texts("start_code.wrong", groups=groups)

    def choices(self, screen: StartCodeAsked) -> list[QPushButton]:
        texts = self.look.texts
        back = button(
            texts("start_code.back"), "back", lambda: self.acted.emit(events.UserWentBack())
        )
        go = button(texts("start_code.go"), "enter-code", self._enter, "primary")
        for each in (back, go):
            each.setEnabled(not screen.checking)
        return [back, go]

    def refresh(self, screen: StartCodeAsked, _status: Status) -> None:
        self._field.setEnabled(not screen.checking)
        if not screen.checking and not self._field.hasFocus():
            self._field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _enter(self) -> None:
        if self._field.text().strip():
            self.acted.emit(events.UserTypedCode(self._field.text()))
