"""An item as two byte strings: what may be shown, and what never leaves the server.

Canonical CBOR in both. Tolerance, points and scoring rule say something about the answer, so they
stand with the key.
"""

from decimal import Decimal
from typing import Any

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.errors import ServerError
from question_bank import plain
from question_bank.errors import QuestionBankError
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
    Media,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    ScoringRule,
    SingleChoice,
    TrueFalseCluster,
)

BODY = "truong-thi/item-body"
ANSWER_KEY = "truong-thi/item-answer-key"


class StoredItemError(ServerError):
    """Bytes in the database that are no item."""


def body_of(item: Item) -> bytes:
    """Everything of `item` that a form may show, and what the bank knows about it."""
    metadata = item.metadata
    described = [
        metadata.subject,
        metadata.grade,
        metadata.topic,
        metadata.level,
        metadata.code,
        metadata.language,
        metadata.author,
    ]
    media = [[picture.id, picture.mime, picture.data] for picture in item.media]
    shown = [item.id, item.version, item.stem, _interaction(item.interaction)]
    return canonical.encode(BODY, 1, *shown, described, media)


def answer_key_of(item: Item) -> bytes:
    """Key, scoring rule, points and tolerance."""
    tolerance = item.interaction.tolerance if isinstance(item.interaction, NumericEntry) else 0
    fields = (_key(item.key), _rule(item.scoring), str(item.points), str(tolerance))
    return canonical.encode(ANSWER_KEY, 1, *fields)


def item_from(body: bytes, answer_key: bytes) -> Item:
    """The item that both halves make; StoredItemError where they make none."""
    try:
        key, rule, points, tolerance = canonical.decode(ANSWER_KEY, 1, answer_key, fields=4)
        name, version, stem, interaction, described, media = canonical.decode(
            BODY, 1, body, fields=6
        )
        return Item(
            id=name,
            version=version,
            stem=stem,
            interaction=_to_interaction(interaction, plain.decimal(tolerance, "tolerance")),
            key=_to_key(key),
            scoring=_to_rule(rule),
            points=plain.decimal(points, "points"),
            metadata=ItemMetadata(*described),
            media=tuple(Media(*picture) for picture in media),
        )
    except (ContractError, QuestionBankError, TypeError, ValueError, KeyError) as error:
        raise StoredItemError(f"a stored item cannot be read: {error}") from error


def _interaction(interaction: Interaction) -> list[Any]:
    match interaction:
        case SingleChoice(options=options, shuffle=shuffle):
            return ["single", _options(options), shuffle]
        case MultipleChoice(options=options, shuffle=shuffle):
            return ["multiple", _options(options), shuffle]
        case TrueFalseCluster(statements=statements, shuffle=shuffle):
            return ["tf_cluster", _options(statements), shuffle]
        case NumericEntry(max_length=max_length, allowed=allowed, unit=unit):
            return ["numeric", max_length, allowed, unit]


def _options(options: tuple[Option, ...]) -> list[list[Any]]:
    return [[option.id, option.content, option.fixed] for option in options]


def _to_options(stored: list[list[Any]]) -> tuple[Option, ...]:
    return tuple(Option(*option) for option in stored)


def _to_interaction(stored: list[Any], tolerance: Decimal) -> Interaction:
    match stored:
        case ["single", list(options), bool(shuffle)]:
            return SingleChoice(_to_options(options), shuffle)
        case ["multiple", list(options), bool(shuffle)]:
            return MultipleChoice(_to_options(options), shuffle)
        case ["tf_cluster", list(statements), bool(shuffle)]:
            return TrueFalseCluster(_to_options(statements), shuffle)
        case ["numeric", int(max_length), str(allowed), str(unit)]:
            return NumericEntry(max_length, allowed, tolerance, unit)
    raise StoredItemError("a stored item has an interaction of an unknown kind")


def _key(key: Key) -> list[Any]:
    match key:
        case ChoiceKey(options=options):
            return ["choice", list(options)]
        case ClusterKey(values=values):
            return ["cluster", dict(values)]
        case NumericKey(value=value):
            return ["numeric", str(value)]


def _to_key(stored: list[Any]) -> Key:
    match stored:
        case ["choice", list(options)]:
            return ChoiceKey(tuple(options))
        case ["cluster", dict(values)]:
            return ClusterKey(values)
        case ["numeric", str(value)]:
            return NumericKey(Decimal(value))
    raise StoredItemError("a stored item has a key of an unknown kind")


def _rule(rule: ScoringRule) -> list[Any]:
    match rule:
        case AllOrNothing():
            return ["all_or_nothing"]
        case GradedCluster(table=table):
            return ["graded_cluster", [str(mark) for mark in table]]
        case MappedChoice(worth=worth, default=default, lower=lower, upper=upper):
            marks = {option: str(mark) for option, mark in worth.items()}
            return ["mapped_choice", marks, str(default), _text(lower), _text(upper)]


def _text(bound: Decimal | None) -> str | None:
    return None if bound is None else str(bound)


def _bound(stored: str | None) -> Decimal | None:
    return None if stored is None else Decimal(stored)


def _to_rule(stored: list[Any]) -> ScoringRule:
    match stored:
        case ["all_or_nothing"]:
            return AllOrNothing()
        case ["graded_cluster", list(table)]:
            return GradedCluster(tuple(Decimal(mark) for mark in table))
        case ["mapped_choice", dict(worth), str(default), lower, upper]:
            marks = {option: Decimal(mark) for option, mark in worth.items()}
            return MappedChoice(marks, Decimal(default), _bound(lower), _bound(upper))
    raise StoredItemError("a stored item has a scoring rule of an unknown kind")
