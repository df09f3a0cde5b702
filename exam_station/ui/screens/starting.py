"""The program has started and is looking for its server and its devices."""

from PySide6.QtWidgets import QLayout

from exam_station.flow.screens import Starting
from exam_station.ui.elements import column, label
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView


class StartingView(StageView[Starting]):
    scene = Scene.STARTING

    def compose(self, _screen: Starting) -> QLayout:
        texts = self.look.texts
        return column(
            self.look.theme,
            label(texts("common.product"), "overline"),
            label(texts("starting.title"), "title"),
            label(texts("starting.lead"), "lead", tone="muted"),
        )
