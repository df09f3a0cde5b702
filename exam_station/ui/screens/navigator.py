"""The grid of item numbers by parts. Every state shows by colour and by shape."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QScrollArea, QWidget

from exam_station.sitting import Sitting
from exam_station.ui.elements import column, label, one_line, row
from exam_station.ui.look import Look
from exam_station.ui.theme import Theme
from question_bank.interactions import GraphicOrder, Order, ids_of
from question_bank.package import PresentedCluster, PresentedComposite, PresentedItem
from question_bank.response import ClusterResponse, CompositeResponse, OrderResponse, Response

COLUMNS = 6
CELL = (56.0, 54.0)
BAND = 0.3


def answered_part(item: PresentedItem, response: Response | None) -> float:
    """How much of the item is answered, from 0 to 1: statements of a cluster, parts of a composite,
    places of an order."""
    if response is None or response.is_empty:
        return 0.0
    match item.interaction, response:
        case PresentedCluster(statements=statements), ClusterResponse(values=values):
            return len(values) / len(statements)
        case PresentedComposite(parts=parts), CompositeResponse(parts=given):
            return sum(not one.is_empty for one in given.values()) / len(parts)
        case Order() | GraphicOrder(), OrderResponse(options=placed):
            return len(placed) / len(ids_of(item.interaction))
    return 1.0


class ItemCell(QAbstractButton):
    """A number: filled where answered, with a filled foot where partly, with a corner where marked,
    in a ring where it is the item on the screen."""

    def __init__(self, number: int, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.number = number
        self._answered, self._flagged, self._current = 0.0, False, False
        self.setObjectName(f"item-{number}")
        self.setText(str(number))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedSize(theme.px(CELL[0]), theme.px(CELL[1]))

    def set_marks(self, *, answered: float, flagged: bool, current: bool) -> None:
        """What the cell shows; repaints only where something changed."""
        marks = (answered, flagged, current)
        if marks != (self._answered, self._flagged, self._current):
            self._answered, self._flagged, self._current = marks
            self.update()

    def set_spoken(self, words: str) -> None:
        """What a screen reader says."""
        if self.accessibleName() != words:
            self.setAccessibleName(words)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, px = self._theme.color, self._theme.px
        inset = px(5)
        box = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        outline = QPainterPath()
        outline.addRoundedRect(box, px(8), px(8))
        full = self._answered >= 1
        painter.fillPath(outline, color("primary" if full else "surface"))
        painter.save()
        painter.setClipPath(outline)
        if 0 < self._answered < 1:
            painter.fillRect(box.adjusted(0, box.height() * (1 - BAND), 0, 0), color("primary"))
        if self._flagged:
            self._paint_flag(painter, box)
        painter.restore()
        border = "primary" if self._answered or self.underMouse() else "muted"
        painter.setPen(QPen(color(border), px(1.5)))
        painter.drawPath(outline)
        if self._current or self.hasFocus():
            style = Qt.PenStyle.SolidLine if self._current else Qt.PenStyle.DashLine
            painter.setPen(QPen(color("accent"), px(3), style))
            ring = QRectF(self.rect()).adjusted(px(2), px(2), -px(2), -px(2))
            painter.drawRoundedRect(ring, px(10), px(10))
        self._paint_number(painter, box, full)
        painter.end()

    def _paint_flag(self, painter: QPainter, box: QRectF) -> None:
        side, right, top = box.width() * 0.46, box.right(), box.top()
        corner = [QPointF(right - side, top), QPointF(right, top), QPointF(right, top + side)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("flag"))
        painter.drawPolygon(QPolygonF(corner))

    def _paint_number(self, painter: QPainter, box: QRectF, full: bool) -> None:
        font = self._theme.font(18, bold=self._answered > 0 or self._current)
        font.setPixelSize(min(font.pixelSize(), round(box.height() * 0.6)))
        painter.setFont(font)
        partly = 0 < self._answered < 1
        painter.setPen(self._theme.color("on_primary" if full else "ink"))
        above = box.adjusted(0, 0, 0, -box.height() * BAND) if partly else box
        painter.drawText(above, Qt.AlignmentFlag.AlignCenter, self.text())


class Navigator(QWidget):
    """The items that may be gone to, by parts; `chosen` emits an item's id."""

    chosen = Signal(str)

    def __init__(self, sitting: Sitting, look: Look) -> None:
        super().__init__()
        self._look = look
        self._cells: dict[str, ItemCell] = {}
        theme = look.theme
        parts: list[QWidget | None] = []
        for part in sitting.form.parts:
            if part.items[0] in sitting.open_items:
                parts += [label(part.title, "strong"), self._grid(part.items)]
        inner = QWidget()
        inner.setLayout(column(theme, *parts, None, gap=10))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        self._area = area
        self._current = ""
        self.setLayout(column(theme, area, self._legend(), gap=14))

    @property
    def cells(self) -> list[ItemCell]:
        """The numbers in their order."""
        return list(self._cells.values())

    def _grid(self, items: tuple[PresentedItem, ...]) -> QWidget:
        ground = QWidget()
        grid = QGridLayout(ground)
        grid.setContentsMargins(0, 0, 0, self._look.theme.px(10))
        grid.setSpacing(self._look.theme.px(4))
        grid.setColumnStretch(COLUMNS, 1)
        for place, item in enumerate(items):
            cell = ItemCell(item.number, self._look.theme)
            cell.clicked.connect(self._chooser(item.id))
            self._cells[item.id] = cell
            grid.addWidget(cell, place // COLUMNS, place % COLUMNS)
        return ground

    def _chooser(self, item: str) -> Callable[[], None]:
        return lambda: self.chosen.emit(item)

    def _legend(self) -> QWidget:
        """One sample cell per state, with its name."""
        texts, theme = self._look.texts, self._look.theme
        samples = (
            ("navigator.answered", 1.0, False, False),
            ("navigator.partly", 0.5, False, False),
            ("navigator.unanswered", 0.0, False, False),
            ("navigator.flagged", 0.0, True, False),
            ("navigator.current", 0.0, False, True),
        )
        ground = QWidget()
        grid = QGridLayout(ground)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.px(4))
        for place, (key, answered, flagged, current) in enumerate(samples):
            sample = ItemCell(0, theme)
            sample.setObjectName("")
            sample.setText("")
            sample.setFixedSize(theme.px(34), theme.px(32))
            sample.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            sample.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            sample.set_marks(answered=answered, flagged=flagged, current=current)
            line = row(theme, sample, one_line(texts(key), "small"), None, gap=8)
            grid.addLayout(line, place // 2, place % 2)
        return ground

    def show_sitting(self, sitting: Sitting) -> None:
        """Marks every cell, and brings the current one into view when it changed."""
        for item in sitting.open_items:
            cell = self._cells[item.id]
            answered = answered_part(item, sitting.response(item.id))
            flagged, current = item.id in sitting.flags, item.id == sitting.current
            cell.set_marks(answered=answered, flagged=flagged, current=current)
            cell.set_spoken(self._spoken(item.number, answered, flagged, current))
        if sitting.current != self._current:
            self._current = sitting.current
            self._area.ensureWidgetVisible(self._cells[sitting.current])

    def _spoken(self, number: int, answered: float, flagged: bool, current: bool) -> str:
        texts = self._look.texts
        state = "answered" if answered >= 1 else "partly" if answered else "unanswered"
        said = [texts("navigator.item", number=number), texts(f"navigator.{state}")]
        said += [texts("navigator.flagged")] if flagged else []
        said += [texts("navigator.current")] if current else []
        return ", ".join(said)
