"""Late answers and the publication of results, through the pages."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from staff_browser import Browser
from staff_moves import leave_answers_behind, two_hands
from staff_world import SettableClock, World, end_world, make_world, run_busy_room

from exam_server.attempts import service as attempts
from exam_server.attempts.fencing_models import LeaseConflict
from exam_server.attempts.models import Attempt
from exam_server.shards import anywhere
from exam_server.shifts import service as shifts
from exam_server.web.visit import LANGUAGE_COOKIE
from tests.databases import Databases

pytestmark = pytest.mark.slow
CODE = "K7QF-M2ZX-74TD-77QA"


@pytest.fixture
def world(databases: Databases) -> Iterator[World]:
    made = make_world(databases, SettableClock())
    run_busy_room(made)
    yield made
    end_world(made, databases)


def rows(text: str) -> list[str]:
    """The table's lines, tags taken out."""
    body = text[text.index("<tbody>") : text.index("</tbody>")]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in body.split("<tr>")[1:]]


def boxes(text: str) -> list[str]:
    return re.findall(r'name="evidence" value="(\w+)"', text)


def test_late_answers_are_listed_adopted_and_set_aside(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    attempt = leave_answers_behind(world)
    browser, page = signed_in("hoidong"), f"/attempts/{attempt}/late"
    text = browser.get(f"/placements/{world.placements[2]}").text
    assert page in text and "5 bản ghi đến sau khi" in text
    assert page not in signed_in("giamthi1").get(f"/placements/{world.placements[2]}").text
    text = browser.get(page).text
    shown = rows(text)
    assert [line.split()[1] for line in shown] == ["11", "12", "10", "9"]
    for line, standing in zip(
        shown,
        ("Có thể dùng", "Có thể dùng", "Thí sinh đã trả lời lại", "Chưa chứng minh được"),
        strict=True,
    ):
        assert standing in line
    assert " C – " in shown[1] and " D A " in shown[2]  # late, and what counts now
    answer = browser.post(page, page=page, decision="adopt", reason="")
    assert answer.status_code == 422 and "Hãy chọn ít nhất một câu" in answer.text
    evidence = boxes(text)
    refused = browser.post(
        page, page=page, decision="adopt", reason="biên bản", evidence=evidence[3]
    )
    assert refused.status_code == 409 and "không dùng được" in refused.text
    done = browser.post(
        page, page=page, decision="adopt", reason="biên bản 3", evidence=evidence[1]
    )
    assert done.headers["location"] == f"{page}?done=late_adopted"
    assert " C C " in rows(browser.get(page).text)[1]
    browser.post(page, page=page, decision="set_aside", reason="khiếu nại", evidence=evidence[1])
    after = rows(browser.get(page).text)[1]
    assert " C – " in after and "Không dùng" in after and "khiếu nại" in after


def test_a_code_from_the_minutes_is_entered_afterwards(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    attempt = leave_answers_behind(world, note_code=False)
    browser, page = signed_in("hoidong"), f"/attempts/{attempt}/late"
    text = browser.get(page).text
    assert "Có thể dùng" not in text and CODE not in text
    path = f"/attempts/{attempt}/noted"
    wrong = browser.post(path, page=page, head_code="ABC", epoch="1", minutes="")
    assert wrong.status_code == 422 and "mười sáu ký tự" in wrong.text
    strange = browser.post(path, page=page, head_code=CODE, epoch="x", minutes="số 3")
    assert strange.status_code == 409
    noted = browser.post(path, page=page, head_code=CODE.lower(), epoch="1", minutes="biên bản 3")
    assert noted.headers["location"] == f"{page}?done=head_noted"
    assert CODE in browser.get(page).text
    browser.client.cookies.set(LANGUAGE_COOKIE, "en", domain="exam.test", path="/")
    assert "Provisional receipt codes noted" in browser.get(page).text


def test_results_are_published_once_and_fixed(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    attempt = leave_answers_behind(world)
    browser, page = signed_in("hoidong"), f"/results/{world.shift}"
    assert f"{page}/publish" not in browser.get(page).text
    early = browser.post(f"{page}/publish", page=page)
    assert early.status_code == 409
    server, office = world.server, world.officer("hoidong")
    with server.transaction() as session:
        paused = attempts.attempt_of(
            session, world.machines[3].station.centre_id, world.placements[3]
        )
        attempts.resume(session, paused.id, officer=office, reason="có điện", now=server.now())
    world.server.clock.pass_by(timedelta(hours=3))
    with server.transaction() as session:
        shifts.close_shift(
            session, world.shift, officer=office, keys=server.keys, grace=server.settings.grace,
            now=server.now(), reason="hết giờ",
        )  # fmt: skip
    browser = signed_in("hoidong")
    browser.post(f"{page}/grade", page=page)
    late = f"/attempts/{attempt}/late"
    assert late in browser.get(page).text
    evidence = boxes(browser.get(late).text)
    browser.post(late, page=late, decision="adopt", reason="biên bản 3", evidence=evidence[0])
    assert browser.post(f"{page}/publish", page=page).status_code == 409  # one is to be graded anew
    text = browser.post(f"{page}/grade", page=page).text
    assert "2 câu đến muộn chưa quyết định" in text
    waiting = browser.post(f"{page}/publish", page=page)
    assert (
        waiting.status_code == 409 and "câu trả lời đến muộn chưa được quyết định" in waiting.text
    )
    browser.post(late, page=late, decision="set_aside", reason="biên bản 3", evidence=evidence[3])
    browser.post(late, page=late, decision="adopt_all", reason="biên bản 3")
    browser.post(f"{page}/grade", page=page)
    asked = browser.get(f"{page}/publish").text
    assert "Có thể đã vào thi khi máy mất mạng" in asked and "Công bố kết quả của 8 bài" in asked
    unsaid = browser.post(f"{page}/publish", page=page, reason=" ")
    assert unsaid.status_code == 409 and "Muốn tiếp tục phải ghi lý do" in unsaid.text
    done = browser.post(f"{page}/publish", page=page, reason="máy hỏng, biên bản 4")
    assert done.headers["location"] == f"{page}?done=published"
    text = browser.get(page).text
    assert "Kết quả đã công bố lúc" in text and f"{page}/grade" not in text
    text = browser.get(late).text
    assert "không thay đổi được nữa" in text and boxes(text) == []
    late_word = browser.post(
        late, page=page, decision="set_aside", reason="x", evidence=evidence[0]
    )
    assert late_word.status_code == 409 and "đã công bố" in late_word.text


def test_a_conflict_is_shown_compared_and_settled_both_ways(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    attempt = two_hands(world)
    browser, page = signed_in("hoidong"), f"/attempts/{attempt}/conflict"
    room = browser.get(f"/rooms/{world.shift}/{world.room}").text
    assert "Hai máy cùng ghi" in room and "Báo hội đồng thi" in room
    state = browser.get(f"/placements/{world.placements[4]}").text
    assert page in state
    proctor = signed_in("giamthi1").get(f"/placements/{world.placements[4]}").text
    assert "Hai máy cùng ghi" in proctor and page not in proctor
    text = browser.get(page).text
    shown = {line.split()[1]: line for line in rows(text)}
    assert shown["11"] == "Câu 11 A D Khác nhau" and shown["12"] == "Câu 12 B A Khác nhau"
    assert "Khác nhau" not in shown["1"]
    conflict = re.search(r'name="conflict" value="(\w+)"', text).group(1)
    empty = browser.post(page, page=page, conflict=conflict, reason="")
    assert empty.status_code == 422
    done = browser.post(page, page=page, conflict=conflict, side="claimant", reason="biên bản 7")
    assert done.headers["location"] == f"{page}?done=conflict_settled"
    text = browser.get(page).text
    assert "Đã giải quyết lúc" in text and "biên bản 7" in text
    assert "Hai máy cùng ghi" not in browser.get(f"/rooms/{world.shift}/{world.room}").text
    again = browser.post(page, page=page, conflict=conflict, side="claimant", reason="x")
    assert again.status_code == 409
    back = browser.post(page, page=page, conflict=conflict, side="server", reason="xem lại")
    assert back.status_code == 303
    assert browser.get(f"/attempts/{'0' * 32}/conflict").status_code in (404, 409)


def test_a_conflict_that_lies_aside_says_which_one_is_settled_first(
    world: World, signed_in: Callable[[str], Browser]
) -> None:
    attempt_id = two_hands(world)
    with world.server.transaction() as session:
        attempt = anywhere(session, Attempt, attempt_id)
        [outer] = session.scalars(sa.select(LeaseConflict)).all()
        fields = outer.model_dump(exclude={"id"})
        inner = LeaseConflict(**fields)
        inner.claimed_at += timedelta(seconds=1)
        inner.fork_sequence, inner.fork_head = attempt.sequence, attempt.head
        inner.tip_sequence, inner.tip_head = attempt.sequence, attempt.head
        session.add(inner)
        first, second, fork = outer.id, inner.id, outer.fork_sequence
    browser, page = signed_in("hoidong"), f"/attempts/{attempt_id}/conflict"
    assert "lần rẽ khác" not in browser.get(page).text
    done = browser.post(page, page=page, conflict=first, side="claimant", reason="biên bản 7")
    assert done.status_code == 303
    shown = browser.get(page).text
    assert f"do một lần rẽ khác (sau bản ghi {fork})" in shown
    assert "theo hướng: Bài mà máy chủ biết trước." in shown
    refused = browser.post(page, page=page, conflict=second, side="claimant", reason="x")
    assert refused.status_code == 409 and "Trước hết phải giải quyết lại" in refused.text
