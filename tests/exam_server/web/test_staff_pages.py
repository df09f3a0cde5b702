"""What officers do on the pages, each through its form, each written to the log."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from staff_browser import Browser
from staff_world import (
    PASSWORD,
    SettableClock,
    World,
    captures,
    copy_world,
    end_world,
    make_world,
    run_busy_room,
)

from exam_server import audit, auth
from exam_server.attempts.models import Attempt
from exam_server.audit import AuditEntry, verify_chain
from exam_server.candidates.models import Candidate
from exam_server.checkin.models import Basis, CheckIn, SealedPicture
from exam_server.checkin.pages import score_bar
from exam_server.contract.api import CheckInState, ShiftState, StationState
from exam_server.forms.models import Form
from exam_server.proctoring import service
from exam_server.proctoring.views import RoomView, Sitting, StationHealth, Trouble
from exam_server.shifts.models import Shift
from exam_server.web.visit import LANGUAGE_COOKIE
from tests.databases import Databases, row_of

pytestmark = pytest.mark.slow

BY_HAND = {
    "basis": "passport",
    "reason": "Chip không phản hồi trên hai máy",
    "second_login": "giamthi2",
    "second_password": PASSWORD,
}
ADMIT = {"decision": "admit", "ground": "same_person_seen", "note": "đeo kính mới"}


@pytest.fixture(scope="module")
def busy(databases: Databases) -> World:
    """A room in the middle of its shift; made once, copied for every test."""
    made = make_world(databases, SettableClock())
    run_busy_room(made)
    return made


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def world(busy: World, databases: Databases, clock: SettableClock) -> Iterator[World]:
    copy = copy_world(busy, databases, clock)
    yield copy
    end_world(copy, databases)


def _last(world: World) -> tuple[str, str, dict[str, object]]:
    with world.server.reading() as session:
        entry = session.scalars(
            sa.select(AuditEntry).order_by(AuditEntry.sequence.desc()).limit(1)
        ).one()
        return entry.actor, entry.action, json.loads(entry.details)


def _room(world: World) -> RoomView:
    with world.server.reading() as session:
        return service.room_of(session, world.shift, world.room, world.server.now())


def _waiting(world: World) -> str:
    checkin = _room(world).referred[0].seated
    assert checkin is not None and checkin.checkin is not None
    return checkin.checkin


def test_the_room_shows_every_seat_as_it_is(world: World) -> None:
    room = _room(world)
    sittings = [seat.seated.sitting for seat in room.seats if seat.seated]
    assert sittings[:14] == [
        *[Sitting.SUBMITTED] * 2,
        Sitting.WRITING,
        Sitting.PAUSED,
        *[Sitting.WRITING] * 2,
        *[Sitting.ADMITTED] * 2,
        Sitting.EXPECTED,
        *[Sitting.REFERRED] * 2,
        Sitting.REFUSED,
        Sitting.IDENTIFYING,
        Sitting.EXPECTED,
    ]
    counts = room.counts
    assert (counts.expected, counts.checked_in, counts.writing) == (16, 8, 4)
    assert (counts.submitted, counts.referred, counts.problems) == (2, 2, 4)
    assert [seat.trouble for seat in room.troubled] == [
        Trouble.REFUSED,
        Trouble.STATION_FAULTY,
        Trouble.STATION_SILENT,
        Trouble.STATION_SILENT,
    ]
    assert [len(line) for line in room.lines] == [6, 6, 6, 6]
    assert room.seats[20].station.health is StationHealth.NONE


def test_a_station_that_falls_silent_is_trouble(world: World, clock: SettableClock) -> None:
    before = len(_room(world).troubled)
    clock.pass_by(timedelta(seconds=21))
    silent = [seat for seat in _room(world).troubled if seat.trouble is Trouble.STATION_SILENT]
    assert len(silent) > before
    world.beat(2, StationState.WRITING)
    assert _room(world).seats[2].trouble is None


def test_a_station_that_plays_no_sound_is_trouble(world: World) -> None:
    world.beat(2, StationState.WRITING, sound_failed=True)
    assert _room(world).seats[2].trouble is Trouble.NO_SOUND
    assert _room(world).seats[2].station.health is StationHealth.READY
    world.beat(2, StationState.WRITING)
    assert _room(world).seats[2].trouble is None


def test_a_disk_that_fills_up_is_trouble_while_there_is_time(world: World) -> None:
    world.beat(2, StationState.WRITING, disk_low=True)
    assert _room(world).seats[2].trouble is Trouble.DISK_LOW
    assert _room(world).seats[2].station.health is StationHealth.READY
    world.beat(2, StationState.WRITING, disk_low=True, reader_ready=False)
    assert _room(world).seats[2].trouble is Trouble.STATION_FAULTY
    world.beat(2, StationState.WRITING)
    assert _room(world).seats[2].trouble is None


def test_time_runs_for_who_writes_and_stands_for_who_is_paused(
    world: World, clock: SettableClock
) -> None:
    def left(index: int) -> int:
        seated = _room(world).seats[index].seated
        assert seated is not None
        return seated.seconds_left

    writing, paused, extended = left(2), left(3), left(4)
    assert extended == writing + 300
    clock.pass_by(timedelta(minutes=2))
    assert (left(2), left(3), left(4)) == (writing - 120, paused, extended - 120)


def _sequential(world: World) -> None:
    """Every paper in parts of 30, 40 and 20 minutes."""
    with world.server.transaction() as session:
        for form in session.scalars(sa.select(Form)):
            form.sections = [{"minutes": minutes, "items": []} for minutes in (30, 40, 20)]


def test_the_section_that_is_written_has_a_time_beside_the_papers(
    world: World, clock: SettableClock, signed_in: Callable[[str], Browser]
) -> None:
    def section(index: int) -> tuple[int, int, int]:
        seated = _room(world).seats[index].seated
        assert seated is not None and seated.section is not None
        return seated.section.number, seated.section.count, seated.section.seconds_left

    assert all(seat.seated.section is None for seat in _room(world).seats if seat.seated)
    _sequential(world)
    number, count, left = section(2)
    assert (number, count) == (1, 3) and 0 < left <= 30 * 60
    assert section(4) == (1, 3, left + 300)  # the extension is the section's that it met
    paused = section(3)
    clock.pass_by(timedelta(minutes=2))
    assert section(2) == (1, 3, left - 120) and section(3) == paused
    page = signed_in("giamthi1").get(f"/rooms/{world.shift}/{world.room}").text
    assert page.count("data-section") == 4
    clock.pass_by(timedelta(seconds=left - 120))
    assert section(2) == (2, 3, 40 * 60)  # nobody left it: it ended by itself


def test_a_paper_whose_last_section_is_over_is_overdue(world: World, clock: SettableClock) -> None:
    _sequential(world)
    with world.server.transaction() as session:
        attempt = row_of(session, Attempt, _room(world).seats[2].seated.attempt)
        at = round(world.server.now().timestamp() * 1000)
        attempt.sections_left = [[0, at, "candidate"], [1, at, "candidate"]]
    clock.pass_by(timedelta(minutes=20, seconds=1))
    world.beat(2, StationState.WRITING)
    seat = _room(world).seats[2]
    assert seat.trouble is Trouble.TIME_UP and seat.seated.seconds_left > 0


def test_the_program_page_offers_only_what_can_be_done(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    """The shift has started with every station on the frozen program."""
    page = signed_in("hoidong").get(f"/shifts/{world.shift}/program").text
    assert 'aria-labelledby="versions-title"' in page
    assert 'value="allow"' not in page and "<select" not in page
    assert "unready-title" not in page


def test_nothing_of_the_answers_is_on_the_room_page(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    page = signed_in("giamthi1").get(f"/rooms/{world.shift}/{world.room}").text
    assert "Lê Minh Đức" in page
    assert "answered" not in page and "records" not in page and "Đã trả lời" not in page


def test_a_proctor_admits_with_a_reason(world: World, signed_in: Callable[[str], Browser]) -> None:
    browser, checkin = signed_in("giamthi1"), _waiting(world)
    path = f"/checkins/{checkin}"
    answer = browser.post(f"{path}/decision", page=path, **ADMIT)
    assert answer.headers["location"] == f"/rooms/{world.shift}/{world.room}?done=admitted"
    actor, action, details = _last(world)
    assert action == "checkin_admitted_by_officer"
    assert actor == world.officer("giamthi1").actor
    assert details["reason"] == "Đã đối chiếu tận mặt với thẻ: đúng người: đeo kính mới"
    assert "Đã cho thí sinh vào phòng thi" in browser.get(answer.headers["location"]).text
    again = browser.post(f"{path}/decision", page="/", **ADMIT)
    assert again.status_code == 409
    assert "tình trạng đã thay đổi" in again.text
    assert "Đã quyết định" in browser.get(path).text


def test_the_score_is_shown_among_its_bands(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    page = signed_in("giamthi1").get(f"/checkins/{_waiting(world)}").text
    assert "Độ khác biệt 0,46; chấp nhận đến 0,38, nghi ngờ đến 0,50." in page
    assert "Chưa kiểm tra có đúng là người thật ở trước máy ảnh" in page
    face = {"score": 7.0, "accept_threshold": 0.0, "refer_threshold": 0.5}
    bar = score_bar(face)
    assert (bar.accept_x, bar.refer_x, bar.score_x) == (0, 375, 600)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": ""}, "Cần điền mục này."),
        ({"ground": ""}, "Cần điền mục này."),
        ({"ground": "other_person"}, "Lý do này không hợp"),
        ({"ground": "other", "note": ""}, "Cần điền mục này."),
        ({"ground": "<script>"}, "Cần điền mục này."),
    ],
)
def test_a_decision_needs_a_fitting_reason_and_keeps_what_was_typed(
    world: World, signed_in: Callable[[str], Browser], change: dict[str, str], message: str
) -> None:
    browser, checkin = signed_in("giamthi1"), _waiting(world)
    path = f"/checkins/{checkin}"
    answer = browser.post(f"{path}/decision", page=path, **(ADMIT | change))
    assert answer.status_code == 422
    assert message in answer.text
    assert (change.get("note") == "") or "đeo kính mới" in answer.text
    assert _last(world)[1] != "checkin_admitted_by_officer"


def test_a_false_chip_cannot_be_admitted_by_anybody(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    with world.server.transaction() as session:
        refused = session.scalars(sa.select(CheckIn).where(CheckIn.chip_refused)).one()
        refused.state = CheckInState.REFERRED
        checkin = refused.id
    browser, path = signed_in("hoidong"), f"/checkins/{checkin}"
    page = browser.get(path).text
    assert 'value="admit" required disabled' in page
    assert "Chip của thẻ này là giả" in page
    answer = browser.post(f"{path}/decision", page=path, **ADMIT)
    assert answer.status_code == 409
    assert "Chip của thẻ đã bị từ chối" in answer.text


def test_without_consent_the_way_is_by_two_officers(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    checkin = world.refer(14, consent=False)
    browser, path = signed_in("giamthi1"), f"/checkins/{checkin}"
    assert f"/placements/{world.placements[14]}/check-in" in browser.get(path).text
    answer = browser.post(f"{path}/decision", page=path, **ADMIT)
    assert answer.status_code == 409 and "hai cán bộ" in answer.text


def test_pictures_need_a_session_are_never_kept_and_looking_is_logged_once(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    checkin = _waiting(world)
    browser, stranger = signed_in("giamthi1"), Browser(world)
    with world.server.reading() as session:
        query = sa.select(SealedPicture.id).where(SealedPicture.checkin_id == checkin)
        pictures = session.scalars(query).all()
    assert len(pictures) == 4
    page = browser.get(f"/checkins/{checkin}").text
    for picture in pictures:
        path = f"/checkins/{checkin}/pictures/{picture}"
        assert path in page
        answer = browser.get(path)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(b"\xff\xd8\xff")
        assert stranger.get(path).status_code == 303
        assert signed_in("kythuat").get(path).status_code == 403
        assert browser.get(f"/checkins/{'0' * 32}/pictures/{picture}").status_code == 404
    with world.server.reading() as session:
        seen = session.scalars(
            sa.select(AuditEntry.subject).where(AuditEntry.action == "pictures_seen")
        ).all()
    assert list(seen) == [f"checkin:{checkin}"]


def _check_in(world: World, browser: Browser, index: int, **change: str) -> httpx.Response:
    path = f"/placements/{world.placements[index]}/check-in"
    photograph = {"photograph": ("anh.jpg", captures()[0], "image/jpeg")}
    return browser.post(path, page=path, files=photograph, **(BY_HAND | change))


def test_two_officers_check_in_together_and_the_exam_office_clears(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    answer = _check_in(world, signed_in("giamthi1"), 14)
    assert answer.headers["location"].endswith("?done=by_hand"), answer.text
    actor, action, details = _last(world)
    assert (action, details["basis"]) == ("checkin_by_two_officers", "passport")
    assert details["second"] == world.officer("giamthi2").id
    assert actor == world.officer("giamthi1").actor
    seated = _room(world).seats[14].seated
    assert seated is not None and seated.conditional and seated.sitting is Sitting.ADMITTED
    assert seated.basis is Basis.PASSPORT
    office = signed_in("hoidong")
    page = office.get(f"/results/{world.shift}").text
    path = f"/results/conditions/{seated.checkin}"
    assert path in page
    assert office.post(path, page=path, reason=" ").status_code == 422
    done = office.post(path, page=path, reason="Đã xem căn cước mới cấp")
    assert done.headers["location"] == f"/results/{world.shift}?done=cleared"
    assert _last(world)[1] == "condition_cleared"
    assert path not in office.get(f"/results/{world.shift}").text


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"reason": ""}, 422, "Cần điền mục này."),
        ({"basis": "chip"}, 422, "Cần điền mục này."),
        ({"basis": "x"}, 422, "Cần điền mục này."),
        ({"second_password": ""}, 422, "Cần điền mục này."),
        ({"second_password": "sai"}, 403, "mật khẩu của cán bộ thứ hai không đúng"),
        ({"second_login": "giamthi1"}, 409, "Cần hai cán bộ khác nhau"),
        ({"second_login": "kythuat"}, 409, "không có quyền cho thí sinh vào"),
    ],
)
def test_the_check_in_by_hand_refuses_clearly_and_keeps_what_was_typed(
    world: World,
    signed_in: Callable[[str], Browser],
    change: dict[str, str],
    status: int,
    message: str,
) -> None:
    answer = _check_in(world, signed_in("giamthi1"), 14, **change)
    assert answer.status_code == status
    assert message in answer.text
    if "reason" not in change:
        assert BY_HAND["reason"] in answer.text
    assert PASSWORD not in answer.text
    seated = _room(world).seats[14].seated
    assert seated is not None and seated.attempt is None


def test_after_the_limit_only_who_wrote_without_network_is_confirmed(
    world: World, clock: SettableClock, signed_in: Callable[[str], Browser]
) -> None:
    browser, path = signed_in("giamthi1"), f"/placements/{world.placements[14]}/check-in"
    assert "wrote_without_network" not in browser.get(path).text
    clock.pass_by(timedelta(minutes=30))
    page = browser.get(path).text
    assert "wrote_without_network" in page and "ổ đĩa" in page
    assert _check_in(world, browser, 14).status_code == 409
    answer = _check_in(world, browser, 14, wrote_without_network="yes")
    assert answer.headers["location"].endswith("?done=by_hand"), answer.text
    assert _last(world)[2]["wrote_without_network"] == "yes"


def test_only_a_jpeg_is_taken_as_photograph(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    browser, path = signed_in("giamthi1"), f"/placements/{world.placements[14]}/check-in"
    for name, data in (("a.svg", b"<svg onload='x'/>"), ("a.jpg", b"\xff\xd8\xff" * 800_000)):
        answer = browser.post(path, page=path, files={"photograph": (name, data)}, **BY_HAND)
        assert answer.status_code == 422 and "tệp JPEG" in answer.text
    huge = {"photograph": ("a.jpg", b"\xff" * (9 * 1024 * 1024))}
    assert browser.post(path, page=path, files=huge, **BY_HAND).status_code == 413


def test_time_is_given_stopped_and_resumed_with_a_reason(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    browser, page = signed_in("giamthi1"), f"/placements/{world.placements[2]}"
    path = f"{page}/time"
    for fields, action in (
        ({"change": "extend", "minutes": "10", "reason": "Máy chậm"}, "time_extended"),
        ({"change": "pause", "reason": "Báo cháy"}, "time_paused"),
        ({"change": "resume", "reason": "Đã an toàn"}, "time_resumed"),
    ):
        answer = browser.post(path, page=page, **fields)
        assert answer.headers["location"] == f"{page}?done=time_{fields['change']}"
        assert _last(world)[1] == action
        assert fields["reason"] in browser.get(page).text
    for fields in (
        {"change": "extend", "minutes": "0", "reason": "x"},
        {"change": "extend", "minutes": "٣", "reason": "x"},
        {"change": "extend", "minutes": "301", "reason": "Giữ lại chữ này"},
        {"change": "extend", "minutes": "5", "reason": "  "},
        {"change": "pause", "reason": ""},
    ):
        answer = browser.post(path, page=page, **fields)
        assert answer.status_code == 422, fields
        assert fields["reason"].strip() in answer.text
    assert browser.post(path, page=page, change="back", reason="x").status_code == 409
    twice = browser.post(path, page=page, change="resume", reason="lần nữa")
    assert twice.status_code == 409


def test_a_candidate_is_moved_to_a_free_seat(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    browser, page = signed_in("giamthi1"), f"/placements/{world.placements[2]}"
    room = _room(world)
    free, taken = room.seats[20].id, room.seats[3].id
    assert browser.post(f"{page}/seat", page=page, seat="", reason="").status_code == 422
    refused = browser.post(f"{page}/seat", page=page, seat=taken, reason="Máy hỏng")
    assert refused.status_code == 409 and "Chỗ này đã có thí sinh" in refused.text
    deserted = browser.post(f"{page}/seat", page=page, seat=free, reason="Máy hỏng")
    assert deserted.status_code == 422 and "không có máy sẵn sàng" in deserted.text
    world.add_machine("P.101", "21")
    garbled = browser.post(f"{page}/seat", page=page, seat=free, reason="x", head_code="ABC")
    assert garbled.status_code == 422 and "mười sáu ký tự" in garbled.text
    answer = browser.post(
        f"{page}/seat", page=page, seat=free, reason="Máy hỏng", head_code="k7qf m2zx 74td 77qa"
    )
    assert answer.headers["location"] == f"{page}?done=moved"
    assert _room(world).seats[20].seated is not None
    assert _last(world)[1] == "candidate_moved"
    state = browser.get(page).text
    assert "Ghi mã biên nhận tạm của máy thi" in state and "cần đặt thẻ căn cước" in state


def test_a_shift_is_opened_started_and_closed_after_being_asked_once_more(
    databases: Databases, clock: SettableClock
) -> None:
    world = make_world(databases, clock)
    browser = Browser(world)
    browser.sign_in("giamthi1")

    def state() -> ShiftState:
        with world.server.reading() as session:
            return service.shift_head(session, world.shift).state

    path = f"/shifts/{world.shift}"
    early = browser.post(f"{path}/start", page="/")
    assert early.status_code == 409 and "Chưa bắt đầu được" in early.text
    for step, expected in (("open", ShiftState.OPEN), ("start", ShiftState.STARTED)):
        assert f"{path}/{step}" in browser.get("/").text
        assert "Không thể hoàn tác" in browser.get(f"{path}/{step}").text or step == "open"
        answer = browser.post(f"{path}/{step}", page=f"{path}/{step}")
        assert answer.headers["location"] == f"/?done=shift_{step}"
        assert state() is expected
    world.admit(0)
    busy = browser.post(f"{path}/close", page=f"{path}/close")
    assert busy.status_code == 409 and "vẫn còn thí sinh chưa hết giờ" in busy.text
    clock.pass_by(timedelta(minutes=92))
    browser.sign_in("giamthi1")
    text = browser.get(f"{path}/close").text
    # No kiosk was ever heard: at each seat somebody may have begun without network.
    assert "20 thí sinh có thể còn câu trả lời" in text and "Chưa nộp bài" in text
    assert text.count("Có thể đã vào thi khi máy mất mạng") == 19
    unexplained = browser.post(f"{path}/close", page=f"{path}/close")
    assert unexplained.status_code == 409 and "phải ghi lý do" in unexplained.text
    reason = "máy P.101/01 cháy nguồn"
    closed = browser.post(f"{path}/close", page=f"{path}/close", reason=reason)
    assert closed.status_code == 303
    assert state() is ShiftState.CLOSED
    assert browser.get(f"{path}/burn").status_code == 404


def test_only_the_exam_office_starts_a_shift_early(
    databases: Databases, clock: SettableClock
) -> None:
    world = make_world(databases, clock)
    with world.server.transaction() as session:
        row_of(session, Shift, world.shift).starts_at = clock.now + timedelta(hours=1)
    path = f"/shifts/{world.shift}"
    proctor, office = Browser(world), Browser(world)
    proctor.sign_in("giamthi1")
    proctor.post(f"{path}/open", page=f"{path}/open")
    asked = proctor.get(f"{path}/start").text
    assert "Hãy chờ" in asked and 'name="reason"' not in asked
    refused = proctor.post(f"{path}/start", page=f"{path}/start", reason="tôi muốn")
    assert refused.status_code == 409 and "Chưa đến giờ" in refused.text
    office.sign_in("hoidong")
    assert 'name="reason"' in office.get(f"{path}/start").text
    assert office.post(f"{path}/start", page=f"{path}/start").status_code == 409
    done = office.post(f"{path}/start", page=f"{path}/start", reason="bão sắp vào")
    assert done.status_code == 303
    assert _last(world)[1] == "shift_started"
    with world.server.reading() as session:
        report = audit.verify_log(session, world.server.keys.signing.public_key())
        assert report.fault is None
        assert session.scalar(sa.select(sa.func.count()).select_from(audit.AuditSeal)) == 2


def test_a_busy_database_asks_to_try_again_in_both_languages(
    world: World, signed_in: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in("giamthi1")

    def locked(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception("database is locked"))

    monkeypatch.setattr(service, "shift_heads", locked)
    answer = browser.get("/")
    assert answer.status_code == 503 and "Máy chủ đang bận" in answer.text
    browser.client.cookies.set(LANGUAGE_COOKIE, "en", domain="exam.test", path="/")
    assert "The server is busy" in browser.get("/").text


def test_an_open_page_alone_keeps_no_session_alive(world: World, clock: SettableClock) -> None:
    engine, now = world.server.engine, clock.now
    token = auth.open_session(engine, world.officer("giamthi1"), now=now, rng=os.urandom)
    for minutes in (20, 40):
        later = now + timedelta(minutes=minutes)
        assert auth.officer_of(engine, token, now=later, acting=False) is not None
    after = now + timedelta(minutes=46)
    assert auth.officer_of(engine, token, now=after, acting=False) is None


def put_into(world: World, state: ShiftState) -> None:
    """The world of this file is shared: its shift is closed for one test only."""
    with world.server.transaction() as session:
        session.execute(sa.update(Shift).where(Shift.id == world.shift).values(state=state))


def test_the_exam_office_grades_and_prints_a_slip(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    office, path = signed_in("hoidong"), f"/results/{world.shift}"
    page = office.get(path).text
    assert "Ca thi chưa kết thúc" in page and f"{path}/grade" not in page
    assert office.post(f"{path}/grade", page=path).status_code == 409
    put_into(world, ShiftState.CLOSED)
    answer = office.post(f"{path}/grade", page=path)
    assert answer.status_code == 200
    assert "Đã chấm 2 bài; 0 bài có điểm không đổi." in answer.text
    assert "6 bài chưa chấm" in answer.text
    assert "Đã chấm 0 bài; 2 bài" in office.post(f"{path}/grade", page=path).text
    put_into(world, ShiftState.STARTED)
    slip_path = answer.text.split('href="/results/slips/')[1].split('"')[0]
    slip = office.get(f"/results/slips/{slip_path}").text
    assert "Phiếu báo kết quả thi" in slip and "PHẦN II" in slip and ",00" in slip
    assert "Phiếu thử nghiệm" in slip
    assert office.get(f"/results/slips/{'0' * 32}").status_code == 404
    assert signed_in("giamthi1").get(path).status_code == 403


def test_the_log_page_says_whether_the_chain_is_whole(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    office = signed_in("hoidong")
    page = office.get("/audit").text
    assert "Chuỗi nhật ký nguyên vẹn" in page
    assert "Tạm dừng giờ làm bài" in page and "Mất điện tại chỗ ngồi" in page
    assert "Phát hiệu lệnh làm bài" in office.get("/audit?before=60").text
    assert office.get("/audit?before=-1;drop").status_code == 200
    with world.server.reading() as session:
        assert verify_chain(session).fault is None


def test_stations_show_whether_they_answer(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    page = signed_in("kythuat").get("/stations").text
    assert "MT-101-01" in page
    assert "13/16 máy sẵn sàng" in page
    assert "Máy này chưa báo về lần nào." in page


def test_names_are_escaped_everywhere(world: World, signed_in: Callable[[str], Browser]) -> None:
    evil = "<script>alert(1)</script>"
    with world.server.transaction() as session:
        session.execute(sa.update(Candidate).values(name=evil))
    browser = signed_in("hoidong")
    for path in (
        f"/rooms/{world.shift}/{world.room}",
        f"/placements/{world.placements[2]}",
        f"/results/{world.shift}",
    ):
        page = browser.get(path).text
        assert evil not in page and "&lt;script&gt;" in page, path
    words = browser.get(f"/?done={evil}").text
    assert "alert(1)" not in words


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/rooms/x/y", 404),
        ("/placements/x", 404),
        ("/checkins/x", 404),
        ("/results/x", 404),
        ("/shifts/x/open", 404),
        ("/static/../app.py", 404),
        ("/logout", 405),
    ],
)
def test_a_wrong_address_gets_a_page_that_says_what_to_do(
    world: World, signed_in: Callable[[str], Browser], path: str, status: int
) -> None:
    answer = signed_in("hoidong").get(path)
    assert answer.status_code == status
    assert "Về trang chính" in answer.text
    assert "Traceback" not in answer.text


def test_an_id_that_no_row_can_have_gets_a_page(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    for path in ("/placements/a%00b", f"/rooms/{world.shift}/%00", "/checkins/%00"):
        answer = signed_in("hoidong").get(path)
        assert answer.status_code in (404, 422), path
        assert "Về trang chính" in answer.text


def test_a_failure_shows_a_page_and_no_traceback(
    world: World, signed_in: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in("hoidong")

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(service, "shift_heads", broken)
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "Máy chủ gặp lỗi" in answer.text
    assert "secret detail" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_the_stations_interface_keeps_its_own_refusals(world: World) -> None:
    answer = Browser(world).client.post("/api/station/heartbeat", content=b"{}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == "bad_signature"
