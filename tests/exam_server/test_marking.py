"""Marks that people give: without a name, a second and a third person, the sheet, the pages."""

import csv
import io
import json
import os
import re
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from kiosk import RefusalError
from server_world import BACH, CHAU, DEMO, OFFICE, ROOT, World, load_demo

from card_reader.simulator.profile import CardProfile
from exam_server import auth, db, migrations
from exam_server.attempts import late_decisions
from exam_server.audit import AuditEntry
from exam_server.auth import Officer
from exam_server.cli import main
from exam_server.errors import NotPossibleError, Objection
from exam_server.grading import marking, marking_answers, marking_pages
from exam_server.grading.marking_answers import Answer, Count, Written
from exam_server.grading.marking_rule import MarkingRule
from exam_server.grading.marking_sheet import COLUMNS, SheetError, SheetFault, read_sheet, sheet
from exam_server.grading.models import Marking
from exam_server.grading.service import grade_shift
from exam_server.items.models import Act, ItemCard, ItemEvent, StaffSubject
from exam_server.keys import ServerKeys
from exam_server.results.models import PaperResult
from exam_server.results.publication import publish
from exam_server.results.service import slip
from exam_server.sealing import Sealed, Sealing
from exam_server.staff import Role, Staff
from exam_server.web.texts import Language
from exam_server.web.visit import LANGUAGE_COOKIE, SESSION_COOKIE
from question_bank.content import plain_text
from tests.databases import Databases

SCIENCE, SUBJECT = ROOT / "fixtures/science/science.zip", "Khoa học tự nhiên"
TEXT = "=Cây A cao 14,5 cm, mà thân mảnh.\nCây D khoẻ hơn."
D = Decimal


