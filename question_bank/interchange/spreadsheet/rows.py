"""The rows of a sheet to items; a problem names sheet, row, column and heading."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from question_bank.content import plain_text
from question_bank.errors import ContentError, FileRefusedError, ItemError
from question_bank.interactions import Interaction, NumericEntry, contents_of
from question_bank.interchange.languages import language_of
from question_bank.interchange.levels import level_named, process_named
from question_bank.interchange.pictures import picture
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.spreadsheet.cells import Cell, Sheet, letters_of
from question_bank.interchange.spreadsheet.headings import Headings, folded, headings_in
from question_bank.interchange.spreadsheet.kinds import (
    NoItemError,
    Row,
    asked_by,
    doubts_of,
    kind_named,
    points_of,
)
from question_bank.interchange.spreadsheet.texts import Tell, content_of_cell
from question_bank.interchange.word.remarks import safe_name
from question_bank.item import (
    GradedCluster,
    Item,
    Media,
    ScoringRule,
    Stimulus,
)
from question_bank.item_code import with_code
from question_bank.keys import External, NoKey
from question_bank.metadata import MAX_ENEMIES, Bloom, ItemMetadata, Level
from question_bank.policies import NATIONAL_2025

QUOTE = 80
MAX_FIELD = 200
#: Fields whose cells become content.
_SHOWN = ("question", "passage", "explanation")
_NO = ("khong", "no", "0", "false", "n", "k")

#: The files beside the spreadsheet, by relative name.
Beside = Callable[[str], bytes | None]


@dataclass(slots=True)
class Items:
    """The items of a file so far; ids are told apart here."""

    made: dict[str, Item] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    _asked: Counter[str] = field(default_factory=Counter)

    def free(self, name: str) -> str:
        """The name, or the name with the first number that makes it one of its own."""
        free = name
        while free in self.lines:
            self._asked[name] += 1
            free = f"{name}-{self._asked[name] + 1}"
        return free


@dataclass(slots=True)
class SheetReader:
    """Makes the items of one sheet."""

    sheet: Sheet
    headings: Headings
    log: ProblemLog
    beside: Beside
    prefix: str
    items: Items

    def read(self) -> None:
        """Every row below the headings; other headings may follow."""
        self._tell_columns(self.headings)
        for number, cells in self.sheet.rows.items():
            if number <= self.headings.row:
                if number < self.headings.row:
                    self._outside(number, cells)
                continue
            again = headings_in(number, cells)
            if again is not None:
                self.headings = again
                self._tell_columns(again)
            elif not self._is_about_nothing(number, cells):
                self._row(number, cells)

    def _tell_columns(self, headings: Headings) -> None:
        for column, name in headings.doubled:
            message = f"a second column {name[:QUOTE]!r} was left out"
            self.log.error(headings.row, f"{letters_of(column)}{headings.row}", message)
        for column, name in headings.unknown.items():
            if any(column in cells for n, cells in self.sheet.rows.items() if n > headings.row):
                message = f"a column {name[:QUOTE]!r} is not known and was left out"
                self.log.warning(headings.row, f"{letters_of(column)}{headings.row}", message)

    def _is_about_nothing(self, number: int, cells: Mapping[int, Cell]) -> bool:
        """Rows without a question: empty but for their number, or a heading of a part."""
        columns = self.headings.columns
        known = {column for name, column in columns.items() if name != "number"}
        filled = [column for column in cells if column in known]
        if not filled:
            texts = [cell for column, cell in cells.items() if column != columns.get("number")]
            if texts or any(not c.text.strip().rstrip(".").isdecimal() for c in cells.values()):
                self._outside(number, cells)
            return True
        words = {c.text for c in cells.values()}
        if columns["question"] not in filled and (len(filled) == 1 or len(words) == 1):
            only = next(iter(cells.values()))
            if not only.pictures:
                self._outside(number, cells)
                return True
        return False

    def _outside(self, number: int, cells: Mapping[int, Cell]) -> None:
        words = " ".join(" ".join(cell.text.split()) for cell in cells.values())[:QUOTE]
        if words.strip():
            self.log.warning(number, f"row {number}", f"is no question and was left out: {words!r}")
        for column, cell in cells.items():
            if cell.pictures or cell.lost:
                message = "a picture beside no question was left out"
                self.log.error(number, f"{letters_of(column)}{number}", message)

    def _row(self, number: int, cells: Mapping[int, Cell]) -> None:
        reader = _RowReader(number, cells, self.headings, self.log, self.beside)
        before = len(self.log.problems)
        name = self._name(reader, number)
        self.items.lines[name] = number
        self.items.files[name] = self.log.file
        try:
            item = reader.item(name)
        except NoItemError as error:
            reader.error(error.field, str(error))
            return
        except (ItemError, ContentError) as error:
            reader.error("question", str(error))
            return
        if item is not None and not self.log.failed_since(before):  # not without a picture of it
            self.items.made[name] = item

    def _name(self, reader: "_RowReader", number: int) -> str:
        told = reader.text("id")
        name = safe_name(told)[:100]
        if told and name != told:
            reader.warn("id", f"{told[:QUOTE]!r} is written as {name!r}")
        if not name:
            name = f"{self.prefix}-{safe_name(reader.text('number'))[:20] or f'row{number}'}"
        free = self.items.free(name)
        if free != name:
            field = "id" if told else "number"
            reader.warn(field, f"{name} stands in the file more than once; taken as {free}")
        return free


@dataclass(slots=True)
class _RowReader:
    """Reads one row."""

    number: int
    cells: Mapping[int, Cell]
    headings: Headings
    log: ProblemLog
    beside: Beside
    media: dict[str, Media] = field(default_factory=dict)

    def item(self, name: str) -> Item | None:
        """The item, None where a cell's value is not known; raises NoItemError, ItemError or
        ContentError."""
        if not self._are_cells_known():
            return None
        stem = self._content("question") + self._picture_named()
        if not stem.strip():
            raise NoItemError("question", "is empty")
        asked = self._asked()
        interaction, key = asked_by(asked)
        if isinstance(interaction, NumericEntry):
            for doubt in doubts_of(asked):
                self.warn("key", doubt)
        subject = self.text("subject")[:MAX_FIELD]
        rule, points = NATIONAL_2025.marking(interaction, subject)
        if isinstance(key, NoKey):
            rule = External()
            self._leave_key()
        if told := self.text("points"):
            said = points_of(told)
            rule = _graded(rule, said / points if points else said)
            points = said
        passage = self._content("passage")
        return Item(
            id=name,
            stem=stem,
            interaction=interaction,
            key=key,
            scoring=rule,
            points=points,
            metadata=self._metadata(subject, stem, interaction),
            media=tuple(sorted(self.media.values(), key=lambda one: one.id)),
            stimulus=_stimulus(passage) if passage else None,
            explanation=self._content("explanation"),
        )

    # --- cells

    def cell(self, field: str) -> Cell:
        return self.cells.get(self.headings.columns.get(field, 0), Cell())

    def text(self, field: str) -> str:
        """The text of a field's cell, white space collapsed."""
        return " ".join(self.cell(field).text.split())

    def error(self, field: str, message: str) -> None:
        self.log.error(self.number, self._place(field), message)

    def warn(self, field: str, message: str) -> None:
        self.log.warning(self.number, self._place(field), message)

    def _place(self, field: str) -> str:
        """The cell by its name, and its heading."""
        column = self.headings.columns.get(field, 0)
        if not column:
            return f"row {self.number} ({field})"
        return self._place_of(column)

    def _place_of(self, column: int) -> str:
        name = self.headings.names.get(column, "")[:40]
        return f"{letters_of(column)}{self.number}" + (f" ({name})" if name else "")

    def _are_cells_known(self) -> bool:
        """Tells of cells whose value is not to be trusted, and of pictures in other columns."""
        before = len(self.log.problems)
        columns = self.headings.columns
        known = set(columns.values()) - {columns.get("number")}
        shown = {columns.get(f) for f in (*_SHOWN, "picture")} | set(self.headings.options)
        for column, cell in sorted(self.cells.items()):
            if cell.lost:  # without it, it is another question
                self.log.error(self.number, self._place_of(column), cell.lost)
            if cell.fault and column in known:
                self.log.error(self.number, self._place_of(column), cell.fault)
            elif cell.doubt and column in known:
                self.log.warning(self.number, self._place_of(column), cell.doubt)
            if cell.pictures and column not in shown:
                message = "a picture beside the question; it is shown below the question's text"
                self.log.warning(self.number, self._place_of(column), message)
        return not self.log.failed_since(before)

    def _tell(self, place: str) -> Tell:
        def tell(message: str, severity: str) -> None:
            add = self.log.error if severity == "error" else self.log.warning
            add(self.number, place, message)

        return tell

    def _content_of(self, cell: Cell, place: str) -> str:
        for one in cell.pictures:
            self.media[one.id] = one
        comma = self.headings.is_vietnamese
        return content_of_cell(cell, self._tell(place), decimal_comma=comma)

    def _content(self, field: str) -> str:
        return self._content_of(self.cell(field), self._place(field))

    def _picture_named(self) -> str:
        """Pictures of the picture's column, those beside the question, and the file it names."""
        columns = self.headings.columns
        shown = {columns.get(field) for field in _SHOWN} | set(self.headings.options)
        media = [
            one
            for column, cell in sorted(self.cells.items())
            if column not in shown
            for one in cell.pictures
        ]
        named = self.text("picture")
        if named:
            found = self._file(named)
            media += [found] if found is not None else []
        for one in media:
            self.media[one.id] = one
        return "".join(f'<p><img src="media:{one.id}"/></p>' for one in media)

    def _file(self, name: str) -> Media | None:
        try:
            if "://" in name:
                raise FileRefusedError(
                    "a picture on the network is not fetched; put it in the cell"
                )
            data = self.beside(name)
            if data is None:
                raise FileRefusedError(f"picture {name[:QUOTE]!r} is not beside the file")
            return picture(data, name)
        except FileRefusedError as error:
            self.error("picture", str(error))
            return None

    # --- what is asked

    def _asked(self) -> Row:
        words = self.text("kind")
        kind = kind_named(words)
        if kind is None:
            raise NoItemError("kind", f"the type {words[:40]!r} is not known")
        cells = [self.cells.get(column, Cell()) for column in self.headings.options]
        while cells and cells[-1].is_empty:
            cells.pop()
        empty = next((n for n, cell in enumerate(cells) if cell.is_empty), None)
        if empty is not None:
            column = self.headings.options[empty]
            field = next(f for f, c in self.headings.columns.items() if c == column)
            raise NoItemError(field, "is empty, and an option follows it")
        options = tuple(
            (cell.text, self._content_of(cell, self._place_of(column)))
            for cell, column in zip(cells, self.headings.options, strict=False)
        )
        return Row(
            kind, self.cell("key").text.strip(), options, self.text("tolerance"),
            self.text("unit"), folded(self.text("shuffle")) not in _NO, self.headings.is_vietnamese,
            self.cell("key").is_number,
        )  # fmt: skip

    def _leave_key(self) -> None:
        if key := self.text("key"):
            message = f"people mark the answer; what is written here was left out: {key[:QUOTE]!r}"
            self.warn("key", message)

    def _metadata(self, subject: str, stem: str, interaction: Interaction) -> ItemMetadata:
        usual = "vi" if self.headings.is_vietnamese else ""
        words = " ".join([plain_text(stem), *map(plain_text, contents_of(interaction))])
        level, process = self._levels()
        told = ItemMetadata(
            subject=subject,
            grade=self.text("grade")[:MAX_FIELD],
            topic=self.text("topic")[:MAX_FIELD],
            level=level,
            code=self.text("code")[:MAX_FIELD],
            language=self.text("language")[:20] or language_of(words, usual),
            author=self.text("author")[:MAX_FIELD],
            bloom=process,
            source=self.text("source")[:MAX_FIELD],
            enemies=self._enemies(),
        )
        return with_code(told)

    def _levels(self) -> tuple[Level | None, Bloom | None]:
        """The level and the process, in whichever of the two columns they stand."""
        levels, processes = [], []
        for column in ("level", "bloom"):
            words = self.text(column)
            level, process = level_named(words), process_named(words)
            levels += [level] if level else []
            processes += [process] if process else []
            if words and level is None and process is None:
                self.warn(column, f"{words[:40]!r} is no level that is known and was left out")
        return next(iter(levels), None), next(iter(processes), None)

    def _enemies(self) -> tuple[str, ...]:
        """Ids of items that must not stand in one form with this one."""
        names = re.split(r"[\s,;]+", self.text("enemies"))
        return tuple(dict.fromkeys(name for name in names if name))[:MAX_ENEMIES]


def _graded(rule: ScoringRule, factor: Decimal) -> ScoringRule:
    """The rule of a cluster for `factor` times its points."""
    if not isinstance(rule, GradedCluster):
        return rule
    return GradedCluster(tuple(marks * factor for marks in rule.table))


def _stimulus(content: str) -> Stimulus:
    return Stimulus(f"passage-{hashlib.sha256(content.encode()).hexdigest()[:16]}", content)
