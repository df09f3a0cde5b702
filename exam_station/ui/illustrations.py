"""Drawings for the calm half of the screens, in a square of 400 × 400 units, all by painter.

Everything is drawn in the panel's own few colours; what moves does so slowly, to show that the
kiosk is alive, and stands still while it is hidden.
"""

import math
from collections.abc import Callable
from enum import Enum, auto

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QBrush,
    QColor,
    QHideEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QShowEvent,
)
from PySide6.QtWidgets import QWidget

from exam_station.ui.theme import Theme

SIDE = 400.0
FRAME_MS = 50
PERIOD_S = 3.2


class Scene(Enum):
    """What a drawing shows."""

    CARD = auto()
    READING = auto()
    CARD_AGAIN = auto()
    REFUSED = auto()
    CONSENT = auto()
    FACE = auto()
    OFFICER = auto()
    CLOCK = auto()
    ENVELOPE = auto()
    SENDING = auto()
    RECEIPT = auto()
    PAUSE = auto()
    CALENDAR = auto()
    REPAIR = auto()
    STARTING = auto()
    PAPER = auto()


_MOVING = frozenset(
    (Scene.CARD, Scene.READING, Scene.STARTING, Scene.SENDING, Scene.ENVELOPE, Scene.CARD_AGAIN)
)


class Illustration(QWidget):
    """A scene in a square of `side` pixels; `phase` runs from 0 to 1 and round again."""

    def __init__(self, scene: Scene, side: int, theme: Theme) -> None:
        super().__init__()
        self._scene = scene
        self._theme = theme
        self._side = side
        self._phase = 0.35
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._advance)
        self.setFixedSize(self.sizeHint())
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(self._side, self._side)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        super().showEvent(event)
        if self._scene in _MOVING:
            self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        super().hideEvent(event)
        self._timer.stop()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self.width() / SIDE, self.height() / SIDE)
        _SCENES[self._scene](_Pencil(painter, self._theme), self._phase)
        painter.end()

    def _advance(self) -> None:
        self._phase = (self._phase + FRAME_MS / 1000 / PERIOD_S) % 1
        self.update()


