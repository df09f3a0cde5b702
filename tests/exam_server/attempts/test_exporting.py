"""An attempt's whole record as a file: exported by the server, proven without it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kiosk import Desk, Kiosk, RefusalError
from server_world import FIRST, World

from exam_server.attempts import service
from exam_server.attempts.exporting import export
from exam_server.attempts.models import Attempt, IssuedReceipt, JournalRecord
from exam_server.audit import AuditEntry
from exam_server.contract.api import ReceiptView
from exam_server.contract.attempt_proof import Proof, prove
from exam_server.contract.records import Answered, Flagged, Record, Visited
from exam_server.errors import InputError
from tests.databases import row_of

pytestmark = pytest.mark.slow

REST = {"conflict": 0, "evidence": 1, "adopted": 0}
NUMBER = {"kind": "numeric", "text": "7"}


@pytest.fixture
def written(world: World, desk: Desk) -> Desk:
    """Some records, a signed head on the way, more time, one record too late, handed in."""
    desk.send(desk.record(Visited("i1")), desk.record(Answered("i1", NUMBER)), head=None)
    desk.send(desk.record(Flagged("i2", True)))
    desk.send(head=desk.signed_head())
    with world.server.transaction() as session:
        service.extend(
            session, desk.view.attempt, officer=FIRST, by=timedelta(minutes=5), reason="ồn",
            now=world.clock.now,
        )  # fmt: skip
    desk.send(desk.record(Answered("i2", NUMBER)))
    desk.submit()
    with pytest.raises(RefusalError):
        desk.send(desk.record(Flagged("i3", True)))
    return desk


def exported(world: World, desk: Desk, **changes: Any) -> bytes:
    with world.server.reading() as session:
        attempt = row_of(session, Attempt, desk.view.attempt)
        fields: dict[str, Any] = {
            "keys": world.server.keys, "answers": False, "now": world.clock.now,
        }  # fmt: skip
        return export(session, attempt, **(fields | changes))


def proven(world: World, data: bytes) -> Proof:
    return prove(data, world.server.keys.signing.public_key())


def test_the_whole_record_is_in_the_file_and_no_name(world: World, written: Desk) -> None:
    data = exported(world, written)
    proof = proven(world, data)
    assert proof.holds and not proof.opened
    assert proof.counts == {"lease": 1, "record": 4, "head": 2, "ledger": 2} | REST
    assert proof.facts is not None
    assert (proof.facts.sequence, proof.facts.state) == (4, "submitted")
    seat = written.kiosk.heartbeat().placement
    assert seat is not None
    for personal in (seat.candidate_name, seat.citizen_number, '"kind"', "numeric", "ồn"):
        assert personal is None or personal.encode() not in data


def test_the_key_goes_along_only_where_it_is_asked_for(world: World, written: Desk) -> None:
    assert written.keys.attempt_key not in exported(world, written)
    data = exported(world, written, answers=True)
    assert written.keys.attempt_key in data
    assert proven(world, data).opened and proven(world, data).holds


def test_an_attempt_that_nobody_wrote_yet_is_exported_too(world: World, kiosk: Kiosk) -> None:
    placement = kiosk.heartbeat().placement
    assert placement is not None and placement.attempt is not None
    desk = kiosk.lease(placement.attempt)
    proof = proven(world, exported(world, desk))
    assert proof.holds
    assert proof.counts["record"] == 0


def test_records_of_two_stations_are_proven_each_under_its_lease(world: World, desk: Desk) -> None:
    desk.send(desk.record(Visited("i1")))
    desk.send(head=desk.signed_head())
    replacement = Kiosk(world.http, world.clock)
    replacement.enrol(world.token("P.101", "01"))
    replacement.heartbeat()
    second = replacement.lease(desk.view.attempt)
    with pytest.raises(RefusalError):
        desk.send(desk.record(Visited("too late")))
    second.send(second.record(Answered("i1", NUMBER)))
    second.submit()
    proof = proven(world, exported(world, second))
    assert proof.holds
    assert proof.counts == {"lease": 2, "record": 2, "head": 2, "ledger": 1} | REST


def change_record(world: World, sequence: int, data: bytes) -> None:
    with world.server.transaction() as session:
        session.execute(
            sa.update(JournalRecord).where(JournalRecord.sequence == sequence).values(data=data)
        )


def test_the_server_signs_nothing_that_does_not_hold(world: World, written: Desk) -> None:
    with world.server.reading() as session:
        second = session.scalars(
            sa.select(JournalRecord.data).where(JournalRecord.sequence == 2)
        ).one()
    record = Record.from_bytes(second)
    forged = written.keys.seal(
        Answered("i1", None), sequence=2, previous=record.previous, acknowledged=0, at=1,
        rng=lambda count: bytes(count),
    )  # fmt: skip
    change_record(world, 2, forged.to_bytes())
    with pytest.raises(InputError) as caught:
        exported(world, written)
    assert any(problem.startswith("record 2:") for problem in caught.value.problems)
    change_record(world, 2, second)
    exported(world, written)
    with world.server.transaction() as session:
        session.execute(sa.delete(JournalRecord).where(JournalRecord.sequence == 4))
    with pytest.raises(InputError) as caught:
        exported(world, written)
    assert any("record 4" in problem for problem in caught.value.problems)


def test_a_record_whose_mac_does_not_hold_is_named(world: World, written: Desk) -> None:
    """The one thing that a reader of the file must take the server's word for."""
    other = replace(world.server.keys, master=bytes(32))
    with pytest.raises(InputError) as caught:
        exported(world, written, keys=other)
    assert "record 1: the record was not written under this lease" in caught.value.problems
    assert any(problem.startswith("evidence 1:") for problem in caught.value.problems)


