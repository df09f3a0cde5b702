"""Shapes of the stations' HTTP interface. Bytes travel as base64; moments are UTC.

| call                                        | body            | answer        |
|---------------------------------------------|-----------------|---------------|
| POST /api/station/enrolment                 | Enrolment       | Enrolled      |
| POST /api/station/heartbeat                 | Heartbeat       | SeatView      |
| GET  /api/station/kit                       |                 | sealed RoomKit|
| POST /api/station/events                    | pulses          | StationEvents |
| GET  /api/station/packages/{package}        |                 | sealed bytes  |
| POST /api/station/challenges                | ChallengeRequest| ChallengeView |
| POST /api/station/terminals                 | ChipTerminalRequest | ChipTerminalView |
| POST /api/station/terminals/{run}/response  | ChipResponse    | ChipSessionKeys |
| POST /api/station/checkins                  | CheckInRequest  | CheckInView   |
| GET  /api/station/checkins/{checkin}        |                 | CheckInView   |
| POST /api/station/checkins/offline          | OfflineCheckIn  | CheckInView   |
| POST /api/station/attempts/{attempt}/started| StartedByCode   | LedgerView    |
| POST /api/station/attempts/{attempt}/lease  |                 | LeaseView     |
| POST /api/station/attempts/{attempt}/open   |                 | OpenView      |
| POST /api/station/attempts/{attempt}/history| HistoryRequest  | HistoryView   |
| POST /api/station/attempts/{attempt}/claim  | Claim           | ClaimView     |
| POST /api/station/attempts/{attempt}/records| `batches.Batch` | Acknowledged  |
| POST /api/station/attempts/{attempt}/submit | Submission      | ReceiptView   |

Every call is signed (`contract.requests`), the enrolment with the key that it brings; but the
records' call proves itself by its batch's MAC (`contract.batches`). A refusal is a Refusal with a
4xx or 5xx status. The answer to `events` goes on for hours: a StationEvent on each line, and an
empty line where nothing else was to be said. So does its body, which is not signed (the signature
is over none): each piece of it is a `PULSE` and is answered with a line.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from exam_server.contract.errors import ErrorCode
from exam_server.contract.ledger import Extension, Ledger, Pause

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]
Count = Annotated[int, Field(ge=0, lt=2**31)]
#: A distance between faces, and the thresholds that it is compared with.
Distance = Annotated[float, Field(ge=0, le=10)]
#: What a quality check measured.
Measure = Annotated[float, Field(ge=-1e6, le=1e6)]
#: Without NUL, which not every database keeps in a text.
ShortText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]


class Shape(BaseModel):
    """A message of the interface: nothing beyond its fields, and no change once made."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


class Refusal(Shape):
    code: ErrorCode
    message: str
    server_time: datetime
    retry_after: float | None = None


class Enrolment(Shape):
    secret: bytes
    signing_key: bytes
    wrapping_key: bytes
    name: ShortText
    program_version: ShortText


class Enrolled(Shape):
    station: Identifier
    realm: str
    name: str
    server_key: bytes
    recovery_key: bytes
    server_time: datetime


class StationState(StrEnum):
    """What the kiosk is doing; proctors see it."""

    OUT_OF_ORDER = "out_of_order"
    IDLE = "idle"
    READING = "reading"
    IDENTIFYING = "identifying"
    REFERRED = "referred"
    WAITING = "waiting"
    WRITING = "writing"
    SUBMITTED = "submitted"


class LedgerSeen(Shape):
    """The ledger that a kiosk shows to its candidate: whose, and up to which entry."""

    attempt: Identifier
    position: Count


class RestartView(Shape):
    """The kiosk began again while a paper was open: last alive at `since`, gone for `away`.

    `estimated`: the machine itself was off; `away` is None until the server is heard again.
    """

    attempt: Identifier
    since: datetime
    estimated: bool
    away: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=366))] | None = None


#: Attempts left behind at one station that a heartbeat names; one is a rarity.
MOST_OWED = 50


class Heartbeat(Shape):
    state: StationState
    program_version: ShortText
    reader_ready: bool
    camera_ready: bool
    staged: list[Identifier] = Field(default_factory=list, max_length=1000)
    #: The version of the room kit that lies here with every package of it, whole and signed.
    kit: bytes | None = None
    unsent_records: Count = 0
    current_item: Count | None = None
    disk_low: bool = False
    #: The last sound that was to be heard at the station was not: there is no device that plays.
    sound_failed: bool = False
    ledger_seen: LedgerSeen | None = None
    restart: RestartView | None = None
    #: Attempts that were left here and of which the server may lack something.
    owed: list[Identifier] = Field(default_factory=list, max_length=MOST_OWED)


