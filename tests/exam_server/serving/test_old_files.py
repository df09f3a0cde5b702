"""A server that runs keeps no file of items past its day, whether anybody exports again or not."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from served import PATIENCE

from exam_server import db
from exam_server.directory import database_url
from exam_server.items.bulk_files import KEPT_FOR
from exam_server.items.bulk_models import BankFile, BankJob, Task
from exam_server.settings import load
from exam_server.staff import Role, Staff
from rig.server import Server

pytestmark = pytest.mark.slow


def test_a_running_server_removes_what_nobody_took(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    server.make()
    engine = db.create_engine(database_url(server.folder, load(server.folder)))
    now = datetime.now(UTC)
    ages = {"old": KEPT_FOR, "young": timedelta(0)}
    with db.transaction(engine) as session:
        session.add(
            Staff(
                id="s", username="s", name="S", role=Role.ITEM_WRITER, password_hash="-",
                created_at=now,
            )
        )  # fmt: skip
        session.flush()
        for name, age in ages.items():
            begun = now - age
            session.add(BankJob(id=name, staff_id="s", task=Task.EXPORT, value=b"", begun_at=begun))
            session.flush()
            session.add(BankFile(job_id=name, made_at=begun, held={}, problems=b"", data=b""))

    def kept() -> set[str]:
        with db.reading(engine) as session:
            return set(session.scalars(sa.select(BankFile.job_id)))

    server.start()
    try:
        until = time.monotonic() + PATIENCE
        while kept() != {"young"} and time.monotonic() < until:
            time.sleep(0.05)
        assert kept() == {"young"}
    finally:
        server.stop()
        engine.dispose()
