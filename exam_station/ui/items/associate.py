"""Pairs of pieces, without direction."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.chip import Chip
from exam_station.ui.items.choosing import Pair, joined
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.wrapping import wrapped
from question_bank.content import plain_text
from question_bank.interactions import Associate
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import PairsResponse, Response


class AssociateView(ItemView):
    """The pieces, and below them the pairs that were made of them. Two pieces pressed one after
    the other are a pair, or one that is dragged onto the other."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self.asked(Associate)
        self._max_pairs = asked.max_pairs
        self._most = {piece.id: piece.most for piece in asked.options}
        self._pairs: tuple[Pair, ...] = ()
        self._picked: str | None = None
        self._chips: dict[str, Chip] = {}
        for piece in asked.options:
            chip = Chip(piece.id, look, media, piece.content, slot=False)
            chip.setObjectName(f"piece-{piece.id}")
            chip.setAccessibleDescription(look.texts("item.piece"))
            chip.clicked.connect(partial(self._pressed, piece.id))
            chip.dropped.connect(partial(self._dropped, piece.id))
            self._chips[piece.id] = chip
        self._made = QWidget()
        self._lines = QVBoxLayout(self._made)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(look.theme.px(10))
        self.body.addWidget(elements.label(look.texts("item.associate_hint"), "muted"))
        self.body.addWidget(wrapped(look.theme.px(12), *self._chips.values()))
        self.body.addWidget(self._made)
        self.add_clear_button()

    def set_response(self, response: Response | None) -> None:
        self._pairs = response.pairs if isinstance(response, PairsResponse) else ()
        self._pick(None)
        self._show()

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(PairsResponse((), "associate"))

    def focus_first(self) -> None:
        next(iter(self._chips.values())).setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        if event.key() == Qt.Key.Key_Escape and self._picked is not None:
            self._pick(None)
            return
        super().keyPressEvent(event)

    def _pick(self, piece: str | None) -> None:
        self._picked = piece
        for name, chip in self._chips.items():
            chip.setChecked(name == piece)

    def _pressed(self, piece: str) -> None:
        if self._picked is None or self._picked == piece:
            self._pick(None if self._picked == piece else piece)
        else:
            self._join(self._picked, piece)

    def _dropped(self, piece: str, spot: QPoint) -> None:
        for name, chip in self._chips.items():
            if name != piece and chip.rect().contains(chip.mapFromGlobal(spot)):
                self._join(piece, name)

    def _join(self, first: str, second: str) -> None:
        self._pick(None)
        others = tuple(pair for pair in self._pairs if set(pair) != {first, second})
        pair = (first, second)
        self._tell(joined(others, pair, lambda name: self._most[name], self._max_pairs))

    def _tell(self, pairs: tuple[Pair, ...]) -> None:
        self._pairs = pairs
        self._show()
        self.emit_answer(PairsResponse(pairs, "associate"))

    def _part_them(self, pair: Pair) -> None:
        self._chips[pair[0]].setFocus(Qt.FocusReason.OtherFocusReason)
        self._tell(tuple(other for other in self._pairs if other != pair))

    def _show(self) -> None:
        for name, chip in self._chips.items():
            used = sum(name in pair for pair in self._pairs)
            chip.set_used_up(bool(self._most[name]) and used >= self._most[name])
        while (former := self._lines.takeAt(0)) is not None:
            widget = former.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for number, pair in enumerate(self._pairs, 1):
            self._lines.addWidget(self._line(number, pair))

    def _line(self, number: int, pair: Pair) -> QWidget:
        theme, texts = self.look.theme, self.look.texts
        first, second = (ContentView(self._chips[name].content, theme, self.media) for name in pair)
        words = " – ".join(plain_text(self._chips[name].content) for name in pair)
        part = elements.button(
            texts("item.part_pair"), f"part-{number}", partial(self._part_them, pair), "quiet"
        )
        part.setAccessibleName(f"{texts('item.part_pair')}: {words}")
        ground = elements.frame("card", name=f"pair-{number}")
        ground.setAccessibleName(words)
        link = elements.one_line("\N{LEFT RIGHT ARROW}", "strong", tone="primary")
        layout = elements.row(theme, first, link, second, part, gap=18, margin=12)
        layout.setContentsMargins(theme.px(24), theme.px(12), theme.px(12), theme.px(12))
        layout.setStretch(0, 1)
        layout.setStretch(2, 1)
        ground.setLayout(layout)
        return ground
