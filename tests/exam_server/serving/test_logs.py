"""What a server writes to its log: one line for a thing that happened, and nobody's data."""

import base64
import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from kiosk import accepted_face
from served import Served, make_server
from server_world import BACH

from card_reader.simulator.issuer import Issuer
from card_reader.trust.store import TrustStore
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Room
from exam_server.serving import logs
from exam_server.serving.logs import LogForm
from exam_server.shifts.models import Shift
from exam_server.shifts.release import ShiftRelease

SECRET = "số 001208000101 của Nguyễn Hoàng Bách"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Where this process logs for the time of a test."""
    root = logging.getLogger()
    before, level, hooks = root.handlers, root.level, (sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    logs.configure(LogForm.JSON, stream)
    yield stream
    root.handlers, (sys.excepthook, threading.excepthook) = before, hooks
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_exception_is_told_by_kind_and_place_alone(written: io.StringIO) -> None:
    log = logging.getLogger("exam_server.test")
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise KeyError(SECRET) from error
    except KeyError:
        log.exception("it failed")
    (line,) = lines(written)
    assert line["event"] == "it failed"
    assert line["error"] == ["builtins.KeyError", "builtins.ValueError"]
    assert any("test_an_exception_is_told" in str(place) for place in line["at"])
    assert SECRET not in written.getvalue()


def test_what_a_database_complains_of_is_told_without_its_values(written: io.StringIO) -> None:
    engine = sa.create_engine("sqlite://", hide_parameters=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a TEXT CHECK (a <> 'Nguyễn Hoàng Bách'))")
        try:
            connection.execute(sa.text("INSERT INTO t VALUES ('Nguyễn Hoàng Bách')"))
        except sa.exc.IntegrityError:
            logging.getLogger("exam_server.test").exception("not kept")
    (line,) = lines(written)
    assert line["error"][0] == "sqlalchemy.exc.IntegrityError"
    assert "Bách" not in written.getvalue()


def test_an_uncaught_exception_in_a_thread_is_a_line_too(written: io.StringIO) -> None:
    def fail() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (line,) = lines(written)
    assert (line["level"], line["error"]) == ("critical", ["builtins.RuntimeError"])
    assert SECRET not in written.getvalue()


def test_text_is_for_a_terminal_and_json_for_everything_else() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert logs.chosen_form(None, Terminal()) is LogForm.TEXT
    assert logs.chosen_form(None, io.StringIO()) is LogForm.JSON
    assert logs.chosen_form("text", io.StringIO()) is LogForm.TEXT


@pytest.fixture
def serving(tmp_path: Path, trust: TrustStore, issuer: Issuer) -> Iterator[Served]:
    issuer.save(tmp_path / "issuer")
    person = (BACH.name, BACH.date_of_birth.strftime("%d/%m/%Y"), BACH.number)
    server = make_server(tmp_path, person)
    server.call("load", "trust", str(server.folder), str(tmp_path / "issuer"))
    with Served.of(server, trust) as served:
        yield served


@pytest.mark.slow
def test_a_whole_check_in_and_paper_leave_no_person_and_no_secret_in_the_log(
    serving: Served, issue
) -> None:
    world, server = serving.world, serving.world.server
    world.open_shift()
    token = world.token("P.101", "01")
    kiosk = serving.kiosk(1)
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    evidence = kiosk.read(issue(BACH), placement, challenge)
    kiosk.send_check_in(
        kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
    )
    attempt = serving.attempt_at(kiosk)
    desk = kiosk.lease(attempt)
    serving.start_shift()
    form = kiosk.open_form(attempt)
    answered = {"kind": "numeric", "text": "-3141,5"}
    desk.send(desk.answer(form.items[-1].id, answered))
    receipt = desk.submit()
    # What fails, too: forged, malformed, foreign, and a page that does not exist.
    for path, body in (
        ("/attempts/none/records", b"{}"),
        (f"/attempts/{attempt}/records", BACH.name.encode()),
        (f"/packages/{BACH.number}", b""),
    ):
        kiosk.send("POST" if body else "GET", path, body)
    kiosk.http.get(f"/{BACH.number}", params={"name": BACH.name})
    kiosk.http.post("/login", data={"login": BACH.number, "password": "mật khẩu của ai"})
    serving.server.stop()

    text = serving.server.log.read_text("utf-8")
    told = [json.loads(line) for line in text.splitlines()]
    routes = {line.get("route") for line in told}
    assert {
        "/api/station/checkins",
        "/api/station/attempts/{attempt}/submit",
        "/login",
        "unmatched",
    } <= routes
    submitted = [one for one in told if str(one.get("route")).endswith("/submit")]
    assert [(one["code"], one["station"]) for one in submitted] == [(200, kiosk.station)]
    assert all(one["request"] and one["milliseconds"] >= 0 for one in submitted)

    for what, secret in _never_told(serving, token.secret, desk, receipt):
        assert secret not in text, f"{what} is in the log"
    with server.reading() as session:
        people = session.exec(sa.select(Candidate.name, Candidate.citizen_number)).all()
        numbers = session.scalars(sa.select(Registration.registration_number)).all()
    for personal in {one for person in people for one in person if one} | set(numbers):
        assert not re.search(rf"\b{re.escape(personal)}\b", text), "a person is in the log"


def _never_told(served: Served, token: bytes, desk, receipt) -> Iterator[tuple[str, str]]:
    """Everything personal or secret that went through, in every way it might be written."""
    own = served.world.server.keys
    with served.world.server.reading() as session:
        shift = session.exec(sa.select(Shift)).scalars().one()
        room = session.exec(sa.select(Room.id)).scalars().one()
    secret = ShiftRelease(shift, own.sealing).start_secret(room)
    yield from (
        ("an answer", "-3141,5"),
        ("a password", "mật khẩu của ai"),
        ("the passphrase", served.server.environment["EXAM_SERVER_PASSPHRASE"]),
        ("the receipt's code", receipt.short_code),
        ("the TLS key's passphrase", own.tls_passphrase),
    )
    binary = {
        "the master key": own.master,
        "the signing key": own.signing.private_bytes_raw(),
        "the recovery key": own.recovery.private_bytes_raw(),
        "an enrolment secret": token,
        "the start secret": secret,
        "the attempt's key": desk.keys.attempt_key,
        "the lease's key": desk.keys.lease_key,
        "the station's signing key": desk.kiosk.signing.private_bytes_raw(),
    }
    for what, data in binary.items():
        yield what, data.hex()
        yield what, base64.b64encode(data).decode()[:-4]
        yield what, base64.urlsafe_b64encode(data).decode()[:-4]
        yield what, repr(data)[2:-1]
