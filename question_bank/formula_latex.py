r"""Presentation MathML (W3C MathML 3, chapter 3) to LaTeX, for formulas that come without theirs.

The way back of `formulas`: what this says, that reads as the same formula. Colours, sizes and
lines of tables are a formula's look and are passed over.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from lxml import etree

from question_bank.errors import FormulaError
from question_bank.formula_signs import (
    ACCENTS,
    ALPHABETS,
    FENCES,
    FUNCTIONS,
    GROUPS,
    INVISIBLE,
    LIMITED,
    SIGNS,
    SPACES,
    escaped_words,
)

MAX_DEPTH = 60
MAX_ELEMENTS = 5_000
MAX_LATEX = 10_000
MAX_WORDS = 500

TEX = ("application/x-tex", "application/x-latex", "TeX", "LaTeX")

_ENDS_IN_COMMAND = re.compile(r"\\[A-Za-z]+\Z")
_WIDTH = re.compile(r"(-?[0-9]*\.?[0-9]+)em")
_LARGE = frozenset("∑∏∐∫∬∭∮∯⋃⋂⋁⋀⨁⨂")
_PRIMES = {"′": "'", "'": "'", "″": "''", "‴": "'''", "′′": "''", "′′′": "'''"}
_ARROWS = {
    "→": "xrightarrow", "⟶": "xrightarrow", "←": "xleftarrow", "⟵": "xleftarrow",
    "↔": "xleftrightarrow", "⟷": "xleftrightarrow", "⇌": "xrightleftharpoons",
    "⇒": "xRightarrow", "⟹": "xRightarrow", "⇐": "xLeftarrow", "⇔": "xLeftrightarrow",
}  # fmt: skip
#: Signs that `formulas` draws otherwise than Office does, or that Office's formulas have not.
_SIGNS = {
    "⟶": r"\longrightarrow", "⟵": r"\longleftarrow", "⟷": r"\longleftrightarrow",
    "⟹": r"\Longrightarrow", "⟸": r"\Longleftarrow", "⟺": r"\Longleftrightarrow",
    "⌢": r"\frown", "⌣": r"\smile", "∽": r"\backsim", "∁": r"\complement", "∴": r"\therefore",
    "∵": r"\because", "↗": r"\nearrow", "↘": r"\searrow", "⌊": r"\lfloor", "⌋": r"\rfloor",
    "⌈": r"\lceil", "⌉": r"\rceil", "⟨": r"\langle", "⟩": r"\rangle", "〈": r"\langle",
    "〉": r"\rangle", "‖": r"\|", "∅": r"\emptyset", "≮": r"\nless", "≯": r"\ngtr",
    "∄": r"\nexists", "∦": r"\nparallel", "⊄": r"\not\subset", "≢": r"\not\equiv",
    "⩽": r"\leqslant", "⩾": r"\geqslant", "△": r"\triangle", "▵": r"\triangle", "∆": r"\Delta",
    "Ω": r"\Omega", "µ": r"\mu", "〖": "", "〗": "", "★": r"\bigstar", "∓": r"\mp",
    "⋅": r"\cdot", "⊙": r"\odot", "≜": r"\triangleq", "≔": r":=", "^": r"\wedge", "‴": "'''",
}  # fmt: skip
_VARIANTS = {
    "normal": "mathrm", "bold": "mathbf", "bold-italic": "boldsymbol", "bold-fraktur": "mathfrak",
    **dict(ALPHABETS.values()), "script": "mathscr", "bold-script": "mathscr",
}  # fmt: skip
_LOOKS = (
    ("BOLD ITALIC", "boldsymbol"), ("BOLD SCRIPT", "mathscr"), ("BOLD FRAKTUR", "mathfrak"),
    ("BOLD", "mathbf"), ("SCRIPT", "mathscr"), ("FRAKTUR", "mathfrak"),
    ("DOUBLE-STRUCK", "mathbb"), ("SANS-SERIF", "mathsf"), ("MONOSPACE", "mathtt"),
)  # fmt: skip
_TEXTS = {"bold": "textbf", "italic": "textit", "monospace": "texttt"}
_MATRICES = {"()": "pmatrix", "[]": "bmatrix", "{}": "Bmatrix", "||": "vmatrix", "‖‖": "Vmatrix",
             "∥∥": "Vmatrix", "∣∣": "vmatrix"}  # fmt: skip
_OVERLINES, _UNDERLINES = frozenset("―‾\u0305"), frozenset("_―‾¯\u0332")
_WIDTHS = ((0.2, r"\,"), (0.25, r"\:"), (0.6, r"\;"), (1.5, r"\quad"))
_ENCLOSED = {
    "box": "boxed", "updiagonalstrike": "cancel", "downdiagonalstrike": "bcancel",
    "updiagonalstrike downdiagonalstrike": "xcancel", "top": "overline", "bottom": "underline",
    "radical": "sqrt",
}  # fmt: skip
_ROWS = frozenset(("math", "mrow", "mstyle", "mpadded", "mtd", "merror", "semantics", "mphantom"))


def latex_of_mathml(math: etree._Element) -> str:
    """The LaTeX of a `<math>`: of its annotation where it has one, else of what it shows.

    Raises FormulaError for what is too long or too deep, and for what LaTeX has no words for.
    """
    if annotation := tex_annotation(math):
        return annotation
    _check_size(math)
    latex = _row(math)
    if len(latex) > MAX_LATEX:
        raise FormulaError(f"a formula of {len(latex)} characters; {MAX_LATEX} are possible")
    return latex


def words_of_mathml(math: etree._Element) -> str:
    r"""What stands for a formula that has no LaTeX: its words, named and each by itself."""
    words = " ".join(" ".join(str(text) for text in math.itertext()).split())
    return rf"\text{{[MathML: {escaped_words(words[:MAX_WORDS])}]}}" if words else ""


def tex_annotation(math: etree._Element) -> str:
    """The LaTeX that an annotation says; empty where none does."""
    for node in math.iter("{*}annotation"):
        if node.get("encoding") in TEX:
            return " ".join((node.text or "").split())
    return ""


def _check_size(math: etree._Element) -> None:
    pending, count = [(math, 0)], 0
    while pending:
        node, depth = pending.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise FormulaError("a formula is too long or nested too deep")
        pending.extend((inner, depth + 1) for inner in node)


def _name(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _text(node: etree._Element) -> str:
    return (node.text or "").strip()


def _inner(node: etree._Element) -> list[etree._Element]:
    return [one for one in node if _name(one) and not _name(one).startswith("annotation")]


def _alone(node: etree._Element) -> etree._Element:
    """The only thing in rows of one thing."""
    while _name(node) in ("mrow", "mstyle", "mpadded") and len(_inner(node)) == 1:
        if _text(node):
            break
        (node,) = _inner(node)
    return node


def _sign_of(node: etree._Element) -> str:
    """The sign that a node is and nothing else; empty where it is more."""
    only = _alone(node)
    return _text(only) if _name(only) in ("mo", "mi") else ""


def _joined(parts: Iterable[str]) -> str:
    latex: list[str] = []
    for part in parts:
        if part and latex and part[0].isalpha() and _ENDS_IN_COMMAND.search(latex[-1]):
            latex.append(" ")
        if part:
            latex.append(part)
    return "".join(latex)


def _argument(node: etree._Element) -> str:
    return "{" + _latex(node) + "}"


def _nucleus(node: etree._Element) -> str:
    """What scripts stand at."""
    latex = _latex(node)
    only = _alone(node)
    leaf = _name(only) in ("mi", "mn", "mo", "mtext") and "^" not in latex and "'" not in latex
    return latex if leaf and latex else "{" + latex + "}"


def _latex(node: etree._Element) -> str:
    name = _name(node)
    if name in _ROWS:
        return _styled(node)
    known = _KNOWN.get(name)
    if known is None:
        raise FormulaError(f"<{name[:40]}> has no LaTeX")
    return known(node)


def _children(node: etree._Element, count: int) -> list[etree._Element]:
    inner = _inner(node)
    if len(inner) != count:
        raise FormulaError(f"<{_name(node)}> has {len(inner)} arguments and needs {count}")
    return inner


# --- rows


def _styled(node: etree._Element) -> str:
    if _name(node) == "mphantom":
        return rf"\phantom{{{_row(node)}}}"
    display = node.get("displaystyle") if _name(node) == "mstyle" else None
    inner = _inner(node)
    if display not in ("true", "false") or not inner:
        return _row(node)
    row = _row(node)
    if len(inner) == 1 and row.startswith(r"\frac"):
        return ("\\dfrac" if display == "true" else "\\tfrac") + row.removeprefix(r"\frac")
    return _joined((r"{\displaystyle" if display == "true" else r"{\textstyle", row)) + "}"


def _row(parent: etree._Element) -> str:
    """Everything in an element, side by side."""
    nodes = _inner(parent)
    if _name(parent) == "semantics":
        nodes = nodes[:1]
    parts = [_words(_text(parent)), _side_by_side(nodes)]
    parts += [_words((node.tail or "").strip()) for node in nodes]
    return _joined(parts)


def _words(text: str) -> str:
    return rf"\text{{{escaped_words(text)}}}" if text else ""


def _side_by_side(nodes: Sequence[etree._Element]) -> str:
    if nodes and _is_fence(nodes[0], "prefix"):
        closed = len(nodes) > 1 and _is_fence(nodes[-1], "postfix")
        return _between(
            nodes[0], nodes[1:-1] if closed else nodes[1:], nodes[-1] if closed else None
        )
    if len(nodes) == 2 and _opens_a_system(*nodes):
        return _between(nodes[0], nodes[1:], None)
    return _joined(_pieces(nodes))


def _opens_a_system(opening: etree._Element, system: etree._Element) -> bool:
    stretches = _name(opening) == "mo" and opening.get("stretchy") != "false"
    return stretches and _text(opening) in ("{", "[") and _name(_alone(system)) == "mtable"


def _pieces(nodes: Sequence[etree._Element]) -> Iterator[str]:
    at = 0
    while at < len(nodes):
        taken = nodes[at : at + 3]
        if len(taken) == 3 and (bracketed := _bracketed(*taken)):
            yield bracketed
            at += 3
            continue
        stop = _alike(nodes, at)
        yield _variant(nodes[at:stop]) if stop > at + 1 else _latex(nodes[at])
        at = max(stop, at + 1)


def _alike(nodes: Sequence[etree._Element], at: int) -> int:
    """Where letters of one look end, which are one word: upright chemical symbols."""
    look = nodes[at].get("mathvariant")
    stop = at
    while stop < len(nodes) and look and _name(nodes[stop]) == "mi":
        if nodes[stop].get("mathvariant") != look or len(_text(nodes[stop])) != 1:
            break
        stop += 1
    return stop


def _variant(nodes: Sequence[etree._Element]) -> str:
    command = _VARIANTS.get(str(nodes[0].get("mathvariant")))
    letters = _joined(_sign(_text(node)) for node in nodes)
    return rf"\{command}{{{letters}}}" if command else letters


def _bracketed(
    opening: etree._Element, middle: etree._Element, closing: etree._Element
) -> str | None:
    """A matrix or a binomial between its brackets."""
    if _name(opening) != "mo" or _name(closing) != "mo":
        return None
    if opening.get("form") or opening.get("fence"):
        return None
    pair, only = _text(opening) + _text(closing), _alone(middle)
    if _name(only) == "mtable" and pair in _MATRICES:
        name = _MATRICES[pair]
        return rf"\begin{{{name}}}{_cells(only)}\end{{{name}}}"
    if pair == "()" and _name(only) == "mfrac" and _is_bare(only):
        above, below = _children(only, 2)
        return rf"\binom{_argument(above)}{_argument(below)}"
    return None


def _is_fence(node: etree._Element, form: str) -> bool:
    fence = node.get("fence") == "true" and node.get("stretchy") != "false"
    return _name(node) == "mo" and fence and node.get("form") == form


def _between(
    opening: etree._Element, inside: Sequence[etree._Element], closing: etree._Element | None
) -> str:
    only = _alone(inside[0]) if len(inside) == 1 else None
    if closing is None and only is not None and _name(only) == "mtable" and _text(opening) == "{":
        return rf"\begin{{cases}}{_cells(only)}\end{{cases}}"
    last = "" if closing is None else _text(closing)
    return _left_right(_text(opening), _side_by_side(inside), last)


def _left_right(first: str, inside: str, last: str) -> str:
    left = _joined((rf"\left{FENCES.get(first, '.')}", inside))
    return rf"{left}\right{FENCES.get(last, '.')}"


def _fenced(node: etree._Element) -> str:
    signs = str(node.get("separators", ",")).replace(" ", "")
    inner = [_latex(one) for one in _inner(node)]
    between = [signs[min(at, len(signs) - 1)] if signs else "" for at in range(len(inner))]
    parts = [part for one, sign in zip(inner, between, strict=True) for part in (one, _sign(sign))]
    return _left_right(
        str(node.get("open", "(")).strip(), _joined(parts[:-1]), str(node.get("close", ")")).strip()
    )


# --- letters, numbers and signs


def _sign(text: str) -> str:
    parts = []
    for letter in text:
        if letter not in INVISIBLE:
            known = _SIGNS.get(letter) or SIGNS.get(letter) or SPACES.get(letter)
            parts.append(known or _styled_letter(letter))
    return _joined(parts)


def _styled_letter(letter: str) -> str:
    """A letter of Unicode's mathematical alphabets (𝐚, 𝒞) as the plain one in its style."""
    if not 0x1D400 <= ord(letter) <= 0x1D7FF:
        return letter
    name = unicodedata.name(letter, "").removeprefix("MATHEMATICAL ")
    plain = _sign(unicodedata.normalize("NFKC", letter))
    command = next((one for look, one in _LOOKS if name.startswith(look)), "")
    return rf"\{command}{{{plain}}}" if command else plain


