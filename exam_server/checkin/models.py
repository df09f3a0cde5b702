"""Tables of the check-in."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field

from exam_server.contract.api import CheckInState
from exam_server.db import Base, UtcDateTime, by_value, new_id
from exam_server.shards import of_centre


class Basis(StrEnum):
    """On what a person's identity rests."""

    CHIP = "chip"
    CARD_WITHOUT_CHIP = "card_without_chip"
    PASSPORT = "passport"
    BIRTH_CERTIFICATE = "birth_certificate"
    CONFIRMATION = "confirmation"
    KNOWN_PERSONALLY = "known_personally"


class PictureKind(StrEnum):
    """What a kept picture shows."""

    CAPTURE = "capture"
    PORTRAIT = "portrait"
    PHOTOGRAPH = "photograph"


class Condition(StrEnum):
    """What the exam office has to look at before a result stands."""

    BY_TWO_OFFICERS = "by_two_officers"
    DOUBTED_LATER = "doubted_later"
    ARRIVED_LATE = "arrived_late"
    DOUBTED_OFFLINE = "doubted_offline"
    STARTED_APART = "started_apart"


class Challenge(Base, table=True):
    """Eight bytes for one chip, once, for a minute.

    `evidence_digest` is that of the evidence that spent it: the same may go on after a fault.
    """

    __tablename__ = "challenge"
    __table_args__ = (of_centre("placement_id", "placement"),)

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, default_factory=new_id)
    station_id: str = Field(foreign_key="station.id")
    placement_id: str
    value: bytes
    issued_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    evidence_digest: bytes | None = None


class ChipTerminal(Base, table=True):
    """One run of chip authentication with the server as the terminal, under one challenge.

    `id` is the run's name; `sealed` holds its state, and session keys until it was answered.
    """

    __tablename__ = "chip_terminal"
    __table_args__ = (of_centre("challenge_id", "challenge"),)

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    challenge_id: str = Field(index=True)
    sealed: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)


class CheckIn(Base, table=True):
    """A placement's check-in of that `number` (from 1); the last one counts.

    `reasons` are codes, `report` is the server's own finding.
    `chip_refused` says that the chip was found false; such a check-in can never be admitted.
    `evidence` is sealed and lacks EF.DG2: proofs outlive portraits. `evidence_digest` is the
    SHA-256 of what the station sent and signed. `condition` stands until it is cleared.
    """

    __tablename__ = "checkin"
    __deferred__ = ("evidence",)
    __table_args__ = (
        of_centre("placement_id", "placement"),
        of_centre("challenge_id", "challenge"),
        UniqueConstraint("centre_id", "placement_id", "number"),
        UniqueConstraint("centre_id", "challenge_id"),
    )

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, default_factory=new_id, index=True)
    placement_id: str
    number: int = 1
    station_id: str | None = Field(default=None, foreign_key="station.id")
    basis: Basis = Field(sa_type=by_value(Basis))
    state: CheckInState = Field(sa_type=by_value(CheckInState))
    reasons: list[str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    consent: bool
    challenge_id: str | None = None
    chip_refused: bool = False
    evidence: bytes | None = None
    evidence_digest: bytes | None = None
    evidence_signature: bytes | None = None
    report: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    face: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    decided_by: str | None = Field(default=None, foreign_key="staff.id")
    second_officer: str | None = Field(default=None, foreign_key="staff.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decision_reason: str | None = None
    condition: Condition | None = Field(default=None, sa_type=by_value(Condition))
    cleared_by: str | None = Field(default=None, foreign_key="staff.id")
    cleared_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    clearing_reason: str | None = None


class SealedPicture(Base, table=True):
    """A picture of a referred or manual case, sealed, to be deleted by its date."""

    __tablename__ = "sealed_picture"
    __deferred__ = ("sealed",)
    __table_args__ = (of_centre("checkin_id", "checkin"),)

    centre_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True, default_factory=new_id, index=True)
    checkin_id: str = Field(index=True)
    kind: PictureKind = Field(sa_type=by_value(PictureKind))
    sealed: bytes
    delete_after: date = Field(index=True)
