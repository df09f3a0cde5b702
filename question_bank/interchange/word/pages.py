"""The pages of a document while they are written: content as paragraphs, tables and formulas."""

from collections.abc import Iterable, Mapping

from lxml import etree

from question_bank.interchange.omml import mathml_of_omml
from question_bank.interchange.omml_writer import omml_of
from question_bank.interchange.paper.model import Section
from question_bank.interchange.pictures import EXTENSIONS
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word import look
from question_bank.interchange.word.carried import digest
from question_bank.interchange.word.model import Formula, Grid, Mark, Picture, Piece, Strip
from question_bank.interchange.word.names import DATA
from question_bank.interchange.word.strips import Reading
from question_bank.interchange.word.wordml import (
    DECLARED,
    Package,
    paragraph,
    strip_lines,
    table,
)
from question_bank.item import Item

BOLD = Mark(bold=True)
#: The reader knows the parts of a paper up to this.
MAX_PARTS = 4
ROMAN = ("", "I", "II", "III", "IV")


class Pages:
    """What is added to a package, one block below the other. `formulas`: by what our reader makes
    of them; `unsaid`: ids of items that even a text beside the document cannot tell."""

    def __init__(self, words: Mapping[str, str], log: ProblemLog) -> None:
        self.words = words
        self.log = log
        self.package = Package()
        self.formulas: dict[str, str] = {}
        self.unsaid: set[str] = set()
        self._widths: dict[str, int] = {}
        self._alts: dict[str, str] = {}

    def add(self, *runs: str, style: str = "", properties: str = "") -> None:
        """A paragraph of runs."""
        self.package.blocks.append(paragraph(*runs, style=style, properties=properties))

    def table(self, written: str) -> None:
        """A table, and what parts it from the next one."""
        self.package.blocks.append(written)
        self.add(style="Gap")

    def warn(self, item: Item, element: str, message: str) -> None:
        """A warning of an item."""
        self.log.warning(None, element, f"{item.id}: {message}")

    def title(self, section: Section) -> str:
        """What stands above a section, by which our reader knows its part."""
        if not section.number:
            return section.title
        if section.number > MAX_PARTS:
            self.log.warning(None, "part", f"{section.title!r}: our reader knows {MAX_PARTS} parts")
        number = ROMAN[min(section.number, MAX_PARTS)]
        own = section.title.partition(".")
        said = own[0].strip().upper() == f"{self.words['part']} {number}"
        title = own[2].strip() if said else section.title
        return f"{self.words['part']} {number}. {title}".removesuffix(". ")

    def strip(self, fragment: str, item: Item) -> Strip:
        """Content as a strip; what a document cannot have of it is told."""
        reading = Reading({media.id: media for media in item.media})
        strip = reading.strip(fragment)
        self._widths |= reading.widths
        self._alts |= reading.alts
        for what in sorted(reading.lost):
            self.unsaid.add(item.id)
            self.warn(item, "content", f"a document has no {what} as the item has it")
        for media in strip.pictures():
            if media.mime == "image/svg+xml":
                self.tell_svg()
            elif media.mime not in EXTENSIONS:
                self.warn(item, "picture", f"{media.id} is {media.mime}, which Word may not show")
        return strip

    def tell_svg(self) -> None:
        """Tells once what programs show drawings."""
        message = "drawings (SVG) are shown by Word since 2016; older programs show nothing there"
        if not any(problem.message == message for problem in self.log.problems):
            self.log.warning(None, "picture", message)

    def lines(self, fragment: str, item: Item | None, *, first: str = "", style: str = "") -> None:
        """The content's lines, each a paragraph; `first` stands before the first of them."""
        strip = self.strip(fragment, item) if item is not None else Reading({}).strip(fragment)
        lines = list(strip_lines(strip))
        if first and (not lines or isinstance(lines[0][0], Grid)):
            lines.insert(0, ())
        for line in lines:
            if line and isinstance(line[0], Grid):
                self.table(self._grid(line[0]))
            elif len(line) == 1 and isinstance(line[0], Picture) and not first:
                self.add(self.inline(line), style="About")
            else:
                self.add(first, self.inline(line), style=style)
                first = ""

    def _grid(self, grid: Grid) -> str:
        width = max((len(row) for row in grid.rows), default=1)
        columns = [min(look.TEXT_WIDTH // width, 2400)] * width

        def cell(strip: Strip) -> str:
            lines = [self.inline(line) for line in strip_lines(strip)]
            return "".join(paragraph(line, style="Cell") for line in lines or [""])

        rows = [[*map(cell, row), *[cell(Strip())] * (width - len(row))] for row in grid.rows]
        return table(rows, columns, DATA)

    def inline(self, pieces: Iterable[Piece]) -> str:
        """Pieces as runs; their formulas are remembered."""
        held = list(pieces)
        for piece in held:
            if isinstance(piece, Formula):
                self._remember(piece.mathml)
        return self.package.inline(held, self._widths, self._alts)

    def _remember(self, mathml: str) -> None:
        """A formula under what our reader makes of Word's."""
        around = etree.fromstring(f"<m:x {DECLARED}>{omml_of(mathml)}</m:x>")
        for read in mathml_of_omml(around[0], lambda _name, _message: None):
            self.formulas.setdefault(digest(read), mathml)
