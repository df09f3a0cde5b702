"""Options into their order: dragged, or moved up and down by buttons and keys."""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.chip import Carried
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from question_bank.content import plain_text
from question_bank.interactions import Option, Order
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import OrderResponse, Response

BADGE = 46.0
UP, DOWN = "\N{UPWARDS ARROW}", "\N{DOWNWARDS ARROW}"


class OrderRow(Carried):
    """An option with its place before it and the two buttons behind it; checked while picked up."""

    def __init__(self, option: Option, look: Look, media: Mapping[str, Media]) -> None:
        super().__init__()
        self.option = option
        self._look = look
        self._place, self._told = 0, False
        self.setCheckable(True)
        self.setObjectName(f"row-{option.id}")
        theme, px = look.theme, look.theme.px
        layout = QHBoxLayout(self)
        left = px(18) + theme.text_px(BADGE) + px(20)
        layout.setContentsMargins(left, px(12), px(14), px(12))
        layout.setSpacing(px(8))
        layout.addWidget(ContentView(option.content, theme, media, self), 1)
        self.up = self._arrow(UP, "up", look.texts("item.up"))
        self.down = self._arrow(DOWN, "down", look.texts("item.down"))
        layout.addWidget(self.up)
        layout.addWidget(self.down)
        policy = self.sizePolicy()
        policy.setHorizontalPolicy(policy.Policy.Expanding)
        policy.setVerticalPolicy(policy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumHeight(theme.text_px(BADGE) + px(24))

    def _arrow(self, sign: str, way: str, name: str) -> QPushButton:
        """The keys do the same for who has no mouse, so the keyboard does not stop here."""
        arrow = elements.button(sign, f"{way}-{self.option.id}", lambda: None, "arrow")
        arrow.setAccessibleName(f"{name}: {plain_text(self.option.content)}")
        arrow.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return arrow

    def show_place(self, place: int, of: int, *, told: bool) -> None:
        """Its place from 1; `told` where the order is the candidate's answer."""
        self._place, self._told = place, told
        self.up.setEnabled(place > 1)
        self.down.setEnabled(place < of)
        words = plain_text(self.option.content)
        self.setAccessibleName(self._look.texts("item.place", place=place, of=of, words=words))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Escape):
            event.ignore()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, px = self._look.theme.color, self._look.theme.px
        picked = self.isChecked()
        width = px(3 if picked else 1.5)
        painter.setPen(QPen(color("primary" if picked or self.underMouse() else "line"), width))
        painter.setBrush(color("primary_soft" if picked else "surface"))
        half = width / 2
        outline = QRectF(self.rect()).adjusted(half, half, -half, -half)
        painter.drawRoundedRect(outline, px(12), px(12))
        if self.hasFocus():
            painter.setPen(QPen(color("accent"), px(2), Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            inset = px(5)
            painter.drawRoundedRect(outline.adjusted(inset, inset, -inset, -inset), px(8), px(8))
        side = float(self._look.theme.text_px(BADGE))
        badge = QRectF(px(18), (self.height() - side) / 2, side, side)
        painter.setPen(QPen(color("primary" if self._told else "muted"), px(2)))
        painter.setBrush(color("primary" if self._told else "surface"))
        painter.drawRoundedRect(badge, side * 0.2, side * 0.2)
        painter.setPen(color("on_primary" if self._told else "muted"))
        painter.setFont(self._look.theme.font(22, bold=True))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(self._place))
        painter.end()


class OrderView(ItemView):
    """The rows from first to last. The order in which they stand at first is no answer before the
    candidate changes it or says that it is one. A row picked up (Space, or a click) moves with the
    arrow keys, or to the row that is pressed next."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        self._printed = tuple(option.id for option in self.asked(Order).options)
        self._order, self._told = self._printed, False
        self._rows: dict[str, OrderRow] = {}
        ground = QWidget()
        self._lines = QVBoxLayout(ground)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(look.theme.px(12))
        for option in self.asked(Order).options:
            row = OrderRow(option, look, media)
            row.clicked.connect(partial(self._pressed, option.id))
            row.dropped.connect(partial(self._dropped, option.id))
            row.up.clicked.connect(partial(self._step, option.id, -1))
            row.down.clicked.connect(partial(self._step, option.id, 1))
            self._rows[option.id] = row
            self._lines.addWidget(row)
        self._keep = elements.button(look.texts("item.keep_order"), "keep-order", self._kept)
        self.body.addWidget(elements.label(look.texts("item.order_hint"), "muted"))
        self.body.addWidget(ground)
        self.body.addLayout(elements.row(look.theme, self._keep, None))
        self.add_clear_button()
        self._show()

    def set_response(self, response: Response | None) -> None:
        given = response.options if isinstance(response, OrderResponse) else ()
        self._told = bool(given)
        self._order = (*given, *(name for name in self._printed if name not in given))
        self._pick(None)
        self._show()

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(OrderResponse(()))

    def focus_first(self) -> None:
        self._rows[self._order[0]].setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        focused = next((name for name, row in self._rows.items() if row.hasFocus()), None)
        if event.key() == Qt.Key.Key_Escape:
            self._pick(None)
        elif by is None or focused is None:
            super().keyPressEvent(event)
        elif self._rows[focused].isChecked():
            self._step(focused, by)
        else:
            place = (self._order.index(focused) + by) % len(self._order)
            self._rows[self._order[place]].setFocus(Qt.FocusReason.TabFocusReason)

    def _pick(self, name: str | None) -> None:
        for other, row in self._rows.items():
            row.setChecked(other == name)

    def _pressed(self, name: str) -> None:
        picked = [other for other, row in self._rows.items() if row.isChecked() and other != name]
        if picked:
            self._pick(None)
            self._move(picked[0], self._order.index(name))

    def _step(self, name: str, by: int) -> None:
        self._move(name, self._order.index(name) + by)

    def _dropped(self, name: str, spot: QPoint) -> None:
        """Where it was let go: before the first row whose middle is below that."""
        others = [other for other in self._order if other != name]
        middles = [row.mapToGlobal(row.rect().center()).y() for row in map(self._row, others)]
        self._pick(None)
        self._move(name, sum(middle < spot.y() for middle in middles))

    def _row(self, name: str) -> OrderRow:
        return self._rows[name]

    def _move(self, name: str, place: int) -> None:
        if not 0 <= place < len(self._order):
            return
        others = [other for other in self._order if other != name]
        self._tell((*others[:place], name, *others[place:]))

    def _kept(self) -> None:
        self._tell(self._order)

    def _tell(self, order: tuple[str, ...]) -> None:
        self._order, self._told = order, True
        self._show()
        self.emit_answer(OrderResponse(order))

    def _show(self) -> None:
        rows = [self._rows[name] for name in self._order]
        for place, row in enumerate(rows, 1):
            if self._lines.indexOf(row) != place - 1:
                self._lines.insertWidget(place - 1, row)
            row.show_place(place, len(rows), told=self._told)
        for before, after in pairwise([*rows, self._keep]):
            QWidget.setTabOrder(before, after)
        self._keep.setVisible(not self._told)
