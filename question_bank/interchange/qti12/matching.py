"""Matching in QTI 1.2: a `response_grp`, or (Canvas, Blackboard) a list for each row."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from lxml import etree

from question_bank.content import plain_text
from question_bank.interactions import Match, Piece
from question_bank.interchange.markup import attribute
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti12.conditions import NotTakenError, Program
from question_bank.interchange.qti12.marks import Marked, Marker
from question_bank.interchange.qti12.presentation import Presentation, Response
from question_bank.keys import AllOrNothing, MappedPairs, Pair, PairsKey


def looks_like_matching(shown: Presentation) -> bool:
    """Whether every response is a row with a text, and all choose from one list."""
    rows = shown.responses
    if shown.rights:
        return all(row.kind == "lid" and len(row.labels) == len(shown.rights) for row in rows)
    if len(rows) < 2 or any(row.kind != "lid" or row.cardinality != "single" for row in rows):
        return False
    lists = {tuple(sorted(plain_text(label.content) for label in row.labels)) for row in rows}
    return len(lists) == 1 and all(row.prompt for row in rows)


def matched(shown: Presentation, program: Program, log: ProblemLog) -> Marked:
    """Rows as sources, what they choose from as targets."""
    rows = shown.responses
    targets = _targets(shown)
    names = {row.id: _names(row, shown, targets) for row in rows}
    sources = tuple(Piece(row.id, row.prompt) for row in rows)
    worth: dict[Pair, Decimal] = {}
    for row in rows:
        marker = Marker(program, row, log, {})
        for label in row.labels:
            worth[row.id, names[row.id][label.id]] = marker.worth(label.id)
    right = _right(rows, worth, program, names)
    interaction = Match(sources, targets, shuffle=True)
    return _marked(interaction, worth, right, program, rows, names)


def _targets(shown: Presentation) -> tuple[Piece, ...]:
    if shown.rights:
        return tuple(Piece(f"T{n}", text, most=0) for n, text in enumerate(shown.rights, 1))
    first = shown.responses[0]
    return tuple(Piece(label.id, label.content, label.fixed, most=0) for label in first.labels)


def _names(row: Response, shown: Presentation, targets: Sequence[Piece]) -> Mapping[str, str]:
    """What the row's own idents are as targets: by place, or by their texts."""
    if shown.rights:
        return {label.id: piece.id for label, piece in zip(row.labels, targets, strict=True)}
    by_text = {plain_text(piece.content): piece.id for piece in targets}
    return {label.id: by_text[plain_text(label.content)] for label in row.labels}


def _right(
    rows: Sequence[Response], worth: Mapping[Pair, Decimal], program: Program,
    names: Mapping[str, Mapping[str, str]],
) -> tuple[Pair, ...]:  # fmt: skip
    pairs = []
    for row in rows:
        best = max(names[row.id].values(), key=lambda name: worth[row.id, name])
        if worth[row.id, best] > 0:
            pairs.append((row.id, best))
            continue
        told = [test.value for test, denied in program.tests(row.id) if not denied]
        pairs += [(row.id, names[row.id][v]) for v in dict.fromkeys(told) if v in names[row.id]]
    return tuple(pairs)


def _marked(
    interaction: Match, worth: Mapping[Pair, Decimal], right: tuple[Pair, ...], program: Program,
    rows: Sequence[Response], names: Mapping[str, Mapping[str, str]],
) -> Marked:  # fmt: skip
    own = {(row.id, target): ident for row in rows for ident, target in names[row.id].items()}
    answers = {row: (own[row, target],) for row, target in right}
    best = program.score(answers) - program.score({})
    alone = {pair: each for pair, each in worth.items() if each}
    total = sum((alone.get(pair, Decimal(0)) for pair in right), Decimal(0))
    fewer = ({n: v for n, v in answers.items() if n != left} for left in answers)
    if best > 0 and not alone and all(program.score(few) == program.start for few in fewer):
        return Marked(interaction, PairsKey(right), AllOrNothing(), best)
    if best <= 0 or best != total:
        raise NotTakenError(rows[0].element, "the marks of its rows do not add up")
    return Marked(interaction, PairsKey(right), MappedPairs(alone, lower=program.least), best)


def grouped(marker: Marker) -> Marked:
    """A `response_grp`: labels that name a `match_group` go with the others."""
    labels = marker.response.labels
    sources = [one for one in labels if attribute(one.element, "match_group")]
    targets = [one for one in labels if one not in sources]
    if not sources or not targets:
        raise marker.refused("does not say by match_group what goes with what")
    told = [tuple(test.value.split(",")) for test in marker.tests()]
    pairs = [(pair[0], pair[1]) for pair in dict.fromkeys(told) if len(pair) == 2]
    interaction = Match(
        tuple(Piece(s.id, s.content, s.fixed, _most(s.element)) for s in sources),
        tuple(Piece(t.id, t.content, t.fixed, most=0) for t in targets),
        shuffle=marker.response.shuffle,
    )
    alone = {pair: marker.worth(",".join(pair)) for pair in pairs}
    right = tuple(pair for pair, each in alone.items() if each > 0) or tuple(pairs)
    best = marker.worth(*(",".join(pair) for pair in right))
    if best <= 0:
        raise marker.refused("has no pairs that are right")
    if not any(alone.values()):
        return Marked(interaction, PairsKey(right), AllOrNothing(), best)
    if best != sum((alone[pair] for pair in right), Decimal(0)):
        raise marker.refused("the marks of its pairs do not add up")
    kept = {pair: each for pair, each in alone.items() if each}
    return Marked(interaction, PairsKey(right), MappedPairs(kept, lower=marker.program.least), best)


def _most(label: etree._Element) -> int:
    text = attribute(label, "match_max", "1")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 3 else 1
