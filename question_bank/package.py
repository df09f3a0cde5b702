"""The canonical bytes of a form as a candidate is shown it, without its keys.

The format is a whitelist: what these types do not have cannot leave the server. Ids are opaque
and per form, options are already arranged. Bytes are deterministic CBOR (RFC 8949 §4.2.3, keys
by length first), one domain tag, one schema version; `decode` takes nothing else.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

import cbor2

from question_bank import plain
from question_bank.content import MAX_CONTENT, media_ids, respelled
from question_bank.errors import ContentError, MalformedError
from question_bank.interaction_records import later_from_plain, later_to_plain
from question_bank.interactions import MAX_NUMERIC_TEXT, MAX_OPTIONS, MAX_WORD, contents_of
from question_bank.interactions import MAX_PARTS as MAX_ITEM_PARTS
from question_bank.item import Media
from question_bank.presented import (
    FREE,
    FREE_3,
    MAX_FORM_ITEMS,
    SCHEMAS,
    SEQUENTIAL,
    SEQUENTIAL_4,
    PresentedChoice,
    PresentedCluster,
    PresentedComposite,
    PresentedForm,
    PresentedInteraction,
    PresentedItem,
    PresentedItemPart,
    PresentedNumeric,
    PresentedOption,
    PresentedPart,
    PresentedSimple,
    PresentedStimulus,
    schema_of,
)
from question_bank.presented_checks import check_form

__all__ = [
    "DOMAIN", "FREE", "MAX_FORM_BYTES", "MAX_ITEMS", "MAX_MEDIA", "MAX_MINUTES", "MAX_PARTS",
    "SCHEMAS", "SEQUENTIAL", "PresentedChoice", "PresentedCluster", "PresentedComposite",
    "PresentedForm", "PresentedInteraction", "PresentedItem", "PresentedItemPart",
    "PresentedNumeric", "PresentedOption", "PresentedPart", "PresentedStimulus", "decode",
    "encode", "minutes_from_plain",
]  # fmt: skip

DOMAIN = "truong-thi/form"
MIME_TYPES = (
    "image/png", "image/jpeg", "image/svg+xml", "audio/mpeg", "audio/ogg", "audio/wav",
)  # fmt: skip

MAX_FORM_BYTES = 64 * 1024 * 1024
MAX_MEDIA = 500
MAX_PARTS = 50
MAX_ITEMS = MAX_FORM_ITEMS
MAX_TITLE = 500
MAX_MINUTES = 24 * 60


def encode(form: PresentedForm) -> bytes:
    """Canonical bytes of `form`; raises MalformedError where it breaks a rule of the format."""
    data = _canonical(_form_to_plain(form))
    decode(data)
    return data


def decode(data: bytes) -> PresentedForm:
    """The form that the canonical bytes `data` hold; raises MalformedError for anything else.

    Forms do not change, so the same bytes give the same form again without being read anew.
    """
    if len(data) > MAX_FORM_BYTES:
        raise MalformedError(f"form: more than {MAX_FORM_BYTES} bytes")
    digest = sha256(data).digest()
    form = _READ.get(digest)
    if form is None:
        form = _read(data)
        if len(_READ) >= MAX_READ:
            _READ.clear()
        _READ[digest] = form
    return form


#: The forms read last in this process, by the SHA-256 of their bytes.
_READ: dict[bytes, PresentedForm] = {}
MAX_READ = 16


def _read(data: bytes) -> PresentedForm:
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
        "parts": [_part_to_plain(part, form) for part in form.parts],
        "media": [{"id": media.id, "mime": media.mime, "data": media.data} for media in form.media],
        **({} if form.schema < FREE_3 else {"stimuli": _stimuli_to_plain(form.stimuli)}),
    }


def _stimuli_to_plain(stimuli: tuple[PresentedStimulus, ...]) -> list[dict[str, str]]:
    return [{"id": stimulus.id, "content": stimulus.content} for stimulus in stimuli]


def _part_to_plain(part: PresentedPart, form: PresentedForm) -> dict[str, object]:
    if part.minutes is not None and not form.sequential:
        raise MalformedError("part: only a sequential paper's parts have a time of their own")
    return {
        "title": part.title,
        "instructions": part.instructions,
        "items": [_item_to_plain(item, form.schema) for item in part.items],
        **({"minutes": part.minutes} if form.sequential else {}),
    }


def _item_to_plain(item: PresentedItem, schema: int) -> dict[str, object]:
    return {
        "id": item.id,
        "number": item.number,
        "stem": item.stem,
        "interaction": _interaction_to_plain(item.interaction),
        **({} if schema < FREE_3 else {"stimulus": item.stimulus}),
    }


def _interaction_to_plain(interaction: PresentedInteraction) -> dict[str, object]:
    match interaction:
        case PresentedChoice(kind=kind, options=options, max_choices=most):
            limit = {"max_choices": most} if most else {}
            return {"kind": kind, "options": _options_to_plain(options), **limit}
        case PresentedCluster(statements=statements):
            return {"kind": interaction.kind, "statements": _options_to_plain(statements)}
        case PresentedNumeric(max_length=max_length, allowed=allowed, unit=unit):
            return {
                "kind": interaction.kind,
                "max_length": max_length,
                "allowed": allowed,
                "unit": unit,
            }
        case PresentedComposite(parts=parts):
            shown = [
                {"id": part.id, "interaction": _interaction_to_plain(part.interaction)}
                for part in parts
            ]
            return {"kind": interaction.kind, "parts": shown}
        case _:
            return later_to_plain(interaction)


def _options_to_plain(options: tuple[PresentedOption, ...]) -> list[dict[str, str]]:
    return [{"id": option.id, "content": option.content} for option in options]


def _form_from_plain(value: object) -> PresentedForm:
    names = ("domain", "schema", "exam", "paper", "code", "minutes", "parts", "media")
    fields = plain.record(value, names, "form", optional=("stimuli",))
    if fields["domain"] != DOMAIN:
        raise MalformedError("form: the domain tag is another one")
    parts = plain.array(fields["parts"], "form parts", least=1, most=MAX_PARTS)
    media = plain.array(fields["media"], "form media", most=MAX_MEDIA)
    schema = plain.integer(fields["schema"], "form schema", least=FREE, most=SEQUENTIAL_4)
    if ("stimuli" in fields) != (schema >= FREE_3):
        raise MalformedError("form: stimuli belong to schemas 3 and 4, and nowhere else")
    form = PresentedForm(
        schema=schema,
        exam=plain.text(fields["exam"], "form exam", most=MAX_TITLE),
        paper=plain.text(fields["paper"], "form paper", most=MAX_TITLE),
        code=plain.identifier(fields["code"], "form code"),
        minutes=plain.integer(fields["minutes"], "form minutes", least=1, most=MAX_MINUTES),
        parts=tuple(_part_from_plain(part, schema) for part in parts),
        media=tuple(_media_from_plain(entry) for entry in media),
        stimuli=_stimuli_from_plain(fields.get("stimuli", [])),
    )
    if form.schema != schema_of(form.parts, form.stimuli, sequential=form.sequential):
        raise MalformedError("form: its schema is not the lowest that can say it")
    check_form(form, _pictures)
    check_minutes(form.minutes, [part.minutes for part in form.parts])
    return form


def check_minutes(paper: int, parts: Iterable[int | None]) -> None:
    """MalformedError where the parts' own times are longer than the paper's."""
    if sum(minutes or 0 for minutes in parts) > paper:
        raise MalformedError("form: its parts have more time than the whole paper")


def _stimuli_from_plain(value: object) -> tuple[PresentedStimulus, ...]:
    stimuli = []
    for entry in plain.array(value, "stimuli", most=MAX_ITEMS):
        fields = plain.record(entry, ("id", "content"), "stimulus")
        content = _content(fields["content"], "stimulus content")
        stimuli.append(PresentedStimulus(plain.identifier(fields["id"], "stimulus id"), content))
    return tuple(stimuli)


def _part_from_plain(value: object, schema: int) -> PresentedPart:
    sequential = schema in (SEQUENTIAL, SEQUENTIAL_4)
    names = ("title", "instructions", "items", *(("minutes",) if sequential else ()))
    fields = plain.record(value, names, "part")
    items = plain.array(fields["items"], "part items", least=1, most=MAX_ITEMS)
    return PresentedPart(
        title=plain.text(fields["title"], "part title", most=MAX_TITLE),
        instructions=_content(fields["instructions"], "part instructions"),
        items=tuple(_item_from_plain(item, schema) for item in items),
        minutes=minutes_from_plain(fields.get("minutes")),
    )


def minutes_from_plain(value: object) -> int | None:
    """A part's own time, None where it has none."""
    if value is None:
        return None
    return plain.integer(value, "part minutes", least=1, most=MAX_MINUTES)


