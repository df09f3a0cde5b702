"""The normal form of a text in which two spellings of one question are equal.

What goes: numbering ("Câu 3.", "Question 12:"), white space, full stops and the like, the two ways
to set tones (hoà, hòa) and to write i (lí, lý), Unicode's many forms of one sign, the many LaTeX
commands for one look. What stays: every word, number and sign that says something. Capitals stay
where they may mean something (genes, elements), not at the beginning of a word.
"""

import re
import unicodedata

Words = tuple[str, ...]

#: What stands for a blank to fill in, however it was drawn.
BLANK = "____"
#: What stands for a number where numbers do not count.
NUMBER = "#"

_TONE = "[\u0300\u0301\u0303\u0309\u0323]"
_NO_LETTER = r"(?![^\W\d_]|[\u0300-\u036f])"
_NEW_TONE = re.compile(rf"(?<![qQ])([oO])([aeAE])({_TONE}){_NO_LETTER}")
_NEW_TONE_UY = re.compile(rf"(?<![qQ])([uU])([yY])({_TONE}){_NO_LETTER}")
_Y_FOR_I = re.compile(rf"\b([hklmstHKLMST]|[qQ]u)y({_TONE}?){_NO_LETTER}")
_DRAWN_BLANK = re.compile(r"(?:[_.…]\s?){3,}|…")
_LABEL = re.compile(
    r"\s*(?:"
    r"(?:câu(?:\s+hỏi)?|bài(?:\s+tập)?|question|problem|exercise)\s*(?:số\s+)?\d{1,4}"
    r"\s*(?:[.:)/]+|[-–—]\s|$)"
    r"|\(\d{1,3}\)|\d{1,3}(?:[.)](?!\d)|/\s)"
    r"|\[\d[a-z]\d[a-z]\d-\d\]"
    r"|\(\d{1,2}(?:[.,]\d{1,2})?\s*(?:điểm|đ|points?|marks?)\)"
    r")\s*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\\[a-zA-Z]+|\\[^a-zA-Z]|____|\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]|_", re.UNICODE)
_NUMERAL = re.compile(r"\d+(?:[.,]\d+)*")
_SILENT_SIGNS = frozenset(".,;:?!\"'“”‘’«»{}$&~")
_SILENT_COMMANDS = frozenset(
    ("left", "right", "big", "Big", "bigl", "bigr", "displaystyle", "textstyle", "limits",
     "nolimits", "quad", "qquad", "mathrm", "text", "textrm", "textbf", "textit", "mathbf",
     "mathit", "rm", "bf", "it", "mathop", "operatorname", "mbox", "hbox")
)  # fmt: skip
_COMMANDS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "le": "leq", "leqslant": "leq",
    "ge": "geq", "geqslant": "geq", "ne": "neq", "rightarrow": "to", "longrightarrow": "to",
    "Rightarrow": "implies", "Leftrightarrow": "iff", "lbrack": "[", "rbrack": "]",
    "overrightarrow": "vec", "widehat": "hat", "varnothing": "emptyset", "degree": "circ",
}  # fmt: skip
_SIGNS = {
    "≤": "leq", "⩽": "leq", "≥": "geq", "⩾": "geq", "≠": "neq", "×": "times", "·": "cdot",
    "⋅": "cdot", "÷": "div", "±": "pm", "∞": "infty", "√": "sqrt", "→": "to", "⇒": "implies",
    "⇔": "iff", "⇌": "rightleftharpoons", "∈": "in", "∉": "notin", "⊂": "subset", "∪": "cup",
    "∩": "cap", "∅": "emptyset", "⊥": "perp", "∠": "angle", "△": "triangle", "∆": "Delta",
    "π": "pi", "α": "alpha", "β": "beta", "γ": "gamma", "Δ": "Delta", "λ": "lambda", "µ": "mu",
    "μ": "mu", "ω": "omega", "Ω": "Omega", "φ": "varphi", "ρ": "rho", "ε": "varepsilon",
    "°": "circ", "−": "-", "–": "-", "—": "-", "‑": "-", "‐": "-", "’": "'",
}  # fmt: skip


def words(text: str, *, labelled: bool = False) -> Words:
    """The words, numbers and signs of plain text (formulas as LaTeX), in their normal form.

    `labelled`: a numbering at the beginning is none of them.
    """
    text = _one_spelling(text)
    if labelled:
        text = _unlabelled(text)
    found = _WORD.findall(_DRAWN_BLANK.sub(f" {BLANK} ", text))
    return tuple(normal for word in found if (normal := _normal(word)))


def masked(text: Words) -> Words:
    """The words with every number, and the sign before it, as one and the same."""
    shown = [NUMBER if _NUMERAL.fullmatch(word) else word for word in text]
    follows = (*shown[1:], "") if shown else ()
    return tuple(
        word
        for word, after in zip(shown, follows, strict=True)
        if not (word in ("+", "-") and after == NUMBER)
    )


def fold(text: str) -> str:
    """Small letters without diacritics; đ is d."""
    spread = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(sign for sign in spread if not unicodedata.combining(sign))


def _one_spelling(text: str) -> str:
    spread = unicodedata.normalize("NFD", "".join(map(_lowered, text)))
    spread = _NEW_TONE.sub(r"\1\3\2", spread)
    spread = _NEW_TONE_UY.sub(r"\1\3\2", spread)
    spread = _Y_FOR_I.sub(r"\1i\2", spread)
    return unicodedata.normalize("NFKC", spread)


def _lowered(sign: str) -> str:
    """Signs that are one thing in several forms; a raised or lowered one says so as LaTeX does."""
    if sign.isascii():
        return sign
    if sign in _SIGNS:
        named = _SIGNS[sign]
        return f" {named} " if named.isalpha() else named
    form, _, letters = unicodedata.decomposition(sign).partition(" ")
    if form in ("<super>", "<sub>"):
        plain = "".join(chr(int(code, 16)) for code in letters.split())
        return ("^" if form == "<super>" else "_") + plain
    return sign


def _unlabelled(text: str) -> str:
    while (label := _LABEL.match(text)) and label.end():
        text = text[label.end() :]
    return text


def _normal(word: str) -> str:
    if word.startswith("\\"):
        name = word[1:]
        if name in _SILENT_COMMANDS or not name.isalpha():
            return name if name in ("%", "#") else ""
        return _COMMANDS.get(name, name)
    if word in _SILENT_SIGNS:
        return ""
    if word[0].isdigit():
        return word.replace(",", ".")
    return word.lower() if len(word) > 2 and word.istitle() else word
