"""The few kinds of widgets of which every screen is made; `Theme.stylesheet` styles their roles."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from exam_station.ui.theme import Theme

#: All of Vietnam keeps this time, all the year; a kiosk's own setting of its zone does not count.
ZONE = timezone(timedelta(hours=7), "ICT")


def label(text: str, role: str = "", *, tone: str = "", name: str = "") -> QLabel:
    """Plain words that wrap; `role` is a type size, `tone` a meaning with a colour."""
    widget = QLabel(text)
    widget.setTextFormat(Qt.TextFormat.PlainText)
    widget.setWordWrap(True)
    widget.setProperty("role", role)
    widget.setProperty("tone", tone)
    widget.setObjectName(name)
    return widget


def one_line(text: str, role: str = "", *, tone: str = "", name: str = "") -> QLabel:
    """Words that must not wrap."""
    widget = label(text, role, tone=tone, name=name)
    widget.setWordWrap(False)
    return widget


class ShorteningLabel(QLabel):
    """One line that ends in an ellipsis where there is no room; its accessible name is whole."""

    def __init__(self, role: str, *, tone: str = "", name: str = "") -> None:
        super().__init__()
        self._words = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setProperty("tone", tone)
        self.setObjectName(name)

    def set_words(self, words: str) -> None:
        """The whole text."""
        if words != self._words:
            self._words = words
            self.setAccessibleName(words)
            self.setToolTip(words)
            self.updateGeometry()
            self._shorten()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._words) + 2, metrics.height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        metrics = self.fontMetrics()
        return QSize(min(self.sizeHint().width(), metrics.height() * 5), metrics.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        end = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self._words, end, max(1, self.width())))


def button(text: str, name: str, pressed: Callable[[], object], role: str = "") -> QPushButton:
    """A push button found by `name`; `role` is ``primary``, ``quiet`` or nothing."""
    widget = QPushButton(text)
    widget.setObjectName(name)
    widget.setAccessibleName(text)
    widget.setProperty("role", role)
    widget.setCursor(Qt.CursorShape.PointingHandCursor)
    widget.setAutoDefault(True)
    widget.clicked.connect(lambda: pressed())
    return widget


def frame(role: str, *, tone: str = "", name: str = "") -> QFrame:
    """A framed ground: ``card``, ``notice``, ``bar``, ``footer``, ``side`` or ``rule``."""
    widget = QFrame()
    widget.setProperty("role", role)
    widget.setProperty("tone", tone)
    widget.setObjectName(name)
    return widget


def rule(theme: Theme) -> QFrame:
    """A thin horizontal line."""
    line = frame("rule")
    line.setFixedHeight(theme.px(1))
    return line


def card(theme: Theme, *parts: QWidget | QLayout) -> QFrame:
    """A raised ground with its parts below each other."""
    ground = frame("card")
    layout = column(theme, *parts, gap=14, margin=32)
    ground.setLayout(layout)
    return ground


def notice(theme: Theme, text: str, *, tone: str = "", name: str = "") -> QFrame:
    """A coloured ground with one message."""
    ground = frame("notice", tone=tone, name=name)
    ground.setAccessibleName(text)
    ground.setLayout(column(theme, label(text), margin=18))
    return ground


def column(
    theme: Theme, *parts: QWidget | QLayout | None, gap: float = 16, margin: float = 0
) -> QVBoxLayout:
    """Parts below each other; None is a stretch."""
    layout = QVBoxLayout()
    _fill(layout, theme, parts, gap, margin)
    return layout


def row(
    theme: Theme, *parts: QWidget | QLayout | None, gap: float = 16, margin: float = 0
) -> QHBoxLayout:
    """Parts beside each other; None is a stretch."""
    layout = QHBoxLayout()
    _fill(layout, theme, parts, gap, margin)
    return layout


def _fill(
    layout: QVBoxLayout | QHBoxLayout,
    theme: Theme,
    parts: tuple[QWidget | QLayout | None, ...],
    gap: float,
    margin: float,
) -> None:
    layout.setSpacing(theme.px(gap))
    edge = theme.px(margin) if margin else 0
    layout.setContentsMargins(edge, edge, edge, edge)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)


def fact(name: str, value: str) -> QVBoxLayout:
    """A small name over a strong value."""
    layout = QVBoxLayout()
    layout.setSpacing(0)
    layout.addWidget(one_line(name, "small"))
    layout.addWidget(label(value, "strong"))
    return layout


def portrait(theme: Theme, data: bytes | None, width: float) -> QLabel:
    """A picture in the proportion 3 : 4 of the cards; an empty ground without one."""
    widget = QLabel()
    size = theme.px(width), theme.px(width * 4 / 3)
    widget.setFixedSize(*size)
    widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
    palette = theme.palette
    widget.setStyleSheet(
        f"background: {palette.primary_soft}; border: {theme.px(2)}px solid {palette.line};"
        f" border-radius: {theme.px(10)}px;"
    )
    image = QImage.fromData(QByteArray(data)) if data else QImage()
    if not image.isNull():
        widget.setPixmap(fitted(image, *size))
    return widget


def fitted(image: QImage, width: int, height: int) -> QPixmap:
    """The image scaled to fill width × height, what sticks out cut off evenly."""
    scaled = image.scaled(
        width,
        height,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    left, top = (scaled.width() - width) // 2, (scaled.height() - height) // 2
    return QPixmap.fromImage(scaled.copy(left, top, width, height))


def restyle(widget: QWidget, **properties: object) -> None:
    """Sets style properties of a widget that is already shown."""
    changed = {k: v for k, v in properties.items() if widget.property(k) != v}
    for name, value in changed.items():
        widget.setProperty(name, value)
    if changed:
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def expanding(widget: QWidget) -> QWidget:
    """The widget, told to take what room there is."""
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    return widget


def clock_time(moment: datetime) -> str:
    """Hours and minutes of a moment in Vietnam."""
    return f"{moment.astimezone(ZONE):%H:%M}"


def clock_date(moment: datetime) -> str:
    """The day of a moment in Vietnam, as it is written there."""
    return f"{moment.astimezone(ZONE):%d/%m/%Y}"


def countdown(left: timedelta) -> str:
    """Time left: 1:02:03 or 12:03; never below zero."""
    seconds = max(0, int(left.total_seconds()))
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def until(moment: datetime, now: datetime | None) -> timedelta | None:
    """Time from `now` to `moment`, None where the server's time is not known."""
    return None if now is None else moment.astimezone(UTC) - now.astimezone(UTC)