def _letter(node: etree._Element) -> str:
    text = _text(node)
    if text in FUNCTIONS:
        return f"\\{text}"
    command = _VARIANTS.get(str(node.get("mathvariant", "")))
    if command:
        return rf"\{command}{{{_sign(text)}}}"
    if len(text) == 1 or not any(map(str.isalpha, text)):
        return _sign(text)
    if text.isalpha():
        return rf"\operatorname{{{text}}}"
    return _words(text)


def _number(node: etree._Element) -> str:
    latex = _sign(_text(node)).replace(",", "{,}")
    return rf"\mathbf{{{latex}}}" if "bold" in str(node.get("mathvariant", "")) else latex


def _operator(node: etree._Element) -> str:
    text = _text(node)
    if text in FUNCTIONS:
        return f"\\{text}"
    return rf"\operatorname{{{text}}}" if len(text) > 1 and text.isalpha() else _sign(text)


def _spoken(node: etree._Element) -> str:
    command = _TEXTS.get(str(node.get("mathvariant", "")), "text")
    text = (node.text or "").replace("\xa0", " ")
    text = f'"{text}"' if _name(node) == "ms" else text
    return rf"\{command}{{{escaped_words(text)}}}" if text else ""


def _space(node: etree._Element) -> str:
    width = _WIDTH.fullmatch(str(node.get("width", "")).strip())
    if width is None or not float(width[1]):
        return ""
    if width[1].startswith("-"):
        return r"\!"
    known = (latex for most, latex in _WIDTHS if float(width[1]) < most)
    return next(known, r"\qquad")


