"""Content: the well-formed XHTML fragments of which stems, options and instructions are made.

The whitelist is QTI 3's own content model without what asks a host for something: text markup,
lists, tables, `<img src="media:ID">`, `<audio src="media:ID" data-plays="2"/>` (a sound, and how
often it may be heard) and MathML (presentation), whose `alttext` is the LaTeX.
HTML elements carry no namespace; every `<math>` declares its own. Three empty places are filled
by others: `data-part="ID"` (on span or div: a part of a composite item, a gap, a hot word),
`<span data-value="NAME">` (a template variable) and `<span data-number="ITEM">` (the number that
the item has in the form).
"""

import re
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from question_bank.errors import ContentError, FormulaError
from question_bank.formula_latex import latex_of_mathml, tex_annotation, words_of_mathml

MAX_CONTENT = 200_000
MATHML = "http://www.w3.org/1998/Math/MathML"
XHTML = "http://www.w3.org/1999/xhtml"
XML = "http://www.w3.org/XML/1998/namespace"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


INLINE = _names("span b strong i em u sub sup code")
BLOCK = _names("p br ul ol li table thead tbody tr td th img audio div blockquote pre")
VOID = frozenset(("br", "img", "audio"))
MEDIA = ("img", "audio")
MAX_PLAYS = 99
# Never kept, not even their text: what runs, loads or styles.
ACTIVE = _names(
    "script style iframe object embed form input button link meta base svg frame applet"
)
#: What shows or plays something, beside pictures and sounds, of which readers tell themselves:
#: without it a question is another one.
SHOWING = _names("video iframe object embed svg canvas frame applet")
ATTRIBUTES = {
    "img": frozenset(("src", "alt", "width", "height")),
    "audio": frozenset(("src", "title", "data-plays")),
    "td": frozenset(("colspan", "rowspan")),
    "th": frozenset(("colspan", "rowspan")),
    "ol": frozenset(("start",)),
    "span": frozenset(("data-part", "data-value", "data-number", "data-format")),
    "div": frozenset(("data-part",)),
}
GLOBAL_ATTRIBUTES = frozenset(("lang", "dir"))
MATH_ELEMENTS = _names(
    "math mrow mi mn mo mtext ms mspace mfrac msqrt mroot mstyle merror mpadded mphantom mfenced "
    "menclose msub msup msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr "
    "mtd mlabeledtr semantics"
)
MATH_ATTRIBUTES = _names(
    "alttext display mathvariant mathcolor mathsize mathbackground stretchy fence separator form "
    "lspace rspace accent accentunder movablelimits largeop symmetric minsize maxsize "
    "linethickness bevelled columnalign rowalign columnspacing rowspacing columnlines rowlines "
    "frame open close separators notation width height depth voffset displaystyle scriptlevel "
    "columnspan rowspan subscriptshift superscriptshift lquote rquote numalign denomalign"
)
_MEDIA = re.compile(r"media:[A-Za-z0-9._-]{1,128}")
_LENGTH = re.compile(r"\d{1,4}", re.ASCII)
_PLAYS = re.compile(r"[1-9]\d?", re.ASCII)
_IDENTIFIER = re.compile(r"\S{1,128}")
_UNTOLD = re.compile(r"<math(?![^>]* alttext=)[ >]")
# What stands for an empty place where there is only text.
BLANK = "____"

# Told (element, what became of it) for everything that is not kept as it stood.
Report = Callable[[str, str], None]


def clean(fragment: str, report: Report | None = None) -> str:
    """The fragment in its canonical spelling, made of the whitelist alone.

    Without `report`, anything outside the whitelist raises ContentError. With it, what runs or
    loads is left out, other elements lose their tag and keep their text, and each is reported.
    A formula without `alttext` gets its LaTeX as one.
    """
    cleaned = "".join(_inside(parse(fragment), report or _refuse))
    if not _UNTOLD.search(cleaned):
        return cleaned
    root = parse(cleaned)
    for math in root.iter(f"{{{MATHML}}}math"):
        if not math.get("alttext"):
            math.set("alttext", _latex(math, report or _say_nothing))
    return "".join(_inside(root, _refuse))


def is_loss(element: str, message: str) -> bool:
    """Whether a report of `clean` says that something is missing that the text shows."""
    return element in SHOWING and not message.startswith("attribute")


