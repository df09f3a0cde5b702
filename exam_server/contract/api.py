"""Shapes of the stations' HTTP interface. Bytes travel as base64; moments are UTC.

| call                                        | body            | answer        |
|---------------------------------------------|-----------------|---------------|
| POST /api/station/enrolment                 | Enrolment       | Enrolled      |
| POST /api/station/heartbeat                 | Heartbeat       | SeatView      |
| GET  /api/station/packages/{package}        |                 | sealed bytes  |
| POST /api/station/challenges                | ChallengeRequest| ChallengeView |
| POST /api/station/terminals                 | ChipTerminalRequest | ChipTerminalView |
| POST /api/station/terminals/{run}/response  | ChipResponse    | ChipSessionKeys |
| POST /api/station/checkins                  | CheckInRequest  | CheckInView   |
| GET  /api/station/checkins/{checkin}        |                 | CheckInView   |
| POST /api/station/attempts/{attempt}/lease  |                 | LeaseView     |
| POST /api/station/attempts/{attempt}/open   |                 | OpenView      |
| POST /api/station/attempts/{attempt}/records| RecordBatch     | Acknowledged  |
| POST /api/station/attempts/{attempt}/submit | Submission      | ReceiptView   |

Every call but the enrolment is signed (`contract.requests`); the enrolment is signed with the key
that it brings. A refusal is a Refusal with a 4xx or 5xx status.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from exam_server.contract.errors import ErrorCode
from exam_server.contract.ledger import Ledger, Pause

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]
Count = Annotated[int, Field(ge=0, lt=2**31)]
#: A distance between faces, and the thresholds that it is compared with.
Distance = Annotated[float, Field(ge=0, le=10)]
#: What a quality check measured.
Measure = Annotated[float, Field(ge=-1e6, le=1e6)]
ShortText = Annotated[str, StringConstraints(max_length=200)]


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


class Heartbeat(Shape):
    state: StationState
    program_version: ShortText
    reader_ready: bool
    camera_ready: bool
    staged: list[Identifier] = Field(default_factory=list, max_length=1000)
    unsent_records: Count = 0
    current_item: Count | None = None


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
    """Who is expected at this seat; just what the kiosk needs to read the card and to greet."""

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


class PackageView(Shape):
    id: Identifier
    sha256: bytes
    size: Count


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
    ledger: "LedgerView | None" = None


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


class LedgerView(Shape):
    allowance: timedelta
    started: datetime | None = None
    extensions: list[timedelta] = Field(default_factory=list)
    pauses: list[PauseView] = Field(default_factory=list)

    @classmethod
    def of(cls, ledger: Ledger) -> "LedgerView":
        pauses = [PauseView(since=pause.since, until=pause.until) for pause in ledger.pauses]
        return cls(
            allowance=ledger.allowance,
            started=ledger.started,
            extensions=list(ledger.extensions),
            pauses=pauses,
        )

    def ledger(self) -> Ledger:
        pauses = tuple(Pause(pause.since, pause.until) for pause in self.pauses)
        return Ledger(self.allowance, self.started, tuple(self.extensions), pauses)


class LeaseView(Shape):
    """The right to write. `lease_key` and `attempt_key` are wrapped for the station's X25519 key.

    Their wrapping contexts are (attempt, epoch as decimal text) and (attempt,). `recovery` is the
    attempt's key wrapped for the server's recovery key, to be kept in the journal's first bytes.
    """

    attempt: Identifier
    epoch: Count
    lease_key: bytes
    attempt_key: bytes
    recovery: bytes
    next_sequence: Count
    head: bytes
    package: Identifier
    code: str
    ledger: LedgerView
    server_time: datetime


class OpenView(Shape):
    """The content key, wrapped for the station with context (package, station)."""

    package: Identifier
    content_key: bytes
    ledger: LedgerView
    server_time: datetime


class HeadView(Shape):
    epoch: Count
    sequence: Count
    head: bytes
    signature: bytes


class RecordBatch(Shape):
    """Whole records in order, as `records.Record.to_bytes` gives them."""

    records: list[bytes] = Field(max_length=500)
    head: HeadView | None = None


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
