"""The stored form of items and base forms: plain maps that JSON can hold, read back strictly.

Decimals are texts, pictures base64. The bank folder and the server's database keep items so; no
candidate is ever sent one (that is `question_bank.package`).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal

from question_bank import plain
from question_bank.assembly import BaseForm, BasePart
from question_bank.content import MAX_CONTENT
from question_bank.errors import ItemError, MalformedError
from question_bank.item import (
    LEVELS,
    MAX_NUMERIC_TEXT,
    MAX_OPTIONS,
    MAX_WORD,
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    Interaction,
    Item,
    ItemMetadata,
    Key,
    Level,
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
from question_bank.package import MAX_FORM_BYTES, MAX_ITEMS, MAX_MEDIA, MAX_MINUTES, MAX_PARTS

MAX_NAME = 500


def item_to_plain(item: Item) -> dict[str, object]:
    """The stored form of an item."""
    return {
        "id": item.id,
        "version": item.version,
        "stem": item.stem,
        "interaction": _interaction_to_plain(item.interaction),
        "key": _key_to_plain(item.key),
        "scoring": _scoring_to_plain(item.scoring),
        "points": str(item.points),
        "metadata": asdict(item.metadata),
        "media": [
            {"id": m.id, "mime": m.mime, "data": base64.b64encode(m.data).decode()}
            for m in item.media
        ],
    }


def item_from_plain(value: object) -> Item:
    """The item that `item_to_plain` wrote; raises MalformedError."""
    names = ("id", "version", "stem", "interaction", "key", "scoring", "points", "metadata")
    fields = plain.record(value, (*names, "media"), "item")
    try:
        return Item(
            id=plain.identifier(fields["id"], "item id"),
            version=plain.integer(fields["version"], "item version", least=1, most=10**9),
            stem=plain.text(fields["stem"], "item stem", most=MAX_CONTENT),
            interaction=_interaction_from_plain(fields["interaction"]),
            key=_key_from_plain(fields["key"]),
            scoring=_scoring_from_plain(fields["scoring"]),
            points=plain.decimal(fields["points"], "item points"),
            metadata=_metadata_from_plain(fields["metadata"]),
            media=tuple(
                _media_from_plain(entry)
                for entry in plain.array(fields["media"], "item media", most=MAX_MEDIA)
            ),
        )
    except ItemError as error:
        raise MalformedError(str(error)) from None


def base_form_to_plain(form: BaseForm) -> dict[str, object]:
    """The stored form of a base form."""
    return {
        "id": form.id,
        "title": form.title,
        "paper": form.paper,
        "minutes": form.minutes,
        "parts": [
            {"title": part.title, "instructions": part.instructions, "items": list(part.items)}
            for part in form.parts
        ],
    }


def base_form_from_plain(value: object) -> BaseForm:
    """The base form that `base_form_to_plain` wrote; raises MalformedError."""
    fields = plain.record(value, ("id", "title", "paper", "minutes", "parts"), "base form")
    return BaseForm(
        id=plain.identifier(fields["id"], "base form id"),
        title=plain.text(fields["title"], "base form title", most=MAX_NAME),
        paper=plain.text(fields["paper"], "base form paper", most=MAX_NAME),
        minutes=plain.integer(fields["minutes"], "base form minutes", least=1, most=MAX_MINUTES),
        parts=tuple(
            _part_from_plain(part)
            for part in plain.array(fields["parts"], "base form parts", most=MAX_PARTS)
        ),
    )


def _part_from_plain(value: object) -> BasePart:
    fields = plain.record(value, ("title", "instructions", "items"), "part")
    items = plain.array(fields["items"], "part items", most=MAX_ITEMS)
    return BasePart(
        title=plain.text(fields["title"], "part title", most=MAX_NAME),
        instructions=plain.text(fields["instructions"], "part instructions", most=MAX_CONTENT),
        items=tuple(plain.identifier(item, "part item") for item in items),
    )


def _options_to_plain(options: tuple[Option, ...]) -> list[dict[str, object]]:
    return [{"id": o.id, "content": o.content, "fixed": o.fixed} for o in options]


def _options_from_plain(value: object) -> tuple[Option, ...]:
    options = []
    for entry in plain.array(value, "options", most=MAX_OPTIONS):
        fields = plain.record(entry, ("id", "content", "fixed"), "option")
        options.append(
            Option(
                plain.identifier(fields["id"], "option id"),
                plain.text(fields["content"], "option content", most=MAX_CONTENT),
                plain.boolean(fields["fixed"], "option fixed"),
            )
        )
    return tuple(options)


def _interaction_to_plain(interaction: Interaction) -> dict[str, object]:
    kind = interaction.kind
    match interaction:
        case SingleChoice(options=options, shuffle=shuffle):
            return {"kind": kind, "options": _options_to_plain(options), "shuffle": shuffle}
        case MultipleChoice(options=options, shuffle=shuffle):
            return {"kind": kind, "options": _options_to_plain(options), "shuffle": shuffle}
        case TrueFalseCluster(statements=statements, shuffle=shuffle):
            return {"kind": kind, "statements": _options_to_plain(statements), "shuffle": shuffle}
        case NumericEntry():
            return {
                "kind": kind,
                "max_length": interaction.max_length,
                "allowed": interaction.allowed,
                "tolerance": str(interaction.tolerance),
                "unit": interaction.unit,
            }


def _interaction_from_plain(value: object) -> Interaction:
    kind = value.get("kind") if isinstance(value, dict) else None
    match kind:
        case "single" | "multiple":
            fields = plain.record(value, ("kind", "options", "shuffle"), "interaction")
            choice = SingleChoice if kind == "single" else MultipleChoice
            return choice(
                _options_from_plain(fields["options"]), plain.boolean(fields["shuffle"], "shuffle")
            )
        case "tf_cluster":
            fields = plain.record(value, ("kind", "statements", "shuffle"), "interaction")
            statements = _options_from_plain(fields["statements"])
            return TrueFalseCluster(statements, plain.boolean(fields["shuffle"], "shuffle"))
        case "numeric":
            names = ("kind", "max_length", "allowed", "tolerance", "unit")
            fields = plain.record(value, names, "interaction")
            return NumericEntry(
                plain.integer(fields["max_length"], "max_length", least=1, most=MAX_NUMERIC_TEXT),
                plain.text(fields["allowed"], "allowed", most=MAX_WORD),
                plain.decimal(fields["tolerance"], "tolerance"),
                plain.text(fields["unit"], "unit", most=MAX_WORD),
            )
        case _:
            raise MalformedError("interaction: its kind is none of the known ones")


def _key_to_plain(key: Key) -> dict[str, object]:
    match key:
        case ChoiceKey(options=options):
            return {"options": list(options)}
        case ClusterKey(values=values):
            return {"values": dict(values)}
        case NumericKey(value=value):
            return {"value": str(value)}


def _key_from_plain(value: object) -> Key:
    match value:
        case {"options": options}:
            plain.record(value, ("options",), "key")
            ids = plain.array(options, "key", most=MAX_OPTIONS)
            return ChoiceKey(tuple(plain.identifier(option, "key") for option in ids))
        case {"values": values}:
            plain.record(value, ("values",), "key")
            truths = plain.mapping(values, "key", most=MAX_OPTIONS)
            return ClusterKey({name: plain.boolean(v, "key") for name, v in truths.items()})
        case _:
            return NumericKey(plain.decimal(plain.record(value, ("value",), "key")["value"], "key"))


def _scoring_to_plain(rule: ScoringRule) -> dict[str, object]:
    match rule:
        case AllOrNothing():
            return {"rule": rule.name}
        case GradedCluster(table=table):
            return {"rule": rule.name, "table": [str(entry) for entry in table]}
        case MappedChoice():
            return {
                "rule": rule.name,
                "worth": {option: str(worth) for option, worth in rule.worth.items()},
                "default": str(rule.default),
                "lower": None if rule.lower is None else str(rule.lower),
                "upper": None if rule.upper is None else str(rule.upper),
            }


def _scoring_from_plain(value: object) -> ScoringRule:
    rule = value.get("rule") if isinstance(value, dict) else None
    match rule:
        case AllOrNothing.name:
            plain.record(value, ("rule",), "scoring")
            return AllOrNothing()
        case GradedCluster.name:
            table = plain.record(value, ("rule", "table"), "scoring")["table"]
            entries = plain.array(table, "scoring table", most=MAX_OPTIONS + 1)
            return GradedCluster(tuple(plain.decimal(entry, "scoring table") for entry in entries))
        case MappedChoice.name:
            return _mapped_from_plain(value)
        case _:
            raise MalformedError("scoring: the rule is none of the known ones")


def _mapped_from_plain(value: object) -> MappedChoice:
    fields = plain.record(value, ("rule", "worth", "default", "lower", "upper"), "scoring")
    worth = plain.mapping(fields["worth"], "scoring", most=MAX_OPTIONS)
    return MappedChoice(
        {option: plain.decimal(entry, "scoring") for option, entry in worth.items()},
        plain.decimal(fields["default"], "scoring"),
        _bound(fields["lower"]),
        _bound(fields["upper"]),
    )


def _bound(value: object) -> Decimal | None:
    return None if value is None else plain.decimal(value, "scoring bound")


def _metadata_from_plain(value: object) -> ItemMetadata:
    names = ("subject", "grade", "topic", "level", "code", "language", "author")
    fields: Mapping[str, object] = plain.record(value, names, "metadata")
    texts = {name: plain.text(fields[name] or "", "metadata", most=MAX_NAME) for name in names}
    return ItemMetadata(
        subject=texts["subject"],
        grade=texts["grade"],
        topic=texts["topic"],
        level=level_from(texts["level"]),
        code=texts["code"],
        language=texts["language"],
        author=texts["author"],
    )


def level_from(text: str) -> Level | None:
    """The cognitive level of that letter; None for an empty text; raises MalformedError."""
    if not text:
        return None
    for level in LEVELS:
        if level == text:
            return level
    raise MalformedError(f"metadata: level {text[:10]!r} is none of {', '.join(LEVELS)}")


def _media_from_plain(value: object) -> Media:
    fields = plain.record(value, ("id", "mime", "data"), "media")
    try:
        text = plain.text(fields["data"], "media", most=2 * MAX_FORM_BYTES)
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("media: the data is not base64") from None
    mime = plain.text(fields["mime"], "media", most=64)
    return Media(plain.identifier(fields["id"], "media"), mime, data)
