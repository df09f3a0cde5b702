"""A rehearsal: an exam of invented candidates whose plan only its owner reads."""

import json
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from exam_server import cli, db, directory
from exam_server.attempts.models import Attempt
from exam_server.contract.api import ShiftState
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.forms.models import Realm
from exam_server.shifts.models import Placement, Shift
from exam_server.stations.models import EnrolmentSecret

pytestmark = pytest.mark.slow

PASSPHRASE = "correct horse battery"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", PASSPHRASE)
    assert cli.main(["init", str(tmp_path / "server"), "--realm", "test"]) == 0
    return tmp_path / "server"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict]:
    capsys.readouterr()
    code = cli.main(["rehearsal", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_spare_seats_have_a_token_and_nobody(server: Path, tmp_path: Path, capsys) -> None:
    plan_file = tmp_path / "plan.json"
    words = ("--candidates", 5, "--rooms", 2, "--out", plan_file)
    assert run(capsys, server, *words, "--spare", 2)[0] == 0
    plan = json.loads(plan_file.read_text("utf-8"))
    assert [(one["room"], one["seat"]) for one in plan["spare"]] == [
        ("D1.002", "04"), ("D1.002", "05"),
    ]  # fmt: skip
    tokens = [one["token"] for one in (*plan["candidates"], *plan["spare"])]
    assert len({EnrolmentToken.from_text(token).secret for token in tokens}) == 7
    assert cli.main(["rehearsal", str(server), "--candidates", "5", "--spare", "6"]) == 2


def test_who_is_absent_is_not_admitted(server: Path, tmp_path: Path, capsys) -> None:
    words = ("--candidates", 4, "--admit", "--absent", 1, "--out", tmp_path / "plan.json")
    assert run(capsys, server, *words)[0] == 0
    plan = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    assert [one["attempt"] is None for one in plan["candidates"]] == [False, False, False, True]


def test_a_rehearsal_seats_and_admits_everyone(server: Path, tmp_path: Path, capsys) -> None:
    plan_file = tmp_path / "plan.json"
    code, fields = run(
        capsys, server, "--candidates", 50, "--rooms", 3, "--admit", "--out", plan_file
    )
    assert code == 0
    assert (fields["candidates"], fields["rooms"]) == (50, 3)
    assert stat.S_IMODE(plan_file.stat().st_mode) == 0o600

    plan = json.loads(plan_file.read_text("utf-8"))
    parts = plan["candidates"]
    assert len({(part["room"], part["seat"]) for part in parts}) == 50
    assert len({part["room"] for part in parts}) == 3
    tokens = {EnrolmentToken.from_text(part["token"]).secret for part in parts}
    assert len(tokens) == 50
    with directory.open_server(server) as opened, db.reading(opened.engine) as session:
        kept = {placement.id for placement in session.scalars(sa.select(Placement))}
        assert {part["placement"] for part in parts} == kept
        admitted = {attempt.id for attempt in session.scalars(sa.select(Attempt))}
        assert {part["attempt"] for part in parts} == admitted
        assert session.scalars(sa.select(Shift)).one().state is ShiftState.OPEN
        assert len(session.scalars(sa.select(EnrolmentSecret)).all()) == 50
    assert cli.main(["audit", "verify", str(server)]) == 0


def test_neighbours_have_other_forms(server: Path, capsys) -> None:
    run(capsys, server, "--candidates", 9)
    with directory.open_server(server) as opened, db.reading(opened.engine) as session:
        forms = session.scalars(sa.select(Placement.form_id)).all()
    assert None not in forms
    assert len(set(forms)) == 4


def test_a_second_rehearsal_stands_beside_the_first(server: Path, capsys) -> None:
    assert run(capsys, server, "--candidates", 2)[0] == 0
    code, fields = run(capsys, server, "--candidates", 3)
    assert (code, fields["exam"]) == (0, "REHEARSAL-2")


@pytest.mark.parametrize("size", [("0", "1"), ("3", "4"), ("60000", "1"), ("5000", "1")])
def test_impossible_sizes_are_refused(server: Path, size: tuple[str, str], capsys) -> None:
    code, fields = run(capsys, server, "--candidates", size[0], "--rooms", size[1])
    assert code == 2
    assert "error" in fields


def test_there_is_no_rehearsal_on_a_live_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("EXAM_SERVER_PASSPHRASE", PASSPHRASE)
    assert cli.main(["init", str(tmp_path / "server"), "--realm", Realm.LIVE.value]) == 0
    code, fields = run(capsys, tmp_path / "server", "--candidates", 2)
    assert code == 2
    assert "realm test" in fields["error"]
    assert not (tmp_path / "server" / "rehearsal.json").exists()
