"""A field for a proctor's code, as the screens without network ask for one."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from exam_station.ui.look import Look

#: A pasted text longer than any code is no code.
LONGEST = 64


def code_field(look: Look, name: str, accessible: str, entered: Callable[[], object]) -> QLineEdit:
    """One line in capitals, without a menu; Enter is as good as the button."""
    field = QLineEdit()
    field.setObjectName(name)
    field.setAccessibleName(accessible)
    field.setMaxLength(LONGEST)
    field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
    field.setInputMethodHints(
        Qt.InputMethodHint.ImhNoPredictiveText | Qt.InputMethodHint.ImhPreferUppercase
    )
    field.setFont(look.theme.font(40, bold=True))
    field.textEdited.connect(lambda text: _in_capitals(field, text))
    field.returnPressed.connect(lambda: entered())
    return field


def _in_capitals(field: QLineEdit, text: str) -> None:
    place = field.cursorPosition()
    field.setText(text.upper())
    field.setCursorPosition(place)
