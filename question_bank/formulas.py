r"""Formulas: LaTeX to presentation MathML, whose `alttext` is the LaTeX exactly as it was written.

latex2mathml converts; `school_latex` first puts what schools write into its dialect, and its
known slips are mended in the tree. Whatever it does not know is an error, never a guess.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import escape, quoteattr

from latex2mathml.converter import convert_to_element

from question_bank.content import MATHML, clean
from question_bank.errors import ContentError, FormulaError
from question_bank.formula_latex import MAX_LATEX as MAX_LATEX
from question_bank.school_latex import plain_latex

MAX_GROUPS = 30
SHORT = 200  # up to here a formula is kept: the same few stand in most items
MAX_TREE = 120
MAX_ELEMENTS = 20_000

_NESTING = re.compile(r"\\\\|\\(begin|end|left|right)(?![A-Za-z])|\\.|%[^\n]*|([{}])", re.DOTALL)
_OPENS = frozenset(("begin", "left", "{"))
_REFERENCE = re.compile(r"&#x([0-9A-Fa-f]{1,6});")
_UPRIGHT = re.compile(r"&#x000[4-7][0-9A-Fa-f];")
_LENGTH = re.compile(r"(-?)(\d+(?:\.\d+)?)\s*(in|mm|cm|pt|em|ex|pc|bp|dd|cc|sp|mu)")
_FRACTION = re.compile(r"\.\d+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What latex2mathml takes for a variable and is an operator, with its attributes.
_OPERATORS = {
    ";": (";", {"separator": "true"}),
    "\\": ("\\", {"lspace": "0.2em", "rspace": "0.1em"}),
    "⧵": ("\\", {"lspace": "0.2em", "rspace": "0.1em"}),
    "~": ("∼", {}),
    "⟂": ("⊥", {}),
}
_FIXED = ("↑", "↓")
_OVER = {"^": "\N{COMBINING CIRCUMFLEX ACCENT}", "~": "\N{COMBINING TILDE}"}
_LONG = {"→": "⟶", "←": "⟵", "↔": "⟷", "⇒": "⟹"}
_OPERATOR_SIGNS = frozenset("%:⌢⌣&#")
_SYMBOLIC = frozenset(("Sm", "Ps", "Pe"))
_ARITY = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3,
          "munderover": 3}  # fmt: skip
_MOVING = frozenset(("∑", "∏", "⋃", "⋂", "lim", "max", "min", "sup", "inf"))
_UNDER_OVER = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
_CANNOT = (ArithmeticError, AttributeError, LookupError, RecursionError, StopIteration,
           RuntimeError, TypeError, ValueError)  # fmt: skip


def mathml_of(latex: str, *, display: bool = False) -> str:
    """A `<math>` element as `content.clean` spells it. `display`: drawn as a line of its own.

    Raises FormulaError for what is too long (10,000 characters), too deep or not known.
    """
    return _known(latex, display) if len(latex) <= SHORT else _made(latex, display)


@lru_cache(maxsize=8192)
def _known(latex: str, display: bool) -> str:
    return _made(latex, display)


def _made(latex: str, display: bool) -> str:
    _check(latex)
    plain = plain_latex(latex)
    _check(plain)
    math = _converted(plain, display=display)
    _mend(math, displayed=display)
    math.set("alttext", latex)
    if display:
        math.set("display", "block")
    try:
        return clean(_spelled(math))
    except ContentError as error:
        raise FormulaError(f"formula {_shown(latex)}: {error}") from None


def source_of(latex: str) -> str:
    """A `<math>` element that shows the LaTeX itself, for a formula that cannot be converted."""
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", latex[:MAX_LATEX])
    text = f"<mtext>{escape(shown)}</mtext>"
    return clean(f'<math xmlns="{MATHML}" alttext={quoteattr(shown)}>{text}</math>')


def _check(latex: str) -> None:
    if len(latex) > MAX_LATEX:
        raise FormulaError(f"a formula of {len(latex)} characters; {MAX_LATEX} are possible")
    if not latex.strip():
        raise FormulaError("an empty formula")
    if control := _CONTROL.search(latex):
        raise FormulaError(f"a formula holds the control character {control[0]!r}")
    open_groups: list[str] = []
    for match in _NESTING.finditer(latex):
        token = match[1] or match[2]
        if token in _OPENS:
            open_groups.append(token)
            if len(open_groups) > MAX_GROUPS:
                raise FormulaError(f"a formula is nested deeper than {MAX_GROUPS} levels")
        elif token and (not open_groups or _closes(open_groups.pop()) != token):
            raise FormulaError(f"formula {_shown(latex)}: {token} closes nothing")
    if open_groups:
        raise FormulaError(f"formula {_shown(latex)}: {open_groups[-1]} is never closed")


def _closes(token: str) -> str:
    return {"begin": "end", "left": "right", "{": "}"}[token]


def _shown(latex: str) -> str:
    short = " ".join(latex.split())
    return f"${short}$" if len(short) <= 60 else f"${short[:57]}…$"


def _converted(latex: str, *, display: bool) -> Element:
    try:
        math = convert_to_element(latex, display="block" if display else "inline")
    except _CANNOT as error:
        raise FormulaError(_refused(latex, error)) from None
    except Exception as error:
        # latex2mathml's own exceptions have no root but Exception; anything else is a fault.
        if type(error).__module__ != "latex2mathml.exceptions":
            raise
        raise FormulaError(_refused(latex, error)) from None
    for count, (_, depth) in enumerate(_walk(math)):
        if depth > MAX_TREE or count > MAX_ELEMENTS:
            raise FormulaError(f"formula {_shown(latex)}: too much in one formula")
    return math


def _refused(latex: str, error: Exception) -> str:
    return f"formula {_shown(latex)} is no LaTeX that is understood ({type(error).__name__})"


def _walk(root: Element) -> Iterator[tuple[Element, int]]:
    pending = [(root, 0)]
    while pending:
        element, depth = pending.pop()
        yield element, depth
        pending.extend((child, depth + 1) for child in reversed(element))


def _mend(math: Element, *, displayed: bool) -> None:
    for element, _ in list(_walk(math)):
        _mend_leaf(element)
    for element, _ in list(_walk(math)):
        _join_numbers(element)
        _stretch(element)
    _move_limits(math, displayed=displayed)


def _mend_leaf(element: Element) -> None:
    element.attrib.pop("linebreak", None)
    if len(element) != _ARITY.get(element.tag, len(element)):
        raise FormulaError(f"a formula ends where <{element.tag}> needs an argument")
    if len(element) and element.tag in ("mo", "mi"):  # \mathop{…}, \mathord{…}
        element.tag = "mrow"
        element.text = None
    text = element.text or ""
    if element.tag == "mi" and _UPRIGHT.fullmatch(text):
        element.set("mathvariant", "normal")
    if element.tag == "mi" and text in ("&", "#", "$"):
        raise FormulaError(f"a {text} stands where none can be")
    text = _REFERENCE.sub(_character, text)
    element.text = text or None
    if element.tag == "mo" and text in (r"\{", r"\}"):  # of \big and its like
        element.text = text[1]
    if element.tag == "mo" and text in _FIXED:
        element.set("stretchy", "false")
    if element.tag != "mi":
        if length := _LENGTH.fullmatch(text) if element.tag == "mn" else None:
            _split_length(element, length)
        return
    if len(text) > 1 and text[0] == "\\":
        raise FormulaError(f"{text[:40]} is not known")
    if text in _OPERATORS:
        element.tag = "mo"
        element.attrib.pop("mathvariant", None)
        element.text, attributes = _OPERATORS[text]
        element.attrib.update(attributes)
    elif len(text) == 1 and (text in _OPERATOR_SIGNS or unicodedata.category(text) in _SYMBOLIC):
        element.tag = "mo"
        if unicodedata.category(text) in ("Ps", "Pe"):
            element.set("stretchy", "false")
    elif _FRACTION.fullmatch(text):
        element.tag = "mn"
    elif length := _LENGTH.fullmatch(text):
        _split_length(element, length)


def _stretch(element: Element) -> None:
    """Hats over several letters are wide, arrows under conditions long, rows not cramped."""
    if element.tag == "mover" and len(element[0]) > 1 and element[1].text in _OVER:
        element[1].text = _OVER[element[1].text]
    if element.tag in ("mover", "munder", "munderover") and element[0].tag == "mstyle":
        for arrow in element[0]:
            arrow.text = _LONG.get(arrow.text or "", arrow.text)
    if element.tag == "mtable":
        element.attrib.pop("rowspacing", None)


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= 0x10FFFF else ""


def _split_length(element: Element, length: re.Match[str]) -> None:
    """`5cm` is to latex2mathml one number; to TeX it is a number and two variables."""
    element.tag, element.text = "mrow", None
    parts = [("mo", "−")] if length[1] else []
    parts += [("mn", length[2]), *(("mi", letter) for letter in length[3])]
    for tag, text in parts:
        leaf = Element(tag)
        leaf.text = text
        element.append(leaf)


def _join_numbers(parent: Element) -> None:
    """`1{,}5` and `2.000.000` are one number each."""
    joined: list[Element] = []
    for child in parent:
        before = joined[-1] if joined else None
        fraction = child.tag == "mn" and (child.text or "").startswith(".")
        if before is not None and before.tag == "mn" and fraction:
            before.text = (before.text or "") + (child.text or "")
        elif child.tag == "mn" and len(joined) > 1 and _is_comma(before) and joined[-2].tag == "mn":
            joined.pop()
            joined[-1].text = f"{joined[-1].text},{child.text}"
        else:
            joined.append(child)
    if len(joined) != len(parent):
        parent[:] = joined


def _is_comma(element: Element | None) -> bool:
    if element is None or element.tag != "mrow" or len(element) != 1:
        return False
    return element[0].tag == "mo" and element[0].text == ","


def _move_limits(math: Element, *, displayed: bool) -> None:
    r"""In display style the limits of ∑ and lim stand below and above, as TeX sets them."""
    pending = [(math, displayed)]
    while pending:
        element, display = pending.pop()
        style = element.get("displaystyle")
        display = style == "true" if style else display
        if display and element.tag in _UNDER_OVER and len(element) and _moves(element[0]):
            element.tag = _UNDER_OVER[element.tag]
        keeps = element.tag in ("math", "mrow", "mstyle", "mpadded", "mtable", "mtr", "mtd")
        inside = display and (keeps if element.tag != "mtable" else style == "true")
        pending.extend((child, inside) for child in element)


def _moves(base: Element) -> bool:
    while base.tag == "mrow" and len(base) == 1:
        base = base[0]
    return base.tag == "mo" and (base.text or "") in _MOVING


def _spelled(math: Element) -> str:
    for element, _ in _walk(math):
        element.tail = None
    return tostring(math, encoding="unicode")
