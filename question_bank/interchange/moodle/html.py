r"""HTML as Moodle keeps it, to content: tags closed, TeX between `\(…\)`, `\[…\]`, `$$` drawn."""

import hashlib
import html
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import unquote
from xml.sax.saxutils import escape, quoteattr

from lxml import etree
from lxml import html as parsing

from question_bank.content import ACTIVE, BLOCK, INLINE, MAX_CONTENT, Report, clean
from question_bank.errors import ContentError, FormulaError
from question_bank.formulas import mathml_of
from question_bank.item import Stimulus

# No formula holds another's beginning: so a text of beginnings alone is read in one pass.
_TEX = re.compile(
    r"\\\(((?:(?!\\[(\[]).)+?)\\\)|\\\[((?:(?!\\[(\[]).)+?)\\\]|\$\$([^$]+)\$\$", re.DOTALL
)
# `<` before a name may begin a tag within a formula, or be a raw "less than".
_LESS = re.compile(r"<(?![/!])(?:([A-Za-z][A-Za-z0-9]*)(?=[\s/>]))?")
_CLOSED = re.compile(r"</([a-z0-9]+)>")
_TAGS = frozenset(name for name in (*INLINE, *BLOCK, *ACTIVE, "font", "math") if len(name) > 1)
PLUGIN_FILE = "@@PLUGINFILE@@/"
SOUNDS = (".mp3", ".ogg", ".oga", ".opus", ".wav", ".m4a")
_TEXT = re.compile(r">[^<>]+<")
# Letters for private use stand for a place until the HTML around it is content.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]{{1,100}}){_CLOSE}")
# What our own content means by these attributes nobody else does.
_OWN = ("data-part", "data-value", "data-number", "data-format")
_STIMULUS_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_NONE: Mapping[str, str] = MappingProxyType({})


def mark(name: str, *, block: bool = False) -> str:
    """Stands in HTML for the place `name`; a block on lines of its own."""
    return f"<div>{_OPEN}{name}{_CLOSE}</div>" if block else f"{_OPEN}{name}{_CLOSE}"


def part(name: str, *, block: bool = False) -> str:
    """The place of a part as content has it."""
    tag = "div" if block else "span"
    return f"<{tag} data-part={quoteattr(name)}></{tag}>"


def markable(source: str) -> str:
    """The source without the letters that marks are made of."""
    return source.replace(_OPEN, "").replace(_CLOSE, "")


def content_of(
    source: str,
    report: Report,
    picture: Callable[[str], str | None],
    places: Mapping[str, str] = _NONE,
) -> str:
    """Cleaned content. `picture` gives the media id of a picture or sound by its file's name,
    None where there is none; `places` what stands where the source has a mark. Raises
    ContentError for what is too long or no HTML, and for places that stand in no text."""
    if not source.strip():
        return ""
    if len(source) > MAX_CONTENT:
        raise ContentError(f"content: more than {MAX_CONTENT} characters")
    root = _parsed(source)
    _take_sounds(root)
    for image in root.iter("img", "audio"):
        name = str(image.get("src", ""))
        found = picture(unquote(name.removeprefix(PLUGIN_FILE)))
        image.set("src", f"media:{found}" if found else name)
        if not found:
            report(str(image.tag), f"names {name[:60]!r}, which is not in the file")
    for element in root.iter(etree.Element):
        for name in (name for name in _OWN if name in element.attrib):
            del element.attrib[name]
            report(str(element.tag), f"attribute {name} is not allowed and was left out")
    etree.strip_tags(root, etree.Comment)
    xhtml = etree.tostring(root, encoding="unicode", with_tail=False)
    cleaned = clean(xhtml, report).removeprefix("<div>").removesuffix("</div>")
    drawn = clean(_TEXT.sub(lambda text: _drawn(text[0], report), f">{cleaned}<")[1:-1])
    return _placed(drawn, places) if places else drawn


