"""Loading a roster: candidates, registrations and placements, all or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from exam_server.candidates.models import Candidate, Registration
from exam_server.candidates.roster import RosterLine, number_of_faults
from exam_server.centres.models import Room, Seat
from exam_server.errors import InputError
from exam_server.forms.models import Paper
from exam_server.shifts.models import Placement, Shift


@dataclass(slots=True)
class _Places:
    """What lines may name, by name."""

    papers: dict[str, Paper]
    rooms: dict[str, Room]
    seats: dict[tuple[str, str], Seat]
    taken: set[str]


def load_roster(
    session: Session, lines: Sequence[RosterLine], *, shift: Shift, file: str
) -> list[Placement]:
    """Places every line in `shift`. InputError lists every fault; the caller then rolls back."""
    places = _places(session, shift)
    faults: list[str] = []
    placements = []
    for line in lines:
        try:
            placements.append(_place(session, line, shift, places))
        except InputError as error:
            faults.append(f"{file}, row {line.row}: {error}")
    if faults:
        raise InputError(
            f"{file} has {number_of_faults(faults)}; nothing was loaded", tuple(faults)
        )
    session.flush()
    return placements


def _places(session: Session, shift: Shift) -> _Places:
    papers = session.exec(select(Paper).where(Paper.exam_id == shift.exam_id))
    rooms = session.exec(select(Room).where(Room.centre_id == shift.centre_id)).all()
    names = {room.id: room.name for room in rooms}
    seats = session.exec(select(Seat).where(Seat.centre_id == shift.centre_id))
    taken = session.exec(
        select(Placement.seat_id).where(
            Placement.centre_id == shift.centre_id, Placement.shift_id == shift.id
        )
    )
    return _Places(
        papers={paper.name: paper for paper in papers},
        rooms={room.name: room for room in rooms},
        seats={(names[seat.room_id], seat.name): seat for seat in seats},
        taken=set(taken),
    )


def _place(session: Session, line: RosterLine, shift: Shift, places: _Places) -> Placement:
    paper = places.papers.get(line.paper)
    if paper is None:
        raise InputError(f"there is no paper {line.paper!r}; there is {_list(places.papers)}")
    if line.room not in places.rooms:
        raise InputError(f"there is no room {line.room!r}; there is {_list(places.rooms)}")
    seat = places.seats.get((line.room, line.seat))
    if seat is None:
        raise InputError(f"room {line.room} has no seat {line.seat!r}")
    if seat.id in places.taken:
        raise InputError(f"seat {line.seat} of room {line.room} is taken in this shift")
    registration = _register(session, line, shift)
    # In any centre: no constraint of a database laid out by centre could see that.
    again = select(Placement.id).where(
        Placement.registration_id == registration.id, Placement.paper_id == paper.id
    )
    if session.scalar(again) is not None:
        raise InputError(f"{line.registration_number} is placed for {line.paper} already")
    places.taken.add(seat.id)
    placement = Placement(
        centre_id=shift.centre_id,
        registration_id=registration.id,
        paper_id=paper.id,
        shift_id=shift.id,
        room_id=seat.room_id,
        seat_id=seat.id,
    )
    session.add(placement)
    return placement


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _register(session: Session, line: RosterLine, shift: Shift) -> Registration:
    """The registration under the line's number, which must be the same person's where it exists."""
    known = session.exec(
        select(Registration, Candidate)
        .join(Candidate, col(Candidate.id) == Registration.candidate_id)
        .where(
            Registration.exam_id == shift.exam_id,
            Registration.registration_number == line.registration_number,
        )
    ).first()
    if known is not None:
        registration, person = known
        _check_unchanged(line, registration, person)
        return registration
    candidate = Candidate(
        name=line.name, date_of_birth=line.date_of_birth, citizen_number=line.citizen_number
    )
    session.add(candidate)
    session.flush()
    registration = Registration(
        exam_id=shift.exam_id,
        candidate_id=candidate.id,
        registration_number=line.registration_number,
        extra_time_percent=line.extra_time_percent,
    )
    session.add(registration)
    session.flush()
    return registration


def _check_unchanged(line: RosterLine, registration: Registration, person: Candidate) -> None:
    """A number that is known means the same person, to the last field."""
    if (person.name, person.date_of_birth) != (line.name, line.date_of_birth):
        raise InputError(f"{line.registration_number} belongs to {person.name}; correct it")
    if person.citizen_number != line.citizen_number:
        raise InputError(f"{line.registration_number} has another citizen number; correct it")
    if registration.extra_time_percent != line.extra_time_percent:
        raise InputError(
            f"{line.registration_number} has {registration.extra_time_percent} % extra time;"
            " correct it"
        )
