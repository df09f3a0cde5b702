"""A piece that is carried: dragged with mouse or finger, or picked up here and put down there."""

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QScrollArea, QVBoxLayout

from exam_station.ui.content import ContentView
from exam_station.ui.look import Look
from question_bank.content import plain_text
from question_bank.item import Media

WIDEST = 560.0
PADDING = (16.0, 9.0)


class Carried(QAbstractButton):
    """A button that can also be dragged: `dropped` emits where, in global coordinates."""

    dropped = Signal(QPoint)

    def __init__(self) -> None:
        super().__init__()
        self._from: QPoint | None = None
        self._ghost: QLabel | None = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @property
    def can_be_carried(self) -> bool:
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        if event.button() == Qt.MouseButton.LeftButton and self.can_be_carried:
            self._from = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        if self._from is None or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
            return
        far = (event.position().toPoint() - self._from).manhattanLength()
        if self._ghost is None and far >= QApplication.startDragDistance():
            self._ghost = self._lift()
        if self._ghost is not None:
            spot = event.globalPosition().toPoint()
            self._ghost.move(self.window().mapFromGlobal(spot - self._from))
            self._keep_in_sight(spot)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        ghost, self._ghost, self._from = self._ghost, None, None
        if ghost is None:
            super().mouseReleaseEvent(event)
            return
        ghost.hide()
        ghost.deleteLater()
        self.setDown(False)
        self.dropped.emit(event.globalPosition().toPoint())

    def _lift(self) -> QLabel:
        ghost = QLabel(self.window())
        ghost.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        ghost.setPixmap(self.grab())
        ghost.resize(self.size())
        ghost.show()
        ghost.raise_()
        return ghost

    def _keep_in_sight(self, spot: QPoint) -> None:
        """Scrolls the paper where the piece is carried to its edge."""
        ancestor = self.parentWidget()
        while ancestor is not None and not isinstance(ancestor, QScrollArea):
            ancestor = ancestor.parentWidget()
        paper = ancestor.widget() if ancestor is not None else None
        if ancestor is not None and paper is not None:
            at = paper.mapFromGlobal(spot)
            ancestor.ensureVisible(at.x(), at.y(), 0, 40)


class Chip(Carried):
    """A piece with its content; checked while it is picked up, pale where it is used up. A `slot`
    is a place for a piece: it is empty, or shows the one that was put there."""

    def __init__(
        self, name: str, look: Look, media: Mapping[str, Media], content: str = "", *, slot: bool
    ) -> None:
        super().__init__()
        self.name = name
        self._look = look
        self._media = media
        self._slot = slot
        self._used_up = False
        self._shown = ""
        self._view: ContentView | None = None
        self._layout = QVBoxLayout(self)
        px = look.theme.px
        self._layout.setContentsMargins(
            px(PADDING[0]), px(PADDING[1]), px(PADDING[0]), px(PADDING[1])
        )
        self.setCheckable(not slot)
        if not slot:
            self.show_content(content)

    @property
    def can_be_carried(self) -> bool:
        return bool(self._shown)

    @property
    def content(self) -> str:
        """What it shows; nothing where it is an empty slot."""
        return self._shown

    def show_content(self, content: str) -> None:
        if content == self._shown:
            return
        self._shown = content
        if self._view is not None:
            self._layout.removeWidget(self._view)
            self._view.hide()
            self._view.deleteLater()
            self._view = None
        if content:
            theme = self._look.theme
            self._view = ContentView(content, theme, self._media, self)
            self._layout.addWidget(self._view)
            if not self._slot:
                self._take_size(self._view)
                self.setAccessibleName(plain_text(content))
        self.update()

    def _take_size(self, view: ContentView) -> None:
        px = self._look.theme.px
        width = min(view.sizeHint().width(), px(WIDEST))
        self.setFixedSize(
            width + 2 * px(PADDING[0]), view.heightForWidth(width) + 2 * px(PADDING[1])
        )

    def set_used_up(self, used_up: bool) -> None:
        self._used_up = used_up
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, px = self._look.theme.color, self._look.theme.px
        empty = self._slot and not self._shown
        strong = self.isChecked() or self.underMouse() or (self._slot and not empty)
        pen = QPen(color("primary" if strong else "muted"), px(3 if self.isChecked() else 1.5))
        if empty or self._used_up:
            pen.setStyle(Qt.PenStyle.DashLine)
        if self.hasFocus():
            pen = QPen(color("accent"), px(3))
        ground = "primary_soft" if strong and not self.underMouse() else "surface"
        painter.setPen(pen)
        painter.setBrush(color("paper" if empty or self._used_up else ground))
        half = pen.widthF() / 2
        outline = QRectF(self.rect()).adjusted(half, half, -half, -half)
        painter.drawRoundedRect(outline, px(10), px(10))
        painter.end()
