"""A server that answers in this process, and browsers that sign in."""

import os
from collections.abc import Callable, Iterator

import pytest
from staff_browser import Browser
from staff_world import SettableClock, World, make_world

from exam_server import auth
from exam_server.web.visit import SESSION_COOKIE
from tests.databases import Databases


@pytest.fixture(scope="module")
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(scope="module")
def world(databases: Databases, clock: SettableClock) -> Iterator[World]:
    made = make_world(databases, clock)
    yield made
    made.app.state.stop_announcing()
    made.server.engine.dispose()


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


@pytest.fixture
def signed_in(world: World) -> Callable[[str], Browser]:
    """Browsers with a session; that one opens only for the right password is tested apart."""

    def sign_in(username: str) -> Browser:
        browser, server = Browser(world), world.server
        token = auth.open_session(
            server.engine, world.officer(username), now=server.now(), rng=os.urandom
        )
        browser.client.cookies.set(SESSION_COOKIE, token, domain="exam.test", path="/")
        return browser

    return sign_in
