"""Numeric entry: a field that takes nothing but allowed characters, and a keypad beside it."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QValidator
from PySide6.QtWidgets import QGridLayout, QLineEdit, QSizePolicy, QWidget

from exam_station.ui import elements
from exam_station.ui.items.item_view import ItemView
from exam_station.ui.look import Look
from question_bank.item import Media
from question_bank.package import PresentedItem, PresentedNumeric
from question_bank.response import NumericResponse, Response

# Other ways to type a character that is allowed; the first allowed one counts.
SAME = {".": ",", ",": ".", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-"}
KEYPAD = ("789", "456", "123", "-0,")
BACKSPACE = "\N{ERASE TO THE LEFT}"


class AllowedCharacters(QValidator):
    """At most `length` characters, each one of `allowed`; look-alikes become the allowed one."""

    def __init__(self, allowed: str, length: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._allowed = allowed
        self._length = length

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        spelled = "".join(self._spelled(character) for character in text)
        fits = len(spelled) <= self._length and set(spelled) <= set(self._allowed)
        state = QValidator.State.Acceptable if fits else QValidator.State.Invalid
        return state, spelled, position

    def _spelled(self, character: str) -> str:
        other = SAME.get(character, character)
        return other if character not in self._allowed and other in self._allowed else character


class NumericField(QLineEdit):
    """A line that leaves Ctrl + arrows, which move between items, to the screen."""

    def event(self, event: QEvent) -> bool:
        arrows = (Qt.Key.Key_Left, Qt.Key.Key_Right)
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
            and event.key() in arrows
        ):
            event.ignore()
            return False
        return super().event(event)


class NumericView(ItemView):
    """The field with its unit and the keypad for those who have only a mouse."""

    def __init__(
        self, item: PresentedItem, look: Look, media: Mapping[str, Media], *, part: bool = False
    ) -> None:
        super().__init__(item, look, media, part=part)
        interaction = self.asked(PresentedNumeric)
        self._interaction = interaction
        theme, texts = look.theme, look.texts
        self._field = NumericField()
        self._field.setObjectName("numeric-entry")
        name = texts("item.entry", number=item.number)
        self._field.setAccessibleName(f"{name} {interaction.unit}".strip())
        self._field.setValidator(
            AllowedCharacters(interaction.allowed, interaction.max_length, self._field)
        )
        self._field.setMaxLength(interaction.max_length)
        self._field.setFixedWidth(theme.text_px(40 + 46 * min(12, interaction.max_length)))
        self._field.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._field.textEdited.connect(lambda _text: self._edited())
        unit = [elements.one_line(interaction.unit, "lead")] if interaction.unit else []
        if part:
            self._stand_in_a_line(*unit)
            return
        line = [elements.one_line(texts("item.answer"), "strong"), self._field, *unit]
        self.body.addLayout(elements.row(theme, *line, None, gap=18))
        self.body.addWidget(elements.label(self._hint(), "muted"))
        self.body.addLayout(elements.row(theme, self._keypad(), None))
        self.add_clear_button()

    def _stand_in_a_line(self, *unit: QWidget) -> None:
        elements.restyle(self._field, role="text")
        self._field.setFixedWidth(self.look.theme.text_px(40 + 20 * self._field.maxLength()))
        self.body.addLayout(elements.row(self.look.theme, self._field, *unit, gap=8))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def _hint(self) -> str:
        texts, allowed = self.look.texts, self._interaction.allowed
        hint = texts("item.entry_hint", length=self._interaction.max_length)
        return f"{hint} {texts('item.comma_hint')}" if "," in allowed else hint

    def _keypad(self) -> QWidget:
        pad = QWidget()
        grid = QGridLayout(pad)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(self.look.theme.px(8))
        for line, keys in enumerate(KEYPAD):
            for place, key in enumerate(keys):
                if key in self._interaction.allowed:
                    grid.addWidget(self._key(key), line, place)
        back = elements.button(BACKSPACE, "key-backspace", self._erase, role="key")
        back.setAccessibleName(self.look.texts("item.backspace"))
        back.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        grid.addWidget(back, 0, 3)
        return pad

    def _key(self, character: str) -> QWidget:
        shown = "\N{MINUS SIGN}" if character == "-" else character
        key = elements.button(shown, f"key-{character}", lambda: self._type(character), role="key")
        key.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return key

    def set_response(self, response: Response | None) -> None:
        text = response.text if isinstance(response, NumericResponse) else ""
        if self._field.text() != text:
            self._field.setText(text)

    def clear(self) -> None:
        self.set_response(None)
        self.emit_answer(NumericResponse(""))

    def focus_first(self) -> None:
        self._field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _type(self, character: str) -> None:
        before = self._field.text()
        self._field.insert(character)
        if self._field.text() != before:
            self._edited()

    def _erase(self) -> None:
        before = self._field.text()
        self._field.backspace()
        if self._field.text() != before:
            self._edited()

    def _edited(self) -> None:
        self.emit_answer(NumericResponse(self._field.text()))
