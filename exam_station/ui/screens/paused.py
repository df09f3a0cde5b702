"""An officer stopped the time; the paper is hidden."""

from PySide6.QtWidgets import QLayout, QWidget

from exam_station.flow.screens import Paused
from exam_station.flow.states import Status
from exam_station.ui.elements import column, countdown, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView
from exam_station.ui.screens.submitting import provisional


class PausedView(StageView[Paused]):
    scene = Scene.PAUSE

    def compose(self, screen: Paused) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        self._left = label("", "display", name="remaining")
        parts: list[QWidget | QLayout] = [
            label(screen.writing.candidate.name, "overline"),
            label(texts("paused.title"), "title"),
            label(texts("paused.lead"), "lead"),
            column(theme, label(texts("paused.left"), "muted"), self._left, gap=0),
            notice(theme, texts("paused.saved"), tone="good"),
        ]
        if screen.head_code:
            parts.append(provisional(self.look, screen.head_code))
        return column(theme, *parts, gap=22)

    def refresh(self, _screen: Paused, status: Status) -> None:
        left = status.remaining
        self._left.setText(countdown(left) if left is not None else "–")
