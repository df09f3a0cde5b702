"""The officers of the demo: a real browser on the staff pages, as people would use them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

BROWSER = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Login:
    """A member of staff as the demo knows them; passwords are drawn anew at every run."""

    username: str
    name: str
    role: str
    password: str


class Officer:
    """One signed-in officer. Methods do what a person does and wait for what a person sees."""

    def __init__(self, page: Page, url: str, pictures: Path) -> None:
        self.page = page
        self._url = url
        self._pictures = pictures

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self._pictures / f"page-{name}.png", full_page=True)

    def open(self, path: str) -> None:
        self.page.goto(self._url + path)

    def sign_in(self, login: Login) -> None:
        self.open("/login")
        self.page.fill("#login", login.username)
        self.page.fill("#password", login.password)
        self.page.click("main form button, .gate form button")
        expect(self.page).not_to_have_url(re.compile("/login"), timeout=PATIENCE_MS)

    def open_room(self, name: str) -> None:
        self.open("/")
        self.page.get_by_role("link", name=name).first.click()
        expect(self.page.locator("h1")).to_have_text(name, timeout=PATIENCE_MS)

    def shift_step(self, step: str) -> None:
        """`step` is open, start or close; the page asks to confirm it."""
        self.open("/")
        self.page.locator(f"a[href^='/shifts/'][href$='/{step}']").first.click()
        confirm = self.page.locator(f"form[action$='/{step}'] button")
        expect(confirm).to_be_visible(timeout=PATIENCE_MS)  # and so is all that stands above it
        reason = self.page.locator("#reason")
        if reason.count() > 0:  # kiosks at which somebody was refused are off: the page asks
            reason.fill("Thí sinh không được vào thi, máy ở chỗ đó đã tắt và không có bài làm.")
        confirm.click()
        for left in (f"form[action$='/{step}']", f"a[href$='/{step}']"):
            expect(self.page.locator(left)).to_have_count(0, timeout=PATIENCE_MS)

    def wait_for_decision(self, candidate: str) -> None:
        """The room page must show the pending decision by itself, without a reload."""
        link = self.page.locator("a[href^='/checkins/']").filter(has_text=candidate).first
        expect(link).to_be_visible(timeout=PATIENCE_MS)

    def refuse_identity(self, candidate: str, note: str) -> None:
        self.page.locator("a[href^='/checkins/']").filter(has_text=candidate).first.click()
        expect(self.page.locator(".faces img").first).to_be_visible(timeout=PATIENCE_MS)
        self.page.wait_for_load_state("networkidle")
        self.picture("decision")
        self.page.check("input[name=decision][value=refuse]")
        grounds = self.page.locator("#ground optgroup").nth(1).locator("option")
        self.page.select_option("#ground", grounds.first.get_attribute("value"))
        self.page.fill("#note", note)
        self.page.locator("form[action$='/decision'] button").click()
        expect(self.page.locator("form[action$='/decision']")).to_have_count(0, timeout=PATIENCE_MS)

    def check_in_by_hand(self, candidate: str, second: Login, reason: str) -> None:
        """Two officers: the one signed in here, and `second` with a password of their own."""
        self.page.locator("a[href^='/placements/']").filter(has_text=candidate).first.click()
        self.page.locator("a[href$='/check-in']").first.click()
        self.page.select_option("#basis", "card_without_chip")
        self.page.fill("#reason", reason)
        self.page.fill("#second_login", second.username)
        self.page.fill("#second_password", second.password)
        self.picture("manual")
        self.page.locator("form[action$='/check-in'] button").click()
        expect(self.page).not_to_have_url(re.compile("/check-in$"), timeout=PATIENCE_MS)

    def grade(self) -> None:
        """Grades the shift that was closed last, on the results page."""
        self.open("/results")
        self.open_first_results()
        self.page.locator("form[action$='/grade'] button").click()
        slips = self.page.locator("a[href^='/results/slips/']")
        expect(slips.first).to_be_visible(timeout=PATIENCE_MS)

    def mark_first_answer(self, points: str) -> str:
        """Opens the first answer that waits and gives points; the whole text of what was shown."""
        self.open("/marking")
        self.page.locator("tbody a[href^='/marking/']").first.click()
        self.page.locator("tbody a[href^='/marking/']").first.click()
        expect(self.page.locator("#points")).to_be_visible(timeout=PATIENCE_MS)
        shown = self.page.locator("main").inner_text()
        self.page.fill("#points", points)
        self.picture("marking")
        self.page.locator("form[action^='/marking/'] button").click()
        expect(self.page.locator("#points")).to_have_count(0, timeout=PATIENCE_MS)
        return shown

    def open_first_results(self) -> None:
        """The results of the shift that stands first in the list."""
        self.page.locator("tbody a[href^='/results/']").first.click()

    def slip_marks(self) -> list[list[str]]:
        """Marks and maximum on the slip: line by line for the parts, and last the total."""
        rows = self.page.locator("article table tr:has(td)").all()
        return [row.locator("td").all_inner_texts() for row in rows]

    def sees(self, words: str) -> bool:
        return self.page.get_by_text(words).count() > 0

    def open_slip(self, candidate: str) -> None:
        row = self.page.locator("tbody tr").filter(has_text=candidate)
        row.locator("a[href^='/results/slips/']").click()
        expect(self.page).to_have_url(re.compile("/results/slips/"), timeout=PATIENCE_MS)
        self.page.wait_for_load_state()
        expect(self.page.get_by_text(candidate).first).to_be_visible(timeout=PATIENCE_MS)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        try:
            yield chromium
        finally:
            chromium.close()


def signed_in(chromium: Browser, url: str, login: Login, pictures: Path) -> Officer:
    """A window of its own. The demo's server certificate is its own issuer, hence the exception."""
    context = chromium.new_context(
        ignore_https_errors=True, viewport={"width": 1440, "height": 900}, locale="vi-VN"
    )
    context.set_default_timeout(PATIENCE_MS)
    officer = Officer(context.new_page(), url, pictures)
    officer.sign_in(login)
    return officer
