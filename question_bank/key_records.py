"""The plain form of keys and scoring rules, read back strictly. Never part of a form."""

from collections.abc import Mapping
from decimal import Decimal

from question_bank import plain
from question_bank.errors import MalformedError
from question_bank.interaction_records import shape_from_plain, shape_to_plain
from question_bank.interactions import (
    MAX_COORDINATE,
    MAX_ESSAY,
    MAX_OPTIONS,
    MAX_PAIRS,
    MAX_PARTS,
    MAX_PIECES,
    MAX_POINTS,
)
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    CompositeKey,
    External,
    GradedCluster,
    Key,
    MappedChoice,
    MappedPairs,
    MappedPoints,
    MappedText,
    NoKey,
    NumericKey,
    OrderKey,
    Pair,
    PairsKey,
    PartMarks,
    PartRule,
    PointsKey,
    ResponseProcessing,
    ScoringRule,
    SimpleKey,
    Spelling,
    SumOfParts,
    TextKey,
)

MAX_NAME = 500
MAX_PROGRAM = 500_000
_Mapped = MappedChoice | MappedPairs | MappedText | MappedPoints


def key_to_plain(key: Key) -> dict[str, object]:
    """The plain form of a key; the name of its one list or map says which it is."""
    match key:
        case ChoiceKey(options=options):
            return {"options": list(options)}
        case ClusterKey(values=values):
            return {"values": dict(values)}
        case NumericKey(value=value):
            return {"value": str(value)}
        case TextKey(accepted=accepted, case_sensitive=sensitive):
            return {"accepted": list(accepted), "case_sensitive": sensitive}
        case OrderKey(order=order):
            return {"order": list(order)}
        case PairsKey(pairs=pairs):
            return {"pairs": [list(pair) for pair in pairs]}
        case PointsKey(points=points):
            return {"points": [list(point) for point in points]}
        case NoKey():
            return {}
        case CompositeKey(parts=parts):
            return {"parts": {name: key_to_plain(part) for name, part in parts.items()}}


def key_from_plain(value: object) -> Key:
    """The key that `key_to_plain` wrote; raises MalformedError."""
    if isinstance(value, dict) and "parts" in value:
        given = plain.record(value, ("parts",), "key")["parts"]
        parts = plain.mapping(given, "key", most=MAX_PARTS)
        return CompositeKey({name: _simple_key(part) for name, part in parts.items()})
    return _simple_key(value)


def _simple_key(value: object) -> SimpleKey:
    match value:
        case {"options": options}:
            plain.record(value, ("options",), "key")
            return ChoiceKey(_identifiers(options, MAX_PIECES))
        case {"values": values}:
            plain.record(value, ("values",), "key")
            truths = plain.mapping(values, "key", most=MAX_OPTIONS)
            return ClusterKey({name: plain.boolean(v, "key") for name, v in truths.items()})
        case {"accepted": accepted}:
            fields = plain.record(value, ("accepted", "case_sensitive"), "key")
            texts = plain.array(accepted, "key", most=MAX_PIECES)
            return TextKey(
                tuple(plain.text(text, "key", most=MAX_ESSAY) for text in texts),
                plain.boolean(fields["case_sensitive"], "key"),
            )
        case {"order": order}:
            plain.record(value, ("order",), "key")
            return OrderKey(_identifiers(order, MAX_PIECES))
        case {"pairs": pairs}:
            plain.record(value, ("pairs",), "key")
            return PairsKey(tuple(map(_pair, plain.array(pairs, "key", most=MAX_PAIRS))))
        case {"points": points}:
            plain.record(value, ("points",), "key")
            return PointsKey(tuple(map(_point, plain.array(points, "key", most=MAX_POINTS))))
        case {"value": number}:
            plain.record(value, ("value",), "key")
            return NumericKey(plain.decimal(number, "key"))
        case _:
            plain.record(value, (), "key")
            return NoKey()


def _identifiers(value: object, most: int) -> tuple[str, ...]:
    return tuple(plain.identifier(name, "key") for name in plain.array(value, "key", most=most))


def _pair(value: object) -> Pair:
    first, second = plain.array(value, "pair", least=2, most=2)
    return plain.identifier(first, "pair"), plain.identifier(second, "pair")


def _point(value: object) -> tuple[int, int]:
    x, y = (
        plain.integer(number, "point", least=-MAX_COORDINATE, most=MAX_COORDINATE)
        for number in plain.array(value, "point", least=2, most=2)
    )
    return x, y


def scoring_to_plain(rule: ScoringRule) -> dict[str, object]:
    """The plain form of a scoring rule."""
    match rule:
        case AllOrNothing() | External():
            return {"rule": rule.name}
        case GradedCluster(table=table):
            return {"rule": rule.name, "table": [str(entry) for entry in table]}
        case MappedChoice(worth=worth):
            entries: object = {option: str(each) for option, each in worth.items()}
            return {"rule": rule.name, "worth": entries, **_bounds_to_plain(rule)}
        case MappedPairs(worth=pairs):
            entries = [[*pair, str(each)] for pair, each in pairs.items()]
            return {"rule": rule.name, "worth": entries, **_bounds_to_plain(rule)}
        case MappedText(spellings=spellings):
            entries = [
                {"text": s.text, "worth": str(s.worth), "case_sensitive": s.case_sensitive}
                for s in spellings
            ]
            return {"rule": rule.name, "spellings": entries, **_bounds_to_plain(rule)}
        case MappedPoints(areas=areas):
            entries = [{"shape": shape_to_plain(s), "worth": str(worth)} for s, worth in areas]
            return {"rule": rule.name, "areas": entries, **_bounds_to_plain(rule)}
        case ResponseProcessing():
            return {
                "rule": rule.name,
                "program": rule.program,
                "response": rule.response,
                "true": rule.true,
                "false": rule.false,
            }
        case SumOfParts(parts=parts):
            marks = {
                name: scoring_to_plain(part.rule) | {"points": str(part.points)}
                for name, part in parts.items()
            }
            return {"rule": rule.name, "parts": marks}


