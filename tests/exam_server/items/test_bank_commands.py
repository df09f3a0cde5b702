"""`exam-server bank topics` and `bank statistics`: from files, whole or not at all."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from bank_world import maths_item
from sqlmodel import Session

from exam_server import cli, db, directory, keys
from exam_server.audit import AuditEntry
from exam_server.items import service, topic_trees
from exam_server.items.models import ItemCard, ItemStatistic

pytestmark = pytest.mark.slow
HEADER = "item,version,answers,difficulty,discrimination\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", "correct horse battery")
    made = tmp_path / "server"
    assert cli.main(["init", str(made), "--realm", "test", "--json"]) == 0
    sealing = keys.load(made, "correct horse battery").sealing
    with directory.open_server(made) as opened, db.transaction(opened.engine) as session:
        service.store(session, [maths_item("cau-1")], sealing=sealing, now=datetime.now(UTC))
    return made


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    code = cli.main(["bank", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def _logged(session: Session, action: str) -> list[tuple[str, dict[str, object]]]:
    entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == action))
    return [(entry.actor, json.loads(entry.details)) for entry in entries]


def test_a_tree_takes_the_place_of_the_known_one(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "toan.toml"
    file.write_text('subject = "Toán"\n[[topic]]\ncode = "A"\nname = "Đại số"\n', "utf-8")
    assert _run(capsys, "topics", folder, file) == (0, {"subject": "Toán", "topics": 1})
    with directory.open_server(folder) as opened, db.reading(opened.engine) as session:
        (topic,) = topic_trees.trees(session)["Toán"].topics
        assert (topic.code, topic.name, topic.parent) == ("A", "Đại số", "")
        assert _logged(session, "topics_loaded") == [("operator", {"subject": "Toán", "topics": 1})]
    file.write_text("subject = 7", "utf-8")
    code = cli.main(["bank", "topics", str(folder), str(file)])
    assert code == 2


def test_statistics_are_brought_with_their_source(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ts.csv"
    file.write_text(HEADER + "cau-1,1,412,0.617,0.384\ncau-2,1,3,0.5,\n", "utf-8")
    code, fields = _run(capsys, "statistics", folder, file, "--source", "Thi thử")
    assert (code, fields) == (1, {"kept": 1, "unknown": [["cau-2", 1]]})
    with directory.open_server(folder) as opened, db.reading(opened.engine) as session:
        card = session.scalars(sa.select(ItemCard)).one()
        assert (card.answers, card.difficulty, card.discrimination) == (412, 617, 384)
        assert session.scalars(sa.select(ItemStatistic)).one().source == "import:Thi thử"
        told = {"source": "Thi thử", "kept": 1, "unknown": 1}
        assert _logged(session, "statistics_loaded") == [("operator", told)]
    file.write_text("\ufeff" + HEADER.replace(",", ";") + "cau-1;1;5;0,25;\n", "utf-8")
    assert _run(capsys, "statistics", folder, file, "--source", "Thi thử")[0] == 0
    with directory.open_server(folder) as opened, db.reading(opened.engine) as session:
        card = session.scalars(sa.select(ItemCard)).one()
        assert (card.answers, card.difficulty, card.discrimination) == (5, 250, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "item,version\ncau-1,1",
        HEADER + "cau-1,1,0,0.5,",
        HEADER + "cau-1,1,5,1.5,",
        HEADER + "cau-1,1,5,NaN,",
        HEADER + "cau-1,1,5,0.5,-2",
        HEADER + "cau-1,1,5,0.5",
        HEADER + "cau-1,một,5,0.5,",
    ],
)
def test_what_is_no_table_is_refused_whole(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "ts.csv"
    file.write_text(text, "utf-8")
    capsys.readouterr()
    assert cli.main(["bank", "statistics", str(folder), str(file), "--source", "x"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with directory.open_server(folder) as opened, db.reading(opened.engine) as session:
        assert not session.scalars(sa.select(ItemStatistic)).all()
