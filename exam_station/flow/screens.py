"""What the kiosk shows: one frozen type per screen, and the values that screens carry.

A screen carries all that its picture and its next step need, and nothing of the screen before it:
leaving a screen forgets the candidate's portrait, frames and evidence.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from exam_server.contract.api import FaceRecord
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_station.flow.codes import CardTrouble, NoticeCode, Problem
from exam_station.sitting import Sitting


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
    """Who is expected at this seat. `placement` is the server's id; `sequential`: the paper's
    sections are written one after the other."""

    placement: str
    registration_number: str
    name: str
    date_of_birth: date
    paper: str
    minutes: int
    sequential: bool = False


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
    `counter` is there where no server gave the challenge: it came from the room code.
    """

    challenge: str
    evidence: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    portrait: bytes | None = field(repr=False)
    verdict: str
    reasons: tuple[str, ...] = ()
    expires_at: datetime | None = None
    counter: int | None = None


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
    """\"Tap your card.\" `candidate` is None where the seat stays empty in this shift; `moved`
    where the candidate comes from another seat and goes on here."""

    place: Place
    shift: Shift
    candidate: Candidate | None
    moved: bool = False


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
class RoomCodeAsked:
    """There is no network: the proctor types the room code, and the check-in goes on without.

    `checking`: the code is being compared; `wrong`: the last one was not the room's.
    """

    candidate: Candidate
    checking: bool = False
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class ProctorConfirms:
    """Without network the proctor at the kiosk decides on what card and camera gave.

    `reading` is None where no chip could be read. `storing`: the decision is being written down.
    Where chip and face leave a doubt, the proctor types the room code once more to let in: nobody
    else can. `wrong`: the last one was not the room's.
    """

    candidate: Candidate
    reading: CardReading | None
    consent: bool
    face: FaceResult | None
    storing: bool = False
    wrong: bool = False


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
class StartCodeAsked:
    """There is no network: the proctor types the start code, and the paper opens without.

    `wrong` are the numbers of the groups (from 1) that are mistyped; `refused` says that the code
    is none of this room's.
    """

    waiting: Waiting
    checking: bool = False
    wrong: tuple[int, ...] = ()
    refused: bool = False


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
    """An officer stopped the time; the paper is hidden. `head_code` as in TimeUp."""

    writing: Writing
    head_code: str = ""


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
    """Writing cannot go on at this station; `retry` where trying again may help.

    `head_code` is the journal's head for the proctor's minutes; `unsent` records had not been
    acknowledged before.
    """

    code: NoticeCode
    candidate: Candidate | None = None
    attempt: str | None = None
    retry: bool = False
    head_code: str = ""
    unsent: int = 0


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
    | RoomCodeAsked
    | ProctorConfirms
    | Referred
    | Waiting
    | StartCodeAsked
    | Opening
    | Writing
    | ConfirmSubmit
    | Paused
    | TimeUp
    | Submitting
    | ReceiptShown
    | Notice
)
