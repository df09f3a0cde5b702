"""The chip is being read: the phases by name, and how far it is."""

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QLayout, QProgressBar, QVBoxLayout, QWidget

from card_reader.reader import StepName
from exam_station.flow.screens import Reading
from exam_station.flow.states import Status
from exam_station.ui.elements import column, label, one_line, portrait, restyle, row
from exam_station.ui.illustrations import Scene
from exam_station.ui.screens.screen_view import StageView
from exam_station.ui.theme import Theme

#: What a person is told of the reading's steps: the phase's text and the step that begins it.
PHASES = (
    ("reading.contact", StepName.CARD_ACCESS),
    ("reading.access", StepName.ACCESS),
    ("reading.files", StepName.SOD),
    ("reading.portrait", StepName.DG2),
    ("reading.genuine", StepName.CHIP_AUTHENTICATION),
)
#: The application is selected before BAC and behind PACE: either way it belongs to the unlocking.
SAME_AS = {StepName.SELECT: StepName.ACCESS}
PORTRAIT_WIDTH = 190
_ORDER = list(StepName)
_TICK = (QPointF(-0.22, 0.02), QPointF(-0.06, 0.18), QPointF(0.24, -0.16))


def phase_of(step: str) -> int:
    """The place in PHASES of the phase that a step belongs to; 0 before the first."""
    if step not in _ORDER:
        return 0
    begun = [place for place, (_, first) in enumerate(PHASES) if _reached(step, first)]
    return begun[-1]


def _reached(step: str, first: StepName) -> bool:
    name = StepName(step)
    return _ORDER.index(SAME_AS.get(name, name)) >= _ORDER.index(first)


class PhaseMark(QWidget):
    """A ring for what is to come, a dot for now, a tick for done."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._place = 1
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(self._theme.text_px(34), self._theme.text_px(34))

    def set_place(self, place: int) -> None:
        """-1 done, 0 now, 1 to come."""
        if place != self._place:
            self._place = place
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, pen = self._theme.color, self._theme.px(3)
        done = self._place < 0
        painter.setPen(QPen(color("line" if self._place > 0 else "primary"), pen))
        painter.setBrush(color("primary" if done else "surface"))
        ring = QRectF(self.rect()).adjusted(pen, pen, -pen, -pen)
        painter.drawEllipse(ring)
        side, middle = ring.width(), ring.center()
        if done:
            painter.setPen(QPen(color("on_primary"), pen))
            painter.translate(middle)
            painter.drawPolyline([point * side for point in _TICK])
        elif self._place == 0:
            painter.setBrush(color("primary"))
            painter.drawEllipse(middle, side * 0.2, side * 0.2)
        painter.end()


class ReadingView(StageView[Reading]):
    scene = Scene.READING

    def compose(self, screen: Reading) -> QLayout:
        texts, theme = self.look.texts, self.look.theme
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(texts("reading.title"))
        self._lead = label(texts("reading.lead"), "lead", tone="muted")
        self._phases: list[tuple[PhaseMark, QLabel]] = []
        lines = []
        for key, _ in PHASES:
            mark, words = PhaseMark(theme), one_line(texts(key), "lead")
            self._phases.append((mark, words))
            lines.append(row(theme, mark, words, None, gap=18))
        return column(
            theme,
            label(screen.candidate.name, "overline"),
            label(texts("reading.title"), "title"),
            self._lead,
            self._bar,
            row(theme, column(theme, *lines, None, gap=12), None, self._picture(screen), gap=28),
            gap=26,
        )

    def _picture(self, screen: Reading) -> QVBoxLayout:
        """The chip's portrait with what is known of it so far; its place is empty until then."""
        texts, theme = self.look.texts, self.look.theme
        picture = portrait(theme, screen.portrait, PORTRAIT_WIDTH)
        picture.setObjectName("reading-portrait")
        picture.setAccessibleName(texts("common.portrait"))
        caption = one_line(texts("reading.being_checked"), "small", name="portrait-caption")
        for widget in (picture, caption):
            kept = widget.sizePolicy()
            kept.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(kept)
            widget.setVisible(screen.portrait is not None)
        return column(theme, picture, caption, None, gap=8)

    def needs_composing(self, screen: Reading) -> bool:
        before = self.shown
        return before is None or (before.candidate, before.portrait) != (
            screen.candidate,
            screen.portrait,
        )

    def refresh(self, screen: Reading, _status: Status) -> None:
        self._bar.setRange(0, max(1, screen.total))
        self._bar.setValue(screen.done)
        self._lead.setText(self.look.texts("reading.slipped" if screen.slipped else "reading.lead"))
        restyle(self._lead, tone="danger" if screen.slipped else "muted")
        current = phase_of(screen.step)
        for place, (mark, words) in enumerate(self._phases):
            mark.set_place((place > current) - (place < current))
            restyle(words, tone="muted" if place > current else "")