def _item_from_plain(value: object, schema: int) -> PresentedItem:
    later = ("stimulus",) if schema >= FREE_3 else ()
    fields = plain.record(value, ("id", "number", "stem", "interaction", *later), "item")
    stimulus = fields.get("stimulus")
    return PresentedItem(
        id=plain.identifier(fields["id"], "item id"),
        number=plain.integer(fields["number"], "item number", least=1, most=MAX_ITEMS),
        stem=_content(fields["stem"], "item stem"),
        interaction=_interaction_from_plain(fields["interaction"]),
        stimulus=None if stimulus is None else plain.identifier(stimulus, "item stimulus"),
    )


def _interaction_from_plain(value: object) -> PresentedInteraction:
    if isinstance(value, dict) and value.get("kind") == "composite":
        given = plain.record(value, ("kind", "parts"), "interaction")["parts"]
        parts = []
        for entry in plain.array(given, "interaction parts", least=1, most=MAX_ITEM_PARTS):
            fields = plain.record(entry, ("id", "interaction"), "part")
            simple = _simple_from_plain(fields["interaction"])
            parts.append(PresentedItemPart(plain.identifier(fields["id"], "part id"), simple))
        return PresentedComposite(tuple(parts))
    return _simple_from_plain(value)


def _simple_from_plain(value: object) -> PresentedSimple:
    kind = value.get("kind") if isinstance(value, dict) else None
    match kind:
        case "single":
            fields = plain.record(value, ("kind", "options"), "interaction")
            return PresentedChoice("single", _options_from_plain(fields["options"]))
        case "multiple":
            names = ("kind", "options")
            fields = plain.record(value, names, "interaction", optional=("max_choices",))
            limit = fields.get("max_choices", 0)
            most = plain.integer(limit, "max_choices", least=0, most=MAX_OPTIONS)
            return PresentedChoice("multiple", _options_from_plain(fields["options"]), most)
        case "tf_cluster":
            fields = plain.record(value, ("kind", "statements"), "interaction")
            return PresentedCluster(_options_from_plain(fields["statements"]))
        case "numeric":
            return _numeric_from_plain(value)
        case _:
            interaction = later_from_plain(value)
            for fragment in contents_of(interaction):
                _content(fragment, "interaction")
            return interaction


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
    _pictures(fragment, where)
    return fragment