class _Pencil:
    """A painter with the panel's colours and the shapes that recur."""

    def __init__(self, painter: QPainter, theme: Theme) -> None:
        self.painter = painter
        dark = theme.high_contrast
        self.light = QColor("#FFFFFF")
        self.pale = QColor("#FFFFFF" if dark else "#BFD9DE")
        self.mid = QColor("#8A8A8A" if dark else "#4E8C9A")
        self.deep = QColor("#000000" if dark else "#0B4251")
        self.gold = QColor("#FFD83D" if dark else "#E9B25C")
        self.red = QColor("#FF9C8A" if dark else "#F0907D")
        self.green = QColor("#6CF0B0" if dark else "#8FD6B0")

    def fill(self, color: QColor, alpha: int = 255) -> None:
        shade = QColor(color)
        shade.setAlpha(alpha)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(QBrush(shade))

    def stroke(self, color: QColor, width: float = 5, alpha: int = 255) -> None:
        shade = QColor(color)
        shade.setAlpha(alpha)
        round_cap, round_join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        self.painter.setPen(QPen(shade, width, Qt.PenStyle.SolidLine, round_cap, round_join))
        self.painter.setBrush(Qt.BrushStyle.NoBrush)

    def box(self, x: float, y: float, w: float, h: float, radius: float = 12) -> None:
        self.painter.drawRoundedRect(QRectF(x, y, w, h), radius, radius)

    def disc(self, x: float, y: float, radius: float) -> None:
        self.painter.drawEllipse(QPointF(x, y), radius, radius)

    def path(self, *points: tuple[float, float]) -> None:
        self.painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))

    def arc(self, x: float, y: float, radius: float, start: float, span: float) -> None:
        square = QRectF(x - radius, y - radius, 2 * radius, 2 * radius)
        self.painter.drawArc(square, round(start * 16), round(span * 16))

    def halo(self) -> None:
        """The quiet ground that every scene stands on."""
        self.fill(self.mid, 46)
        self.disc(200, 200, 190)
        self.fill(self.mid, 60)
        self.disc(200, 200, 145)

    def person(self, x: float, y: float, size: float, color: QColor) -> None:
        """Head and shoulders around (x, y), `size` high."""
        self.fill(color)
        self.disc(x, y - size * 0.18, size * 0.22)
        shoulders = QPainterPath(QPointF(x - size * 0.4, y + size * 0.5))
        shoulders.cubicTo(
            QPointF(x - size * 0.38, y + size * 0.04),
            QPointF(x + size * 0.38, y + size * 0.04),
            QPointF(x + size * 0.4, y + size * 0.5),
        )
        shoulders.closeSubpath()
        self.painter.drawPath(shoulders)

    def card(self, x: float, y: float, width: float) -> None:
        """A chip card with portrait, chip and lines, its top left corner at (x, y)."""
        unit = width / 200
        self.fill(self.deep, 90)
        self.box(x + 4 * unit, y + 6 * unit, width, 126 * unit, 12 * unit)
        self.fill(self.light)
        self.box(x, y, width, 126 * unit, 12 * unit)
        self.fill(self.pale)
        self.box(x + 14 * unit, y + 40 * unit, 50 * unit, 66 * unit, 6 * unit)
        self.person(x + 39 * unit, y + 76 * unit, 56 * unit, self.mid)
        self.fill(self.gold)
        self.box(x + 150 * unit, y + 44 * unit, 34 * unit, 27 * unit, 5 * unit)
        self.stroke(self.deep, 1.6 * unit, 130)
        self.path((x + 150 * unit, y + 57 * unit), (x + 184 * unit, y + 57 * unit))
        self.path((x + 167 * unit, y + 44 * unit), (x + 167 * unit, y + 71 * unit))
        self.fill(self.mid)
        self.box(x + 14 * unit, y + 14 * unit, 104 * unit, 9 * unit, 4 * unit)
        for line, length in enumerate((66, 52, 66)):
            self.fill(self.mid, 120)
            self.box(x + 76 * unit, y + (46 + 19 * line) * unit, length * unit, 8 * unit, 4 * unit)

    def reader(self, lit: float = 0.0) -> None:
        """A desktop reader seen from above; `lit` from 0 to 1 is its lamp."""
        self.fill(self.deep)
        self.box(88, 218, 224, 128, 22)
        self.stroke(self.mid, 3)
        self.box(88, 218, 224, 128, 22)
        self.fill(self.gold, 70 + round(185 * lit))
        self.disc(288, 324, 6)

    def waves(self, x: float, y: float, phase: float) -> None:
        """Three arcs above (x, y) that light up one after the other."""
        for index in range(3):
            glow = max(0.0, math.cos(2 * math.pi * (phase - index / 5)))
            self.stroke(self.gold, 5, 60 + round(195 * glow))
            self.arc(x, y, 22 + 18 * index, 50, 80)

    def tick(self, x: float, y: float, size: float, color: QColor, width: float = 10) -> None:
        self.stroke(color, width)
        self.path((x - size, y), (x - size * 0.25, y + size * 0.75), (x + size, y - size * 0.75))

    def sheet(self, x: float, y: float, w: float, h: float, lines: int) -> None:
        """A sheet of paper with lines of writing."""
        self.fill(self.deep, 90)
        self.box(x + 5, y + 7, w, h, 10)
        self.fill(self.light)
        self.box(x, y, w, h, 10)
        for line in range(lines):
            self.fill(self.mid, 110)
            length = w - 48 - (46 if line % 3 == 2 else 0)
            self.box(x + 24, y + 30 + line * 24, length, 8, 4)