def _bounds_to_plain(rule: _Mapped) -> dict[str, object]:
    return {
        "default": str(rule.default),
        "lower": None if rule.lower is None else str(rule.lower),
        "upper": None if rule.upper is None else str(rule.upper),
    }


def scoring_from_plain(value: object) -> ScoringRule:
    """The rule that `scoring_to_plain` wrote; raises MalformedError."""
    rule = value.get("rule") if isinstance(value, dict) else None
    match rule:
        case ResponseProcessing.name:
            return _processing(value)
        case SumOfParts.name:
            given = plain.record(value, ("rule", "parts"), "scoring")["parts"]
            parts = plain.mapping(given, "scoring parts", most=MAX_PARTS)
            return SumOfParts({name: _part_marks(part) for name, part in parts.items()})
        case _:
            return _part_rule(value)


def _part_marks(value: object) -> PartMarks:
    if not isinstance(value, dict) or "points" not in value:
        raise MalformedError("scoring: a part without points")
    rule = {name: entry for name, entry in value.items() if name != "points"}
    return PartMarks(_part_rule(rule), plain.decimal(value["points"], "scoring points"))


def _part_rule(value: object) -> PartRule:
    rule = value.get("rule") if isinstance(value, dict) else None
    match rule:
        case AllOrNothing.name:
            plain.record(value, ("rule",), "scoring")
            return AllOrNothing()
        case External.name:
            plain.record(value, ("rule",), "scoring")
            return External()
        case GradedCluster.name:
            table = plain.record(value, ("rule", "table"), "scoring")["table"]
            entries = plain.array(table, "scoring table", most=MAX_OPTIONS + 1)
            return GradedCluster(tuple(plain.decimal(entry, "scoring table") for entry in entries))
        case MappedChoice.name:
            fields = _mapped(value, "worth")
            worth = plain.mapping(fields["worth"], "scoring", most=MAX_PIECES)
            choices = {name: plain.decimal(each, "scoring") for name, each in worth.items()}
            return MappedChoice(choices, *_bounds(fields))
        case MappedPairs.name:
            fields = _mapped(value, "worth")
            return MappedPairs(_worth_of_pairs(fields["worth"]), *_bounds(fields))
        case MappedText.name:
            fields = _mapped(value, "spellings")
            given = plain.array(fields["spellings"], "scoring", most=MAX_PIECES)
            return MappedText(tuple(map(_spelling, given)), *_bounds(fields))
        case MappedPoints.name:
            fields = _mapped(value, "areas")
            areas = []
            for entry in plain.array(fields["areas"], "scoring", most=MAX_PIECES):
                area = plain.record(entry, ("shape", "worth"), "scoring area")
                each = plain.decimal(area["worth"], "scoring area")
                areas.append((shape_from_plain(area["shape"]), each))
            return MappedPoints(tuple(areas), *_bounds(fields))
        case _:
            raise MalformedError("scoring: the rule is none of the known ones")


def _mapped(value: object, entries: str) -> Mapping[str, object]:
    return plain.record(value, ("rule", entries, "default", "lower", "upper"), "scoring")


def _worth_of_pairs(value: object) -> dict[Pair, Decimal]:
    worth = {}
    for entry in plain.array(value, "scoring", most=MAX_PAIRS):
        first, second, each = plain.array(entry, "scoring pair", least=3, most=3)
        worth[_pair([first, second])] = plain.decimal(each, "scoring pair")
    return worth


def _spelling(value: object) -> Spelling:
    fields = plain.record(value, ("text", "worth", "case_sensitive"), "scoring text")
    return Spelling(
        plain.text(fields["text"], "scoring text", most=MAX_ESSAY),
        plain.decimal(fields["worth"], "scoring text"),
        plain.boolean(fields["case_sensitive"], "scoring text"),
    )


def _bounds(fields: Mapping[str, object]) -> tuple[Decimal, Decimal | None, Decimal | None]:
    default = plain.decimal(fields["default"], "scoring")
    return default, _bound(fields["lower"]), _bound(fields["upper"])


def _bound(value: object) -> Decimal | None:
    return None if value is None else plain.decimal(value, "scoring bound")


def _processing(value: object) -> ResponseProcessing:
    fields = plain.record(value, ("rule", "program", "response", "true", "false"), "scoring")
    return ResponseProcessing(
        plain.text(fields["program"], "scoring program", most=MAX_PROGRAM),
        *(
            plain.text(fields[name], f"scoring {name}", most=MAX_NAME)
            for name in ("response", "true", "false")
        ),
    )
