"""How characters look: direct formatting over character style over paragraph style (§17.7)."""

from dataclasses import replace

from lxml import etree

from question_bank.interchange.markup import child, children
from question_bank.interchange.word.model import PLAIN, Mark
from question_bank.interchange.word.names import child_value, is_on, value

MAX_ANCESTORS = 20
SCRIPTS = {"subscript": "sub", "superscript": "sup", "baseline": ""}
PAGE_COLOURS = frozenset(("", "auto", "000000", "000", "windowtext"))
PAGE_FILLS = frozenset(("", "auto", "none", "ffffff", "white"))


class Styles:
    """The styles of a document."""

    def __init__(self, root: etree._Element | None) -> None:
        self._by_id = (
            {} if root is None else {value(s, "styleId"): s for s in children(root, "style")}
        )
        self._marks: dict[str, Mark] = {}

    def mark(self, properties: etree._Element | None, base: Mark) -> Mark:
        """How a run with these properties looks where its paragraph looks like `base`."""
        if properties is None:
            return base
        style = child_value(properties, "rStyle")
        return applied(properties, self._styled(style, base) if style else base)

    def paragraph(self, properties: etree._Element | None) -> Mark:
        """How the runs of a paragraph look that say nothing themselves."""
        style = child_value(properties, "pStyle")
        if style not in self._marks:
            self._marks[style] = self._styled(style, PLAIN)
        return self._marks[style]

    def numbering(self, properties: etree._Element | None) -> etree._Element | None:
        """The `w:numPr` that a paragraph has from its style."""
        for style in self._ancestry(child_value(properties, "pStyle")):
            inner = child(style, "pPr")
            found = None if inner is None else child(inner, "numPr")
            if found is not None:
                return found
        return None

    def _styled(self, style: str, base: Mark) -> Mark:
        for ancestor in reversed(self._ancestry(style)):
            properties = child(ancestor, "rPr")
            base = base if properties is None else applied(properties, base)
        return base

    def _ancestry(self, style: str) -> list[etree._Element]:
        found: list[etree._Element] = []
        while style in self._by_id and len(found) < MAX_ANCESTORS:
            found.append(self._by_id[style])
            style = child_value(found[-1], "basedOn")
        return found


def applied(properties: etree._Element, mark: Mark) -> Mark:
    """`mark` with what run properties say."""
    changes: dict[str, bool | str] = {}
    for element in properties:
        match etree.QName(element).localname if isinstance(element.tag, str) else "":
            case "b":
                changes["bold"] = bool(is_on(element))
            case "i":
                changes["italic"] = bool(is_on(element))
            case "u":
                changes["underline"] = value(element) not in ("none", "0", "false")
            case "vertAlign":
                changes["script"] = SCRIPTS.get(value(element), "")
            case "color":
                colour = value(element).lower()
                changes["colour"] = "" if colour in PAGE_COLOURS else colour
            case "highlight":
                fill = value(element).lower()
                changes["highlight"] = "" if fill in PAGE_FILLS else fill
            case "shd":
                fill = value(element, "fill").lower()
                changes["highlight"] = "" if fill in PAGE_FILLS else fill
    return replace(mark, **changes) if changes else mark  # type: ignore[arg-type]  # by name
