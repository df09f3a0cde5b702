"""`question-bank import --bank exam-server:///…`: into the server's bank, as a writer's drafts."""

import json
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from exam_server import cli as server_cli
from exam_server import db, directory
from exam_server.audit import AuditEntry
from exam_server.items.bank_url import open_bank
from exam_server.items.models import ItemCard, ItemEvent
from exam_server.staff import Role, Staff
from question_bank import cli
from question_bank.errors import FileRefusedError

ROOT = Path(__file__).parents[3]
WORD = ROOT / "fixtures/word/marked-options.docx"
pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", "correct horse battery")
    made = tmp_path / "server"
    assert server_cli.main(["init", str(made), "--realm", "test", "--json"]) == 0
    with directory.open_server(made) as opened, db.transaction(opened.engine) as session:
        session.add(
            Staff(
                username="rade", name="Vũ Ra Đề", role=Role.ITEM_WRITER, password_hash="",
                created_at=datetime.now(UTC),
            )
        )  # fmt: skip
    # Named as pyproject.toml registers it, whatever is installed where the tests run.
    (value,) = [
        line.partition(" = ")[2].strip('"')
        for line in (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
        if line.startswith("exam-server = ") and "bank_url" in line
    ]

    def registered(*, group: str, name: str) -> list[EntryPoint]:
        return [EntryPoint(name, value, group)] if name == "exam-server" else []

    monkeypatch.setattr(cli, "entry_points", registered)
    return made


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    code = cli.main([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_items_become_a_writers_drafts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank = f"exam-server://{folder}?username=rade&subject={quote('Toán')}"
    code, fields = _run(capsys, "import", WORD, "--bank", bank)
    assert code == 2 and "not among yours" in str(fields["error"])
    grant = ["staff", "grant", str(folder), "--username", "rade", "--subject", "Toán"]
    assert server_cli.main(grant) == 0
    code, fields = _run(capsys, "import", WORD, "--bank", bank)
    assert (code, fields["imported"]) == (0, 6)
    with directory.open_server(folder) as opened, db.reading(opened.engine) as session:
        cards = session.scalars(sa.select(ItemCard)).all()
        assert len(cards) == 6
        assert {(card.subject, card.secret, card.state.value) for card in cards} == {
            ("Toán", False, "draft")
        }
    code, fields = _run(capsys, "import", WORD, "--bank", f"{bank}&secret=true")
    assert code == 2


def test_the_operator_stands_in_the_log_and_for_whom(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = ["--username", "rade", "--subject", "Toán"]
    assert server_cli.main(["staff", "grant", str(folder), *writer]) == 0
    bank = f"exam-server://{folder}?username=rade&subject={quote('Toán')}"
    assert _run(capsys, "import", WORD, "--bank", bank)[0] == 0
    server_cli.main(["bank", "import", str(folder), str(WORD), *writer])
    with directory.open_server(folder) as opened, db.reading(opened.engine) as session:
        rade = session.scalars(sa.select(Staff.id).where(Staff.username == "rade")).one()
        made = AuditEntry.action == "item_imported"
        entries = session.scalars(sa.select(AuditEntry).where(made)).all()
        assert len(entries) == 12
        assert {entry.actor for entry in entries} == {"operator"}
        assert {json.loads(entry.details)["for"] for entry in entries} == {f"staff:{rade}"}
        writers = session.scalars(sa.select(ItemEvent.staff_id)).all()
        assert set(writers) == {rade}, "they are the writer's drafts"


def test_what_the_bank_has_already_is_warned_of_and_taken(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = f"exam-server://{folder}?username=rade&subject={quote('Toán')}"
    writer = ["--username", "rade", "--subject", "Toán"]
    assert server_cli.main(["staff", "grant", str(folder), *writer]) == 0

    def likenesses(fields: dict[str, object]) -> list[str]:
        assert isinstance(fields["problems"], list)
        messages = [str(problem["message"]) for problem in fields["problems"]]
        return [one for one in messages if one.startswith("asks word for word what the item ")]

    assert likenesses(_run(capsys, "import", WORD, "--bank", bank)[1]) == []
    code, fields = _run(capsys, "import", WORD, "--bank", bank)
    assert (code, fields["imported"], len(likenesses(fields))) == (0, 6, 6)
    server_cli.main(["bank", "import", str(folder), str(WORD), *writer, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["imported"] == 6 and len(likenesses(told)) == 6
    assert all("; 1 more like it" in one for one in likenesses(told))


def test_what_names_no_bank_is_said_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in (
        "ftp://x/y",
        "exam-server:///srv",
        "exam-server://host/srv?username=a&subject=b",
        "exam-server:///srv?username=a&subject=b&more=c",
        "exam-server:///srv?username=a&subject=b&secret=ja",
        f"exam-server://{folder}-gone?username=a&subject=b",
        f"exam-server://{folder}?username=nobody&subject=b",
    ):
        code, fields = _run(capsys, "import", WORD, "--bank", url)
        assert code == 2 and "\n" not in str(fields["error"]), url


def test_a_url_says_who_and_where() -> None:
    bank = open_bank("exam-server:///srv/a%20b?username=rade&subject=V%E1%BA%ADt+l%C3%AD")
    assert (bank.folder, bank.username, bank.subject) == (Path("/srv/a b"), "rade", "Vật lí")
    with pytest.raises(FileRefusedError, match="incomplete"):
        open_bank("exam-server:///srv?username=rade&username=b&subject=x")
