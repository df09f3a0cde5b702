"""Questions that went into the solution before them, since they do not begin with "Câu"."""

from collections.abc import Collection, Sequence

from question_bank.interchange.word.keys import keys_in_solution
from question_bank.interchange.word.model import Strip, joined
from question_bank.interchange.word.options import choices_in
from question_bank.interchange.word.phrases import NUMBERED

#: A question has so many options.
OPTIONS = 4
#: Its options end within so many lines.
REACH = 20


def question_within(lines: Sequence[Strip], number: int, known: Collection[int]) -> Strip | None:
    """The first line of a question in the lines of the solution of question `number`: the next
    number, which no question has (`known`), or a line of options between two keys."""
    keyed = [place for place, line in enumerate(lines) if keys_in_solution(line.text)]
    for place, line in enumerate(lines):
        found = NUMBERED.match(line.text)
        follows = found is not None and int(found["number"]) == number + 1 not in known
        if follows and len(choices_in(joined(lines[place : place + REACH]))) >= OPTIONS:
            return line
        if keyed and keyed[0] < place < keyed[-1] and len(choices_in(line)) >= OPTIONS:
            return lines[place - 1]
    return None
