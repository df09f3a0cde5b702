"""A candidate who has eyes, a mouse and keys: reads the kiosk's screens and answers through them.

It knows nothing of the program behind the window. What it sees are the visible widgets' texts,
what it does are QTest's clicks and keys (`hands`, and `answering` for each kind of item).
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QWidget

from demo.answering import Answering
from demo.hands import Hands, LostError, Movement
from exam_station.ui.items.choice import OptionRow
from exam_station.ui.items.cluster import Judgement

BETWEEN_STEPS_MS = 60
SETTLE_STEPS = 4
#: Screens that may be gone before they have settled.
PASSING = frozenset({"Reading", "CheckingIn", "Opening", "Submitting"})
DONE = object()


class Autopilot(QObject):
    """Answers as `answers` says: plain text of a stem → the answer in words as shown.

    `left_open` are the stems that it does not answer. `stop_at` is the item after whose answer it
    lets go of mouse and keys. `tell` receives what it sees and does; pictures of the screens go to
    `pictures` as ``<prefix>-<screen>.png``.
    """

    def __init__(
        self,
        window: QWidget,
        answers: dict[str, dict[str, Any]],
        *,
        left_open: frozenset[str],
        stop_at: int | None,
        pictures: Path,
        prefix: str,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self._window = window
        self._answers = answers
        self._left_open = left_open
        self._stop_at = stop_at
        self._pictures = pictures
        self._prefix = prefix
        self._tell = tell
        self._hands = Hands(window)
        self._answering = Answering(self._hands)
        self._moving: Movement | None = None
        self._kind = "open"
        self._screen = ""
        self._settled = 0
        self._pictured: set[str] = set()
        self._answered: set[int] = set()
        self._stopped = False
        self._timer = QTimer(self)
        self._timer.setInterval(BETWEEN_STEPS_MS)
        self._timer.timeout.connect(self._step)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _step(self) -> None:
        screen = self._visible_screen()
        if screen != self._screen:
            self._screen, self._settled = screen, 0
            self._tell({"event": "screen", "screen": screen})
        self._settled += 1
        if screen in PASSING:
            self._picture(screen)
        if self._settled < SETTLE_STEPS:
            return
        self._picture(screen)
        if self._stopped:
            return
        try:
            self._move_on()
            if self._moving is None:
                self._act(screen)
        except LostError as error:
            self._timer.stop()
            self._tell({"event": "lost", "why": str(error), "screen": screen})

    def _visible_screen(self) -> str:
        """The name of the screen's class, e.g. ``Welcome`` for WelcomeView."""
        views = (type(view).__name__ for view in self._window.children() if self._shows(view))
        return next((name.removesuffix("View") for name in views if name.endswith("View")), "")

    @staticmethod
    def _shows(child: QObject) -> bool:
        return isinstance(child, QWidget) and child.isVisible()

    def _move_on(self) -> None:
        """The next movement of an answer that is being given."""
        if self._moving is not None and next(self._moving, DONE) is DONE:
            self._moving = None

    def _act(self, screen: str) -> None:
        match screen:
            case "Consent":
                self._hands.press("consent-agree")
            case "Writing":
                self._write()
            case "ConfirmSubmit":
                self._hands.press("confirm-submit")
            case "Receipt":
                code = self._hands.find(QLabel, "short-code").text()
                self._tell({"event": "receipt", "code": code})
                self._stopped = True

    def _write(self) -> None:
        heading = self._hands.find(QLabel, "item-number").text()
        number = int("".join(sign for sign in heading if sign.isdigit()))
        if number not in self._answered:
            self._answered.add(number)
            shown = self._what_is_answered()
            stem = self._hands.find(QWidget, "stem").accessibleName()
            self._tell_item("item", number, shown)
            self._kind, self._moving = "open", self._answer(stem)
            self._move_on()
            return
        self._picture(f"Writing-{self._kind}")
        if self._stop_at == number:
            self._stopped = True
            self._tell_item("stopped", number, self._what_is_answered())
            return
        following = self._hands.find(QAbstractButton, "next-item")
        self._hands.press("next-item" if following.isEnabled() else "submit")

    def _tell_item(self, event: str, number: int, shown: list[str]) -> None:
        """`remaining` are the seconds on the kiosk's clock, `at` the moment they were seen."""
        parts = [int(part) for part in self._hands.find(QLabel, "remaining").text().split(":")]
        remaining = sum(part * 60**place for place, part in enumerate(reversed(parts)))
        seen = {"remaining": remaining, "at": time.monotonic()}
        self._tell({"event": event, "number": number, "shown": shown, **seen})

    def _answer(self, stem: str) -> Movement:
        """The movements by which the item is answered; none where it is left open."""
        if stem in self._left_open:
            return
        answer = self._answers.get(stem)
        if answer is None:
            raise LostError(f"no answer is known to: {stem[:80]}")
        self._kind = answer["kind"]
        yield from self._answering.answer(answer)
        if not self._hands.find(QAbstractButton, "clear-answer").isEnabled():
            raise LostError(f"the answer did not stay: {stem[:80]}")
        self._tell({"event": "answered", "kinds": sorted(kinds_of(answer))})

    def _what_is_answered(self) -> list[str]:
        """What stands answered on the screen, in words."""
        rows = [row.accessibleName() for row in self._hands.all(OptionRow) if row.isChecked()]
        judged = [one.accessibleName() for one in self._hands.all(Judgement) if one.isChecked()]
        typed = [field.text() for field in self._hands.all(QLineEdit) if field.text()]
        return rows + judged + typed

    def _picture(self, name: str) -> None:
        if not name or name in self._pictured:
            return
        self._pictured.add(name)
        self._window.grab().save(str(self._pictures / f"{self._prefix}-{name}.png"))
        self._tell({"event": "picture", "screen": name})


def kinds_of(answer: dict[str, Any]) -> set[str]:
    """The answer's own kind and those of its parts."""
    return {answer["kind"], *(part["kind"] for part in answer.get("parts", ()))}


def teller() -> Callable[[dict[str, Any]], None]:
    """Says each event as one JSON line on standard output."""

    def tell(event: dict[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=False), flush=True)

    return tell
