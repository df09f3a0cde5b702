"""What all item widgets share: the emitted answer, and agreement with the state that comes back."""

from collections.abc import Mapping
from typing import TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from exam_station.ui import elements
from exam_station.ui.look import Look
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import Response

T = TypeVar("T")


class ItemView(QWidget):
    """The interaction of one item. `answered` emits the whole response at every change; an empty
    response says that the answer was cleared. A `part` of a composite item is cleared with it."""

    answered = Signal(object)

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__()
        self.item = item
        self.look = look
        self.media = media
        self.part = part
        self._awaited: list[Response | None] = []
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(look.theme.px(14))
        self._clear = elements.button(
            look.texts("item.clear"), "clear-answer", self.clear, role="quiet"
        )

    def asked(self, kind: type[T]) -> T:
        """The item's interaction, which is of that kind."""
        if not isinstance(self.item.interaction, kind):
            raise TypeError(f"item {self.item.number} is no {kind.__name__}")
        return self.item.interaction

    def agree(self, response: Response | None) -> None:
        """Shows `response` unless it is the echo of an answer that this widget emitted itself.

        The state follows the journal and may lag behind quick typing; what the candidate has just
        entered is never taken back by an echo of what stood there before it.
        """
        if response in self._awaited:
            del self._awaited[: self._awaited.index(response) + 1]
        elif not self._awaited and self.is_told:
            self.set_response(response)
        self._clear.setEnabled(response is not None or bool(self._awaited))

    def set_response(self, response: Response | None) -> None:
        """Shows the response; None is no answer. Emits nothing."""
        raise NotImplementedError

    def clear(self) -> None:
        """The candidate takes the answer back."""
        raise NotImplementedError

    def focus_first(self) -> None:
        """Gives the keyboard to the place where an answer is made."""
        raise NotImplementedError

    @property
    def is_told(self) -> bool:
        """Whether everything that was entered has been emitted."""
        return True

    def finish(self) -> None:
        """Emits what is not emitted yet; the candidate goes elsewhere."""

    def emit_answer(self, response: Response) -> None:
        """Tells of a change by the candidate."""
        if not self.part:  # the composite awaits for its parts
            self._awaited.append(None if response.is_empty else response)
        self._clear.setEnabled(not response.is_empty)
        self.answered.emit(response)

    def add_clear_button(self) -> None:
        """The last line: take the answer back."""
        if self.part:
            self.body.addStretch(1)
            return
        self.body.addLayout(elements.row(self.look.theme, self._clear, None))
        self.body.addStretch(1)
