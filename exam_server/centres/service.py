"""Centres, rooms and seats: described in TOML, made once, found by name."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from exam_server.centres.models import Centre, Room, Seat
from exam_server.errors import InputError


class RoomPlan(BaseModel):
    """A room whose seats stand in rows; seats are named 01, 02, … from the front left."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=40)
    rows: int = Field(ge=1, le=50)
    columns: int = Field(ge=1, le=50)


class CentrePlan(BaseModel):
    """A centre and its rooms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(min_length=1, max_length=40)
    name: str = Field(min_length=1, max_length=200)
    rooms: list[RoomPlan] = Field(min_length=1, max_length=1000)


def load_centre(session: Session, plan: CentrePlan) -> Centre:
    """The centre of `plan`. One that is there already must have been made from the same plan."""
    if len({room.name for room in plan.rooms}) != len(plan.rooms):
        raise InputError(f"centre {plan.code}: two rooms have the same name")
    centre = session.exec(select(Centre).where(Centre.code == plan.code)).first()
    if centre is None:
        centre = Centre(code=plan.code, name=plan.name)
        session.add(centre)
        session.flush()
    for room_plan in plan.rooms:
        _load_room(session, centre, room_plan)
    return centre


def _load_room(session: Session, centre: Centre, plan: RoomPlan) -> None:
    known = find_room(session, centre.id, plan.name)
    if known is not None:
        places = {(seat.row, seat.column) for seat in seats_of(session, known)}
        if places != _places(plan):
            raise InputError(f"room {plan.name} exists with other seats; give it another name")
        return
    room = Room(centre_id=centre.id, name=plan.name)
    session.add(room)
    session.flush()
    for number, (row, column) in enumerate(sorted(_places(plan)), start=1):
        session.add(
            Seat(centre_id=centre.id, room_id=room.id, name=f"{number:02}", row=row, column=column)
        )
    session.flush()


def _places(plan: RoomPlan) -> set[tuple[int, int]]:
    return {
        (row, column) for row in range(1, plan.rows + 1) for column in range(1, plan.columns + 1)
    }


def find_room(session: Session, centre_id: str, name: str) -> Room | None:
    """The room of that name."""
    return session.exec(select(Room).where(Room.centre_id == centre_id, Room.name == name)).first()


def seats_of(session: Session, room: Room) -> list[Seat]:
    """The seats of a room, in order."""
    return list(
        session.exec(
            select(Seat).where(Seat.room_id == room.id).order_by(col(Seat.row), col(Seat.column))
        )
    )


def find_seat(session: Session, room_name: str, seat_name: str, *, centre_code: str = "") -> Seat:
    """The seat of those names; the centre's code is needed where two centres have such a room."""
    wanted: list[Any] = [Room.name == room_name, Seat.name == seat_name]
    if centre_code:
        wanted.append(Centre.code == centre_code)
    found = session.exec(
        select(Seat)
        .join(Room, col(Room.id) == Seat.room_id)
        .join(Centre, col(Centre.id) == Room.centre_id)
        .where(*wanted)
    ).all()
    if not found:
        raise InputError(
            f"there is no seat {seat_name} in a room {room_name}; see exam-server status"
        )
    if len(found) > 1:
        raise InputError(f"several centres have a room {room_name}; name the centre's code too")
    return found[0]
