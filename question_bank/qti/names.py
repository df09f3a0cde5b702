"""Names of QTI 2.x and 3.0 in one vocabulary; see `program`."""

from collections.abc import Iterator

from lxml import etree

_NAMESPACE = "http://www.imsglobal.org/xsd/imsqti"


def internal(name: str) -> str:
    """`mapResponse` and `qti-map-response` are both `mapresponse`."""
    return name.removeprefix("qti-").replace("-", "").lower()


def name_of(element: etree._Element) -> str:
    """An element's internal name."""
    return internal(etree.QName(element).localname)


def attributes_of(element: etree._Element) -> dict[str, str]:
    """Attributes by internal name; those of other namespaces (xml:lang, …) are left out."""
    return {
        internal(str(name)): str(value)
        for name, value in element.attrib.items()
        if not str(name).startswith("{")
    }


def all_elements(parent: etree._Element) -> Iterator[etree._Element]:
    """The child elements of any namespace."""
    return (child for child in parent if isinstance(child.tag, str))


def elements(parent: etree._Element) -> Iterator[etree._Element]:
    """The child elements that are QTI's, or of no namespace."""
    for child in all_elements(parent):
        namespace = etree.QName(child).namespace
        if not namespace or namespace.startswith(_NAMESPACE):
            yield child


def text_of(element: etree._Element) -> str:
    """The text of a value; layout around it (where it has line breaks) is no part of it."""
    text = "".join(map(str, element.itertext()))
    return text.strip() if "\n" in text else text


def line(element: etree._Element) -> int | None:
    """The source line."""
    number = element.sourceline
    return number if isinstance(number, int) else None


def is_version_2(element: etree._Element) -> bool:
    """Whether the element is of QTI 2.x."""
    return not etree.QName(element).localname.startswith("qti-")
