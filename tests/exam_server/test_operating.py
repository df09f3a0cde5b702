"""The command, a server process over TLS, backup and restore."""

import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from kiosk import Clock, Kiosk
from server_world import BACH, DEMO, World, drop_triggers

from card_reader.simulator.issuer import Issuer
from exam_server import audit, cli, db, directory, keys, settings
from exam_server.attempts import records_kept
from exam_server.attempts.keys import attempt_key_of
from exam_server.attempts.models import Attempt
from exam_server.centres.models import Seat
from exam_server.contract.api import CheckInState
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.contract.records import Answered, Visited
from exam_server.forms.models import Realm
from exam_server.items.models import ItemCard
from exam_server.keys import ServerKeys
from exam_server.staff import Role, Staff
from exam_server.stations.models import Station
from exam_server.trust.source import TrustInForce
from question_bank.lifecycle import State
from tests.databases import Databases

pytestmark = pytest.mark.slow

WORD = Path(__file__).parents[2] / "fixtures" / "word"
PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, databases: Databases) -> Path:
    """A server made by the commands alone: init, load trust, load exam, staff add."""
    folder = tmp_path_factory.mktemp("made")
    issuer.save(folder / "issuer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXAM_SERVER_PASSPHRASE", PASSPHRASE)
        patch.setenv("EXAM_STAFF_PASSWORD", "mật khẩu dài")
        server = str(folder / "server")
        for command in (
            ["init", server, "--realm", "test", *where_to(databases)],
            ["load", "trust", server, str(folder / "issuer")],
            ["load", "exam", server, str(DEMO)],
            ["staff", "add", server, "--username", "gt1", "--name", "A", "--role", "proctor"],
        ):
            assert cli.main(command) == 0
    return folder / "server"


def where_to(databases: Databases) -> list[str]:
    """How `init` and `restore` are told of a new database; a file in the folder is the default."""
    return ["--database", databases.new()] if databases.kind == "postgresql" else []


@pytest.fixture
def server(
    made: Path, tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", PASSPHRASE)
    folder = tmp_path / "server"
    shutil.copytree(made, folder)
    chosen = settings.load(folder)
    if chosen.database_url is None:
        yield folder
        return
    url = databases.copy(chosen.database_url)
    settings.save(folder, chosen.model_copy(update={"database_url": url}))
    yield folder
    databases.remove(url)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict, str]:
    """Exit code, the JSON object, and stderr. One object and nothing else is on stdout."""
    capsys.readouterr()
    code = cli.main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


def test_status_says_what_there_is(server: Path, capsys) -> None:
    code, fields, _ = run(capsys, "status", server)
    assert code == 0
    assert fields["counts"]["placement"] == 12
    assert (fields["anchors"], fields["crls"]) == (1, 1)
    assert fields["shifts"][0]["state"] == "planned"


