"""`question-bank import --bank https://…`: through a real server's pages, as a writer's drafts."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from bank_world import maths_item

from exam_server import auth, db, directory
from exam_server.audit import AuditEntry, Operator
from exam_server.items import remote_bank, rights
from exam_server.items.models import ItemCard
from exam_server.items.remote_bank import open_bank, packages
from exam_server.staff import Role, Staff
from question_bank import cli
from question_bank.errors import FileRefusedError
from question_bank.interchange.qti3 import read_qti3
from rig.server import Server

ROOT = Path(__file__).parents[3]
WORD = ROOT / "fixtures/word/marked-options.docx"
PASSWORD = "mật khẩu đủ dài 2027"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("remote")
    made = Server(folder / "server")
    made.make()
    now = datetime.now(UTC)
    with directory.open_server(made.folder) as opened, db.transaction(opened.engine) as session:
        for username, role in (("rade", Role.ITEM_WRITER), ("phanbien", Role.REVIEWER)):
            person = Staff(
                username=username, name=username, role=role,
                password_hash=auth.hash_password(PASSWORD), created_at=now,
            )  # fmt: skip
            session.add(person)
            session.flush()
            rights.grant(session, person, "Toán", secret=False, by=Operator(), now=now)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(PASSWORD + "\n", "utf-8")
    file.chmod(0o600)
    return file


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named as pyproject.toml registers it, whatever is installed where the tests run."""
    (value,) = [
        line.partition(" = ")[2].strip('"')
        for line in (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
        if line.startswith("https = ") and "remote_bank" in line
    ]

    def found(*, group: str, name: str) -> list[EntryPoint]:
        return [EntryPoint(name, value, group)] if name == "https" else []

    monkeypatch.setattr(cli, "entry_points", found)


def _url(server: Server, password: Path, username: str = "rade", **more: str) -> str:
    query = {
        "username": username, "subject": "Toán", "ca": str(server.folder / "tls.crt"),
        "password-file": str(password), **more,
    }  # fmt: skip
    said = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    return f"{server.url}/?{said}"


def _run(capsys: pytest.CaptureFixture[str], url: str) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    code = cli.main(["import", str(WORD), "--bank", url, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_items_become_drafts_through_the_pages(
    server: Server, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    code = cli.main(["import", str(WORD), "--bank", _url(server, secret), "--json"])
    out, remarks = capsys.readouterr()
    fields = json.loads(out)
    assert (code, fields.get("imported"), fields.get("error")) == (0, 6, None)
    assert "of the server's bank" not in remarks
    with directory.open_server(server.folder) as opened, db.reading(opened.engine) as session:
        cards = session.scalars(sa.select(ItemCard)).all()
        told = {(card.subject, card.secret, card.state.value) for card in cards}
        assert (len(cards), told) == (6, {("Toán", False, "draft")})
        acts = [entry.action for entry in session.scalars(sa.select(AuditEntry))]
        assert acts.count("item_imported") == 6
        assert acts.count("login") == acts.count("logout") == 1


@pytest.mark.parametrize(
    ("username", "more", "says"),
    [
        ("rade", {"subject": "Vật lí"}, "among"),
        ("rade", {"secret": "true"}, "among"),
        ("phanbien", {}, "does not let"),
        ("nobody", {}, "does not know"),
    ],
)
def test_the_server_holds_the_writer_to_role_and_subjects(
    server: Server,
    secret: Path,
    capsys: pytest.CaptureFixture[str],
    username: str,
    more: dict[str, str],
    says: str,
) -> None:
    before = _count(server)
    code, fields = _run(capsys, _url(server, secret, username, **more))
    assert code == 2 and says in str(fields["error"]), fields
    assert _count(server) == before


def _count(server: Server) -> int:
    with directory.open_server(server.folder) as opened, db.reading(opened.engine) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(ItemCard)) or 0


def test_no_password_lies_open_and_no_certificate_is_taken_on_trust(
    server: Server, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, fields = _run(capsys, _url(server, secret).replace("ca=", "ca=&x=", 1))
    assert code == 2
    code, fields = _run(capsys, _url(server, secret, ca=""))
    assert code == 2 and "cannot be reached" in str(fields["error"])
    secret.chmod(0o640)
    code, fields = _run(capsys, _url(server, secret))
    assert code == 2 and "chmod 600" in str(fields["error"])
    secret.unlink()
    assert _run(capsys, _url(server, secret))[0] == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://host/?username=a",
        "https://host/bank?username=a&subject=b",
        "https://host/?username=a&subject=b&more=c",
        "https://host/?username=a&subject=b&secret=ja",
        "https://:443/?username=a&subject=b",
        "https://host:port/?username=a&subject=b",
    ],
)
def test_what_names_no_server_is_said_in_one_line(url: str) -> None:
    with pytest.raises(FileRefusedError) as refused:
        open_bank(url)
    assert "\n" not in str(refused.value)


def test_a_password_in_the_call_is_refused_and_not_repeated() -> None:
    for url in ("https://a:s3cret@host/?username=a&subject=b", "https://a:s3cret@host/"):
        with pytest.raises(FileRefusedError) as refused:
            open_bank(url)
        assert "s3cret" not in str(refused.value)


def test_many_items_go_in_packages_that_the_page_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [maths_item(f"n{number}", "dài " * 199 + "dài") for number in range(23)]
    monkeypatch.setattr(remote_bank, "MOST_ITEMS", 10)
    monkeypatch.setattr(remote_bank, "MOST_BYTES", 8000)
    made = list(packages(items))
    assert sum(count for _, count in made) == 23 and all(len(data) <= 8000 for data, _ in made)
    read = [item for data, _ in made for item in read_qti3(data, "p.zip").items]
    assert read == items
    monkeypatch.setattr(remote_bank, "MOST_BYTES", 100)
    with pytest.raises(FileRefusedError, match="too large"):
        list(packages(items))


def test_what_the_servers_bank_holds_already_is_told(
    server: Server, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, _url(server, secret))[0] == 0
    assert cli.main(["import", str(WORD), "--bank", _url(server, secret), "--json"]) == 0
    remarks = capsys.readouterr().err
    assert re.search(
        r"6 of these 6 items are like items of the server's bank; .*/bank/imports/\w{32}", remarks
    )
