"""Pieces into the gaps of a text."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QSizePolicy

from exam_station.ui import elements
from exam_station.ui.content import ContentView
from exam_station.ui.items.chip import Chip
from exam_station.ui.items.choosing import Pair
from exam_station.ui.items.placing import PlacingView
from exam_station.ui.look import Look
from question_bank.content import part_ids, plain_text
from question_bank.interactions import GapMatch
from question_bank.item import Media
from question_bank.package import PresentedItem

NARROWEST = 120.0


class GapMatchView(PlacingView):
    """The pieces, and the text with a slot for each gap, as wide as the widest piece."""

    kind = "gap_match"

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self.asked(GapMatch)
        self.body.addWidget(self.hint())
        self.body.addWidget(self.tray(asked.pieces))
        sizes = [chip.minimumSize() for chip in self._chips.values()]
        width = max(look.theme.px(NARROWEST), *(size.width() for size in sizes))
        height = max(size.height() for size in sizes)
        self._slots: dict[str, Chip] = {}
        for number, gap in enumerate(part_ids(asked.text), 1):
            slot = Chip(gap, look, media, slot=True)
            slot.setObjectName(f"gap-{gap}")
            slot.setProperty("number", number)
            slot.setFixedSize(width, height)
            slot.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            slot.clicked.connect(partial(self._pressed, gap))
            slot.dropped.connect(partial(self._dragged, gap))
            self.limit(gap, 1)
            self._slots[gap] = slot
        text = ContentView(asked.text, look.theme, media, holes=self._slots)
        self.body.addWidget(elements.card(look.theme, text))
        self.add_clear_button()

    def place_at(self, spot: QPoint) -> str | None:
        for gap, slot in self._slots.items():
            if slot.rect().contains(slot.mapFromGlobal(spot)):
                return gap
        return None

    def show_places(self, pairs: tuple[Pair, ...]) -> None:
        lying = {gap: self.content_of(piece) for piece, gap in pairs}
        for gap, slot in self._slots.items():
            slot.show_content(lying.get(gap, ""))
            said = plain_text(lying[gap]) if gap in lying else self.look.texts("item.empty")
            number = slot.property("number")
            slot.setAccessibleName(self.look.texts("item.gap", number=number, said=said))

    def _pressed(self, gap: str) -> None:
        self.press_place(gap)

    def _dragged(self, gap: str, spot: QPoint) -> None:
        piece = next((piece for piece, where in self._pairs if where == gap), None)
        if piece is not None:
            self.carry_on(piece, gap, spot)
