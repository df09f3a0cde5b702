"""A trust that was tampered with, rolled back or put in by hand lets nobody in."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk import RefusalError
from server_world import BACH, World
from trust_office import BINH, CHAU, SERVER_PASSPHRASE, Authority, Office, at_the_desk

from card_reader.trust.certificates import parse_certificates
from card_reader.trust.store import Realm
from exam_server import audit, cli, db, directory, keys
from exam_server.app import create_app
from exam_server.checkin.attendance import attendance
from exam_server.errors import InputError
from exam_server.trust import service
from exam_server.trust.service import read_change
from exam_server.trust.source import TrustInForce

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def changed_once(
    founded_servers: Path,
    officer_keys: Path,
    files: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Version 1 trusts an issuer, version 2 trusts it no more; with both changes' files."""
    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(founded_servers / "live", folder / "live")
    anchor = parse_certificates((files / "csca.pem").read_bytes())[0].sha256
    first, second = (["--key", str(officer_keys / f"{number}.key")] for number in (0, 1))
    with at_the_desk():
        for name, words in (("one", ["--add", str(files)]), ("two", ["--remove", anchor])):
            server, change = str(folder / "live"), str(folder / name)
            for command in (
                ["propose", server, *words, "--reason", "thử", "--out", change, *first],
                ["countersign", server, change, "--yes", *second],
                ["apply", server, change],
            ):
                assert cli.main(["trust", *command]) == 0
    return folder


@pytest.fixture
def changed(changed_once: Path, officer_keys: Path, tmp_path: Path) -> Office:
    shutil.copytree(changed_once, tmp_path, dirs_exist_ok=True)
    return Office(tmp_path / "live", officer_keys)


