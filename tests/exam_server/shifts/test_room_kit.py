"""The room kit as the server makes it: what it tells, to whom, and when it becomes another."""

import pytest
import sqlalchemy as sa
from kiosk import Kiosk, RefusalError
from server_world import FIRST, World

from exam_server.attempts.keys import attempt_id_of, attempt_key_of
from exam_server.candidates.models import Registration
from exam_server.centres.models import Room, Seat
from exam_server.centres.service import find_seat
from exam_server.contract.api import AttemptState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.records import Opened
from exam_server.contract.room_kit import RoomKit
from exam_server.forms.models import Form, Package
from exam_server.items.models import Item, ItemVersion
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.stations import service as stations
from exam_server.stations.models import StationStatus
from tests.databases import row_of


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    world.open_shift()
    return world.kiosk()


def start_secret(world: World, room: str) -> bytes:
    with world.server.reading() as session:
        shift = row_of(session, Shift, world.shift_id)
        return ShiftRelease(shift, world.server.sealing).start_secret(room)


def placements_of(world: World, room: str) -> set[str]:
    with world.server.reading() as session:
        named = sa.select(Room.id).where(Room.name == room).scalar_subquery()
        return set(session.scalars(sa.select(Placement.id).where(Placement.room_id == named)))


def test_the_kit_knows_everybody_of_the_room_and_nobody_else(world: World, kiosk: Kiosk) -> None:
    kit, view = kiosk.kit(), kiosk.heartbeat()
    assert (kit.shift, kit.station, kit.seat) == (world.shift_id, kiosk.station, view.seat)
    assert {place.placement for place in kit.places} == placements_of(world, "P.101")
    own = kit.place_at(kit.seat)
    assert own is not None and view.placement is not None
    assert own.view() == view.placement
    assert [one.view() for one in kit.packages] == view.packages
    assert kit.version == view.kit
    for place in kit.places:
        assert place.attempt == attempt_id_of(place.placement)
        assert place.attempt_key == attempt_key_of(world.server.keys, place.attempt)


def test_the_kiosk_is_told_where_a_paper_is_written_section_by_section(
    world: World, kiosk: Kiosk
) -> None:
    before = kiosk.kit()
    assert not any(place.sequential for place in before.places)
    with world.server.transaction() as session:
        for form in session.scalars(sa.select(Form)):
            form.sections = [{"minutes": 90, "items": []}]
    kit, view = kiosk.kit(), kiosk.heartbeat()
    own = kit.place_at(kit.seat)
    assert own is not None and view.placement is not None and view.placement.sequential
    assert own.view() == view.placement and kit.version != before.version


def test_a_kit_holds_nothing_of_the_bank(world: World, kiosk: Kiosk) -> None:
    text = repr(kiosk.kit())
    with world.server.reading() as session:
        ids = [*session.scalars(sa.select(Item.id)), *session.scalars(sa.select(ItemVersion.id))]
    assert ids and not any(one in text for one in ids)


def test_there_is_no_kit_before_the_opening_and_none_after_the_end(world: World) -> None:
    kiosk = world.kiosk()
    assert kiosk.heartbeat().kit is None
    with pytest.raises(RefusalError) as refusal:
        kiosk.kit()
    assert refusal.value.code is ErrorCode.NOT_FOUND


def test_the_start_secret_of_the_room_opens_its_packages(world: World, kiosk: Kiosk) -> None:
    kit = kiosk.kit()
    assert kit.opens_with(start_secret(world, kit.room))
    other = world.kiosk(room="P.102").kit()
    assert not kit.opens_with(start_secret(world, other.room))
    assert other.opens_with(start_secret(world, other.room))


def test_before_the_start_the_server_tells_no_start_secret(world: World, kiosk: Kiosk) -> None:
    world.admit_by_hand(kiosk)
    attempt = kiosk.heartbeat().placement.attempt
    kiosk.lease(attempt)
    with pytest.raises(RefusalError) as refusal:
        kiosk.open_form(attempt)
    assert refusal.value.code is ErrorCode.NOT_STARTED


def test_what_the_kit_derives_is_what_the_server_proves_with(world: World, kiosk: Kiosk) -> None:
    world.admit_by_hand(kiosk)
    world.start_shift()
    attempt = kiosk.heartbeat().placement.attempt
    desk = kiosk.lease(attempt)
    assert kiosk.kit().writing_keys(attempt, desk.view.epoch) == desk.keys


