"""What holds a form together: numbers, ids, places, stimuli and pictures agree."""

from collections.abc import Callable, Iterator
from itertools import groupby

from question_bank import content
from question_bank.errors import ItemError, MalformedError
from question_bank.fitting import check_interaction
from question_bank.interactions import Area, Picture, contents_of, pieces_of
from question_bank.presented import (
    PresentedChoice,
    PresentedCluster,
    PresentedComposite,
    PresentedForm,
    PresentedInteraction,
    PresentedItem,
    PresentedNumeric,
    sounds_in,
)


def check_form(form: PresentedForm, pictures: Callable[[str, str], tuple[str, ...]]) -> None:
    """Raises MalformedError for the first disagreement; `pictures(fragment, where)` gives the ids
    of the pictures that content shows."""
    _check_numbers_and_ids(form)
    _check_stimuli(form)
    for item in form.items:
        _check_item(item)
    _check_pictures(form, pictures)
    _check_sounds(form)


def _check_numbers_and_ids(form: PresentedForm) -> None:
    items = form.items
    if [item.number for item in items] != list(range(1, len(items) + 1)):
        raise MalformedError("form: the items are not numbered 1, 2, 3, …")
    if len({item.id for item in items}) != len(items):
        raise MalformedError("form: two items have the same id")
    if len({media.id for media in form.media}) != len(form.media):
        raise MalformedError("form: two pictures have the same id")


def _check_stimuli(form: PresentedForm) -> None:
    """Every stimulus is there, is used, and has its items one after the other in one part."""
    known = [stimulus.id for stimulus in form.stimuli]
    groups = [name for part in form.parts for name, _ in groupby(i.stimulus for i in part.items)]
    used = [name for name in groups if name is not None]
    if len(set(known)) != len(known) or len(set(used)) != len(used):
        raise MalformedError("form: the items of one stimulus do not stand together")
    if set(known) != set(used):
        raise MalformedError("form: a stimulus is missing, or belongs to no item")


def _check_item(item: PresentedItem) -> None:
    interaction = item.interaction
    places: tuple[str, ...] = ()
    if isinstance(interaction, PresentedComposite):
        places = tuple(part.id for part in interaction.parts)
        for part in interaction.parts:
            _check_interaction(item, part.interaction)
    else:
        _check_interaction(item, interaction)
    if content.part_ids(item.stem) != places or len(set(places)) != len(places):
        raise MalformedError(f"item {item.number}: the stem has not one place for each part")


def _check_interaction(item: PresentedItem, interaction: PresentedInteraction) -> None:
    match interaction:
        case PresentedChoice() | PresentedCluster() | PresentedNumeric() | PresentedComposite():
            return
        case _:
            pass
    try:
        check_interaction(f"item {item.number}", interaction)
    except ItemError as error:
        raise MalformedError(str(error)) from None
    fixed = any(not isinstance(p, Area) and p.fixed for p in pieces_of(interaction))
    if fixed or getattr(interaction, "shuffle", False):
        raise MalformedError(f"item {item.number}: it is not arranged")


def _check_pictures(form: PresentedForm, pictures: Callable[[str, str], tuple[str, ...]]) -> None:
    known = {media.id for media in form.media}
    shown = [name for fragment in _fragments(form) for name in pictures(fragment, "form")]
    for name in (*shown, *_answered_on(form)):
        if name not in known:
            raise MalformedError(f"form: picture {name!r} is shown and not there")


def _check_sounds(form: PresentedForm) -> None:
    """Sounds stand in stems and stimuli, and are sounds; each is played as often everywhere."""
    heard = sounds_in(form)
    known = {media.id for media in form.media if media.mime.startswith("audio/")}
    if not heard.keys() <= known:
        raise MalformedError("form: what is to be heard is no sound")
    places = (*(part.instructions for part in form.parts), *_answers(form))
    if any(content.sounds_of(fragment) for fragment in places):
        raise MalformedError("form: a sound stands in a stem or a stimulus, nowhere else")


def _answers(form: PresentedForm) -> Iterator[str]:
    for item in form.items:
        yield from _inner(item.interaction)


def _fragments(form: PresentedForm) -> Iterator[str]:
    """All content of the form; MalformedError where a place in it was left empty."""
    for fragment in _contents(form):
        if content.value_names(fragment) or content.numbered(fragment):
            raise MalformedError("form: a value or a number in a text was not filled in")
        yield fragment


def _contents(form: PresentedForm) -> Iterator[str]:
    yield from (part.instructions for part in form.parts)
    yield from (stimulus.content for stimulus in form.stimuli)
    for item in form.items:
        yield item.stem
        yield from _inner(item.interaction)


def _inner(interaction: PresentedInteraction) -> Iterator[str]:
    match interaction:
        case PresentedChoice(options=options) | PresentedCluster(statements=options):
            yield from (option.content for option in options)
        case PresentedNumeric():
            return
        case PresentedComposite(parts=parts):
            for part in parts:
                yield from _inner(part.interaction)
        case _:
            yield from contents_of(interaction)


def _answered_on(form: PresentedForm) -> Iterator[str]:
    """The pictures that are answered on."""
    for item in form.items:
        shown = item.interaction
        parts = shown.parts if isinstance(shown, PresentedComposite) else ()
        for interaction in (shown, *(part.interaction for part in parts)):
            picture = getattr(interaction, "picture", None)
            if isinstance(picture, Picture):
                yield picture.media
