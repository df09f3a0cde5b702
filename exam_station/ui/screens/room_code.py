"""Without network: the proctor types the room code, so that the candidate can check in."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QPushButton, QWidget

from exam_station.flow import events
from exam_station.flow.screens import RoomCodeAsked
from exam_station.flow.states import Status
from exam_station.ui.elements import button, card, column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.look import Look
from exam_station.ui.screens.code_entry import code_field
from exam_station.ui.screens.screen_view import StageView


class RoomCodeView(StageView[RoomCodeAsked]):
    scene = Scene.OFFICER

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._field = code_field(look, "room-code", look.texts("room_code.field"), self._enter)

    def compose(self, screen: RoomCodeAsked) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        self._field.setText("")
        parts: list[QWidget | QLayout] = [
            label(texts("room_code.overline"), "overline"),
            label(texts("room_code.title"), "title"),
            label(texts("room_code.lead", name=screen.candidate.name), "lead"),
        ]
        if screen.wrong:
            parts.append(notice(theme, texts("room_code.wrong"), tone="danger", name="wrong-code"))
        parts.append(card(theme, label(texts("room_code.field"), "small"), self._field))
        parts.append(label(texts("room_code.later"), "muted"))
        return column(theme, *parts, gap=22)

    def choices(self, screen: RoomCodeAsked) -> list[QPushButton]:
        go = button(self.look.texts("room_code.go"), "enter-code", self._enter, "primary")
        go.setEnabled(not screen.checking)
        return [go]

    def refresh(self, screen: RoomCodeAsked, _status: Status) -> None:
        self._field.setEnabled(not screen.checking)
        if not screen.checking and not self._field.hasFocus():
            self._field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _enter(self) -> None:
        if self._field.text().strip():
            self.acted.emit(events.UserTypedCode(self._field.text()))
