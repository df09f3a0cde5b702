"""Words of a text that are chosen where they stand."""

from collections.abc import Mapping
from functools import partial

from lxml import etree
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QAbstractButton

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.choosing import how_many, toggled
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.theme import Theme
from question_bank.content import texts_of_parts
from question_bank.interactions import HotText
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import ChoiceResponse, Response

NARROW = "\N{NARROW NO-BREAK SPACE}"


class HotWord(QAbstractButton):
    """What the keyboard and a screen reader meet; the text draws it, for it may break its line."""

    def __init__(self, name: str, words: str, text: "HotContent") -> None:
        super().__init__(text)
        self.name = name
        self._text = text
        self.setCheckable(True)
        self.setObjectName(f"word-{name}")
        self.setAccessibleName(words)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        super().focusInEvent(event)
        self._text.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        super().focusOutEvent(event)
        self._text.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        pass


class HotContent(ContentView):
    """The text with its hot words: framed, and filled where chosen."""

    def __init__(self, text: str, theme: Theme, media: Mapping[str, Media]) -> None:
        super().__init__(text, theme, media)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self.setMouseTracking(True)
        self._ranges = self._find_ranges()
        self.words = {
            name: HotWord(name, words, self)
            for name, words in texts_of_parts(text)
            if name in self._ranges
        }

    def mark_part(self, element: etree._Element) -> None:
        element.tag = "a"
        element.set("href", str(element.get("data-part")))
        element.text = NARROW + (element.text or "")  # room for the frame
        if len(element):
            element[-1].tail = (element[-1].tail or "") + NARROW
        else:
            element.text += NARROW

    def _find_ranges(self) -> dict[str, tuple[int, int]]:
        """From where to where each word goes; it looks like the text around it."""
        cursor, ranges = QTextCursor(self._document), dict[str, tuple[int, int]]()
        plain = QTextCharFormat()
        plain.setForeground(self._theme.color("ink"))
        plain.setFontUnderline(False)
        for position in range(self._document.characterCount() - 1):
            cursor.setPosition(position + 1)
            name = cursor.charFormat().anchorHref()
            if name:
                ranges[name] = (ranges.get(name, (position, 0))[0], position + 1)
        for first, end in ranges.values():
            cursor.setPosition(first)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(plain)
        return ranges

    def rects(self, name: str) -> list[QRectF]:
        """Where the word is, a rectangle for each of its lines."""
        first, end = self._ranges[name]
        found, block = [], self._document.findBlock(first)
        while block.isValid() and block.position() < end:
            found += self._rects_in(block, first, end)
            block = block.next()
        return found

    def _rects_in(self, block: QTextBlock, first: int, end: int) -> list[QRectF]:
        layout, start = block.layout(), block.position()
        corner = self.corner_of(block)
        found = []
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            begin, stop = line.textStart(), line.textStart() + line.textLength()
            left, right = max(begin, first - start), min(stop, end - start)
            if left < right:
                x1, x2 = self.x_of(line, left), self.x_of(line, right)
                top = corner.y() + line.y()
                height = line.ascent() + line.descent()
                found.append(QRectF(corner.x() + x1, top, x2 - x1, height))
        return found

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self._lay_out(self.width())
        for name, word in self.words.items():
            around = QRectF()
            for rect in self.rects(name):
                around = around.united(rect)
            word.setGeometry(QRect(around.toAlignedRect()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        over = self._word_at(event) is not None
        shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        word = self._word_at(event)
        if word is not None:
            word.setFocus(Qt.FocusReason.MouseFocusReason)
            word.click()

    def _word_at(self, event: QMouseEvent) -> HotWord | None:
        for name, word in self.words.items():
            if any(rect.contains(event.position()) for rect in self.rects(name)):
                return word
        return None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        self._lay_out(self.width())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, px = self._theme.color, self._theme.px
        for name, word in self.words.items():
            chosen = word.isChecked()
            pen = QPen(color("primary" if chosen else "muted"), px(2.5 if chosen else 1))
            if not chosen:
                pen.setStyle(Qt.PenStyle.DashLine)
            if word.hasFocus():
                pen = QPen(color("accent"), px(3))
            painter.setPen(pen)
            painter.setBrush(color("primary_soft" if chosen else "surface"))
            for rect in self.rects(name):
                painter.drawRoundedRect(rect.adjusted(-2, 1, -1, 0), px(7), px(7))
        painter.end()
        super().paintEvent(event)


class HotTextView(ItemView):
    """The text; a word pressed again is not chosen any more."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self.asked(HotText)
        self._most = asked.max_choices
        self._chosen: tuple[str, ...] = ()
        self._text = HotContent(asked.text, look.theme, media)
        for name, word in self._text.words.items():
            word.clicked.connect(partial(self._clicked, name))
        self.body.addWidget(elements.label(how_many(self._most, look.texts), "muted"))
        self.body.addWidget(elements.card(look.theme, self._text))
        self.add_clear_button()

    def set_response(self, response: Response | None) -> None:
        self._chosen = response.options if isinstance(response, ChoiceResponse) else ()
        self._show()

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(ChoiceResponse((), "hot_text"))

    def focus_first(self) -> None:
        next(iter(self._text.words.values())).setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        back, on = (Qt.Key.Key_Left, Qt.Key.Key_Up), (Qt.Key.Key_Right, Qt.Key.Key_Down)
        words = list(self._text.words.values())
        focused = next((place for place, word in enumerate(words) if word.hasFocus()), None)
        if focused is None or event.key() not in (*back, *on):
            super().keyPressEvent(event)
            return
        by = -1 if event.key() in back else 1
        words[(focused + by) % len(words)].setFocus(Qt.FocusReason.TabFocusReason)

    def _clicked(self, name: str) -> None:
        self._chosen = toggled(self._chosen, name, self._most)
        self._show()
        self.emit_answer(ChoiceResponse(self._chosen, "hot_text"))

    def _show(self) -> None:
        for name, word in self._text.words.items():
            word.setChecked(name in self._chosen)
        self._text.update()
