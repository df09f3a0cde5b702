"""Matching, missing words, pieces dragged into a text, and orders."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from question_bank.interactions import (
    Composite,
    GapMatch,
    InlineChoice,
    Match,
    Order,
    Part,
    Piece,
)
from question_bank.interchange.moodle.choices import LETTERS
from question_bank.interchange.moodle.html import mark, markable, part
from question_bank.interchange.moodle.questions import Question, UnsupportedError, shares
from question_bank.item import AllOrNothing, ChoiceKey, Item, Option
from question_bank.keys import (
    CompositeKey,
    MappedPairs,
    OrderKey,
    Pair,
    PairsKey,
    PartMarks,
    SumOfParts,
)

_GAP = re.compile(r"\[\[(\d{1,3})\]\]")
_BLOCKS = re.compile(r"(?<=</p>)|(?<=</table>)|(?<=</ul>)|(?<=</ol>)|(?<=</div>)")


@dataclass(frozen=True, slots=True)
class Word:
    """A word for gaps: its content, its group, whether it may be used as often as one likes."""

    content: str
    group: str = "1"
    infinite: bool = False


def matching(question: Question, pairs: Sequence[tuple[str, str]], *, shuffle: bool = True) -> Item:
    """Sources and their targets; a target without a source is a distractor, equal targets are
    one. Every right pair is worth the same."""
    asked = [(source, target) for source, target in pairs if source]
    targets = list(dict.fromkeys(target for _, target in pairs if target))
    if not asked or len(targets) < 2 or not all(target for _, target in asked):
        raise UnsupportedError("it has no two targets, or a source without a target")
    sources = tuple(Piece(f"s{n}", source) for n, (source, _) in enumerate(asked, 1))
    places = {target: f"t{n}" for n, target in enumerate(targets, 1)}
    right = [(s.id, places[target]) for s, (_, target) in zip(sources, asked, strict=True)]
    interaction = Match(
        sources, tuple(Piece(places[target], target, most=0) for target in targets),
        len(sources), shuffle,
    )  # fmt: skip
    return question.item(interaction, PairsKey(tuple(right)), mapped(right, question.points))


def mapped(right: Sequence[Pair], points: Decimal) -> MappedPairs:
    """Every pair is worth the same."""
    return MappedPairs(dict(zip(right, shares(points, len(right)), strict=True)))


def gaps_in(source: str) -> tuple[str, list[int]]:
    """HTML whose `[[n]]` are marks g1, g2, …, and the words that are right in them, by number."""
    words: list[int] = []

    def marked(found: re.Match[str]) -> str:
        words.append(int(found[1]))
        return mark(f"g{len(words)}")

    return _GAP.sub(marked, markable(source)), words


def gap_places(count: int) -> Mapping[str, str]:
    """What stands in content at the marks of `gaps_in`."""
    return {f"g{number}": part(f"g{number}") for number in range(1, count + 1)}


def missing_words(
    question: Question, right: Sequence[int], words: Sequence[Word], *, shuffle: bool = True
) -> Item:
    """A list to choose from in every gap: the words of the right one's group."""
    _check(right, words)
    parts, keys = [], {}
    for number, place in enumerate(right, 1):
        group = [n for n, word in enumerate(words, 1) if word.group == words[place - 1].group]
        options = tuple(Option(f"w{n}", words[n - 1].content) for n in group)
        parts.append(Part(f"g{number}", InlineChoice(options, shuffle)))
        keys[f"g{number}"] = ChoiceKey((f"w{place}",))
    marks = {
        one.id: PartMarks(AllOrNothing(), worth)
        for one, worth in zip(parts, shares(question.points, len(parts)), strict=True)
    }
    return question.item(Composite(tuple(parts)), CompositeKey(keys), SumOfParts(marks))


def dragged_words(
    question: Question, right: Sequence[int], words: Sequence[Word], *, shuffle: bool = True
) -> Item:
    """Words that are dragged into the gaps of the text, which begins where a gap does."""
    _check(right, words)
    used = Counter(right)
    pieces = tuple(
        Piece(f"w{n}", word.content, most=0 if word.infinite else max(1, used[n]))
        for n, word in enumerate(words, 1)
    )
    key = [(f"w{place}", f"g{number}") for number, place in enumerate(right, 1)]
    stem, text = _before_gaps(question.stem)
    rule = mapped(key, question.points)
    return replace_stem(question, stem).item(
        GapMatch(text, pieces, shuffle), PairsKey(tuple(key)), rule
    )


def replace_stem(question: Question, stem: str) -> Question:
    """The question with another stem."""
    return replace(question, stem=stem)


def order(question: Question, answers: Sequence[str], *, shuffle: bool = True) -> Item:
    """All answers, as they stand in the right order."""
    if not 2 <= len(answers) <= len(LETTERS):
        raise UnsupportedError(f"it has {len(answers)} answers")
    options = tuple(Option(name, text) for name, text in zip(LETTERS, answers, strict=False))
    key = OrderKey(tuple(option.id for option in options))
    return question.item(Order(options, shuffle), key, AllOrNothing())


def _check(right: Sequence[int], words: Sequence[Word]) -> None:
    if not right:
        raise UnsupportedError("its text has no gap")
    if not all(1 <= place <= len(words) for place in right):
        raise UnsupportedError("a gap of its text names a word that is not there")
    if not all(word.content for word in words):
        raise UnsupportedError("one of its words is empty")


def _before_gaps(stem: str) -> tuple[str, str]:
    """(what stands before the first block with a gap, the rest)."""
    first = stem.find("data-part=")
    cut = max((m.end() for m in _BLOCKS.finditer(stem, 0, first)), default=0)
    # Only where all that was opened is closed again: a cut inside a table is none.
    before = stem[:cut]
    balanced = all(
        len(re.findall(rf"<{tag}[ >]", before)) == before.count(f"</{tag}>")
        for tag in ("div", "table", "ul", "ol", "td", "li", "blockquote")
    )
    return (before, stem[cut:]) if balanced else ("", stem)
