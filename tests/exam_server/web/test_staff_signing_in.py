"""Signing in, sessions, CSRF, throttling, headers."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from staff_browser import Browser
from staff_world import PASSWORD, SettableClock, World

from exam_server import auth
from exam_server.audit import AuditEntry, verify_chain
from exam_server.auth import AddressThrottle, LoginProblem, NotLetInError
from exam_server.staff import Staff, StaffSession
from exam_server.web.visit import LANGUAGE_COOKIE, SESSION_COOKIE, VISITOR_COOKIE

pytestmark = pytest.mark.slow


def _staff(world: World, username: str) -> Staff:
    with world.server.reading() as session:
        row = session.scalars(sa.select(Staff).where(Staff.username == username)).one()
        session.expunge(row)
        return row


def _actions(world: World) -> list[str]:
    with world.server.reading() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.sequence)))


def test_a_session_is_kept_as_a_digest_and_its_cookie_is_strict(
    world: World, browser: Browser
) -> None:
    answer = browser.sign_in("giamthi1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(
        value
        for value in answer.headers.get_list("set-cookie")
        if value.startswith(f"{SESSION_COOKIE}=")
    )
    for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie
    token = browser.client.cookies[SESSION_COOKIE]
    with world.server.reading() as session:
        kept = session.get(StaffSession, hashlib.sha256(token.encode()).digest())
        assert kept is not None and token not in (kept.csrf_token, str(kept.token_digest))
    assert browser.get("/").status_code == 200
    assert _actions(world)[-1] == "login"


def test_signing_out_ends_the_session_for_good(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    browser = signed_in("giamthi1")
    token = browser.client.cookies[SESSION_COOKIE]
    assert browser.post("/logout").headers["location"] == "/login"
    assert _actions(world)[-1] == "logout"
    browser.client.cookies.set(SESSION_COOKIE, token, domain="exam.test", path="/")
    assert browser.get("/").headers["location"] == "/login"


def test_wrong_name_and_wrong_password_look_the_same(world: World, browser: Browser) -> None:
    wrong = browser.sign_in("giamthi2", "sai mật khẩu")
    unknown = browser.sign_in("không có ai", "sai mật khẩu")
    assert wrong.status_code == unknown.status_code == 401
    assert "Tên đăng nhập hoặc mật khẩu không đúng" in wrong.text
    assert 'value="giamthi2"' in wrong.text
    assert "sai mật khẩu" not in wrong.text
    assert _actions(world)[-2:] == ["login_failed", "login_failed"]
    with world.server.reading() as session:
        last = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.sequence.desc())).first()
        assert last is not None and "không có ai" not in last.subject + last.details


def test_an_account_rests_after_five_wrong_passwords(world: World, clock: SettableClock) -> None:
    throttle, now = AddressThrottle(), clock()

    def attempt(password: str) -> auth.Officer:
        return auth.check_officer(
            world.server.engine,
            throttle,
            username="quantri",
            password=password,
            address="10.0.0.7",
            now=clock(),
        )

    for _ in range(auth.FREE_TRIES):
        with pytest.raises(NotLetInError) as refused:
            attempt("đoán mò")
        assert refused.value.problem is LoginProblem.WRONG
    with pytest.raises(NotLetInError) as resting:
        attempt(PASSWORD)
    assert resting.value.problem is LoginProblem.RESTING
    clock.pass_by(auth.FIRST_REST + timedelta(seconds=1))
    assert attempt(PASSWORD).username == "quantri"
    row = _staff(world, "quantri")
    assert (row.failed_logins, row.locked_until) == (0, None)
    clock.now = max(clock(), now)


def test_an_address_rests_whatever_names_it_tries(clock: SettableClock) -> None:
    throttle = AddressThrottle()
    for _ in range(auth.ADDRESS_TRIES):
        assert not throttle.resting("10.0.0.8", clock())
        throttle.count("10.0.0.8", clock())
    assert throttle.resting("10.0.0.8", clock())
    assert not throttle.resting("10.0.0.9", clock())
    assert not throttle.resting("10.0.0.8", clock() + auth.ADDRESS_WINDOW)


def test_several_processes_let_through_no_more_tries_than_one(clock: SettableClock) -> None:
    processes = [AddressThrottle(3) for _ in range(3)]
    tries = 0
    for throttle in processes:  # whoever tries comes to one after the other
        while not throttle.resting("10.0.0.8", clock()):
            throttle.count("10.0.0.8", clock())
            tries += 1
    assert tries == auth.ADDRESS_TRIES


def test_the_throttle_forgets_the_oldest_addresses(clock: SettableClock) -> None:
    throttle = AddressThrottle()
    throttle.MOST_ADDRESSES = 3
    for address in "abcd":
        for _ in range(auth.ADDRESS_TRIES):
            throttle.count(address, clock())
    assert not throttle.resting("a", clock())
    assert throttle.resting("d", clock())


@pytest.mark.parametrize("span", [auth.IDLE_LIFE, auth.SESSION_LIFE])
def test_a_session_ends_by_itself(
    world: World, clock: SettableClock, signed_in: Callable[[str], Browser], span: timedelta
) -> None:
    browser = signed_in("giamthi1")
    if span == auth.SESSION_LIFE:
        for _ in range(24):
            clock.pass_by(timedelta(minutes=29))
            assert browser.get("/").status_code == 200
    else:
        clock.pass_by(span - timedelta(minutes=1))
        assert browser.get("/").status_code == 200
    clock.pass_by(auth.IDLE_LIFE + timedelta(seconds=1))
    assert browser.get("/").headers["location"] == "/login"
    assert browser.get("/", **{"x-part": "1"}).status_code == 401


def test_a_disabled_officer_is_out_at_once(
    world: World, clock: SettableClock, signed_in: Callable[[str], Browser]
) -> None:
    browser = signed_in("rade")
    assert browser.get("/").status_code == 200
    with world.server.transaction() as session:
        staff = session.scalars(sa.select(Staff).where(Staff.username == "rade")).one()
        staff.disabled_at = clock()
    assert browser.get("/").status_code == 303
    assert Browser(world).sign_in("rade").status_code == 403
    with world.server.transaction() as session:
        staff = session.scalars(sa.select(Staff).where(Staff.username == "rade")).one()
        staff.disabled_at = None


def test_a_form_without_its_own_token_changes_nothing(
    world: World, signed_in: Callable[[str], Browser], browser: Browser
) -> None:
    officer, before = signed_in("hoidong"), _actions(world)
    other = signed_in("giamthi1").token("/")
    path = f"/shifts/{world.shift}/open"
    for token in ("", "x", other, browser.token("/login")):
        answer = officer.client.post(path, data={"csrf": token})
        assert answer.status_code == 403
        assert "chưa có gì được thực hiện" in answer.text
    foreign = officer.client.post(
        path, data={"csrf": officer.token("/")}, headers={"sec-fetch-site": "cross-site"}
    )
    assert foreign.status_code == 403
    assert "shift_opened" not in _actions(world)[len(before) :]


def test_signing_in_needs_the_visitors_own_token(browser: Browser) -> None:
    fields = {"login": "giamthi1", "password": PASSWORD, "next": "/"}
    assert browser.client.post("/login", data=fields).status_code == 403
    browser.get("/login")
    assert VISITOR_COOKIE in browser.client.cookies
    assert browser.client.post("/login", data=fields | {"csrf": "x" * 64}).status_code == 403


@pytest.mark.parametrize(
    "wanted", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:1", "", "/a\nb"]
)
def test_signing_in_leads_to_no_foreign_place(browser: Browser, wanted: str) -> None:
    fields = {"login": "giamthi1", "password": PASSWORD, "next": wanted}
    assert browser.post("/login", page="/login", **fields).headers["location"] == "/"


def test_signing_in_leads_back_to_where_one_was_going(world: World, browser: Browser) -> None:
    answer = browser.get(f"/rooms/{world.shift}/{world.room}")
    assert answer.headers["location"] == f"/login?next=/rooms/{world.shift}/{world.room}"


def test_the_language_is_kept_in_a_cookie(signed_in: Callable[[str], Browser]) -> None:
    browser = signed_in("giamthi1")
    assert '<html lang="vi">' in browser.get("/").text
    answer = browser.post("/language", language="en", back="/stations")
    assert answer.headers["location"] == "/stations"
    assert browser.client.cookies[LANGUAGE_COOKIE] == "en"
    page = browser.get("/stations").text
    assert '<html lang="en">' in page and "Stations" in page and "Máy thi" not in page
    browser.post("/language", language="xx", back="//evil.test")
    assert browser.client.cookies[LANGUAGE_COOKIE] == "en"


def test_every_answer_carries_the_strict_headers(browser: Browser) -> None:
    for path in ("/login", "/nowhere", "/static/app.css", "/health"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "max-age" in headers["strict-transport-security"]
    assert browser.get("/login").headers["cache-control"] == "no-store"


def test_the_log_is_whole_after_all_this(world: World) -> None:
    with world.server.reading() as session:
        report = verify_chain(session)
    assert report.fault is None and report.entries > 20