# --- fractions and roots


def _is_bare(fraction: etree._Element) -> bool:
    return str(fraction.get("linethickness", "1")) in ("0", "0px", "0pt", "0em", "0%")


def _fraction(node: etree._Element) -> str:
    above, below = _children(node, 2)
    if _is_bare(node):
        return rf"{{{_argument(above)}\atop{_argument(below)}}}"
    if node.get("bevelled") == "true":
        return f"{_argument(above)}/{_argument(below)}"
    return rf"\frac{_argument(above)}{_argument(below)}"


def _root(node: etree._Element) -> str:
    if _name(node) == "msqrt":
        return rf"\sqrt{{{_row(node)}}}"
    base, degree = _children(node, 2)
    order = _latex(degree)
    return rf"\sqrt[{'{' + order + '}' if ']' in order else order}]{_argument(base)}"


# --- scripts


def _scripts(node: etree._Element) -> str:
    match _name(node):
        case "msub":
            base, below = _children(node, 2)
            return _nucleus(base) + _under(below)
        case "msup":
            base, above = _children(node, 2)
            return _nucleus(base) + _over(above)
        case _:
            base, below, above = _children(node, 3)
            return _nucleus(base) + _under(below) + _over(above)


def _under(node: etree._Element) -> str:
    return f"_{_argument(node)}"


