"""From entries to drafts: which lines are whose question, solution, passage or answer."""

import re
from collections.abc import Iterable, Sequence

from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word import essays
from question_bank.interchange.word.answers import Answer, answers_in_line
from question_bank.interchange.word.drafts import Draft, FoundAnswer, Scan, Shared
from question_bank.interchange.word.keys import stated_key
from question_bank.interchange.word.lines import AnswerTable, Entry, KeyTable, Line, QuestionRow
from question_bank.interchange.word.matching import PAIRING, table_in
from question_bank.interchange.word.model import OBJECT, Strip, Text, joined, words_of
from question_bank.interchange.word.options import choices_in, statements_in
from question_bank.interchange.word.phrases import (
    ANSWERS,
    CLOSING,
    HEADING,
    INLINE_KEY,
    OPTION_LABEL,
    PAGE,
    PART,
    QUESTION,
    ROMAN,
    SHARED,
    SHARED_RANGE,
    SOLUTION,
    SUBJECT,
    UNNUMBERED,
)
from question_bank.interchange.word.roles import Role

QUOTE = 1000
_AFTER_KEY = re.compile(r"[\s.:;,)–-]*")
# So many pairs in a line are answers even where nothing announced them.
UNANNOUNCED = 4


class Scanner:
    """Goes through the entries once."""

    def __init__(self, log: ProblemLog, label: re.Pattern[str] = QUESTION) -> None:
        """`label`: what questions begin with, QUESTION or NUMBERED."""
        self._log = log
        self._label = label
        self._scan = Scan()
        self._part = 0
        self._shared: Shared | None = None
        self._draft: Draft | None = None
        self._into: list[Strip] | None = None  # where the next plain line goes
        self._answering = False
        self._essays = False

    def read(self, entries: Iterable[Entry]) -> Scan:
        """The drafts and answers; what belongs to neither is reported."""
        for entry in entries:
            match entry:
                case Line():
                    if not entry.strip.is_blank:
                        self._line(entry)
                case QuestionRow():
                    self._row(entry)
                case KeyTable(rows=rows):
                    self._scan.kept |= {(self._part, number): told for number, told in rows}
                case AnswerTable():
                    self._answers(entry.number, entry.answers)
        return self._scan

    def _line(self, line: Line) -> None:
        text = line.strip.text
        question = self._label.match(text)
        if (part := PART.match(text)) and not (question and question["end"]):
            if self._begins_answers(line, part):
                return
            self._heading(line, ROMAN.get(part["number"].lower()) or int(part["number"]))
        elif ANSWERS.fullmatch(text) and (text.isupper() or not self._awaits_number()):
            self._answering, self._draft, self._into = True, None, None
        elif HEADING.match(text) and self._ends_here(text):
            self._heading(line, 0)
        elif essays.HEADING.fullmatch(text) or essays.WRITING.fullmatch(text):
            self._heading(line, self._part)
        elif self._begins_guide(text):
            self._left_out(line, "heading")
            self._answering, self._draft, self._into = True, None, None
        elif self._is_pairing(self._draft, line.strip):
            self._append_solution(line.strip)
        elif self._answering and self._guides(line.strip):
            pass
        elif PAGE.fullmatch(text):
            self._left_out(line, "page line")
        elif question is not None and self._begins(line, question["number"], question["end"]):
            self._question(line)
        elif UNNUMBERED.match(text):
            message = f"its number is not read, and what follows it is left out: {text[:QUOTE]!r}"
            self._log.error(line.number, "question", message)
            self._draft, self._into = None, None
        elif self._read_answers(line):
            pass
        elif self._is_shared(text):
            self._shared = Shared(line.number, [line.strip], _last_number(text))
            self._scan.shared.append(self._shared)
            self._draft, self._into, self._answering = None, self._shared.lines, False
        elif CLOSING.match(text):
            self._left_out(line, "closing line")
            self._draft, self._into = None, None
        elif self._draft is not None and self._is_solution(text):
            self._append_solution(line.strip)
        elif self._into is not None:
            self._append(line.strip)
        else:
            self._left_out(line, "text outside of any question")

    def _begins_answers(self, line: Line, part: re.Match[str]) -> bool:
        """Takes "PHẦN I. 1.A 2.B" among the answers, a heading with its answers in one line."""
        pairs = answers_in_line(part["rest"], least=1 if self._answering else UNANNOUNCED)
        if pairs:
            self._part = ROMAN.get(part["number"].lower()) or int(part["number"])
            self._draft, self._shared, self._into = None, None, None
            self._answers(line.number, pairs)
        return bool(pairs)

    def _append_solution(self, strip: Strip) -> None:
        if self._draft is not None:
            self._into = self._draft.solution
            self._into.append(strip)

    def _is_solution(self, text: str) -> bool:
        own = self._draft is not None and self._draft.essay and essays.SOLUTION.match(text)
        return bool(SOLUTION.match(text) or own)

    def _is_pairing(self, draft: Draft | None, strip: Strip) -> bool:
        """Whether the line is the key of a table to match, and not answers to questions."""
        if draft is None or not PAIRING.fullmatch(strip.text):
            return False
        return table_in(draft.latest()) is not None

    def _begins_guide(self, text: str) -> bool:
        """Whether it is told from here on how the essays before are marked."""
        if not text.isupper() or not essays.GUIDE.fullmatch(text):
            return False
        return any(draft.essay for draft in self._scan.drafts)

    def _guides(self, strip: Strip) -> bool:
        """Takes a table that tells how essays are marked, all of whose numbers are essays'."""
        rows = essays.guide_rows(strip)
        into = [(self._essay_of(number), told) for number, told in rows]
        if not rows or any(solution is None for solution, _ in into):
            return False
        for solution, told in into:
            if solution is not None:
                solution.append(told)
        return True

    def _essay_of(self, number: int) -> list[Strip] | None:
        found = [d for d in self._scan.drafts if d.essay and d.number == number]
        return found[0].solution if len(found) == 1 else None

    def _append(self, strip: Strip) -> None:
        """A plain line goes where the last one went; a key at a question's end goes apart."""
        draft = self._draft
        if self._into is None:
            return
        if draft is not None and self._into is draft.body:
            strip = _without_key(draft, strip)
        self._into.append(strip)

    def _ends_here(self, text: str) -> bool:
        """Whether a line like "A. Trắc nghiệm" is no option: nothing before it awaits options."""
        draft = self._draft
        if draft is None or OPTION_LABEL.match(text) is None:
            return True
        return self._into is draft.solution or len(choices_in(draft.latest())) > 2

    def _awaits_number(self) -> bool:
        """Whether "Đáp án:" alone on its line is the open question's own: it has no options."""
        draft = self._draft
        if draft is None or draft.solution:
            return False
        body = draft.latest()
        return not choices_in(body) and not statements_in(body)

    def _heading(self, line: Line, part: int) -> None:
        self._left_out(line, "heading")
        self._part, self._draft, self._shared, self._into = part, None, None, None
        self._essays = essays.asks_for_essays(line.strip.text)

    def _begins(self, line: Line, number: str, end: str) -> bool:
        """Whether "Câu 3" begins a question: by its mark, by looks, or being the next one."""
        if end.strip():
            return True
        before = self._scan.drafts[-1].number if self._scan.drafts else 0
        bold = next((mark.bold or bool(mark.colour) for mark in line.strip.marks()), False)
        return bold or int(number) == before + 1

    def _question(self, line: Line) -> None:
        found = self._label.match(line.strip.text)
        if found is None:
            return
        rest = line.strip.cut(found.end()).trimmed()
        number = int(found["number"])
        if self._answering and (
            self._answer_of(line, number, rest) or self._marked_here(number, rest)
        ):
            return
        self._answering = False
        shared = self._shared
        if shared is not None and shared.last is not None and number > shared.last:
            shared = self._shared = None
        remark = " ".join(filter(None, (found["inside"], found["after"])))
        self._draft = Draft(number, line.number, self._part, found["word"], remark, shared=shared)
        self._draft.essay = self._essays or essays.asks_for_essays(remark)
        self._draft.body.append(_without_key(self._draft, rest))
        self._into = self._draft.body
        self._scan.drafts.append(self._draft)

    def _marked_here(self, number: int, rest: Strip) -> bool:
        """ "Câu 3. …" among the answers, of an essay: how it is marked."""
        solution = self._essay_of(number)
        if solution is None:
            return False
        self._into = solution
        if not rest.is_blank:
            solution.append(rest)
        return True

    def _answer_of(self, line: Line, number: int, rest: Strip) -> bool:
        """ "Câu 3: B. Vì …" among the answers: a key, and a solution after it."""
        asked = [draft for draft in self._scan.drafts if draft.number == number]
        if len(asked) == 1 and self._is_pairing(asked[0], rest):
            asked[0].solution.append(rest)
            return True
        first = rest.text.split("\n")[0]
        pairs = answers_in_line(line.strip.text, least=2)
        if pairs:
            self._answers(line.number, pairs)
            return True
        head = first.partition(".")[0]
        for text in (first, head, first.split(" ")[0] if first else ""):
            if stated_key(text) is not None:
                self._answers(line.number, (Answer(number, text),))
                gap = _AFTER_KEY.match(rest.text, len(text))
                solution = Strip() if gap is None else rest.cut(gap.end())
                self._into = self._solution_of(number)
                if self._into is not None:
                    self._into.append(solution.trimmed())
                elif not solution.is_blank:
                    self._left_out(Line(line.number, solution), "solution")
                return True
        return False

    def _solution_of(self, number: int) -> list[Strip] | None:
        fitting = [d for d in self._scan.drafts if d.number == number and self._part in (0, d.part)]
        return fitting[0].solution if len(fitting) == 1 else None

    def _read_answers(self, line: Line) -> bool:
        pairs = answers_in_line(line.strip.text, least=1 if self._answering else UNANNOUNCED)
        if pairs:
            self._answers(line.number, pairs)
        return bool(pairs)

    def _answers(self, paragraph: int, answers: Sequence[Answer]) -> None:
        self._scan.answers += [FoundAnswer(self._part, answer, paragraph) for answer in answers]

    def _is_shared(self, text: str) -> bool:
        if self._answering or not SHARED.match(text):
            return False
        draft = self._draft
        if draft is None:
            return self._into is None or self._shared is None or not self._shared.lines
        if self._into is draft.solution:
            return not text.lower().lstrip().startswith(("dựa", "cho", "dùng", "đọc", "sử"))
        body = draft.latest()
        return len(choices_in(body)) > 1 or len(statements_in(body)) > 1

    def _row(self, row: QuestionRow) -> None:
        question = joined(s for role, s in row.cells if role is Role.QUESTION and not s.is_blank)
        lines = question.lines()
        place, found = _first_label(lines)
        draft = Draft(len(self._scan.drafts) + 1, row.number, self._part, shared=self._shared)
        if found is not None:
            draft.number, draft.word = int(found["number"]), found["word"]
            draft.remark = " ".join(filter(None, (found["inside"], found["after"])))
            before, lines = lines[:place], [lines[place].cut(found.end()), *lines[place + 1 :]]
            if any(not line.is_blank for line in before):
                draft.shared = Shared(row.number, before)
                self._scan.shared.append(draft.shared)
        else:
            digits = "".join(filter(str.isdecimal, _text(row, Role.NUMBER)))[:4]
            draft.number = int(digits) if digits else draft.number
        draft.id = _text(row, Role.ID)
        draft.key = _text(row, Role.KEY)
        draft.level = _text(row, Role.LEVEL)
        draft.essay = self._essays and not draft.key
        _share_out(draft, lines)
        self._add_cells(draft, row)
        self._scan.drafts.append(draft)
        self._draft, self._into = draft, None

    def _add_cells(self, draft: Draft, row: QuestionRow) -> None:
        option = 0
        at = _options_at(draft.body)
        for role, strip in row.cells:
            if strip.is_blank:
                if role is Role.OPTION:
                    option += 1
                continue
            match role:
                case Role.PICTURE:
                    draft.body.insert(at, strip.trimmed())
                case Role.OPTIONS:
                    draft.body.extend(strip.lines())
                case Role.OPTION:
                    draft.body.append(_labelled(strip, option))
                    option += 1
                case Role.SOLUTION | Role.SOLUTION_PICTURE:
                    draft.solution.extend(strip.lines())
                case Role.OTHER:
                    self._log.warning(
                        row.number, "column", f"is left out: {strip.text.strip()[:QUOTE]!r}"
                    )

    def _left_out(self, line: Line, element: str) -> None:
        text = words_of(line.strip)
        subject = SUBJECT.search(text)
        if subject is not None and not self._scan.drafts:
            self._scan.subject = " ".join(subject["subject"].split()).capitalize()
        self._log.warning(line.number, element, f"is left out: {text[:QUOTE]!r}")


