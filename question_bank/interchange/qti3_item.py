"""One QTI 3.0 assessment item → Item."""

import re
from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from question_bank.errors import ItemError
from question_bank.interchange.markup import (
    attribute,
    child,
    children,
    line_of,
    name_of,
    namespace_of,
    text_of,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_body import ContentReader, PictureSource, stem_of
from question_bank.interchange.qti3_scoring import (
    GradedLookup,
    Mapping3,
    MapResponse,
    MatchCorrect,
    Processing,
    UnrecognisedError,
    mapping_of,
    number,
    processing_of,
)
from question_bank.interchange.qti3_terms import FALSE_WORDS, QTI, TRUE_WORDS
from question_bank.item import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    Interaction,
    Item,
    ItemMetadata,
    Key,
    MappedChoice,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    ScoringRule,
    SingleChoice,
    TrueFalseCluster,
)

INTERACTIONS = (
    "qti-choice-interaction",
    "qti-match-interaction",
    "qti-text-entry-interaction",
)
READ = (
    "qti-response-declaration",
    "qti-outcome-declaration",
    "qti-item-body",
    "qti-response-processing",
)
ATTRIBUTES = (
    "response-identifier",
    "class",
    "shuffle",
    "max-choices",
    "min-choices",
    "max-associations",
    "min-associations",
    "expected-length",
    "pattern-mask",
    "data-unit",
)
# Without these an item says something else: it is refused, not shortened.
ESSENTIAL = (
    "qti-template-declaration",
    "qti-template-processing",
    "qti-assessment-stimulus-ref",
)
# `[0-9,\-]{1,4}`: one class of characters, one length. What the writer writes.
_MASK = re.compile(r"\[((?:\\.|[^\]\\])+)\]\{1,(\d{1,2})\}")
_RANGE = re.compile(r"\\(.)|(.)-(.)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Binding:
    """The names in the file: the response variable, and a cluster's column for true."""

    response: str
    true: str = ""


@dataclass(frozen=True, slots=True)
class ReadItem:
    """An item and how its responses are spelled in its file."""

    item: Item
    binding: Binding


@dataclass(frozen=True, slots=True)
class _Parts:
    """What an interaction gives before its scoring is known."""

    interaction: Interaction
    key: Key | None
    binding: Binding


def read_item(
    root: etree._Element, log: ProblemLog, pictures: PictureSource, metadata: ItemMetadata
) -> ReadItem | None:
    """The item, or None with an error in `log` that says why not."""
    errors = log.errors
    try:
        read = _read(root, log, pictures, metadata)
        return read if log.errors == errors else None  # an item without its picture is another one
    except UnrecognisedError as error:
        log.error(line_of(error.element), name_of(error.element), str(error))
    except ItemError as error:
        log.error(line_of(root), name_of(root), str(error))
    return None


def _read(
    root: etree._Element, log: ProblemLog, pictures: PictureSource, metadata: ItemMetadata
) -> ReadItem:
    if name_of(root) != "qti-assessment-item" or namespace_of(root) != QTI:
        raise UnrecognisedError(root, "is no QTI 3.0 assessment item")
    _check_known(root, log)
    body = child(root, "qti-item-body")
    if body is None:
        raise UnrecognisedError(root, "has no item body")
    element = _only_interaction(body)
    log.unknown_attributes(element, *ATTRIBUTES)
    declaration = _declaration(root, attribute(element, "response-identifier"))
    log.unknown_children(declaration, "qti-correct-response", "qti-mapping")
    reader = ContentReader(log, pictures)
    parts = _parts(element, declaration, reader, log)
    processing = processing_of(root, parts.binding.response)
    if processing is None:
        log.warning(
            line_of(root), "qti-response-processing", "is missing; taken as all or nothing, 1 point"
        )
    mapping = mapping_of(declaration)
    interaction = _with_tolerance(parts.interaction, processing)
    key = parts.key or _key_from_mapping(element, mapping)
    scoring, points = _scoring(element, interaction, processing, mapping)
    language = metadata.language or attribute(root, "{http://www.w3.org/XML/1998/namespace}lang")
    item = Item(
        id=attribute(root, "identifier"),
        stem=stem_of(body, element, reader),
        interaction=interaction,
        key=key,
        scoring=scoring,
        points=points,
        metadata=ItemMetadata(
            metadata.subject,
            metadata.grade,
            metadata.topic,
            metadata.level,
            metadata.code or attribute(root, "label"),
            language,
            metadata.author,
        ),
        media=tuple(sorted(reader.media.values(), key=lambda media: media.id)),
    )
    return ReadItem(item, parts.binding)


def _check_known(root: etree._Element, log: ProblemLog) -> None:
    if attribute(root, "adaptive", "false") in ("true", "1"):
        raise UnrecognisedError(root, "adaptive items are not supported yet")
    for element in root:
        if name_of(element) in ESSENTIAL:
            raise UnrecognisedError(element, f"{name_of(element)} is not supported yet")
    log.unknown_children(root, *READ)


def _only_interaction(body: etree._Element) -> etree._Element:
    found = [element for element in body.iter() if name_of(element).endswith("-interaction")]
    if not found:
        raise UnrecognisedError(body, "has no interaction")
    if len(found) > 1:
        raise UnrecognisedError(found[1], "several interactions in one item are not supported yet")
    if name_of(found[0]) not in INTERACTIONS:
        raise UnrecognisedError(found[0], f"{name_of(found[0])} is not supported yet")
    return found[0]


def _declaration(root: etree._Element, identifier: str) -> etree._Element:
    declarations = list(children(root, "qti-response-declaration"))
    for declaration in declarations:
        if attribute(declaration, "identifier") == identifier:
            return declaration
    raise UnrecognisedError(root, f"no response declaration for {identifier[:40]!r}")


def _correct(declaration: etree._Element) -> list[str]:
    correct = child(declaration, "qti-correct-response")
    return [] if correct is None else [text_of(v) for v in children(correct, "qti-value")]


def _parts(
    element: etree._Element, declaration: etree._Element, reader: ContentReader, log: ProblemLog
) -> _Parts:
    match name_of(element):
        case "qti-choice-interaction":
            return _choice(element, declaration, reader, log)
        case "qti-match-interaction":
            return _cluster(element, declaration, reader, log)
        case _:
            return _numeric(element, declaration, log)


def _options(element: etree._Element, name: str, reader: ContentReader) -> tuple[Option, ...]:
    return tuple(
        Option(
            attribute(choice, "identifier"),
            reader.fragment(choice),
            attribute(choice, "fixed", "false") == "true",
        )
        for choice in children(element, name)
    )


def _choice(
    element: etree._Element, declaration: etree._Element, reader: ContentReader, log: ProblemLog
) -> _Parts:
    log.unknown_children(element, "qti-simple-choice", "qti-prompt")
    options = _options(element, "qti-simple-choice", reader)
    shuffle = attribute(element, "shuffle", "false") == "true"
    key = _choice_key(_correct(declaration), options)
    binding = Binding(attribute(declaration, "identifier"))
    if attribute(declaration, "cardinality") == "single":
        return _Parts(SingleChoice(options, shuffle), key, binding)
    _warn_limits(element, len(options), log)
    return _Parts(MultipleChoice(options, shuffle), key, binding)


def _choice_key(correct: list[str], options: tuple[Option, ...]) -> ChoiceKey | None:
    """The correct values in printed order; an unknown one stays and is refused with the item."""
    places = {option.id: place for place, option in enumerate(options)}
    right = sorted(correct, key=lambda name: places.get(name, len(places)))
    return ChoiceKey(tuple(right)) if right else None


def _warn_limits(element: etree._Element, options: int, log: ProblemLog) -> None:
    for name, unlimited in (("max-choices", {"", "0", str(options)}), ("min-choices", {"", "0"})):
        if attribute(element, name) not in unlimited:
            log.warning(line_of(element), name_of(element), f"{name} is not supported")


def _cluster(
    element: etree._Element, declaration: etree._Element, reader: ContentReader, log: ProblemLog
) -> _Parts:
    sets = list(children(element, "qti-simple-match-set"))
    columns = {} if len(sets) != 2 else _truth_columns(sets[1])
    if sorted(columns.values()) != [False, True]:
        raise UnrecognisedError(
            element, "only a match of statements with the two columns true and false is supported"
        )
    log.unknown_children(element, "qti-simple-match-set", "qti-prompt")
    log.unknown_children(sets[0], "qti-simple-associable-choice")
    statements = _options(sets[0], "qti-simple-associable-choice", reader)
    values: dict[str, bool] = {}
    for pair in _correct(declaration):
        statement, _, column = pair.partition(" ")
        if column not in columns or statement in values:
            raise UnrecognisedError(declaration, f"the correct pair {pair[:40]!r} does not fit")
        values[statement] = columns[column]
    printed = [option.id for option in statements if option.id in values]
    ordered = {name: values[name] for name in (*printed, *values)}
    true = next(name for name, truth in columns.items() if truth)
    return _Parts(
        TrueFalseCluster(statements, attribute(element, "shuffle", "false") == "true"),
        ClusterKey(ordered),
        Binding(attribute(declaration, "identifier"), true),
    )


def _truth_columns(element: etree._Element) -> dict[str, bool]:
    columns = {}
    for choice in children(element, "qti-simple-associable-choice"):
        word = text_of(choice).casefold()
        if word in TRUE_WORDS | FALSE_WORDS:
            columns[attribute(choice, "identifier")] = word in TRUE_WORDS
    return columns if len(columns) == len(list(element)) else {}


def _numeric(element: etree._Element, declaration: etree._Element, log: ProblemLog) -> _Parts:
    if attribute(declaration, "base-type") not in ("float", "integer"):
        raise UnrecognisedError(element, "a text entry that is no number is not supported yet")
    correct = _correct(declaration)
    if len(correct) != 1:
        raise UnrecognisedError(declaration, "a number needs exactly one correct response")
    default = NumericEntry()
    allowed, length = default.allowed, default.max_length
    if mask := attribute(element, "pattern-mask"):
        found = _MASK.fullmatch(mask)
        if found is None:
            log.warning(line_of(element), name_of(element), f"pattern-mask {mask[:40]!r} ignored")
        else:
            allowed, length = _characters(found[1]), int(found[2])
    elif attribute(element, "expected-length").isdecimal():
        length = int(attribute(element, "expected-length")[:2])
    entry = NumericEntry(length, allowed, unit=attribute(element, "data-unit"))
    binding = Binding(attribute(declaration, "identifier"))
    return _Parts(entry, NumericKey(number(declaration, correct[0])), binding)


def _characters(text: str) -> str:
    """The characters of a regular expression's class, ranges spelled out."""
    characters = ""
    for escaped, first, last, single in _RANGE.findall(text):
        if first and 0 <= ord(last) - ord(first) < 64:
            characters += "".join(chr(code) for code in range(ord(first), ord(last) + 1))
        else:
            characters += escaped or single
    return characters


def _with_tolerance(interaction: Interaction, processing: Processing | None) -> Interaction:
    if isinstance(interaction, NumericEntry) and isinstance(processing, MatchCorrect):
        return NumericEntry(
            interaction.max_length, interaction.allowed, processing.tolerance, interaction.unit
        )
    return interaction


def _key_from_mapping(element: etree._Element, mapping: Mapping3 | None) -> Key:
    right = [name for name, worth in mapping.worth.items() if worth > 0] if mapping else []
    if not right:
        raise UnrecognisedError(element, "has no correct response")
    return ChoiceKey(tuple(right))


def _scoring(
    element: etree._Element,
    interaction: Interaction,
    processing: Processing | None,
    mapping: Mapping3 | None,
) -> tuple[ScoringRule, Decimal]:
    match processing:
        case None:
            return AllOrNothing(), Decimal(1)
        case MatchCorrect(points=points):
            return AllOrNothing(), points
        case GradedLookup(table=table):
            _check_pairs(element, interaction, mapping, Decimal(1))
            return GradedCluster(table), table[-1]
        case MapResponse():
            return _mapped(element, interaction, mapping)


def _check_pairs(
    element: etree._Element, interaction: Interaction, mapping: Mapping3 | None, each: Decimal
) -> None:
    """Every right pair is worth `each` and nothing else anything: the sum counts right ones."""
    statements = len(interaction.statements) if isinstance(interaction, TrueFalseCluster) else 0
    plain_sum = mapping is not None and mapping.default == 0
    bounded = mapping is not None and (mapping.lower or mapping.upper is not None)
    worth = [] if mapping is None else [value for value in mapping.worth.values() if value != 0]
    if not plain_sum or bounded or worth != [each] * statements:
        raise UnrecognisedError(element, "the mapping must give every right pair the same")


def _mapped(
    element: etree._Element, interaction: Interaction, mapping: Mapping3 | None
) -> tuple[ScoringRule, Decimal]:
    if mapping is None:
        raise UnrecognisedError(element, "map_response without a mapping")
    if isinstance(interaction, TrueFalseCluster):
        each = next(iter(mapping.worth.values()), Decimal(0))
        _check_pairs(element, interaction, mapping, each)
        count = len(interaction.statements)
        return GradedCluster(tuple(each * right for right in range(count + 1))), each * count
    if not isinstance(interaction, SingleChoice | MultipleChoice):
        raise UnrecognisedError(element, "map_response is not supported for numbers yet")
    rule = MappedChoice(mapping.worth, mapping.default, mapping.lower, mapping.upper)
    positive = [worth for worth in mapping.worth.values() if worth > 0]
    single = isinstance(interaction, SingleChoice)
    best = max(positive, default=Decimal(0)) if single else sum(positive, Decimal(0))
    return rule, best if mapping.upper is None else min(best, mapping.upper)