def _over(node: etree._Element) -> str:
    sign = _sign_of(node)
    if sign in _PRIMES:
        return _PRIMES[sign]
    latex = r"\circ" if sign == "°" else _latex(node)
    return "^{" + (rf"\prime {latex[1:]}" if latex.startswith("'") else latex) + "}"


def _around(node: etree._Element) -> str:
    """Signs and texts below and above: accents, braces, arrows with conditions, limits."""
    name = _name(node)
    base, *others = _children(node, 3 if name == "munderover" else 2)
    below = others[0] if name != "mover" else None
    above = others[-1] if name != "munder" else None
    sign = _sign_of(base)
    if sign in _ARROWS:
        lower = "" if below is None else f"[{_argument(below)}]"
        return rf"\{_ARROWS[sign]}{lower}{{{'' if above is None else _latex(above)}}}"
    if below is None and above is not None and (command := _accent(above, base, top=True)):
        return rf"\{command}{_argument(base)}"
    if above is None and below is not None and (command := _accent(below, base, top=False)):
        return rf"\{command}{_argument(base)}"
    lower = "" if below is None else _under(below)
    upper = "" if above is None else f"^{_argument(above)}"
    if sign in LIMITED or sign in _LARGE or sign in FUNCTIONS:
        return rf"{_latex(base)}\limits{lower}{upper}"
    if _is_brace(base):
        return f"{_latex(base)}{lower}{upper}"
    latex = _argument(base)
    if above is not None:
        latex = rf"\overset{_argument(above)}{latex}"
        latex = latex if below is None else f"{{{latex}}}"
    return latex if below is None else rf"\underset{_argument(below)}{latex}"


