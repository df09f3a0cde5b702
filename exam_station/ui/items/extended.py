"""A text of one's own: a plain page without spell-check, and the count of words beneath it."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QFocusEvent, QKeyEvent, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from exam_station.ui import elements
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from question_bank.interactions import ExtendedText
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import Response, TextResponse

#: Typing that rests so long, in milliseconds, is told.
REST = 500
FEWEST_LINES, MOST_LINES = 3, 14


class Page(QPlainTextEdit):
    """The page. Tab goes on; Ctrl + arrows and the page keys move in the text."""

    def __init__(self, view: "ExtendedView") -> None:
        super().__init__()
        self._view = view
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        hints = Qt.InputMethodHint.ImhMultiLine | Qt.InputMethodHint.ImhNoPredictiveText
        self.setInputMethodHints(hints)

    def event(self, event: QEvent) -> bool:
        own = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Left, Qt.Key.Key_Right)
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in own
        ):
            event.accept()
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        super().focusOutEvent(event)
        self._view.finish()


class ExtendedView(ItemView):
    """Every record holds the whole text, so a long one is told word by word, not key by key: at
    the end of each word, where typing rests, and when the candidate leaves the page."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self.asked(ExtendedText)
        self._most = asked.max_length
        self._told = ""
        self._page = Page(self)
        self._page.setObjectName(f"text-page-{item.id}" if part else "text-page")
        self._page.setAccessibleName(look.texts("item.entry", number=item.number))
        font = look.theme.font(25, content=True)
        self._page.setFont(font)
        lines = min(MOST_LINES, max(FEWEST_LINES, asked.lines))
        height = lines * self._page.fontMetrics().lineSpacing() * 1.05 + look.theme.px(40)
        self._page.setFixedHeight(round(height))
        self._count = elements.label("", "muted", name="text-count")
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self._rest.timeout.connect(self.finish)
        self._page.textChanged.connect(self._changed)
        self.body.addWidget(self._page)
        self.body.addWidget(self._count)
        self.add_clear_button()
        self._show_count()

    @property
    def is_told(self) -> bool:
        return self._page.toPlainText() == self._told

    def set_response(self, response: Response | None) -> None:
        self._told = response.text if isinstance(response, TextResponse) else ""
        if self._page.toPlainText() != self._told:
            self._page.setPlainText(self._told)
            self._page.moveCursor(QTextCursor.MoveOperation.End)

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(TextResponse("", "extended"))

    def focus_first(self) -> None:
        self._page.setFocus(Qt.FocusReason.OtherFocusReason)

    def finish(self) -> None:
        self._rest.stop()
        text = self._page.toPlainText()
        if text != self._told:
            self._told = text
            self.emit_answer(TextResponse(text, "extended"))

    def _changed(self) -> None:
        """Also called where an input method composes, which changes no text yet."""
        self._cut_surplus()
        self._show_count()
        text = self._page.toPlainText()
        if text == self._told:
            return
        by_one_letter = abs(len(text) - len(self._told)) <= 1 or self._rest.isActive()
        if by_one_letter and not self._at_the_end_of_a_word(text):
            self._rest.start()
        else:
            self.finish()

    def _at_the_end_of_a_word(self, text: str) -> bool:
        place = self._page.textCursor().position()
        return 0 < place <= len(text) and text[place - 1].isspace()

    def _cut_surplus(self) -> None:
        surplus = len(self._page.toPlainText()) - self._most
        if surplus > 0:
            cursor = self._page.textCursor()
            cursor.movePosition(
                QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, surplus
            )
            cursor.removeSelectedText()

    def _show_count(self) -> None:
        text = self._page.toPlainText()
        words, signs = len(text.split()), len(text)
        counted = self.look.texts("item.counted", words=words, signs=signs, most=self._most)
        self._count.setText(counted)
