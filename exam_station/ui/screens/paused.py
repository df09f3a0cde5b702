"""An officer stopped the time; the paper is hidden."""

from PySide6.QtWidgets import QLayout

from exam_station.flow.states import Paused, Status
from exam_station.ui.elements import column, countdown, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class PausedView(StageView[Paused]):
    scene = Scene.PAUSE

    def compose(self, screen: Paused) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        self._left = label("", "display", name="remaining")
        return column(
            theme,
            label(screen.writing.candidate.name, "overline"),
            label(texts("paused.title"), "title"),
            label(texts("paused.lead"), "lead"),
            column(theme, label(texts("paused.left"), "muted"), self._left, gap=0),
            notice(theme, texts("paused.saved"), tone="good"),
            gap=22,
        )

    def refresh(self, _screen: Paused, status: Status) -> None:
        left = status.remaining
        self._left.setText(countdown(left) if left is not None else "–")
