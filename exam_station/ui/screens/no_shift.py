"""Nobody checks in here now."""

from PySide6.QtWidgets import QLayout

from exam_station.flow.screens import NoShift
from exam_station.flow.states import Status
from exam_station.ui.elements import card, clock_date, clock_time, column, fact, label
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.fetching import fetching, show_fetching
from exam_station.ui.screens.screen_view import StageView


class NoShiftView(StageView[NoShift]):
    scene = Scene.CALENDAR

    def compose(self, screen: NoShift) -> QLayout:
        texts, theme, shift = self.look.texts, self.look.theme, screen.shift
        parts = [
            label(texts("common.product"), "overline"),
            label(texts("no_shift.title"), "title"),
            label(texts("no_shift.lead"), "lead", tone="muted"),
        ]
        if shift is None:
            return column(theme, *parts)
        begins = texts(
            "no_shift.begins", time=clock_time(shift.starts_at), date=clock_date(shift.starts_at)
        )
        planned = card(
            theme,
            fact(texts("common.exam"), shift.exam),
            fact(texts("common.shift"), shift.name),
            fact(texts("common.starts"), begins),
        )
        self._fetching = fetching()
        return column(theme, *parts, planned, self._fetching, gap=20)

    def refresh(self, screen: NoShift, status: Status) -> None:
        if screen.shift is not None:
            show_fetching(self._fetching, self.look, status)
