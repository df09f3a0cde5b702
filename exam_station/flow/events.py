"""What can happen to the kiosk. `turn` ties a worker's answer to the step that asked for it.

The `wait` of a failure are the seconds after which it is worth trying again, as the server asked
or else somewhat spread, so that a room's stations do not come back in step.
"""

from dataclasses import dataclass, field
from datetime import datetime

from exam_server.contract.api import CheckInView, LedgerView, SeatView
from exam_server.contract.errors import ErrorCode
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_server.contract.room_code import RoomCode
from exam_station.flow.codes import CardTrouble, Language, NoticeCode
from exam_station.flow.screens import CardReading, FaceResult, Frame
from exam_station.flow.states import Devices, KitHeld
from exam_station.sitting import Sitting
from question_bank.response import Response

#: Seconds to wait where nothing else is known.
WAIT = 3.0


@dataclass(frozen=True, slots=True)
class Tick:
    """About once a second. `now` is the server's time, None before it was first heard."""

    elapsed: float
    now: datetime | None


@dataclass(frozen=True, slots=True)
class DevicesSeen:
    devices: Devices


@dataclass(frozen=True, slots=True)
class BeatAnswered:
    view: SeatView


@dataclass(frozen=True, slots=True)
class BeatFailed:
    """`code` is None where the server could not be reached. Where it said nothing, `kit` is what
    the room kit on this station says of the seat, if there is one for now."""

    code: ErrorCode | None = None
    wait: float = 0.0
    kit: SeatView | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """The server's stream is open, or it is not."""

    on: bool


@dataclass(frozen=True, slots=True)
class ChangeHeard:
    """Something of the seat is new; a heartbeat tells what."""


@dataclass(frozen=True, slots=True)
class StartHeard:
    """The start signal of a shift; its secret is kept."""

    shift: str


@dataclass(frozen=True, slots=True)
class KitKept:
    """The room kit that lies on this station, checked; None where there is none."""

    kit: KitHeld | None


@dataclass(frozen=True, slots=True)
class PackagesStaged:
    """The sealed packages that lie on this station, complete and checked."""

    packages: frozenset[str]


@dataclass(frozen=True, slots=True)
class CardInserted:
    pass


@dataclass(frozen=True, slots=True)
class CardRemoved:
    pass


@dataclass(frozen=True, slots=True)
class ReadingStepped:
    turn: int
    step: str
    done: int
    total: int
    portrait: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CardRead:
    turn: int
    reading: CardReading


@dataclass(frozen=True, slots=True)
class CardFailed:
    turn: int
    reason: CardTrouble


@dataclass(frozen=True, slots=True)
class FrameSeen:
    turn: int
    frame: Frame
    hint: str
    tries: int
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class FaceDecided:
    turn: int
    result: FaceResult


@dataclass(frozen=True, slots=True)
class CheckInAnswered:
    turn: int
    view: CheckInView


@dataclass(frozen=True, slots=True)
class CheckInFailed:
    """`code` is None where the server could not be reached."""

    turn: int
    code: ErrorCode | None = None
    wait: float = WAIT


@dataclass(frozen=True, slots=True)
class RoomCodeJudged:
    """`code` is None where what was typed is not the room's."""

    turn: int
    code: RoomCode | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AdmittedOffline:
    """The check-in without network is on disk, and the right to write is taken."""

    turn: int
    attempt: str
    conditional: bool


@dataclass(frozen=True, slots=True)
class StartCodeRefused:
    """`wrong` are the numbers of mistyped groups; none where the code opens nothing here."""

    attempt: str
    wrong: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    attempt: str


@dataclass(frozen=True, slots=True)
class LeaseFailed:
    """The lease could not be had; it is worth trying again by itself."""

    attempt: str
    code: ErrorCode | None = None
    wait: float = WAIT


@dataclass(frozen=True, slots=True)
class FormOpened:
    """The paper is open, and what this station's journal tells of it is replayed."""

    attempt: str
    sitting: Sitting
    ledger: Ledger
    server_time: datetime


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """Opening or handing in did not succeed; it is worth trying again by itself."""

    attempt: str
    code: ErrorCode | None = None
    wait: float = WAIT


@dataclass(frozen=True, slots=True)
class AttemptStopped:
    """Lease, opening, writing or handing in cannot succeed without a person's help."""

    attempt: str
    code: NoticeCode


@dataclass(frozen=True, slots=True)
class UploadProgressed:
    """Records not acknowledged yet, and the ledger where the server sent one."""

    attempt: str
    unsent: int
    ledger: LedgerView | None = None
    server_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeadFixed:
    """The head over the journal as it stands, as a code for people."""

    attempt: str
    head_code: str


@dataclass(frozen=True, slots=True)
class ReceiptArrived:
    attempt: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class UserAnswered:
    item: str
    response: Response


@dataclass(frozen=True, slots=True)
class UserWentTo:
    item: str


@dataclass(frozen=True, slots=True)
class UserFlagged:
    item: str
    on: bool


@dataclass(frozen=True, slots=True)
class UserHeard:
    """A sound that may be heard so often: its `play`th time, up to `at` milliseconds of it."""

    sound: str
    play: int
    at: int


@dataclass(frozen=True, slots=True)
class SoundTried:
    """A sound was to be played, and the station's device did, or did not."""

    works: bool


@dataclass(frozen=True, slots=True)
class UserAskedSubmit:
    pass


@dataclass(frozen=True, slots=True)
class UserWentBack:
    """From the question whether to hand in, back to the paper."""


@dataclass(frozen=True, slots=True)
class UserConfirmedSubmit:
    pass


@dataclass(frozen=True, slots=True)
class UserAgreed:
    pass


@dataclass(frozen=True, slots=True)
class UserDeclined:
    pass


@dataclass(frozen=True, slots=True)
class UserRetry:
    pass


@dataclass(frozen=True, slots=True)
class UserGoesOffline:
    """The proctor does not wait for the network any longer."""


@dataclass(frozen=True, slots=True)
class UserTypedCode:
    """A room code or a start code, as the screen asked."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserConfirmedCheckIn:
    """The proctor lets the candidate in."""


@dataclass(frozen=True, slots=True)
class UserRefusedCheckIn:
    """The proctor does not let the candidate in."""


@dataclass(frozen=True, slots=True)
class UserChangedLanguage:
    language: Language


UserEvent = (
    UserAnswered
    | UserWentTo
    | UserFlagged
    | UserHeard
    | UserAskedSubmit
    | UserWentBack
    | UserConfirmedSubmit
    | UserAgreed
    | UserDeclined
    | UserRetry
    | UserGoesOffline
    | UserTypedCode
    | UserConfirmedCheckIn
    | UserRefusedCheckIn
    | UserChangedLanguage
)
Event = (
    Tick
    | DevicesSeen
    | BeatAnswered
    | BeatFailed
    | Listening
    | ChangeHeard
    | StartHeard
    | KitKept
    | PackagesStaged
    | CardInserted
    | CardRemoved
    | ReadingStepped
    | CardRead
    | CardFailed
    | FrameSeen
    | FaceDecided
    | CheckInAnswered
    | CheckInFailed
    | RoomCodeJudged
    | AdmittedOffline
    | StartCodeRefused
    | LeaseTaken
    | LeaseFailed
    | FormOpened
    | AttemptFailed
    | AttemptStopped
    | UploadProgressed
    | SoundTried
    | HeadFixed
    | ReceiptArrived
    | UserEvent
)