def test_the_commands_export_and_verify(
    world: World, written: Desk, folder: Path, tmp_path: Path, run
) -> None:
    file = tmp_path / "attempt"
    code, fields = run("attempt", "export", folder, written.view.attempt, file)
    assert (code, fields["records"], fields["with_answers"]) == (0, 4, False)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "exists" in run("attempt", "export", folder, written.view.attempt, file)[1]["error"]
    assert "no attempt" in run("attempt", "export", folder, "x", tmp_path / "b")[1]["error"]
    number = world.kiosk().heartbeat().placement.registration_number
    other = tmp_path / "other"
    code, fields = run("attempt", "export", folder, number, other, "--with-answers")
    assert (code, fields["attempt"], fields["with_answers"]) == (0, written.view.attempt, True)
    with world.server.reading() as session:
        logged = session.scalars(
            sa.select(AuditEntry.details).where(AuditEntry.action == "attempt_exported")
        ).all()
    assert len(logged) == 2

    key = folder / "server.pub"
    code, fields = run("audit", "verify", file, "--server-key", key)
    assert (code, fields["valid"], fields["counts"]["record"]) == (0, True, 4)
    code, fields = run("audit", "verify", file, "--server-key", key.read_text().strip())
    assert code == 0
    changed = bytearray(file.read_bytes())
    changed[-5] ^= 1
    file.write_bytes(changed)
    code, fields = run("audit", "verify", file, "--server-key", key)
    assert (code, fields["valid"]) == (1, False)
    assert fields["faults"] == [{"part": "evidence 1", "flaw": "changed", "detail": ""}]
    assert run("audit", "verify", file)[0] == 2
    assert "server.pub" in run("audit", "verify", file, "--server-key", "ab")[1]["error"]
    assert run("audit", "verify", folder)[0] == 0


def test_a_receipt_is_checked_without_the_server(
    world: World, written: Desk, folder: Path, tmp_path: Path, run
) -> None:
    file = tmp_path / "receipt.json"
    with world.server.reading() as session:
        issued = session.scalars(sa.select(IssuedReceipt)).one()
    view = ReceiptView(
        receipt=issued.body,
        signature=issued.signature,
        short_code=issued.short_code,
        server_time=issued.issued_at,
    )
    file.write_text(view.model_dump_json())
    key = folder / "server.pub"
    code, fields = run("receipt", "verify", file, "--server-key", key)
    assert (code, fields["valid"], fields["records"]) == (0, True, 4)
    assert run("receipt", "verify", folder, file)[0] == 0
    code, fields = run("receipt", "verify", file, "--server-key", "00" * 32)
    assert (code, fields["valid"]) == (1, False)
    assert "--server-key" in run("receipt", "verify", file)[1]["error"]
