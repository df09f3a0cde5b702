"""Items as the kiosk lays them out on a page: everything that is asked, nothing that answers."""

from dataclasses import replace

import pytest

from exam_server.items.asked import AskedItem, asked_item
from question_bank.content import plain_text
from question_bank.interactions import Area, Composite, contents_of, pieces_of
from question_bank.item import Item
from question_bank.keys import ChoiceKey, ResponseProcessing
from tests.interaction_items import ITEMS


def _asked(item: Item) -> AskedItem:
    return asked_item(item, "/media/{}".format)


def _words(markup: str) -> str:
    return " ".join(markup.split())


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_option_and_every_part_is_there(item: Item) -> None:
    asked = _asked(item)
    parts = [part for _, part in asked.stem if part is not None]
    shown = [asked.asked] if asked.asked is not None else parts
    inner = item.interaction
    kinds = [one.interaction for one in inner.parts] if isinstance(inner, Composite) else [inner]
    assert [one.kind for one in shown] == [one.kind for one in kinds]
    for one, interaction in zip(shown, kinds, strict=True):
        held = [p for p in pieces_of(interaction) if not isinstance(p, Area)]
        assert len(one.options) + len(one.targets) == len(held)
        for fragment, markup in zip(
            [piece.content for piece in held], [*one.options, *one.targets], strict=True
        ):
            if "<" not in fragment:
                assert plain_text(fragment) in _words(str(markup).replace("&amp;", "&"))
        assert bool(one.text) == any(True for _ in contents_of(interaction) if hasattr(
            interaction, "text"))  # fmt: skip
        areas = sum(isinstance(p, Area) for p in pieces_of(interaction))
        drawn = sum(
            one.picture.count(f"<{tag} ") for tag in ("circle", "rect", "ellipse", "polygon")
        )
        assert drawn == areas and "<text" not in one.picture
    assert "data-part" not in repr(asked) and "media:" not in repr(asked)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_what_is_right_is_nowhere_in_it(item: Item) -> None:
    if isinstance(item.scoring, ResponseProcessing) or not isinstance(item.key, ChoiceKey):
        return
    ids = [one.id for one in pieces_of(item.interaction)]
    others = [one for one in ids if one not in item.key.options][:1]
    if others and item.kind in ("single", "inline_choice"):
        turned = replace(item, key=ChoiceKey((others[0],)))
        assert _asked(turned) == _asked(item)


def test_gaps_and_words_are_marked_in_their_text() -> None:
    gaps = _asked(next(one for one in ITEMS if one.kind == "gap_match")).asked
    words = _asked(next(one for one in ITEMS if one.kind == "hot_text")).asked
    assert gaps is not None and words is not None
    assert gaps.text.count('<span class="gap-box"></span>') >= 1
    assert words.text.count('<span class="hot-word">') >= 2
