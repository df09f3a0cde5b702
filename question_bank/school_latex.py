r"""Formulas as Vietnamese schools write them, in the LaTeX that latex2mathml knows.

ex_test's `\heva` and `\hoac`, mhchem, text with formulas inside, amsmath's environments under
their plain names, `\SI` and `\num`, layout commands that mean nothing in a formula.
"""

import re
import unicodedata
from collections.abc import Callable

from question_bank import chemistry
from question_bank.errors import FormulaError
from question_bank.latex import COMMAND, argument, bracket_end, optional, skip_blank

# Definitions, files, links and styles: a formula has no use for them, an attacker has.
_FORBIDDEN = (
    "def edef gdef xdef let newcommand renewcommand providecommand newenvironment "
    "renewenvironment DeclareMathOperator input include includegraphics write openin openout read "
    "href url class style unicode verb catcode csname expandafter loop special immediate"
)
FORBIDDEN = frozenset(_FORBIDDEN.split())
RENAMED = {
    "vv": "overrightarrow", "vect": "overrightarrow", "vecto": "overrightarrow",
    "wideparen": "overparen", "overarc": "overparen", "arc": "overparen", "cung": "overparen",
    "dsqrt": "sqrt", "R": r"mathbb{R}", "N": r"mathbb{N}", "Z": r"mathbb{Z}",
    "Q": r"mathbb{Q}", "Bbb": "mathbb", "iff": "Longleftrightarrow", "implies": "Longrightarrow",
    **{name: rf"operatorname{{{name}}}" for name in ("arg", "arccot", "cotan", "arccotg", "sgn")},
    "ensuremath": "", "mathclap": "",
    "degree": "^{\\circ}", "celsius": r"^{\circ}\mathrm{C}", "textdegree": r"^{\circ}",
    "degreeCelsius": r"^{\circ}\mathrm{C}", "percent": r"\%", "ohm": r"\Omega ",
}  # fmt: skip
# Commands without meaning here, and how many arguments go with them.
DROPPED = {
    "allowdisplaybreaks": 0, "hfill": 0, "noindent": 0, "nonumber": 0, "notag": 0, "par": 0,
    "centering": 0, "displaylimits": 0, "label": 1, "vspace": 1, "vspace*": 1, "hspace*": 1,
    "smallskip": 0, "medskip": 0, "bigskip": 0, "protect": 0, "relax": 0, "dotfill": 0,
    "setlength": 2, "everymath": 1, "lq": 0, "rq": 0, "selectfont": 0, "strut": 0, "/": 0,
}  # fmt: skip
TEXTS = {
    "text": "text", "textrm": "text", "textnormal": "text", "textup": "text", "textmd": "text",
    "mbox": "text", "hbox": "text", "textsf": "text", "textbf": "textbf", "textit": "textit",
    "emph": "textit", "textsl": "textit", "texttt": "texttt", "intertext": "text",
}  # fmt: skip
ENVIRONMENTS = {
    "aligned": "split", "align": "align*", "align*": "align*", "split": "split",
    "gathered": "matrix", "gather": "matrix", "gather*": "matrix", "cases": "cases",
    "dcases": "cases", "array": "array", "tabular": "array", "matrix": "matrix",
    "pmatrix": "pmatrix", "bmatrix": "bmatrix", "Bmatrix": "Bmatrix", "vmatrix": "vmatrix",
    "Vmatrix": "Vmatrix", "smallmatrix": "smallmatrix", "substack": "substack",
    "eqnarray": "align*", "eqnarray*": "align*", "multline": "matrix", "multline*": "matrix",
    "alignedat": "split", "flalign*": "align*", "flalign": "align*",
}  # fmt: skip
UNWRAPPED = frozenset(("equation", "equation*", "displaymath", "math", "center", "subequations"))
_SYSTEMS = {"heva": r"\{", "hoac": "["}
_NEGATED = {
    "=": r"\neq", r"\in": r"\notin", r"\parallel": r"\nparallel", r"\exists": r"\nexists",
    "<": r"\nless", ">": r"\ngtr", r"\mid": r"\nmid", r"\equiv": r"\nequiv",
    r"\subset": r"\nsubset", r"\subseteq": r"\nsubseteq",
}  # fmt: skip
_UNITS = {
    "meter": "m", "metre": "m", "centi": "c", "kilo": "k", "milli": "m", "mega": "M", "micro": "µ",
    "nano": "n", "gram": "g", "kilogram": "kg", "second": "s", "minute": "min", "hour": "h",
    "newton": "N", "joule": "J", "watt": "W", "volt": "V", "ampere": "A", "ohm": "Ω", "hertz": "Hz",
    "pascal": "Pa", "kelvin": "K", "mole": "mol", "liter": "l", "litre": "l", "coulomb": "C",
    "tesla": "T", "weber": "Wb", "farad": "F", "henry": "H", "percent": "%", "degree": "°",
    "celsius": "°C", "degreeCelsius": "°C", "electronvolt": "eV", "deci": "d", "hecto": "h",
    "per": "/",
}  # fmt: skip
_POWERS = {"squared": "^{2}", "square": "", "cubed": "^{3}", "cubic": ""}
_UNIT_NAME = re.compile(r"\\([A-Za-z]+) ?")
_AMPERSAND = re.compile(r"(?<!\\)&")
_SPACES = re.compile(r"\s+")
_TEXT_PIECE = re.compile(r"(?<!\\)\$((?:\\.|[^$\\])*)\$", re.DOTALL)
_TEXT_SIGNS = {",": " ", ";": " ", ":": " ", " ": " ", "!": "", "%": "%", "&": "&", "#": "#",
               "_": "_", "$": "$", "{": "", "}": "", "\\": " ", "quad": "  ", "qquad": "    ",
               "lq": "‘", "rq": "’", "ldots": "…", "dots": "…"}  # fmt: skip


