"""QTI interactions → ours, one function each, with the key that their declaration holds."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from question_bank.interactions import (
    MAX_ESSAY,
    MAX_GAP_TEXT,
    MAX_LINES,
    MAX_NUMERIC_TEXT,
    Associate,
    ExtendedText,
    InlineChoice,
    Match,
    MultipleChoice,
    NumericEntry,
    Order,
    Simple,
    SingleChoice,
    Slider,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.interchange.markup import (
    attribute,
    child,
    children,
    line_of,
    name_of,
    text_of,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_body import ContentReader
from question_bank.interchange.qti3_graphics import (
    gap_match,
    graphic_gap_match,
    graphic_order,
    hot_text,
    hotspot,
    select_point,
)
from question_bank.interchange.qti3_own import Binding
from question_bank.interchange.qti3_scoring import UnrecognisedError, number
from question_bank.interchange.qti3_source import (
    Read,
    Source,
    choice_key,
    options_in,
    order_key,
    pairs_key,
    pieces_in,
)
from question_bank.interchange.qti3_terms import FALSE_WORDS, TRUE_WORDS
from question_bank.keys import (
    ClusterKey,
    NumericKey,
    SimpleKey,
    TextKey,
)

_KNOWN = (
    "response-identifier class shuffle max-choices min-choices max-associations min-associations "
    "expected-length expected-lines pattern-mask data-unit lower-bound upper-bound step id "
    "min-strings max-strings"
)
ATTRIBUTES = frozenset(_KNOWN.split())
# `[0-9,\-]{1,4}`: one class of characters, one length. What the writer writes.
_MASK = re.compile(r"\[((?:\\.|[^\]\\])+)\]\{1,(\d{1,2})\}")
_TEXT_MASK = re.compile(r"\[\\s\\S\]\{0,(\d{1,6})\}")
_RANGE = re.compile(r"\\(.)|(.)-(.)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ReadInteraction:
    """An interaction, the key if its declaration holds one, and the names in the file."""

    element: etree._Element
    declaration: etree._Element
    interaction: Simple
    key: SimpleKey | None
    binding: Binding


def read_interaction(
    element: etree._Element,
    declaration: etree._Element,
    content: ContentReader,
    log: ProblemLog,
    *,
    columns: bool = True,
) -> ReadInteraction:
    """The interaction; `columns`: a match with the columns true and false is a cluster.

    Raises UnrecognisedError for what cannot be held.
    """
    read = _READERS.get(name_of(element))
    if read is None:
        raise UnrecognisedError(element, f"{name_of(element)} is not supported")
    log.unknown_attributes(element, *ATTRIBUTES)
    for inner in element.iter():
        if inner.get("template-identifier"):
            raise UnrecognisedError(inner, "what is shown by a template variable is not supported")
    source = Source(element, declaration, content, log, columns)
    interaction, key, true, false = read(source)
    binding = Binding(attribute(declaration, "identifier"), true, false)
    return ReadInteraction(element, declaration, interaction, key, binding)


def _choice(source: Source) -> Read:
    element, log = source.element, source.log
    log.unknown_children(element, "qti-simple-choice", "qti-prompt")
    options = options_in(source, children(element, "qti-simple-choice"))
    key = choice_key(source.correct(), [option.id for option in options])
    if source.cardinality == "single":
        return SingleChoice(options, source.shuffle), key, "", ""
    if attribute(element, "min-choices") not in ("", "0"):
        log.warning(line_of(element), name_of(element), "min-choices is not supported")
    most = source.whole("max-choices", 0)
    limit = most if most < len(options) else 0
    return MultipleChoice(options, source.shuffle, limit), key, "", ""


def _inline_choice(source: Source) -> Read:
    source.log.unknown_children(source.element, "qti-inline-choice", "qti-label")
    options = options_in(source, children(source.element, "qti-inline-choice"))
    key = choice_key(source.correct(), [option.id for option in options])
    return InlineChoice(options, source.shuffle), key, "", ""


def _order(source: Source) -> Read:
    source.log.unknown_children(source.element, "qti-simple-choice", "qti-prompt")
    for name in ("min-choices", "max-choices"):
        if attribute(source.element, name) not in ("", "0"):
            raise source.refused(f"an order of some of its choices ({name}) is not supported")
    options = options_in(source, children(source.element, "qti-simple-choice"))
    return Order(options, source.shuffle), order_key(source), "", ""


def _match(source: Source) -> Read:
    element = source.element
    sets = list(children(element, "qti-simple-match-set"))
    if len(sets) != 2:
        raise source.refused("a match needs two sets")
    source.log.unknown_children(element, "qti-simple-match-set", "qti-prompt")
    for one in sets:
        source.log.unknown_children(one, "qti-simple-associable-choice")
    columns = _truth_columns(sets[1])
    if source.columns and sorted(columns.values()) == [False, True] and _is_once(sets[0]):
        return _cluster(source, sets[0], columns)
    sources, targets = (pieces_in(source, one, "qti-simple-associable-choice") for one in sets)
    most = source.whole("max-associations", 0)
    return Match(sources, targets, most, source.shuffle), pairs_key(source), "", ""


def _is_once(statements: etree._Element) -> bool:
    """Whether each statement can be judged once only."""
    return all(attribute(choice, "match-max", "1") == "1" for choice in statements)


def _cluster(source: Source, statements: etree._Element, columns: dict[str, bool]) -> Read:
    options = options_in(source, children(statements, "qti-simple-associable-choice"))
    values: dict[str, bool] = {}
    for pair in source.correct():
        statement, _, column = pair.partition(" ")
        if column not in columns or statement in values:
            raise UnrecognisedError(
                source.declaration, f"the correct pair {pair[:40]!r} does not fit"
            )
        values[statement] = columns[column]
    printed = [option.id for option in options if option.id in values]
    key = ClusterKey({name: values[name] for name in (*printed, *values)})
    true, false = sorted(columns, key=lambda name: not columns[name])
    return TrueFalseCluster(options, source.shuffle), key if values else None, true, false


def _truth_columns(element: etree._Element) -> dict[str, bool]:
    columns = {}
    for choice in children(element, "qti-simple-associable-choice"):
        word = text_of(choice).casefold()
        if word in TRUE_WORDS | FALSE_WORDS:
            columns[attribute(choice, "identifier")] = word in TRUE_WORDS
    return columns if len(columns) == len(list(element)) else {}


def _associate(source: Source) -> Read:
    source.log.unknown_children(source.element, "qti-simple-associable-choice", "qti-prompt")
    pieces = pieces_in(source, source.element, "qti-simple-associable-choice")
    most = source.whole("max-associations", 0)
    return Associate(pieces, most, source.shuffle), pairs_key(source), "", ""


def _text_entry(source: Source) -> Read:
    match attribute(source.declaration, "base-type"):
        case "float" | "integer":
            return _numeric(source)
        case "string" if source.cardinality == "single":
            return TextEntry(_text_length(source, MAX_GAP_TEXT, 50)), _text_key(source), "", ""
        case _:
            raise source.refused("a text entry that is neither a number nor one text")


def _text_length(source: Source, most: int, usual: int) -> int:
    """The most characters that can be typed: our mask says so; expected-length only hints."""
    mask = attribute(source.element, "pattern-mask")
    found = _TEXT_MASK.fullmatch(mask)
    if found is not None:
        return min(max(int(found[1]), 1), most)
    if mask:
        message = f"pattern-mask {mask[:40]!r} ignored"
        source.log.warning(line_of(source.element), name_of(source.element), message)
    return min(max(source.whole("expected-length", 0), usual), most)


def _text_key(source: Source) -> TextKey | None:
    correct = child(source.declaration, "qti-correct-response")
    values = [] if correct is None else list(children(correct, "qti-value"))
    texts = [text for value in values if (text := text_of(value))]
    return TextKey(tuple(texts[:1]), case_sensitive=True) if texts else None


def _numeric(source: Source) -> Read:
    element, correct = source.element, source.correct()
    if len(correct) > 1:
        raise UnrecognisedError(source.declaration, "a number needs exactly one correct response")
    default = NumericEntry()
    allowed, length = default.allowed, default.max_length
    value = number(source.declaration, correct[0]) if correct else None
    if mask := attribute(element, "pattern-mask"):
        found = _MASK.fullmatch(mask)
        if found is None:
            message = f"pattern-mask {mask[:40]!r} ignored"
            source.log.warning(line_of(element), name_of(element), message)
        else:
            allowed, length = _characters(found[1]), int(found[2])
    elif attribute(element, "expected-length").isdecimal():
        length = int(attribute(element, "expected-length")[:2])
    elif value is not None:
        length = min(max(length, len(format(value, "f"))), MAX_NUMERIC_TEXT)
    entry = NumericEntry(length, allowed, unit=attribute(element, "data-unit"))
    return entry, None if value is None else NumericKey(value), "", ""


def _characters(text: str) -> str:
    """The characters of a regular expression's class, ranges spelled out."""
    characters = ""
    for escaped, first, last, single in _RANGE.findall(text):
        if first and 0 <= ord(last) - ord(first) < 64:
            characters += "".join(chr(code) for code in range(ord(first), ord(last) + 1))
        else:
            characters += escaped or single
    return characters


