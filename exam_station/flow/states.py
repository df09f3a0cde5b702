"""The whole kiosk at one moment: its screen, what every screen may show, and what it knows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exam_server.contract.api import Heartbeat, SeatView
from exam_server.contract.room_code import RoomCode
from exam_station.flow.codes import Language, Problem
from exam_station.flow.screens import Place, Screen, Starting


@dataclass(frozen=True, slots=True)
class Devices:
    """What the station's devices are like; the runner looks every few seconds."""

    problems: tuple[Problem, ...] = ()
    reader_ready: bool = False
    camera_ready: bool = False
    disk_low: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What every screen may show. `now` is the server's time; `remaining` is there while writing.

    `version` is the program's, `realm` the one the station was enrolled in. `lost_since` is the
    moment (server time) the connection was lost, None while it is sound;
    `unsent` counts records that the server has not acknowledged; `head_code` is the journal's head
    for the proctor's minutes, as of the last record while the connection is lost. `packages`
    counts the sealed packages that are here, and those that should be. `section` of how many is
    being written in a sequential paper; `remaining` is then its time.
    """

    language: Language = Language.VI
    version: str = ""
    realm: str = ""
    place: Place | None = None
    now: datetime | None = None
    remaining: timedelta | None = None
    connected: bool = False
    lost_since: datetime | None = None
    unsent: int = 0
    packages: tuple[int, int] = (0, 0)
    section: tuple[int, int] | None = None
    head_code: str = ""


@dataclass(frozen=True, slots=True)
class KitHeld:
    """The room kit on this station: its version, and the packages that belong to it."""

    version: bytes
    packages: frozenset[str]


@dataclass(frozen=True, slots=True)
class State:
    """The kiosk. `turn` numbers the steps that workers answer; a late answer has an old number.

    `elapsed` is the station's own steady clock in seconds; `beat_at` when the next heartbeat is
    due on it, or while `beating` when the last was sent; `trouble` is what the last heartbeat met;
    `agreed` the placement whose candidate agreed to the face check; `room_code` what a proctor
    typed here for the candidate of a placement; `language` the station's own, with which every
    candidate begins. `listening`: the server's stream is open, and `started` the shift whose start
    signal came over it; `beat_again`: something changed behind the heartbeat that is on its way;
    `told` the last heartbeat that was answered, None where one has failed since, `telling` the last
    one sent, and `asked_at` when it was; `pulse_at` when the next pulse is due. `sound_failed`: the
    last sound that was to be heard here was not; `unable_since` when the server began to answer
    every heartbeat with no more than that it cannot.
    """

    screen: Screen = field(default_factory=Starting)
    status: Status = field(default_factory=Status)
    seat: SeatView | None = None
    devices: Devices | None = None
    trouble: Problem | None = None
    card_present: bool = False
    staged: frozenset[str] = frozenset()
    staging: bool = False
    kit: KitHeld | None = None
    fetching_kit: bool = False
    listening: bool = False
    started: str | None = None
    told: Heartbeat | None = None
    telling: Heartbeat | None = None
    asked_at: float = 0.0
    pulse_at: float = 0.0
    staging_failed: bool = False
    turn: int = 0
    elapsed: float = 0.0
    beat_at: float = 0.0
    beating: bool = False
    beat_again: bool = False
    ledger_at: datetime | None = None
    agreed: str | None = None
    room_code: tuple[str, RoomCode] | None = field(default=None, repr=False)
    sound_failed: bool = False
    unable_since: float | None = None
    language: Language = Language.VI
