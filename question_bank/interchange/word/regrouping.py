"""Drafts that are no question of their own, and questions that no draft was begun for.

Papers give a question again with its solution, or the solutions alone under the numbers of the
questions; and a question that lacks its "Câu" goes into the solution before it.
"""

from collections.abc import Collection, Sequence

from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word.drafts import Draft
from question_bank.interchange.word.keys import keys_in_solution, stated_key
from question_bank.interchange.word.lost import OPTIONS, question_within
from question_bank.interchange.word.model import Strip, joined, words_of
from question_bank.interchange.word.options import choices_in
from question_bank.interchange.word.phrases import NUMBERED, SOLUTION

_FEW = 2
QUOTE = 100


def regrouped(drafts: Sequence[Draft], log: ProblemLog) -> list[Draft]:
    """The questions, each with its solution. A question that was found in a solution is told."""
    numbers: dict[int, set[int]] = {}
    for draft in drafts:
        numbers.setdefault(draft.part, set()).add(draft.number)
    apart = [found for draft in drafts for found in _parted(draft, numbers[draft.part], log)]
    first: dict[tuple[int, int, str], Draft] = {}
    kept = []
    for draft in apart:
        name = (draft.part, draft.number, words_of(joined(draft.body)))
        before = first.setdefault(name, draft)
        if draft.retells is not None and len(choices_in(joined(draft.body))) <= _FEW:
            draft.retells.solution += [*draft.body, *draft.solution]
        elif before is draft or draft.id:
            kept.append(draft)
        else:
            before.solution += draft.solution
    return kept


def _parted(draft: Draft, numbers: Collection[int], log: ProblemLog) -> list[Draft]:
    """The draft, and the questions in its solution that fill the gap to the next draft's number:
    each has four options and a key of its own, and so has the one before."""
    if draft.essay:
        return [draft]
    found, solution = [draft], draft.solution
    while True:
        last = found[-1]
        lines = [line for strip in last.solution for line in strip.lines()]
        lost = question_within(lines, last.number, numbers)
        label = None if lost is None else NUMBERED.match(lost.text)
        if lost is None or label is None:
            break
        place = next(at for at, line in enumerate(lines) if line is lost)
        own, rest = lines[:place], lines[place:]
        if not (_has_key(last, own) and any(keys_in_solution(line.text) for line in rest[1:])):
            break
        more = Draft(last.number + 1, draft.paragraph, draft.part, draft.word, shared=draft.shared)
        more.body, more.solution = _halves([lost.cut(label.end()).trimmed(), *rest[1:]])
        last.solution = own
        found.append(more)
    after = any(number > draft.number for number in numbers)
    if len(found) > 1 and after and found[-1].number + 1 not in numbers:
        draft.solution = solution
        return [draft]
    for more in found[1:]:
        name = f"{draft.word or 'Câu'} {more.number}"
        text = words_of(joined(more.body))[:QUOTE]
        message = f"begins with its number alone; it is taken as a question: {text!r}"
        log.warning(draft.paragraph, name, message)
    return found


def _has_key(draft: Draft, solution: Sequence[Strip]) -> bool:
    told = stated_key(draft.key) if draft.key else None
    return told is not None or any(keys_in_solution(line.text) for line in solution)


def _halves(lines: Sequence[Strip]) -> tuple[list[Strip], list[Strip]]:
    """Question and solution, which begins with a line that says so, or tells a key."""
    for place, line in enumerate(lines):
        told = SOLUTION.match(line.text) or keys_in_solution(line.text)
        if place and told and len(choices_in(joined(lines[:place]))) >= OPTIONS:
            return list(lines[:place]), list(lines[place:])
    return list(lines), []
