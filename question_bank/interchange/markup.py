"""Reading XML from a stranger: no document type, no entities, no network, a size cap."""

from collections.abc import Iterator

from lxml import etree

from question_bank.errors import FileRefusedError

MAX_XML = 16 * 1024 * 1024


def parse_xml(data: bytes, file: str) -> etree._Element:
    """The root element; raises FileRefusedError with the line of the first error."""
    if len(data) > MAX_XML:
        raise FileRefusedError(f"{file}: more than {MAX_XML} bytes of XML")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        reason = " ".join(str(error).split())[:150]
        raise FileRefusedError(f"{file}: not well-formed XML: {reason}") from None
    if root.getroottree().docinfo.doctype:
        raise FileRefusedError(f"{file}: a document type is not allowed; remove the DOCTYPE")
    return root


def name_of(element: etree._Element) -> str:
    """The local name."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def namespace_of(element: etree._Element) -> str:
    """The namespace, or an empty text."""
    return etree.QName(element).namespace or "" if isinstance(element.tag, str) else ""


def children(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    """The child elements of these local names, in order."""
    return (child for child in element if name_of(child) in names)


def child(element: etree._Element, name: str) -> etree._Element | None:
    """The first child of that local name."""
    return next(children(element, name), None)


def attribute(element: etree._Element, name: str, default: str = "") -> str:
    """An attribute as text."""
    return str(element.get(name, default))


def text_of(element: etree._Element | None) -> str:
    """All text inside, white space collapsed."""
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())


def line_of(element: etree._Element) -> int | None:
    """The source line."""
    line = element.sourceline
    return line if isinstance(line, int) else None
