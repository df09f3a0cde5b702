r"""Content as a person writes it in a plain field: text, `$LaTeX$`, and a few tags.

A blank line parts paragraphs, a line break is a line break, `$…$` is a formula and `$$…$$` one on
a line of its own, `\$` a dollar sign (a single `$` is an error). Tags of the whitelist (`<b>`,
`<sub>`, tables, pictures) stand as they are; every other `<` and `&` is itself. Where there are
blocks (tables, lists, `<p>`), line breaks are spaces.
"""

import re
from xml.sax.saxutils import unescape

from question_bank.content import BLOCK, INLINE, MATH_ELEMENTS, clean
from question_bank.errors import FormulaError
from question_bank.formulas import mathml_of

_TAGS = "|".join(sorted(INLINE | BLOCK | MATH_ELEMENTS, key=len, reverse=True))
_TAG = rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>"
_ENTITY = r"&(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});"
_PIECE = re.compile(
    rf"(?P<math><math[\s>].*?</math>)|(?P<tag>{_TAG})|(?P<entity>{_ENTITY})"
    r"|(?P<dollar>\\\$)|\$\$(?P<block>[^$]+)\$\$|\$(?P<inline>[^$\n]+)\$",
    re.DOTALL,
)
_LIKE_MARKUP = re.compile(rf"{_TAG}|{_ENTITY}")
_MATH = re.compile(r"<math [^>]*>.*?</math>", re.DOTALL)
_ALTTEXT = re.compile(r'alttext="([^"]*)"')
_BLOCKS = re.compile(r"<(?:p|ul|ol|table|div|blockquote|pre)\b")
_PARAGRAPHS = re.compile(r"(?:<p>((?:(?!</?p\b).)*)</p>\s*)+", re.DOTALL)
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_QUOTES = {"&quot;": '"', "&#10;": "\n", "&#9;": "\t"}


def content_from(text: str) -> str:
    """The cleaned content that `text` says; raises FormulaError or ContentError."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    made = _marked_up(text)
    if _BLOCKS.search(made):
        return clean(made)
    paragraphs = [part.strip().replace("\n", "<br/>") for part in re.split(r"\n[ \t]*\n", made)]
    kept = [part for part in paragraphs if part]
    return clean(kept[0] if len(kept) == 1 else "".join(f"<p>{part}</p>" for part in kept))


def _marked_up(text: str) -> str:
    out, end = [], 0
    for piece in _PIECE.finditer(text):
        out.append(_escaped(text[end : piece.start()]))
        out.append(_piece(piece))
        end = piece.end()
    return "".join([*out, _escaped(text[end:])])


def _piece(piece: re.Match[str]) -> str:
    if piece["dollar"]:
        return "$"
    if latex := piece["block"] or piece["inline"]:
        return mathml_of(latex.strip(), display=bool(piece["block"]))
    return piece[0]


def _escaped(text: str) -> str:
    if "$" in text:
        raise FormulaError(r"a $ without its partner; write \$ for a dollar sign")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def text_from(content: str) -> str:
    """What a person finds in the field for `content`."""
    whole = _PARAGRAPHS.fullmatch(content.strip())
    parts = _PARAGRAPH.findall(content) if whole else [content]
    return "\n\n".join(_written(part.strip()) for part in parts)


def _written(content: str) -> str:
    out, end = [], 0
    for math in _MATH.finditer(content):
        out.append(_readable(content[end : math.start()]))
        out.append(_formula(math[0]))
        end = math.end()
    text = "".join([*out, _readable(content[end:])])
    return text if _BLOCKS.search(text) else text.replace("<br/>", "\n")


def _formula(math: str) -> str:
    """Its LaTeX, where that gives the very same formula again; else the MathML."""
    found = _ALTTEXT.search(math.partition(">")[0])
    latex = unescape(found[1], _QUOTES) if found else ""
    display = 'display="block"' in math.partition(">")[0]
    if not latex.strip() or "$" in latex or "\n" in latex or latex != latex.strip():
        return math
    try:
        same = mathml_of(latex, display=display) == math
    except FormulaError:
        return math
    sign = "$$" if display else "$"
    return f"{sign}{latex}{sign}" if same else math


def _readable(markup: str) -> str:
    """Entities as their signs, except where that would read as markup."""
    collapsed = re.sub(r"\s+", " ", markup).replace("$", "\\$")
    parts = re.split(rf"({_TAG})", collapsed)
    return "".join(part if index % 2 else _signs(part) for index, part in enumerate(parts))


def _signs(text: str) -> str:
    plain = unescape(text)
    return text if _LIKE_MARKUP.search(plain) else plain
