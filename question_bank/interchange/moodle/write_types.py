"""Which type of Moodle's questions an item is, and the elements of that type.

Every function gives a `Told`; CannotError says why an item has no type.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from lxml import etree

from question_bank.content import part_ids
from question_bank.interactions import (
    ExtendedText,
    GapMatch,
    InlineChoice,
    Match,
    MultipleChoice,
    NumericEntry,
    Option,
    Order,
    Piece,
    SingleChoice,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.interchange.moodle.carried import FALSE, TRUE
from question_bank.interchange.moodle.write_html import Texts, made, text
from question_bank.item import Item
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    External,
    GradedCluster,
    MappedChoice,
    MappedPairs,
    MappedText,
    NumericKey,
    OrderKey,
    PairsKey,
    Spelling,
    TextKey,
)

HUNDRED = Decimal(100)
DIGITS = Decimal("0.00001")
#: Shares that differ by less are the same to Moodle and to our reader.
NEAR = Decimal("0.01")
#: The shares of the marks that Moodle's form knows; others it rounds or refuses.
SHARES = frozenset(
    Decimal(share) for share in (
        "0", "100", "90", "83.33333", "80", "75", "70", "66.66667", "60", "50", "40", "33.33333",
        "30", "25", "20", "16.66667", "14.28571", "12.5", "11.11111", "10", "5",
    )
)  # fmt: skip
AUTO = "moodle_auto_format"


class CannotError(Exception):
    """Why an item is no question of Moodle's."""


@dataclass(frozen=True, slots=True)
class Told:
    """A question as Moodle has it: its type and its own elements.

    `stem`: where it is another than the item's; `marks`: the HTML at the places of its parts;
    `marked_otherwise`: Moodle does not mark by the item's rule; `worth`: what it is worth to
    Moodle, where that is another number.
    """

    type: str
    elements: Sequence[etree._Element]
    stem: str | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    marked_otherwise: bool = False
    worth: Decimal | None = None


def told(item: Item, texts: Texts) -> Told:
    """The item as a question of Moodle's."""
    match item.interaction, item.key:
        case SingleChoice() | MultipleChoice() as choice, ChoiceKey(options=right):
            return _choice(item, choice, right, texts)
        case TrueFalseCluster() as cluster, ClusterKey(values=values):
            return _cluster(item, cluster, values, texts)
        case NumericEntry() as entry, NumericKey(value=value):
            _only(item, AllOrNothing)
            return Told("numerical", [*_number(entry, value)])
        case TextEntry(), TextKey() as key:
            return _words(item, key, texts)
        case InlineChoice() as choice, ChoiceKey(options=right):
            return _list(item, choice, right[0], texts)
        case ExtendedText() as essay, _:
            _only(item, External)
            return _essay(item, essay, texts)
        case Order() as order, OrderKey(order=right):
            _only(item, AllOrNothing)
            return _order(order, right, texts)
        case Match() as match, PairsKey(pairs=pairs):
            return _match(item, match, dict(pairs), len(pairs), texts)
        case GapMatch() as gaps, PairsKey(pairs=pairs):
            return _gaps(item, gaps, pairs, texts)
        case _:
            raise CannotError(f"Moodle has no type of question for the kind {item.kind}")


def _only(item: Item, rule: type) -> None:
    if not isinstance(item.scoring, rule):
        raise CannotError(f"Moodle cannot mark it by the rule {item.scoring.name}")


def share(worth: Decimal, points: Decimal, texts: Texts) -> str:
    """What part of the marks this is, in percent as Moodle writes it."""
    exact = worth * HUNDRED / points if points else Decimal(0)
    known = (known.copy_sign(exact) for known in SHARES if abs(known - abs(exact)) <= NEAR)
    written = next(known, exact.quantize(DIGITS))
    if abs(written) not in SHARES:
        texts.warn("fraction", f"Moodle's own form knows no share of {written.normalize():f} %")
    return _spelled(written)


