"""What a screen is: made once for a kind of state, then shown every state of that kind."""

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLayout, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from exam_station.flow import events
from exam_station.flow.states import State, Status
from exam_station.ui import elements
from exam_station.ui.illustrations import Illustration, Scene
from exam_station.ui.look import Look

PANEL_WIDTH = 640.0
BODY_WIDTH = 1060.0


class ScreenView(QWidget):
    """A screen: `acted` emits events of `exam_station.flow.events`."""

    acted = Signal(object)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look
        self.setProperty("ground", "paper")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        # Takes the keyboard when it appears, so that no stray key presses a button.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def show_state(self, state: State) -> None:
        """Draws the state; called at every change, also where nothing of this screen changed."""
        raise NotImplementedError


class Panel(QWidget):
    """The dark half: a drawing over the place where the kiosk stands."""

    def __init__(self, scene: Scene, look: Look) -> None:
        super().__init__()
        theme = look.theme
        self._look = look
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        deep, primary = theme.palette.primary_deep, theme.palette.primary
        end = deep if theme.high_contrast else primary
        self.setStyleSheet(
            "QWidget#panel { background: qlineargradient(x1:0, y1:0, x2:0.35, y2:1,"
            f" stop:0 {deep}, stop:1 {end}); }}"
            " QWidget#panel QLabel { color: #FFFFFF; }"
        )
        self.setFixedWidth(theme.beside_text(PANEL_WIDTH))
        self._centre = elements.label("", "muted")
        self._place = elements.label("", "heading", name="place")
        layout = QVBoxLayout(self)
        margin = theme.beside_text(56)
        layout.setContentsMargins(margin, margin, margin, margin)
        layout.setSpacing(theme.px(4))
        layout.addStretch(1)
        layout.addWidget(
            Illustration(scene, theme.beside_text(500), theme), 0, Qt.AlignmentFlag.AlignHCenter
        )
        layout.addStretch(1)
        layout.addWidget(self._place)
        layout.addWidget(self._centre)

    def show_status(self, status: Status) -> None:
        """The seat under the drawing, once it is known."""
        place, texts = status.place, self._look.texts
        if place is None:
            return
        self._place.setText(texts("common.place", room=place.room, seat=place.seat))
        self._centre.setText(place.centre)


S = TypeVar("S")


class StageView(ScreenView, Generic[S]):
    """A screen of one message: drawing and place on the left, words and buttons on the right.

    `compose` and `choices` are called where the screen's own data changed, `refresh` at every
    state.
    """

    scene = Scene.STARTING

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.shown: S | None = None
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._panel = Panel(self.scene, look)
        self._footer = elements.frame("footer")
        margin = look.theme.px(16)
        self._buttons = elements.row(look.theme, gap=18)
        self._buttons.setContentsMargins(2 * margin, margin, 2 * margin, margin)
        self._footer.setLayout(self._buttons)
        right = elements.column(look.theme, self._area, self._footer, gap=0)
        right.setStretch(0, 1)
        layout = elements.row(look.theme, self._panel, gap=0)
        layout.addLayout(right, 1)
        self.setLayout(layout)

    def show_state(self, state: State) -> None:
        screen = cast(S, state.screen)
        self._panel.show_status(state.status)
        if self.needs_composing(screen):
            body = self.compose(screen)
            self.shown = screen
            former = self._area.takeWidget()
            if former is not None:
                former.deleteLater()
            self._area.setWidget(self._framed(body))
            self._offer(self.choices(screen))
        self.refresh(screen, state.status)

    def compose(self, screen: S) -> QLayout:
        """The words and buttons for `screen`."""
        raise NotImplementedError

    def choices(self, _screen: S) -> Sequence[QPushButton]:
        """The buttons, always in sight below the words; the last one is the usual way on."""
        return ()

    def _offer(self, buttons: Sequence[QPushButton]) -> None:
        while (former := self._buttons.takeAt(0)) is not None:
            widget = former.widget()
            if widget is not None:
                widget.setParent(None)  # it is none of the footer's buttons any more
                widget.deleteLater()
        self._buttons.addStretch(1)
        for button in buttons:
            self._buttons.addWidget(button)
        self._footer.setVisible(bool(buttons))

    def refresh(self, _screen: S, _status: Status) -> None:
        """What changes with time or with every picture; nothing on most screens."""

    def offline_button(self, key: str) -> QPushButton:
        """What a proctor may do where there is no network; `show_offline` brings it in sight."""
        words = self.look.texts(f"offline.{key}")
        self._offline = elements.button(
            words, "offline", lambda: self.acted.emit(events.UserGoesOffline())
        )
        return self._offline

    def show_offline(self, connected: bool) -> None:
        """The proctor's button is there without a network only, and its footer with it."""
        self._offline.setVisible(not connected)
        others = self._footer.findChildren(QPushButton)
        self._footer.setVisible(not connected or len(others) > 1)

    def needs_composing(self, screen: S) -> bool:
        """Whether the words and buttons must be made anew."""
        return screen != self.shown

    def _framed(self, body: QLayout) -> QWidget:
        theme = self.look.theme
        inner = QWidget()
        inner.setLayout(body)
        inner.setMaximumWidth(theme.px(BODY_WIDTH * theme.text_size.value))
        inner.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        outer = QWidget()
        layout = QVBoxLayout(outer)
        margin = theme.beside_text(88)
        layout.setContentsMargins(margin, theme.px(28), margin, theme.px(28))
        layout.addStretch(1)
        layout.addWidget(inner)
        layout.addStretch(1)
        return outer
