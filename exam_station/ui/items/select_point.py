"""Places of a picture to point at."""

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from exam_station.ui import elements
from exam_station.ui.items.canvas import PictureCanvas
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.theme import CALM
from question_bank.interactions import MAX_POINTS, Picture, SelectPoint
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import Point, PointsResponse, Response

#: How far an arrow key moves the cross, in the picture's pixels; with Shift, one pixel.
STRIDE = 10
#: A press so near to a point, in pixels of the reference screen, takes the point back.
NEAR = 18.0
MOVES = {
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
}


class PointCanvas(PictureCanvas):
    """The picture with its points, and a cross that the arrow keys move."""

    def __init__(self, shown: Picture, look: Look, media: Mapping[str, Media]) -> None:
        super().__init__(shown, look, media)
        self.points: tuple[Point, ...] = ()
        self._cross = QPoint(shown.width // 2, shown.height // 2)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def show_points(self, points: tuple[Point, ...]) -> None:
        self.points = points
        said = "; ".join(f"({x}, {y})" for x, y in points)
        self.setAccessibleDescription(self.look.texts("item.points", said=said) if said else "")
        self.update()

    def near(self, at: QPoint) -> Point | None:
        """The point that a press there means."""
        reach = self.look.theme.px(NEAR) / self._factor(self.width())
        far = {p: (p[0] - at.x()) ** 2 + (p[1] - at.y()) ** 2 for p in self.points}
        found = min(far, key=lambda point: far[point], default=None)
        return found if found is not None and far[found] <= reach**2 else None

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        super().focusOutEvent(event)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        move = MOVES.get(Qt.Key(event.key()))
        if move is not None:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._move_cross(QPoint(*move) * (1 if fine else STRIDE))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.pointed.emit(self._cross)
        else:
            super().keyPressEvent(event)

    def _move_cross(self, by: QPoint) -> None:
        at = self._cross + by
        x = min(self.shown.width, max(0, at.x()))
        y = min(self.shown.height, max(0, at.y()))
        self._cross = QPoint(x, y)
        self.update()

    def paint_over(self, painter: QPainter) -> None:
        px = self.look.theme.px
        for x, y in self.points:
            spot = self.on_screen.map(QPointF(x, y))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((CALM.surface, 8), (CALM.danger, 4)):
                painter.setPen(QPen(QColor(colour), px(width)))
                painter.drawEllipse(spot, px(15), px(15))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(CALM.danger))
            painter.drawEllipse(spot, px(4), px(4))
        if self.hasFocus():
            spot = self.on_screen.map(QPointF(self._cross))
            arm = px(26)
            for colour, width in ((CALM.surface, 6), (CALM.accent, 3)):
                painter.setPen(QPen(QColor(colour), px(width)))
                painter.drawLine(spot - QPointF(arm, 0), spot + QPointF(arm, 0))
                painter.drawLine(spot - QPointF(0, arm), spot + QPointF(0, arm))


class SelectPointView(ItemView):
    """A press sets a point, a press on a point takes it back; where there may be no more, the
    oldest goes."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self.asked(SelectPoint)
        self._most = asked.max_points or MAX_POINTS
        self._canvas = PointCanvas(asked.picture, look, media)
        self._canvas.pointed.connect(self._pointed)
        hint: QWidget = elements.label(look.texts("item.point_hint"), "muted")
        self.body.addWidget(hint)
        self.body.addWidget(self._canvas)
        self.add_clear_button()

    def set_response(self, response: Response | None) -> None:
        self._canvas.show_points(response.points if isinstance(response, PointsResponse) else ())

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(PointsResponse(()))

    def focus_first(self) -> None:
        self._canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _pointed(self, at: QPoint) -> None:
        taken = self._canvas.near(at)
        points = tuple(point for point in self._canvas.points if point != taken)
        if taken is None:
            points = (*points, (at.x(), at.y()))[-self._most :]
        self._canvas.show_points(points)
        self.emit_answer(PointsResponse(points))