#: Fragments that were proven in this process, by SHA-256, with the pictures that they show. The
#: same statement comes in many forms, and each form is read more than once.
_PROVEN: dict[bytes, tuple[str, ...]] = {}
MAX_PROVEN = 20_000


def _pictures(fragment: str, where: str) -> tuple[str, ...]:
    """The pictures of a fragment; MalformedError unless it is in its canonical spelling."""
    try:
        digest = sha256(fragment.encode()).digest()
        known = _PROVEN.get(digest)
        if known is not None:
            return known
        spelled, pictures = respelled(fragment), media_ids(fragment)
    except (ContentError, UnicodeEncodeError) as error:
        raise MalformedError(f"{where}: {error}") from None
    if spelled != fragment:
        raise MalformedError(f"{where}: not in the spelling of question_bank.content.clean")
    if len(_PROVEN) >= MAX_PROVEN:
        _PROVEN.clear()
    _PROVEN[digest] = pictures
    return pictures


def _media_from_plain(value: object) -> Media:
    fields = plain.record(value, ("id", "mime", "data"), "media")
    mime = plain.text(fields["mime"], "media type", most=64)
    if mime not in MIME_TYPES:
        raise MalformedError(f"media: {mime!r} is none of {', '.join(MIME_TYPES)}")
    data = plain.octets(fields["data"], "media data", most=MAX_FORM_BYTES)
    return Media(plain.identifier(fields["id"], "media id"), mime, data)
