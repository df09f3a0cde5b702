"""WordprocessingML to the plain model: what a reader of the printed document sees.

Tracked changes are taken as accepted. What is not taken is reported with its paragraph's number.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interchange.markup import child, children, name_of, namespace_of
from question_bank.interchange.omml import FormulaRefusedError, mathml_of_omml
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word.carried import MARK, digest
from question_bank.interchange.word.drawings import Drawings, text_boxes
from question_bank.interchange.word.latex_text import with_formulas
from question_bank.interchange.word.model import (
    OBJECT,
    PLAIN,
    Block,
    Cell,
    Formula,
    Mark,
    Paragraph,
    Piece,
    Strip,
    Table,
    Text,
    merged,
)
from question_bank.interchange.word.names import DATA, KEYS, is_on, value
from question_bank.interchange.word.numbering import Numbering
from question_bank.interchange.word.parts import Parts
from question_bank.interchange.word.styles import Styles, applied
from question_bank.interchange.word.symbols import symbol

MAX_PARAGRAPHS = 200_000
MAX_DEPTH = 16
NO_FORMULAS: Mapping[str, str] = MappingProxyType({})
QUOTE = 1000

# Elements that hold others and are nothing themselves.
WRAPPERS = frozenset(("sdt", "sdtContent", "customXml", "smartTag", "hyperlink", "fldSimple",
                      "ins", "moveTo", "dir", "bdo"))  # fmt: skip
REMOVED = frozenset(("del", "moveFrom"))
# Places, hints and properties: nothing that a reader sees.
SILENT = frozenset(
    (
        "pPr", "rPr", "tblPr", "tblGrid", "tblPrEx", "trPr", "tcPr", "sectPr", "sdtPr", "sdtEndPr",
        "bookmarkStart", "bookmarkEnd", "proofErr", "permStart", "permEnd", "commentRangeStart",
        "commentRangeEnd", "lastRenderedPageBreak", "annotationRef", "footnoteRef", "endnoteRef",
        "smartTagPr", "customXmlPr", "moveFromRangeStart", "moveFromRangeEnd", "moveToRangeStart",
        "moveToRangeEnd", "customXmlInsRangeStart", "customXmlInsRangeEnd", "softHyphen",
        "customXmlDelRangeStart", "customXmlDelRangeEnd", "separator", "continuationSeparator",
        "instrText", "delInstrText", "delText", "fldData", "hyperlinkProperties",
    )
)  # fmt: skip
CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
NOTES = {"footnoteReference": "footnote", "endnoteReference": "endnote",
         "commentReference": "comment"}  # fmt: skip


class DocumentReader:
    """Reads the main part of one document. `formulas`: how formulas were written before they
    went into a document of our own, by `carried.digest`; `bookmarks`: of our own, by paragraph."""

    def __init__(
        self, parts: Parts, log: ProblemLog, formulas: Mapping[str, str] = NO_FORMULAS
    ) -> None:
        self._formulas = formulas
        self.bookmarks: dict[int, str] = {}
        self._parts = parts
        self._log = log
        self._styles = Styles(parts.first_xml("styles"))
        self._numbering = Numbering(parts.first_xml("numbering"))
        self._drawings = Drawings(parts, parts.main, log)
        self._number = 0
        self._depth = 0
        self._notes = {
            kind: _notes(parts.first_xml(f"{kind}s"), kind)
            for kind in ("footnote", "endnote", "comment")
        }

    def read(self) -> tuple[Block, ...]:
        """The document's blocks; raises FileRefusedError for what is no document."""
        root = self._parts.xml(self._parts.main)
        body = child(root, "body")
        if name_of(root) != "document" or body is None:
            raise FileRefusedError(f"{self._log.file}: no Word document; it has no body")
        blocks = tuple(self._blocks(body))
        self._margins()
        return blocks

    def _margins(self) -> None:
        """Headers and footers stand on every page and belong to no question."""
        for kind in ("header", "footer"):
            for part in self._parts.of_kind(kind):
                words = _words(self._parts.xml(part))
                if words:
                    self._log.warning(None, kind, f"is left out: {words[:QUOTE]!r}")

    def _blocks(self, parent: etree._Element) -> Iterator[Block]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FileRefusedError(
                f"{self._log.file}: tables or boxes more than {MAX_DEPTH} deep; simplify the file"
            )
        for element in parent:
            match name_of(element):
                case "p":
                    yield from self._paragraph(element)
                case "tbl":
                    yield self._table(element)
                case "oMathPara" | "oMath":
                    yield Paragraph(self._number, Strip(tuple(self._formula(element, PLAIN))))
                case name if name in WRAPPERS:
                    self._tell_change(element, name)
                    yield from self._blocks(element)
                case "AlternateContent":
                    yield from self._blocks(_alternative(element))
                case "altChunk":
                    self._log.error(self._number, "altChunk", "text of another file is left out")
                case name if name in REMOVED:
                    self._removed(element)
                case name if name and name not in SILENT:
                    self._log.error(self._number, name, f"is left out: {_words(element)[:QUOTE]!r}")
        self._depth -= 1

    def _table(self, element: etree._Element) -> Table:
        number = self._number + 1
        rows = []
        for row in _rows(element):
            properties = child(row, "trPr")
            if properties is not None and child(properties, "del") is not None:
                self._removed(row)
                continue
            cells = tuple(Cell(tuple(self._blocks(cell))) for cell in _cells(row))
            if cells:
                rows.append(cells)
        return Table(number, tuple(rows), _own_style(element))

    def _paragraph(self, element: etree._Element) -> Iterator[Paragraph]:
        self._number += 1
        if self._number > MAX_PARAGRAPHS:
            raise FileRefusedError(f"{self._log.file}: more than {MAX_PARAGRAPHS} paragraphs")
        number = self._number
        properties = child(element, "pPr")
        look = self._styles.paragraph(properties)
        label = self._label(properties, look)
        boxes: list[Paragraph] = []
        field = _Field()
        pieces = list(self._inline(element, look, field, boxes))
        strip = with_formulas(merged(pieces), self._log, number)
        yield Paragraph(number, Strip((*label, *strip.pieces)) if label else strip)
        yield from boxes

    def _label(self, properties: etree._Element | None, look: Mark) -> tuple[Text, ...]:
        own = None if properties is None else child(properties, "numPr")
        numbering = own if own is not None else self._styles.numbering(properties)
        label = None if numbering is None else self._numbering.label(numbering)
        if label is None or not label.text.strip():
            return ()
        mark = look  # §17.9.24: the paragraph mark's look, and over it the level's
        for source in (None if properties is None else child(properties, "rPr"), label.properties):
            mark = mark if source is None else applied(source, mark)
        return (Text(label.text, mark), Text("\t"))

    def _inline(
        self, parent: etree._Element, look: Mark, field: "_Field", boxes: list[Paragraph]
    ) -> Iterator[Piece]:
        for element in parent:
            name = name_of(element)
            if namespace_of(element).endswith("/math"):
                yield from self._formula(element, look)
            elif name == "r":
                yield from self._run(element, look, field, boxes)
            elif name == "bookmarkStart" and value(element, "name").startswith(MARK):
                self.bookmarks.setdefault(self._number, value(element, "name"))
            elif name in WRAPPERS or name == "ruby":
                self._tell_change(element, name)
                yield from self._inline(element, look, field, boxes)
            elif name in REMOVED:
                self._removed(element)
            elif name == "AlternateContent":
                yield from self._inline(_alternative(element), look, field, boxes)
            elif name and name not in SILENT:
                words = _words(element)
                self._log.error(self._number, name, f"is left out: {words[:QUOTE]!r}")

    def _run(
        self, run: etree._Element, look: Mark, field: "_Field", boxes: list[Paragraph]
    ) -> Iterator[Piece]:
        properties = child(run, "rPr")
        mark = self._styles.mark(properties, look)
        if properties is not None and is_on(child(properties, "vanish")):
            if words := _words(run):
                self._log.warning(self._number, "hidden text", f"is left out: {words[:QUOTE]!r}")
            return
        yield from self._run_content(run, mark, field, boxes)

    def _run_content(
        self, run: etree._Element, mark: Mark, field: "_Field", boxes: list[Paragraph]
    ) -> Iterator[Piece]:
        for element in run:
            name = name_of(element)
            if name in ("fldChar", "instrText"):
                yield from field.step(element, name, self._number, self._log)
            elif name == "t":
                yield Text((element.text or "").replace(OBJECT, " ").replace("\n", " "), mark)
            elif name in CHARACTERS:
                yield Text(CHARACTERS[name], mark)
            elif name == "sym":
                yield self._symbol(element, mark)
            elif name in ("drawing", "pict", "object"):
                yield from self._drawings.pieces(element, self._number)
                for box in text_boxes(element):
                    self._log.warning(
                        self._number, "text box", "its text is taken after the paragraph it is at"
                    )
                    boxes.extend(b for b in self._blocks(box) if isinstance(b, Paragraph))
            elif name in NOTES:
                self._note(element, NOTES[name])
            elif name == "AlternateContent":
                yield from self._run_content(_alternative(element), mark, field, boxes)
            elif name == "ruby":
                yield from self._inline(element, mark, field, boxes)
            elif namespace_of(element).endswith("/math"):
                yield from self._formula(element, mark)
            elif name and name not in SILENT:
                self._log.error(self._number, name, f"is left out: {_words(element)[:QUOTE]!r}")

    def _symbol(self, element: etree._Element, mark: Mark) -> Text:
        font, code = value(element, "font"), value(element, "char")
        known = symbol(font, code)
        if known is None:
            self._log.error(
                self._number, "sym", f"the character {code[:8]} of {font[:40]!r} is unknown"
            )
        return Text(known or "\ufffd", mark)

    def _formula(self, element: etree._Element, look: Mark) -> Iterator[Piece]:
        runs = (node for node in element.iter() if name_of(node) == "rPr")
        properties = next((node for node in runs if not namespace_of(node).endswith("/math")), None)
        mark = self._styles.mark(properties, look)

        def report(name: str, message: str) -> None:
            self._log.error(self._number, f"m:{name}", message)

        try:
            for mathml in mathml_of_omml(element, report):
                mathml = self._formulas.get(digest(mathml), mathml)
                yield Formula(mathml, None if mark == look else mark)
        except FormulaRefusedError as refusal:
            self._log.error(self._number, "formula", str(refusal))
            yield Text("[?]")

    def _tell_change(self, element: etree._Element, name: str) -> None:
        words = _words(element)[:QUOTE]
        if name in ("ins", "moveTo") and words:
            self._log.warning(self._number, "tracked change", f"inserted, and taken: {words!r}")

    def _removed(self, element: etree._Element) -> None:
        words = _words(element)[:QUOTE]
        if words:
            self._log.warning(self._number, "tracked change", f"deleted, and left out: {words!r}")

    def _note(self, element: etree._Element, kind: str) -> None:
        words = self._notes[kind].get(value(element, "id"), "")
        self._log.warning(self._number, kind, f"is left out: {words[:QUOTE]!r}")


