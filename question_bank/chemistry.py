r"""mhchem's `\ce{…}` as ordinary LaTeX, as far as school chemistry writes it.

Formulas, amounts, charges, arrows with conditions, states, isotopes, hydrates, bonds, gas and
precipitate; `$…$` and LaTeX commands pass as they are. Pure text in, text out.
"""

import re

from question_bank.errors import FormulaError
from question_bank.latex import COMMAND, bracket_end, group_end

# Longest first. With conditions an arrow stretches, without it has its plain length.
_ARROWS = {
    "<=>>": (r"\xrightleftharpoons", r"\rightleftharpoons"),
    "<<=>": (r"\xrightleftharpoons", r"\rightleftharpoons"),
    "<-->": (r"\xleftrightarrow", r"\longleftrightarrow"),
    "<=>": (r"\xrightleftharpoons", r"\rightleftharpoons"),
    "<->": (r"\xleftrightarrow", r"\longleftrightarrow"),
    "->": (r"\xrightarrow", r"\longrightarrow"),
    "<-": (r"\xleftarrow", r"\longleftarrow"),
    "→": (r"\xrightarrow", r"\longrightarrow"),
    "⇌": (r"\xrightleftharpoons", r"\rightleftharpoons"),
}
_ARROW = re.compile("|".join(map(re.escape, _ARROWS)))
_BONDS = {"-": "-", "1": "-", "=": "=", "2": "=", "#": r"\equiv", "3": r"\equiv", "...": r"\cdots",
          "....": r"\cdots", "~": r"\sim", "->": r"\rightarrow", "<-": r"\leftarrow"}  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]+")
_AMOUNT = re.compile(r"(\d+)/(\d+)|\d+(?:[.,]\d+)?")
_SCRIPT = re.compile(r"\d*[+\-−]+|\d+|[IVX]+|[.*•]|[^\W\d_]")
_RISES = re.compile(r"\(\^\)|\^(?=\s|$)|↑")
_FALLS = re.compile(r"\(v\)|(?<!\S)v(?=\s|$)|↓")
# After these a + or - is a charge, anywhere else a sign or a bond.
_CHARGE = re.compile(r"[+\-−](?=$|[\s)\]},;.]|\\|->|<)")


def latex_of(formula: str) -> str:
    r"""LaTeX for what stands between the braces of `\ce{…}`; raises FormulaError."""
    return _Translation(formula).run()


