"""The bar above every screen: who sits here, the time that is left, whether all is saved, and the
candidate's choices of language, text size and contrast."""

from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from functools import partial

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from exam_station.flow.codes import Language
from exam_station.flow.screens import ConfirmSubmit, TimeUp, Writing
from exam_station.flow.states import State
from exam_station.ui import elements
from exam_station.ui.look import Look
from exam_station.ui.theme import TextSize, Theme

WARNING, URGENT = timedelta(minutes=10), timedelta(minutes=5)
#: Records on their way are no news; so many are.
BACKLOG = 10


class Link(Enum):
    """How the station and the server stand; each has a colour and a shape."""

    SAVED = "good"
    SENDING = "accent"
    APART = "danger"


class LinkMark(QWidget):
    """A disc, a ring or a triangle before the words."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._link = Link.SAVED
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(self._theme.px(20), self._theme.px(20))

    def set_link(self, link: Link) -> None:
        if link is not self._link:
            self._link = link
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, edge = self._theme.color(self._link.value), self._theme.px(3)
        painter.setPen(QPen(color, edge))
        box = QRectF(self.rect()).adjusted(edge, edge, -edge, -edge)
        if self._link is Link.APART:
            top = QPointF(box.center().x(), box.top())
            painter.drawPolygon(QPolygonF([top, box.bottomRight(), box.bottomLeft()]))
        else:
            painter.setBrush(color if self._link is Link.SAVED else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(box)
        painter.end()


class Emblem(QWidget):
    """The project's sign: the gate of an examination ground."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(self._theme.px(48), self._theme.px(48))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self.width() / 48, self.height() / 48)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("primary"))
        painter.drawRoundedRect(QRectF(0, 0, 48, 48), 11, 11)
        painter.setBrush(self._theme.color("on_primary"))
        roof = [(7, 19), (11, 14), (37, 14), (41, 19), (37, 20), (11, 20)]
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in roof]))
        for x in (12, 31):
            painter.drawRect(QRectF(x, 20, 5, 19))
        painter.drawRect(QRectF(12, 23, 24, 3))
        painter.setBrush(self._theme.color("accent"))
        painter.drawRect(QRectF(21.5, 30, 5, 9))
        painter.end()


