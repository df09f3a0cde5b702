"""The paper of an exam that has not begun lies in the bank, and opens to no uncalled writer."""

import shutil
from pathlib import Path

import pytest
from server_world import DEMO, START, World, load_demo
from sqlmodel import Session, select

from exam_server import db, migrations
from exam_server.audit import Operator
from exam_server.auth import Officer
from exam_server.contract.api import ShiftState
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import exports, finding, life, rights
from exam_server.items.finding import Found, Wanted
from exam_server.items.texts import Texts
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Shift
from exam_server.staff import Role, Staff
from tests.databases import Databases


def _writer(session: Session, *, secret: bool) -> Officer:
    """One who may work on every subject."""
    row = Staff(
        id="rade", username="rade", name="rade", role=Role.ITEM_WRITER, password_hash="-",
        created_at=START,
    )  # fmt: skip
    session.add(row)
    session.flush()
    rights.grant(session, row, rights.ANY_SUBJECT, secret=secret, by=Operator(), now=START)
    return Officer(row.id, row.username, row.name, row.role)


def _found(world: World, officer: Officer) -> Found:
    server = world.server
    with server.reading() as session:
        wanted = Wanted()
        mine = rights.rights_of(session, officer)
        return finding.find(session, mine, wanted, server.texts, sealing=server.sealing)


def test_a_writer_without_the_secrets_sees_nothing_of_a_planned_paper(world: World) -> None:
    server, now = world.server, world.clock.now
    with server.transaction() as session:
        shift = session.exec(select(Shift).where(Shift.id == world.shift_id)).one()
        assert shift.state is ShiftState.PLANNED
        of_secrets = _writer(session, secret=True)
    paper = _found(world, of_secrets)
    assert paper.total
    assert all(card.secret for card, _ in paper.cards)
    with server.transaction() as session:
        row = session.get_one(Staff, of_secrets.id)
        rights.grant(session, row, rights.ANY_SUBJECT, secret=False, by=Operator(), now=now)
    assert _found(world, of_secrets).total == 0
    item = paper.cards[0][0].item_id
    for way in (exports.take_open, life.look):
        with pytest.raises(NotPossibleError) as refused, server.transaction() as session:
            way(session, of_secrets, item, sealing=server.sealing, now=now)
        assert refused.value.objection is Objection.NOT_FOUND


def test_a_practice_paper_says_that_it_is_open(
    databases: Databases, keys: ServerKeys, tmp_path: Path
) -> None:
    shutil.copy(DEMO / "roster.xlsx", tmp_path)
    plan = (DEMO / "exam.toml").read_text("utf-8")
    maths = DEMO.parent / "maths"
    plan = plan.replace("../maths", str(maths)) + "open = true\n"
    (tmp_path / "exam.toml").write_text(plan, "utf-8")
    url = databases.new()
    engine = db.create_engine(url)
    migrations.upgrade(engine)
    load_demo(engine, keys, tmp_path)
    with db.transaction(engine) as session:
        mine = rights.rights_of(session, _writer(session, secret=False))
        found = finding.find(session, mine, Wanted(), Texts(), sealing=keys.sealing)
        assert found.total
        assert not any(card.secret for card, _ in found.cards)
    engine.dispose()
    databases.remove(url)
