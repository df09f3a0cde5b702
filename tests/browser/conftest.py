"""The running site and the browsers that visit it."""

import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

# The world of the in-process tests is this one's, too.
sys.path.insert(0, str(Path(__file__).parents[1] / "exam_server" / "web"))

from browser_site import ARGUMENTS, CHROMIUM, PATIENCE_MS, Site, Visitor, open_browser, serve
from staff_world import make_world

from exam_server import keys as server_keys
from rig.ports import own_port
from tests.databases import SqliteFiles


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = make_world(SqliteFiles(tmp_path))
    server_keys.make_certificate(tmp_path, world.server.keys, ["127.0.0.1"], datetime.now(UTC))
    port = own_port(world.app)
    server, thread = serve(world, tmp_path, port)
    running = Site(world, f"https://127.0.0.1:{port}", port, tmp_path, server, thread)
    context = ssl.create_default_context(cafile=str(tmp_path / server_keys.CERTIFICATE_FILE))
    assert httpx.get(f"{running.url}/login", verify=context, timeout=30).status_code == 200
    yield running
    running.stop()
    world.app.state.stop_announcing()
    world.server.engine.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, site: Site) -> Iterator[Visitor]:
    context, visitor = open_browser(chromium, site)
    yield visitor
    context.close()