def _is_brace(base: etree._Element) -> bool:
    only = _alone(base)
    inner = _inner(only)
    return _name(only) in ("mover", "munder") and bool(inner) and _sign_of(inner[-1]) in ("⏞", "⏟")


def _accent(mark: etree._Element, base: etree._Element, *, top: bool) -> str:
    """The command of a sign above or below; empty where it is none of them."""
    sign = _sign_of(mark)
    if (sign, top) in GROUPS and sign in "⏞⏟⏜⏝":
        return GROUPS[sign, top]
    if not top:
        return "underline" if sign and sign in _UNDERLINES else ""
    if sign in _OVERLINES and sign:
        return "overline"
    narrow, wide = ACCENTS.get({"ˆ": "^", "˜": "~"}.get(sign, sign), ("", "", ""))[1:]
    single = len(_inner(_alone(base))) == 0 and len(_text(_alone(base))) == 1
    return narrow if single else wide


def _prescripts(node: etree._Element) -> str:
    base, *rest = _inner(node) or _children(node, 1)
    split = next((at for at, one in enumerate(rest) if _name(one) == "mprescripts"), len(rest))
    after, before = rest[:split], rest[split + 1 :]
    if len(after) not in (0, 2) or len(before) not in (0, 2):
        raise FormulaError("<mmultiscripts> with more scripts than LaTeX has places for")
    first = "{}" + _pair(before) if before else ""
    return first + _nucleus(base) + _pair(after)


def _pair(scripts: Sequence[etree._Element]) -> str:
    kept = [None if _name(one) == "none" else one for one in scripts] or [None, None]
    below, above = kept
    return ("" if below is None else _under(below)) + ("" if above is None else _over(above))


def _enclosed(node: etree._Element) -> str:
    notation = " ".join(str(node.get("notation", "longdiv")).split())
    if notation not in _ENCLOSED:
        raise FormulaError(f"<menclose> with the notation {notation[:40]!r} has no LaTeX")
    return rf"\{_ENCLOSED[notation]}{{{_row(node)}}}"


# --- tables


def _table(node: etree._Element) -> str:
    rows = [_inner(row) for row in _inner(node)]
    widest: list[etree._Element] = max(rows, key=len, default=[])
    sides = [str(cell.get("columnalign", "")) for cell in widest]
    if node.get("columnspacing") == "0em":
        return rf"\begin{{aligned}}{_cells(node)}\end{{aligned}}"
    if any(sides):
        columns = "".join(side[:1] if side[:1] in "lrc" and side else "c" for side in sides)
        return rf"\begin{{array}}{{{columns}}}{_cells(node)}\end{{array}}"
    return rf"\begin{{matrix}}{_cells(node)}\end{{matrix}}"


def _cells(table: etree._Element) -> str:
    lines = []
    for row in _inner(table):
        if _name(row) not in ("mtr", "mlabeledtr"):
            raise FormulaError(f"<{_name(row)[:40]}> is no row of a table")
        cells = _inner(row)[1:] if _name(row) == "mlabeledtr" else _inner(row)
        lines.append("&".join(_row(cell) for cell in cells))
    return r"\\".join(lines)


_KNOWN: dict[str, Callable[[etree._Element], str]] = {
    "mi": _letter, "mn": _number, "mo": _operator, "mtext": _spoken, "ms": _spoken,
    "mspace": _space, "mfrac": _fraction, "msqrt": _root, "mroot": _root, "mfenced": _fenced,
    "msub": _scripts, "msup": _scripts, "msubsup": _scripts, "munder": _around, "mover": _around,
    "munderover": _around, "mmultiscripts": _prescripts, "menclose": _enclosed, "mtable": _table,
    "none": lambda _: "",
}  # fmt: skip
