"""Drafts to items: options, key, scoring, passage, media; or a problem that says why not."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import PurePath

from question_bank.content import plain_text
from question_bank.errors import ContentError, ItemError
from question_bank.interactions import ExtendedText
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word.drafts import Draft, FoundAnswer, Scan
from question_bank.interchange.word.fragments import content_of
from question_bank.interchange.word.gaps import gaps_of
from question_bank.interchange.word.keys import (
    Letters,
    Number,
    StatedKey,
    Truths,
    keys_in_solution,
    number_in_solution,
    stated_key,
    truths_in_solution,
)
from question_bank.interchange.word.looks import told_by_looks
from question_bank.interchange.word.lost import question_within
from question_bank.interchange.word.matching import matching_of, table_in
from question_bank.interchange.word.model import Grid, Strip, Text, joined, words_of
from question_bank.interchange.word.options import (
    Choice,
    choices_in,
    holds_labels,
    stand_in_a_sentence,
    statements_in,
)
from question_bank.interchange.word.phrases import NUMBERED, pattern
from question_bank.interchange.word.remarks import QUOTE, metadata_of, points_of, safe_name
from question_bank.interchange.word.told import Told, stated_of, tell_stated
from question_bank.item import (
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    Interaction,
    Item,
    Key,
    Media,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    ScoringRule,
    SingleChoice,
    Stimulus,
    TrueFalseCluster,
)
from question_bank.keys import NoKey
from question_bank.policies import NATIONAL_2025

# Capitals only: "(s)" at a statement's end are seconds.
_TOLD_TRUTH = pattern(
    r"(?:[\t ]*[(\[–—-]\s*|[ ]*\t\s*|(?<=[.;:])\s+)"
    r"(?P<truth>[Đđ]úng|ĐÚNG|[Ss]ai|SAI|[Tt]rue|[Ff]alse|TRUE|FALSE|Đ|S|T|F)\s*[)\].]?\s*$",
    re.NOFLAG,
)
# So much of a question that is no item is told, for a person to find it and mend it.
REFUSED = 1000


class _RefusedError(Exception):
    """Why a draft is no item."""


class ItemMaker:
    """Makes the items of one document."""

    def __init__(
        self, log: ProblemLog, scan: Scan, whole: Callable[[Draft], Item | None] = lambda _: None
    ) -> None:
        """`whole`: the item of a question that a document of our own tells beside its text."""
        self._whole = whole
        self.wholes: set[str] = set()
        self._log = log
        self._scan = scan
        self._prefix = safe_name(PurePath(log.file).stem) or "word"
        self._parted = any(draft.part for draft in scan.drafts)
        self._taken: Counter[str] = Counter()
        self._used: set[int] = set()
        # item id → the paragraph it begins with; "?…" where it is no item
        self.lines: dict[str, int] = {}

    def items(self) -> tuple[Item, ...]:
        """The items in order; every draft that is none is an error in the log."""
        made = [self._item(draft) for draft in _without_repetitions(self._scan.drafts)]
        for place, found in enumerate(self._scan.answers):
            if place not in self._used:
                self._log.warning(
                    found.paragraph, "answer",
                    f"no question {found.answer.number} takes the answer {found.answer.key[:40]!r}",
                )  # fmt: skip
        for shared in self._scan.shared:
            if not shared.used:
                text = words_of(joined(shared.lines))[:REFUSED]
                self._log.warning(shared.paragraph, "passage", f"no item shows it: {text!r}")
        return tuple(item for item in made if item is not None)

    def _item(self, draft: Draft) -> Item | None:
        name = f"{draft.word or 'Câu'} {draft.number}"
        try:
            item = self._made(draft)
            if draft.shared is not None:
                draft.shared.used = True
            self.lines[item.id] = draft.paragraph
            return item
        except (_RefusedError, ItemError, ContentError) as error:
            told = [draft.id, draft.key, words_of(joined([*draft.body, *draft.solution]))]
            words = " ".join(filter(None, told))[:REFUSED]
            self._log.error(draft.paragraph, name, f"{error}: {words!r}")
            self.lines[f"?{draft.paragraph}"] = draft.paragraph
            return None

    def _made(self, draft: Draft) -> Item:
        if (whole := self._whole(draft)) is not None and whole.id not in self.lines:
            self._answers_for(draft)
            self.wholes.add(whole.id)
            return whole
        body = joined(draft.body)
        choices, statements = choices_in(body), statements_in(body)
        solution = joined(draft.solution)
        if draft.essay:
            return self._essay(draft, body, choices, solution)
        table = table_in(body)
        if table is not None and not choices:
            return self._matching(draft, body, table, solution)
        apart = self._answers_for(draft)
        clustered = _is_cluster(draft, choices, statements, apart)
        if clustered:
            return self._cluster(draft, body, statements, solution, apart)
        if choices:
            return self._choice(draft, body, choices, solution, apart)
        key = stated_of(draft, apart)
        if statements and isinstance(key, Letters):
            return self._choice(draft, body, _capitals(statements), solution, apart)
        if isinstance(key, Letters) and len(key.letters) == 1:
            return self._hidden_options(draft, body, solution, key)
        return self._typed(draft, body, solution, key)

    # --- the four kinds

    def _choice(
        self, draft: Draft, body: Strip, choices: Sequence[Choice], solution: Strip,
        apart: Sequence[StatedKey],
    ) -> Item:  # fmt: skip
        told = Told()
        tell_stated(told, draft, apart)
        for key in keys_in_solution(solution.text):
            told.add("the solution", key)
        looks = told_by_looks(body, choices, several=False)
        names = [choice.label.letter for choice in choices]
        for look, places in looks.items():
            told.add(f"the {look} option", Letters(tuple(names[p] for p in sorted(places))))
        right = told.agreed(self._log, draft, Letters)
        if right is None:
            raise _RefusedError("no key is found (none stated, no option marked)")
        if not set(right.letters) <= set(names):
            raise _RefusedError(
                f"the key {', '.join(right.letters)} is none of the options {', '.join(names)}"
            )
        options = tuple(
            Option(name, content_of(_option(body, choice), without=looks))
            for name, choice in zip(names, choices, strict=True)
        )
        for option, choice in zip(options, choices, strict=True):
            if not option.content:
                self._log.warning(draft.paragraph, f"option {option.id}", "is empty")
            if holds_labels(_option(body, choice)):
                message = "holds labels: is one out of order, or does a question begin in it?"
                self._log.error(draft.paragraph, f"option {option.id}", message)
        if stand_in_a_sentence(choices):
            message = "their labels stand in a sentence; each is taken to be before its option"
            self._log.warning(draft.paragraph, "options", message)
        single = len(right.letters) == 1
        interaction = SingleChoice(options) if single else MultipleChoice(options)
        stem = body.cut(0, choices[0].label.start)
        pictured = joined([stem, *(_option(body, choice) for choice in choices)])
        chosen = ChoiceKey(right.letters)
        return self._finished(draft, stem, interaction, chosen, solution, pictured)

    def _tell_lost_question(self, draft: Draft) -> None:
        """Tells of a solution that a question without "Câu" has gone into."""
        numbers = {other.number for other in self._scan.drafts if other.part == draft.part}
        lines = [line for strip in draft.solution for line in strip.lines()]
        lost = question_within(lines, draft.number, numbers)
        if lost is None:
            return
        message = f"a question seems to begin in it, and is no item: {lost.text.strip()[:QUOTE]!r}"
        numbered = NUMBERED.match(lost.text)
        tell = self._log.error if numbered else self._log.warning  # it may explain the options
        tell(draft.paragraph, "solution", message)

    def _hidden_options(self, draft: Draft, body: Strip, solution: Strip, key: Letters) -> Item:
        """The options stand in a picture: only their letters can be offered, in printed order."""
        letters = "ABCD" if key.letters[0] <= "D" else "ABCDEF"
        self._log.warning(
            draft.paragraph, "options", "are not in the text; only their letters are offered"
        )
        options = tuple(Option(name, name, fixed=True) for name in letters)
        interaction = SingleChoice(options, shuffle=False)
        return self._finished(draft, body, interaction, ChoiceKey(key.letters), solution, body)

    def _cluster(
        self, draft: Draft, body: Strip, statements: Sequence[Choice], solution: Strip,
        apart: Sequence[StatedKey],
    ) -> Item:  # fmt: skip
        told = Told()
        tell_stated(told, draft, apart)
        pieces = [_option(body, statement) for statement in statements]
        ends = [_TOLD_TRUTH.search(piece.text) for piece in pieces]
        if all(ends):
            words = " ".join(found["truth"] for found in ends if found)
            told.add("the statements' ends", stated_key(words))
            pieces = [p.cut(0, f.start()) for p, f in zip(pieces, ends, strict=True) if f]
        told.add("the solution", truths_in_solution(solution.text, len(statements)))
        looks = told_by_looks(body, statements, several=True)
        for look, places in looks.items():
            truths = tuple(place in places for place in range(len(statements)))
            told.add(f"the statements that are marked ({look})", Truths(truths))
        right = told.agreed(self._log, draft, Truths)
        if right is None or len(right.truths) != len(statements):
            count = 0 if right is None else len(right.truths)
            raise _RefusedError(f"{len(statements)} statements, and {count} of them are judged")
        options = tuple(
            Option(statement.label.letter, content_of(piece, without=looks))
            for statement, piece in zip(statements, pieces, strict=True)
        )
        key = ClusterKey({o.id: t for o, t in zip(options, right.truths, strict=True)})
        stem = body.cut(0, statements[0].label.start)
        pictured = joined([stem, *pieces])
        return self._finished(draft, stem, TrueFalseCluster(options), key, solution, pictured)

    def _essay(self, draft: Draft, body: Strip, choices: Sequence[Choice], solution: Strip) -> Item:
        """Its part of the paper asks for a text, which people mark by the solution; among them
        stands a choice where there are options and a key."""
        if choices:
            with suppress(_RefusedError):
                return self._choice(draft, body, choices, solution, self._answers_for(draft))
        return self._finished(draft, body, ExtendedText(), NoKey(), solution, body)

    def _matching(self, draft: Draft, body: Strip, table: Grid, solution: Strip) -> Item:
        found = matching_of(table, (draft.key, solution.text))
        if found is None:
            raise _RefusedError("columns to match without labels, or without a key like 1-c, 2-a")
        shown = Strip(tuple(piece for piece in body.pieces if piece is not table))
        return self._finished(draft, shown, found.interaction, found.key, solution, body)

    def _typed(self, draft: Draft, body: Strip, solution: Strip, key: StatedKey | None) -> Item:
        """A number; else words in the gaps of the text, where there is an answer for each."""
        try:
            return self._numeric(draft, body, solution, key)
        except _RefusedError:
            gaps = gaps_of(body, solution)
            if gaps is None:
                raise
        return self._finished(draft, gaps.stem, gaps.interaction, gaps.key, solution, gaps.stem)

    def _numeric(
        self, draft: Draft, body: Strip, solution: Strip, stated: StatedKey | None
    ) -> Item:
        key = stated if isinstance(stated, Number) else None
        if key is None and (draft.part == 3 or not self._parted or stated is None):
            key = number_in_solution(_in_words(solution))
        if key is None:
            raise _RefusedError("has no options and no number as its key; it cannot be scored")
        if key.is_doubtful:
            message = f"may be another number; it was read as {key.text}"
            self._log.warning(draft.paragraph, "key", message)
        length = max(NumericEntry().max_length, len(key.text))
        if len(key.text) > NumericEntry().max_length:
            self._log.warning(
                draft.paragraph, "key", f"{key.text} is longer than the four characters of 2025"
            )
        interaction = NumericEntry(max_length=length)
        return self._finished(draft, body, interaction, NumericKey(key.value), solution, body)

    # --- keys

    def _answers_for(self, draft: Draft) -> list[StatedKey]:
        """What tables and lines of answers say of a question's number."""
        found = [
            (place, key)
            for place, answer in enumerate(self._scan.answers)
            if answer.answer.number == draft.number
            and self._fits(draft, answer)
            and (key := stated_key(answer.answer.key)) is not None
        ]
        self._used.update(place for place, _ in found)
        return [key for _, key in found]

    def _fits(self, draft: Draft, found: FoundAnswer) -> bool:
        if found.part == draft.part:
            return True
        key = stated_key(found.answer.key)
        by_kind = {1: Letters, 2: Truths, 3: Number}.get(draft.part, object)
        return 0 in (found.part, draft.part) and isinstance(key, by_kind)

    # --- what all have

    def _finished(
        self, draft: Draft, stem: Strip, interaction: Interaction, key: Key, solution: Strip,
        pictured: Strip,
    ) -> Item:  # fmt: skip
        instruction, passage = Strip(), Strip()
        if draft.shared is not None:
            instruction, passage = draft.shared.parts()
        shown = _with_blank(draft, stem, passage)
        whole = joined(part for part in (instruction, shown) if not part.is_blank)
        content = content_of(whole)
        if not content:
            raise _RefusedError("has no text of its own")
        stimulus = None if passage.is_blank else _stimulus(passage)
        scoring, points = self._worth(draft, interaction)
        if draft.key and stated_key(draft.key) is None:
            self._log.warning(draft.paragraph, "key", f"is not understood: {draft.key[:QUOTE]!r}")
        if not draft.essay:
            self._tell_lost_question(draft)
        everything = joined([instruction, passage, pictured, solution])
        return Item(
            id=self._id(draft),
            stem=content,
            interaction=interaction,
            key=key,
            scoring=scoring,
            points=points,
            metadata=metadata_of(draft, self._scan.subject, self._log),
            media=_media(everything),
            stimulus=stimulus,
            explanation=content_of(solution),
        )

    def _id(self, draft: Draft) -> str:
        part = f"{draft.part}-" if self._parted else ""
        name = safe_name(draft.id)[:100]
        name = name or f"{self._prefix[:90]}-{part}{draft.number}"
        if draft.id and name != draft.id:
            self._log.warning(draft.paragraph, "id", f"{draft.id[:QUOTE]!r} is written as {name!r}")
        self._taken[name] += 1
        if self._taken[name] == 1:
            return name
        self._log.warning(draft.paragraph, name, "stands in the file more than once")
        return f"{name}-{self._taken[name]}"

    def _worth(self, draft: Draft, interaction: Interaction) -> tuple[ScoringRule, Decimal]:
        """The points that the label tells, else those of the papers since 2025."""
        rule, points = NATIONAL_2025.marking(interaction, self._scan.subject)
        said = points_of(draft)
        if said is None or isinstance(rule, GradedCluster):
            return rule, points
        return rule, said


