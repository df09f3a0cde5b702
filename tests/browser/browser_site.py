"""A real server over TLS, on a database filled through the services, and a real Chromium."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect
from staff_world import PASSWORD, World

from exam_server import keys as server_keys

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: For what must happen; nothing is measured by it.
PATIENCE_MS = 40_000


@dataclass(slots=True)
class Site:
    """The running server: its world, its address, and the switch that stops it."""

    world: World
    url: str
    port: int
    folder: Path
    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        self.world.app.state.live.close()
        self.server.should_exit = True
        self.thread.join(PATIENCE_MS / 1000)
        assert not self.thread.is_alive()

    def start_again(self) -> None:
        self.world.app.state.live.closed = False
        self.server, self.thread = serve(self.world, self.folder, self.port)


def serve(world: World, folder: Path, port: int) -> tuple[uvicorn.Server, threading.Thread]:
    config = uvicorn.Config(
        world.app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        ssl_certfile=str(folder / server_keys.CERTIFICATE_FILE),
        ssl_keyfile=str(folder / server_keys.TLS_KEY_FILE),
        ssl_keyfile_password=world.server.keys.tls_passphrase,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    return server, thread


@dataclass(slots=True)
class Visitor:
    """One officer's browser, with everything that it complained of."""

    page: Page
    site: Site
    complaints: list[str]

    def go(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def sign_in(self, username: str) -> None:
        self.go("/login")
        self.page.locator("#login").fill(username)
        self.page.locator("#password").fill(PASSWORD)
        self.page.locator("form[action='/login'] button").click()
        self.page.wait_for_url(f"{self.site.url}/")

    def choose_english(self) -> None:
        self.page.get_by_role("button", name="English").click()
        expect(self.page.locator("html")).to_have_attribute("lang", "en")


def open_browser(
    chromium: Browser, site: Site, **options: object
) -> tuple[BrowserContext, Visitor]:
    settings = {"viewport": {"width": 1440, "height": 900}, **options}
    context = chromium.new_context(ignore_https_errors=True, locale="vi-VN", **settings)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    visitor = Visitor(page, site, [])
    # A violation of the content security policy, too, is said on the console.
    page.on(
        "console",
        lambda message: (
            visitor.complaints.append(message.text) if message.type == "error" else None
        ),
    )
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    return context, visitor