def _spelled(number: Decimal) -> str:
    return f"{number.normalize() + 0:f}"


def alike(marks: Iterable[Decimal], each: Decimal, points: Decimal) -> bool:
    """Whether all of these are the same part of the points, but for rounding."""
    return all(abs(one - each) <= NEAR * points / HUNDRED for one in marks)


def _shuffled(shuffle: bool, options: Sequence[Option | Piece], texts: Texts) -> etree._Element:
    held = shuffle and any(option.fixed for option in options)
    if held:
        texts.warn("shuffleanswers", "Moodle holds no single option in its place: none is shuffled")
    return made("shuffleanswers", "true" if shuffle and not held else "false")


# --- choices


def _choice(
    item: Item, choice: SingleChoice | MultipleChoice, right: Sequence[str], texts: Texts
) -> Told:
    single = isinstance(choice, SingleChoice)
    shares, otherwise = _shares(item, choice, right, texts)
    if isinstance(choice, MultipleChoice) and choice.max_choices:
        texts.warn("max_choices", f"Moodle has no limit of {choice.max_choices} options")
    answers = [
        texts.rich("answer", option.content, fraction=shares[option.id])
        for option in choice.options
    ]
    head = [
        made("single", "true" if single else "false"),
        _shuffled(choice.shuffle, choice.options, texts),
        made("answernumbering", "ABCD"),
    ]
    return Told("multichoice", [*head, *answers], marked_otherwise=otherwise)


def _shares(
    item: Item, choice: SingleChoice | MultipleChoice, right: Sequence[str], texts: Texts
) -> tuple[dict[str, str], bool]:
    """Every option's share of the marks, and whether they are not how the item is marked."""
    rule = item.scoring
    ids = [option.id for option in choice.options]
    if isinstance(rule, AllOrNothing):
        if isinstance(choice, SingleChoice):
            return {name: "100" if name in right else "0" for name in ids}, False
        if not right:
            raise CannotError("none of its options is right, which Moodle knows not")
        texts.warn(
            "fraction", "Moodle has no rule of all or nothing: it pays the options one by one"
        )
        each = _spelled((HUNDRED / len(right)).quantize(DIGITS))
        return {name: each if name in right else "-100" for name in ids}, True
    if not isinstance(rule, MappedChoice) or not _is_moodles(item, choice, rule, right):
        raise CannotError(f"Moodle cannot mark it by its own {rule.name}")
    return {
        name: share(rule.worth.get(name, Decimal(0)), item.points, texts) for name in ids
    }, False


def _is_moodles(
    item: Item, choice: SingleChoice | MultipleChoice, rule: MappedChoice, right: Sequence[str]
) -> bool:
    """Whether what the options are worth is what Moodle would pay for them."""
    worth = {option.id: rule.worth.get(option.id, rule.default) for option in choice.options}
    if isinstance(choice, SingleChoice):
        best = [name for name, marks in worth.items() if marks == item.points]
        return best == list(right) and (rule.lower, rule.upper) == (None, None)
    positive = {name for name, marks in worth.items() if marks > 0}
    return positive == set(right) and (rule.lower, rule.upper) == (Decimal(0), item.points)


def _cluster(
    item: Item, cluster: TrueFalseCluster, values: Mapping[str, bool], texts: Texts
) -> Told:
    """Statements are pairs with "Đúng" and "Sai": every Moodle has this, and it pays each."""
    rule = item.scoring
    count = len(cluster.statements)
    each = item.points / count
    otherwise = True
    if isinstance(rule, GradedCluster):
        steps = [after - before for before, after in pairwise(rule.table)]
        otherwise = bool(rule.table[0]) or not alike(steps, each, item.points)
    if not isinstance(rule, AllOrNothing | GradedCluster):
        raise CannotError(f"Moodle cannot mark it by its own {rule.name}")
    if otherwise:
        texts.warn("scoring", f"Moodle pays every statement alike, not by {rule.name}")
    pairs = [
        _pair(texts.rich("subquestion", option.content), TRUE if values[option.id] else FALSE)
        for option in cluster.statements
    ]
    missing = {TRUE, FALSE} - {TRUE if value else FALSE for value in values.values()}
    pairs += [_pair(text("subquestion", "", format="html"), word) for word in sorted(missing)]
    shuffle = _shuffled(cluster.shuffle, cluster.statements, texts)
    return Told("matching", [shuffle, *pairs], marked_otherwise=otherwise)


