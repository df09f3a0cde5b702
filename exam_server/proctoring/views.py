"""What a proctor sees of a room, as values: seats, candidates, stations, counts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from exam_server.checkin.models import Basis, Condition
from exam_server.contract.api import CheckInState, ShiftState, StationState
from exam_server.contract.ledger import Ledger
from exam_server.forms.models import Realm


class Sitting(StrEnum):
    """Where a placement stands; a closed list, one colour, icon and word each."""

    EXPECTED = "expected"
    IDENTIFYING = "identifying"
    REFERRED = "referred"
    REFUSED = "refused"
    ADMITTED = "admitted"
    WRITING = "writing"
    PAUSED = "paused"
    SUBMITTED = "submitted"


class StationHealth(StrEnum):
    """Whether the seat's machine can be worked with."""

    NONE = "none"
    READY = "ready"
    FAULTY = "faulty"
    SILENT = "silent"


class Trouble(StrEnum):
    """Why a seat needs a look."""

    REFUSED = "refused"
    DOUBTED = "doubted"
    TIME_UP = "time_up"
    NO_STATION = "no_station"
    STATION_FAULTY = "station_faulty"
    STATION_SILENT = "station_silent"


_STATION_TROUBLE = {
    StationHealth.NONE: Trouble.NO_STATION,
    StationHealth.FAULTY: Trouble.STATION_FAULTY,
    StationHealth.SILENT: Trouble.STATION_SILENT,
}


@dataclass(frozen=True, slots=True)
class StationView:
    """A seat's machine as it last described itself."""

    id: str
    name: str
    health: StationHealth
    state: StationState | None = None
    seen_at: datetime | None = None
    program_version: str = ""
    reader_ready: bool = False
    camera_ready: bool = False
    staged: int = 0
    unsent_records: int = 0


NO_STATION = StationView("", "", StationHealth.NONE)


@dataclass(frozen=True, slots=True)
class Seated:
    """A placement with everything a proctor needs to know of it.

    `doubted`: after the admission a check-in failed, and nobody has cleared that yet.
    """

    placement: str
    candidate_name: str
    date_of_birth: date
    citizen_number: str | None
    registration_number: str
    extra_time_percent: int
    paper: str
    minutes: int
    form_code: str | None
    sitting: Sitting
    condition: Condition | None
    doubted: bool
    chip_refused: bool
    arrived_late: bool
    basis: Basis | None
    checkin: str | None
    checkin_state: CheckInState | None
    checkin_at: datetime | None
    attempt: str | None
    submitted_at: datetime | None
    ledger: Ledger | None
    remaining: timedelta | None

    @property
    def conditional(self) -> bool:
        return self.condition is not None

    @property
    def runs(self) -> bool:
        """Whether the remaining time is running down now."""
        return self.sitting is Sitting.WRITING

    @property
    def seconds_left(self) -> int:
        return int(self.remaining.total_seconds()) if self.remaining is not None else 0


@dataclass(frozen=True, slots=True)
class SeatView:
    """One seat of a room in a shift; `seated` is None where nobody is expected."""

    id: str
    name: str
    row: int
    column: int
    station: StationView
    seated: Seated | None

    @property
    def trouble(self) -> "Trouble | None":
        """Why the proctor should look here. An identity to decide is listed apart."""
        if self.seated is None or self.seated.sitting is Sitting.SUBMITTED:
            return None
        if self.seated.sitting is Sitting.REFUSED:
            return Trouble.REFUSED
        if self.seated.doubted:
            return Trouble.DOUBTED
        if self.seated.runs and self.seated.seconds_left == 0:
            return Trouble.TIME_UP
        return _STATION_TROUBLE.get(self.station.health)


@dataclass(frozen=True, slots=True)
class FreeSeat:
    """A seat of the shift's centre at which nobody is expected."""

    id: str
    name: str
    room: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Attendance of a room."""

    expected: int
    checked_in: int
    writing: int
    submitted: int
    referred: int
    problems: int

    @classmethod
    def of(cls, seats: Iterable[SeatView], problems: int) -> "Counts":
        seated = [seat.seated for seat in seats if seat.seated is not None]
        sittings = [one.sitting for one in seated]
        return cls(
            expected=len(seated),
            checked_in=sum(1 for one in seated if one.attempt is not None),
            writing=sum(1 for one in sittings if one in (Sitting.WRITING, Sitting.PAUSED)),
            submitted=sittings.count(Sitting.SUBMITTED),
            referred=sittings.count(Sitting.REFERRED),
            problems=problems,
        )


@dataclass(frozen=True, slots=True)
class ShiftHead:
    """A shift's name and place."""

    id: str
    name: str
    state: ShiftState
    starts_at: datetime
    opened_at: datetime | None
    started_at: datetime | None
    closed_at: datetime | None
    exam: str
    realm: Realm
    centre_id: str
    centre: str


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room in a shift."""

    id: str
    name: str
    shift: ShiftHead
    seats: tuple[SeatView, ...]

    @property
    def counts(self) -> Counts:
        return Counts.of(self.seats, len(self.troubled))

    @property
    def lines(self) -> list[list[SeatView | None]]:
        """The seats as they stand, row by row; None where a row has a gap."""
        by_place = {(seat.row, seat.column): seat for seat in self.seats}
        rows = sorted({seat.row for seat in self.seats})
        return [[by_place.get((row, at)) for at in range(1, self.columns + 1)] for row in rows]

    @property
    def troubled(self) -> tuple[SeatView, ...]:
        """Seats that need a look. Before the shift opens, stations need not be there yet."""
        if self.shift.state in (ShiftState.PLANNED, ShiftState.CLOSED):
            return ()
        return tuple(seat for seat in self.seats if seat.trouble is not None)

    @property
    def columns(self) -> int:
        return max((seat.column for seat in self.seats), default=1)

    @property
    def referred(self) -> tuple[SeatView, ...]:
        """Identities that wait for a decision, the longest waiting first."""
        waiting = [
            seat
            for seat in self.seats
            if seat.seated is not None and seat.seated.sitting is Sitting.REFERRED
        ]
        return tuple(sorted(waiting, key=_waiting_since))


def _waiting_since(seat: SeatView) -> datetime:
    if seat.seated is None or seat.seated.checkin_at is None:
        raise ValueError("only a check-in that was referred waits")
    return seat.seated.checkin_at