def respelled(fragment: str) -> str:
    """The cleaned fragment in its canonical spelling, its formulas as they stand: what was cleaned
    and sealed before formulas without LaTeX got theirs stays as it is."""
    return "".join(_inside(parse(fragment), _refuse))


def parse(fragment: str) -> etree._Element:
    """The fragment below a `div`; no entities, no network, no document type."""
    if len(fragment) > MAX_CONTENT:
        raise ContentError(f"content: more than {MAX_CONTENT} characters")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        return etree.fromstring(f"<div>{fragment}</div>".encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        raise ContentError(f"content: not well-formed XHTML ({str(error)[:120]})") from None


def plain_text(fragment: str) -> str:
    """The words of a fragment, white space collapsed, formulas as LaTeX between `$`."""
    return " ".join("".join(_words(parse(fragment))).split())


def media_ids(fragment: str) -> tuple[str, ...]:
    """The ids of the pictures and sounds of a fragment, in order, each once."""
    sources = (str(shown.get("src", "")) for shown in parse(fragment).iter(*MEDIA))
    found = (source.removeprefix("media:") for source in sources if source.startswith("media:"))
    return tuple(dict.fromkeys(found))


def rename_media(fragment: str, names: Callable[[str], str]) -> str:
    """The cleaned fragment with every picture's and sound's id replaced by `names(id)`."""
    root = parse(fragment)
    for shown in root.iter(*MEDIA):
        shown.set("src", "media:" + names(str(shown.get("src", "")).removeprefix("media:")))
    return "".join(_inside(root, _refuse))


def sounds_of(fragment: str) -> tuple[tuple[str, int], ...]:
    """(id, plays) of the sounds of a fragment, in order; 0 plays: as often as one likes."""
    if "<audio" not in fragment:  # most fragments
        return ()
    return tuple(
        (str(sound.get("src", "")).removeprefix("media:"), int(str(sound.get("data-plays", "0"))))
        for sound in parse(fragment).iter("audio")
    )


def part_ids(fragment: str) -> tuple[str, ...]:
    """The ids of the places that a fragment keeps for parts, in order, each as often as it is."""
    return _marked(fragment, "data-part")


def texts_of_parts(fragment: str) -> tuple[tuple[str, str], ...]:
    """(id, words) of the places that a fragment keeps for parts, in order."""
    places = [e for e in parse(fragment).iter() if e.get("data-part")]
    return tuple((str(e.get("data-part")), " ".join("".join(_words(e)).split())) for e in places)


def value_names(fragment: str) -> tuple[str, ...]:
    """The template variables that a fragment prints."""
    return _marked(fragment, "data-value")


def numbered(fragment: str) -> tuple[str, ...]:
    """The items whose numbers a fragment prints."""
    return _marked(fragment, "data-number")


def _marked(fragment: str, attribute: str) -> tuple[str, ...]:
    if attribute not in fragment:  # most fragments
        return ()
    return tuple(str(e.get(attribute)) for e in parse(fragment).iter() if e.get(attribute))


def rename_parts(fragment: str, names: Callable[[str], str]) -> str:
    """The cleaned fragment with every part id replaced by `names(id)`."""
    root = parse(fragment)
    for element in root.iter():
        if part := element.get("data-part"):
            element.set("data-part", names(str(part)))
    return "".join(_inside(root, _refuse))


def fill(fragment: str, attribute: str, text_of: Callable[[str, str], str]) -> str:
    """The cleaned fragment with every place of that attribute (data-value, data-number) turned
    into the text that `text_of` its value and its `data-format` give."""
    if attribute not in fragment:
        return fragment
    root = parse(fragment)
    for element in [e for e in root.iter() if e.get(attribute)]:
        pattern = str(element.attrib.pop("data-format", ""))
        element.text = text_of(str(element.attrib.pop(attribute)), pattern)
        for inner in list(element):
            element.remove(inner)
    return "".join(_inside(root, _refuse))


def _say_nothing(_element: str, _message: str) -> None:
    """What cannot be told is no reason to refuse the content."""


def _refuse(element: str, message: str) -> None:
    raise ContentError(f"content: <{element}> {message}")


def _name(element: etree._Element) -> tuple[str, str]:
    """(namespace, local name); entity references have no name and count as nothing."""
    if not isinstance(element.tag, str):
        return ("", "")
    name = etree.QName(element)
    return (name.namespace or "", name.localname)


def _inside(element: etree._Element, report: Report) -> Iterator[str]:
    yield escape(element.text or "")
    for child in element:
        yield from _element(child, report)
        yield escape(child.tail or "")


def _element(element: etree._Element, report: Report) -> Iterator[str]:
    namespace, name = _name(element)
    if name == "math":
        yield from _math(element, report, outermost=True)
    elif namespace not in ("", XHTML) or name in ACTIVE or not name:
        report(name or "entity", "is not allowed and was left out")
    elif name not in INLINE and name not in BLOCK:
        report(name, "is not allowed; its text was kept")
        yield from _inside(element, report)
    elif name in MEDIA and not _MEDIA.fullmatch(str(element.get("src", ""))):
        what = "picture" if name == "img" else "sound"
        report(name, f"names no {what} of the package and was left out")
    else:
        if name == "audio" and (len(element) or (element.text or "").strip()):
            report(name, "is empty; what stands in it was left out")
        yield f"<{name}{_attributes(element, name, report)}"
        if name in VOID:
            yield "/>"
        else:
            yield ">"
            yield from _inside(element, report)
            yield f"</{name}>"


def _attributes(element: etree._Element, name: str, report: Report) -> str:
    allowed = ATTRIBUTES.get(name, frozenset()) | GLOBAL_ATTRIBUTES
    kept = {}
    for key, value in sorted((str(k), str(v)) for k, v in element.attrib.items()):
        key = "lang" if key == f"{{{XML}}}lang" else key
        if key not in allowed:
            report(name, f"attribute {key[:40]} is not allowed and was left out")
        elif key in ("width", "height", "colspan", "rowspan", "start") and not _LENGTH.fullmatch(
            value
        ):
            report(name, f"attribute {key} is no whole number and was left out")
        elif key == "data-plays" and not _PLAYS.fullmatch(value):
            report(name, f"attribute {key} is no number from 1 to {MAX_PLAYS} and was left out")
        elif key.startswith("data-") and not _IDENTIFIER.fullmatch(value):
            report(name, f"attribute {key} is no identifier and was left out")
        else:
            kept[key] = value
    return "".join(f" {key}={quoteattr(value)}" for key, value in kept.items())


def _math(element: etree._Element, report: Report, *, outermost: bool) -> Iterator[str]:
    namespace, name = _name(element)
    if namespace not in ("", MATHML) or name not in MATH_ELEMENTS:
        report(name or "entity", "is not allowed in a formula and was left out")
        return
    if name == "semantics":  # MathML 3 §5.1: the first child is what is shown
        for child in list(element)[:1]:
            yield from _math(child, report, outermost=False)
        return
    attributes = {str(k): str(v) for k, v in element.attrib.items() if k in MATH_ATTRIBUTES}
    for key in element.attrib:
        if key not in MATH_ATTRIBUTES:
            report(name, f"attribute {str(key)[:40]} is not allowed and was left out")
    if outermost and "alttext" not in attributes:
        attributes["alttext"] = tex_annotation(element)
    attributes = {key: value for key, value in attributes.items() if key != "alttext" or value}
    yield f'<{name} xmlns="{MATHML}"' if outermost else f"<{name}"
    yield "".join(f" {key}={quoteattr(value)}" for key, value in sorted(attributes.items()))
    yield f">{escape(element.text or '')}"
    for child in element:
        yield from _math(child, report, outermost=False)
        yield escape(child.tail or "")
    yield f"</{name}>"


def _latex(math: etree._Element, report: Report) -> str:
    """The LaTeX of a formula without one, or its words where none says it."""
    try:
        return latex_of_mathml(math)
    except FormulaError as error:
        report("math", f"its LaTeX is not known, and its words are told: {error}")
        return words_of_mathml(math)


def _words(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        _, name = _name(child)
        if name == "math":
            yield f"${child.get('alttext') or _latex(child, _say_nothing)}$"
        elif name:
            space = "" if name in INLINE else " "
            yield space
            yield from _words(child) if len(child) or child.text else _blank(child)
            yield space
        yield child.tail or ""


def _blank(element: etree._Element) -> str:
    if element.get("data-part"):
        return BLANK
    return (
        f"[{value}]" if (value := element.get("data-value") or element.get("data-number")) else ""
    )
