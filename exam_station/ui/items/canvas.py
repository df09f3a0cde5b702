"""A picture that is answered on: areas to press, points to set, pieces lying on it.

What is drawn on the picture has the colours of white paper, as the picture has, also where the
screen is black. Coordinates are the picture's own pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QTransform,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QWidget

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.inline_objects import picture
from exam_station.ui.look import Look
from exam_station.ui.theme import CALM
from question_bank.interactions import Area, Picture, Shape
from question_bank.item import Media

#: Pictures to be pressed are drawn larger than those to be looked at: a finger must find its area.
LARGER = 1.25
#: So that the whole picture stands below a stem of two lines, without scrolling.
TALLEST = 470.0
EDGE = 5.0


def outline(shape: Shape) -> QPainterPath:
    """The shape in the picture's pixels."""
    path, c = QPainterPath(), shape.coords
    match shape.name:
        case "circle":
            path.addEllipse(QPointF(c[0], c[1]), c[2], c[2])
        case "ellipse":
            path.addEllipse(QPointF(c[0], c[1]), c[2], c[3])
        case "rect":
            path.addRect(QRectF(QPointF(c[0], c[1]), QPointF(c[2], c[3])))
        case "poly":
            corners = zip(c[::2], c[1::2], strict=True)
            path.addPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
            path.closeSubpath()
    return path


@dataclass(frozen=True, slots=True)
class Pen:
    """The line of a mark: a colour of white paper, its width, dashed or not."""

    colour: str
    width: float
    dashed: bool = False


class AreaMark(QAbstractButton):
    """What the keyboard and a screen reader meet of an area; the canvas tells it of clicks.
    Checked where it is chosen; `number` is its place in an order."""

    def __init__(self, area: Area, name: str, look: Look, canvas: "PictureCanvas") -> None:
        super().__init__(canvas)
        self.area = area
        self.name = name
        self.number = 0
        self.path = outline(area.shape)
        self._look = look
        self._canvas = canvas
        self.setCheckable(True)
        self.setObjectName(f"area-{area.id}")
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def show_chosen(self, chosen: bool, number: int = 0) -> None:
        self.number = number
        self.setChecked(chosen)
        self.update()

    def place(self) -> None:
        """Where the picture has it now."""
        edge = self._look.theme.px(EDGE)
        around = self._canvas.on_screen.map(self.path).boundingRect().toAlignedRect()
        self.setGeometry(around.adjusted(-edge, -edge, edge, edge))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        px = self._look.theme.px
        path = self._canvas.on_screen.map(self.path).translated(QPointF(-self.pos()))
        if self.isChecked():
            ground = QColor(CALM.primary)
            ground.setAlphaF(0.22)
            painter.fillPath(path, ground)
        pen = Pen(CALM.primary, 4) if self.isChecked() else Pen(CALM.muted, 2, dashed=True)
        if self.hasFocus():
            painter.strokePath(path, QPen(QColor(CALM.surface), px(7)))
            pen = Pen(CALM.accent, 4, dashed=False)
        line = QPen(QColor(pen.colour), px(pen.width))
        if pen.dashed:
            line.setStyle(Qt.PenStyle.DashLine)
        painter.strokePath(path, line)
        if self.number:
            self._paint_number(painter, path.boundingRect().center())
        painter.end()

    def _paint_number(self, painter: QPainter, middle: QPointF) -> None:
        radius = self._look.theme.text_px(19)
        painter.setPen(QPen(QColor(CALM.surface), self._look.theme.px(2)))
        painter.setBrush(QColor(CALM.primary))
        painter.drawEllipse(middle, radius, radius)
        painter.setFont(self._look.theme.font(22, bold=True))
        box = QRectF(middle.x() - radius, middle.y() - radius, 2 * radius, 2 * radius)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(self.number))


