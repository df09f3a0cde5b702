"""Carried on to a third station without network: whose each record is, and settling to and fro."""

import pytest
import sqlalchemy as sa
from kiosk import Desk
from moves import Issue, writing
from server_world import World
from test_conflicts import (
    carry,
    claim,
    conflict_of,
    everything,
    exported,
    settle,
    sound,
    spare,
    token_of,
)
from test_conflicts import state as counted
from test_late_records import Room

from exam_server.attempts import settling
from exam_server.attempts.fencing_models import LeaseConflict, Side
from exam_server.attempts.models import Attempt, EvidenceRecord
from exam_server.contract.records import Record
from exam_server.shards import anywhere

pytestmark = pytest.mark.slow


@pytest.fixture
def room(world: World, issue: Issue) -> Room:
    return Room(writing(world, issue))


def carried_twice(room: Room) -> tuple[Record, Desk, Desk]:
    """What the first station never sent, the second station, and the third, which claims."""
    kiosk = spare(room)
    room.candidate.move("P.102", "05")
    last = room.world.kiosk("05", "P.102")
    room.candidate.move("P.101", "01")
    unsent = room.answer(room.first, 0, 1)
    second = carry(room, room.first, kiosk)
    own = room.answer(second, 1, 2)
    third = carry(room, second, last)
    assert claim(third, token_of(second), unsent, own).conflict
    assert third.send(room.answer(third, 2, 3)).sequence == 4
    return unsent, second, third


def stations_aside(room: Room) -> dict[int, str]:
    """Epoch → the station under which the records of that epoch are kept as evidence."""
    with room.world.server.reading() as session:
        rows = session.scalars(sa.select(EvidenceRecord)).all()
        return {row.epoch: row.station_id for row in rows}


def compared(room: Room) -> dict[str, int]:
    """Item → number of the option of the other side."""
    server = room.world.server
    with server.reading() as session:
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        conflict = session.scalars(sa.select(LeaseConflict)).one()
        now = room.world.clock.now
        found = settling.responses_aside(session, attempt, conflict, keys=server.keys, now=now)
    numbers = {item.id: number for number, item in enumerate(room.items)}
    return {
        numbers[item]: [one.id for one in room.items[numbers[item]].interaction.options].index(
            answer.options[0]
        )
        for item, answer in found.items()
    }


def test_each_carried_record_is_evidence_of_the_station_that_wrote_it(room: Room) -> None:
    _, second, third = carried_twice(room)
    whose = {1: room.first.kiosk.station, 2: second.kiosk.station, 3: third.kiosk.station}
    assert stations_aside(room) == whose
    assert exported(room).holds
    settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 1, 1: 2, 2: 3} and exported(room).holds
    settle(room, Side.SERVER)
    assert stations_aside(room) == whose and exported(room).holds
    sound(room)


def test_what_the_first_station_sends_itself_counts_on_either_side(room: Room) -> None:
    unsent, _, _ = carried_twice(room)
    room.first.send(unsent)
    before = counted(room)
    assert compared(room) == {0: 1, 1: 2, 2: 3}
    for _ in range(2):
        settle(room, Side.CLAIMANT)
        assert room.answers() == {0: 1, 1: 2, 2: 3}
        sound(room)
        assert exported(room).holds
        assert compared(room) == {0: 1}
        settle(room, Side.SERVER)
        assert room.answers() == {0: 1} and counted(room) == before
        sound(room)
    assert unsent.head in everything(room)  # which finds each record once
    assert conflict_of(room).fork_sequence == unsent.sequence


def test_what_it_sends_once_the_other_side_counts_lies_on_neither_twice(room: Room) -> None:
    unsent, _, _ = carried_twice(room)
    settle(room, Side.SERVER)
    room.first.send(unsent, room.answer(room.first, 4, 0))
    before = counted(room)
    settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 1, 1: 2, 2: 3}
    settle(room, Side.SERVER)
    assert counted(room) == before and room.answers() == {0: 1, 4: 0}
    everything(room)
    sound(room)
