"""Formulas as Qt draws them: `question_bank.drawing`, made once and kept."""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QByteArray
from PySide6.QtSvg import QSvgRenderer

from question_bank.drawing import OPTICAL_SIZE as OPTICAL_SIZE
from question_bank.drawing import draw
from question_bank.errors import FormulaError as FormulaError


@dataclass(frozen=True, slots=True)
class Formula:
    """A drawing and its measures in em of the text around it, from the baseline."""

    drawing: QSvgRenderer
    width: float
    ascent: float
    descent: float


@lru_cache(maxsize=2048)
def formula(mathml: str, color: str) -> Formula:
    """The drawing of a `<math>` element in `color` (#RRGGBB); raises FormulaError."""
    drawn = draw(mathml, color)
    drawing = QSvgRenderer(QByteArray(drawn.svg.encode()))
    if not drawing.isValid():
        raise FormulaError("a formula has an empty drawing")
    return Formula(drawing, drawn.width, drawn.ascent, drawn.descent)
