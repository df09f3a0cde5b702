"""The waiting room: the countdown to the start by the server's time, and the rules."""

from PySide6.QtWidgets import QLayout, QPushButton, QWidget

from exam_station.flow import events
from exam_station.flow.screens import Waiting
from exam_station.flow.states import Status
from exam_station.ui import elements
from exam_station.ui.elements import card, clock_time, column, fact, label, notice, one_line, row
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView
from exam_station.ui.sound_check import SoundCheck

RULES = ("quiet", "devices", "saved", "moving", "time_up")
#: Where the sections of a paper are written one after the other.
SEQUENTIAL_RULES = ("quiet", "devices", "saved", "sections", "time_up")


class WaitingView(StageView[Waiting]):
    scene = Scene.CLOCK

    def compose(self, screen: Waiting) -> QLayout:
        texts, theme, person = self.look.texts, self.look.theme, screen.candidate
        self._before = one_line("", "lead", tone="muted")
        self._countdown = one_line("", "display", name="countdown")
        self._caption = label("", "lead", tone="muted")
        countdown = row(theme, self._before, self._countdown, self._caption, gap=18)
        countdown.setStretchFactor(self._caption, 1)
        facts = row(
            theme,
            fact(texts("common.registration"), person.registration_number),
            fact(texts("common.paper"), person.paper),
            fact(texts("common.duration"), texts("common.minutes", count=person.minutes)),
            fact(texts("common.starts"), clock_time(screen.shift.starts_at)),
        )
        rules = SEQUENTIAL_RULES if person.sequential else RULES
        lines = [label(texts(f"waiting.rule_{rule}")) for rule in rules]
        parts: list[QWidget | QLayout] = [
            label(texts("waiting.overline"), "overline", tone="good"),
            label(texts("waiting.title", name=person.name), "title"),
            countdown,
            facts,
        ]
        if screen.conditional:
            parts.append(notice(theme, texts("waiting.conditional"), name="conditional"))
        if screen.retry_at is not None:
            parts.append(notice(theme, texts("common.retrying")))
        parts.append(card(theme, label(texts("waiting.rules"), "strong"), *lines))
        parts.append(self._sound_check())
        return column(theme, *parts, gap=20)

    def _sound_check(self) -> QLayout:
        """Whoever has a listening part hears before the start whether the headset works."""
        check = SoundCheck(self.look)
        check.tried.connect(lambda works: self.acted.emit(events.SoundTried(works)))
        return row(self.look.theme, check)

    def choices(self, _screen: Waiting) -> list[QPushButton]:
        return [self.offline_button("start")]

    def refresh(self, screen: Waiting, status: Status) -> None:
        texts = self.look.texts
        self.show_offline(status.connected)
        left = elements.until(screen.shift.starts_at, status.now)
        due = left is not None and left.total_seconds() <= 0
        shown = texts("waiting.soon") if left is None or due else elements.countdown(left)
        self._before.setText("" if left is None or due else texts("waiting.before"))
        self._before.setHidden(not self._before.text())
        self._countdown.setText(shown)
        self._caption.setText(texts("waiting.signal" if due else "waiting.until"))