def _parsed(source: str) -> parsing.HtmlElement:
    try:
        readable = _TEX.sub(lambda formula: _without_less(formula[0]), source)
        return parsing.fragment_fromstring(readable, create_parent="div")
    except (etree.ParserError, ValueError) as error:
        raise ContentError(f"content: no HTML ({str(error)[:80]})") from None


def _without_less(formula: str) -> str:
    r"""`\(a<b\)` as HTML means it. A tag of one letter (`<b>`) is one where it is closed within."""

    known = _TAGS.union(_CLOSED.findall(formula.lower()))

    def spelled(found: re.Match[str]) -> str:
        is_tag = (found[1] or "").lower() in known
        return found[0] if is_tag else "&lt;" + found[0][1:]

    return _LESS.sub(spelled, formula)


def _placed(content: str, places: Mapping[str, str]) -> str:
    def put(text: re.Match[str]) -> str:
        return _MARK.sub(lambda found: places.get(found[1], ""), text[0])

    filled = _TEXT.sub(put, f">{content}<")[1:-1]
    if _OPEN in filled:
        raise ContentError("content: a gap or a variable stands inside a formula or a picture")
    return clean(filled.replace("<p></p>", ""))


def stimulus_apart(source: str) -> tuple[str, str, str]:
    """(id, passage, the rest) of HTML that begins with `<div class="stimulus" id="ID">`, as this
    project writes it; the first two are empty where it does not. Raises ContentError."""
    if "stimulus" not in source or len(source) > MAX_CONTENT:
        return "", "", source
    root = _parsed(source)
    first = next(iter(root), None)
    if first is None or (root.text or "").strip() or first.tag != "div":
        return "", "", source
    if "stimulus" not in str(first.get("class", "")).split():
        return "", "", source
    name, after = str(first.get("id", "")), first.tail or ""
    first.tail = None
    root.remove(first)
    root.text = after
    return name, _inner(first), _inner(root)


def stimulus_of(name: str, content: str) -> Stimulus:
    """The stimulus of that id; where it has none, equal texts have the same."""
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return Stimulus(name if _STIMULUS_ID.fullmatch(name) else f"passage-{digest}", content)


def _inner(element: etree._Element) -> str:
    children = (str(parsing.tostring(child, encoding="unicode")) for child in element)
    return escape(element.text or "") + "".join(children)


def _take_sounds(root: parsing.HtmlElement) -> None:
    """Moodle's players, and its links to sounds (which its filter makes players), as sounds."""
    for shown in list(root.iter("audio", "a")):
        inner = shown.find("source")
        link = shown.get("href") if shown.tag == "a" else shown.get("src")
        source = str(link or (inner.get("src", "") if inner is not None else ""))
        if shown.tag == "a" and not (
            source.startswith(PLUGIN_FILE) and source.lower().endswith(SOUNDS)
        ):
            continue
        words, tail = " ".join(shown.text_content().split()), shown.tail
        words = str(shown.get("title", "")).strip() or words
        plays = str(shown.get("data-plays", ""))
        shown.clear()
        shown.tag, shown.tail = "audio", tail
        shown.set("src", source)
        if words:
            shown.set("title", words[:200])
        if plays:
            shown.set("data-plays", plays)


def plain(source: str) -> str:
    """Plain text as content, an empty line between paragraphs."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", source)]
    kept = [escape(part) for part in paragraphs if part]
    return kept[0] if len(kept) == 1 else "".join(f"<p>{part}</p>" for part in kept)


def _drawn(text: str, report: Report) -> str:
    def formula(match: re.Match[str]) -> str:
        latex = html.unescape(match[1] or match[2] or match[3])
        try:
            return mathml_of(latex, display=match[1] is None)
        except FormulaError as error:
            report("formula", f"is shown as its LaTeX: {error}")
            return match[0]

    return _TEX.sub(formula, text)
