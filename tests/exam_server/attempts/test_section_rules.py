"""Sequential papers at the server: answers are held to their section, hand-ins to the last one."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from kiosk import Desk, Kiosk, RefusalError
from server_world import OFFICE, World
from test_conflicts import carry, claim, token_of

from exam_server.attempts import late_records, records_kept, service
from exam_server.attempts.late_records import Standing
from exam_server.attempts.models import Attempt, EvidenceRecord, SetAside
from exam_server.centres.service import find_seat
from exam_server.contract import api
from exam_server.contract.api import AttemptState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.receipt import head_code
from exam_server.contract.records import Answered, Left, Record, Visited
from exam_server.errors import NotPossibleError
from exam_server.forms.models import Form
from exam_server.forms.service import presented
from exam_server.shifts.models import Placement
from exam_server.shifts.service import move_placement

CHOICE = {"kind": "single", "options": []}


@pytest.fixture
def items(world: World) -> list[str]:
    """Makes every form sequential: 30 minutes for its first part, 40 for the second, then 20. The
    first item of each part."""
    found: dict[str, list[str]] = {}
    with world.server.transaction() as session:
        for form in session.scalars(sa.select(Form)):
            parts = presented(form, world.server.keys.sealing).parts
            form.sections = [
                {"minutes": minutes, "items": [item.id for item in part.items]}
                for minutes, part in zip((30, 40, 20), parts, strict=True)
            ]
            found[form.id] = [part.items[0].id for part in parts]
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    world.start_shift()
    with world.server.reading() as session:
        return found[session.scalars(sa.select(Attempt.form_id)).one()]


@pytest.fixture
def desk(world: World, items: list[str]) -> Desk:
    kiosk: Kiosk = world.kiosk()
    attempt = kiosk.heartbeat().placement.attempt
    desk = kiosk.lease(attempt)
    desk.send(desk.record(Visited(items[0])))
    return desk


def moment(world: World, **ago: float) -> int:
    return round((world.clock.now - timedelta(**ago)).timestamp() * 1000)


def attempt_row(world: World) -> Attempt:
    with world.server.reading() as session:
        return session.scalars(sa.select(Attempt)).one()


def refused(code: ErrorCode, desk: Desk, body: object, **changes: object) -> None:
    with pytest.raises(RefusalError) as refusal:
        desk.send(desk.record(body, **changes))
    assert refusal.value.code is code


def test_an_answer_in_its_section_counts_and_one_behind_its_end_is_evidence(
    world: World, desk: Desk, items: list[str]
) -> None:
    world.clock.pass_by(minutes=29)
    desk.send(desk.answer(items[0], CHOICE))
    world.clock.pass_by(minutes=2)
    refused(ErrorCode.ATTEMPT_CLOSED, desk, Answered(items[0], CHOICE))
    with world.server.reading() as session:
        assert session.scalars(sa.select(EvidenceRecord.reason)).all() == [SetAside.AFTER_THE_END]


def test_sealed_in_its_section_it_counts_whenever_it_comes(
    world: World, desk: Desk, items: list[str]
) -> None:
    world.clock.pass_by(minutes=30, seconds=30)
    late = desk.record(Answered(items[0], CHOICE), at=moment(world, seconds=31))
    desk.send(late)
    assert not attempt_row(world).arrived_late
    world.clock.pass_by(minutes=2)
    desk.next_sequence, desk.head = late.sequence + 1, late.head
    later = desk.record(Answered(items[0], None), at=moment(world, minutes=2, seconds=31))
    desk.send(later)
    assert attempt_row(world).arrived_late


def test_the_next_section_begins_when_this_one_is_left(
    world: World, desk: Desk, items: list[str]
) -> None:
    world.clock.pass_by(minutes=10)
    refused(ErrorCode.RECORD_REJECTED, desk, Answered(items[1], CHOICE), acknowledged=0)
    desk.send(desk.record(Left(0, moment(world), "candidate")))
    desk.send(desk.answer(items[1], CHOICE))
    world.clock.pass_by(minutes=41)
    refused(ErrorCode.ATTEMPT_CLOSED, desk, Answered(items[1], CHOICE))


@pytest.mark.parametrize("body", [(1, 0), (0, 60_000), (2, 0), (0, -660_000)])
def test_a_section_is_left_in_its_turn_and_at_its_time(
    world: World, desk: Desk, body: tuple[int, int]
) -> None:
    world.clock.pass_by(minutes=10)
    section, shift = body
    refused(ErrorCode.RECORD_REJECTED, desk, Left(section, moment(world) + shift, "candidate"))
    assert attempt_row(world).sections_left is None


def test_an_extension_is_the_running_sections(world: World, desk: Desk, items: list[str]) -> None:
    world.clock.pass_by(minutes=29)
    with world.server.transaction() as session:
        fields = {"officer": OFFICE, "reason": "máy chậm", "now": world.clock.now}
        service.extend(session, attempt_row(world).id, by=timedelta(minutes=5), **fields)
    world.clock.pass_by(minutes=5)
    desk.send(desk.answer(items[0], CHOICE))
    world.clock.pass_by(minutes=2)
    refused(ErrorCode.ATTEMPT_CLOSED, desk, Answered(items[0], CHOICE))


def test_a_shift_is_closed_once_the_last_section_is_over_not_before(
    world: World, desk: Desk
) -> None:
    world.clock.pass_by(minutes=10)
    desk.send(desk.record(Left(0, moment(world), "candidate")))
    world.clock.pass_by(minutes=10)
    desk.send(desk.record(Left(1, moment(world), "candidate")))
    world.clock.pass_by(minutes=20)
    with pytest.raises(NotPossibleError):
        world.close_shift()
    world.clock.pass_by(seconds=61)
    world.close_shift()
    assert attempt_row(world).state is AttemptState.SUBMITTED


def test_a_late_answer_in_a_section_that_has_not_begun_is_judged_as_one_in_time(
    world: World, desk: Desk, items: list[str]
) -> None:
    world.clock.pass_by(minutes=10)
    unsent = [
        desk.answer(items[0], CHOICE),
        desk.record(Left(0, moment(world), "candidate")),
        desk.answer(items[1], CHOICE),
    ]
    kiosk = world.kiosk("06", "P.102")
    with world.server.transaction() as session:
        seat = find_seat(session, "P.102", "06").id
        session.execute(sa.delete(Placement).where(Placement.seat_id == seat))
        move_placement(
            session, attempt_row(world).placement_id, seat_id=seat, officer=OFFICE,
            reason="hỏng máy", head_code=head_code(desk.head), now=world.clock.now,
        )  # fmt: skip
    kiosk.lease(desk.view.attempt)
    with pytest.raises(RefusalError) as refusal:
        desk.send(*unsent)
    assert refusal.value.code is ErrorCode.LEASE_SUPERSEDED

    def late() -> dict[str, Standing]:
        with world.server.reading() as session:
            attempt, keys = attempt_row(world), world.server.keys
            found = late_records.late_answers(session, attempt, keys=keys, now=world.clock.now)
        return {one.item: one.standing for one in found}

    assert late() == {items[0]: Standing.ADOPTABLE, items[1]: Standing.SECTION_NOT_BEGUN}
    world.clock.pass_by(minutes=21)  # the first section's time is up
    assert late() == {items[0]: Standing.ADOPTABLE, items[1]: Standing.ADOPTABLE}


def carried_on(world: World, desk: Desk, *records: Record) -> api.ClaimView:
    """The attempt goes on at a free seat, by a move token that ends `records`."""
    with world.server.transaction() as session:
        seat = find_seat(session, "P.102", "06")
        session.execute(sa.delete(Placement).where(Placement.seat_id == seat.id))
    second = carry(SimpleNamespace(world=world), desk, world.kiosk("06", "P.102"))
    return claim(second, token_of(desk), *records)


@pytest.mark.parametrize(("begun", "conflict"), [(False, True), (True, False)])
def test_a_carried_answer_is_held_to_its_section(
    world: World, desk: Desk, items: list[str], begun: bool, conflict: bool
) -> None:
    """Nobody but the station says when it was sealed; what breaks a rule is for an officer."""
    records = []
    world.clock.pass_by(minutes=10)
    if begun:
        records.append(desk.record(Left(0, moment(world), "candidate")))
    records.append(desk.record(Answered(items[1], CHOICE)))
    assert carried_on(world, desk, *records).conflict is conflict
    row = attempt_row(world)
    assert row.sequence == (1 if conflict else 3)
    assert bool(row.sections_left) is begun


def test_what_sections_ended_is_read_again_from_the_records(world: World, desk: Desk) -> None:
    world.clock.pass_by(minutes=10)
    at = moment(world)
    desk.send(desk.record(Left(0, at, "candidate")))
    told = [[0, at, "candidate"]]
    assert attempt_row(world).sections_left == told
    with world.server.transaction() as session:
        attempt = session.scalars(sa.select(Attempt)).one()
        attempt.sections_left = None
        records_kept.read_sections_again(session, attempt, world.server.keys)
    assert attempt_row(world).sections_left == told
