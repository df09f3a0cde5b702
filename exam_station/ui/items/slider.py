"""A number on a scale."""

from collections.abc import Mapping
from decimal import Decimal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSlider

from exam_station.flow.codes import Language
from exam_station.ui import elements
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.theme import Theme
from question_bank.interactions import Slider
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import Response, SliderResponse

HANDLE = 38.0
KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home,
    Qt.Key.Key_End, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter,
)  # fmt: skip


class Rail(QSlider):
    """The handle goes where the rail is pressed; `touched` emits at every act, also at one that
    leaves the handle where it stands: so the number there is chosen."""

    touched = Signal()

    def __init__(self, steps: int, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._theme = theme
        self.setRange(0, steps)
        self.setPageStep(max(1, steps // 10))
        self.setObjectName("slider")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(theme.px(HANDLE + 16))
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        if event.button() == Qt.MouseButton.LeftButton:
            self._go_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go_to(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        super().keyPressEvent(event)
        if event.key() in KEYS:
            self.touched.emit()

    def _go_to(self, event: QMouseEvent) -> None:
        handle = self._theme.px(HANDLE)
        way = max(1, self.width() - handle)
        share = min(1.0, max(0.0, (event.position().x() - handle / 2) / way))
        self.setValue(round(share * self.maximum()))
        self.touched.emit()


class SliderView(ItemView):
    """The rail between its ends, the number above it, a step to either side by a button. While
    nothing is chosen the handle is pale."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self._asked = self.asked(Slider)
        self._told = ""
        theme = look.theme
        self._rail = Rail(int((asked.upper - asked.lower) / asked.step), theme)
        self._rail.touched.connect(self._touched)
        self._number = elements.one_line("", "title", tone="primary", name="slider-number")
        less = elements.button("\N{MINUS SIGN}", "slider-less", lambda: self._step(-1), "key")
        more = elements.button("+", "slider-more", lambda: self._step(1), "key")
        less.setAccessibleName(look.texts("item.less"))
        more.setAccessibleName(look.texts("item.more"))
        for key in (less, more):
            key.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        rail = elements.row(theme, less, self._rail, more, gap=18)
        rail.setStretch(1, 1)
        ends = [elements.one_line(self._said(end), "muted") for end in (asked.lower, asked.upper)]
        scale = elements.row(theme, ends[0], None, ends[1])
        beside = theme.px(84 + 18 + 4)
        scale.setContentsMargins(beside, 0, beside, 0)
        number = elements.row(theme, None, self._number, None)
        self.body.addWidget(elements.label(look.texts("item.slider_hint"), "muted"))
        self.body.addWidget(elements.card(theme, number, rail, scale))
        self.add_clear_button()
        self._show()

    def set_response(self, response: Response | None) -> None:
        self._told = response.text if isinstance(response, SliderResponse) else ""
        chosen = Decimal(self._told) if self._told else self._asked.lower
        self._rail.setValue(int((chosen - self._asked.lower) / self._asked.step))
        self._show()

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(SliderResponse(""))

    def focus_first(self) -> None:
        self._rail.setFocus(Qt.FocusReason.OtherFocusReason)

    def _step(self, by: int) -> None:
        self._rail.setValue(self._rail.value() + by)
        self._touched()

    def _touched(self) -> None:
        text = format(self._asked.lower + self._rail.value() * self._asked.step, "f")
        if text != self._told:
            self._told = text
            self._show()
            self.emit_answer(SliderResponse(text))

    def _show(self) -> None:
        texts = self.look.texts
        said = self._said(Decimal(self._told)) if self._told else texts("item.not_chosen")
        self._number.setText(said)
        elements.restyle(self._number, tone="primary" if self._told else "muted")
        elements.restyle(self._rail, told=bool(self._told))
        name = texts("item.entry", number=self.item.number)
        self._rail.setAccessibleName(f"{name}: {said}")

    def _said(self, number: Decimal) -> str:
        text = format(number, "f")
        comma = self.look.texts.language is Language.VI
        return text.replace(".", ",") if comma else text
