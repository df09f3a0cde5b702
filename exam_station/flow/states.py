"""What the kiosk can be doing: one frozen type per screen, and what every screen shows.

A screen carries all that its picture and its next step need, and nothing of the screen before it:
leaving a screen forgets the candidate's portrait, frames and evidence.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from exam_server.contract.api import FaceRecord, SeatView
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_station.sitting import Sitting


class Language(StrEnum):
    VI = "vi"
    EN = "en"


class Problem(StrEnum):
    """Why the kiosk cannot serve; the screen names each with what to do."""

    NOT_ENROLLED = "not_enrolled"
    NO_SERVER = "no_server"
    NO_SEAT = "no_seat"
    WRONG_REALM = "wrong_realm"
    SERVER_REFUSES = "server_refuses"
    NO_CARD_SERVICE = "no_card_service"
    NO_READER = "no_reader"
    NO_CAMERA = "no_camera"
    NO_FACE_MODEL = "no_face_model"
    DISK_FULL = "disk_full"


class CardTrouble(StrEnum):
    """Why a tap came to nothing; the candidate may try again.

    The lower block repeats the codes of `card_reader.errors.CardReason` that a tap can meet
    (`exam_station.identity`).
    """

    NO_SERVER = "no_server"
    SERVER_REFUSES = "server_refuses"
    TOO_SLOW = "too_slow"
    NO_IDENTITY_DATA = "no_identity_data"

    NO_SERVICE = "no_service"
    NO_READER = "no_reader"
    NO_CARD = "no_card"
    CARD_REMOVED = "card_removed"
    READER_BUSY = "reader_busy"
    READER_FAILED = "reader_failed"
    ACCESS_DENIED = "access_denied"
    NOT_AN_EMRTD = "not_an_emrtd"
    CHIP_ANSWERED_WRONGLY = "chip_answered_wrongly"
    SECURE_MESSAGING_BROKEN = "secure_messaging_broken"
    FILE_MISSING = "file_missing"
    FILE_PROTECTED = "file_protected"
    MALFORMED_FILE = "malformed_file"
    MALFORMED_APDU = "malformed_apdu"
    MALFORMED_CERTIFICATE = "malformed_certificate"
    MALFORMED_EVIDENCE = "malformed_evidence"
    TOO_LARGE = "too_large"
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"


class NoticeCode(StrEnum):
    """Why writing cannot go on here; all call for the proctor."""

    TAKEN_OVER = "taken_over"
    ATTEMPT_CLOSED = "attempt_closed"
    ALREADY_SUBMITTED = "already_submitted"
    ANSWERS_ELSEWHERE = "answers_elsewhere"
    PACKAGE_DAMAGED = "package_damaged"
    JOURNAL_DAMAGED = "journal_damaged"
    JOURNAL_IN_USE = "journal_in_use"
    DISK_FULL = "disk_full"
    SERVER_REFUSES = "server_refuses"
    PROGRAM_FAILED = "program_failed"


@dataclass(frozen=True, slots=True)
class Place:
    centre: str
    room: str
    seat: str


@dataclass(frozen=True, slots=True)
class Shift:
    exam: str
    name: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who is expected at this seat. `placement` is the server's id."""

    placement: str
    registration_number: str
    name: str
    date_of_birth: date
    paper: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One camera picture for the screen: rows from the top, 3 bytes (RGB) a pixel."""

    width: int
    height: int
    rgb: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CardReading:
    """What a tap gave. `portrait` is a PNG or JPEG, None where the chip's could not be had.

    `verdict` and `reasons` are the station's own, quick opinion (`card_reader.verify`); the
    server's is the one that counts. `expires_at` is when the server's challenge runs out.
    """

    challenge: str
    evidence: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    portrait: bytes | None = field(repr=False)
    verdict: str
    reasons: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FaceResult:
    """What a face check gave; `captures` (JPEG) accompany a referral only."""

    record: FaceRecord
    captures: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the candidate has answered already: consent, and the face against `portrait`."""

    consent: bool
    face: FaceResult | None
    portrait: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Starting:
    """The program has started and has heard neither from the server nor from its devices."""


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class NoShift:
    """Nobody checks in here now; `shift` is the one to come (or just closed), if there is one."""

    place: Place
    shift: Shift | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """\"Tap your card.\" `candidate` is None where the seat stays empty in this shift."""

    place: Place
    shift: Shift
    candidate: Candidate | None