class ShiftState(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    STARTED = "started"
    CLOSED = "closed"


class ShiftView(Shape):
    id: Identifier
    exam: str
    name: str
    starts_at: datetime
    state: ShiftState


class AttemptState(StrEnum):
    ADMITTED = "admitted"
    WRITING = "writing"
    SUBMITTED = "submitted"


class PlacementView(Shape):
    """Who is expected at this seat; just what the kiosk needs to read the card and to greet.

    `tap_first`: the attempt was begun at another station, and the card is to be read here before
    this one may go on with it. `agreed`: the candidate has agreed to the face check before.
    `sequential`: the paper's sections are written one after the other.
    """

    id: Identifier
    registration_number: str
    candidate_name: str
    date_of_birth: date
    citizen_number: str | None
    paper: str
    minutes: Count
    checkin: Identifier | None = None
    attempt: Identifier | None = None
    attempt_state: AttemptState | None = None
    tap_first: bool = False
    agreed: bool = False
    sequential: bool = False


class PackageView(Shape):
    id: Identifier
    sha256: bytes
    size: Count


class FrozenView(Shape):
    """What the seat's shift may be written with: versions of the kiosk's program. The packages'
    digests are those of `SeatView.packages`."""

    programs: list[ShortText]


class SeatView(Shape):
    """Everything a station needs to know of its place; sent with every heartbeat."""

    server_time: datetime
    realm: str
    centre: str | None = None
    room: str | None = None
    seat: str | None = None
    shift: ShiftView | None = None
    placement: PlacementView | None = None
    packages: list[PackageView] = Field(default_factory=list)
    #: The version of the present room kit, where there is one.
    kit: bytes | None = None
    ledger: "LedgerView | None" = None
    frozen: FrozenView | None = None


class StationEventKind(StrEnum):
    """`changed`: something of the seat is new, a heartbeat tells what. `started`: the signal."""

    CHANGED = "changed"
    STARTED = "started"


class StationEvent(Shape):
    """A line of the stream. With `started` come shift, moment and the room's start secret."""

    kind: StationEventKind
    shift: Identifier | None = None
    started_at: datetime | None = None
    start_secret: bytes | None = Field(default=None, repr=False)


#: The station lives, and a heartbeat would tell what the last one told.
PULSE = b"\n"


class ChallengeRequest(Shape):
    placement: Identifier


class ChallengeView(Shape):
    id: Identifier
    value: bytes
    expires_at: datetime


class ChipTerminalRequest(Shape):
    """Asks the server to be the terminal of chip authentication; `security_infos` is EF.DG14."""

    challenge: Identifier
    security_infos: Annotated[bytes, Field(min_length=1, max_length=16 * 1024)]


class ChipTerminalView(Shape):
    """`probe` is a command under the new keys, to be sent to the chip as it is."""

    session: Identifier
    oid: ShortText
    key_id: int | None
    public_key: bytes
    probe: bytes


class ChipResponse(Shape):
    """The chip's raw response to the probe, status word included."""

    response: Annotated[bytes, Field(min_length=2, max_length=4096)]


class ChipSessionKeys(Shape):
    """The keys and counter of the new session; `cipher` as in "AES-128"."""

    cipher: ShortText
    ks_enc: bytes = Field(repr=False)
    ks_mac: bytes = Field(repr=False)
    ssc: bytes


class FaceVerdict(StrEnum):
    """What the station made of a face check; only the first may admit without a person."""

    ACCEPT = "accept"
    TRY_AGAIN = "try_again"
    REFER = "refer"


class Liveness(StrEnum):
    """Whether it was checked that a living face, no picture, was before the camera."""

    NOT_DONE = "not_done"


class FaceRecord(Shape):
    """What is kept of a face check: numbers and the decision, never a picture or an encoding."""

    decision: FaceVerdict
    score: Distance | None
    accept_threshold: Distance
    refer_threshold: Distance
    fusion: ShortText
    model: ShortText
    frames: Count
    attempts: Count
    quality: dict[ShortText, Measure] = Field(default_factory=dict, max_length=50)
    liveness: Liveness = Liveness.NOT_DONE


class CheckInRequest(Shape):
    """`face` is absent where the chip was refused; `captures` (JPEG) come only with a referral."""

    placement: Identifier
    challenge: Identifier
    evidence: bytes
    evidence_signature: bytes
    consent: bool
    face: FaceRecord | None = None
    captures: list[bytes] = Field(default_factory=list, max_length=3)


class OfflineCheckIn(Shape):
    """A check-in that took place without network, told once there is one again.

    `counter` goes into the chip's challenge (`contract.room_code`); it and the evidence are absent
    where no chip could be read. `confirmation` is the proctor's word, under the room code.
    """

    placement: Identifier
    checked_in_at: datetime
    counter: Count | None = None
    evidence: bytes | None = None
    evidence_signature: bytes | None = None
    consent: bool
    face: FaceRecord | None = None
    captures: list[bytes] = Field(default_factory=list, max_length=3)
    confirmation: bytes


class StartedByCode(Shape):
    """A paper was opened by the start code. `proof`: whoever made it held the start secret."""

    started_at: datetime
    proof: bytes


class CheckInState(StrEnum):
    REFERRED = "referred"
    ADMITTED = "admitted"
    CONDITIONAL = "conditional"
    REFUSED = "refused"


class CheckInView(Shape):
    """`reasons` are codes of `card_reader`'s verdict or of the check-in (docs/codes.md)."""

    id: Identifier
    placement: Identifier
    state: CheckInState
    reasons: list[str] = Field(default_factory=list)
    attempt: Identifier | None = None
    server_time: datetime


class PauseView(Shape):
    since: datetime
    until: datetime | None = None


class ExtensionView(Shape):
    at: datetime
    by: timedelta


class LedgerView(Shape):
    allowance: timedelta
    started: datetime | None = None
    extensions: list[ExtensionView] = Field(default_factory=list)
    pauses: list[PauseView] = Field(default_factory=list)
    position: Count = 0

    @classmethod
    def of(cls, ledger: Ledger) -> "LedgerView":
        pauses = [PauseView(since=pause.since, until=pause.until) for pause in ledger.pauses]
        return cls(
            allowance=ledger.allowance,
            started=ledger.started,
            extensions=[ExtensionView(at=one.at, by=one.by) for one in ledger.extensions],
            pauses=pauses,
            position=ledger.position,
        )

    def ledger(self) -> Ledger:
        pauses = tuple(Pause(pause.since, pause.until) for pause in self.pauses)
        extensions = tuple(Extension(one.at, one.by) for one in self.extensions)
        return Ledger(self.allowance, self.started, extensions, pauses, self.position)


class LeaseView(Shape):
    """The right to write. `lease_key` and `attempt_key` are wrapped for the station's X25519 key.

    Their wrapping contexts are (attempt, epoch as decimal text) and (attempt,). The station wraps
    the attempt's key for the server's recovery key itself, into the journal's first bytes.
    """

    attempt: Identifier
    epoch: Count
    lease_key: bytes
    attempt_key: bytes
    next_sequence: Count
    head: bytes
    package: Identifier
    code: str
    ledger: LedgerView
    server_time: datetime


class OpenView(Shape):
    """The start secret of the station's room, wrapped for it with context (shift, station)."""

    shift: Identifier
    start_secret: bytes
    ledger: LedgerView
    server_time: datetime


class HistoryRequest(Shape):
    """The records behind `after`, for the holder of the lease."""

    after: Count


class HistoryView(Shape):
    """Whole records in order, as they are kept; `sequence` and `head` are those of the last one
    that the server holds, which may be on a later page."""

    records: list[bytes] = Field(max_length=500)
    sequence: Count
    head: bytes
    server_time: datetime


class Claim(Shape):
    """A lease taken without network: the former station's signed token (`contract.move_token`),
    the epoch after it, and the records up to the token that the server may lack."""

    token: bytes
    epoch: Count
    records: list[bytes] = Field(default_factory=list, max_length=20_000)


class ClaimView(Shape):
    """`conflict`: the server knows of another hand in this attempt; what this station writes is
    kept apart until an officer has settled whose journal counts."""

    epoch: Count
    sequence: Count
    head: bytes
    conflict: bool
    server_time: datetime


class HeadView(Shape):
    epoch: Count
    sequence: Count
    head: bytes
    signature: bytes


class Acknowledged(Shape):
    """Everything up to `sequence` is committed at the server."""

    sequence: Count
    head: bytes
    ledger: LedgerView
    server_time: datetime


class Submission(Shape):
    head: HeadView


class ReceiptView(Shape):
    receipt: bytes
    signature: bytes
    short_code: str
    server_time: datetime


SeatView.model_rebuild()
