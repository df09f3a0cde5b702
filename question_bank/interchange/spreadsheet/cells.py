"""A spreadsheet as all its formats tell it: sheets, rows, cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from question_bank.errors import FileRefusedError
from question_bank.item import Media

MAX_ROWS = 20_000
MAX_CELLS = 400_000
MAX_COLUMN = 16_384
MAX_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one look: `tags` are those of content, the outermost first."""

    text: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell. `is_number`: a number of the spreadsheet's own, with a point.

    `fault` says why its text is not to be trusted, `doubt` why it should be looked at, `lost`
    which picture of it cannot be taken.
    """

    runs: tuple[Run, ...] = ()
    is_number: bool = False
    pictures: tuple[Media, ...] = ()
    fault: str = ""
    doubt: str = ""
    lost: str = ""

    @property
    def text(self) -> str:
        """The letters without their looks."""
        return "".join(run.text for run in self.runs)

    @property
    def is_empty(self) -> bool:
        return not (self.text.strip() or self.pictures or self.fault or self.lost)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its rows by number (from 1), their cells by column (from 1)."""

    name: str
    rows: Mapping[int, Mapping[int, Cell]] = field(default_factory=dict)


def plain_cell(text: str) -> Cell:
    """A cell of a text without looks."""
    return Cell((Run(text),)) if text else Cell()


def padded(number: str, decimals: int) -> str:
    """A number with at least so many decimals; none of its own are lost."""
    whole, _, own = number.partition(".")
    return f"{whole}.{own.ljust(decimals, '0')}" if decimals else number


def letters_of(column: int) -> str:
    """The name of a column: A, B, …, Z, AA, …"""
    name = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


@dataclass(slots=True)
class Counter:
    """Counts the rows and cells of a file; raises FileRefusedError for too many."""

    file: str
    cells: int = 0
    rows: int = 0

    def row(self) -> None:
        self.rows += 1
        if self.rows > MAX_ROWS:
            raise FileRefusedError(f"{self.file}: more than {MAX_ROWS} rows; divide it")

    def cell(self, text: str = "") -> None:
        self.cells += 1
        if self.cells > MAX_CELLS:
            raise FileRefusedError(f"{self.file}: more than {MAX_CELLS} cells; divide it")
        if len(text) > MAX_TEXT:
            raise FileRefusedError(f"{self.file}: a cell of more than {MAX_TEXT} characters")