@dataclass(frozen=True, slots=True)
class Reading:
    """`step` names the reading step (`card_reader.reader`); `done` of `total` steps are behind.

    `portrait` is there as soon as the chip gave it. `answers` are there where the card is read
    once more only because its challenge ran out meanwhile. `slipped` says that the card has left
    the reader: put back soon, it is read on.
    """

    candidate: Candidate
    step: str = ""
    done: int = 0
    total: int = 0
    portrait: bytes | None = field(default=None, repr=False)
    answers: Answers | None = None
    slipped: bool = False


@dataclass(frozen=True, slots=True)
class CardProblem:
    """The tap came to nothing: take the card off and put it on again."""

    candidate: Candidate
    reason: CardTrouble


@dataclass(frozen=True, slots=True)
class CardRefused:
    """The server does not accept this card for this candidate; only the proctor can go on."""

    candidate: Candidate
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """May the candidate's face be compared with the chip's portrait?"""

    candidate: Candidate
    reading: CardReading


@dataclass(frozen=True, slots=True)
class Face:
    """The camera looks. `hint` is a code of `exam_station.face`; `tries` counts from 1;
    `pictures` were taken of those that are wanted."""

    candidate: Candidate
    reading: CardReading
    frame: Frame | None = None
    hint: str = ""
    tries: int = 1
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class CheckingIn:
    """The server decides. `consent` and `face` are what is being sent with the evidence.

    `repeated`: the card was read once more for it.
    """

    candidate: Candidate
    reading: CardReading
    consent: bool
    face: FaceResult | None
    retry_at: float | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Referred:
    """The proctor decides; the candidate waits."""

    candidate: Candidate
    checkin: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The waiting room. `conditional`: admitted, but the result waits for a decision."""

    candidate: Candidate
    shift: Shift
    attempt: str
    conditional: bool
    leased: bool = False
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The shift has started: the key is fetched and the package opened."""

    candidate: Candidate
    attempt: str
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Writing:
    candidate: Candidate
    attempt: str
    sitting: Sitting
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class ConfirmSubmit:
    """\"Hand in?\" with the numbers of answered, unanswered and marked items."""

    writing: Writing


@dataclass(frozen=True, slots=True)
class Paused:
    """An officer stopped the time; the paper is hidden."""

    writing: Writing


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The time is up by the ledger at hand: locked until the server has said that it still is.

    `head_code` is the journal's head for the proctor's minutes, as in Submitting.
    """

    writing: Writing
    head_code: str = ""


@dataclass(frozen=True, slots=True)
class Submitting:
    """Handed in on this station; the server's receipt is still to come.

    `head_code` is the provisional receipt: the journal's head for the proctor's minutes.
    """

    candidate: Candidate
    attempt: str
    by: str
    head_code: str = ""
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class ReceiptShown:
    """The server holds everything. `receipt` was checked against the server's key."""

    candidate: Candidate
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Notice:
    """Writing cannot go on at this station; `retry` where trying again may help."""

    code: NoticeCode
    candidate: Candidate | None = None
    attempt: str | None = None
    retry: bool = False


Screen = (
    Starting
    | OutOfOrder
    | NoShift
    | Welcome
    | Reading
    | CardProblem
    | CardRefused
    | Consent
    | Face
    | CheckingIn
    | Referred
    | Waiting
    | Opening
    | Writing
    | ConfirmSubmit
    | Paused
    | TimeUp
    | Submitting
    | ReceiptShown
    | Notice
)


@dataclass(frozen=True, slots=True)
class Devices:
    """What the station's devices are like; the runner looks every few seconds."""

    problems: tuple[Problem, ...] = ()
    reader_ready: bool = False
    camera_ready: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What every screen may show. `now` is the server's time; `remaining` is there while writing.

    `version` is the program's, `realm` the one the station was enrolled in. `lost_since` is the
    moment (server time) the connection was lost, None while it is sound;
    `unsent` counts records that the server has not acknowledged.
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


@dataclass(frozen=True, slots=True)
class State:
    """The kiosk. `turn` numbers the steps that workers answer; a late answer has an old number.

    `elapsed` is the station's own steady clock in seconds; `beat_at` when the next heartbeat is
    due on it, or while `beating` when the last was sent; `trouble` is what the last heartbeat met;
    `agreed` the placement whose candidate agreed to the face check; `language` the station's own,
    with which every candidate begins.
    """

    screen: Screen = field(default_factory=Starting)
    status: Status = field(default_factory=Status)
    seat: SeatView | None = None
    devices: Devices | None = None
    trouble: Problem | None = None
    card_present: bool = False
    staged: frozenset[str] = frozenset()
    staging: bool = False
    turn: int = 0
    elapsed: float = 0.0
    beat_at: float = 0.0
    beating: bool = False
    ledger_at: datetime | None = None
    agreed: str | None = None
    language: Language = Language.VI
