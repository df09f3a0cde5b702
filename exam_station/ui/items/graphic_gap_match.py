"""Pieces onto the areas of a picture."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QPoint

from exam_station.ui.items.canvas import PictureCanvas
from exam_station.ui.items.choosing import Pair
from exam_station.ui.items.placing import PlacingView
from exam_station.ui.look import Look
from question_bank.content import plain_text
from question_bank.interactions import GraphicGapMatch
from question_bank.item import Media
from question_bank.package import PresentedItem


class GraphicGapMatchView(PlacingView):
    """The pieces, and the picture on which they are laid."""

    kind = "graphic_gap_match"

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self.asked(GraphicGapMatch)
        self._canvas = PictureCanvas(asked.picture, look, media)
        self._canvas.add_areas(asked.areas)
        for name, mark in self._canvas.marks.items():
            mark.clicked.connect(partial(self._pressed, name))
            self.limit(name, mark.area.most)
        self.body.addWidget(self.hint())
        self.body.addWidget(self.tray(asked.pieces))
        self.body.addWidget(self._canvas)
        self.add_clear_button()

    def place_at(self, spot: QPoint) -> str | None:
        return self._canvas.area_at(self._canvas.mapFromGlobal(spot))

    def show_places(self, pairs: tuple[Pair, ...]) -> None:
        texts, lying = self.look.texts, dict[str, list[str]]()
        for piece, area in pairs:
            lying.setdefault(area, []).append(self.content_of(piece))
        for name, mark in self._canvas.marks.items():
            mark.show_chosen(name in lying)
            words = ", ".join(plain_text(content) for content in lying.get(name, ()))
            mark.setAccessibleName(f"{mark.name}: {words or texts('item.empty')}")
        self._canvas.show_tags(lying)

    def _pressed(self, name: str) -> None:
        self.press_place(name)
        lying = {area for _, area in self._pairs}
        self._canvas.marks[name].show_chosen(name in lying)
