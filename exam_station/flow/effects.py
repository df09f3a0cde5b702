"""What the kiosk wants done. The runner does it and answers with events."""

from dataclasses import dataclass, field
from datetime import datetime

from exam_server.contract.api import Heartbeat, PackageView, PlacementView
from exam_server.contract.records import Body
from exam_station.flow.states import CardReading, FaceResult


@dataclass(frozen=True, slots=True)
class Beat:
    """Answered by BeatAnswered or BeatFailed."""

    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class StagePackages:
    """Fetch what is missing; answered by PackagesStaged. `here` are those known to be here."""

    packages: tuple[PackageView, ...]
    here: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReadCard:
    """Ask the server for a challenge and read the chip with it; answered by CardRead/CardFailed."""

    turn: int
    placement: PlacementView


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
class FetchLease:
    """Take the right to write; answered by LeaseTaken, LeaseFailed or AttemptStopped."""

    attempt: str


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Fetch the key, open package and journal; answered by FormOpened, AttemptFailed, -Stopped."""

    attempt: str


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
    | StagePackages
    | ReadCard
    | StartCamera
    | StopCamera
    | CheckIn
    | AskCheckIn
    | FetchLease
    | OpenForm
    | WriteRecord
    | FixHead
    | Flush
    | Submit
    | CloseAttempt
    | Log
)
