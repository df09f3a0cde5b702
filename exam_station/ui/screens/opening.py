"""The start signal has come: key and package."""

from PySide6.QtWidgets import QLayout, QWidget

from exam_station.flow.screens import Opening
from exam_station.ui.elements import column, label, notice
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class OpeningView(StageView[Opening]):
    scene = Scene.ENVELOPE

    def compose(self, screen: Opening) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        parts: list[QWidget | QLayout] = [
            label(screen.candidate.paper, "overline"),
            label(texts("opening.title"), "title"),
            label(texts("opening.lead"), "lead", tone="muted"),
        ]
        if screen.retry_at is not None:
            parts.append(notice(theme, texts("opening.retrying")))
        return column(theme, *parts, gap=20)
