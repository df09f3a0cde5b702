"""``exam-server rehearsal``: an exam of invented candidates, for robots and trials of a site.

Made from a real paper, in a server of the realm `test` alone. The plan that comes of it holds the
one-time tokens of every seat, so only its owner may read it.
"""

import argparse
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from card_reader.simulator.issuer import Issuer
from exam_server import audit, db, keys
from exam_server.attempts import service as attempts
from exam_server.audit import Operator
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Centre, Room, Seat
from exam_server.checkin.models import Basis, CheckIn
from exam_server.console import Subparsers, Unlocked, add_command, answer, unlocked
from exam_server.context import utc_now
from exam_server.contract.api import CheckInState
from exam_server.errors import InputError
from exam_server.forms import service as forms
from exam_server.forms.models import Exam, Realm
from exam_server.loading import read_file
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Placement, Shift
from exam_server.stations import service as stations
from exam_server.trust.source import load_trust

#: The paper of the demo, beside the packages in a checkout.
PAPER = Path(__file__).parents[1] / "fixtures" / "maths" / "maths-2025.zip"
CODES = ("0101", "0102", "0103", "0104")
SEATS_A_ROOM = 24
MOST_CANDIDATES, MOST_SEATS = 50_000, 2500
TOKEN_LIFETIME = timedelta(hours=12)

FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ")
MIDDLE = {"M": ("Văn", "Đức", "Minh", "Quang"), "F": ("Thị", "Thu", "Ngọc", "Phương")}
GIVEN = ("An", "Bình", "Chi", "Dương", "Giang", "Hà", "Khánh", "Lan", "Nam", "Oanh", "Quân")


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One robot's part: where it sits, who it is, and the token its station enrols with.

    `attempt` is None where nobody was admitted beforehand. A citizen number's fourth digit tells
    the sex, as on cards.
    """

    room: str
    seat: str
    registration_number: str
    name: str
    date_of_birth: str
    citizen_number: str
    placement: str
    attempt: str | None
    token: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """How large a rehearsal is, where its stations find the server, when its shift starts.

    Of those who are admitted the last `absent` ones are not. `spare` seats have a station and
    nobody: the last ones of the last room.
    """

    candidates: int
    rooms: int
    url: str
    starts_at: datetime
    admit: bool
    start: bool
    absent: int = 0
    spare: int = 0


def register(subparsers: Subparsers) -> None:
    """Adds the command of this module."""
    text = "an exam of invented candidates, in a test"
    command = add_command(subparsers, "rehearsal", _rehearsal, text, passphrase=True)
    command.add_argument("--candidates", type=int, required=True, metavar="N")
    command.add_argument("--rooms", type=int, metavar="R", help=f"{SEATS_A_ROOM} seats each")
    command.add_argument("--spare", type=int, default=0, metavar="N", help="seats with nobody")
    command.add_argument("--paper", type=Path, default=PAPER, metavar="FILE", help="QTI 3")
    command.add_argument("--url", help="the server's address as the stations see it")
    command.add_argument("--starts-in", type=float, default=0.0, metavar="SECONDS")
    command.add_argument("--admit", action="store_true", help="everyone is checked in already")
    command.add_argument("--absent", type=int, default=0, metavar="N", help="but the last N")
    command.add_argument("--start", action="store_true", help="the shift is started at once")
    command.add_argument("--cards", type=Path, metavar="FOLDER", help="a test issuer, trusted here")
    command.add_argument("--out", type=Path, metavar="PLAN", help="DIR/rehearsal.json")


def _rehearsal(parsed: argparse.Namespace) -> int:
    rooms = parsed.rooms or math.ceil(parsed.candidates / SEATS_A_ROOM)
    _check_size(parsed.candidates, rooms, parsed.spare)
    now = utc_now()
    with unlocked(parsed) as opened:
        chosen = opened.server.settings
        if chosen.realm is not Realm.TEST:
            raise InputError("a rehearsal needs a server of the realm test; make one with init")
        url = parsed.url or f"https://{chosen.hosts[0]}:{chosen.port}"
        wanted = Wanted(
            candidates=parsed.candidates,
            rooms=rooms,
            url=url.rstrip("/"),
            starts_at=now + timedelta(seconds=parsed.starts_in),
            admit=parsed.admit,
            start=parsed.start,
            absent=parsed.absent,
            spare=parsed.spare,
        )
        source = forms.read_paper(read_file(parsed.paper), parsed.paper.name)
        with db.transaction(opened.server.engine) as session:
            if parsed.cards is not None:
                _trust_issuer(session, opened, parsed.cards)
            plan = make_rehearsal(session, opened, source, wanted, now=now)
    if parsed.cards is not None:
        plan["issuer"] = str(parsed.cards.resolve())
    path = parsed.out or parsed.directory / "rehearsal.json"
    _write_privately(path, plan)
    fields = {"plan": str(path), **{name: plan[name] for name in ("exam", "shift", "rooms")}}
    fields["candidates"] = len(plan["candidates"])
    return answer(parsed, fields, f"{fields['candidates']} candidates; their tokens are in {path}")


def _check_size(candidates: int, rooms: int, spare: int) -> None:
    if not 1 <= candidates <= MOST_CANDIDATES:
        raise InputError(f"a rehearsal has 1 to {MOST_CANDIDATES} candidates")
    if not 1 <= rooms <= candidates:
        raise InputError("there must be a candidate for each room")
    if not 0 <= spare <= candidates // rooms:
        raise InputError("there are 0 to as many spare seats as a room has candidates")
    if math.ceil(candidates / rooms) + spare > MOST_SEATS:
        raise InputError(f"a room has at most {MOST_SEATS} seats; give more --rooms")


def _trust_issuer(session: Session, opened: Unlocked, folder: Path) -> None:
    Issuer.create(folder)
    server = opened.server
    own, realm = server.public_key(), server.settings.realm
    load_trust(session, server.directory, [folder], own=own, realm=realm)


def _write_privately(path: Path, plan: dict[str, Any]) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(plan, file, ensure_ascii=False)


def make_rehearsal(
    session: Session,
    opened: Unlocked,
    source: forms.PaperSource,
    wanted: Wanted,
    *,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
) -> dict[str, Any]:
    """Exam, centre, paper, shift (opened), people, seats and tokens; the plan as JSON has it."""
    own = opened.keys
    number = (session.scalar(sa.select(sa.func.count()).select_from(Exam)) or 0) + 1
    exam = Exam(code=f"REHEARSAL-{number}", name=f"Diễn tập {number}", realm=Realm.TEST)
    centre = Centre(code=f"REHEARSAL-{number}", name=f"Điểm diễn tập {number}")
    session.add_all([exam, centre])
    session.flush()
    shift = shifts.new_shift(
        session,
        exam_id=exam.id,
        centre_id=centre.id,
        name=f"Ca diễn tập {number}",
        starts_at=wanted.starts_at.astimezone(UTC),
        sealing=own.sealing,
    )
    paper = forms.load_paper(
        session, exam, name="Toán", source=source, codes=CODES, sealing=own.sealing, now=now
    )
    forms.seal_packages(session, shift, paper, keys=own, now=now)
    every = _furnish(session, centre, number, wanted)
    seats, spare = every[: wanted.candidates], every[wanted.candidates :]
    people = _register(session, exam, len(seats))
    placements = [
        Placement(
            centre_id=centre.id,
            registration_id=registration.id,
            paper_id=paper.id,
            shift_id=shift.id,
            room_id=room.id,
            seat_id=seat.id,
        )
        for (room, seat), (_, registration) in zip(seats, people, strict=True)
    ]
    session.add_all(placements)
    session.flush()
    shifts.open_shift(session, shift.id, officer=Operator(), now=now)
    tokens = stations.create_tokens(
        session,
        [seat for _, seat in every],
        url=wanted.url,
        fingerprint=keys.fingerprint(opened.server.directory),
        officer=Operator(),
        lifetime=TOKEN_LIFETIME,
        now=now,
        rng=rng,
    )
    admitted: list[str | None] = [None] * len(placements)
    if wanted.admit:
        here = placements[: max(len(placements) - wanted.absent, 0)]
        session.add_all(_known_to_all(placement, now) for placement in here)
        admitted[: len(here)] = [attempts.admit(session, one, now=now).id for one in here]
    if wanted.start:
        why = "rehearsal"
        shifts.start_shift(session, shift.id, officer=Operator(), now=now, early_reason=why)
    _log(session, exam, shift, len(seats), now)
    return {
        "realm": Realm.TEST.value,
        "url": wanted.url,
        "exam": exam.code,
        "shift": shift.name,
        "shift_id": shift.id,
        "rooms": wanted.rooms,
        "candidates": [
            asdict(
                Rehearsed(
                    room=room.name,
                    seat=seat.name,
                    registration_number=registration.registration_number,
                    name=person.name,
                    date_of_birth=person.date_of_birth.isoformat(),
                    citizen_number=person.citizen_number or "",
                    placement=placement.id,
                    attempt=attempt,
                    token=token.to_text(),
                )
            )
            for (room, seat), (person, registration), placement, attempt, token in zip(
                seats, people, placements, admitted, tokens[: len(seats)], strict=True
            )
        ],
        "spare": [
            {"room": room.name, "seat": seat.name, "token": token.to_text()}
            for (room, seat), token in zip(spare, tokens[len(seats) :], strict=True)
        ],
    }


def _furnish(
    session: Session, centre: Centre, number: int, wanted: Wanted
) -> list[tuple[Room, Seat]]:
    """Rooms as equal as may be, each with as many seats as it has candidates; the last one has
    the spare seats, too."""
    made: list[tuple[Room, Seat]] = []
    rooms = []
    for index in range(wanted.rooms):
        room = Room(centre_id=centre.id, name=f"D{number}.{index + 1:03}")
        rooms.append(room)
        first = index * wanted.candidates // wanted.rooms
        count = (index + 1) * wanted.candidates // wanted.rooms - first
        count += wanted.spare if index + 1 == wanted.rooms else 0
        columns = math.ceil(math.sqrt(count))
        for place in range(count):
            row, column = divmod(place, columns)
            seat = Seat(
                centre_id=centre.id,
                room_id=room.id,
                name=f"{place + 1:02}",
                row=row + 1,
                column=column + 1,
            )
            made.append((room, seat))
    session.add_all(rooms)
    session.flush()
    session.add_all([seat for _, seat in made])
    session.flush()
    return made


def _register(session: Session, exam: Exam, count: int) -> list[tuple[Candidate, Registration]]:
    people = [_invented(index) for index in range(count)]
    session.add_all(people)
    session.flush()
    registrations = [
        Registration(exam_id=exam.id, candidate_id=person.id, registration_number=f"{index + 1:06}")
        for index, person in enumerate(people)
    ]
    session.add_all(registrations)
    session.flush()
    return list(zip(people, registrations, strict=True))


def _invented(index: int) -> Candidate:
    """A person whom nobody is: every name of the lists in turn, born in 2008."""
    sex = "MF"[index % 2]
    name = f"{_turn(FAMILY, index)} {_turn(MIDDLE[sex], index // 2)} {_turn(GIVEN, index // 3)}"
    born = date(2008, 1, 1) + timedelta(days=index % 366)
    citizen_number = f"001{2 if sex == 'M' else 3}08{index % 1_000_000:06}"
    return Candidate(name=name, date_of_birth=born, citizen_number=citizen_number)


def _turn(names: Sequence[str], index: int) -> str:
    return names[index % len(names)]


def _known_to_all(placement: Placement, now: datetime) -> CheckIn:
    """A check-in that nobody made: in a rehearsal everyone is who they say."""
    return CheckIn(
        centre_id=placement.centre_id,
        placement_id=placement.id,
        basis=Basis.KNOWN_PERSONALLY,
        state=CheckInState.ADMITTED,
        reasons=[],
        created_at=now,
        consent=False,
        decided_at=now,
        decision_reason="rehearsal",
    )


def _log(session: Session, exam: Exam, shift: Shift, candidates: int, now: datetime) -> None:
    audit.record(
        session,
        actor=Operator().actor,
        action="rehearsal_made",
        subject=f"exam:{exam.id}",
        details={"code": exam.code, "shift": shift.id, "candidates": candidates},
        now=now,
    )