class PictureCanvas(QWidget):
    """The picture as large as there is room for, with its areas. `pointed` emits where it was
    pressed, in whole pixels of the picture."""

    pointed = Signal(QPoint)

    def __init__(self, shown: Picture, look: Look, media: Mapping[str, Media]) -> None:
        super().__init__()
        self.shown = shown
        self.look = look
        self.marks: dict[str, AreaMark] = {}
        self._media = media
        found = media.get(shown.media)
        self._drawing = picture(found) if found else None
        self._tags: dict[str, list[QFrame]] = {}
        self.setObjectName("canvas")
        self.setAccessibleName(shown.alt)
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def add_areas(self, areas: Sequence[Area]) -> None:
        """Areas without a label are called by their number."""
        for number, area in enumerate(areas, 1):
            name = area.label or self.look.texts("item.area", number=number)
            self.marks[area.id] = AreaMark(area, name, self.look, self)

    @property
    def on_screen(self) -> QTransform:
        """From the picture's pixels to the widget's."""
        factor = self._factor(self.width())
        return QTransform.fromScale(factor, factor)

    def _factor(self, width: float) -> float:
        theme = self.look.theme
        wished = theme.scale * theme.text_size.value * LARGER
        fitting = theme.px(TALLEST) * theme.text_size.value / max(1, self.shown.height)
        return min(wished, fitting, width / max(1, self.shown.width))

    def area_at(self, spot: QPoint) -> str | None:
        """The smallest area that is there, in the widget's coordinates."""
        at = self.picture_point(spot)
        inside = [mark for mark in self.marks.values() if mark.path.contains(at)]
        sizes = {mark.area.id: mark.path.boundingRect() for mark in inside}
        return min(sizes, key=lambda name: sizes[name].width() * sizes[name].height(), default=None)

    def picture_point(self, spot: QPoint) -> QPointF:
        back, _ = self.on_screen.inverted()
        return back.map(QPointF(spot))

    def show_tags(self, contents: Mapping[str, Sequence[str]]) -> None:
        """Pieces that lie on areas, below each other."""
        for tag in (tag for tags in self._tags.values() for tag in tags):
            tag.hide()
            tag.deleteLater()
        self._tags = {name: [self._tag(one) for one in many] for name, many in contents.items()}
        self._place()

    def _tag(self, content: str) -> QFrame:
        tag = elements.frame("tag")
        tag.setParent(self)
        tag.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        view = ContentView(content, self.look.theme, self._media)
        tag.setLayout(elements.column(self.look.theme, view, margin=7))
        width = min(view.sizeHint().width(), self.look.theme.px(260))
        edge = 2 * self.look.theme.px(7) + 2 * self.look.theme.px(2)
        tag.resize(width + edge, view.heightForWidth(width) + edge)
        tag.show()
        return tag

    def _place(self) -> None:
        for mark in self.marks.values():
            mark.place()
        for name, tags in self._tags.items():
            middle = self.on_screen.map(self.marks[name].path).boundingRect().center()
            top = middle.y() - sum(tag.height() for tag in tags) / 2
            for tag in tags:
                left = min(max(0, middle.x() - tag.width() / 2), self.width() - tag.width())
                tag.move(round(left), round(max(0, top)))
                top += tag.height()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        factor = self._factor(float("inf"))
        return QSize(round(self.shown.width * factor), round(self.shown.height * factor))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(self.look.theme.px(100), self.look.theme.px(60))

    def heightForWidth(self, width: int) -> int:  # noqa: N802 (Qt's name)
        return round(self.shown.height * self._factor(width))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self._place()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        over = not self.marks or self.area_at(event.position().toPoint()) is not None
        shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        spot = event.position().toPoint()
        name = self.area_at(spot)
        if name is not None:
            self.marks[name].setFocus(Qt.FocusReason.MouseFocusReason)
            self.marks[name].click()
        at = self.picture_point(spot)
        if 0 <= at.x() <= self.shown.width and 0 <= at.y() <= self.shown.height:
            self.pointed.emit(QPoint(round(at.x()), round(at.y())))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        whole = QRectF(0, 0, self.shown.width, self.shown.height)
        target = self.on_screen.mapRect(whole)
        painter.fillRect(target, Qt.GlobalColor.white)
        if self._drawing is None:
            painter.setPen(QColor(CALM.ink))
            painter.drawText(target, Qt.TextFlag.TextWordWrap, self.shown.alt)
        elif isinstance(self._drawing[0], QSvgRenderer):
            self._drawing[0].render(painter, target)
        else:
            painter.drawImage(target, self._drawing[0])
        painter.setPen(QPen(QColor(CALM.line), 1))
        painter.drawRect(target)
        self.paint_over(painter)
        painter.end()

    def paint_over(self, painter: QPainter) -> None:
        """What else is drawn on the picture."""