def sql(office: Office, *statements: str) -> None:
    """Past the program, as whoever can write the file may."""
    with closing(sqlite3.connect(office.server / directory.DATABASE)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


NO_TRIGGERS = (
    "DROP TRIGGER trust_document_no_update",
    "DROP TRIGGER trust_document_no_delete",
)
COLLECTION = "FROM trust_document WHERE kind = 'collection'"


def refused_everywhere(office: Office, capsys, said: str) -> None:
    code, fields, error = office.run(capsys, "status", office.server)
    assert (code, fields["anchors"], fields["crls"]) == (1, 0, 0)
    assert said in fields["trust_fault"]
    for words in (("trust", "show", office.server), ("serve", office.server, "--port", "0")):
        code, fields, error = office.run(capsys, *words)
        assert code == 2 and said in fields["error"]
        assert error.count("\n") == 1
    code, fields, _ = office.run(capsys, "audit", "verify", office.server)
    assert code == 1 and any("trust" in fault for fault in fields["faults"])


def test_the_old_file_does_not_bring_the_old_version_back(
    changed: Office, tmp_path: Path, capsys
) -> None:
    for name in ("one", "two"):
        code, fields, _ = changed.apply(capsys, tmp_path / name)
        assert code == 2 and "does not follow version 2, which is in force" in fields["error"]
    assert changed.run(capsys, "status", changed.server)[1]["anchors"] == 0


def test_rows_cannot_be_changed_or_deleted(changed: Office) -> None:
    for statement in (
        "UPDATE trust_document SET number = 3 WHERE number = 2",
        f"DELETE {COLLECTION} AND number = 2",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            sql(changed, statement)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([f"DELETE {COLLECTION} AND number = 2"], "rolled back"),
        ([f"DELETE {COLLECTION}"], "rolled back"),
        (["DELETE FROM trust_document WHERE kind = 'officers'"], "rolled back"),
        (
            [
                f"UPDATE trust_document SET content = (SELECT content {COLLECTION} AND number = 1)"
                " WHERE kind = 'collection' AND number = 2"
            ],
            "older than 2",
        ),
        (
            [
                "INSERT INTO trust_document SELECT kind, 3, digest, officers, content,"
                " proposed_by, countersigned_by, reason, added, removed, applied_at, seal"
                f" {COLLECTION} AND number = 1"
            ],
            "put in by hand",
        ),
        (["UPDATE trust_document SET seal = zeroblob(64)"], "not put in by this server"),
        (["UPDATE trust_document SET content = x'00'"], "damaged"),
        (
            ["UPDATE trust_document SET content = x'00' WHERE kind = 'collection'"],
            "cannot be used",
        ),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_refused(
    changed: Office, capsys, statements: list[str], said: str
) -> None:
    with directory.open_server(changed.server) as opened:
        own = opened.public_key()
        running = TrustInForce(changed.server, opened.engine, own=own, realm=Realm.LIVE)
        before = running()
        sql(changed, *NO_TRIGGERS, *statements)
        # A running server goes on with what it has verified, or with nothing.
        try:
            assert running() is before
        except InputError as error:
            assert said in str(error)
            with pytest.raises(InputError):
                running()
    refused_everywhere(changed, capsys, said)


def test_an_apply_that_is_interrupted_leaves_all_as_it_was(
    office: Office, files: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    change = tmp_path / "change"
    office.propose(capsys, change, "--add", files)
    office.countersign(capsys, change)
    with monkeypatch.context() as patch:

        def fails(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(audit, "record", fails)
        assert office.apply(capsys, change)[0] == 2
    assert office.run(capsys, "trust", "show", office.server)[1]["version"] == 0
    assert office.run(capsys, "audit", "verify", office.server)[1]["faults"] == []
    assert office.apply(capsys, change)[0] == 0


def every_alteration_is_refused(office: Office, change: Path, step: int) -> None:
    """One bit turned, here and there, and the end cut off."""
    whole = change.read_bytes()
    own = keys.load(office.server, SERVER_PASSPHRASE).signing
    spoilt = [whole[:-1], *(_turned(whole, place) for place in range(0, len(whole), step))]
    with directory.open_server(office.server) as opened:
        for data in spoilt:
            with pytest.raises(InputError), db.transaction(opened.engine) as session:
                service.apply(
                    session, read_change(data), realm=Realm.LIVE, key=own, now=datetime.now(UTC)
                )


def _turned(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def test_an_altered_change_is_refused(office: Office, files: Path, tmp_path: Path, capsys) -> None:
    change = tmp_path / "change"
    office.propose(capsys, change, "--add", files)
    office.countersign(capsys, change)
    every_alteration_is_refused(office, change, 31)
    assert office.apply(capsys, change)[0] == 0


def test_altered_officers_are_refused(office: Office, tmp_path: Path, capsys) -> None:
    change = tmp_path / "change"
    words = ("--remove", BINH, "--reason", "chuyển công tác", "--out", change)
    office.run(capsys, "trust", "officers", office.server, *words, *office.key(BINH))
    office.countersign(capsys, change, by=CHAU)
    every_alteration_is_refused(office, change, 5)
    assert office.apply(capsys, change)[0] == 0


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_any_bytes_are_a_change_or_refused(data: bytes) -> None:
    domain = b"\x84\x78\x20truong-thi/trust-officers-signed\x01"
    for candidate in (data, domain + data):
        with pytest.raises(InputError):
            read_change(candidate)


def test_a_backup_carries_the_trust(changed: Office, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("EXAM_BACKUP_PASSPHRASE", "another passphrase")
    assert cli.main(["backup", str(changed.server), str(tmp_path / "saved")]) == 0
    assert cli.main(["restore", str(tmp_path / "saved"), str(tmp_path / "again")]) == 0
    again = Office(tmp_path / "again", changed.keys)
    assert again.run(capsys, "trust", "show", again.server)[1]["version"] == 2


@pytest.fixture
def doubtful(world: World) -> Iterator[Callable[[], World]]:
    """The world again, its trust past using."""

    def unusable() -> object:
        raise InputError("the trust in force cannot be used")

    server = world.server
    app = create_app(server.settings, server.keys, server.engine, unusable, world.clock)
    with TestClient(app, base_url="https://testserver") as http:
        yield lambda: World(app.state.server, http, world.clock)


def test_nobody_is_let_in_on_a_trust_that_cannot_be_used(
    doubtful: Callable[[], World], issue, caplog
) -> None:
    world = doubtful()
    world.open_shift()
    kiosk = world.kiosk()
    with pytest.raises(RefusalError) as refusal:
        kiosk.check_in(issue(BACH))
    assert refusal.value.status == 500
    assert "the trust in force cannot be used" in caplog.text
    with world.server.reading() as session:
        assert not any(row.state for row in attendance(session, world.centre_id, world.shift_id))


def test_who_signed_in_the_servers_place_is_found(office: Office, capsys) -> None:
    """A list that somebody else's server founded does not count here."""
    statement = "UPDATE trust_document SET seal = zeroblob(64), officers = 0"
    sql(office, *NO_TRIGGERS, statement)
    refused_everywhere(office, capsys, "not put in by this server")


def test_another_authority_needs_its_own_two(office: Office, tmp_path: Path, capsys) -> None:
    """A first version that was signed elsewhere does not replace the one in force."""
    first = Authority("CSCA 1").save(tmp_path / "1") / "csca.pem"
    second = Authority("CSCA 2").save(tmp_path / "2") / "csca.pem"
    other = tmp_path / "other"
    office.propose(capsys, other, "--add", second)
    office.countersign(capsys, other)
    office.change(capsys, tmp_path / "change", "--add", first)
    code, fields, _ = office.apply(capsys, other)
    assert code == 2 and "version 1 does not follow version 1" in fields["error"]
