"""What an operator may set; kept as `settings.json` in the server's data directory."""

import json
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exam_server import durable
from exam_server.errors import InputError
from exam_server.forms.models import Realm

FILE_NAME = "settings.json"


class Settings(BaseModel):
    """Every field has a lawful default but the realm, which nobody may guess."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    realm: Realm
    hosts: list[str] = Field(default=["127.0.0.1"], min_length=1)
    port: int = Field(default=8443, ge=1, le=65535)
    database_url: str | None = None
    #: Whether centres lie on machines of their own (`docs/scaling.md`).
    distributed: bool = False
    #: Server processes; several need PostgreSQL and NATS.
    workers: int = Field(default=1, ge=1, le=64)
    #: A process of several whose event loop stands still so long is ended and replaced.
    silent_seconds: float = Field(default=30.0, ge=1.0, le=600.0)
    #: NATS servers of one cluster, parted by commas; may hold user and password.
    nats_url: str | None = None
    #: File with the certificate that signs NATS's, where the system does not know it.
    nats_authority: Path | None = None
    #: Port on the loopback address where Prometheus asks; none: nowhere.
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    #: ICAO codes of states whose citizen cards are accepted, and document codes of those cards.
    accepted_states: list[str] = Field(default=["VNM"], min_length=1)
    accepted_documents: list[str] = Field(default=["I", "ID"], min_length=1)
    #: Nobody enters later than this after the start.
    late_limit_minutes: int = Field(default=15, ge=0, le=120)
    #: Accepting distances by fusion mode; a mode that is not listed never accepts.
    face_accept: dict[str, float] = Field(
        default={"mean_of_three_four_views": 0.38, "mean_of_two_four_views": 0.376}
    )
    challenge_seconds: int = Field(default=60, ge=5, le=60)
    #: How long after the deadline records that were on their way still count.
    grace_seconds: int = Field(default=60, ge=0, le=600)
    token_hours: int = Field(default=48, ge=1, le=24 * 30)
    #: Pictures of referred and manual cases are deleted after so many days.
    retention_days: int = Field(default=30, ge=1, le=3650)

    @property
    def late_limit(self) -> timedelta:
        return timedelta(minutes=self.late_limit_minutes)

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.grace_seconds)


def load(directory: Path) -> Settings:
    """The settings of the server in `directory`; InputError where there is no sound file."""
    path = directory / FILE_NAME
    try:
        return Settings.model_validate(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise InputError(
            f"{directory} is no server directory; make one with: exam-server init {directory}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {place}: {first['msg']}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON; restore it or run init anew") from error


def save(directory: Path, settings: Settings) -> None:
    """Writes `settings` into `directory`; its owner alone reads them, for NATS's password."""
    path = directory / FILE_NAME
    durable.write_file(path, (settings.model_dump_json(indent=2) + "\n").encode())
