"""The time is up: the paper is locked, and the server is asked whether it was extended."""

from PySide6.QtWidgets import QLayout, QWidget

from exam_station.flow.screens import TimeUp
from exam_station.flow.states import Status
from exam_station.ui.elements import column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView
from exam_station.ui.screens.submitting import provisional


class TimeUpView(StageView[TimeUp]):
    scene = Scene.SENDING

    def compose(self, screen: TimeUp) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        self._apart = notice(theme, texts("time_up.apart"), name="time-up-apart")
        parts: list[QWidget | QLayout] = [
            label(screen.writing.candidate.name, "overline"),
            label(texts("time_up.title"), "title"),
            notice(theme, texts("time_up.saved"), tone="good"),
            label(texts("time_up.asking"), "lead"),
            self._apart,
        ]
        if screen.head_code:
            parts.append(provisional(self.look, screen.head_code))
        return column(theme, *parts, gap=22)

    def needs_composing(self, screen: TimeUp) -> bool:
        return self.shown is None or self.shown.head_code != screen.head_code

    def refresh(self, _screen: TimeUp, status: Status) -> None:
        self._apart.setVisible(not status.connected)