def _extended(source: Source) -> Read:
    source.log.unknown_children(source.element, "qti-prompt")
    if source.cardinality != "single" or attribute(source.declaration, "base-type") != "string":
        raise source.refused("an extended text of several strings is not supported")
    lines = min(max(source.whole("expected-lines", 8), 1), MAX_LINES)
    length = _text_length(source, MAX_ESSAY, 10_000)
    return ExtendedText(length, lines), _text_key(source), "", ""


def _slider(source: Source) -> Read:
    source.log.unknown_children(source.element, "qti-prompt")
    lower, upper, step = (
        number(source.element, attribute(source.element, name, usual))
        for name, usual in (("lower-bound", ""), ("upper-bound", ""), ("step", "1"))
    )
    correct = source.correct()
    key = NumericKey(number(source.declaration, correct[0])) if len(correct) == 1 else None
    return Slider(lower, upper, step), key, "", ""


_READERS: dict[str, Callable[[Source], Read]] = {
    "qti-choice-interaction": _choice,
    "qti-inline-choice-interaction": _inline_choice,
    "qti-order-interaction": _order,
    "qti-match-interaction": _match,
    "qti-associate-interaction": _associate,
    "qti-text-entry-interaction": _text_entry,
    "qti-extended-text-interaction": _extended,
    "qti-gap-match-interaction": gap_match,
    "qti-hottext-interaction": hot_text,
    "qti-hotspot-interaction": hotspot,
    "qti-graphic-gap-match-interaction": graphic_gap_match,
    "qti-graphic-order-interaction": graphic_order,
    "qti-select-point-interaction": select_point,
    "qti-slider-interaction": _slider,
}
INLINE = frozenset(("qti-text-entry-interaction", "qti-inline-choice-interaction"))
