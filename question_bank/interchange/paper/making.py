"""A bank's items as one paper: as its base form has them, else by kind as papers are since 2025."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from question_bank.assembly import BaseForm, BasePart
from question_bank.interchange.paper.model import Group, Paper, Question, Section
from question_bank.interchange.paper.questions import numbered, question_of
from question_bank.interchange.paper.words import EN, VI, Words, words_in
from question_bank.interchange.problems import ProblemLog
from question_bank.item import Item

_PARTS = {"single": "single", "multiple": "single", "tf_cluster": "cluster", "numeric": "numeric"}
_ORDER = ("single", "cluster", "numeric")


def papers_of(
    items: Iterable[Item], forms: Iterable[BaseForm], log: ProblemLog
) -> tuple[Paper, ...]:
    """Every base form as a paper of its own, and a last one of the items that are in none."""
    bank = {item.id: item for item in items}
    for item in bank.values():
        if item.program is not None and item.program.template_rules:
            message = "its values are drawn when a form is built; their names are printed"
            log.warning(None, item.kind, f"{item.id}: {message}")
    papers = list(forms)
    held = {name for form in papers for name in form.items}
    rest = tuple(item for item in bank.values() if item.id not in held)
    made = [_of_form(form, bank) for form in papers]
    return (*made, _of_items(rest)) if rest or not made else tuple(made)


def paper_of(items: Iterable[Item], forms: Iterable[BaseForm], log: ProblemLog) -> Paper:
    """All items as one paper: that of the only base form, where it holds them all; else no form
    is written, and each is named in the log."""
    bank = {item.id: item for item in items}
    papers = list(forms)
    if len(papers) == 1 and set(papers[0].items) == set(bank):
        return papers_of(bank.values(), papers, log)[0]
    for other in papers:
        log.warning(
            None, "form", f"{other.id}: a file holds one paper: all items are written as one"
        )
    return papers_of(bank.values(), (), log)[0]


def _of_form(form: BaseForm, bank: Mapping[str, Item]) -> Paper:
    language = _language([bank[name] for name in form.items])
    sections = _sections(form.parts, bank, restarts=_restarts(form.parts, bank))
    return Paper(form.title, form.paper, form.minutes, language, sections)


def _of_items(items: Sequence[Item]) -> Paper:
    language = _language(items)
    words = words_in(language)
    subjects = {item.metadata.subject for item in items}
    sections = _sections(_by_kind(items, words), {item.id: item for item in items}, restarts=True)
    subject = subjects.pop() if len(subjects) == 1 else ""
    return Paper(words["questions"], subject, None, language, sections)


def _language(items: Sequence[Item]) -> str:
    english = items and all(item.metadata.language.startswith(EN) for item in items)
    return EN if english else VI


def _restarts(parts: Sequence[BasePart], bank: Mapping[str, Item]) -> bool:
    """Whether every part counts from 1: as the papers of 2025, whose parts are of one kind."""
    kinds = [{_PARTS.get(bank[name].kind) for name in part.items} for part in parts]
    return len(parts) > 1 and all(len(held) == 1 and None not in held for held in kinds)


def _by_kind(items: Sequence[Item], words: Words) -> Sequence[BasePart]:
    """Parts I to III of 2025 where there are items of these kinds alone, else one part."""
    kinds = {_PARTS.get(item.kind) for item in items}
    homes: dict[str, set[str | None]] = {}
    for item in items:
        if item.stimulus is not None:
            homes.setdefault(item.stimulus.id, set()).add(_PARTS.get(item.kind))
    if None in kinds or len(kinds) < 2 or any(len(held) > 1 for held in homes.values()):
        return (BasePart("", "", tuple(item.id for item in items)),)
    return tuple(
        BasePart(words[kind], "", tuple(i.id for i in items if _PARTS[i.kind] == kind))
        for kind in _ORDER
        if kind in kinds
    )


def _sections(
    parts: Sequence[BasePart], bank: Mapping[str, Item], *, restarts: bool
) -> tuple[Section, ...]:
    numbers: dict[str, int] = {}
    for part in parts:
        first = 1 if restarts else len(numbers) + 1
        numbers |= {name: number for number, name in enumerate(part.items, first)}
    alone = len(parts) == 1
    return tuple(
        Section(
            tuple(_groups([bank[name] for name in part.items], numbers)),
            part.title,
            0 if alone else place,
            numbered(part.instructions, numbers),
        )
        for place, part in enumerate(parts, 1)
    )


def _groups(items: Sequence[Item], numbers: Mapping[str, int]) -> Iterable[Group]:
    for stimulus, held in groupby(items, key=lambda item: item.stimulus):
        questions = tuple(question_of(item, numbers[item.id], numbers) for item in held)
        if stimulus is None:
            yield Group(questions)
            continue
        passage = numbered(stimulus.content, numbers)
        yield Group(questions, stimulus, passage, _lead(questions))


def _lead(questions: Sequence[Question]) -> str:
    words = words_in(questions[0].item.metadata.language)
    first, last = questions[0].number, questions[-1].number
    return words["lead_one"].format(first) if first == last else words["lead"].format(first, last)
