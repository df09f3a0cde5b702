"""The waiting room: the countdown to the start by the server's time, and the rules."""

from PySide6.QtWidgets import QLayout, QWidget

from exam_station.flow.states import Status, Waiting
from exam_station.ui import elements
from exam_station.ui.elements import card, clock_time, column, fact, label, notice, row
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView

RULES = 5


class WaitingView(StageView[Waiting]):
    scene = Scene.CLOCK

    def compose(self, screen: Waiting) -> QLayout:
        texts, theme, person = self.look.texts, self.look.theme, screen.candidate
        self._before = label("", "lead", tone="muted")
        self._countdown = label("", "display", name="countdown")
        self._caption = label("", "lead", tone="muted")
        facts = row(
            theme,
            fact(texts("common.registration"), person.registration_number),
            fact(texts("common.paper"), person.paper),
            fact(texts("common.duration"), texts("common.minutes", count=person.minutes)),
            fact(texts("common.starts"), clock_time(screen.shift.starts_at)),
        )
        rules = (label(texts(f"waiting.rule_{number}")) for number in range(1, RULES + 1))
        parts: list[QWidget | QLayout] = [
            label(texts("waiting.overline"), "overline", tone="good"),
            label(texts("waiting.title", name=person.name), "title"),
            column(theme, self._before, self._countdown, self._caption, gap=0),
            facts,
        ]
        if screen.conditional:
            parts.append(notice(theme, texts("waiting.conditional"), name="conditional"))
        if screen.retry_at is not None:
            parts.append(notice(theme, texts("common.retrying")))
        parts.append(card(theme, label(texts("waiting.rules"), "strong"), *rules))
        return column(theme, *parts, gap=20)

    def refresh(self, screen: Waiting, status: Status) -> None:
        texts = self.look.texts
        left = elements.until(screen.shift.starts_at, status.now)
        due = left is not None and left.total_seconds() <= 0
        shown = texts("waiting.soon") if left is None or due else elements.countdown(left)
        self._before.setText("" if left is None or due else texts("waiting.before"))
        self._countdown.setText(shown)
        self._caption.setText(texts("waiting.signal" if due else "waiting.until"))
