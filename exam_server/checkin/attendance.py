"""Who came to a shift, and how each was let in or not."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Room, Seat
from exam_server.checkin import conditions
from exam_server.contract.api import CheckInState
from exam_server.shifts.models import Placement

#: What of the server's report says how far a chip is proven.
PROOFS = ("verdict", "access", "active_authentication", "chip_authentication")


@dataclass(frozen=True, slots=True)
class Attendance:
    """One placement of a shift; `state` is None while nobody has checked in.

    `chip` is what the server found of the chip, by the keys of PROOFS; empty without a chip.
    """

    registration_number: str
    name: str
    room: str
    seat: str
    state: CheckInState | None
    basis: str | None
    reasons: tuple[str, ...]
    chip: dict[str, str]


def attendance(session: Session, centre_id: str, shift_id: str) -> list[Attendance]:
    """Every placement of the shift by room and seat, and how it was admitted, or the last try."""
    rows = session.execute(
        select(Placement, Registration.registration_number, Candidate.name)
        .add_columns(col(Room.name), col(Seat.name))
        .join(Registration, col(Registration.id) == Placement.registration_id)
        .join(Candidate, col(Candidate.id) == Registration.candidate_id)
        .join(Room, col(Room.id) == Placement.room_id)
        .join(Seat, col(Seat.id) == Placement.seat_id)
        .where(col(Placement.centre_id) == centre_id, col(Placement.shift_id) == shift_id)
        .order_by(col(Room.name), col(Seat.name))
    ).all()
    return [
        _line(session, placement, (number, name, room, seat))
        for placement, number, name, room, seat in rows
    ]


def _line(session: Session, placement: Placement, who: tuple[str, str, str, str]) -> Attendance:
    checkins = conditions.checkins_of(session, placement.centre_id, placement.id)
    checkin = conditions.admitting(checkins) or (checkins[-1] if checkins else None)
    if checkin is None:
        return Attendance(*who, None, None, (), {})
    report = checkin.report or {}
    chip = {name: str(report[name]) for name in PROOFS if name in report}
    return Attendance(*who, checkin.state, checkin.basis.value, tuple(checkin.reasons), chip)
