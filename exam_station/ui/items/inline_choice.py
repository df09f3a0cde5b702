"""One option of a list that drops down, alone or in the midst of a text."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import (
    QIcon,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QComboBox, QSizePolicy

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.theme import Theme
from question_bank.content import plain_text
from question_bank.interactions import InlineChoice, Option
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import ChoiceResponse, Response

SIZE = 25.0


class OptionList(QComboBox):
    """A list that only a click or a key changes: the wheel scrolls the paper, and Ctrl + arrows
    move between items."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """With the mark of a list, which a style sheet can draw only from a file."""
        super().paintEvent(event)
        side = self._theme.px(9)
        x, y = self.width() - 3 * side, self.height() / 2 - side / 2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("primary"), self._theme.px(3)))
        painter.drawPolyline([QPointF(x, y), QPointF(x + side, y + side), QPointF(x + 2 * side, y)])
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.showPopup()
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            event.ignore()
            return False
        return super().event(event)


class InlineChoiceView(ItemView):
    """The list; its first line, a dash, takes the answer back."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        self._options = self.asked(InlineChoice).options
        self._list = OptionList(look.theme)
        self._list.setObjectName(f"inline-choice-{item.id}" if part else "inline-choice")
        self._list.setAccessibleName(look.texts("item.entry", number=item.number))
        self._list.setMaxVisibleItems(12)
        self._list.addItem(look.texts("item.choose"))
        for option in self._options:
            self._add(option)
        self._list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._list.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._list.activated.connect(self._chosen)
        if part:
            self.body.addWidget(self._list)
            self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            return
        name = elements.one_line(look.texts("item.answer"), "strong")
        self.body.addLayout(elements.row(look.theme, name, self._list, None, gap=18))
        self.add_clear_button()

    def _add(self, option: Option) -> None:
        """Words as words; what holds a formula or a picture as it is drawn."""
        words = plain_text(option.content)
        if "<math" not in option.content and "<img" not in option.content:
            self._list.addItem(words)
            return
        icon, size = self._drawn(option.content)
        place = self._list.count()
        self._list.addItem(icon, "")
        self._list.setItemData(place, words, Qt.ItemDataRole.AccessibleTextRole)
        self._list.setIconSize(self._list.iconSize().expandedTo(size))
        self._list.setMinimumHeight(self._list.iconSize().height() + self.look.theme.px(22))

    def _drawn(self, content: str) -> tuple[QIcon, QSize]:
        # A formula alone would leave no room for what hangs below the line of letters.
        view = ContentView(f"{content}\N{ZERO WIDTH SPACE}", self.look.theme, self.media, size=SIZE)
        view.resize(view.sizeHint())
        view.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        ratio = self.devicePixelRatioF()
        drawn = QPixmap(view.size() * ratio)
        drawn.setDevicePixelRatio(ratio)
        drawn.fill(Qt.GlobalColor.transparent)
        view.render(drawn)
        return QIcon(drawn), view.size()

    def set_response(self, response: Response | None) -> None:
        chosen = response.options if isinstance(response, ChoiceResponse) else ()
        places = [n for n, option in enumerate(self._options, 1) if option.id in chosen]
        self._list.setCurrentIndex(places[0] if places else 0)

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(ChoiceResponse((), "inline_choice"))

    def focus_first(self) -> None:
        self._list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _chosen(self, place: int) -> None:
        chosen = (self._options[place - 1].id,) if place else ()
        self.emit_answer(ChoiceResponse(chosen, "inline_choice"))
