"""What a proctor sees of a room, as values: seats, candidates, stations, counts. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from exam_server.checkin.models import Basis, Condition
from exam_server.contract.api import CheckInState, ShiftState, StationState
from exam_server.contract.ledger import Ledger
from exam_server.contract.sections import Leaving, Plan, spans
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
    CONFLICT = "conflict"
    TIME_UP = "time_up"
    NO_STATION = "no_station"
    STATION_FAULTY = "station_faulty"
    STATION_SILENT = "station_silent"
    WRONG_PROGRAM = "wrong_program"
    PACKAGES_MISSING = "packages_missing"
    DISK_LOW = "disk_low"
    NO_SOUND = "no_sound"
    NOT_REACHED = "not_reached"
    RESTARTED = "restarted"


#: A change of time that a kiosk does not show by then is told to the proctor.
REACH = timedelta(seconds=2)


_STATION_TROUBLE = {
    StationHealth.NONE: Trouble.NO_STATION,
    StationHealth.FAULTY: Trouble.STATION_FAULTY,
    StationHealth.SILENT: Trouble.STATION_SILENT,
}


@dataclass(frozen=True, slots=True)
class StationView:
    """A seat's machine as it last described itself.

    `owed` counts attempts that were left there with something unsent; `shows`: the attempt whose
    ledger its candidate sees, and as of which entry.
    """

    id: str
    name: str
    health: StationHealth
    state: StationState | None = None
    seen_at: datetime | None = None
    program_version: str = ""
    reader_ready: bool = False
    camera_ready: bool = False
    staged: frozenset[str] = frozenset()
    unsent_records: int = 0
    owed: int = 0
    disk_low: bool = False
    sound_failed: bool = False
    kit: bool = False
    shows: tuple[str, int] | None = None


NO_STATION = StationView("", "", StationHealth.NONE)


@dataclass(frozen=True, slots=True)
class RestartLine:
    """The kiosk began again with the paper open; `away` is None while nobody knows for how long."""

    since: datetime
    away: timedelta | None
    settled: bool

    @property
    def seconds(self) -> int | None:
        return None if self.away is None else round(self.away.total_seconds())


@dataclass(frozen=True, slots=True)
class SectionTime:
    """The section of a sequential paper that is being written, from 1, and what is left of it."""

    number: int
    count: int
    remaining: timedelta

    @classmethod
    def of(
        cls, plan: Plan, ledger: Ledger, leavings: Sequence[Leaving], now: datetime
    ) -> "SectionTime | None":
        """None before the start."""
        begun = spans(plan, ledger, leavings, now)
        if not begun:
            return None
        left = max(begun[-1].ends - now, timedelta(0))
        return cls(len(begun), len(plan.minutes), left)

    @property
    def seconds_left(self) -> int:
        return int(self.remaining.total_seconds())


@dataclass(frozen=True, slots=True)
class Seated:
    """A placement with everything a proctor needs to know of it.

    `doubted`: after the admission a check-in failed, and nobody has cleared that yet.
    `not_reached`: the time was changed, and the kiosk does not show it yet.
    `awaited`: moved to this seat, and not tapped at its station yet.
    `section`: of a sequential paper, once it has begun.
    `conflict`: two stations wrote it, and nobody has settled yet whose journal counts.
    `late_records`: how many records arrived too late to be kept: after a takeover, or the closing.
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
    awaited: bool
    late_records: int
    conflict: bool
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
    not_reached: bool
    section: SectionTime | None = None
    restarts: tuple[RestartLine, ...] = ()

    @property
    def restarted(self) -> bool:
        """Whether the kiosk began again and no officer has decided on the time that was lost."""
        return any(not restart.settled for restart in self.restarts)

    @property
    def conditional(self) -> bool:
        return self.condition is not None or self.conflict

    @property
    def runs(self) -> bool:
        """Whether the remaining time is running down now."""
        return self.sitting is Sitting.WRITING

    @property
    def seconds_left(self) -> int:
        return int(self.remaining.total_seconds()) if self.remaining is not None else 0

    @property
    def time_is_up(self) -> bool:
        """Whether the kiosk should have handed in by now: a paper ends with its last section."""
        if not self.runs:
            return False
        section = self.section
        over = section is not None and section.number == section.count and not section.seconds_left
        return over or self.seconds_left == 0


@dataclass(frozen=True, slots=True)
class SeatView:
    """One seat of a room in a shift; `seated` is None where nobody is expected.

    `lacks`: what the station has not got of what is frozen for the shift.
    """

    id: str
    name: str
    row: int
    column: int
    station: StationView
    seated: Seated | None
    lacks: tuple[Trouble, ...] = ()

    @property
    def shortfall(self) -> "Trouble | None":
        """Why the station is not ready, None where it is."""
        return self.lacks[0] if self.lacks else _STATION_TROUBLE.get(self.station.health)

    @property
    def trouble(self) -> "Trouble | None":
        """Why the proctor should look here. An identity to decide is listed apart."""
        if self.seated is not None and self.seated.conflict:
            return Trouble.CONFLICT
        if self.seated is None or self.seated.sitting is Sitting.SUBMITTED:
            return None
        if self.seated.sitting is Sitting.REFUSED:
            return Trouble.REFUSED
        if self.seated.doubted:
            return Trouble.DOUBTED
        if self.seated.time_is_up:
            return Trouble.TIME_UP
        low = Trouble.DISK_LOW if self.station.disk_low else None
        silent = Trouble.NO_SOUND if self.station.sound_failed else None
        if self.lacks:
            return self.lacks[0]
        if self.seated.restarted:
            return Trouble.RESTARTED
        not_reached = Trouble.NOT_REACHED if self.seated.not_reached else None
        return _STATION_TROUBLE.get(self.station.health, not_reached or silent or low)


@dataclass(frozen=True, slots=True)
class FreeSeat:
    """A seat of the shift's centre at which nobody is expected."""

    id: str
    name: str
    room: str
    station: StationView

    @property
    def ready(self) -> bool:
        return self.station.health is StationHealth.READY


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
    frozen_at: datetime | None
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
    def unready(self) -> tuple[SeatView, ...]:
        """Seats whose station cannot be written at as things stand, before the start. Until the
        shift is frozen, stations need not be there yet."""
        if self.shift.frozen_at is None:
            return ()
        if self.shift.state not in (ShiftState.PLANNED, ShiftState.OPEN):
            return ()
        return tuple(
            seat
            for seat in self.seats
            if seat.seated is not None and (seat.lacks or seat.station.health in _STATION_TROUBLE)
        )

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
