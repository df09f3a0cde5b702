"""A candidate who has eyes, a mouse and keys: reads the kiosk's screens and answers through them.

It knows nothing of the program behind the window. What it sees are the visible widgets' texts,
what it does are QTest's clicks and keys.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QScrollArea, QWidget

from exam_station.ui.items.choice import OptionRow
from exam_station.ui.items.cluster import Judgement

BETWEEN_STEPS_MS = 60
SETTLE_STEPS = 4
#: Screens that may be gone before they have settled.
PASSING = frozenset({"Reading", "CheckingIn", "Opening", "Submitting"})


class LostError(Exception):
    """The autopilot sees something that it has no answer to."""


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

    def _act(self, screen: str) -> None:
        match screen:
            case "Consent":
                self._press("consent-agree")
            case "Writing":
                self._write()
            case "ConfirmSubmit":
                self._press("confirm-submit")
            case "Receipt":
                code = self._find(QLabel, "short-code").text()
                self._tell({"event": "receipt", "code": code})
                self._stopped = True

    def _write(self) -> None:
        number = int("".join(c for c in self._find(QLabel, "item-number").text() if c.isdigit()))
        if number not in self._answered:
            self._answered.add(number)
            shown = self._what_is_answered()
            stem = self._find(QWidget, "stem").accessibleName()
            self._tell_item("item", number, shown)
            self._answer(stem)
            return
        self._picture(f"Writing-{self._kind()}")
        if self._stop_at == number:
            self._stopped = True
            self._tell_item("stopped", number, self._what_is_answered())
            return
        following = self._find(QAbstractButton, "next-item")
        self._press("next-item" if following.isEnabled() else "submit")

    def _tell_item(self, event: str, number: int, shown: list[str]) -> None:
        """`remaining` are the seconds on the kiosk's clock, `at` the moment they were seen."""
        parts = [int(part) for part in self._find(QLabel, "remaining").text().split(":")]
        remaining = sum(part * 60**place for place, part in enumerate(reversed(parts)))
        seen = {"remaining": remaining, "at": time.monotonic()}
        self._tell({"event": event, "number": number, "shown": shown, **seen})

    def _answer(self, stem: str) -> None:
        if stem in self._left_open:
            return
        answer = self._answers.get(stem)
        if answer is None:
            raise LostError(f"no answer is known to: {stem[:80]}")
        match answer["kind"]:
            case "single" | "multiple":
                for text in answer["options"]:
                    self._click(self._one(OptionRow, lambda row, text=text: self._reads(row, text)))
            case "tf_cluster":
                for text, value in answer["values"].items():
                    self._click(self._judgement(text, value))
            case "numeric":
                field = self._find(QLineEdit, "numeric-entry")
                self._click(field)
                QTest.keyClicks(field, answer["text"])

    @staticmethod
    def _reads(widget: QWidget, text: str) -> bool:
        return widget.accessibleName() == text

    def _judgement(self, statement: str, value: bool) -> QWidget:
        return self._one(
            Judgement,
            lambda button: (
                button.accessibleName().endswith(f": {statement}")
                and button.objectName().endswith(str(value).lower())
            ),
        )

    def _what_is_answered(self) -> list[str]:
        """What stands answered on the screen, in words."""
        rows = [row.accessibleName() for row in self._all(OptionRow) if row.isChecked()]
        judged = [one.accessibleName() for one in self._all(Judgement) if one.isChecked()]
        typed = [field.text() for field in self._all(QLineEdit) if field.text()]
        return rows + judged + typed

    def _kind(self) -> str:
        if self._all(OptionRow):
            return "choice"
        return "cluster" if self._all(Judgement) else "numeric"

    def _all(self, kind: type[Any]) -> list[Any]:
        return [widget for widget in self._window.findChildren(kind) if widget.isVisible()]

    def _one(self, kind: type[Any], wanted: Callable[[Any], bool]) -> Any:
        found = [widget for widget in self._all(kind) if wanted(widget)]
        if len(found) != 1:
            raise LostError(f"{len(found)} fitting {kind.__name__} instead of one")
        return found[0]

    def _find(self, kind: type[Any], name: str) -> Any:
        return self._one(kind, lambda widget: widget.objectName() == name)

    def _press(self, name: str) -> None:
        button = self._find(QAbstractButton, name)
        if button.isEnabled():
            self._click(button)

    def _click(self, widget: QWidget) -> None:
        """Scrolls the widget into view and clicks its left third, as a hand would."""
        for area in self._all(QScrollArea):
            if area.isAncestorOf(widget):
                area.ensureWidgetVisible(widget)
        place = QPoint(max(8, widget.width() // 3), widget.height() // 2)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)

    def _picture(self, name: str) -> None:
        if not name or name in self._pictured:
            return
        self._pictured.add(name)
        self._window.grab().save(str(self._pictures / f"{self._prefix}-{name}.png"))
        self._tell({"event": "picture", "screen": name})


def teller() -> Callable[[dict[str, Any]], None]:
    """Says each event as one JSON line on standard output."""

    def tell(event: dict[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=False), flush=True)

    return tell
