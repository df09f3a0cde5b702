"""A word or a few on one line, alone or in the midst of a text."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy

from exam_station.ui import elements
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.items.numeric import NumericField
from exam_station.ui.look import Look
from question_bank.interactions import TextEntry
from question_bank.item import Media
from question_bank.package import PresentedItem
from question_bank.response import Response, TextResponse

LONGEST = 26  # characters that a field has room for; longer words scroll in it


class TextEntryView(ItemView):
    """The field. What an input method is still composing is no text yet and is not emitted."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        most = self.asked(TextEntry).max_length
        self._told = ""
        self._field = NumericField()
        self._field.setObjectName(f"text-entry-{item.id}" if part else "text-entry")
        self._field.setProperty("role", "text")
        self._field.setAccessibleName(look.texts("item.entry", number=item.number))
        self._field.setMaxLength(most)
        self._field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._field.setAcceptDrops(False)
        hints = Qt.InputMethodHint.ImhNoAutoUppercase | Qt.InputMethodHint.ImhNoPredictiveText
        self._field.setInputMethodHints(hints)
        self._field.setFixedWidth(look.theme.text_px(48 + 15 * max(4, min(LONGEST, most))))
        self._field.textChanged.connect(lambda _text: self._changed())
        if part:
            self.body.addWidget(self._field)
            self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            return
        name = elements.one_line(look.texts("item.answer"), "strong")
        self.body.addLayout(elements.row(look.theme, name, self._field, None, gap=18))
        self.body.addWidget(elements.label(look.texts("item.entry_hint", length=most), "muted"))
        self.add_clear_button()

    def set_response(self, response: Response | None) -> None:
        self._told = response.text if isinstance(response, TextResponse) else ""
        if self._field.text() != self._told:
            self._field.setText(self._told)

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(TextResponse(""))

    def focus_first(self) -> None:
        self._field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _changed(self) -> None:
        if self._field.text() != self._told:
            self._told = self._field.text()
            self.emit_answer(TextResponse(self._told))
