"""The stored form of items and base forms: plain maps that JSON can hold, read back strictly.

Decimals are texts, pictures base64. The bank folder and the server's database keep items so; no
candidate is ever sent one (that is `question_bank.package`).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict

from question_bank import plain
from question_bank.assembly import BaseForm, BasePart
from question_bank.content import MAX_CONTENT
from question_bank.errors import ItemError, MalformedError
from question_bank.interaction_records import interaction_from_plain, interaction_to_plain
from question_bank.item import Item, Media, Stimulus
from question_bank.key_records import (
    MAX_NAME,
    key_from_plain,
    key_to_plain,
    scoring_from_plain,
    scoring_to_plain,
)
from question_bank.metadata import LEVELS, MAX_ENEMIES, Bloom, ItemMetadata, Level
from question_bank.package import (
    MAX_FORM_BYTES,
    MAX_ITEMS,
    MAX_MEDIA,
    MAX_MINUTES,
    MAX_PARTS,
    minutes_from_plain,
)


def item_to_plain(item: Item) -> dict[str, object]:
    """The stored form of an item."""
    return {
        "id": item.id,
        "version": item.version,
        "stem": item.stem,
        "interaction": interaction_to_plain(item.interaction),
        "key": key_to_plain(item.key),
        "scoring": scoring_to_plain(item.scoring),
        "points": str(item.points),
        "metadata": _metadata_to_plain(item.metadata),
        "media": [
            {"id": m.id, "mime": m.mime, "data": base64.b64encode(m.data).decode()}
            for m in item.media
        ],
        **({"stimulus": asdict(item.stimulus)} if item.stimulus else {}),
        **({"explanation": item.explanation} if item.explanation else {}),
    }


def item_from_plain(value: object) -> Item:
    """The item that `item_to_plain` wrote; raises MalformedError."""
    names = ("id", "version", "stem", "interaction", "key", "scoring", "points", "metadata")
    fields = plain.record(value, (*names, "media"), "item", optional=("stimulus", "explanation"))
    try:
        return Item(
            id=plain.identifier(fields["id"], "item id"),
            version=plain.integer(fields["version"], "item version", least=1, most=10**9),
            stem=plain.text(fields["stem"], "item stem", most=MAX_CONTENT),
            interaction=interaction_from_plain(fields["interaction"]),
            key=key_from_plain(fields["key"]),
            scoring=scoring_from_plain(fields["scoring"]),
            points=plain.decimal(fields["points"], "item points"),
            metadata=_metadata_from_plain(fields["metadata"]),
            media=tuple(
                _media_from_plain(entry)
                for entry in plain.array(fields["media"], "item media", most=MAX_MEDIA)
            ),
            stimulus=_stimulus_from_plain(fields.get("stimulus")),
            explanation=plain.text(
                fields.get("explanation", ""), "item explanation", most=MAX_CONTENT
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
        "parts": [_part_to_plain(part) for part in form.parts],
        **({"sequential": True} if form.sequential else {}),
    }


def _part_to_plain(part: BasePart) -> dict[str, object]:
    return {
        "title": part.title,
        "instructions": part.instructions,
        "items": list(part.items),
        **({} if part.minutes is None else {"minutes": part.minutes}),
    }


def base_form_from_plain(value: object) -> BaseForm:
    """The base form that `base_form_to_plain` wrote; raises MalformedError."""
    names = ("id", "title", "paper", "minutes", "parts")
    fields = plain.record(value, names, "base form", optional=("sequential",))
    return BaseForm(
        id=plain.identifier(fields["id"], "base form id"),
        title=plain.text(fields["title"], "base form title", most=MAX_NAME),
        paper=plain.text(fields["paper"], "base form paper", most=MAX_NAME),
        minutes=plain.integer(fields["minutes"], "base form minutes", least=1, most=MAX_MINUTES),
        parts=tuple(
            _part_from_plain(part)
            for part in plain.array(fields["parts"], "base form parts", most=MAX_PARTS)
        ),
        sequential=plain.boolean(fields.get("sequential", False), "base form sequential"),
    )


def _part_from_plain(value: object) -> BasePart:
    names = ("title", "instructions", "items")
    fields = plain.record(value, names, "part", optional=("minutes",))
    items = plain.array(fields["items"], "part items", most=MAX_ITEMS)
    return BasePart(
        title=plain.text(fields["title"], "part title", most=MAX_NAME),
        instructions=plain.text(fields["instructions"], "part instructions", most=MAX_CONTENT),
        items=tuple(plain.identifier(item, "part item") for item in items),
        minutes=minutes_from_plain(fields.get("minutes")),
    )


_ALWAYS = ("subject", "grade", "topic", "level", "code", "language", "author")
_WHERE_GIVEN = ("bloom", "source", "enemies")


def _metadata_to_plain(metadata: ItemMetadata) -> dict[str, object]:
    """The later fields stand in it only where they say something: older items keep their bytes."""
    plain_form: dict[str, object] = {name: getattr(metadata, name) for name in _ALWAYS}
    if metadata.bloom is not None:
        plain_form["bloom"] = metadata.bloom.value
    if metadata.source:
        plain_form["source"] = metadata.source
    if metadata.enemies:
        plain_form["enemies"] = list(metadata.enemies)
    return plain_form


def _metadata_from_plain(value: object) -> ItemMetadata:
    fields: Mapping[str, object] = plain.record(value, _ALWAYS, "metadata", optional=_WHERE_GIVEN)
    names = (*_ALWAYS, "bloom", "source")
    texts = {name: plain.text(fields.get(name) or "", "metadata", most=MAX_NAME) for name in names}
    enemies = plain.array(fields.get("enemies", []), "enemies", most=MAX_ENEMIES)
    return ItemMetadata(
        subject=texts["subject"],
        grade=texts["grade"],
        topic=texts["topic"],
        level=level_from(texts["level"]),
        code=texts["code"],
        language=texts["language"],
        author=texts["author"],
        bloom=bloom_from(texts["bloom"]),
        source=texts["source"],
        enemies=tuple(plain.identifier(one, "enemy") for one in enemies),
    )


def level_from(text: str) -> Level | None:
    """The cognitive level of that letter; None for an empty text; raises MalformedError."""
    if not text:
        return None
    for level in LEVELS:
        if level == text:
            return level
    raise MalformedError(f"metadata: level {text[:10]!r} is none of {', '.join(LEVELS)}")


def bloom_from(text: str) -> Bloom | None:
    """The process of that name; None for an empty text; raises MalformedError."""
    if not text:
        return None
    try:
        return Bloom(text)
    except ValueError:
        names = ", ".join(Bloom)
        raise MalformedError(f"metadata: process {text[:20]!r} is none of {names}") from None


def _stimulus_from_plain(value: object) -> Stimulus | None:
    if value is None:
        return None
    fields = plain.record(value, ("id", "content"), "stimulus")
    return Stimulus(
        plain.identifier(fields["id"], "stimulus id"),
        plain.text(fields["content"], "stimulus content", most=MAX_CONTENT),
    )


def _media_from_plain(value: object) -> Media:
    fields = plain.record(value, ("id", "mime", "data"), "media")
    try:
        text = plain.text(fields["data"], "media", most=2 * MAX_FORM_BYTES)
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("media: the data is not base64") from None
    mime = plain.text(fields["mime"], "media", most=64)
    return Media(plain.identifier(fields["id"], "media"), mime, data)
