"""In which language a text is, by its letters."""

import re

# Letters that Vietnamese has in Unicode and neither TCVN3 nor VNI, read as Latin-1, ever gives.
VIETNAMESE = re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
# A Vietnamese text of so many characters has such a letter.
_LONG = 60


def language_of(text: str, otherwise: str = "") -> str:
    """`vi` where a letter is Vietnamese; `otherwise` of a text too short to tell; else nothing."""
    if VIETNAMESE.search(text):
        return "vi"
    return otherwise if len(text) < _LONG else ""
