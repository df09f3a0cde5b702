"""What the kiosk wants done. The runner does it and answers with events."""

from dataclasses import dataclass, field
from datetime import datetime

from exam_server.contract.api import Heartbeat, PackageView, PlacementView
from exam_server.contract.records import Body
from exam_server.contract.room_code import RoomCode
from exam_station.flow.screens import CardReading, FaceResult


@dataclass(frozen=True, slots=True)
class Beat:
    """Answered by BeatAnswered or BeatFailed."""

    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class Pulse:
    """Tell over the stream that there is nothing to tell; where that fails the stream is lost."""


@dataclass(frozen=True, slots=True)
class FetchKit:
    """Have the room kit of this version here; answered by KitKept, with another one if need be."""

    version: bytes


@dataclass(frozen=True, slots=True)
class StagePackages:
    """Fetch what is missing; answered by PackagesStaged. `here` are those known to be here."""

    packages: tuple[PackageView, ...]
    here: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReadCard:
    """Ask the server for a challenge and read the chip with it; answered by CardRead/CardFailed.

    With `room_code` the challenge comes from it: there is no network.
    """

    turn: int
    placement: PlacementView
    room_code: RoomCode | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StartCamera:
    """Compare the face with `portrait`; answered by FrameSeen and one FaceDecided."""

    turn: int
    portrait: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StopCamera:
    pass


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Answered by CheckInAnswered or CheckInFailed."""

    turn: int
    placement: str
    reading: CardReading
    consent: bool
    face: FaceResult | None


@dataclass(frozen=True, slots=True)
class AskCheckIn:
    """How a referred or manual check-in stands; answered as CheckIn is."""

    turn: int
    checkin: str


@dataclass(frozen=True, slots=True)
class JudgeRoomCode:
    """Compare what was typed with the kit's; answered by RoomCodeJudged."""

    turn: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AdmitOffline:
    """Keep the check-in for the server and take the lease by the kit; answered by AdmittedOffline,
    or by CheckInFailed where it could not be written down. `reading` is None without a chip."""

    turn: int
    placement: str
    reading: CardReading | None
    consent: bool
    face: FaceResult | None
    room_code: RoomCode = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenByCode:
    """Open the paper by the start code that was typed; answered as OpenForm, or by
    StartCodeRefused."""

    attempt: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FetchLease:
    """Take the right to write; answered by LeaseTaken, LeaseFailed or AttemptStopped.

    `lost`: the server has been of no use for a while, and what is kept here may do.
    """

    attempt: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Fetch the key, open package and journal; answered by FormOpened, AttemptFailed, -Stopped.

    `lost` as in FetchLease.
    """

    attempt: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """On disk before the next picture. Only a failure is answered: AttemptStopped.

    It tells the moment at which it is written, but none after `latest` (server time).
    """

    attempt: str
    body: Body
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class FixHead:
    """Sign the head of what is written so far, at a pause or the end; answered by HeadFixed."""

    attempt: str


@dataclass(frozen=True, slots=True)
class TellHead:
    """The head of what is written so far, for people to note; answered by HeadFixed, at once."""

    attempt: str


@dataclass(frozen=True, slots=True)
class Flush:
    """Send the rest and ask whether the attempt is still this station's; answered as OpenForm,
    by UploadProgressed where it is."""

    attempt: str


@dataclass(frozen=True, slots=True)
class Submit:
    """Send the rest and hand in; answered by HeadFixed and ReceiptArrived, or as OpenForm."""

    attempt: str


@dataclass(frozen=True, slots=True)
class CloseAttempt:
    """Close journal and uploader and forget the keys; nothing is deleted."""


@dataclass(frozen=True, slots=True)
class Log:
    """One line for the station's log; never personal data."""

    line: str


Effect = (
    Beat
    | Pulse
    | FetchKit
    | StagePackages
    | ReadCard
    | StartCamera
    | StopCamera
    | CheckIn
    | AskCheckIn
    | JudgeRoomCode
    | AdmitOffline
    | OpenByCode
    | FetchLease
    | OpenForm
    | WriteRecord
    | FixHead
    | TellHead
    | Flush
    | Submit
    | CloseAttempt
    | Log
)
