"""Sources with targets: a table with a box for every pair that can be made."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QGridLayout, QHBoxLayout, QWidget

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.choice import LETTERS
from exam_station.ui.items.choosing import Pair, joined
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.theme import Theme
from question_bank.content import plain_text
from question_bank.interactions import Match, Piece
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import PairsResponse, Response

BOX = 44.0
#: Targets with more words, or more targets, stand above the table, and letters in its head.
LONGEST, MOST = 16, 5
MOVES = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


class Box(QAbstractButton):
    """Whether a source goes with a target."""

    def __init__(self, pair: Pair, theme: Theme) -> None:
        super().__init__()
        self.pair = pair
        self._theme = theme
        self.setCheckable(True)
        self.setObjectName(f"pair-{pair[0]}-{pair[1]}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setMinimumSize(theme.text_px(BOX + 16), theme.text_px(BOX + 16))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in MOVES:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, px = self._theme.color, self._theme.px
        side = float(self._theme.text_px(BOX))
        box = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        chosen = self.isChecked()
        strong = chosen or self.underMouse()
        painter.setPen(QPen(color("primary" if strong else "muted"), px(2)))
        painter.setBrush(color("primary" if chosen else "surface"))
        painter.drawRoundedRect(box, px(9), px(9))
        if chosen:
            painter.setPen(QPen(color("on_primary"), px(4)))
            tick = ((0.26, 0.52), (0.44, 0.7), (0.76, 0.32))
            corner = box.topLeft()
            painter.drawPolyline([corner + QPointF(side * x, side * y) for x, y in tick])
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color("accent"), px(3)))
            around = px(4)
            painter.drawRoundedRect(box.adjusted(-around, -around, around, around), px(12), px(12))
        painter.end()


class MatchView(ItemView):
    """A line for each source, a column for each target; arrow keys move between the boxes."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self._asked = self.asked(Match)
        self._most = {piece.id: piece.most for piece in (*asked.sources, *asked.targets)}
        self._pairs: tuple[Pair, ...] = ()
        words = [plain_text(target.content) for target in asked.targets]
        lettered = len(words) > MOST or any(len(text) > LONGEST for text in words)
        lettered = lettered or any("<img" in target.content for target in asked.targets)
        if lettered:
            for letter, target in zip(LETTERS, asked.targets, strict=False):
                self.body.addLayout(self._told_above(letter, target))
        self._boxes: list[list[Box]] = []
        self.body.addWidget(self._table(lettered))
        self.add_clear_button()

    def _told_above(self, letter: str, target: Piece) -> QHBoxLayout:
        mark = elements.one_line(f"{letter}.", "strong", tone="primary")
        text = ContentView(target.content, self.look.theme, self.media)
        layout = elements.row(self.look.theme, mark, text, gap=14)
        layout.setStretch(1, 1)
        return layout

    def _table(self, lettered: bool) -> QFrame:
        theme, asked = self.look.theme, self._asked
        ground = elements.frame("card")
        grid = QGridLayout(ground)
        edge = theme.px(20)
        grid.setContentsMargins(edge, edge, edge, edge)
        grid.setHorizontalSpacing(theme.px(18))
        grid.setVerticalSpacing(theme.px(10))
        middle = Qt.AlignmentFlag.AlignCenter
        for column, target in enumerate(asked.targets, 1):
            head: QWidget = elements.one_line(LETTERS[column - 1], "strong", tone="primary")
            if not lettered:
                head = ContentView(target.content, theme, self.media)
                head.setFixedWidth(head.sizeHint().width())
            grid.addWidget(head, 0, column, middle)
        for line, source in enumerate(asked.sources, 1):
            grid.addWidget(elements.rule(theme), 2 * line - 1, 0, 1, len(asked.targets) + 1)
            text = ContentView(source.content, theme, self.media)
            grid.addWidget(text, 2 * line, 0, Qt.AlignmentFlag.AlignVCenter)
            self._boxes.append([])
            for column, target in enumerate(asked.targets, 1):
                box = self._box(source, target)
                self._boxes[-1].append(box)
                grid.addWidget(box, 2 * line, column, middle)
        grid.setColumnStretch(0, 1)
        return ground

    def _box(self, source: Piece, target: Piece) -> Box:
        box = Box((source.id, target.id), self.look.theme)
        names = plain_text(source.content), plain_text(target.content)
        box.setAccessibleName(" – ".join(names))
        box.clicked.connect(partial(self._clicked, box))
        return box

    def set_response(self, response: Response | None) -> None:
        self._pairs = response.pairs if isinstance(response, PairsResponse) else ()
        self._show()

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(PairsResponse(()))

    def focus_first(self) -> None:
        self._boxes[0][0].setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        places = [(y, x) for y, line in enumerate(self._boxes) for x, _ in enumerate(line)]
        place = next((at for at in places if self._boxes[at[0]][at[1]].hasFocus()), None)
        move = MOVES.get(Qt.Key(event.key()))
        if place is None or move is None:
            super().keyPressEvent(event)
            return
        y = min(len(self._boxes) - 1, max(0, place[0] + move[0]))
        x = min(len(self._boxes[0]) - 1, max(0, place[1] + move[1]))
        self._boxes[y][x].setFocus(Qt.FocusReason.TabFocusReason)

    def _clicked(self, box: Box) -> None:
        pair = box.pair
        others = tuple(other for other in self._pairs if other != pair)
        limit = self._asked.max_pairs
        self._pairs = (
            joined(others, pair, self._most.__getitem__, limit) if box.isChecked() else others
        )
        self._show()
        self.emit_answer(PairsResponse(self._pairs))

    def _show(self) -> None:
        for line in self._boxes:
            for box in line:
                box.setChecked(box.pair in self._pairs)
