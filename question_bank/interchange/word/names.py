"""The namespaces of WordprocessingML (ECMA-376 part 1) and short ways to its attributes."""

from lxml import etree

from question_bank.interchange.markup import child

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
STRICT_W = "http://purl.oclc.org/ooxml/wordprocessingml/main"
STRICT_R = "http://purl.oclc.org/ooxml/officeDocument/relationships"
OFF = frozenset(("0", "false", "off"))

#: The styles by which tables of a document of our own say that they belong to a text, and that
#: they tell keys which no letter, number or row of truths is.
DATA, KEYS = "TruongThiData", "TruongThiKeys"


def value(element: etree._Element | None, name: str = "val") -> str:
    """The attribute `w:name`, or an empty text."""
    if element is None:
        return ""
    found = element.get(f"{{{W}}}{name}") or element.get(f"{{{STRICT_W}}}{name}")
    return str(found or "")


def relation_id(element: etree._Element, name: str) -> str:
    """The attribute `r:name`, or an empty text."""
    found = element.get(f"{{{R}}}{name}") or element.get(f"{{{STRICT_R}}}{name}")
    return str(found or "")


def child_value(element: etree._Element | None, name: str, key: str = "val") -> str:
    """The attribute `w:key` of the first child `name`."""
    return "" if element is None else value(child(element, name), key)


def is_on(element: etree._Element | None) -> bool | None:
    """What a toggle property says; None where it is not there (§17.17.4)."""
    return None if element is None else value(element) not in OFF
