"""Eyes and hands before a kiosk's window: what is visible is found, clicked, carried and typed on.

What a hand does takes its time: methods that give an iterator rest at each `yield`, and whoever
moves them on lets the window live meanwhile.
"""

from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QScrollArea, QWidget

LEFT = Qt.MouseButton.LeftButton
#: What is brought into view is so far from the edge.
MARGIN = 60
#: In how many movements a piece is carried to its place.
STRIDES = 4

Movement = Iterator[None]


class LostError(Exception):
    """Something is not on the screen as it must be, or cannot be reached there."""


class Hands:
    """Finds and touches what a candidate sees."""

    def __init__(self, window: QWidget) -> None:
        self._window = window

    def all(self, kind: type[Any]) -> list[Any]:
        return [widget for widget in self._window.findChildren(kind) if widget.isVisible()]

    def one(self, kind: type[Any], wanted: Callable[[Any], bool]) -> Any:
        found = [widget for widget in self.all(kind) if wanted(widget)]
        if len(found) != 1:
            raise LostError(f"{len(found)} fitting {kind.__name__} instead of one")
        return found[0]

    def find(self, kind: type[Any], name: str) -> Any:
        return self.one(kind, lambda widget: widget.objectName() == name)

    def named(self, kind: type[Any], words: str) -> Any:
        """The one that a screen reader calls by these words."""
        return self.one(kind, lambda widget: widget.accessibleName() == words)

    def press(self, name: str) -> None:
        """The button, where it can be pressed."""
        button = self.find(QAbstractButton, name)
        if button.isEnabled():
            self.click(button)

    def click(self, widget: QWidget, spot: QPoint | None = None) -> None:
        """Scrolls the spot into view and clicks it; without one, the widget's left third."""
        spot = spot or QPoint(max(8, widget.width() // 3), widget.height() // 2)
        self.bring(widget, spot)
        if not sees(widget, spot):
            raise LostError(f"{widget.objectName() or widget.accessibleName()} is out of reach")
        QTest.mouseClick(widget, LEFT, Qt.KeyboardModifier.NoModifier, spot)

    def bring(self, widget: QWidget, spot: QPoint) -> None:
        """Scrolls the spot into view, where it lies on something that scrolls."""
        for area in self.all(QScrollArea):
            if area.isAncestorOf(widget) and not sees(widget, spot):
                at = widget.mapTo(area.widget(), spot)
                area.ensureVisible(at.x(), at.y(), 0, MARGIN)

    def carry(self, piece: QWidget, target: QWidget, spot: QPoint) -> Movement:
        """Drags the piece to the spot where both are in sight; else picks it up by a click and
        puts it down by another one, as people do who must scroll between."""
        start = piece.rect().center()
        self.bring(target, spot)
        self.bring(piece, start)
        if not sees(target, spot):
            self.click(piece)
            yield
            self.click(target, spot)
            return
        end = piece.mapFromGlobal(target.mapToGlobal(spot))
        QTest.mousePress(piece, LEFT, pos=start)
        for stride in range(1, STRIDES + 1):
            yield
            QTest.mouseMove(piece, start + (end - start) * stride / STRIDES)
        yield
        QTest.mouseRelease(piece, LEFT, pos=end)


def sees(widget: QWidget, spot: QPoint) -> bool:
    """Whether the spot is neither scrolled away nor cut off."""
    return widget.visibleRegion().contains(spot)


def write(field: QWidget, text: str) -> None:
    """Types the text. Words with letters that no key has come from an input method, whole."""
    for word in text.splitlines(keepends=True):
        for piece in _pieces(word):
            if piece.isascii():
                QTest.keyClicks(field, piece)
            else:
                event = QInputMethodEvent("", [])
                event.setCommitString(piece)
                QApplication.sendEvent(field, event)


def _pieces(line: str) -> Iterator[str]:
    """Words and the spaces between them."""
    for place, word in enumerate(line.split(" ")):
        if place:
            yield " "
        if word:
            yield word
