"""Single and multiple choice: whole rows to click, a letter before each, keys A, B, C, …"""

from collections.abc import Mapping

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen, QShortcut
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.theme import Theme
from question_bank.content import plain_text
from question_bank.item import Media
from question_bank.package import PresentedChoice, PresentedItem, PresentedOption
from question_bank.response import ChoiceResponse, Response

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BADGE, EDGE, GAP = 46.0, 18.0, 20.0


class OptionRow(QAbstractButton):
    """One option: a badge (round for one answer, square for several) and its content."""

    def __init__(
        self,
        option: PresentedOption,
        letter: str,
        look: Look,
        media: Mapping[str, Media],
        *,
        square: bool,
    ) -> None:
        super().__init__()
        self.option = option
        self.letter = letter
        self._theme: Theme = look.theme
        self._square = square
        self.setCheckable(True)
        self.setObjectName(f"option-{option.id}")
        self.setAccessibleName(plain_text(option.content))
        self.setAccessibleDescription(look.texts("item.option", letter=letter))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        layout = QHBoxLayout(self)
        px = self._theme.px
        left = px(EDGE) + self._theme.text_px(BADGE) + px(GAP)
        layout.setContentsMargins(left, px(17), px(EDGE), px(17))
        layout.addWidget(ContentView(option.content, self._theme, media, self))
        policy = self.sizePolicy()
        policy.setHorizontalPolicy(policy.Policy.Expanding)
        policy.setVerticalPolicy(policy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumHeight(self._theme.text_px(BADGE) + px(24))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, px = self._theme.color, self._theme.px
        chosen, width = self.isChecked(), px(3 if self.isChecked() else 1.5)
        border = color("primary" if chosen or self.underMouse() else "line")
        painter.setPen(QPen(border, width))
        painter.setBrush(color("primary_soft" if chosen else "surface"))
        half = width / 2
        outline = QRectF(self.rect()).adjusted(half, half, -half, -half)
        painter.drawRoundedRect(outline, px(12), px(12))
        if self.hasFocus():
            painter.setPen(QPen(color("accent"), px(2), Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            inset = px(5)
            painter.drawRoundedRect(outline.adjusted(inset, inset, -inset, -inset), px(8), px(8))
        self._paint_badge(painter)
        painter.end()

    def _paint_badge(self, painter: QPainter) -> None:
        color, px = self._theme.color, self._theme.px
        side = float(self._theme.text_px(BADGE))
        square = QRectF(px(EDGE), (self.height() - side) / 2, side, side)
        chosen = self.isChecked()
        painter.setPen(QPen(color("primary" if chosen else "muted"), px(2)))
        painter.setBrush(color("primary" if chosen else "surface"))
        radius = side * 0.2 if self._square else side / 2
        painter.drawRoundedRect(square, radius, radius)
        painter.setPen(color("on_primary" if chosen else "ink"))
        painter.setFont(self._theme.font(22, bold=True))
        painter.drawText(square, Qt.AlignmentFlag.AlignCenter, self.letter)


class ChoiceView(ItemView):
    """The options of a choice below each other. Arrow keys move, Space and letters choose."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        interaction = self.asked(PresentedChoice)
        self._kind = interaction.kind
        self._most = interaction.max_choices
        self._rows: list[OptionRow] = []
        for letter, option in zip(LETTERS, interaction.options, strict=False):
            row = OptionRow(option, letter, look, media, square=self._kind == "multiple")
            row.clicked.connect(lambda _checked=False, row=row: self._clicked(row))
            if not part:  # of several choices, none has the letters
                key = QShortcut(QKeySequence(letter), self)
                key.activated.connect(row.click)
            self._rows.append(row)
            self.body.addWidget(row)
        if self._most:
            hint = look.texts("item.choose_at_most", count=self._most)
            self.body.insertWidget(0, elements.label(hint, "muted"))
        self.add_clear_button()

    def set_response(self, response: Response | None) -> None:
        chosen = response.options if isinstance(response, ChoiceResponse) else ()
        for row in self._rows:
            row.setChecked(row.option.id in chosen)

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(ChoiceResponse((), self._kind))

    def focus_first(self) -> None:
        checked = (row for row in self._rows if row.isChecked())
        next(checked, self._rows[0]).setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        focused = next((i for i, row in enumerate(self._rows) if row.hasFocus()), None)
        if step is None or focused is None:
            super().keyPressEvent(event)
            return
        self._rows[(focused + step) % len(self._rows)].setFocus(Qt.FocusReason.TabFocusReason)

    def _clicked(self, clicked: OptionRow) -> None:
        if self._kind == "single":
            for row in self._rows:
                row.setChecked(row is clicked)
        chosen = tuple(row.option.id for row in self._rows if row.isChecked())
        if self._most and len(chosen) > self._most:  # one has to be taken back first
            clicked.setChecked(False)
            return
        self.emit_answer(ChoiceResponse(chosen, self._kind))
