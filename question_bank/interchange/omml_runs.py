"""The runs of Office formulas: words, numbers, letters and signs, as MathML and as LaTeX."""

import re
import unicodedata
from dataclasses import dataclass
from xml.sax.saxutils import escape

from question_bank.formula_signs import (
    FUNCTIONS,
    INVISIBLE,
    SIGNS,
    SPACES,
    WIDTHS,
    escaped_words,
)

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|\s|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Both:
    """A piece of a formula as MathML and as LaTeX."""

    mathml: str = ""
    latex: str = ""

    @property
    def row(self) -> str:
        """The MathML as exactly one element."""
        return f"<mrow>{self.mathml}</mrow>"


def plain_words(text: str) -> Both:
    """Words in a formula (`m:nor`): as they are, spaces included."""
    text = text.replace("\n", " ")
    if not text:
        return Both()
    return Both(f"<mtext>{escape(text)}</mtext>", f"\\text{{{escaped_words(text)}}}")


def escaped(text: str) -> str:
    return "".join(_sign(character) for character in text)


def _sign(character: str) -> str:
    if character in INVISIBLE:
        return ""
    known = SIGNS.get(character) or SPACES.get(character)
    if known is None:
        return character
    return f"{known} " if known[-1].isalpha() else known


def symbols(text: str, alphabet: tuple[str, str] | None, style: str) -> Both:
    parts = [_token(sign, alphabet, style) for sign in _TOKEN.findall(text)]
    return Both("".join(p.mathml for p in parts), "".join(p.latex for p in parts))


def _token(sign: str, alphabet: tuple[str, str] | None, style: str) -> Both:
    if sign.isspace():
        return Both(
            f'<mspace width="{WIDTHS.get(sign[0], "0.25em")}"/>', _sign(sign[0].replace("\n", " "))
        )
    if sign[0] in INVISIBLE:
        return Both()
    if sign[0].isdigit():
        latex = sign.replace(",", "{,}")
        return Both(f"<mn>{sign}</mn>", f"\\mathbf{{{latex}}}" if style in ("b", "bi") else latex)
    if not sign[0].isalpha():
        return Both(f"<mo>{escape(sign)}</mo>", _sign(sign))
    return _letters(sign, alphabet, style)


def _letters(word: str, alphabet: tuple[str, str] | None, style: str) -> Both:
    if word in FUNCTIONS:
        return Both(f"<mi>{word}</mi>", f"\\{word} ")
    if alphabet is not None:
        variant, command = alphabet
        return Both(f'<mi mathvariant="{variant}">{escape(word)}</mi>', f"\\{command}{{{word}}}")
    if any(ord(c) > 0x7F and unicodedata.category(c) != "Sm" and c not in SIGNS for c in word):
        return Both(f"<mtext>{escape(word)}</mtext>", f"\\text{{{word}}}")
    if style == "p":
        upright = f'<mi mathvariant="normal">{escape(word)}</mi>'
        return Both(upright, f"\\mathrm{{{escaped(word).strip()}}}")
    if style in ("b", "bi"):
        variant = "bold" if style == "b" else "bold-italic"
        letters = "".join(f'<mi mathvariant="{variant}">{escape(c)}</mi>' for c in word)
        command = "mathbf" if style == "b" else "boldsymbol"
        return Both(letters, f"\\{command}{{{escaped(word).strip()}}}")
    return Both("".join(f"<mi>{escape(c)}</mi>" for c in word), escaped(word))
