"""The version gate: what is frozen, who is let in, and that it is said before anybody comes."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from kiosk import RefusalError
from server_world import OFFICE, World

from exam_server.audit import AuditEntry
from exam_server.contract import program
from exam_server.contract.api import ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.program import PARTS, digest, files_under, program_version
from exam_server.errors import InputError, NotPossibleError, Objection
from exam_server.forms import service as forms
from exam_server.forms.models import Package, Paper
from exam_server.proctoring import service as rooms
from exam_server.proctoring.views import Trouble
from exam_server.shifts import freezing
from exam_server.shifts.models import Shift

OTHER = "0.1.0+anotherbuild"


def shift_row(world: World) -> Shift:
    with world.server.reading() as session:
        return session.scalars(sa.select(Shift)).one()


def do(world: World, name: str, **fields: object) -> None:
    with world.server.transaction() as session:
        fields = {"officer": OFFICE, "now": world.clock.now, **fields}
        getattr(freezing, name)(session, world.shift_id, **fields)


def objection(world: World, name: str, **fields: object) -> Objection:
    with pytest.raises(NotPossibleError) as objected:
        do(world, name, **fields)
    return objected.value.objection


def actions(world: World) -> list[str]:
    with world.server.reading() as session:
        return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.sequence)))


# --- what a program is called -------------------------------------------------------------------


def test_one_changed_byte_or_name_is_another_program(tmp_path: Path) -> None:
    (tmp_path / "card_reader").mkdir()
    module = tmp_path / "card_reader" / "a.py"
    module.write_bytes(b"x = 1\n")
    before = digest(files_under(tmp_path, ["card_reader"]))
    module.write_bytes(b"x = 2\n")
    changed = digest(files_under(tmp_path, ["card_reader"]))
    module.write_bytes(b"x = 1\n")
    module.rename(module.with_name("b.py"))
    renamed = digest(files_under(tmp_path, ["card_reader"]))
    assert len({before, changed, renamed}) == 3
    (tmp_path / "card_reader" / "b.cpython-311.pyc").write_bytes(b"made by a run")
    assert digest(files_under(tmp_path, ["card_reader"])) == renamed


def test_where_a_name_ends_is_part_of_the_digest() -> None:
    assert digest([("a", b"bc")]) != digest([("ab", b"c")])
    assert digest([("a", b""), ("b", b"x")]) == digest([("b", b"x"), ("a", b"")])


def test_the_version_covers_every_part_that_a_station_runs() -> None:
    root = Path(program.__file__).parents[2]
    names = {name for name, _ in files_under(root)}
    for part in PARTS:
        assert any(name.startswith(part) and name.endswith(".py") for name in names), part
    assert "exam_station/ui/locale/vi.toml" in names
    assert not any(name.endswith(".pyc") for name in names)
    assert "+" in program_version()


# --- freezing -----------------------------------------------------------------------------------


def test_opening_freezes_the_packages_and_the_servers_own_program(world: World) -> None:
    assert world.kiosk().heartbeat().frozen is None
    world.open_shift()
    shift = shift_row(world)
    assert shift.frozen_programs == [program_version()]
    with world.server.reading() as session:
        packages = session.execute(sa.select(Package.id, Package.sha256)).all()
    assert shift.frozen_packages == {one: sha256.hex() for one, sha256 in packages}
    assert world.kiosk().heartbeat().frozen.programs == [program_version()]
    assert actions(world)[-2:] == ["shift_frozen", "shift_opened"]


def test_what_the_exam_office_froze_before_stays(world: World) -> None:
    do(world, "freeze", program=OTHER)
    world.open_shift()
    assert shift_row(world).frozen_programs == [OTHER]
    assert objection(world, "freeze", program=OTHER) is Objection.WRONG_STATE


def test_frozen_papers_take_no_more_forms_until_it_is_undone(world: World) -> None:
    def seal() -> None:
        with world.server.transaction() as session:
            shift = session.scalars(sa.select(Shift)).one()
            paper = session.scalars(sa.select(Paper)).first()
            session.execute(sa.delete(Package))
            forms.seal_packages(session, shift, paper, keys=world.server.keys, now=world.clock.now)

    do(world, "freeze", program=OTHER)
    with pytest.raises(InputError, match="frozen"):
        seal()
    assert objection(world, "thaw", reason=" ") is Objection.REASON_MISSING
    do(world, "thaw", reason="sửa câu 5")
    assert shift_row(world).frozen_programs is None
    seal()
    assert objection(world, "thaw", reason="lần nữa") is Objection.WRONG_STATE


def test_a_program_needs_a_name_and_an_exception_a_reason(world: World) -> None:
    assert objection(world, "freeze", program=" ") is Objection.BAD_VALUE
    assert objection(world, "allow", program=OTHER, reason="x") is Objection.WRONG_STATE
    world.open_shift()
    assert objection(world, "allow", program=OTHER, reason="") is Objection.REASON_MISSING
    do(world, "allow", program=OTHER, reason="máy dự phòng")
    assert objection(world, "allow", program=OTHER, reason="x") is Objection.NOTHING_TO_DO
    assert shift_row(world).frozen_programs == [program_version(), OTHER]
    assert objection(world, "thaw", reason="quá muộn") is Objection.WRONG_STATE


# --- the gate -----------------------------------------------------------------------------------


def test_a_station_with_another_program_is_given_nothing_until_it_is_allowed(world: World) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    attempt = kiosk.heartbeat(program_version=OTHER).placement.attempt
    with pytest.raises(RefusalError) as refusal:
        kiosk.lease(attempt)
    assert refusal.value.code is ErrorCode.WRONG_PROGRAM
    do(world, "allow", program=OTHER, reason="máy dự phòng")
    kiosk.lease(attempt)
    world.start_shift()
    kiosk.heartbeat(program_version="tampered")
    with pytest.raises(RefusalError) as refusal:
        kiosk.call("POST", f"/attempts/{attempt}/open")
    assert refusal.value.code is ErrorCode.WRONG_PROGRAM
    kiosk.heartbeat(program_version=OTHER)
    kiosk.call("POST", f"/attempts/{attempt}/open")


def test_the_room_page_says_which_stations_are_not_ready_and_why(world: World) -> None:
    do(world, "freeze", program=program_version())
    assert shift_row(world).state is ShiftState.PLANNED
    first, second = world.kiosk("01"), world.kiosk("02")
    view = first.heartbeat(staged=[])
    packages = [one.id for one in view.packages]
    second.heartbeat(program_version=OTHER, staged=packages)

    def lacks() -> dict[str, tuple[Trouble, ...]]:
        with world.server.reading() as session:
            room, _ = rooms.seat_of(session, view.placement.id, world.clock.now)
        assert {seat.name for seat in room.unready} >= {
            seat.name for seat in room.seats if seat.lacks
        }
        return {seat.name: seat.lacks for seat in room.seats if seat.station.id}

    assert lacks() == {"01": (Trouble.PACKAGES_MISSING,), "02": (Trouble.WRONG_PROGRAM,)}
    first.heartbeat(staged=packages)
    second.heartbeat(staged=packages)
    assert lacks() == {"01": (), "02": ()}
    world.clock.pass_by(minutes=1)
    with world.server.reading() as session:
        room, seat = rooms.seat_of(session, view.placement.id, world.clock.now)
    assert seat.shortfall is Trouble.STATION_SILENT and seat in room.unready


def test_a_station_is_told_the_frozen_digest_of_a_package(world: World) -> None:
    world.open_shift()
    before = world.kiosk().heartbeat().packages
    with world.server.transaction() as session:
        session.execute(sa.update(Package).values(sha256=bytes(32)))
    assert world.kiosk().heartbeat().packages == before
