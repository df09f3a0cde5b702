"""A picture or a sound that a writer puts into an item, from a file."""

from dataclasses import dataclass, replace
from enum import StrEnum
from xml.sax.saxutils import quoteattr

from exam_server.items.answer_fields import Answer
from exam_server.items.editing import Draft
from exam_server.items.problem_words import translated
from exam_server.items.reading_apart import NotReadError, file_name, medium_apart
from exam_server.items.typed import Typed
from exam_server.web.texts import Language
from exam_server.web.visit import Visit
from question_bank.content import BLOCK, MAX_PLAYS, parse
from question_bank.interactions import (
    MAX_COORDINATE,
    GraphicGapMatch,
    GraphicOrder,
    Hotspot,
    SelectPoint,
    picture_of,
)
from question_bank.interchange.pictures import is_sound, pixels_of
from question_bank.item import Item, Media

FILE, PLACE, TITLE, PLAYS = "file", "file_place", "file_title", "file_plays"


class FilePlace(StrEnum):
    """Where the file goes."""

    STEM = "stem"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Added:
    """The file, where it goes, what it shows in words, and how often a sound may be heard."""

    media: Media
    place: FilePlace
    title: str
    plays: int


def added_file(visit: Visit, draft: Draft, typed: Typed) -> Added | None:
    """What was sent along; None where nothing was, or where `typed` says what is wrong with it."""
    picture = picture_of(draft.answer.interaction)
    upload = visit.upload(FILE)
    if upload is None:
        if picture is not None and not picture.media:
            typed.wrong(FILE, "missing")
        return None
    plays = visit.field(PLAYS) or "0"
    if not (plays.isascii() and plays.isdigit() and int(plays[:4]) <= MAX_PLAYS):
        typed.wrong(PLAYS, "number")
        return None
    wanted = visit.choice(PLACE, FilePlace) or FilePlace.STEM
    if picture is not None and not picture.media:
        wanted = FilePlace.PICTURE
    try:
        name = file_name(upload.filename or "")
        media = medium_apart(upload.file.read(), name, visit.signed_in.id)
    except NotReadError as error:
        told = translated(str(error)) if visit.language is Language.VIETNAMESE else None
        typed.wrong(FILE, "unreadable", told or str(error))
        if told:
            typed.vietnamese.add(FILE)
        return None
    if wanted is FilePlace.PICTURE and (is_sound(media) or picture is None):
        typed.wrong(FILE, "no_picture")
        return None
    return Added(media, wanted, visit.field(TITLE)[:200], int(plays))


def onto_picture(draft: Draft, added: Added | None, typed: Typed) -> Draft:
    """The draft with the picture that is answered on."""
    asked = draft.answer.interaction
    if added is None or added.place is not FilePlace.PICTURE:
        return draft
    if not isinstance(asked, Hotspot | GraphicOrder | GraphicGapMatch | SelectPoint):
        return draft
    width, height = pixels_of(added.media)
    if not (0 < width <= MAX_COORDINATE and 0 < height <= MAX_COORDINATE):
        typed.wrong(FILE, "no_size")
        return draft
    picture = replace(asked.picture, media=added.media.id, width=width, height=height)
    answer: Answer = replace(draft.answer, interaction=replace(asked, picture=picture))
    others = [
        one for one in draft.item.media if one.id not in (asked.picture.media, added.media.id)
    ]
    return replace(draft, item=replace(draft.item, media=(*others, added.media)), answer=answer)


def into_stem(item: Item, added: Added | None) -> Item:
    """The item with the file at the end of its stem."""
    if added is None or added.place is not FilePlace.STEM:
        return item
    others = tuple(one for one in item.media if one.id != added.media.id)
    return replace(item, media=(*others, added.media), stem=item.stem + _tag(item.stem, added))


def _tag(stem: str, added: Added) -> str:
    name, words = f"media:{added.media.id}", quoteattr(added.title)
    if is_sound(added.media):
        plays = f' data-plays="{added.plays}"' if added.plays else ""
        title = f" title={words}" if added.title else ""
        return f"<audio{plays} src={quoteattr(name)}{title}/>"
    image = f"<img alt={words} src={quoteattr(name)}/>"
    blocks = any(str(one.tag) in BLOCK - {"br"} for one in parse(stem))
    return f"<p>{image}</p>" if blocks or not stem else f"<br/>{image}"
