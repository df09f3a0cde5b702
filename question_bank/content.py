"""Content: the well-formed XHTML fragments of which stems, options and instructions are made.

The whitelist is QTI 3's own content model without what asks a host for something: text markup,
lists, tables, `<img src="media:ID">` and MathML (presentation), whose `alttext` is the LaTeX.
HTML elements carry no namespace; every `<math>` declares its own.
"""

import re
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from question_bank.errors import ContentError

MAX_CONTENT = 200_000
MATHML = "http://www.w3.org/1998/Math/MathML"
XHTML = "http://www.w3.org/1999/xhtml"
XML = "http://www.w3.org/XML/1998/namespace"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


INLINE = _names("span b strong i em u sub sup code")
BLOCK = _names("p br ul ol li table thead tbody tr td th img div blockquote pre")
VOID = frozenset(("br", "img"))
# Never kept, not even their text: what runs, loads or styles.
ACTIVE = _names(
    "script style iframe object embed form input button link meta base svg frame applet"
)
ATTRIBUTES = {
    "img": frozenset(("src", "alt", "width", "height")),
    "td": frozenset(("colspan", "rowspan")),
    "th": frozenset(("colspan", "rowspan")),
    "ol": frozenset(("start",)),
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
_LENGTH = re.compile(r"\d{1,4}")

# Told (element, what became of it) for everything that is not kept as it stood.
Report = Callable[[str, str], None]


def clean(fragment: str, report: Report | None = None) -> str:
    """The fragment in its canonical spelling, made of the whitelist alone.

    Without `report`, anything outside the whitelist raises ContentError. With it, what runs or
    loads is left out, other elements lose their tag and keep their text, and each is reported.
    """
    return "".join(_inside(parse(fragment), report or _refuse))


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
    """The ids of the pictures a fragment shows, in order, each once."""
    sources = (str(img.get("src", "")) for img in parse(fragment).iter("img"))
    found = (source.removeprefix("media:") for source in sources if source.startswith("media:"))
    return tuple(dict.fromkeys(found))


def rename_media(fragment: str, names: Callable[[str], str]) -> str:
    """The cleaned fragment with every picture id replaced by `names(id)`."""
    root = parse(fragment)
    for img in root.iter("img"):
        img.set("src", "media:" + names(str(img.get("src", "")).removeprefix("media:")))
    return "".join(_inside(root, _refuse))


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
    elif name == "img" and not _MEDIA.fullmatch(str(element.get("src", ""))):
        report(name, "names no picture of the package and was left out")
    else:
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
        attributes["alttext"] = _tex_annotation(element)
    attributes = {key: value for key, value in attributes.items() if key != "alttext" or value}
    yield f'<{name} xmlns="{MATHML}"' if outermost else f"<{name}"
    yield "".join(f" {key}={quoteattr(value)}" for key, value in sorted(attributes.items()))
    yield f">{escape(element.text or '')}"
    for child in element:
        yield from _math(child, report, outermost=False)
        yield escape(child.tail or "")
    yield f"</{name}>"


def _tex_annotation(math: etree._Element) -> str:
    for child in math.iter(f"{{{MATHML}}}annotation", "annotation"):
        if child.get("encoding") in ("application/x-tex", "TeX", "LaTeX"):
            return " ".join((child.text or "").split())
    return ""


def _words(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        _, name = _name(child)
        if name == "math":
            latex = str(child.get("alttext", "")) or _tex_annotation(child)
            yield f"${latex or ''.join(str(text) for text in child.itertext())}$"
        elif name:
            space = "" if name in INLINE else " "
            yield space
            yield from _words(child)
            yield space
        yield child.tail or ""