def _without_key(draft: Draft, strip: Strip) -> Strip:
    """The line of a question without the key at its end, which becomes the solution's first."""
    found = INLINE_KEY.search(strip.text)
    if found is None:
        return strip
    draft.solution.append(strip.cut(found.start()).trimmed())
    return strip.cut(0, found.start())


def _first_label(lines: Sequence[Strip]) -> tuple[int, re.Match[str] | None]:
    """The first line of a cell that begins "Câu 1.", and what was found there."""
    for place, line in enumerate(lines):
        found = QUESTION.match(line.text)
        if found is not None and found["end"].strip():
            return place, found
    for place, line in enumerate(lines):
        if not line.is_blank:  # "Câu 5 Một vật …", but not "Câu 5 của bài thơ …"
            found = QUESTION.match(line.text)
            after = "" if found is None else line.text[found.end() :].lstrip()[:1]
            return (place, found) if after.isupper() or after == OBJECT else (0, None)
    return 0, None


def _options_at(body: Sequence[Strip]) -> int:
    """The line at which the options begin; the number of lines where there are none."""
    choices = choices_in(joined(body))
    if not choices:
        return len(body)
    return joined(body).text.count("\n", 0, choices[0].label.start)


def _text(row: QuestionRow, role: Role) -> str:
    """What all cells of that role say; a key may stand there as a formula."""
    texts = (words_of(strip).replace("$", "") for held, strip in row.cells if held is role)
    return " ".join(filter(None, texts))


def _labelled(strip: Strip, place: int) -> Strip:
    """An option's cell with its label, which the header has."""
    if OPTION_LABEL.match(strip.text):
        return strip
    return Strip((Text(f"{chr(ord('A') + place)}. "), *strip.trimmed().pieces))


def _share_out(draft: Draft, lines: Sequence[Strip]) -> None:
    """The lines of a cell: question up to where its solution begins."""
    into = draft.body
    for place, line in enumerate(lines):
        if place and into is draft.body and SOLUTION.match(line.text):
            into = draft.solution
        into.append(_without_key(draft, line) if into is draft.body else line)


def _last_number(text: str) -> int | None:
    found = SHARED_RANGE.search(text)
    return int(found["last"]) if found else None
