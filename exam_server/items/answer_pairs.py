"""How the kinds whose answer is pairs are edited: match, associate, pieces into gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from exam_server.items.answer_fields import (
    OPTIONS,
    TARGETS,
    Answer,
    Form,
    Group,
    Input,
    Label,
    Legend,
    Row,
    Shown,
    piece,
    placed_content,
    places_as_text,
)
from question_bank.content import part_ids
from question_bank.interactions import (
    MAX_PAIRS,
    Associate,
    GapMatch,
    GraphicGapMatch,
    Match,
    Piece,
)
from question_bank.keys import MappedPairs, Pair, PairsKey, ScoringRule
from question_bank.writing import text_from


def pairs_rule(answer: Answer, key: PairsKey, form: Form) -> ScoringRule:
    """As `choice_rule`, of pairs."""
    rule = answer.scoring
    if not isinstance(rule, MappedPairs) or key == answer.key:
        return rule
    former = answer.key.pairs if isinstance(answer.key, PairsKey) else ()
    worths = set(rule.worth.values())
    if set(rule.worth) != set(former) or len(worths) != 1 or not key.pairs:
        form.wrong("options", "rule_of_its_own")
        return rule
    return replace(rule, worth=dict.fromkeys(key.pairs, worths.pop()))


def pairs_of(answer: Answer) -> tuple[Pair, ...]:
    return answer.key.pairs if isinstance(answer.key, PairsKey) else ()


def goes_to(answer: Answer, one: str, labels: Mapping[str, str]) -> str:
    """Where a piece goes in the key, as a line of labels."""
    return ", ".join(labels[second] for first, second in pairs_of(answer) if first == one)


def used_enough(pieces: Sequence[Piece], ends: Sequence[str]) -> tuple[Piece, ...]:
    """Each may be used as often as the key does."""
    return tuple(
        replace(one, most=max(one.most, ends.count(one.id))) if one.most else one for one in pieces
    )


class Matched:
    """Sources and targets, and to which targets a source goes."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        match = answer.interaction
        if not isinstance(match, Match):
            return Shown((), {})
        labels = TARGETS.labels_of(match.targets)
        values = OPTIONS.values(match.sources, prefix) | TARGETS.values(match.targets, prefix)
        for row, one in enumerate(match.sources):
            values[f"{prefix}with_{row}"] = goes_to(answer, one.id, labels)
        values[f"{prefix}max_pairs"] = str(match.max_pairs)
        sources = OPTIONS.rows(
            match.sources, prefix, lambda row: (Input(f"{prefix}with_{row}", Label.GOES_TO),)
        )
        limit = Row("", (Input(f"{prefix}max_pairs", Label.MAX_PAIRS),))
        targets = TARGETS.rows(match.targets, prefix, lambda _: ())
        return Shown(
            (
                Group(Legend.SOURCES, f"{prefix}options", sources),
                Group(Legend.TARGETS, f"{prefix}targets", (*targets, limit)),
            ),
            values,
        )

    def read(self, answer: Answer, form: Form) -> Answer:
        match = answer.interaction
        if not isinstance(match, Match):
            return answer
        sources = OPTIONS.read(match.sources, form, piece)
        targets = TARGETS.read(match.targets, form, piece)
        pairs = read_pairs(sources, TARGETS.by_label(targets), form)
        interaction = replace(
            match,
            sources=used_enough(tuple(sources.values()), [first for first, _ in pairs]),
            targets=used_enough(tuple(targets.values()), [second for _, second in pairs]),
            max_pairs=form.whole("max_pairs", 0, MAX_PAIRS),
        )
        return with_pairs(answer, interaction, pairs, form)


def read_pairs(
    pieces: Mapping[int, Piece], ends: Mapping[str, str], form: Form
) -> tuple[Pair, ...]:
    """The pairs that the rows' lines `with_N` name."""
    pairs = tuple(
        (one.id, end) for row, one in pieces.items() for end in form.named(f"with_{row}", ends)
    )
    if not pairs:
        form.wrong("options", "no_pair")
    return pairs


def with_pairs(
    answer: Answer,
    interaction: Match | Associate | GapMatch | GraphicGapMatch,
    pairs: tuple[Pair, ...],
    form: Form,
) -> Answer:
    key = PairsKey(pairs)
    former = set(pairs_of(answer))
    key = PairsKey(pairs_of(answer)) if former == set(pairs) else key
    return replace(answer, interaction=interaction, key=key, scoring=pairs_rule(answer, key, form))


class Associated:
    """Options, and the pairs of them, one a line: `A-C`."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        asked = answer.interaction
        if not isinstance(asked, Associate):
            return Shown((), {})
        labels = OPTIONS.labels_of(asked.options)
        lines = [f"{labels[first]}-{labels[second]}" for first, second in pairs_of(answer)]
        values = OPTIONS.values(asked.options, prefix) | {f"{prefix}pairs": "\n".join(lines)}
        rows = OPTIONS.rows(asked.options, prefix, lambda _: ())
        pairs = Row("", (Input(f"{prefix}pairs", Label.PAIRS, "text"),))
        return Shown((Group(Legend.PAIRS, f"{prefix}options", (*rows, pairs)),), values)

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, Associate):
            return answer
        kept = OPTIONS.read(asked.options, form, piece)
        known, pairs = OPTIONS.by_label(kept), []
        for line in form.text("pairs").upper().splitlines():
            first, dash, second = (part.strip() for part in line.partition("-"))
            if not line.strip():
                continue
            if not dash or first not in known or second not in known or first == second:
                form.wrong("pairs", "no_such", line.strip()[:40])
            else:
                pairs.append((known[first], known[second]))
        if not pairs:
            form.wrong("pairs", "no_pair")
        ends = [end for pair in pairs for end in pair]
        made = replace(asked, options=used_enough(tuple(kept.values()), ends))
        return with_pairs(answer, made, tuple(dict.fromkeys(pairs)), form)


class Gaps:
    """A text with gaps, and to which gaps a piece goes."""

    def show(self, answer: Answer, prefix: str) -> Shown:
        asked = answer.interaction
        if not isinstance(asked, GapMatch):
            return Shown((), {})
        labels = {one: one for one in part_ids(asked.text)}
        values = OPTIONS.values(asked.pieces, prefix)
        values[f"{prefix}text"] = places_as_text(text_from(asked.text))
        for row, one in enumerate(asked.pieces):
            values[f"{prefix}with_{row}"] = goes_to(answer, one.id, labels)
        text = Row("", (Input(f"{prefix}text", Label.TEXT, "text"),))
        rows = OPTIONS.rows(
            asked.pieces, prefix, lambda row: (Input(f"{prefix}with_{row}", Label.GOES_TO),)
        )
        return Shown(
            (
                Group(Legend.GAPS, f"{prefix}gaps", (text,)),
                Group(Legend.PIECES, f"{prefix}options", rows),
            ),
            values,
        )

    def read(self, answer: Answer, form: Form) -> Answer:
        asked = answer.interaction
        if not isinstance(asked, GapMatch):
            return answer
        text = placed_content(form.typed, form.prefix + "text", form.before, asked.text)
        if not part_ids(text):
            form.wrong("text", "no_place")
        kept = OPTIONS.read(asked.pieces, form, piece)
        pairs = read_pairs(kept, {one: one for one in part_ids(text)}, form)
        pieces = used_enough(tuple(kept.values()), [first for first, _ in pairs])
        return with_pairs(answer, replace(asked, text=text, pieces=pieces), pairs, form)