def _option(body: Strip, choice: Choice) -> Strip:
    piece = body.cut(choice.label.after, choice.stop).trimmed()
    if choice.label.starred or not piece.text.endswith("*"):
        return piece
    return piece.cut(0, len(piece.text) - 1).trimmed()


def _in_words(strip: Strip) -> str:
    """The text with formulas as their LaTeX, for numbers that stand in a formula."""
    return plain_text(content_of(strip)).replace("$", "")


def _capitals(statements: Sequence[Choice]) -> tuple[Choice, ...]:
    return tuple(
        replace(s, label=replace(s.label, letter=s.label.letter.upper())) for s in statements
    )


def _is_cluster(
    draft: Draft, choices: Sequence[Choice], statements: Sequence[Choice],
    apart: Sequence[StatedKey],
) -> bool:  # fmt: skip
    if not statements or len(choices) > 2:
        return False
    if draft.part == 2:
        return True
    key = stated_of(draft, apart)
    return not choices and not isinstance(key, Letters | Number)


def _with_blank(draft: Draft, stem: Strip, passage: Strip) -> Strip:
    """A question of a cloze text has no words: its number says which blank it is about."""
    if not stem.is_blank or passage.is_blank:
        return stem
    return Strip((Text(f"({draft.number})"),))


def _stimulus(passage: Strip) -> Stimulus:
    content = content_of(passage)
    return Stimulus(f"passage-{hashlib.sha256(content.encode()).hexdigest()[:16]}", content)


def _media(strip: Strip) -> tuple[Media, ...]:
    found = {media.id: media for media in strip.pictures()}
    return tuple(found[name] for name in sorted(found))


def _without_repetitions(drafts: Sequence[Draft]) -> list[Draft]:
    """Papers that give every question again with its solution: the second one is the solution."""
    first: dict[tuple[int, int, str], Draft] = {}
    kept = []
    for draft in drafts:
        name = (draft.part, draft.number, words_of(joined(draft.body)))
        before = first.setdefault(name, draft)
        if before is draft or draft.id:
            kept.append(draft)
        else:
            before.solution += draft.solution
    return kept