def plain_latex(formula: str) -> str:
    """The formula in plain LaTeX; raises FormulaError for what a formula may not hold."""
    return _Rewriting(unicodedata.normalize("NFC", formula)).run()


class _Rewriting:
    """One pass over one formula; arguments that need work are passed over by themselves."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out: list[str] = []
        self.open: list[str] = []

    def run(self) -> str:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "%":
                self.at = skip_blank(self.text, self.at)
                self.out.append(" ")
            elif char == "\\":
                self._command()
            else:
                self.out.append("‖" if char == "∥" else char)
                self.at += 1
        if self.open:
            raise FormulaError(rf"\begin{{{self.open[-1][:40]}}} is never ended")
        return "".join(self.out)

    def _command(self) -> None:
        match = COMMAND.match(self.text, self.at)
        if match is None:
            raise FormulaError("a lone backslash")
        name, self.at = match[1], match.end()
        plain = name.rstrip("*")
        if plain in FORBIDDEN:
            raise FormulaError(rf"\{plain} is not allowed in a formula")
        if handler := _HANDLERS.get(name):
            handler(self)
        elif name in TEXTS:
            self.out.append(_text(TEXTS[name], self._argument()))
        elif name in _SYSTEMS:
            self.out.append(_system(_SYSTEMS[name], self._rewritten()))
        elif name in DROPPED:
            for _ in range(DROPPED[name]):
                self._argument()
            self.out.append(" ")
        elif name in RENAMED:
            self._rename(RENAMED[name])
        else:
            self.out.append(match[0])

    def _argument(self) -> str:
        found, self.at = argument(self.text, self.at)
        return found

    def _rewritten(self) -> str:
        return _Rewriting(self._argument()).run()

    def _rename(self, new: str) -> None:
        self.out.append(new if not new or new[0] in "\\^" else "\\" + new)
        if new and new[-1].isalpha():
            self.out.append(" ")

    def _begin(self) -> None:
        name = self._argument().strip()
        self.open.append(name)
        if name in UNWRAPPED:
            return
        if name not in ENVIRONMENTS:
            raise FormulaError(rf"\begin{{{name[:40]}}} is not supported in a formula")
        _, self.at = optional(self.text, self.at)
        self.out.append(rf"\begin{{{ENVIRONMENTS[name]}}}")
        if name in ("array", "tabular"):
            self.out.append(f"{{{_columns(self._argument())}}}")
        elif name == "alignedat":
            self._argument()

    def _end(self) -> None:
        name = self._argument().strip()
        if not self.open or self.open.pop() != name:
            raise FormulaError(rf"\end{{{name[:40]}}} ends nothing")
        if name not in UNWRAPPED:
            self.out.append(rf"\end{{{ENVIRONMENTS[name]}}}")

    def _chemistry(self) -> None:
        self.out.append(f"{{{_Rewriting(chemistry.latex_of(self._argument())).run()}}}")

    def _number(self) -> None:
        _, self.at = optional(self.text, self.at)
        self.out.append(_number(self._argument()))

    def _unit(self) -> None:
        _, self.at = optional(self.text, self.at)
        self.out.append(_unit(self._argument()))

    def _quantity(self) -> None:
        _, self.at = optional(self.text, self.at)
        number = _number(self._argument())
        self.out.append(rf"{number}\,{_unit(self._argument())}")

    def _angle(self) -> None:
        _, self.at = optional(self.text, self.at)
        self.out.append(rf"{_number(self._argument())}^{{\circ}}")

    def _operator(self) -> None:
        name = self._argument()
        if not re.fullmatch(r"[A-Za-z\s]+", name):
            self.out.append(rf"\mathrm {{{_Rewriting(name).run()}}}")
        else:
            self.out.append(rf"\operatorname{{{name}}}")

    def _upright(self) -> None:
        # The space keeps latex2mathml from taking a single letter for an italic symbol.
        self.out.append(rf"\mathrm {{{self._rewritten()}}}")

    def _not(self) -> None:
        negated, self.at = argument(self.text, self.at)
        self.out.append(_NEGATED.get(negated.strip(), r"\not " + negated) + " ")

    def _newline(self) -> None:
        """A row's end; the space that `\\\\[2mm]` asks for is the drawing's business."""
        self.out.append(r"\\ ")
        start = skip_blank(self.text, self.at)
        if re.match(r"\[\s*-?[\d.,]+\s*[a-z]{2}\s*\]", self.text[start : start + 20]):
            self.at = bracket_end(self.text, start)


_HANDLERS: dict[str, Callable[[_Rewriting], None]] = {
    "begin": _Rewriting._begin,
    "end": _Rewriting._end,
    "ce": _Rewriting._chemistry,
    "ch": _Rewriting._chemistry,
    "num": _Rewriting._number,
    "si": _Rewriting._unit,
    "unit": _Rewriting._unit,
    "SI": _Rewriting._quantity,
    "qty": _Rewriting._quantity,
    "ang": _Rewriting._angle,
    "operatorname": _Rewriting._operator,
    "operatorname*": _Rewriting._operator,
    "mathrm": _Rewriting._upright,
    "mathup": _Rewriting._upright,
    "mathnormal": _Rewriting._upright,
    "not": _Rewriting._not,
    "\\": _Rewriting._newline,
    "\\*": _Rewriting._newline,
    "tabularnewline": _Rewriting._newline,
}


def _system(brace: str, rows: str) -> str:
    if not _AMPERSAND.search(rows):
        return rf"\left{brace}\begin{{array}}{{l}}{rows}\end{{array}}\right."
    return rf"\left{brace}\begin{{split}}{rows}\end{{split}}\right."


def _columns(spec: str) -> str:
    """`lcr|` out of what `array` is told: `@{…}`, `p{…}`, `*{3}{c}` and the like."""
    spec = re.sub(r"\*\s*\{(\d)\}\s*\{([^{}]*)\}", lambda found: found[2] * int(found[1]), spec)
    spec = re.sub(r"[@!><]\s*\{[^{}]*\}", "", spec)
    spec = re.sub(r"[pmbXSLCRM](\s*\{[^{}]*\})?", "c", spec)
    return re.sub(r"[^lcr|]", "", spec) or "l"


def _number(text: str) -> str:
    return re.sub(r"(?<=\d)[.,](?=\d)", "{,}", text.strip())


def _unit(text: str) -> str:
    def letters(found: re.Match[str]) -> str:
        name = found[1]
        if name not in _UNITS and name not in _POWERS:
            raise FormulaError(rf"unit \{name} is not known")
        return _POWERS.get(name, _UNITS.get(name, ""))

    letters_only = _UNIT_NAME.sub(letters, text).replace(".", r"\cdot ")
    return rf"\mathrm {{{letters_only}}}"


def _text(command: str, content: str) -> str:
    r"""`\text{…}` whose pieces are words alone: formulas between `$` stand beside them."""
    pieces = _TEXT_PIECE.split(content)
    if len(pieces) == 1:
        return "{" + _words(command, content) + "}"
    made = [_Rewriting(p).run() if i % 2 else _words(command, p) for i, p in enumerate(pieces)]
    return "{" + "".join(made) + "}"


def _words(command: str, text: str) -> str:
    out: list[str] = []
    words: list[str] = []

    def flush() -> None:
        if words:
            # No-break spaces: latex2mathml takes "5 cm" for a length and closes the gap.
            inner = _SPACES.sub("\N{NO-BREAK SPACE}", "".join(words))
            out.append(rf"\{command}{{{inner}}}")
            words.clear()

    at = 0
    while at < len(text):
        char = text[at]
        match = COMMAND.match(text, at)
        if char == "%":
            at = skip_blank(text, at)
            continue
        if match is None:
            words.append({"~": " ", "{": "", "}": ""}.get(char, char))
            at += 1
        elif match[1] == "%":
            flush()
            out.append(r"\%")
            at = match.end()
        elif match[1] in _TEXT_SIGNS:
            words.append(_TEXT_SIGNS[match[1]])
            at = match.end()
        elif match[1] in TEXTS:  # text in text: the words count
            at = match.end()
        else:
            flush()
            out.append(match[0] + " ")
            at = match.end()
    flush()
    return "".join(out)
