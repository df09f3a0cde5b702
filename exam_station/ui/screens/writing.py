"""The paper: the item on the left, all items on the right, the way from one to the next below."""

from collections.abc import Callable, Mapping
from itertools import pairwise

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from exam_station.flow import events
from exam_station.flow.screens import Writing
from exam_station.flow.states import State
from exam_station.sitting import Sitting
from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.items.present import item_view
from exam_station.ui.look import Look
from exam_station.ui.screens.navigator import Navigator
from exam_station.ui.screens.screen_view import ScreenView
from exam_station.ui.sound_player import SoundShelf
from exam_station.ui.stimulus import StimulusPane
from question_bank.item import Media
from question_bank.package import PresentedComposite, PresentedItem, PresentedPart

SIDE_WIDTH = 430.0
COLUMN_WIDTH = 1160.0


class WritingView(ScreenView):
    """Emits UserAnswered, UserWentTo, UserFlagged and UserAskedSubmit.

    One item is built when the candidate comes to it; later states only change what differs, so
    that focus, scrolling and what is being typed stay.
    """

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._sitting: Sitting | None = None
        self._item: ItemView | None = None
        self._navigator: Navigator | None = None
        theme, texts = look.theme, look.texts
        self._area = QScrollArea()
        self._area.setObjectName("item-area")
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._previous = elements.button(
            texts("writing.previous"), "previous-item", lambda: self._step(-1)
        )
        self._next = elements.button(
            texts("writing.next"), "next-item", lambda: self._step(1), "primary"
        )
        self._flag = elements.button(texts("writing.flag"), "flag-item", self._toggle_flag, "flag")
        self._flag.setCheckable(True)
        self._progress = elements.label("", "strong", name="progress")
        self._side = elements.frame("side")
        growth = 1 + (theme.text_size.value - 1) * 0.7
        self._side.setFixedWidth(theme.px(SIDE_WIDTH * growth))
        self._side_layout = QVBoxLayout(self._side)
        edge = theme.px(24)
        self._side_layout.setContentsMargins(edge, edge, edge, edge)
        self._side_layout.setSpacing(theme.px(16))
        self._submit = elements.button(
            texts("writing.submit"), "submit", lambda: self.acted.emit(events.UserAskedSubmit())
        )
        self._side_layout.addWidget(self._progress)
        self._side_layout.addWidget(self._submit)
        self._stimulus: StimulusPane | None = None
        self._sounds = SoundShelf(look, self)
        self._sounds.heard.connect(self._hear)
        self._sounds.tried.connect(lambda works: self._soon(events.SoundTried(works)))
        self._beside = QSplitter(Qt.Orientation.Horizontal)
        self._beside.setChildrenCollapsible(False)
        self._beside.setHandleWidth(theme.px(12))
        self._beside.addWidget(self._area)
        left = elements.column(theme, self._beside, self._footer(), gap=0)
        left.setStretch(0, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(left, 1)
        layout.addWidget(self._side)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow)
        self._bind("Ctrl+Right", lambda: self._step(1))
        self._bind("Ctrl+Left", lambda: self._step(-1))
        self._bind("PgDown", lambda: self._step(1))
        self._bind("PgUp", lambda: self._step(-1))

    def _hear(self, sound: str, play: int, at: int) -> None:
        self._soon(events.UserHeard(sound, play, at))

    def _soon(self, event: events.Event) -> None:
        """A player may be stopped by what is just being shown: it is told of afterwards."""
        QTimer.singleShot(0, self, lambda: self.acted.emit(event))

    def _follow(self, _before: QWidget | None, focused: QWidget | None) -> None:
        """Keeps what has the keyboard in sight; what was pressed is, and stays where it is."""
        pressed = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        if focused is not None and self._area.isAncestorOf(focused) and not pressed:
            self._area.ensureWidgetVisible(focused, 0, self.look.theme.px(24))

    def _bind(self, keys: str, act: Callable[[], None]) -> None:
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.activated.connect(act)

    def _footer(self) -> QWidget:
        footer = elements.frame("footer")
        margin = self.look.theme.px(16)
        layout = elements.row(
            self.look.theme, self._previous, None, self._flag, None, self._next, gap=16
        )
        layout.setContentsMargins(2 * margin, margin, 2 * margin, margin)
        footer.setLayout(layout)
        return footer

    def show_state(self, state: State) -> None:
        if not isinstance(state.screen, Writing):
            return
        sitting = state.screen.sitting
        shown, self._sitting = self._sitting, sitting
        self._sounds.agree(dict(sitting.heard))
        elsewhere = shown is None or shown.form is not sitting.form or shown.left != sitting.left
        if self._navigator is None or elsewhere:
            self._replace_navigator(sitting)
        if elsewhere or (shown is not None and shown.current != sitting.current):
            self._show_item(sitting)
        elif self._item is not None:
            self._item.agree(sitting.response(sitting.current))
        self._mark(sitting)

    def _replace_navigator(self, sitting: Sitting) -> None:
        if self._navigator is not None:
            self._side_layout.removeWidget(self._navigator)
            self._navigator.hide()
            self._navigator.deleteLater()
        self._navigator = Navigator(sitting, self.look)
        self._navigator.chosen.connect(lambda item: self.acted.emit(events.UserWentTo(item)))
        self._side_layout.insertWidget(1, self._navigator, 1)

    def _mark(self, sitting: Sitting) -> None:
        texts, counts = self.look.texts, sitting.counts
        if self._navigator is not None:
            self._navigator.show_sitting(sitting)
        total = counts.answered + counts.unanswered
        self._progress.setText(texts("writing.progress", answered=counts.answered, total=total))
        flagged = sitting.current in sitting.flags
        self._flag.setChecked(flagged)
        self._flag.setText(texts("writing.unflag" if flagged else "writing.flag"))
        self._flag.setAccessibleName(self._flag.text())
        done = "writing.submit" if sitting.in_last_section else "writing.next_section"
        self._submit.setText(texts(done))
        numbers = [item.id for item in sitting.open_items]
        place = numbers.index(sitting.current)
        self._previous.setEnabled(place > 0)
        self._next.setEnabled(place < len(numbers) - 1)

    def _show_item(self, sitting: Sitting) -> None:
        """A new widget for the item; the keyboard goes to where it is answered."""
        item, theme = sitting.item, self.look.theme
        media = {picture.id: picture for picture in sitting.form.media}
        view = item_view(item, sitting.response(item.id), self.look, media, self._sounds)
        view.answered.connect(
            lambda response, item=item.id: self.acted.emit(events.UserAnswered(item, response))
        )
        self._item = view
        part = next(part for part in sitting.form.parts if item in part.items)
        paper = QWidget()
        layout = QVBoxLayout(paper)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.px(22))
        for heading in self._part_heading(part, item):
            layout.addWidget(heading)
        layout.addWidget(self._number(item))
        if not isinstance(item.interaction, PresentedComposite):  # which stands in its stem
            stem = ContentView(item.stem, theme, media, sounds=self._sounds)
            stem.setObjectName("stem")
            layout.addWidget(stem)
        layout.addWidget(view)
        layout.addStretch(1)
        former = self._area.takeWidget()
        if former is not None:
            former.deleteLater()
        self._show_stimulus(sitting, media)
        self._area.setWidget(self._in_column(paper))
        self._area.verticalScrollBar().setValue(0)
        self._order_tabs(view, paper)
        view.focus_first()

    def _show_stimulus(self, sitting: Sitting, media: Mapping[str, Media]) -> None:
        """The item's passage beside it, the same as before where the items share it."""
        stimuli = {stimulus.id: stimulus for stimulus in sitting.form.stimuli}
        wanted = stimuli.get(sitting.item.stimulus or "")
        former = self._stimulus
        if former is not None and former.stimulus is wanted:
            return
        if former is not None:
            former.hide()
            former.deleteLater()
        self._stimulus = (
            None if wanted is None else StimulusPane(wanted, self.look, media, self._sounds)
        )
        if self._stimulus is not None:
            self._beside.insertWidget(0, self._stimulus)
            half = self._beside.width() // 2
            self._beside.setSizes([half, half])

    def _order_tabs(self, view: ItemView, paper: QWidget) -> None:
        """From the answers to the way on, then to the navigator and handing in."""
        tab = Qt.FocusPolicy.TabFocus
        inside = [w for w in view.findChildren(QWidget) if w.window() is self.window()]
        answers = [w for w in inside if w.focusPolicy() & tab]
        passage: list[QWidget] = [self._stimulus] if self._stimulus is not None else []
        for place in (*passage, *paper.findChildren(ContentView, "stem")):
            players = [w for player in self._sounds.players_in(place) for w in player.controls]
            passage += [w for w in players if w not in answers]
        cells = self._navigator.cells if self._navigator is not None else []
        chain = [*passage, *answers, self._previous, self._flag, self._next, *cells, self._submit]
        for before, after in pairwise(chain):
            QWidget.setTabOrder(before, after)

    def _part_heading(self, part: PresentedPart, item: PresentedItem) -> list[QWidget]:
        headings: list[QWidget] = [elements.label(part.title, "overline")]
        if item is part.items[0] and part.instructions:
            instructions = ContentView(part.instructions, self.look.theme, {}, size=21)
            ground = elements.frame("notice", tone="primary")
            ground.setLayout(elements.column(self.look.theme, instructions, margin=18))
            headings.append(ground)
        return headings

    def _number(self, item: PresentedItem) -> QLabel:
        text = self.look.texts("writing.item", number=item.number)
        return elements.label(text, "heading", tone="primary", name="item-number")

    def _in_column(self, paper: QWidget) -> QWidget:
        """The paper in a column of readable width, in the middle."""
        theme = self.look.theme
        paper.setMaximumWidth(theme.px(COLUMN_WIDTH))
        outer = QWidget()
        layout = QHBoxLayout(outer)
        edge = theme.px(64 if self._stimulus is None else 30)
        layout.setContentsMargins(edge, theme.px(36), edge, theme.px(36))
        layout.addStretch(1)
        layout.addWidget(paper, 1000)
        layout.addStretch(1)
        return outer

    def _step(self, by: int) -> None:
        if self._sitting is None:
            return
        ids = [item.id for item in self._sitting.open_items]
        self._finish()
        place = ids.index(self._sitting.current) + by
        if 0 <= place < len(ids):
            self.acted.emit(events.UserWentTo(ids[place]))

    def _finish(self) -> None:
        """What is still being composed or not yet told belongs to the item that is left."""
        QGuiApplication.inputMethod().commit()
        if self._item is not None:
            self._item.finish()

    def _toggle_flag(self) -> None:
        if self._sitting is not None:
            on = self._sitting.current not in self._sitting.flags
            self.acted.emit(events.UserFlagged(self._sitting.current, on))