def test_a_second_init_and_load_are_refused(server: Path, capsys) -> None:
    code, fields, error = run(capsys, "init", server, "--realm", "test")
    assert code == 2
    assert "not empty" in fields["error"]
    assert error.count("\n") == 1
    code, fields, _ = run(capsys, "load", "exam", server, DEMO)
    assert code == 2
    assert "loaded before" in fields["error"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "{tmp}/none"], "no server directory"),
        (["load", "exam", "{server}", "{tmp}/none"], "cannot be read"),
        (["load", "trust", "{server}", "{tmp}/none"], "does not exist"),
        (["load", "roster", "{server}", "{tmp}/none"], "cannot be read"),
        (["load", "exam", "{server}", "{tmp}", "--starts-at", "now"], "no moment"),
        (["station", "token", "{server}", "--room", "P.9", "--seat", "1"], "no seat"),
        (["shift", "start", "{server}"], "only an open shift"),
        (["grade", "{server}"], "only a closed shift is graded"),
        (["grade", "{server}", "--shift", "Ca 9"], "no shift"),
        (["receipt", "verify", "{server}", "{server}/settings.json"], "no receipt"),
        (["restore", "{server}/settings.json", "{tmp}/new"], "no backup"),
        (["serve", "{server}", "--port", "99999"], "cannot be used"),
    ],
)
def test_an_unusable_call_gives_one_line(
    server: Path, tmp_path: Path, capsys, monkeypatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("EXAM_BACKUP_PASSPHRASE", "another passphrase")
    filled = [text.format(tmp=tmp_path, server=server) for text in arguments]
    code, fields, error = run(capsys, *filled)
    assert code == 2
    assert said in fields["error"]
    assert "Traceback" not in error
    assert error.startswith("exam-server: ")


def test_a_wrong_or_missing_passphrase_gives_one_line(server: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", "wrong horse battery")
    assert "does not open" in run(capsys, "grade", server)[1]["error"]
    monkeypatch.delenv("EXAM_SERVER_PASSPHRASE")
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: PTH123, SIM115
    assert "set EXAM_SERVER_PASSPHRASE" in run(capsys, "grade", server)[1]["error"]
    file = server / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    code, fields, _ = run(capsys, "shift", "open", server, "--passphrase-file", file)
    assert (code, fields["state"]) == (0, "open")


SQLITE_ALONE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@SQLITE_ALONE
def test_a_missing_or_damaged_database_gives_one_line(server: Path, capsys) -> None:
    path = server / directory.DATABASE
    path.write_bytes(b"no database at all" * 100)
    code, fields, _ = run(capsys, "status", server)
    assert code == 2
    assert "cannot be used" in fields["error"]
    path.unlink()
    assert "is missing" in run(capsys, "status", server)[1]["error"]


@SQLITE_ALONE
def test_a_locked_database_gives_one_line(server: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 50)
    holder = sqlite3.connect(server / directory.DATABASE, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    code, fields, _ = run(capsys, "shift", "open", server)
    holder.close()
    assert code == 2
    assert "locked by another program" in fields["error"]


def test_a_busy_port_gives_one_line(server: Path, capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, fields, _ = run(capsys, "serve", server, "--port", port)
    assert code == 2
    assert "--port" in fields["error"]


def rewrite_the_log(server: Path) -> None:
    """As whoever owns the database can."""
    with directory.open_server(server) as opened, db.transaction(opened.engine) as session:
        drop_triggers(session, "audit_entry")
        session.execute(sa.text("UPDATE audit_entry SET actor = 'nobody' WHERE sequence = 1"))


def test_audit_verify_finds_tampering(server: Path, capsys) -> None:
    code, fields, _ = run(capsys, "audit", "verify", server)
    assert (code, fields["faults"]) == (0, [])
    rewrite_the_log(server)
    code, fields, _ = run(capsys, "audit", "verify", server)
    assert (code, fields["faults"]) == (1, ["audit log: entry 1 was changed"])


@pytest.fixture
def serving(server: Path) -> Iterator[str]:
    """A real process over TLS; its address."""
    command = [
        sys.executable,
        "-m",
        "exam_server.cli",
        "serve",
        str(server),
        "--port",
        "0",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0


@pytest.mark.slow
def test_a_station_writes_over_tls_and_a_backup_holds_it(
    server: Path, serving: str, issue, tmp_path: Path, databases, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("EXAM_BACKUP_PASSPHRASE", "another passphrase")
    code, fields, _ = run(
        capsys, "station", "token", server, "--room", "P.101", "--seat", "01", "--url", serving
    )
    token = EnrolmentToken.from_text(fields["token"])
    assert token.fingerprint == keys.fingerprint(server)
    context = ssl.create_default_context(cafile=str(server / keys.CERTIFICATE_FILE))
    with urllib.request.urlopen(f"{serving}/health", context=context) as health:
        assert json.load(health) == {"status": "ok"}
    with httpx.Client(base_url=serving, verify=context) as http:
        kiosk = Kiosk(http, Clock(datetime.now(UTC)))
        kiosk.enrol(token)
        assert run(capsys, "shift", "open", server)[0] == 0
        view = kiosk.check_in(issue(BACH))
        assert view.state is CheckInState.ADMITTED, view.reasons
        desk = kiosk.lease(view.attempt)
        assert run(capsys, "shift", "start", server, "--reason", "chạy thử")[0] == 0
        form = kiosk.open_form(view.attempt)
        desk.send(desk.record(Visited(form.items[0].id)))
        backup = tmp_path / "server.backup"
        assert run(capsys, "backup", server, backup)[0] == 0
        number = {"kind": "numeric", "text": "7"}
        desk.send(desk.record(Answered(form.items[-1].id, number)))
        receipt_view = desk.submit()
    receipt = tmp_path / "receipt.json"
    receipt.write_text(receipt_view.model_dump_json())
    code, fields, _ = run(capsys, "receipt", "verify", server, receipt)
    assert (code, fields["valid"], fields["answered"]) == (0, True, 1)
    assert run(capsys, "shift", "close", server, "--reason", "chạy thử")[0] == 0
    code, fields, _ = run(capsys, "grade", server)
    assert (code, fields["graded"]) == (0, 1)
    results = run(capsys, "results", server)[1]["results"]
    assert [row["receipt"] for row in results if row["attempt"]] == [receipt_view.short_code]

    raw = backup.read_bytes()
    assert b"SQLite format" not in raw
    again = tmp_path / "again"
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", "a new passphrase")
    assert run(capsys, "restore", backup, again, *where_to(databases))[0] == 0
    assert keys.fingerprint(again) == token.fingerprint
    own = keys.load(again, "a new passphrase")
    read_the_restored_attempt(again, own, view.attempt)
    # The receipt speaks of records that came after the backup.
    code, fields, _ = run(capsys, "receipt", "verify", again, receipt)
    assert (code, fields["faults"]) == (1, ["the server holds other records than the receipt says"])


def read_the_restored_attempt(folder: Path, own: ServerKeys, attempt_id: str) -> None:
    with directory.open_server(folder) as opened, db.reading(opened.engine) as session:
        attempt = session.scalars(sa.select(Attempt)).one()
        assert attempt.id == attempt_id
        key = attempt_key_of(own, attempt.id)
        bodies = [record.open(key)[0] for record in records_kept.records_of(session, attempt)]
    assert len(bodies) == 1
    assert isinstance(bodies[0], Visited)


@pytest.mark.slow
def test_a_backup_opens_whole_and_with_its_own_passphrase_alone(
    server: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("EXAM_BACKUP_PASSPHRASE", "another passphrase")
    backup = tmp_path / "server.backup"
    assert run(capsys, "backup", server, backup)[0] == 0
    assert "exists" in run(capsys, "backup", server, backup)[1]["error"]
    whole = backup.read_bytes()
    for spoiled in (whole[:-1], whole[:-40] + bytes(40), whole[:200]):
        backup.write_bytes(spoiled)
        code, fields, _ = run(capsys, "restore", backup, tmp_path / "again")
        assert code == 2
        assert "damaged" in fields["error"]
        assert not (tmp_path / "again").exists()
    backup.write_bytes(whole)
    monkeypatch.setenv("EXAM_BACKUP_PASSPHRASE", PASSPHRASE)
    code, fields, _ = run(capsys, "restore", backup, tmp_path / "again")
    assert code == 2
    assert "does not open" in fields["error"]


def test_the_demo_world_is_the_commands_world(world: World, server: Path, capsys) -> None:
    code, fields, _ = run(capsys, "results", server)
    assert code == 0
    assert len(fields["results"]) == 12
    assert all(row["total"] is None for row in fields["results"])


def cut_off(session: db.Session) -> None:
    """The last entry is gone."""
    last = session.scalar(sa.select(sa.func.max(audit.AuditEntry.sequence)))
    session.execute(sa.delete(audit.AuditEntry).where(audit.AuditEntry.sequence == last))


def compute_anew(session: db.Session) -> None:
    """Another first actor, and every digest after it made to fit."""
    previous = audit.GENESIS
    for entry in session.scalars(sa.select(audit.AuditEntry).order_by(audit.AuditEntry.sequence)):
        entry.actor = "nobody" if entry.sequence == 1 else entry.actor
        entry.previous = previous
        entry.digest = previous = entry.computed_digest()
        session.flush()


def seal_with_another_key(session: db.Session) -> None:
    session.execute(sa.update(audit.AuditSeal).values(signature=bytes(64)))


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (cut_off, "cut off"),
        (compute_anew, "computed anew"),
        (seal_with_another_key, "is not the server's"),
    ],
)
def test_the_log_is_sealed(
    server: Path, capsys, tamper: Callable[[db.Session], None], said: str
) -> None:
    assert run(capsys, "shift", "open", server)[0] == 0
    assert run(capsys, "audit", "verify", server)[0] == 0
    with directory.open_server(server) as opened:
        with pytest.raises(sa.exc.DBAPIError), opened.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM audit_seal")
        with db.transaction(opened.engine) as session:
            for table in ("audit_entry", "audit_seal"):
                drop_triggers(session, table)
            tamper(session)
    code, fields, _ = run(capsys, "audit", "verify", server)
    assert code == 1
    assert said in fields["faults"][0]


@pytest.mark.slow
def test_a_backup_whose_log_does_not_hold_is_not_restored(
    server: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("EXAM_BACKUP_PASSPHRASE", "another passphrase")
    rewrite_the_log(server)
    backup, again = tmp_path / "server.backup", tmp_path / "again"
    assert run(capsys, "backup", server, backup)[0] == 0
    code, fields, _ = run(capsys, "restore", backup, again)
    assert (code, fields["fault"]) == (1, "entry 1 was changed")
    assert not again.exists()


def test_stations_and_staff_are_listed_and_let_go(server: Path, capsys) -> None:
    with directory.open_server(server) as opened, db.transaction(opened.engine) as session:
        centre = session.scalars(sa.select(Seat.centre_id)).first()
        station = Station(
            centre_id=centre, realm=Realm.TEST, name="máy 1", signing_key=b"s",
            wrapping_key=b"w", enrolled_at=datetime.now(UTC),
        )  # fmt: skip
        session.add(station)
    place = ("--room", "P.101", "--seat", "02")
    assert run(capsys, "station", "assign", server, "--station", station.id, *place)[0] == 0
    (listed,) = run(capsys, "station", "list", server)[1]["stations"]
    assert (listed["id"], listed["room"], listed["seat"]) == (station.id, "P.101", "02")
    revoke = ("station", "revoke", server, "--station", station.id, "--reason", "mất máy")
    assert run(capsys, *revoke)[0] == 0
    assert run(capsys, *revoke)[0] == 2
    (listed,) = run(capsys, "station", "list", server)[1]["stations"]
    assert listed["revoked_at"] and listed["room"] is None
    assert run(capsys, "staff", "disable", server, "--username", "gt1")[0] == 0
    assert run(capsys, "staff", "disable", server, "--username", "gt1")[0] == 2
    assert (
        "no nobody" in run(capsys, "staff", "disable", server, "--username", "nobody")[1]["error"]
    )
    (person,) = run(capsys, "staff", "list", server)[1]["staff"]
    assert person["username"] == "gt1" and person["disabled_at"]


def test_a_writer_gets_a_subject_and_brings_a_file(server: Path, capsys) -> None:
    """Nothing without the grant; with it drafts, and the file's errors make the exit code 1."""
    with directory.open_server(server) as opened, db.transaction(opened.engine) as session:
        for username, role in (("rade", Role.ITEM_WRITER), ("gt9", Role.PROCTOR)):
            session.add(
                Staff(
                    username=username, name=username, role=role, password_hash="",
                    created_at=datetime.now(UTC),
                )
            )  # fmt: skip
    subject = ("--username", "rade", "--subject", "Ngữ văn")
    bring = ("bank", "import", server, WORD / "keys-that-fail.docx", *subject)
    assert "not among yours" in run(capsys, *bring)[1]["error"]
    assert run(capsys, "staff", "grant", server, *subject)[0] == 0
    assert run(capsys, "staff", "grant", server, *subject[2:], "--username", "gt9")[0] == 2
    assert run(capsys, *bring, "--secret")[0] == 2
    code, fields, told = run(capsys, *bring)
    assert (code, fields["imported"], len(fields["problems"])) == (1, 1, 3)
    assert "Câu 2" in told
    with directory.open_server(server) as opened, db.reading(opened.engine) as session:
        card = session.scalars(sa.select(ItemCard).where(ItemCard.subject == "Ngữ văn")).one()
        assert (card.state, card.secret) == (State.DRAFT, False)
    assert run(capsys, "bank", "index", server)[1] == {"indexed": 0}
    assert run(capsys, "staff", "withdraw", server, *subject)[0] == 0
    assert run(capsys, "staff", "withdraw", server, *subject)[0] == 2
    assert run(capsys, *bring)[0] == 2


def test_loading_is_logged_and_trust_is_read_anew(server: Path, tmp_path: Path, capsys) -> None:
    with directory.open_server(server) as opened:
        current = TrustInForce(server, opened.engine, own=opened.public_key(), realm=Realm.TEST)
        assert len(current().anchors) == 1
        assert current() is current()
        Issuer.generate(name="CSCA TEST 2").save(tmp_path / "second")
        code, fields, _ = run(capsys, "load", "trust", server, tmp_path / "second")
        assert (code, fields["anchors"]) == (0, 2)
        assert len(current().anchors) == 2
    with directory.open_server(server) as opened, db.reading(opened.engine) as session:
        actions = session.scalars(sa.select(audit.AuditEntry.action)).all()
    assert actions.count("trust_loaded") == 2


def test_a_live_server_takes_nothing_from_one_person(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", PASSPHRASE)
    (tmp_path / "live").mkdir(mode=0o755)
    assert run(capsys, "init", tmp_path / "live", "--realm", "live")[0] == 0
    assert (tmp_path / "live").stat().st_mode & 0o777 == 0o700
    Issuer.generate(name="Bộ Công an").save(tmp_path / "issuer")
    code, fields, _ = run(capsys, "load", "trust", tmp_path / "live", tmp_path / "issuer")
    assert code == 2 and "trust propose" in fields["error"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--database", "no url"], "no database"),
        (["--database", "postgresql+nodriver://x"], "no database"),
        (["--host", " "], "host"),
    ],
)
def test_a_server_that_cannot_be_made_leaves_nothing_behind(
    tmp_path: Path,
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", "long enough for a test")
    assert cli.main(["init", str(tmp_path / "server"), "--realm", "test", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []
