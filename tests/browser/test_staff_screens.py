"""Every page in both languages: drawn without a complaint, without a gap, and kept as a picture."""

from pathlib import Path

import pytest
from browser_site import Site, open_browser
from playwright.sync_api import Browser
from staff_trust import put_in_force, two_changes
from staff_world import run_busy_room

from exam_server.grading.service import grade_shift

SCREENS = Path(__file__).parents[2] / "build" / "screens"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_draws_in_both_languages(chromium: Browser, site: Site, language: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    world = site.world
    run_busy_room(world)
    context, visitor = open_browser(chromium, site)
    page = visitor.page

    def picture(name: str) -> None:
        page.wait_for_load_state("networkidle" if "room" not in name else "load")
        page.wait_for_timeout(400)
        page.screenshot(path=str(SCREENS / f"web-{name}-{language}.png"), full_page=True)
        too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not too_wide, name

    visitor.go("/login")
    if language == "en":
        visitor.choose_english()
    assert page.locator("html").get_attribute("lang") == language
    picture("login")
    visitor.sign_in("hoidong")
    picture("overview")
    visitor.go(f"/rooms/{world.shift}/{world.room}")
    page.locator("[data-link-state].live").wait_for()
    picture("room")
    page.set_viewport_size({"width": 820, "height": 1180})
    picture("room-tablet")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".waiting-list a.warm").first.click()
    picture("decision")
    visitor.go(f"/placements/{world.placements[3]}")
    picture("candidate-room")
    visitor.go(f"/placements/{world.placements[14]}/check-in")
    picture("manual")
    visitor.go(f"/shifts/{world.shift}/close")
    picture("shift-close")
    visitor.go("/stations")
    picture("stations")
    with world.server.transaction() as session:
        grade_shift(
            session,
            world.shift,
            officer=world.officer("hoidong"),
            keys=world.server.keys,
            grace=world.server.settings.grace,
            now=world.server.now(),
        )
    visitor.go("/results")
    picture("results-shifts")
    visitor.go(f"/results/{world.shift}")
    picture("results")
    page.locator("a[href^='/results/slips/']").first.click()
    picture("slip")
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert printed.count(b"/Type /Page\n") == 1
    put_in_force(world, *two_changes(world))
    visitor.go("/trust")
    picture("trust")
    visitor.go("/audit")
    picture("audit")
    assert visitor.complaints == []
    visitor.go("/nowhere")
    picture("not-found")
    context.close()
