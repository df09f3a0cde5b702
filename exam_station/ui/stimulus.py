"""What several items refer to, a passage or a table of data, in a pane that scrolls by itself."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.look import Look
from exam_station.ui.sound_player import SoundShelf
from question_bank.content import plain_text
from question_bank.item import Media
from question_bank.package import PresentedStimulus


class StimulusPane(QScrollArea):
    """The text in its frame. With the keyboard, arrow keys scroll it, Home and End go to its
    ends. Going from one of its items to the next neither makes it anew nor scrolls it."""

    def __init__(
        self,
        stimulus: PresentedStimulus,
        look: Look,
        media: Mapping[str, Media],
        sounds: SoundShelf,
    ) -> None:
        super().__init__()
        self.stimulus = stimulus
        theme = look.theme
        self.setObjectName("stimulus")
        self.setAccessibleName(look.texts("item.stimulus"))
        self.setAccessibleDescription(plain_text(stimulus.content))
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._ground = elements.frame("card")
        text = ContentView(stimulus.content, theme, media, sounds=sounds)
        text.setObjectName("stimulus-text")
        self._ground.setLayout(elements.column(theme, text, None, margin=28))
        outer = QWidget()
        layout = QVBoxLayout(outer)
        edge = theme.px(36)
        layout.setContentsMargins(edge, edge, theme.px(12), edge)
        layout.addWidget(self._ground)
        self.setWidget(outer)
        self.verticalScrollBar().setSingleStep(theme.text_px(40))

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        super().focusInEvent(event)
        elements.restyle(self._ground, tone="focused")

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        super().focusOutEvent(event)
        elements.restyle(self._ground, tone="")
