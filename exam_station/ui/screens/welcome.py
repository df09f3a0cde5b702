"""The place, who is expected, and the request to put the card on the reader."""

from PySide6.QtWidgets import QLayout

from exam_station.flow.screens import Welcome
from exam_station.flow.states import Status
from exam_station.ui.elements import card, clock_time, column, fact, label, notice, row, rule
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.fetching import fetching, show_fetching
from exam_station.ui.screens.screen_view import StageView


class WelcomeView(StageView[Welcome]):
    scene = Scene.CARD

    def compose(self, screen: Welcome) -> QLayout:
        texts, theme, shift = self.look.texts, self.look.theme, screen.shift
        place = texts("common.place", room=screen.place.room, seat=screen.place.seat)
        parts = [
            label(shift.exam, "overline"),
            label(place, "display", name="welcome-place"),
            label(
                texts("welcome.shift", name=shift.name, time=clock_time(shift.starts_at)),
                "lead",
                tone="muted",
            ),
        ]
        self._fetching = fetching()
        person = screen.candidate
        if person is None:
            return column(
                theme, *parts, label(texts("welcome.empty"), "heading"), self._fetching, gap=22
            )
        expected = card(
            theme,
            label(texts("welcome.expected_moved" if screen.moved else "welcome.expected"), "small"),
            label(person.name, "title", name="expected-name"),
            rule(theme),
            row(
                theme,
                fact(texts("common.registration"), person.registration_number),
                fact(texts("common.paper"), person.paper),
                fact(texts("common.duration"), texts("common.minutes", count=person.minutes)),
            ),
        )
        return column(
            theme,
            *parts,
            expected,
            label(texts("welcome.tap"), "call", name="tap-request"),
            *([notice(theme, texts("welcome.moved"))] if screen.moved else []),
            label(texts("welcome.not_you"), "muted"),
            self._fetching,
            gap=22,
        )

    def refresh(self, _screen: Welcome, status: Status) -> None:
        show_fetching(self._fetching, self.look, status)