def _pair(question: etree._Element, answer: str) -> etree._Element:
    question.append(text("answer", answer))
    return question


# --- what is typed


def _number(entry: NumericEntry, value: Decimal) -> list[etree._Element]:
    answer = text("answer", f"{value:f}", fraction="100", format=AUTO)
    answer.append(made("tolerance", f"{entry.tolerance:f}"))
    told = [answer]
    if entry.unit:
        unit = made("unit", made("multiplier", "1"), made("unit_name", entry.unit))
        told.append(made("units", unit))
    # a unit may be given, and is not asked for
    return [*told, made("unitgradingtype", "0"), made("unitpenalty", "0"), made("showunits", "0"),
            made("unitsleft", "0")]  # fmt: skip


def _words(item: Item, key: TextKey, texts: Texts) -> Told:
    rule = item.scoring
    sensitive = key.case_sensitive
    if isinstance(rule, AllOrNothing):
        spellings: Sequence[Spelling] = [
            Spelling(word, item.points, sensitive) for word in key.accepted
        ]
    elif isinstance(rule, MappedText) and (rule.lower, rule.upper) == (None, None):
        spellings = rule.spellings
        if rule.default or {one.case_sensitive for one in spellings} != {sensitive}:
            raise CannotError("Moodle takes all spellings with their case, or none")
    else:
        raise CannotError(f"Moodle cannot mark it by its own {rule.name}")
    answers = [
        text("answer", one.text.replace("*", r"\*"), format=AUTO,
             fraction=share(one.worth, item.points, texts) if item.points else "100")
        for one in spellings
    ]  # fmt: skip
    return Told("shortanswer", [made("usecase", "1" if sensitive else "0"), *answers])


def _essay(item: Item, essay: ExtendedText, texts: Texts) -> Told:
    if essay.max_length != ExtendedText().max_length:
        texts.warn("max_length", f"Moodle has no limit of {essay.max_length} characters")
    if isinstance(item.key, TextKey):
        texts.warn("key", "the expected answer is written for who marks it alone")
    info = item.key.accepted[0] if isinstance(item.key, TextKey) else ""
    return Told("essay", [
        made("responseformat", "plain"), made("responserequired", "1"),
        made("responsefieldlines", str(essay.lines)), made("attachments", "0"),
        made("attachmentsrequired", "0"), text("graderinfo", info, format="html"),
        text("responsetemplate", "", format="html"),
    ])  # fmt: skip


# --- orders and pairs


def _order(order: Order, right: Sequence[str], texts: Texts) -> Told:
    options = {option.id: option for option in order.options}
    if any(option.fixed for option in order.options) or not order.shuffle:
        texts.warn("order", "Moodle shuffles all the options of an order")
    answers = [
        texts.rich("answer", options[name].content, fraction=str(place))
        for place, name in enumerate(right, 1)
    ]
    return Told("ordering", [
        made("layouttype", "VERTICAL"), made("selecttype", "ALL"), made("selectcount", "0"),
        made("gradingtype", "ALL_OR_NOTHING"), made("showgrading", "SHOW"),
        made("numberingstyle", "none"), *answers,
    ])  # fmt: skip