@pytest.fixture(scope="module")
def loaded_database(
    databases: Databases, keys: ServerKeys, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The science paper, its text to be marked by two people who may differ by a quarter."""
    folder = tmp_path_factory.mktemp("exam")
    shutil.copy(DEMO / "roster.xlsx", folder)
    shutil.copy(SCIENCE, folder)
    plan = (DEMO / "exam.toml").read_text("utf-8")
    plan = plan.replace("../maths/maths-2025.zip", SCIENCE.name)
    (folder / "exam.toml").write_text(plan + "markers = 2\ndifference = 0.25\n", "utf-8")
    url = databases.new()
    engine = db.create_engine(url)
    migrations.upgrade(engine)
    load_demo(engine, keys, folder)
    engine.dispose()
    return url


def marker(world: World, name: str, *subjects: str, role: Role = Role.MARKER) -> Officer:
    with world.server.transaction() as session:
        session.add(
            Staff(
                id=name, username=name, name=name, role=role, password_hash="-",
                created_at=world.clock.now,
            )
        )  # fmt: skip
        session.flush()
        session.add_all(StaffSubject(staff_id=name, subject=one, secret=True) for one in subjects)
    return Officer(name, name, name, role)


@pytest.fixture
def attempt(world: World, issue: Callable[..., CardProfile]) -> str:
    """A graded attempt in which the text was written and nothing else."""
    world.open_shift()
    kiosk = world.kiosk()
    attempt = kiosk.check_in(issue(BACH)).attempt
    assert attempt is not None
    world.start_shift()
    desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
    item = next(one for one in form.items if one.interaction.kind == "extended")
    desk.send(desk.answer(item.id, {"kind": "extended", "text": TEXT}))
    desk.submit()
    world.close_shift()
    grade(world)
    return attempt


def grade(world: World) -> tuple[int, int]:
    with world.server.transaction() as session:
        report = grade_shift(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            grace=world.server.settings.grace, now=world.clock.now,
        )  # fmt: skip
    return report.graded, report.unchanged


def seen(world: World, officer: Officer) -> list[Answer]:
    with world.server.reading() as session:
        return marking_answers.answers_for(
            session, officer, world.shift_id, sealing=world.server.sealing
        )


def opened(world: World, officer: Officer) -> dict[str, Written]:
    answers = seen(world, officer)
    with world.server.reading() as session:
        return marking_answers.written(session, officer, answers, world.server.sealing)


def counted(world: World, officer: Officer) -> dict[str, Count]:
    with world.server.reading() as session:
        return marking_answers.counts(session, officer, sealing=world.server.sealing)


def give(world: World, officer: Officer, points: str, answer: Answer | None = None) -> None:
    """A mark of the text as it stands."""
    answer = answer or seen(world, officer)[0]
    with world.server.transaction() as session:
        (written,) = marking_answers.written(
            session, officer, [answer], world.server.sealing
        ).values()
        marking.give(
            session, officer, answer, D(points), "", read=written.read, keys=world.server.keys,
            now=world.clock.now,
        )  # fmt: skip


def result(world: World) -> tuple[Decimal, Decimal]:
    with world.server.reading() as session:
        row = session.scalars(sa.select(PaperResult)).one()
        return row.total, row.awaiting


@pytest.mark.parametrize(
    ("rule", "points", "settled"),
    [
        (MarkingRule(), "", None),
        (MarkingRule(), "0.75", "0.75"),
        (MarkingRule(2, D("0.25")), "0.75", None),
        (MarkingRule(2, D("0.25")), "0.75 0.50", "0.625"),
        (MarkingRule(2, D("0.25")), "0.75 0.49", None),
        (MarkingRule(2, D("0.25")), "0.75 0.25 1", "1"),
        (MarkingRule(2), "0.5 0.5", "0.5"),
    ],
)
def test_when_marks_are_enough(rule: MarkingRule, points: str, settled: str | None) -> None:
    assert rule.settled([D(one) for one in points.split()]) == (settled and D(settled))


def test_markers_see_an_answer_without_a_name_and_only_of_their_subjects(
    world: World, attempt: str
) -> None:
    assert result(world) == (0, 1)
    officer = marker(world, "cham1", SUBJECT)
    (answer,) = seen(world, officer)
    assert (answer.maximum, answer.given) == (1, None)
    (written,) = opened(world, officer).values()
    assert (written.text, written.remark) == (TEXT, "")
    assert counted(world, officer) == {world.shift_id: Count(0, 1)}
    assert re.fullmatch(r"[A-Z2-7]{4}-[A-Z2-7]{4}", answer.code)
    assert seen(world, marker(world, "cham2", "Toán")) == []
    stranger = marker(world, "cham3")
    assert (seen(world, stranger), counted(world, stranger)) == ([], {})
    assert seen(world, marker(world, "rade", SUBJECT, role=Role.ITEM_WRITER)) == []
    assert len(seen(world, marker(world, "cham4", "*"))) == 1


def test_two_who_agree_and_the_attempt_is_complete(world: World, attempt: str) -> None:
    first, second = marker(world, "cham1", SUBJECT), marker(world, "cham2", SUBJECT)
    give(world, first, "0.75")
    assert result(world) == (0, 1)
    assert seen(world, second)[0].given is None
    give(world, second, "1")
    assert result(world) == (D("0.875"), 0)
    with world.server.transaction() as session:
        made = slip(session, attempt, keys=world.server.keys, now=world.clock.now)
        assert (made.total, made.awaiting) == (D("0.88"), 0)
        acts = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "answer_marked")
        ).all()
        assert [entry.actor for entry in acts] == [first.actor, second.actor]
    assert seen(world, marker(world, "cham3", SUBJECT)) == []
    assert grade(world) == (0, 1)


def test_the_log_proves_a_mark_and_tells_neither_code_nor_points(
    world: World, attempt: str
) -> None:
    officer = marker(world, "cham1", SUBJECT)
    (answer,) = seen(world, officer)
    give(world, officer, "0.75")
    with world.server.reading() as session:
        entry = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "answer_marked")
        ).one()
    assert entry.subject == f"attempt:{attempt}"
    told = json.loads(entry.details)
    assert told.keys() == {"place", "digest"}
    row = f"{attempt}/{answer.presented_id}/cham1"
    proof = world.server.sealing.content_digest(f"{row}/{answer.code}/0.75".encode())
    assert told["digest"] == proof.hex()


def test_marks_come_in_over_the_pages_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["marking", "import", "DIR", "FILE.csv", "--username", "cham1"])
    assert "invalid choice: 'marking'" in capsys.readouterr().err


def test_two_who_differ_need_a_third_whose_mark_counts(world: World, attempt: str) -> None:
    first, second, third = (marker(world, f"cham{n}", SUBJECT) for n in (1, 2, 3))
    give(world, first, "0.25")
    give(world, first, "0.5")
    give(world, second, "1")
    assert result(world) == (0, 1)
    give(world, third, "0.75")
    assert result(world) == (D("0.75"), 0)
    with pytest.raises(NotPossibleError) as caught:
        give(world, first, "1")
    assert caught.value.objection is Objection.WRONG_STATE
    with world.server.reading() as session:
        kept = session.scalars(sa.select(Marking).order_by(Marking.place)).all()
        assert [(one.staff_id, one.points) for one in kept] == [
            ("cham1", D("0.5")), ("cham2", 1), ("cham3", D("0.75")),
        ]  # fmt: skip


def test_a_mark_of_another_text_keeps_no_place_for_this_one(world: World, attempt: str) -> None:
    first, second, third = (marker(world, f"cham{n}", SUBJECT) for n in (1, 2, 3))
    give(world, third, "0.1")
    with world.server.transaction() as session:  # as where an adopted late record changes the text
        session.scalars(sa.select(Marking)).one().answer = b"another text"
    assert counted(world, third) == {world.shift_id: Count(0, 1)}
    give(world, first, "0.2")
    give(world, second, "0.9")
    assert result(world) == (0, 1)
    assert counted(world, first) == {world.shift_id: Count(1, 0)}
    give(world, third, "0.5")
    assert result(world) == (D("0.5"), 0)
    assert counted(world, third) == {world.shift_id: Count(1, 0)}


def test_no_mark_beyond_the_item_none_after_the_publication(world: World, attempt: str) -> None:
    first, second = marker(world, "cham1", SUBJECT), marker(world, "cham2", SUBJECT)
    for points in ("1.01", "-0.25", "0.125"):
        with pytest.raises(NotPossibleError) as caught:
            give(world, first, points)
        assert caught.value.objection is Objection.BAD_VALUE
    (answer,) = seen(world, first)
    give(world, first, "1")
    with pytest.raises(NotPossibleError) as caught:
        publication(world)
    assert caught.value.objection is Objection.AWAITING_MARKS
    give(world, second, "1")
    publication(world)
    assert seen(world, first) == []
    with pytest.raises(NotPossibleError) as caught:
        give(world, first, "0", answer)
    assert caught.value.objection is Objection.PUBLISHED


def publication(world: World) -> None:
    with world.server.transaction() as session:
        publish(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys, now=world.clock.now,
            reason="đủ bài",
        )  # fmt: skip


ENGLISH = {name: name for name in COLUMNS}
VIETNAMESE = {
    "code": "mã", "paper": "môn", "question": "câu hỏi", "answer": "bài làm",
    "maximum": "tối đa", "points": "điểm", "remark": "nhận xét", "read": "bản đã đọc",
}  # fmt: skip


def test_a_sheet_goes_out_and_comes_back(world: World, attempt: str) -> None:
    officer = marker(world, "cham1", SUBJECT)
    answers, written = seen(world, officer), opened(world, officer)
    question = {answers[0].version_id: "Vì sao?"}
    data = sheet(answers, written, question, VIETNAMESE, left_out="–")
    head, line = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    assert dict(zip(head, line, strict=True)) == {
        "mã": answers[0].code, "môn": "Toán", "câu hỏi": "Vì sao?", "bài làm": f"'{TEXT}",
        "tối đa": "1", "điểm": "", "nhận xét": "", "bản đã đọc": written[answers[0].code].read,
    }  # fmt: skip
    languages = (ENGLISH, VIETNAMESE)
    assert read_sheet(data, answers, languages) == []
    code = answers[0].code
    for head in (
        "code;points;remark;read",
        unicodedata.normalize("NFD", "Mã;Điểm;Nhận xét;Bản đã đọc"),
    ):
        (given,) = read_sheet(f"{head}\n{code};0,75;tốt;ABC\n".encode(), answers, languages)
        assert (given.line, given.points, given.remark) == (2, D("0.75"), "tốt")
        assert given.read == "ABC"
    for wrong, what in (
        ("code,paper\n", SheetFault.NO_COLUMNS),
        ("", SheetFault.NO_COLUMNS),
        (f"code,points\n{code},1\n", SheetFault.NO_COLUMNS),
        (f"code,points,read\n{code},2,A\n", SheetFault.BAD_POINTS),
        (f"code,points,read\n{code},x,A\n", SheetFault.BAD_POINTS),
        ("code,points,read\nAAAA-AAAA,1,A\n", SheetFault.NO_ANSWER),
        (f"code,points,read\n{code},1,A\n{code},1,A\n", SheetFault.TWICE),
        ("\xff", SheetFault.NO_CSV),
    ):
        with pytest.raises(SheetError) as caught:
            read_sheet(wrong.encode("latin-1"), answers, languages)
        assert caught.value.faults[0].what is what


@pytest.fixture
def two_attempts(world: World, issue: Callable[..., CardProfile]) -> None:
    world.open_shift()
    kiosks = [world.kiosk("01"), world.kiosk("02")]
    attempts = [
        kiosk.check_in(issue(who)).attempt for kiosk, who in zip(kiosks, (BACH, CHAU), strict=True)
    ]
    world.start_shift()
    for kiosk, attempt in zip(kiosks, attempts, strict=True):
        assert attempt is not None
        desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
        item = next(one for one in form.items if one.interaction.kind == "extended")
        desk.send(desk.answer(item.id, {"kind": "extended", "text": TEXT}))
        desk.submit()
    world.close_shift()
    grade(world)


@pytest.mark.usefixtures("two_attempts")
def test_a_sheet_and_a_mark_at_once_wait_and_do_not_block_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = marker(world, "cham1", SUBJECT), marker(world, "cham2", SUBJECT)
    answers = seen(world, one)
    begun, real = threading.Event(), marking.give

    def slowly(*given: Any, **more: Any) -> None:
        real(*given, **more)
        begun.set()
        time.sleep(0.5)

    read = {code: written.read for code, written in opened(world, one).items()}

    def mark_the_last() -> None:
        begun.wait()
        with world.server.transaction() as session:
            real(session, other, answers[-1], D("0.5"), "", read=read[answers[-1].code],
                 keys=world.server.keys, now=world.clock.now)  # fmt: skip

    client, csrf = signed_in(world, one)
    monkeypatch.setattr(marking, "give", slowly)
    rows = "".join(f"{answer.code},0.5,{read[answer.code]}\n" for answer in answers)
    with ThreadPoolExecutor(1) as threads:
        marked = threads.submit(mark_the_last)
        sent = client.post(
            f"/marking/{world.shift_id}/sheet", data=csrf,
            files={"file": ("a.csv", f"code,points,read\n{rows}".encode())},
        )  # fmt: skip
        marked.result()
    assert sent.headers["location"].endswith("done=answers_marked")
    assert len({answer.attempt_id for answer in answers}) == 2
    with world.server.reading() as session:
        assert len(session.scalars(sa.select(Marking)).all()) == 3


def read_on(page: str) -> str:
    """What the form carries of the text that the page shows."""
    found = re.search(r'name="read" value="([A-Z2-7]{16})"', page)
    assert found is not None
    return found[1]


def signed_in(world: World, officer: Officer) -> tuple[TestClient, dict[str, str]]:
    client = TestClient(world.app, base_url="https://exam.test", follow_redirects=False)
    token = auth.open_session(world.server.engine, officer, now=world.clock.now, rng=os.urandom)
    client.cookies.set(SESSION_COOKIE, token, domain="exam.test", path="/")
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/marking").text)
    assert found is not None
    return client, {"csrf": found[1]}


@pytest.mark.usefixtures("two_attempts")
def test_the_list_comes_in_pages_and_opens_no_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer = marker(world, "cham1", SUBJECT)
    client, csrf = signed_in(world, officer)
    monkeypatch.setattr(marking_pages, "PAGE_SIZE", 1)
    first, second = (answer.code for answer in seen(world, officer))
    purposes, real = list[Sealed](), Sealing.unseal

    def unseal(sealing: Sealing, purpose: Sealed, row: str, sealed: bytes) -> bytes:
        purposes.append(purpose)
        return real(sealing, purpose, row, sealed)

    monkeypatch.setattr(Sealing, "unseal", unseal)
    here = f"/marking/{world.shift_id}"
    shown = [client.get(f"{here}?page={page}").text for page in ("1", "2", "99", "x")]
    assert [(first in text, second in text) for text in shown] == [
        (True, False), (False, True), (False, True), (True, False),
    ]  # fmt: skip
    assert "Trang 2 trên 2" in shown[1]
    assert f'href="{here}"' in client.get("/marking").text
    assert Sealed.RESPONSE not in purposes
    page = client.get(f"{here}/{first}")
    assert (page.status_code, purposes.count(Sealed.RESPONSE)) == (200, 1)
    form = csrf | {"points": "1", "remark": "", "read": read_on(page.text)}
    sent = client.post(f"{here}/{first}", data=form)
    assert sent.headers["location"] == f"{here}/{second}?done=answer_marked"


@pytest.mark.usefixtures("attempt")
def test_who_opens_a_secret_item_is_written_down_and_lists_tell_nothing_of_it(
    world: World,
) -> None:
    officer = marker(world, "cham1", SUBJECT)
    with world.server.transaction() as session:
        session.add(Staff(id="cham2", username="cham2", name="cham2", role=Role.MARKER,
                          password_hash="-", created_at=world.clock.now))  # fmt: skip
        session.flush()
        session.add(StaffSubject(staff_id="cham2", subject=SUBJECT, secret=False))
    of_no_secrets = Officer("cham2", "cham2", "cham2", Role.MARKER)
    set_secret(world, secret=False)
    client, _ = signed_in(world, officer)
    (answer,) = seen(world, officer)
    with world.server.reading() as session:
        item = marking_answers.item_of(session, answer, world.server.sealing)
    question, here = plain_text(item.stem)[:30], f"/marking/{world.shift_id}"

    def told() -> list[str]:
        return [client.get(here).text, client.get(f"{here}/sheet").content.decode()]

    assert all(question in text for text in told())
    assert question in client.get(f"{here}/{answer.code}").text
    assert len(seen(world, of_no_secrets)) == 1
    set_secret(world, secret=True)
    assert seen(world, of_no_secrets) == []
    assert counted(world, of_no_secrets) == {}
    for text in told():
        assert answer.code in text
        assert "ội dung câu mật chỉ hiện khi mở" in text
        assert question not in text
    assert seen_by(world) == []
    assert question in client.get(f"{here}/{answer.code}").text
    assert seen_by(world) == ["cham1"]
    client.get(f"{here}/{answer.code}")  # the next answer to it, minutes later
    assert client.get(f"{here}/{answer.code}/media/none").status_code == 404
    assert seen_by(world) == ["cham1"]
    world.clock.now += timedelta(hours=1)
    client, _ = signed_in(world, officer)
    client.get(f"{here}/{answer.code}/media/none")
    assert seen_by(world) == ["cham1", "cham1"]


def set_secret(world: World, *, secret: bool) -> None:
    with world.server.transaction() as session:
        for card in session.scalars(sa.select(ItemCard)):
            card.secret = secret


def seen_by(world: World) -> list[str | None]:
    with world.server.reading() as session:
        told = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == Act.SEEN.value))
        events = session.scalars(sa.select(ItemEvent).where(ItemEvent.act == Act.SEEN)).all()
        assert len(told.all()) == len(events)
        return [one.staff_id for one in events]


@pytest.mark.usefixtures("attempt")
def test_faults_of_a_sheet_are_told_in_the_language_of_the_page(world: World) -> None:
    markers = [marker(world, f"cham{n}", SUBJECT) for n in (1, 2, 3)]
    (answer,) = seen(world, markers[0])
    client, csrf = signed_in(world, markers[0])
    here = f"/marking/{world.shift_id}/sheet"

    def brought(text: str) -> str:
        sent = client.post(here, data=csrf, files={"file": ("a.csv", text.encode())})
        assert sent.status_code == 422
        return sent.text

    assert client.get(here).content.decode("utf-8-sig").startswith("mã,môn,câu hỏi,bài làm,")
    wrong = f"mã,điểm,bản đã đọc\n{answer.code},2,A\nX,1,A\n"
    assert "thiếu cột “mã”, “điểm” hoặc “bản đã đọc”" in brought(f"mã,điểm\n{answer.code},1\n")
    assert f"Dòng 2: điểm của bài {answer.code} phải từ 0 đến 1" in brought(wrong)
    assert "Dòng 3: không có bài nào mang mã “X”" in brought(wrong)
    read = opened(world, markers[0])[answer.code].read
    for officer, points in zip(markers, ("0", "1", "0.5"), strict=True):
        give(world, officer, points)
    closed = brought(f"mã,điểm,bản đã đọc\n{answer.code},1,{read}\n")
    assert f"bài {answer.code} đã đủ điểm" in closed
    client.cookies.set(LANGUAGE_COOKIE, "en", domain="exam.test", path="/")
    assert client.get(here).content.decode("utf-8-sig").startswith("code,paper,question,answer,")
    assert "Line 3: there is no answer “X” for you to mark." in brought(wrong)


def test_the_pages_of_a_marker(world: World, attempt: str) -> None:
    officer = marker(world, "cham1", SUBJECT)
    client = TestClient(world.app, base_url="https://exam.test", follow_redirects=False)
    token = auth.open_session(world.server.engine, officer, now=world.clock.now, rng=os.urandom)
    client.cookies.set(SESSION_COOKIE, token, domain="exam.test", path="/")
    here = f"/marking/{world.shift_id}"
    assert here in client.get("/marking").text
    listed = client.get(here).text
    (answer,) = seen(world, officer)
    assert answer.code in listed
    page = client.get(f"{here}/{answer.code}").text
    assert "Cây A cao 14,5 cm" in page
    assert "0,25 điểm: giải thích cây vươn dài vì thiếu ánh sáng." in page
    for text in (listed, page):
        assert BACH.name not in text
        assert BACH.number not in text
        assert "01000001" not in text
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    csrf = {"csrf": found[1]}
    form = csrf | {"read": read_on(page)}
    wrong = client.post(f"{here}/{answer.code}", data=form | {"points": "1,5", "remark": "nhiều"})
    assert wrong.status_code == 422
    assert "nhiều" in wrong.text
    assert read_on(wrong.text) == form["read"]
    done = client.post(f"{here}/{answer.code}", data=form | {"points": "0,75", "remark": "được"})
    assert done.headers["location"] == f"{here}?done=answer_marked"
    assert [one.given for one in seen(world, officer)] == [D("0.75")]
    assert opened(world, officer)[answer.code].remark == "được"
    taken = client.get(f"{here}/sheet")
    brought = taken.content.replace(b",0.75,", b",0.50,")
    sent = client.post(f"{here}/sheet", data=csrf, files={"file": ("a.csv", brought)})
    assert sent.headers["location"] == f"{here}?done=answers_marked"
    assert seen(world, officer)[0].given == D("0.5")
    refused = client.post(
        f"{here}/sheet", data=csrf, files={"file": ("a.csv", b"code,points,read\nX,1,A")}
    )
    assert refused.status_code == 422
    assert client.get("/results").status_code == 403


LATER = "Cây A vươn dài vì thiếu ánh sáng."


@pytest.fixture
def late(world: World, issue: Callable[..., CardProfile]) -> Callable[[], None]:
    """A graded attempt whose station kept a second version of the text. Called, that version
    arrives after the closing, an officer adopts it, and the shift is graded again."""
    world.open_shift()
    kiosk = world.kiosk()
    attempt = kiosk.check_in(issue(BACH)).attempt
    assert attempt is not None
    world.start_shift()
    desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
    item = next(one for one in form.items if one.interaction.kind == "extended")
    desk.send(desk.answer(item.id, {"kind": "extended", "text": TEXT}))
    unsent = desk.answer(item.id, {"kind": "extended", "text": LATER})
    world.clock.pass_by(minutes=152)
    world.close_shift()
    grade(world)

    def adopted() -> None:
        with pytest.raises(RefusalError):
            desk.send(unsent)
        with world.server.transaction() as session:
            late_decisions.decide(
                session, attempt, None, adopt=True, officer=OFFICE, reason="biên bản số 5",
                keys=world.server.keys, now=world.clock.now,
            )  # fmt: skip
        grade(world)

    return adopted


CHANGED = {
    Language.VIETNAMESE: "Bài làm đã thay đổi kể từ lúc mở ra chấm. Hãy đọc lại bài rồi cho điểm.",
    Language.ENGLISH: "The answer has changed since you opened it; read it again.",
}


def nothing_given(world: World) -> bool:
    with world.server.reading() as session:
        entries = sa.select(AuditEntry).where(AuditEntry.action == "answer_marked")
        return not (session.scalars(sa.select(Marking)).all() or session.scalars(entries).all())


@pytest.mark.parametrize("language", Language)
def test_a_mark_typed_on_a_page_is_not_for_a_text_that_came_after(
    world: World, late: Callable[[], None], language: Language
) -> None:
    client, form = signed_in(world, marker(world, "cham1", SUBJECT))
    client.cookies.set(LANGUAGE_COOKIE, language.value, domain="exam.test", path="/")
    (answer,) = seen(world, marker(world, "cham2", SUBJECT))
    here = f"/marking/{world.shift_id}/{answer.code}"
    page = client.get(here).text
    assert "Cây D khoẻ hơn." in page
    form |= {"points": "0.75", "remark": "mảnh", "read": read_on(page)}
    late()
    for typed in (form, form | {"points": "9"}):  # no fault of the points hides it
        refused = client.post(here, data=typed)
        assert refused.status_code == 422
        assert CHANGED[language] in refused.text
        assert LATER in refused.text
        assert "mảnh" in refused.text
        # Points of the former text do not lie ready to be sent for the new one.
        assert 'id="points" name="points"' in refused.text
        assert typed["points"] not in field_of(refused.text, "points")
    assert nothing_given(world)
    form["read"] = read_on(refused.text)
    assert client.post(here, data=form).headers["location"].endswith("done=answer_marked")
    with world.server.reading() as session:
        assert session.scalars(sa.select(Marking)).one().points == D("0.75")


def field_of(page: str, name: str) -> str:
    found = re.search(rf'<input[^>]* name="{name}"[^>]*>', page)
    assert found is not None
    return found[0]


@pytest.mark.usefixtures("attempt")
def test_a_form_that_does_not_tell_what_was_read_gives_no_mark(world: World) -> None:
    client, csrf = signed_in(world, marker(world, "cham1", SUBJECT))
    (answer,) = seen(world, marker(world, "cham2", SUBJECT))
    here = f"/marking/{world.shift_id}/{answer.code}"
    for more in ({}, {"read": ""}, {"read": answer.code}):
        refused = client.post(here, data=csrf | {"points": "1", "remark": ""} | more)
        assert refused.status_code == 422
        assert CHANGED[Language.VIETNAMESE] in refused.text
    assert nothing_given(world)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            Language.VIETNAMESE,
            "Dòng 2: bài {code} đã thay đổi từ lúc tải bảng về, hoặc ô “bản đã đọc” bị sửa. "
            "Hãy tải lại bảng và đọc lại bài này rồi chấm.",
        ),
        (
            Language.ENGLISH,
            "Line 2: the answer {code} has changed since the table was taken, or its cell “read” "
            "was altered. Take the table anew, read the answer again, and mark it.",
        ),
    ],
)
def test_a_sheet_gives_no_mark_to_a_text_that_came_after(
    world: World, late: Callable[[], None], language: Language, told: str
) -> None:
    client, csrf = signed_in(world, marker(world, "cham1", SUBJECT))
    client.cookies.set(LANGUAGE_COOKIE, language.value, domain="exam.test", path="/")
    here = f"/marking/{world.shift_id}/sheet"

    def filled(*, read: str | None = None) -> bytes:
        head, line = csv.reader(io.StringIO(client.get(here).content.decode("utf-8-sig")))
        row = dict(zip(head, line, strict=True))
        names = list(row)
        row[names[COLUMNS.index("points")]] = "0.75"
        if read is not None:
            row[names[COLUMNS.index("read")]] = read
        made = io.StringIO()
        csv.writer(made).writerows([names, row.values()])
        return made.getvalue().encode()

    def brought(data: bytes) -> Any:
        return client.post(here, data=csrf, files={"file": ("a.csv", data)})

    before = filled()
    assert TEXT in before.decode()
    late()
    (answer,) = seen(world, marker(world, "cham2", SUBJECT))
    for data in (before, filled(read=""), filled(read="7E10")):
        refused = brought(data)
        assert refused.status_code == 422
        assert told.format(code=answer.code) in unescape(refused.text)
    assert nothing_given(world)
    assert brought(filled()).headers["location"].endswith("done=answers_marked")
    assert [one.given for one in seen(world, Officer("cham1", "cham1", "cham1", Role.MARKER))] == [
        D("0.75")
    ]


@pytest.mark.usefixtures("two_attempts")
def test_of_a_sheet_with_one_text_not_read_no_mark_is_taken(world: World) -> None:
    officer = marker(world, "cham1", SUBJECT)
    client, csrf = signed_in(world, officer)
    first, last = opened(world, officer).items()
    rows = f"code,points,read\n{first[0]},1,{first[1].read}\n{last[0]},1,\n"
    sent = client.post(
        f"/marking/{world.shift_id}/sheet", data=csrf, files={"file": ("a.csv", rows.encode())}
    )
    assert sent.status_code == 422
    assert f"Dòng 3: bài {last[0]} đã thay đổi" in sent.text
    assert nothing_given(world)
