"""True/false cluster: statements a), b), c), d), each judged Đúng or Sai, or left open."""

from collections.abc import Mapping

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QWidget

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from question_bank.content import plain_text
from question_bank.item import Media
from question_bank.package import PresentedCluster, PresentedItem, PresentedOption
from question_bank.response import ClusterResponse, Response

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Judgement(QAbstractButton):
    """One of the two buttons of a statement; pressed again, it takes the judgement back."""

    def __init__(self, statement: PresentedOption, letter: str, look: Look, *, value: bool) -> None:
        super().__init__()
        self.statement = statement
        self.value = value
        self._theme = look.theme
        self._word = look.texts("item.true" if value else "item.false")
        self.setCheckable(True)
        self.setObjectName(f"statement-{statement.id}-{str(value).lower()}")
        described = look.texts("item.judge", letter=letter, judgement=self._word)
        self.setAccessibleName(f"{described}: {plain_text(statement.content)}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedSize(self._theme.text_px(112), self._theme.text_px(54))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, px, chosen = self._theme.color, self._theme.px, self.isChecked()
        border = "accent" if self.hasFocus() else "primary" if chosen else "muted"
        if self.underMouse() and not self.hasFocus():
            border = "primary"
        width = px(3 if self.hasFocus() else 1.5)
        painter.setPen(QPen(color(border), width))
        painter.setBrush(color("primary" if chosen else "surface"))
        half = width / 2
        outline = QRectF(self.rect()).adjusted(half, half, -half, -half)
        painter.drawRoundedRect(outline, outline.height() / 2, outline.height() / 2)
        painter.setPen(color("on_primary" if chosen else "ink"))
        painter.setFont(self._theme.font(21, bold=chosen))
        painter.drawText(outline, Qt.AlignmentFlag.AlignCenter, self._word)
        painter.end()


class ClusterView(ItemView):
    """The statements in rows; arrow keys move between the judgements."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        interaction = self.asked(PresentedCluster)
        self._pairs: list[tuple[Judgement, Judgement]] = []
        for letter, statement in zip(LETTERS, interaction.statements, strict=False):
            self.body.addWidget(self._row(letter, statement))
        self.add_clear_button()

    def _row(self, letter: str, statement: PresentedOption) -> QFrame:
        theme = self.look.theme
        right = Judgement(statement, letter, self.look, value=True)
        wrong = Judgement(statement, letter, self.look, value=False)
        for judgement in (right, wrong):
            judgement.clicked.connect(
                lambda _checked=False, judgement=judgement: self._clicked(judgement)
            )
        self._pairs.append((right, wrong))
        ground = elements.frame("card")
        layout = QHBoxLayout(ground)
        layout.setContentsMargins(theme.px(22), theme.px(15), theme.px(18), theme.px(15))
        layout.setSpacing(theme.px(16))
        mark = elements.one_line(f"{letter})", "heading", tone="primary")
        layout.addWidget(mark, 0, Qt.AlignmentFlag.AlignVCenter)
        text: QWidget = ContentView(statement.content, theme, self.media)
        layout.addWidget(text, 1)
        for judgement in (right, wrong):
            layout.addWidget(judgement, 0, Qt.AlignmentFlag.AlignVCenter)
        return ground

    def set_response(self, response: Response | None) -> None:
        values = response.values if isinstance(response, ClusterResponse) else {}
        for pair in self._pairs:
            for judgement in pair:
                judged = values.get(judgement.statement.id)
                judgement.setChecked(judged is judgement.value)

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(ClusterResponse({}))

    def focus_first(self) -> None:
        self._pairs[0][0].setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        place = next(
            (
                (line, column)
                for line, pair in enumerate(self._pairs)
                for column, judgement in enumerate(pair)
                if judgement.hasFocus()
            ),
            None,
        )
        moves = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        move = moves.get(Qt.Key(event.key()))
        if place is None or move is None:
            super().keyPressEvent(event)
            return
        line = (place[0] + move[0]) % len(self._pairs)
        column = min(1, max(0, place[1] + move[1]))
        self._pairs[line][column].setFocus(Qt.FocusReason.TabFocusReason)

    def _clicked(self, clicked: Judgement) -> None:
        for pair in self._pairs:
            if clicked in pair and clicked.isChecked():
                for judgement in pair:
                    judgement.setChecked(judgement is clicked)
        judged = [judgement for pair in self._pairs for judgement in pair if judgement.isChecked()]
        self.emit_answer(ClusterResponse({one.statement.id: one.value for one in judged}))