class _Field:
    """Where a paragraph stands in a field: its code is no text, its result is (§17.16)."""

    def __init__(self) -> None:
        self._code = ""
        self._depth = 0

    def step(
        self, element: etree._Element, name: str, paragraph: int, log: ProblemLog
    ) -> Iterator[Piece]:
        if name == "instrText":
            self._code += element.text or ""
            return
        kind = value(element, "fldCharType")
        self._depth += {"begin": 1, "end": -1}.get(kind, 0)
        if kind != "end" or self._depth > 0:
            return
        code, self._code = " ".join(self._code.split()), ""
        if code.upper().startswith("EQ "):
            log.error(
                paragraph, "EQ field", f"a formula of the old kind, kept as text: {code[:80]}"
            )
            yield Text(f"[{code}]")


def _own_style(table: etree._Element) -> str:
    properties = child(table, "tblPr")
    style = "" if properties is None else value(child(properties, "tblStyle"))
    return style if style in (DATA, KEYS) else ""


def _alternative(element: etree._Element) -> etree._Element:
    """The one of several ways to say a thing that we read (ECMA-376 part 3 §9.3)."""
    choices = [*children(element, "Choice"), *children(element, "Fallback")]
    pictured = [c for c in choices if any(name_of(n) in ("blip", "imagedata") for n in c.iter())]
    return (pictured or choices or [element])[0] if choices else etree.Element("nothing")


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    for element in table:
        if name_of(element) == "tr":
            yield element
        elif name_of(element) in WRAPPERS:
            yield from _rows(element)


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    for element in row:
        if name_of(element) == "tc":
            yield element
        elif name_of(element) in WRAPPERS:
            yield from _cells(element)


def _words(element: etree._Element) -> str:
    texts = (node.text or "" for node in element.iter() if name_of(node) in ("t", "delText"))
    return " ".join("".join(texts).split())


def _notes(root: etree._Element | None, kind: str) -> dict[str, str]:
    return {} if root is None else {value(n, "id"): _words(n) for n in children(root, kind)}
