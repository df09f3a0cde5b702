"""The canonical bytes of a form as a candidate is shown it, without its keys.

The format is a whitelist: what these types do not have cannot leave the server. Ids are opaque
and per form, options are already arranged. Bytes are deterministic CBOR (RFC 8949 §4.2.3, keys
by length first), one domain tag, one schema version; `decode` takes nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import cbor2

from question_bank import plain
from question_bank.content import MAX_CONTENT, clean, media_ids
from question_bank.errors import ContentError, MalformedError
from question_bank.item import MAX_NUMERIC_TEXT, MAX_OPTIONS, MAX_WORD, Media

DOMAIN = "truong-thi/form"
SCHEMA = 1
MIME_TYPES = ("image/png", "image/jpeg", "image/svg+xml")

MAX_FORM_BYTES = 64 * 1024 * 1024
MAX_MEDIA = 500
MAX_PARTS = 50
MAX_ITEMS = 500
MAX_TITLE = 500
MAX_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class PresentedOption:
    """An option or a statement: an opaque id and its content."""

    id: str
    content: str


@dataclass(frozen=True, slots=True)
class PresentedChoice:
    """Options in the order in which they stand on the screen."""

    kind: Literal["single", "multiple"]
    options: tuple[PresentedOption, ...]


@dataclass(frozen=True, slots=True)
class PresentedCluster:
    """Statements in the order in which they stand on the screen."""

    kind: ClassVar[Literal["tf_cluster"]] = "tf_cluster"
    statements: tuple[PresentedOption, ...]


@dataclass(frozen=True, slots=True)
class PresentedNumeric:
    """A field for at most `max_length` characters out of `allowed`, with a unit behind it."""

    kind: ClassVar[Literal["numeric"]] = "numeric"
    max_length: int
    allowed: str
    unit: str


PresentedInteraction = PresentedChoice | PresentedCluster | PresentedNumeric


@dataclass(frozen=True, slots=True)
class PresentedItem:
    """An item under its number (from 1, through the whole form)."""

    id: str
    number: int
    stem: str
    interaction: PresentedInteraction


@dataclass(frozen=True, slots=True)
class PresentedPart:
    """A part of the paper: a title (plain text), instructions (content) and its items."""

    title: str
    instructions: str
    items: tuple[PresentedItem, ...]


@dataclass(frozen=True, slots=True)
class PresentedForm:
    """A form: exam, paper (its title), code (mã đề), time allowed in minutes, parts, pictures."""

    exam: str
    paper: str
    code: str
    minutes: int
    parts: tuple[PresentedPart, ...]
    media: tuple[Media, ...] = ()
    schema: int = SCHEMA

    @property
    def items(self) -> tuple[PresentedItem, ...]:
        """All items in the order of their numbers."""
        return tuple(item for part in self.parts for item in part.items)


def encode(form: PresentedForm) -> bytes:
    """Canonical bytes of `form`; raises MalformedError where it breaks a rule of the format."""
    data = _canonical(_form_to_plain(form))
    decode(data)
    return data


def decode(data: bytes) -> PresentedForm:
    """The form that the canonical bytes `data` hold; raises MalformedError for anything else."""
    if len(data) > MAX_FORM_BYTES:
        raise MalformedError(f"form: more than {MAX_FORM_BYTES} bytes")
    try:
        value = cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError) as error:
        raise MalformedError(f"form: no CBOR ({type(error).__name__})") from None
    form = _form_from_plain(value)
    if _canonical(_form_to_plain(form)) != data:
        raise MalformedError("form: its bytes are not canonical")
    return form


def _canonical(value: object) -> bytes:
    try:
        return cbor2.dumps(value, canonical=True)
    except (cbor2.CBOREncodeError, ValueError) as error:
        raise MalformedError(f"form: cannot be written as CBOR ({type(error).__name__})") from None


def _form_to_plain(form: PresentedForm) -> dict[str, object]:
    return {
        "domain": DOMAIN,
        "schema": form.schema,
        "exam": form.exam,
        "paper": form.paper,
        "code": form.code,
        "minutes": form.minutes,
        "parts": [
            {
                "title": part.title,
                "instructions": part.instructions,
                "items": [_item_to_plain(item) for item in part.items],
            }
            for part in form.parts
        ],
        "media": [{"id": media.id, "mime": media.mime, "data": media.data} for media in form.media],
    }


def _item_to_plain(item: PresentedItem) -> dict[str, object]:
    return {
        "id": item.id,
        "number": item.number,
        "stem": item.stem,
        "interaction": _interaction_to_plain(item.interaction),
    }


def _interaction_to_plain(interaction: PresentedInteraction) -> dict[str, object]:
    match interaction:
        case PresentedChoice(kind=kind, options=options):
            return {"kind": kind, "options": _options_to_plain(options)}
        case PresentedCluster(statements=statements):
            return {"kind": interaction.kind, "statements": _options_to_plain(statements)}
        case PresentedNumeric(max_length=max_length, allowed=allowed, unit=unit):
            return {
                "kind": interaction.kind,
                "max_length": max_length,
                "allowed": allowed,
                "unit": unit,
            }


def _options_to_plain(options: tuple[PresentedOption, ...]) -> list[dict[str, str]]:
    return [{"id": option.id, "content": option.content} for option in options]


def _form_from_plain(value: object) -> PresentedForm:
    names = ("domain", "schema", "exam", "paper", "code", "minutes", "parts", "media")
    fields = plain.record(value, names, "form")
    if fields["domain"] != DOMAIN:
        raise MalformedError("form: the domain tag is another one")
    parts = plain.array(fields["parts"], "form parts", least=1, most=MAX_PARTS)
    media = plain.array(fields["media"], "form media", most=MAX_MEDIA)
    form = PresentedForm(
        schema=plain.integer(fields["schema"], "form schema", least=SCHEMA, most=SCHEMA),
        exam=plain.text(fields["exam"], "form exam", most=MAX_TITLE),
        paper=plain.text(fields["paper"], "form paper", most=MAX_TITLE),
        code=plain.identifier(fields["code"], "form code"),
        minutes=plain.integer(fields["minutes"], "form minutes", least=1, most=MAX_MINUTES),
        parts=tuple(_part_from_plain(part) for part in parts),
        media=tuple(_media_from_plain(entry) for entry in media),
    )
    _check_numbers_and_ids(form)
    _check_pictures(form)
    return form


def _part_from_plain(value: object) -> PresentedPart:
    fields = plain.record(value, ("title", "instructions", "items"), "part")
    items = plain.array(fields["items"], "part items", least=1, most=MAX_ITEMS)
    return PresentedPart(
        title=plain.text(fields["title"], "part title", most=MAX_TITLE),
        instructions=_content(fields["instructions"], "part instructions"),
        items=tuple(_item_from_plain(item) for item in items),
    )


def _item_from_plain(value: object) -> PresentedItem:
    fields = plain.record(value, ("id", "number", "stem", "interaction"), "item")
    return PresentedItem(
        id=plain.identifier(fields["id"], "item id"),
        number=plain.integer(fields["number"], "item number", least=1, most=MAX_ITEMS),
        stem=_content(fields["stem"], "item stem"),
        interaction=_interaction_from_plain(fields["interaction"]),
    )


def _interaction_from_plain(value: object) -> PresentedInteraction:
    kind = value.get("kind") if isinstance(value, dict) else None
    match kind:
        case "single" | "multiple":
            fields = plain.record(value, ("kind", "options"), "interaction")
            choice: Literal["single", "multiple"] = "single" if kind == "single" else "multiple"
            return PresentedChoice(choice, _options_from_plain(fields["options"]))
        case "tf_cluster":
            fields = plain.record(value, ("kind", "statements"), "interaction")
            return PresentedCluster(_options_from_plain(fields["statements"]))
        case "numeric":
            return _numeric_from_plain(value)
        case _:
            raise MalformedError("interaction: its kind is none of the known ones")


def _numeric_from_plain(value: object) -> PresentedNumeric:
    fields: Mapping[str, object] = plain.record(
        value, ("kind", "max_length", "allowed", "unit"), "interaction"
    )
    return PresentedNumeric(
        max_length=plain.integer(
            fields["max_length"], "max_length", least=1, most=MAX_NUMERIC_TEXT
        ),
        allowed=plain.text(fields["allowed"], "allowed", most=MAX_WORD),
        unit=plain.text(fields["unit"], "unit", most=MAX_WORD),
    )


def _options_from_plain(value: object) -> tuple[PresentedOption, ...]:
    options = []
    for entry in plain.array(value, "options", least=1, most=MAX_OPTIONS):
        fields = plain.record(entry, ("id", "content"), "option")
        content = _content(fields["content"], "option content")
        options.append(PresentedOption(plain.identifier(fields["id"], "option id"), content))
    if len({option.id for option in options}) != len(options):
        raise MalformedError("options: the same id twice")
    return tuple(options)


def _content(value: object, where: str) -> str:
    """Content in the one spelling that `content.clean` gives it: nothing else is shown."""
    fragment = plain.text(value, where, most=MAX_CONTENT)
    try:
        cleaned = clean(fragment)
    except ContentError as error:
        raise MalformedError(f"{where}: {error}") from None
    if cleaned != fragment:
        raise MalformedError(f"{where}: not in the spelling of question_bank.content.clean")
    return fragment


def _media_from_plain(value: object) -> Media:
    fields = plain.record(value, ("id", "mime", "data"), "media")
    mime = plain.text(fields["mime"], "media type", most=64)
    if mime not in MIME_TYPES:
        raise MalformedError(f"media: {mime!r} is none of {', '.join(MIME_TYPES)}")
    data = plain.octets(fields["data"], "media data", most=MAX_FORM_BYTES)
    return Media(plain.identifier(fields["id"], "media id"), mime, data)


def _check_numbers_and_ids(form: PresentedForm) -> None:
    items = form.items
    if [item.number for item in items] != list(range(1, len(items) + 1)):
        raise MalformedError("form: the items are not numbered 1, 2, 3, …")
    if len({item.id for item in items}) != len(items):
        raise MalformedError("form: two items have the same id")
    if len({media.id for media in form.media}) != len(form.media):
        raise MalformedError("form: two pictures have the same id")


def _check_pictures(form: PresentedForm) -> None:
    known = {media.id for media in form.media}
    for fragment in _fragments(form):
        missing = [name for name in media_ids(fragment) if name not in known]
        if missing:
            raise MalformedError(f"form: picture {missing[0]!r} is shown and not there")


def _fragments(form: PresentedForm) -> Iterator[str]:
    yield from (part.instructions for part in form.parts)
    for item in form.items:
        yield item.stem
        match item.interaction:
            case PresentedChoice(options=options) | PresentedCluster(statements=options):
                yield from (option.content for option in options)
            case PresentedNumeric():
                pass
