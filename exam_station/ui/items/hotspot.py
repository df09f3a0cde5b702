"""Areas of a picture to choose."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt

from exam_station.ui import elements
from exam_station.ui.items.canvas import PictureCanvas
from exam_station.ui.items.choosing import how_many, toggled
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from question_bank.interactions import Hotspot
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import ChoiceResponse, Response


class HotspotView(ItemView):
    """The picture; an area pressed again is not chosen any more."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        asked = self.asked(Hotspot)
        self._most = asked.max_choices
        self._chosen: tuple[str, ...] = ()
        self._canvas = PictureCanvas(asked.picture, look, media)
        self._canvas.add_areas(asked.areas)
        for name, mark in self._canvas.marks.items():
            mark.clicked.connect(partial(self._clicked, name))
        self.body.addWidget(elements.label(how_many(self._most, look.texts), "muted"))
        self.body.addWidget(self._canvas)
        self.add_clear_button()

    def set_response(self, response: Response | None) -> None:
        self._chosen = response.options if isinstance(response, ChoiceResponse) else ()
        self._show()

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(ChoiceResponse((), "hotspot"))

    def focus_first(self) -> None:
        first = (*self._chosen, *self._canvas.marks)[0]
        self._canvas.marks[first].setFocus(Qt.FocusReason.OtherFocusReason)

    def _clicked(self, name: str) -> None:
        self._chosen = toggled(self._chosen, name, self._most)
        self._show()
        self.emit_answer(ChoiceResponse(self._chosen, "hotspot"))

    def _show(self) -> None:
        for name, mark in self._canvas.marks.items():
            mark.show_chosen(name in self._chosen)
