"""Items out to a Word document: a paper as teachers have it, its answers and solutions at the end.

What the document says our own reader finds again; what it cannot say lies beside it (`carried`).
At the end it is read, and every item that does not come back as it was is named.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from question_bank.assembly import BaseForm
from question_bank.interchange.paper.making import paper_of
from question_bank.interchange.paper.model import (
    AnswerLine,
    Bank,
    Block,
    Columns,
    Figure,
    Group,
    Labelled,
    Options,
    Paper,
    Passage,
    Question,
    RuledLines,
    Section,
    Statements,
)
from question_bank.interchange.paper.words import words_in
from question_bank.interchange.problems import Exported, ProblemLog
from question_bank.interchange.word import look, wholes
from question_bank.interchange.word.answer_pages import write_keys, write_solutions
from question_bank.interchange.word.carried import (
    KIND,
    MARK,
    PART,
    TEXTS,
    Carried,
    kept_texts,
    lines_around,
    part_of,
    record_of,
)
from question_bank.interchange.word.comparing import compare, read_again
from question_bank.interchange.word.expected import is_read, read_points, usual_points
from question_bank.interchange.word.model import (
    words_of,
)
from question_bank.interchange.word.pages import BOLD, Pages
from question_bank.interchange.word.reading import scanned
from question_bank.interchange.word.strips import Reading
from question_bank.interchange.word.wholes import SEEN, WHOLE, seen
from question_bank.interchange.word.widths import columns_for
from question_bank.interchange.word.wordml import (
    bookmark,
    paragraph,
    run,
    table,
    with_part,
)
from question_bank.item import Item

FILE = "paper.docx"


def write_word(items: Iterable[Item], base_forms: Iterable[BaseForm]) -> Exported:
    """The paper, its answers and its solutions."""
    return _written(items, base_forms, with_key=True)


def write_word_without_key(items: Iterable[Item], base_forms: Iterable[BaseForm]) -> Exported:
    """The paper alone, for candidates; nothing of the bank lies beside it."""
    return _written(items, base_forms, with_key=False)


def _written(items: Iterable[Item], forms: Iterable[BaseForm], *, with_key: bool) -> Exported:
    log = ProblemLog(FILE)
    held = list(items)
    paper = paper_of(held, forms, log)
    document = _Document(paper, log)
    data = document.file(with_key=with_key)
    if with_key:
        compare(held, data, log)
    return Exported(data, tuple(log.problems))


class _Document:
    """One document while it is being written."""

    def __init__(self, paper: Paper, log: ProblemLog) -> None:
        self._paper = paper
        self._words = words_in(paper.language)
        self._log = log
        self._pages = Pages(self._words, log)
        self._records: dict[str, dict[str, object]] = {}
        self._items: list[Item] = []

    def file(self, *, with_key: bool) -> bytes:
        """The whole document."""
        package = self._pages.package
        self._head()
        for section in self._paper.sections:
            self._section(section)
        self._pages.add(run(f"———— {self._words['end']} ————"), style="About")
        if with_key:
            write_keys(self._pages, self._paper)
            write_solutions(self._pages, self._paper)
            package.parts[PART] = part_of(Carried(self._records, self._pages.formulas))
            package.relate(KIND, f"../{PART}")
        package.parts["word/footer1.xml"] = look.footer().encode()
        footer = package.relate("footer", "footer1.xml")
        language = "en" if self._words is words_in("en") else "vi"
        data = package.file(look.styles(language), look.settings(), look.section(footer))
        return self._with_what_is_seen(data) if with_key else data

    def _with_what_is_seen(self, data: bytes) -> bytes:
        """The document, whose records say what our reader sees of their questions and texts."""
        if any(WHOLE in record for record in self._records.values()):
            scan, bookmarks = scanned(data, FILE)
            for draft in scan.drafts:
                record = self._records.get(bookmarks.get(draft.paragraph, ""), {})
                if WHOLE in record:
                    record[SEEN] = seen(draft, scan)
        again = read_again(data, FILE)
        read = {item.id: item for item in again.items}
        for record, item in zip(self._records.values(), self._items, strict=True):
            if WHOLE not in record and item.id in read and item.id not in self._pages.unsaid:
                record[TEXTS] = kept_texts(item, read[item.id])
        around = lines_around(again.problems)
        return with_part(data, PART, part_of(Carried(self._records, self._pages.formulas, around)))

    # --- the paper

    def _head(self) -> None:
        paper, words = self._paper, self._words
        self._pages.add(run(paper.title), style="Title")
        about = [f"{words['subject']}: {paper.subject}"] if paper.subject else []
        about += [words["minutes"].format(paper.minutes)] if paper.minutes else []
        if about:
            self._pages.add(run("  ·  ".join(about)), style="About")
        self._pages.add(run(f"{words['name']}:\t {words['number']}:\t"), style="Who")

    def _section(self, section: Section) -> None:
        if title := self._pages.title(section):
            self._pages.add(run(title), style="Part")
        if section.instructions:
            self._pages.lines(section.instructions, None, style="Lead")
        leads = [words_of(line) for line in Reading({}).strip(section.instructions or "").lines()]
        for group in section.groups:
            self._group(group, leads)

    def _group(self, group: Group, leads: Sequence[str]) -> None:
        if group.stimulus is not None:
            self._pages.add(run(group.lead), style="Lead")
            self._pages.lines(group.passage, group.questions[0].item, style="Passage")
        for question in group.questions:
            self._question(question, [*leads, group.lead])

    def _question(self, question: Question, leads: Sequence[str]) -> None:
        item = question.item
        said = read_points(item, self._paper.subject)
        mark = f"{MARK}{len(self._records) + 1}"
        self._records[mark] = record_of(item, str(said), leads)
        self._items.append(item)
        if not is_read(item):
            self._records[mark][WHOLE] = wholes.record_of(item)
        points = "" if said == usual_points(item, self._paper.subject) else self._points(item, said)
        begin = bookmark(len(self._records), mark) + run(_label(question, points), BOLD) + run(" ")
        self._pages.lines(
            question.stem, item, first=begin, style="Kept" if question.blocks else "Question"
        )
        for block in question.blocks:
            self._block(item, block)

    def _points(self, item: Item, points: Decimal) -> str:
        words = words_in(item.metadata.language)
        number = f"{points.normalize():f}"
        number = number if words is words_in("en") else number.replace(".", ",")
        return f"{number} {words['points']}"

    def _block(self, item: Item, block: Block) -> None:
        match block:
            case Options(options=options):
                self._options(item, options)
            case Statements(statements=statements):
                for one in statements:
                    label = run(f"{one.label} ", BOLD)
                    self._pages.lines(one.content, item, first=label, style="Statement")
            case AnswerLine(hint=hint, unit=unit):
                if not is_read(item):  # a line of dots would be read as the question's
                    reply = words_in(item.metadata.language)["reply"]
                    said = f"{reply} ({hint}): " if hint else f"{reply}: "
                    self._pages.add(run(f"{said}\t{unit}"), style="Ruled")
            case RuledLines(count=count):
                for _ in range(count):
                    self._pages.add(run("\t"), style="Ruled")
            case Columns(left=left, right=right):
                self._columns(item, left, right)
            case Bank(pieces=pieces):
                self._options(item, pieces)
            case Passage(content=content):
                self._pages.lines(content, item)
            case Figure():
                self._figure(item, block)

    def _figure(self, item: Item, figure: Figure) -> None:
        media = {one.id: one for one in item.media}.get(figure.picture.media)
        if media is not None:
            if media.mime == "image/svg+xml":
                self._pages.tell_svg()
            shown = self._pages.package.picture(media, figure.picture.width, figure.picture.alt)
            self._pages.add(shown, style="About")
        named = "   ".join(f"{letter}. {area.label}" for letter, area in figure.areas)
        if named:
            self._pages.add(run(named))
            self._pages.warn(item, "areas", "the areas of its picture are named, and not drawn")

    def _options(self, item: Item, options: Sequence[Labelled]) -> None:
        """In one line, in two or in four, by their width; a table or lines of its own where an
        option is more than a line."""
        strips = [self._pages.strip(option.content, item) for option in options]
        columns = columns_for(strips)
        for at in range(0, len(options), columns):
            runs: list[str] = []
            for option, strip in list(zip(options, strips, strict=True))[at : at + columns]:
                runs.append(run("\t") if runs else "")
                runs += [run(f"{option.label} ", BOLD), self._pages.inline(strip.pieces)]
            if columns > 1:
                self._pages.add(*runs, style="Options")
            else:
                label = run(f"{options[at].label} ", BOLD)
                self._pages.lines(options[at].content, item, first=label, style="Options")

    def _columns(self, item: Item, left: Sequence[Labelled], right: Sequence[Labelled]) -> None:
        def cell(pieces: Sequence[Labelled], at: int) -> str:
            if at >= len(pieces):
                return paragraph(style="Options")
            strip = self._pages.strip(pieces[at].content, item)
            inside = self._pages.inline(strip.pieces)
            return paragraph(run(f"{pieces[at].label} ", BOLD), inside, style="Options")

        rows = [(cell(left, at), cell(right, at)) for at in range(max(len(left), len(right)))]
        half = look.TEXT_WIDTH // 2
        self._pages.table(table(rows, (half, half), "Bare"))


def _label(question: Question, points: str) -> str:
    """ "Câu 3." or "Câu 3 (0,5 điểm)."."""
    return f"{question.label[:-1]} ({points})." if points else question.label