class TopBar(QFrame):
    """`language_chosen`, `text_size_chosen` and `contrast_chosen` tell of the candidate's wish."""

    language_chosen = Signal(object)
    text_size_chosen = Signal(object)
    contrast_chosen = Signal(bool)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        theme, texts = look.theme, look.texts
        self.setProperty("role", "bar")
        self.setMinimumHeight(max(theme.px(92), theme.bar_px(88)))
        self._title = elements.ShorteningLabel("strong", name="candidate")
        self._subtitle = elements.ShorteningLabel("small", name="candidate-details")
        self._remaining = elements.one_line("", "clock", name="remaining")
        self._remaining_name = elements.one_line(texts("bar.remaining"), "small")
        self._mark = LinkMark(theme)
        self._link = elements.ShorteningLabel("strong", name="connection")
        self._link_details = elements.ShorteningLabel("small", name="connection-details")
        self._head_code = elements.one_line("", "small", name="bar-head-code")
        self._realm = elements.one_line(texts("bar.test_realm"), "overline", name="realm")
        self._disk = elements.one_line(texts("bar.disk_low"), "overline", name="disk-low")
        elements.restyle(self._disk, tone="danger")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.px(32), theme.px(12), theme.px(24), theme.px(12))
        layout.setSpacing(theme.px(18))
        layout.addWidget(Emblem(theme))
        layout.addLayout(elements.column(theme, self._title, self._subtitle, gap=0))
        layout.addWidget(self._realm)
        layout.addWidget(self._disk)
        layout.addStretch(1)
        time = elements.row(theme, self._remaining_name, self._remaining, gap=14)
        layout.addLayout(time)
        layout.addStretch(1)
        layout.addWidget(self._mark)
        layout.addLayout(
            elements.column(theme, self._link, self._link_details, self._head_code, gap=0)
        )
        layout.addSpacing(theme.px(16))
        for widget in (*self._languages(), *self._text_sizes(), self._contrast()):
            layout.addWidget(widget)

    def _languages(self) -> list[QWidget]:
        texts = self._look.texts
        names = {Language.VI: texts("bar.vietnamese"), Language.EN: texts("bar.english")}
        return [
            self._choice(
                language.value.upper(),
                f"language-{language}",
                name,
                language is texts.language,
                partial(self.language_chosen.emit, language),
            )
            for language, name in names.items()
        ]

    def _text_sizes(self) -> list[QWidget]:
        texts, theme = self._look.texts, self._look.theme
        sizes: list[QWidget] = []
        for size in TextSize:
            code = size.name.lower()
            widget = self._choice(
                "A",
                f"text-{code}",
                texts(f"bar.text_{code}"),
                size is theme.text_size,
                partial(self.text_size_chosen.emit, size),
            )
            pixels = theme.px(18 + 28 * (size.value - 1))
            widget.setStyleSheet(f"font-size: {pixels}px;")
            sizes.append(widget)
        return sizes

    def _contrast(self) -> QWidget:
        high = self._look.theme.high_contrast
        return self._choice(
            "\N{CIRCLE WITH RIGHT HALF BLACK}",
            "high-contrast",
            self._look.texts("bar.contrast"),
            high,
            lambda: self.contrast_chosen.emit(not high),
        )

    def _choice(
        self, text: str, name: str, spoken: str, chosen: bool, pressed: Callable[[], object]
    ) -> QPushButton:
        widget = elements.button(text, name, pressed, role="quiet")
        widget.setAccessibleName(spoken)
        widget.setToolTip(spoken)
        widget.setCheckable(True)
        widget.setChecked(chosen)
        widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # Checked is what the look says, not what was pressed last.
        widget.clicked.connect(lambda: widget.setChecked(chosen))
        return widget

    def show_state(self, state: State) -> None:
        """Everything the bar shows of the state."""
        self._realm.setVisible(state.status.realm == "test")
        self._disk.setVisible(state.devices is not None and state.devices.disk_low)
        self._show_person(state)
        self._show_remaining(state)
        self._show_link(state)

    def _show_person(self, state: State) -> None:
        texts, screen = self._look.texts, state.screen
        paper = screen.writing if isinstance(screen, ConfirmSubmit) else screen
        if isinstance(paper, Writing):
            person = paper.candidate
            self._title.set_words(person.name)
            self._subtitle.set_words(
                texts(
                    "bar.candidate",
                    number=person.registration_number,
                    paper=paper.sitting.form.paper,
                    code=paper.sitting.form.code,
                )
            )
            return
        self._title.set_words(texts("common.product"))
        now = state.status.now
        clock = elements.clock_time(now) if now else "–"
        self._subtitle.set_words(texts("bar.server_time", time=clock))

    def _show_remaining(self, state: State) -> None:
        left = state.status.remaining
        shown = isinstance(state.screen, Writing | ConfirmSubmit) and left is not None
        self._remaining.setVisible(shown)
        self._remaining_name.setVisible(shown)
        if left is None:
            return
        self._remaining.setText(elements.countdown(left))
        texts, section = self._look.texts, state.status.section
        if section is None:
            self._remaining_name.setText(texts("bar.remaining"))
        else:
            number, total = section
            named = texts("bar.section_remaining", number=number, total=total)
            self._remaining_name.setText(named)
        tone = "danger" if left < URGENT else "accent" if left < WARNING else "primary"
        elements.restyle(self._remaining, tone=tone)

    def _show_link(self, state: State) -> None:
        link, words, details = link_words(self._look, state)
        self._mark.setVisible(bool(words))
        self._mark.set_link(link)
        self._link.set_words(words)
        self._link.setVisible(bool(words))
        self._link_details.set_words(details)
        self._link_details.setVisible(bool(details))
        code = state.status.head_code if link is Link.APART and details else ""
        self._head_code.setVisible(bool(code) and isinstance(state.screen, Writing | ConfirmSubmit))
        self._head_code.setText(self._look.texts("bar.head_code", code=code))


def link_words(look: Look, state: State) -> tuple[Link, str, str]:
    """What to say of the connection, short and in detail; an idle kiosk whose connection is sound
    says nothing."""
    texts, status = look.texts, state.status
    writing = isinstance(state.screen, Writing | ConfirmSubmit | TimeUp)
    if not status.connected and status.lost_since is not None:
        time = elements.clock_time(status.lost_since)
        if not writing:
            return Link.APART, texts("bar.apart"), texts("bar.apart_since", time=time)
        details = texts("bar.apart_unsent", time=time, count=status.unsent)
        return Link.APART, texts("bar.saved_here"), details
    if status.unsent >= BACKLOG:
        return Link.SENDING, texts("bar.saved_here"), texts("bar.sending", count=status.unsent)
    return Link.SAVED, texts("bar.saved") if writing else "", ""
