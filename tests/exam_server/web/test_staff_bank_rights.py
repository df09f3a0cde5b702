"""Every route of the bank: whose item it is not for finds none there, and who saw a secret one is
written down. A new route fails here until it is thought of."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from staff_browser import Browser
from staff_items import MATHS, bring, choice_item, grant_subjects
from staff_world import World
from test_staff_access import _routes

from exam_server.items import bulk, exports, history, importing
from exam_server.items.bulk import Value
from exam_server.items.bulk_models import Task
from exam_server.items.models import Act, ItemCard
from exam_server.items.reading_apart import Reading

SignIn = Callable[[str], Browser]
#: Routes that name nothing: everybody of the bank opens them, and sees there what is theirs.
LISTS = {
    "/bank", "/bank/new", "/bank/imports", "/bank/jobs", "/bank/exports", "/bank/duplicates",
    "/bank/template",
}  # fmt: skip
#: What the forms of a POST need to get as far as the item.
FIELDS = {
    "/bank/items/{item}/step": {"action": "submit", "mark": "x"},
    "/bank/items/{item}/comment": {"comment": "Xem lại"},
    "/bank/items/{item}/secrecy": {"secret": "false", "secrecy": "vì thế"},
    "/bank/items/{item}/export": {"export": "để xem"},
    "/bank/items/{item}/edit": {"stem": "Khác", "mark": "x"},
    "/bank/exports/{export}": {"act": "grant"},
    "/bank/imports/{bring}": {"act": "all"},
    "/bank/jobs/{job}": {"act": "undo"},
}


@dataclass(frozen=True, slots=True)
class Named:
    """A secret item, and what hangs on it."""

    item: str
    values: dict[str, str]


@pytest.fixture(scope="module")
def named(world: World) -> Named:
    grant_subjects(world)
    server, rade = world.server, world.officer("rade")
    secret = bring(world, "rade", choice_item("bi-mat"), secret=True)
    with server.transaction() as session:
        wish = exports.ask(session, rade, secret, "để in", sealing=server.sealing, now=server.now())
        brought = importing.keep(
            session, rade, Reading((choice_item("nhap"),), (), {}), file="de.docx", subject=MATHS,
            secret=True, sealing=server.sealing, now=server.now(),
        )  # fmt: skip
        job = bulk.begin(
            session, rade, Task.TAG, [secret], Value(tag="kín"), sealing=server.sealing,
            now=server.now(),
        )  # fmt: skip
    values = {
        "item": secret, "export": wish, "bring": brought, "job": job, "version": "1",
        "media": "hinh", "place": "0", "other": secret,
    }  # fmt: skip
    return Named(secret, values)


def _calls(world: World, named: Named) -> Iterator[tuple[str, str, str]]:
    """(method, the route's path, the path with names in it) of every route of the bank."""
    for route in _routes(world.app):
        if route.path.startswith("/bank"):
            filled = re.sub(r"\{(\w+)\}", lambda found: named.values[found[1]], route.path)
            for method in route.methods:
                yield method, route.path, filled


def _ask(browser: Browser, method: str, path: str, filled: str) -> tuple[int, str]:
    if method == "GET":
        answer = browser.get(filled)
    else:
        answer = browser.post(filled, page="/", **FIELDS.get(path, {}))
    return answer.status_code, answer.text


def _card_and_history(world: World, item: str) -> tuple[dict[str, object], list[Act]]:
    with world.server.reading() as session:
        card = session.get_one(ItemCard, item)
        told = history.history(session, card, sealing=world.server.sealing)
        return card.model_dump(), [event.act for event in told]


def test_every_route_is_known_here(world: World, named: Named) -> None:
    routes = {path for _, path, _ in _calls(world, named)}
    assert {path for path in routes if "{" not in path} == LISTS
    posts = {path for method, path, _ in _calls(world, named) if method == "POST"}
    assert {path for path in posts if "{" in path} == set(FIELDS)


@pytest.mark.parametrize("who", ["rade2", "giamthi1", "kythuat", "quantri", None])
def test_no_route_shows_or_changes_a_secret_item_for_others(
    world: World, named: Named, signed_in: SignIn, browser: Browser, who: str | None
) -> None:
    """rade2 has the subject, and not its secret items; the others have no part in the bank."""
    asking = signed_in(who) if who else browser
    before = _card_and_history(world, named.item)
    for method, path, filled in _calls(world, named):
        if who is None and method == "POST":
            status, text = _ask_unsigned(asking, filled)
        else:
            status, text = _ask(asking, method, path, filled)
        wanted = {404} if "{" in path else {200, 303, 404, 409, 422}
        if who is None:
            wanted = {303, 403}
        elif who != "rade2":
            wanted = {403}
        assert status in wanted, (method, path, status)
        for word in ("bi-mat", "nghịch biến", "de.docx", "để in"):
            assert word not in text, (method, path, word)
    assert _card_and_history(world, named.item) == before


def _ask_unsigned(browser: Browser, filled: str) -> tuple[int, str]:
    answer = browser.client.post(filled, data={})
    return answer.status_code, answer.text


def test_every_way_to_see_a_secret_item_is_written_down(
    world: World, named: Named, signed_in: SignIn
) -> None:
    opening = [
        filled
        for method, path, filled in _calls(world, named)
        if method == "GET" and "{item}" in path and "{media}" not in path
    ]
    assert len(opening) >= 2
    for who in ("rade", "phanbien"):
        browser = signed_in(who)
        for path in opening:
            seen = _card_and_history(world, named.item)[1].count(Act.SEEN)
            status = browser.get(path).status_code
            noted = _card_and_history(world, named.item)[1].count(Act.SEEN) - seen
            # A reviewer does not write; whatever was refused showed nothing.
            assert status == (403 if path.endswith("/edit") and who != "rade" else 200), path
            assert (noted > 0) is (status == 200), (who, path)
    browser = signed_in("phanbien")
    listed = browser.get("/bank?secret=1&q=bi-mat").text
    assert "bi-mat" in listed and "nghịch biến" not in listed, "a list opens no secret item"
    assert "bi-mat" in browser.get("/bank?q=nghich+bien").text