def _card(pencil: _Pencil, phase: float) -> None:
    pencil.halo()
    pencil.reader(lit=0.5 + 0.5 * math.sin(2 * math.pi * phase))
    drop = 0.5 - 0.5 * math.cos(2 * math.pi * phase)
    pencil.waves(200, 262, phase)
    pencil.card(112, 62 + 74 * drop, 176)


def _reading(pencil: _Pencil, phase: float) -> None:
    pencil.halo()
    pencil.reader(lit=1.0)
    pencil.card(112, 180, 176)
    for index in range(3):
        glow = max(0.0, math.cos(2 * math.pi * (2 * phase - index / 5)))
        pencil.stroke(pencil.gold, 6, 50 + round(205 * glow))
        pencil.arc(200, 168, 24 + 22 * index, 45, 90)


def _card_again(pencil: _Pencil, phase: float) -> None:
    pencil.halo()
    pencil.reader()
    pencil.card(112, 92 - 16 * math.cos(2 * math.pi * phase), 176)
    pencil.stroke(pencil.gold, 6)
    pencil.arc(316, 176, 30, 60, 260)
    pencil.path((318, 138), (334, 148), (322, 164))


def _refused(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.card(82, 124, 236)
    pencil.fill(pencil.deep)
    pencil.disc(304, 274, 46)
    pencil.stroke(pencil.red, 8)
    pencil.disc(304, 274, 40)
    pencil.path((276, 302), (332, 246))


def _consent(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.fill(pencil.light)
    pencil.box(64, 120, 116, 156, 14)
    pencil.person(122, 206, 128, pencil.mid)
    pencil.fill(pencil.light)
    pencil.box(220, 120, 116, 156, 14)
    pencil.person(278, 206, 128, pencil.mid)
    pencil.fill(pencil.gold)
    pencil.disc(200, 198, 30)
    pencil.stroke(pencil.deep, 6)
    pencil.path((187, 191), (213, 191))
    pencil.path((187, 205), (213, 205))
    pencil.stroke(pencil.pale, 4, 150)
    pencil.path((96, 306), (304, 306))


def _face(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.person(200, 214, 210, pencil.pale)
    pencil.stroke(pencil.gold, 8)
    for x, y, dx, dy in ((86, 76, 1, 1), (314, 76, -1, 1), (86, 324, 1, -1), (314, 324, -1, -1)):
        pencil.path((x + 44 * dx, y), (x, y), (x, y + 44 * dy))


def _officer(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.person(142, 216, 168, pencil.pale)
    pencil.person(262, 208, 190, pencil.light)
    pencil.fill(pencil.gold)
    pencil.box(258, 246, 46, 30, 6)
    pencil.fill(pencil.deep)
    pencil.box(266, 256, 30, 4, 2)
    pencil.box(266, 264, 20, 4, 2)


def _clock(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.fill(pencil.light)
    pencil.disc(200, 200, 112)
    for hour in range(12):
        angle = hour * math.pi / 6
        inner = 84 if hour % 3 == 0 else 94
        pencil.stroke(pencil.mid, 5 if hour % 3 == 0 else 3)
        sine, cosine = math.sin(angle), math.cos(angle)
        pencil.path(
            (200 + inner * sine, 200 - inner * cosine), (200 + 100 * sine, 200 - 100 * cosine)
        )
    pencil.stroke(pencil.deep if pencil.deep.lightness() else QColor("#0B4251"), 9)
    pencil.path((200, 200), (160, 178))
    pencil.path((200, 200), (200, 126))
    pencil.fill(pencil.gold)
    pencil.disc(200, 200, 11)


def _envelope(pencil: _Pencil, phase: float) -> None:
    pencil.halo()
    rise = 0.5 - 0.5 * math.cos(2 * math.pi * phase)
    pencil.sheet(104, 92 - 22 * rise, 192, 180, 5)
    pencil.fill(pencil.pale)
    pencil.box(80, 196, 240, 136, 12)
    pencil.stroke(pencil.mid, 4)
    pencil.path((84, 202), (200, 276), (316, 202))
    pencil.fill(pencil.gold)
    pencil.disc(200, 276, 24)
    pencil.stroke(pencil.deep, 4)
    pencil.disc(200, 271, 6)
    pencil.path((200, 277), (200, 287))


def _sending(pencil: _Pencil, phase: float) -> None:
    pencil.halo()
    pencil.sheet(122, 104, 156, 208, 7)
    for index in range(3):
        glow = max(0.0, math.cos(2 * math.pi * (phase - index / 6)))
        y = 76 - 20 * index
        pencil.stroke(pencil.gold, 8, 60 + round(195 * glow))
        pencil.path((174, y), (200, y - 20), (226, y))


def _receipt(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.sheet(106, 74, 176, 236, 7)
    pencil.fill(pencil.green)
    pencil.disc(284, 284, 52)
    pencil.tick(284, 286, 24, pencil.deep)


def _pause(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.stroke(pencil.light, 10)
    pencil.disc(200, 200, 108)
    pencil.fill(pencil.gold)
    pencil.box(160, 146, 28, 108, 10)
    pencil.box(212, 146, 28, 108, 10)


def _calendar(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.fill(pencil.light)
    pencil.box(94, 96, 212, 214, 18)
    pencil.fill(pencil.mid)
    pencil.box(94, 96, 212, 56, 18)
    pencil.painter.drawRect(QRectF(94, 130, 212, 22))
    for x in (146, 254):
        pencil.stroke(pencil.gold, 12)
        pencil.path((x, 82), (x, 114))
    for index in range(12):
        column, line = index % 4, index // 4
        chosen = index == 6
        pencil.fill(pencil.gold if chosen else pencil.pale)
        pencil.box(114 + column * 45, 172 + line * 43, 33, 30, 7)


def _repair(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.fill(pencil.light)
    pencil.box(84, 96, 232, 158, 16)
    pencil.fill(pencil.deep if pencil.deep.lightness() else QColor("#303030"))
    pencil.box(98, 110, 204, 130, 8)
    pencil.fill(pencil.pale)
    pencil.box(176, 254, 48, 34, 2)
    pencil.box(136, 286, 128, 16, 8)
    pencil.stroke(pencil.gold, 9)
    pencil.path((200, 136), (200, 182))
    pencil.fill(pencil.gold)
    pencil.disc(200, 208, 7)


def _starting(pencil: _Pencil, phase: float) -> None:
    pencil.halo()
    pencil.stroke(pencil.mid, 12)
    pencil.disc(200, 200, 84)
    pencil.stroke(pencil.gold, 12)
    pencil.arc(200, 200, 84, 90 - 360 * phase, 90)


def _paper(pencil: _Pencil, _phase: float) -> None:
    pencil.halo()
    pencil.sheet(112, 78, 176, 244, 8)
    pencil.stroke(pencil.gold, 12)
    pencil.path((236, 300), (322, 190))
    pencil.fill(pencil.deep)
    pencil.disc(232, 305, 6)


_SCENES: dict[Scene, Callable[[_Pencil, float], None]] = {
    Scene.CARD: _card,
    Scene.READING: _reading,
    Scene.CARD_AGAIN: _card_again,
    Scene.REFUSED: _refused,
    Scene.CONSENT: _consent,
    Scene.FACE: _face,
    Scene.OFFICER: _officer,
    Scene.CLOCK: _clock,
    Scene.ENVELOPE: _envelope,
    Scene.SENDING: _sending,
    Scene.RECEIPT: _receipt,
    Scene.PAUSE: _pause,
    Scene.CALENDAR: _calendar,
    Scene.REPAIR: _repair,
    Scene.STARTING: _starting,
    Scene.PAPER: _paper,
}
