"""Tables of the check-in."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exam_server.contract.api import CheckInState
from exam_server.db import Base, new_id


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


class Challenge(Base):
    """Eight bytes for one chip, once, for a minute."""

    __tablename__ = "challenge"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    station_id: Mapped[str] = mapped_column(ForeignKey("station.id"))
    placement_id: Mapped[str] = mapped_column(ForeignKey("placement.id"))
    value: Mapped[bytes]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class CheckIn(Base):
    """A placement's check-in of that `number` (from 1); the last one counts.

    `reasons` are codes, `report` is the server's own finding.
    `chip_refused` says that the chip was found false; such a check-in can never be admitted.
    `evidence` is sealed and lacks EF.DG2: proofs outlive portraits. `evidence_digest` is the
    SHA-256 of what the station sent and signed.
    """

    __tablename__ = "checkin"
    __table_args__ = (UniqueConstraint("placement_id", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    placement_id: Mapped[str] = mapped_column(ForeignKey("placement.id"))
    number: Mapped[int] = mapped_column(default=1)
    station_id: Mapped[str | None] = mapped_column(ForeignKey("station.id"), default=None)
    basis: Mapped[Basis]
    state: Mapped[CheckInState]
    reasons: Mapped[list[str]]
    created_at: Mapped[datetime]
    consent: Mapped[bool]
    challenge_id: Mapped[str | None] = mapped_column(
        ForeignKey("challenge.id"), unique=True, default=None
    )
    chip_refused: Mapped[bool] = mapped_column(default=False)
    evidence: Mapped[bytes | None] = mapped_column(default=None, deferred=True)
    evidence_digest: Mapped[bytes | None] = mapped_column(default=None)
    evidence_signature: Mapped[bytes | None] = mapped_column(default=None)
    report: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    face: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("staff.id"), default=None)
    second_officer: Mapped[str | None] = mapped_column(ForeignKey("staff.id"), default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decision_reason: Mapped[str | None] = mapped_column(default=None)
    cleared_by: Mapped[str | None] = mapped_column(ForeignKey("staff.id"), default=None)
    cleared_at: Mapped[datetime | None] = mapped_column(default=None)
    clearing_reason: Mapped[str | None] = mapped_column(default=None)


class SealedPicture(Base):
    """A picture of a referred or manual case, sealed, to be deleted by its date."""

    __tablename__ = "sealed_picture"

    id: Mapped[str] = mapped_column(primary_key=True, default_factory=new_id)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    checkin_id: Mapped[str] = mapped_column(ForeignKey("checkin.id"), index=True)
    kind: Mapped[PictureKind]
    sealed: Mapped[bytes] = mapped_column(deferred=True)
    delete_after: Mapped[date] = mapped_column(index=True)