def _match(item: Item, shown: Match, pairs: Mapping[str, str], count: int, texts: Texts) -> Told:
    sources = [source.id for source in shown.sources]
    if count != len(sources) or sorted(pairs) != sorted(sources):
        raise CannotError("Moodle pairs every one of the first set with one of the second")
    if {piece.most for piece in shown.sources} != {1} or shown.max_pairs not in (0, len(sources)):
        raise CannotError("Moodle knows no other limits of pairs than one each")
    if any(piece.most for piece in shown.targets):
        texts.warn("match", "Moodle lets everything of the second set be chosen again and again")
    otherwise = pays_otherwise(
        item, item.key.pairs if isinstance(item.key, PairsKey) else (), texts
    )
    words = {piece.id: texts.plain("answer", piece.content) for piece in shown.targets}
    if len(set(words.values())) != len(words):
        raise CannotError("Moodle cannot tell apart targets of the same words")
    written = [
        _pair(texts.rich("subquestion", piece.content), words[pairs[piece.id]])
        for piece in shown.sources
    ]
    unused = [piece.id for piece in shown.targets if piece.id not in pairs.values()]
    written += [_pair(text("subquestion", "", format="html"), words[name]) for name in unused]
    shuffle = _shuffled(shown.shuffle, (*shown.sources, *shown.targets), texts)
    return Told("matching", [shuffle, *written], marked_otherwise=otherwise)


def pays_otherwise(item: Item, pairs: Sequence[tuple[str, str]], texts: Texts) -> bool:
    """Whether Moodle, which pays every right pair alike, marks in another way than the item."""
    rule = item.scoring
    if isinstance(rule, AllOrNothing):
        if len(pairs) > 1:
            texts.warn("scoring", "Moodle pays every right pair, and not only all of them")
        return len(pairs) > 1
    each = item.points / len(pairs) if pairs else Decimal(0)
    alone = isinstance(rule, MappedPairs) and not rule.default and set(rule.worth) == set(pairs)
    if isinstance(rule, MappedPairs) and alone and alike(rule.worth.values(), each, item.points):
        return False
    raise CannotError(f"Moodle cannot mark it by its own {rule.name}")


def _gaps(item: Item, shown: GapMatch, pairs: Sequence[tuple[str, str]], texts: Texts) -> Told:
    gaps = part_ids(shown.text)
    pieces = {gap: piece for piece, gap in pairs}
    if len(pairs) != len(gaps) or sorted(pieces) != sorted(gaps):
        raise CannotError("Moodle has one right piece for every gap")
    if not {piece.most for piece in shown.pieces} <= {0, 1}:
        raise CannotError("Moodle's pieces can be used once, or as often as one likes")
    otherwise = pays_otherwise(item, pairs, texts)
    places = {piece.id: place for place, piece in enumerate(shown.pieces, 1)}
    boxes = []
    for piece in shown.pieces:
        box = text("dragbox", texts.plain("dragbox", piece.content))
        box.append(made("group", "1"))
        boxes += [box]
        if piece.most == 0:
            box.append(made("infinite"))
    marks = {gap: f"[[{places[pieces[gap]]}]]" for gap in gaps}
    shuffle = made("shuffleanswers", "1" if shown.shuffle else "0")
    return Told("ddwtos", [shuffle, *boxes], item.stem + shown.text, marks, otherwise)


def _list(item: Item, choice: InlineChoice, right: str, texts: Texts) -> Told:
    _only(item, AllOrNothing)
    boxes = []
    for option in choice.options:
        box = text("selectoption", texts.plain("selectoption", option.content))
        box.append(made("group", "1"))
        boxes.append(box)
    place = [option.id for option in choice.options].index(right) + 1
    if any(option.fixed for option in choice.options):
        texts.warn("shuffleanswers", "Moodle holds no single option in its place")
    shuffle = made("shuffleanswers", "1" if choice.shuffle else "0")
    return Told("gapselect", [shuffle, *boxes], f"{item.stem}<p>[[{place}]]</p>")
