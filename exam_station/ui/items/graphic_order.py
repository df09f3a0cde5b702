"""Areas of a picture, pressed in their order."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt

from exam_station.ui import elements
from exam_station.ui.items.canvas import PictureCanvas
from exam_station.ui.items.choosing import toggled
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from question_bank.interactions import GraphicOrder
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import OrderResponse, Response


class GraphicOrderView(ItemView):
    """Each area pressed gets the next number; pressed again, it loses it and the later ones move
    up."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self.asked(GraphicOrder)
        self._order: tuple[str, ...] = ()
        self._canvas = PictureCanvas(asked.picture, look, media)
        self._canvas.add_areas(asked.areas)
        for name, mark in self._canvas.marks.items():
            mark.clicked.connect(partial(self._clicked, name))
        self.body.addWidget(elements.label(look.texts("item.graphic_order_hint"), "muted"))
        self.body.addWidget(self._canvas)
        self.add_clear_button()

    def set_response(self, response: Response | None) -> None:
        self._order = response.options if isinstance(response, OrderResponse) else ()
        self._show()

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(OrderResponse((), "graphic_order"))

    def focus_first(self) -> None:
        next(iter(self._canvas.marks.values())).setFocus(Qt.FocusReason.OtherFocusReason)

    def _clicked(self, name: str) -> None:
        self._order = toggled(self._order, name, 0)
        self._show()
        self.emit_answer(OrderResponse(self._order, "graphic_order"))

    def _show(self) -> None:
        texts, of = self.look.texts, len(self._canvas.marks)
        for name, mark in self._canvas.marks.items():
            place = self._order.index(name) + 1 if name in self._order else 0
            mark.show_chosen(place > 0, place)
            said = texts("item.place", place=place, of=of, words=mark.name) if place else mark.name
            mark.setAccessibleName(said)
