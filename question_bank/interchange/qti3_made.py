"""What all writers of QTI 3 are made of: elements, numbers, content."""

from decimal import Decimal

from lxml import etree
from lxml.builder import ElementMaker

from question_bank.content import parse
from question_bank.interchange.markup import name_of
from question_bank.interchange.qti3_terms import QTI

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
Q = ElementMaker(namespace=QTI, nsmap={None: QTI})


def made(name: str, *inside: etree._Element | str, **attributes: str) -> etree._Element:
    """An element of QTI 3.0; `max_choices` is written max-choices, as `name` is."""
    element = Q(name, *inside)
    for key, value in attributes.items():
        element.set(key.rstrip("_").replace("_", "-"), value)
    return element


def text_of_number(value: Decimal | int) -> str:
    """Plain digits with a point."""
    return format(value, "f")


def text_of_truth(value: bool) -> str:
    return "true" if value else "false"


def fill(element: etree._Element, fragment: str) -> None:
    """The fragment's nodes below `element`, HTML in QTI's namespace, formulas in their own,
    template variables as QTI prints them; pictures and sounds are at `../media/ID`."""
    root = parse(fragment)
    for node in list(root.iter()):
        if node.get("data-value"):
            _print(node)
            continue
        if isinstance(node.tag, str) and not node.tag.startswith("{"):
            node.tag = f"{{{QTI}}}{node.tag}"
        if name_of(node) in ("img", "audio"):
            node.set("src", "../media/" + str(node.get("src", "")).removeprefix("media:"))
        if language := node.attrib.pop("lang", None):
            node.set(XML_LANG, str(language))
    _append_text(element, root.text)
    element.extend(list(root))


def _print(node: etree._Element) -> None:
    name, pattern = str(node.get("data-value")), node.get("data-format")
    node.tag = f"{{{QTI}}}qti-printed-variable"
    node.attrib.clear()
    node.text = None
    node.set("identifier", name)
    if pattern:
        node.set("format", str(pattern))


def _append_text(element: etree._Element, text: str | None) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + (text or "")
    else:
        element.text = (element.text or "") + (text or "")


def places_in(element: etree._Element) -> dict[str, etree._Element]:
    """The places for parts below `element`, by id."""
    return {str(e.get("data-part")): e for e in element.iter() if e.get("data-part")}