class _Translation:
    """One pass over one formula. `bound`: what came last takes digits as its index."""

    def __init__(self, formula: str) -> None:
        self.text = formula
        self.at = 0
        self.bound = False
        self.out: list[str] = []

    def run(self) -> str:
        while self.at < len(self.text):
            self._step(self.text[self.at])
        return "".join(self.out)

    def _step(self, char: str) -> None:
        if arrow := _ARROW.match(self.text, self.at):
            self._arrow(arrow)
        elif match := _RISES.match(self.text, self.at):
            self._put(r"\uparrow ", match.end(), bound=False)
        elif match := _FALLS.match(self.text, self.at):
            self._put(r"\downarrow ", match.end(), bound=False)
        elif char in "^_":
            self._script(char)
        elif char == "\\":
            self._command()
        elif char == "$":
            self._math()
        elif char == "{":
            end = group_end(self.text, self.at)
            self._put(f"{{{latex_of(self.text[self.at + 1 : end - 1])}}}", end, bound=True)
        elif match := _LETTERS.match(self.text, self.at):
            self._put(rf"\mathrm{{{match[0]}}}", match.end(), bound=True)
        elif match := _AMOUNT.match(self.text, self.at):
            self._number(match)
        elif char in "+-−" and self.bound and _CHARGE.match(self.text, self.at):
            self._put("^{+}" if char == "+" else "^{-}", self.at + 1, bound=True)
        else:
            self._sign(char)

    def _put(self, latex: str, end: int, *, bound: bool) -> None:
        self.out.append(latex)
        self.at, self.bound = end, bound

    def _sign(self, char: str) -> None:
        if char.isspace():
            spaced = self.bound and re.match(r"\s+[^\W\d_(]", self.text[self.at : self.at + 20])
            self._put(r"\ " if spaced else " ", self.at + 1, bound=False)
        elif char in ".*·•":
            self._put(r"\cdot ", self.at + 1, bound=False)
        elif char == "#":
            self._put(r"{\equiv}", self.at + 1, bound=False)
        elif char in "-−=" and self.bound:
            self._put("{=}" if char == "=" else "{-}", self.at + 1, bound=False)
        elif char in "%&":
            self._put("\\" + char if char == "%" else char, self.at + 1, bound=False)
        elif char == "}":
            raise FormulaError(r"\ce: a } too many")
        else:
            self._put(char, self.at + 1, bound=char in ")]")

    def _arrow(self, match: re.Match[str]) -> None:
        stretched, plain = _ARROWS[match[0]]
        conditions: list[str] = []
        end = match.end()
        while len(conditions) < 2 and self.text.startswith("[", end):
            start, end = end + 1, bracket_end(self.text, end)
            conditions.append(latex_of(self.text[start : end - 1]))
        if not any(conditions):
            latex = plain + " "
        elif len(conditions) == 1 or not conditions[1]:
            latex = f"{stretched}{{{conditions[0]}}}"
        else:
            latex = f"{stretched}[{{{conditions[1]}}}]{{{conditions[0]}}}"
        self._put(latex, end, bound=False)

    def _script(self, char: str) -> None:
        start = self.at + 1
        if self.text.startswith("{", start):
            end = group_end(self.text, start)
            inner = self.text[start + 1 : end - 1]
        elif match := _SCRIPT.match(self.text, start) or COMMAND.match(self.text, start):
            inner, end = match[0], match.end()
        else:
            raise FormulaError(rf"\ce: nothing stands behind {char}")
        base = "" if self.bound else "{}"
        self._put(f"{base}{char}{{{_upright(inner)}}}", end, bound=True)

    def _number(self, match: re.Match[str]) -> None:
        if self.bound:
            digits = re.match(r"\d+", match[0])
            end = match.start() + (digits.end() if digits else 0)
            self._put(f"_{{{self.text[match.start() : end]}}}", end, bound=True)
        elif match[1]:
            self._put(rf"\frac{{{match[1]}}}{{{match[2]}}}\,", match.end(), bound=False)
        else:
            number = match[0].replace(",", "{,}")
            joined = re.match(r"[^\W\d_(\[]", self.text[match.end() : match.end() + 1])
            self._put(number + (r"\," if joined else ""), match.end(), bound=False)

    def _command(self) -> None:
        match = COMMAND.match(self.text, self.at)
        if match is None:
            raise FormulaError(r"\ce: a lone backslash")
        end = match.end()
        if match[1] == "bond" and self.text.startswith("{", end):
            close = group_end(self.text, end)
            bond = _BONDS.get(self.text[end + 1 : close - 1])
            if bond is None:
                raise FormulaError(rf"\bond{self.text[end:close][:20]} is not supported")
            self._put(f"{{{bond}}}", close, bound=False)
            return
        while self.text.startswith("{", end):
            end = group_end(self.text, end)
        self._put(self.text[self.at : end] + " ", end, bound=match[1].isalpha())

    def _math(self) -> None:
        end = self.text.find("$", self.at + 1)
        if end < 0:
            raise FormulaError(r"\ce: a $ is never closed")
        self._put(f"{{{self.text[self.at + 1 : end]}}}", end + 1, bound=True)


def _upright(script: str) -> str:
    """A charge, an index or a mass number: letters upright, a true minus, LaTeX as it is."""
    if script.startswith("$") and script.endswith("$") and len(script) > 1:
        return script[1:-1]
    if "\\" in script:
        return script
    return _LETTERS.sub(lambda found: rf"\mathrm{{{found[0]}}}", script).replace("−", "-")
