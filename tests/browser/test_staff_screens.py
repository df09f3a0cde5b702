"""Every page in both languages: drawn without a complaint, without a gap, and kept as a picture."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from browser_site import Site, open_browser
from playwright.sync_api import Browser, Page
from staff_moves import leave_answers_behind, two_hands
from staff_trust import put_in_force, two_changes
from staff_world import World, run_busy_room

from exam_server.contract.api import ShiftState
from exam_server.forms.models import Form
from exam_server.grading.service import grade_shift
from exam_server.shifts.models import Shift

SCREENS = Path(__file__).parents[2] / "build" / "screens"


def printed_pages(page: Page) -> int:
    """How many sheets of paper the page takes."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


def start_was(world: World, by: timedelta) -> None:
    """Moves the moment of the start signal."""
    with world.server.transaction() as session:
        shift = session.scalars(sa.select(Shift)).one()
        assert shift.started_at is not None
        shift.started_at += by


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
    page.locator("#codes").click()
    picture("codes")
    for code in ("room", "start"):
        page.locator(f"#show-{code}").click()
        page.locator(f"[data-code={code}]").wait_for()
        picture(f"code-{code}")
        page.emulate_media(media="print")
        picture(f"code-{code}-print")
        assert printed_pages(page) == 1
        page.emulate_media(media="null")
        page.go_back()
    with world.server.transaction() as session:
        for form in session.scalars(sa.select(Form)):
            form.sections = [{"minutes": minutes, "items": []} for minutes in (30, 40, 20)]
    visitor.go(f"/rooms/{world.shift}/{world.room}")
    picture("room-sections")
    visitor.go(f"/placements/{world.placements[2]}")
    picture("candidate-sections-room")
    with world.server.transaction() as session:
        for form in session.scalars(sa.select(Form)):
            form.sections = None
    visitor.go(f"/rooms/{world.shift}/{world.room}")
    page.set_viewport_size({"width": 820, "height": 1180})
    picture("room-tablet")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".waiting-list a.warm").first.click()
    picture("decision")
    visitor.go(f"/placements/{world.placements[3]}")
    picture("candidate-room")
    world.add_machine("P.101", "21")
    visitor.go(f"/placements/{world.placements[5]}/move")
    picture("move")
    attempt = leave_answers_behind(world)
    visitor.go(f"/attempts/{attempt}/late")
    picture("late")
    visitor.go(f"/placements/{world.placements[2]}")
    picture("candidate-late-room")
    attempt = two_hands(world)
    visitor.go(f"/attempts/{attempt}/conflict")
    picture("conflict")
    visitor.go(f"/rooms/{world.shift}/{world.room}")
    picture("room-conflict")
    visitor.go(f"/placements/{world.placements[14]}/check-in")
    picture("manual")
    start_was(world, timedelta(minutes=-30))
    visitor.go(f"/placements/{world.placements[14]}/check-in")
    picture("manual-over")
    start_was(world, timedelta(minutes=30))
    visitor.go(f"/shifts/{world.shift}/program")
    picture("program")
    visitor.go(f"/shifts/{world.shift}/close")
    picture("shift-close")
    visitor.go("/stations")
    picture("stations")
    visitor.go(f"/results/{world.shift}")
    picture("results-not-closed")
    with world.server.transaction() as session:
        session.execute(
            sa.update(Shift).where(Shift.id == world.shift).values(state=ShiftState.CLOSED)
        )
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
    assert printed_pages(page) == 1
    put_in_force(world, *two_changes(world))
    visitor.go("/trust")
    picture("trust")
    visitor.go("/audit")
    picture("audit")
    assert visitor.complaints == []
    visitor.go("/nowhere")
    picture("not-found")
    context.close()
