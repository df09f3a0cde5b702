"""The plan of a rehearsal, as ``exam-server rehearsal`` writes it: who sits where, with tokens."""

import ipaddress
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exam_server.contract.enrolment import EnrolmentToken
from exam_server.contract.errors import ContractError


class PlanError(Exception):
    """The plan cannot be played; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Invented:
    """Somebody whom a rehearsal made up."""

    name: str
    date_of_birth: date
    citizen_number: str


@dataclass(frozen=True, slots=True)
class Part:
    """One robot's part. `number` counts from 0 through the whole plan, or through its spare seats,
    at which there is nobody."""

    number: int
    room: str
    seat: str
    token: EnrolmentToken
    person: Invented | None

    @property
    def folder(self) -> str:
        """Where its station is kept."""
        return f"{self.number:05}" if self.person is not None else f"spare-{self.number:05}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`spare` are kiosks at seats with nobody; `issuer` is the folder of a test issuer whose cards
    the server believes, None without."""

    parts: tuple[Part, ...]
    spare: tuple[Part, ...]
    issuer: Path | None


@dataclass(frozen=True, slots=True, repr=False)
class Codes:
    """What a room's proctor types where there is no network."""

    room: str
    start: str


def load_codes(path: Path) -> Codes:
    """From a JSON object of `room` and `start`; PlanError where it is none."""
    try:
        told = json.loads(path.read_text("utf-8"))
        return Codes(str(told["room"]), str(told["start"]))
    except OSError as error:
        raise PlanError(f"{path} cannot be read ({error.strerror}); see --codes") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PlanError(f'{path} has no codes; write {{"room": …, "start": …}}') from error


def load_plan(path: Path, *, first: int, count: int, first_spare: int = 0, spare: int = 0) -> Plan:
    """`count` parts from number `first` on, and so many spare seats; PlanError unless it is a test
    on this machine."""
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["realm"] != "test":
            raise PlanError("robots take part in the realm test only; make a rehearsal there")
        parts = _parts(document["candidates"], first, count)
        empty = _parts(document.get("spare", []), first_spare, spare)
        issuer = document.get("issuer")
    except OSError as error:
        raise PlanError(f"{path} cannot be read ({error.strerror}); see --plan") from error
    except (ValueError, KeyError, TypeError, ContractError) as error:
        raise PlanError(
            f"{path} is no plan; make one with: exam-server rehearsal DIR --out PLAN"
        ) from error
    if len(parts) < count:
        raise PlanError(f"the plan has no {count} candidates from number {first} on")
    if len(empty) < spare:
        raise PlanError(f"the plan has no {spare} spare seats from number {first_spare} on")
    for part in (*parts, *empty):
        require_loopback(part.token.url)
    return Plan(parts, empty, Path(issuer) if issuer else None)


def _parts(told: list[dict[str, Any]], first: int, count: int) -> tuple[Part, ...]:
    chosen = told[first : first + count]
    return tuple(_part(first + place, one) for place, one in enumerate(chosen))


def _part(number: int, fields: dict[str, Any]) -> Part:
    return Part(
        number=number,
        room=str(fields["room"]),
        seat=str(fields["seat"]),
        token=EnrolmentToken.from_text(fields["token"]),
        person=_invented(fields) if "name" in fields else None,
    )


def _invented(fields: dict[str, Any]) -> Invented:
    return Invented(
        name=str(fields["name"]),
        date_of_birth=date.fromisoformat(fields["date_of_birth"]),
        citizen_number=str(fields["citizen_number"]),
    )


def require_loopback(url: str) -> None:
    """PlanError unless `url` is of this machine: robots are no weapon."""
    host = urlsplit(url).hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise PlanError(f"robots speak to a server on this machine only, not to {host or url}")