def test_a_key_without_a_lease_writes_nothing(world: World, kiosk: Kiosk) -> None:
    """The kit lets every station of the room derive keys; a lease is the server's row alone."""
    world.admit_by_hand(kiosk)
    world.start_shift()
    attempt = kiosk.heartbeat().placement.attempt
    desk = kiosk.lease(attempt)
    stranger = world.kiosk(seat="02")
    desk.kiosk, desk.keys = stranger, stranger.kit().writing_keys(attempt, 2)
    with pytest.raises(RefusalError):
        desk.send(desk.record(Opened("0101")))


def test_the_first_record_opens_the_attempt(world: World, kiosk: Kiosk) -> None:
    world.admit_by_hand(kiosk)
    world.start_shift()
    attempt = kiosk.heartbeat().placement.attempt
    desk = kiosk.lease(attempt)
    assert kiosk.heartbeat().placement.attempt_state is AttemptState.ADMITTED
    desk.send(desk.record(Opened("0101")))
    assert kiosk.heartbeat().placement.attempt_state is AttemptState.WRITING


def version(kiosk: Kiosk) -> bytes:
    found = kiosk.heartbeat().kit
    assert found is not None and found == kiosk.kit().version
    return found


def test_moves_extra_time_and_another_seat_make_another_kit(world: World, kiosk: Kiosk) -> None:
    before = version(kiosk)
    assert version(kiosk) == before
    seen = {before}
    with world.server.transaction() as session:
        seat = find_seat(session, "P.101", "01")
        free = Seat(centre_id=seat.centre_id, room_id=seat.room_id, name="99", row=9, column=9)
        session.add(free)
        session.flush()
        moved = session.scalars(sa.select(Placement).where(Placement.seat_id != seat.id)).first()
        shifts.move_placement(
            session, moved.id, seat_id=free.id, officer=FIRST, reason="hỏng", now=world.clock.now
        )
    seen.add(version(kiosk))
    with world.server.transaction() as session:
        session.scalars(
            sa.select(Registration).join(Placement).where(Placement.room_id == seat.room_id)
        ).first().extra_time_percent = 50
    seen.add(version(kiosk))
    assert len(seen) == 3


def test_the_server_keeps_which_kit_a_station_has_whole(world: World, kiosk: Kiosk) -> None:
    present = kiosk.heartbeat().kit
    kiosk.heartbeat(kit=present)
    with world.server.reading() as session:
        [kept] = session.scalars(sa.select(StationStatus.kit)).all()
    assert kept == present


def test_each_station_has_a_kit_of_its_own(world: World, kiosk: Kiosk) -> None:
    other = world.kiosk(seat="02")
    mine, theirs = kiosk.kit(), other.kit()
    assert mine.shift_secret != theirs.shift_secret
    assert mine.version != theirs.version
    assert keys_of(mine) == keys_of(theirs)  # a candidate may be moved to any of them


def test_a_kit_knows_the_stations_of_the_room_also_one_that_stood_there_in_this_shift(
    world: World, kiosk: Kiosk
) -> None:
    other, stranger = world.kiosk(seat="02"), world.kiosk(room="P.102")
    alone = version(kiosk)
    known = {one.id: one.signing_key for one in kiosk.kit().stations}
    assert set(known) == {kiosk.station, other.station}
    assert known[other.station] == other.signing.public_key().public_bytes_raw()
    assert {one.id for one in stranger.kit().stations} == {stranger.station}
    with world.server.transaction() as session:
        seat = find_seat(session, "P.102", "02")
        stations.assign(session, other.station, seat_id=seat.id, officer=FIRST, now=world.clock.now)
    assert version(kiosk) == alone  # a move token of it may still come
    assert {one.id for one in stranger.kit().stations} == {stranger.station, other.station}
    with world.server.transaction() as session:
        stations.revoke(session, other.station, officer=FIRST, reason="mất", now=world.clock.now)
    assert version(kiosk) != alone
    assert [one.id for one in kiosk.kit().stations] == [kiosk.station]


def keys_of(kit: RoomKit) -> dict[str, bytes]:
    return {place.attempt: place.attempt_key for place in kit.places}


def test_the_packages_that_are_kept_open_under_no_key_of_the_kit_alone(
    world: World, kiosk: Kiosk
) -> None:
    kit = kiosk.kit()
    with world.server.reading() as session:
        kept = session.scalars(sa.select(Package.content_key)).all()
    assert not any(one.locked_key in kept for one in kit.packages)
