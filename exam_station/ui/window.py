"""The kiosk's only window: the bar above, the screen of the current state below."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from exam_station.flow import events
from exam_station.flow.codes import Language
from exam_station.flow.screens import Candidate
from exam_station.flow.states import State
from exam_station.loudspeaker import Loudspeaker
from exam_station.ui.look import Look
from exam_station.ui.screens.all_screens import VIEWS
from exam_station.ui.screens.screen_view import ScreenView
from exam_station.ui.texts import Texts
from exam_station.ui.theme import TextSize, Theme
from exam_station.ui.top_bar import TopBar


class KioskWindow(QWidget):
    """`render(state)` shows a state, `acted` emits what the person did as an event of the flow.

    The window holds no knowledge of its own but the look: language and sizes. Where the look
    changes, all widgets are made anew from the last state.
    """

    acted = Signal(object)

    def __init__(
        self,
        texts: Texts | None = None,
        *,
        closable: bool = False,
        loudspeaker: Loudspeaker | None = None,
    ) -> None:
        super().__init__()
        self._look = Look(Theme(), texts or Texts(), loudspeaker or Loudspeaker())
        self._closable = closable
        self._state: State | None = None
        self._placement: str | None = None
        self._bar: TopBar | None = None
        self._screen: ScreenView | None = None
        self.setObjectName("kiosk")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._dress(replace(self._look, theme=self._look.theme.fitted(self.size())))

    def render(self, state: State) -> None:  # type: ignore[override]  # QWidget's draws to a device
        """Shows `state`; the same state again changes nothing."""
        before, self._state = self._state, state
        if state is before:
            return
        self.setUpdatesEnabled(False)  # one picture after the other, nothing in between
        try:
            self._show_changed(state)
        finally:  # a view that fails must not freeze the ones after it
            self.setUpdatesEnabled(True)

    def _show_changed(self, state: State) -> None:
        self._forget_former(state)
        if state.status.language != self._look.texts.language:
            self._dress(replace(self._look, texts=Texts(state.status.language)))
        self._show(state)

    def _forget_former(self, state: State) -> None:
        """Where the seat passed on to somebody else, text size and contrast begin anew."""
        present = _placement(state)
        if present is None:
            return
        if self._placement is not None and self._placement != present:
            self._dress(replace(self._look, theme=Theme().fitted(self.size())))
        self._placement = present

    @property
    def text_size(self) -> TextSize:
        """The size of text that the candidate chose."""
        return self._look.theme.text_size

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        fitted = self._look.theme.fitted(self.size())
        if fitted != self._look.theme:
            self._dress(replace(self._look, theme=fitted))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """A kiosk is not closed by its user."""
        event.setAccepted(self._closable)

    def _show(self, state: State) -> None:
        if self._bar is not None:
            self._bar.show_state(state)
        kind = VIEWS[type(state.screen)]
        if not isinstance(self._screen, kind):
            self._replace_screen(kind(self._look))
        if self._screen is not None:
            self._screen.show_state(state)

    def _replace_screen(self, screen: ScreenView) -> None:
        former, self._screen = self._screen, screen
        screen.acted.connect(self.acted)
        if former is not None:
            former.hide()
            self._layout.removeWidget(former)
            former.deleteLater()
        self._layout.addWidget(screen, 1)
        screen.show()
        screen.setFocus(Qt.FocusReason.OtherFocusReason)

    def _dress(self, look: Look) -> None:
        """Makes every widget anew in another look."""
        if look == self._look and self._bar is not None:
            return
        self._look = look
        self.setStyleSheet(look.theme.stylesheet())
        self.setWindowTitle(look.texts("common.product"))
        self._replace_bar(TopBar(look))
        if self._screen is not None and self._state is not None:
            self._replace_screen(VIEWS[type(self._state.screen)](look))
            self._show(self._state)

    def _replace_bar(self, bar: TopBar) -> None:
        former, self._bar = self._bar, bar
        bar.language_chosen.connect(self._choose_language)
        bar.text_size_chosen.connect(self.choose_text_size)
        bar.contrast_chosen.connect(self.choose_contrast)
        if former is not None:
            former.hide()
            self._layout.removeWidget(former)
            former.deleteLater()
        self._layout.insertWidget(0, bar)
        bar.show()

    def _choose_language(self, language: Language) -> None:
        if language != self._look.texts.language:
            self.acted.emit(events.UserChangedLanguage(language))

    def choose_text_size(self, size: TextSize) -> None:
        self._dress(replace(self._look, theme=replace(self._look.theme, text_size=size)))

    def choose_contrast(self, high: bool) -> None:
        self._dress(replace(self._look, theme=replace(self._look.theme, high_contrast=high)))


def _placement(state: State) -> str | None:
    paper = getattr(state.screen, "writing", state.screen)
    person = getattr(paper, "candidate", None)
    return person.placement if isinstance(person, Candidate) else None
