"""Formulas as SVG: one drawing for the kiosk and for the item writers' pages.

A drawing is measured in em, so that one serves every text size and every screen. ziamath comes
with the station's and the server's libraries.
"""

import copy
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree

from ziamath.config import config
from ziamath.zmath import Math

from question_bank.errors import FormulaError

# QtSvg draws SVG Tiny 1.2, which knows no <symbol>: glyphs as plain paths.
config.svg2 = False

_EM = 100.0
# STIX has a lower x-height (0.47 em) than Noto (0.54 em): drawn larger, both look the same size.
OPTICAL_SIZE = 1.1
_SIGNS = ("\N{MINUS SIGN}", "+", "±")
_SEPARATORS = (";", ",")
_CLOSING = (")", "]", "}", "|", "!", "′", "%", "°", "∞")


#: How ziamath refuses MathML that is well-formed and yet no formula.
_CANNOT = (
    ElementTree.ParseError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG and its measures in em of the text around it, from the baseline."""

    svg: str
    width: float
    ascent: float
    descent: float


@lru_cache(maxsize=2048)
def draw(mathml: str, color: str) -> Drawing:
    """The drawing of a `<math>` element in `color` (#RRGGBB).

    Raises FormulaError; the caller shows the LaTeX instead.
    """
    try:
        element = _prepared(ElementTree.fromstring(mathml))  # noqa: S314 - cleaned content
        element.set("mathcolor", color)
        drawn = Math(element, size=_EM, margin=0)
        svg = drawn.svg()
    except _CANNOT as error:
        raise FormulaError(f"a formula cannot be drawn ({type(error).__name__})") from error
    box = drawn.node.bbox
    if box.xmax <= box.xmin or box.ymax <= box.ymin:
        raise FormulaError("a formula has an empty drawing")
    unit = OPTICAL_SIZE / _EM
    return Drawing(svg, (box.xmax - box.xmin) * unit, box.ymax * unit, -box.ymin * unit)


def _prepared(math: ElementTree.Element) -> ElementTree.Element:
    """A copy with true minus signs; handed over as an element, since ziamath's own replacement
    of hyphens in strings swallows everything between the first <mo> and the hyphen."""
    math = copy.deepcopy(math)
    for element in math.iter():
        if _name(element) in ("mo", "mn") and element.text:
            element.text = element.text.replace("-", "\N{MINUS SIGN}")
    for row in math.iter():
        _bind_signs(row)
    return math


def _bind_signs(row: ElementTree.Element) -> None:
    """A sign after an operator or an opening bracket belongs to what follows it (as in TeX)."""
    before: ElementTree.Element | None = None
    for element in row:
        sign = _name(element) == "mo" and (element.text or "").strip() in _SIGNS
        if sign and before is not None and _opens(before):
            element.attrib.update(form="prefix", lspace="0em", rspace="0em")
        before = element


def _opens(element: ElementTree.Element) -> bool:
    text = (element.text or "").strip()
    return text in _SEPARATORS or (_name(element) == "mo" and text not in _CLOSING)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
