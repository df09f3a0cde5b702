"""Items of every kind in a real browser: as candidates see them, and in the fields of a page."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from browser_site import Site, Visitor, open_browser
from playwright.sync_api import Browser, expect
from staff_items import MATHS, bring, grant_subjects

from question_bank.interchange.qti3 import read_qti3
from question_bank.item import AllOrNothing, ChoiceKey, Item, ItemMetadata, Option, SingleChoice
from question_bank.sounds import sound
from tests.browser.test_staff_journeys import FAINT, UNLABELLED

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
SCREENS = ROOT / "build" / "screens"


#: Plays the first sound of the page to its end and tells how long it is.
PLAY = """async () => {
  const sound = document.querySelector("audio");
  const ended = new Promise((done) => { sound.addEventListener("ended", done); });
  await sound.play();
  await ended;
  return sound.duration;
}"""


def science() -> tuple[Item, ...]:
    archive = ROOT / "fixtures" / "science" / "science.zip"
    items = read_qti3(archive.read_bytes(), archive.name).items
    return tuple(replace(one, metadata=replace(one.metadata, subject=MATHS)) for one in items)


def listening() -> Item:
    data = (ROOT / "fixtures" / "sound" / "tones.mp3").read_bytes()
    media = sound(data, "tones.mp3")
    stem = f'<p>Nghe rồi chọn.</p><audio data-plays="2" src="media:{media.id}" title="Ba âm"/>'
    options = (Option("A", "Thấp dần"), Option("B", "Cao dần"))
    return Item(
        "nghe-1", stem, SingleChoice(options), ChoiceKey(("B",)), AllOrNothing(), Decimal("0.25"),
        ItemMetadata(MATHS, language="vi"), (media,),
    )  # fmt: skip


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_kind_draws_and_is_edited(chromium: Browser, site: Site, language: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    grant_subjects(site.world)
    items = {one.kind: bring(site.world, "rade", one) for one in science()}
    items["listening"] = bring(site.world, "rade", listening())
    context, visitor = open_browser(chromium, site)
    page = visitor.page
    visitor.go("/login")
    if language == "en":
        visitor.choose_english()
    visitor.sign_in("rade")
    for kind, item in items.items():
        for path, name in ((f"/bank/items/{item}", "kind"), (f"/bank/items/{item}/edit", "edit")):
            visitor.go(path)
            page.wait_for_load_state("networkidle")
            shown = f"{name}-{kind}"
            page.screenshot(path=str(SCREENS / f"web-bank-{shown}-{language}.png"), full_page=True)
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), shown
            assert page.evaluate(UNLABELLED) == [], shown
            assert page.evaluate(FAINT) == [], shown
    assert visitor.complaints == []
    context.close()


def test_a_sound_is_heard_and_a_picture_tells_its_pixels(
    chromium: Browser, site: Site, visitor: Visitor
) -> None:
    grant_subjects(site.world)
    heard = bring(site.world, "rade", listening())
    asked = next(one for one in science() if one.kind == "hotspot")
    spots = bring(site.world, "rade", asked)
    page = visitor.page
    visitor.sign_in("rade")
    visitor.go(f"/bank/items/{heard}")
    played = page.evaluate(PLAY)
    assert played == pytest.approx(1.5, abs=0.1)
    visitor.go(f"/bank/items/{spots}/edit")
    page.locator("[data-coordinates] svg").click(position={"x": 20, "y": 10})
    expect(page.locator("[data-coordinates] output")).not_to_be_empty()
    assert visitor.complaints == []
