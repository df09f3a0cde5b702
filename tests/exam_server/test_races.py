"""Transactions that meet: real ones, each on a connection of its own, begun at one moment."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from kiosk import Kiosk
from server_world import BACH, FIRST, OFFICE, SECOND, World
from sqlalchemy.exc import IntegrityError, OperationalError

from card_reader.simulator.profile import CardProfile
from exam_server import audit
from exam_server.attempts import service
from exam_server.attempts.models import Attempt, IssuedReceipt, Lease, LedgerEntry
from exam_server.centres.models import Seat
from exam_server.checkin import service as checkin
from exam_server.checkin.models import Basis, CheckIn
from exam_server.contract.records import Opened, Submitted
from exam_server.errors import NotPossibleError, ServerError
from exam_server.shifts.models import Placement
from exam_server.shifts.service import move_placement

pytestmark = pytest.mark.slow

#: What the loser of a race may be told: to ask again, or that it is done.
TOLD = (OperationalError, IntegrityError, ServerError)


def at_once(count: int, act: Callable[[int], object]) -> Counter[str]:
    """How `count` runs of `act`, begun together, ended: ``done``, or the error's name."""
    together = Barrier(count)

    def run(number: int) -> str:
        together.wait(timeout=30)
        try:
            act(number)
        except TOLD as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(run, range(count)))


def admitted(world: World, issue: Callable[..., CardProfile]) -> tuple[Kiosk, str]:
    world.open_shift()
    kiosk = world.kiosk()
    attempt = kiosk.check_in(issue(BACH)).attempt
    assert attempt is not None
    return kiosk, attempt


def count(world: World, kind: type) -> int:
    with world.server.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(kind)) or 0


def test_the_logs_writers_wait_for_one_another(world: World) -> None:
    before = count(world, audit.AuditEntry)

    def write(number: int) -> None:
        for turn in range(5):
            with world.server.transaction() as session:
                audit.record(
                    session, actor="server", action="test", subject=f"s:{number}",
                    details={"turn": turn}, now=world.clock.now,
                )  # fmt: skip

    assert at_once(8, write) == {"done": 8}
    with world.server.reading() as session:
        report = audit.verify_chain(session)
    assert (report.entries, report.fault) == (before + 40, None)


def test_two_officers_extensions_both_count(
    world: World, issue: Callable[..., CardProfile]
) -> None:
    _, attempt = admitted(world, issue)
    world.start_shift()

    def extend(_number: int) -> None:
        with world.server.transaction() as session:
            by = timedelta(minutes=1)
            service.extend(
                session, attempt, officer=OFFICE, by=by, reason="mất điện", now=world.clock.now
            )

    assert at_once(6, extend) == {"done": 6}
    with world.server.reading() as session:
        positions = session.scalars(sa.select(LedgerEntry.position).order_by(LedgerEntry.position))
        assert list(positions) == list(range(1, 8))


def test_a_paper_handed_in_many_times_at_once_has_one_receipt(
    world: World, issue: Callable[..., CardProfile]
) -> None:
    kiosk, attempt = admitted(world, issue)
    world.start_shift()
    desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
    desk.send(desk.record(Opened(form.code)), desk.record(Submitted("candidate")))
    receipts = []
    ended = at_once(5, lambda _: receipts.append(desk.submit().receipt))
    assert ended == {"done": 5}
    assert len(set(receipts)) == 1 and count(world, IssuedReceipt) == 1


def test_one_of_many_admissions_by_hand_counts(world: World) -> None:
    world.open_shift()
    placement = world.kiosk().heartbeat().placement
    assert placement is not None

    def admit(_number: int) -> None:
        with world.server.transaction() as session:
            checkin.admit_manually(
                session, placement.id, first=FIRST, second=SECOND, basis=Basis.PASSPORT,
                reason="chip hỏng", photograph=None, keys=world.server.keys,
                settings=world.server.settings, now=world.clock.now,
            )  # fmt: skip

    ended = at_once(5, admit)
    assert ended == {"done": 1, NotPossibleError.__name__: 4}
    assert (count(world, Attempt), count(world, CheckIn)) == (1, 1)


def test_one_seat_is_given_to_one_candidate(world: World) -> None:
    world.open_shift()
    with world.server.transaction() as session:
        placed = session.scalars(sa.select(Placement).order_by(Placement.id).limit(4)).all()
        seat = Seat(
            centre_id=world.centre_id, room_id=placed[0].room_id, name="99", row=9, column=9
        )
        session.add(seat)
    movers, free = [one.id for one in placed], seat.id

    def move(number: int) -> None:
        with world.server.transaction() as session:
            move_placement(
                session, movers[number], seat_id=free, officer=FIRST, reason="đổi máy",
                now=world.clock.now,
            )  # fmt: skip

    assert at_once(4, move)["done"] == 1
    with world.server.reading() as session:
        sitting = session.scalars(sa.select(Placement.id).where(Placement.seat_id == free)).all()
    assert len(sitting) == 1


def test_a_lease_asked_for_many_times_at_once_is_one(
    world: World, issue: Callable[..., CardProfile]
) -> None:
    kiosk, attempt = admitted(world, issue)
    epochs = []
    ended = at_once(5, lambda _: epochs.append(kiosk.lease(attempt).view.epoch))
    assert ended == {"done": 5}
    assert set(epochs) == {1} and count(world, Lease) == 1
