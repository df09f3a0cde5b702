"""Several interactions in one text, each at its place."""

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtWidgets import QWidget

from exam_station.ui.content import ContentView
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from exam_station.ui.sound_player import SoundShelf
from question_bank.item import Media
from question_bank.package import PresentedComposite, PresentedItem
from question_bank.response import CompositeResponse, Response, SimpleResponse

MakePart = Callable[[PresentedItem], ItemView]


class CompositeView(ItemView):
    """The item's stem with its parts in it; their answers are one response."""

    def __init__(
        self,
        item: PresentedItem,
        look: Look,
        media: Mapping[str, Media],
        make: MakePart,
        sounds: SoundShelf,
    ) -> None:
        super().__init__(item, look, media)
        self._given: dict[str, SimpleResponse] = {}
        self._parts: dict[str, ItemView] = {}
        for place, part in enumerate(self.asked(PresentedComposite).parts, 1):
            view = make(PresentedItem(part.id, item.number, "", part.interaction))
            self._call_apart(view, place)
            view.answered.connect(partial(self._part_answered, part.id))
            self._parts[part.id] = view
        stem = ContentView(item.stem, look.theme, media, holes=self._parts, sounds=sounds)
        stem.setObjectName("stem")
        self.body.addWidget(stem)
        self.add_clear_button()

    def _call_apart(self, view: ItemView, place: int) -> None:
        """A field is called by its item; of several, a screen reader says which one it is."""
        texts = self.look.texts
        shared = texts("item.entry", number=self.item.number)
        for field in view.findChildren(QWidget):
            if field.accessibleName().startswith(shared):
                own = field.accessibleName().removeprefix(shared)
                name = texts("item.part_entry", number=self.item.number, place=place)
                field.setAccessibleName(f"{name}{own}")

    @property
    def is_told(self) -> bool:
        return all(part.is_told for part in self._parts.values())

    def set_response(self, response: Response | None) -> None:
        self._given = dict(response.parts) if isinstance(response, CompositeResponse) else {}
        for name, part in self._parts.items():
            part.set_response(self._given.get(name))

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(CompositeResponse({}))

    def focus_first(self) -> None:
        next(iter(self._parts.values())).focus_first()

    def finish(self) -> None:
        for part in self._parts.values():
            part.finish()

    def _part_answered(self, name: str, response: SimpleResponse) -> None:
        others = {known: given for known, given in self._given.items() if known != name}
        self._given = others if response.is_empty else {**others, name: response}
        self.emit_answer(CompositeResponse(dict(self._given)))
