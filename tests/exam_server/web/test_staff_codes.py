"""A room's codes on the page: who sees which, when, and that every look is in the log."""

import json
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from staff_browser import Browser
from staff_world import SettableClock, World, copy_world, end_world, make_world

from exam_server.audit import AuditEntry
from exam_server.contract import start_code
from exam_server.contract.api import ShiftState
from exam_server.contract.room_code import RoomCode
from exam_server.shifts import service as shifts
from exam_server.shifts.codes import Code
from exam_server.shifts.models import Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.shifts.room_code import room_code_of
from tests.databases import Databases

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(databases: Databases) -> World:
    return make_world(databases, SettableClock())


@pytest.fixture
def world(made: World, databases: Databases) -> Iterator[World]:
    copy = copy_world(made, databases, SettableClock())
    with copy.server.transaction() as session:
        state = session.scalars(sa.select(Shift.state).where(Shift.id == copy.shift)).one()
        if state is ShiftState.PLANNED:
            shifts.open_shift(
                session, copy.shift, officer=copy.officer("hoidong"), now=copy.server.now()
            )
    yield copy
    end_world(copy, databases)


def signed_in(world: World, username: str) -> Browser:
    browser = Browser(world)
    browser.sign_in(username)
    return browser


def codes_page(world: World) -> str:
    return f"/rooms/{world.shift}/{world.room}/codes"


def shown(world: World, username: str, code: Code) -> dict[str, str]:
    """What the sheet of `code` says, by which code it is."""
    browser = signed_in(world, username)
    page = browser.post(f"{codes_page(world)}/{code}", page=codes_page(world))
    return dict(re.findall(r'data-code="(\w+)">([^<]+)<', page.text))


def offered(world: World, username: str) -> list[str]:
    page = signed_in(world, username).get(codes_page(world))
    assert page.status_code == 200 and "data-code" not in page.text
    return re.findall(r'id="show-(\w+)"', page.text)


def looks(world: World) -> list[tuple[str, str]]:
    with world.server.reading() as session:
        found = (
            sa.select(AuditEntry.action, AuditEntry.details)
            .where(AuditEntry.action.like("%_code_shown"))
            .order_by(AuditEntry.sequence)
        )
        return [(action, json.loads(told)["room"]) for action, told in session.execute(found)]


def test_asking_for_the_page_shows_no_code_yet(world: World) -> None:
    assert offered(world, "hoidong") == ["room", "start"]
    assert offered(world, "giamthi1") == ["room"]
    assert not looks(world)


def test_the_exam_office_sees_each_code_on_a_sheet_of_its_own_and_the_log_says_so(
    world: World,
) -> None:
    keys, room = world.server.keys, world.room
    with world.server.reading() as session:
        shift = session.scalars(sa.select(Shift).where(Shift.id == world.shift)).one()
        secret = ShiftRelease(shift, world.server.sealing).start_secret(room)
    sheet = shown(world, "hoidong", Code.START)
    assert set(sheet) == {"start"} and start_code.decode(sheet["start"]) == secret
    expected = room_code_of(keys, shift=world.shift, room=room)
    sheet = shown(world, "hoidong", Code.ROOM)
    assert set(sheet) == {"room"} and RoomCode.from_text(sheet["room"]) == expected
    assert looks(world) == [("start_code_shown", room), ("room_code_shown", room)]


def test_a_proctor_sees_the_start_code_after_the_signal_only(world: World) -> None:
    assert set(shown(world, "giamthi1", Code.ROOM)) == {"room"}
    assert not shown(world, "giamthi1", Code.START)
    with world.server.transaction() as session:
        office, now = world.officer("hoidong"), world.server.now()
        shifts.start_shift(session, world.shift, officer=office, now=now, early_reason="thử")
    assert offered(world, "giamthi1") == ["room", "start"]
    assert set(shown(world, "giamthi1", Code.START)) == {"start"}
    assert [action for action, _ in looks(world)] == ["room_code_shown", "start_code_shown"]


@pytest.mark.parametrize("username", ["kythuat", "quantri", "rade"])
def test_nobody_else_sees_them(world: World, username: str) -> None:
    browser = signed_in(world, username)
    assert browser.get(codes_page(world)).status_code == 403
    for code in Code:
        path = f"{codes_page(world)}/{code}"
        assert browser.post(path, page="/").status_code == 403
    assert not looks(world)


def test_codes_of_no_room_and_of_a_closed_shift_are_not_shown(world: World) -> None:
    browser = signed_in(world, "hoidong")
    assert browser.get(f"/rooms/{world.shift}/nowhere/codes").status_code == 404
    with world.server.transaction() as session:
        shift = session.scalars(sa.select(Shift).where(Shift.id == world.shift)).one()
        shift.state = ShiftState.CLOSED
    assert not offered(world, "hoidong")
    for code in Code:
        assert not shown(world, "hoidong", code)
    assert not looks(world)
