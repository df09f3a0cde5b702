"""The kit of one station for one shift of its room: from the database to `contract.room_kit`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlmodel import Session, col, select

from exam_server.attempts.keys import attempt_id_of, attempt_key_of, shift_secret_of
from exam_server.attempts.service import with_extra_time
from exam_server.candidates.models import Candidate, Registration
from exam_server.centres.models import Centre, Room, Seat
from exam_server.contract.api import ShiftState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.room_kit import KitPackage, Place, RoomKit, RoomStation
from exam_server.errors import RefusedError
from exam_server.forms.models import Exam, Form, Package, Paper
from exam_server.keys import ServerKeys
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.shifts.room_code import code_digest, room_code_of
from exam_server.stations.models import Assignment, Station

#: From the opening on every placement has its form.
_READY = (ShiftState.OPEN, ShiftState.STARTED)


def outline(
    session: Session,
    station: Station,
    seat: Seat,
    shift: Shift,
    packages: Sequence[Package],
    *,
    late_limit: timedelta,
) -> RoomKit | None:
    """The kit without its secrets, which is all that its version needs; None before the opening."""
    if shift.state not in _READY:
        return None
    return RoomKit(
        realm=station.realm.value,
        shift=shift.id,
        room=seat.room_id,
        station=station.id,
        exam=session.get_one(Exam, shift.exam_id).name,
        shift_name=shift.name,
        centre=session.get_one(Centre, seat.centre_id).name,
        room_name=session.get_one(Room, seat.room_id).name,
        seat=seat.name,
        starts_at=shift.starts_at,
        late_limit=late_limit,
        programs=tuple(shift.frozen_programs or ()),
        shift_secret=b"",
        room_code_digest=b"",
        places=_places(session, shift, seat.room_id),
        packages=tuple(KitPackage(one.id, one.sha256, one.size, b"") for one in packages),
        stations=_stations(session, station, shift, seat.room_id),
    )


def packages_of_room(session: Session, shift: Shift, room: str) -> Sequence[Package]:
    """Every form of the room's papers: a candidate may be moved to any of its stations."""
    return session.exec(_PACKAGES, params=_named(shift, room)).all()


#: Written once, as in `stations.view`: asked at every heartbeat.
_PACKAGES = (
    select(Package)
    .join(Form, col(Form.id) == Package.form_id)
    .where(
        col(Package.centre_id) == sa.bindparam("centre"),
        col(Package.shift_id) == sa.bindparam("shift"),
        col(Form.paper_id).in_(
            select(Placement.paper_id).where(
                col(Placement.centre_id) == sa.bindparam("centre"),
                col(Placement.shift_id) == sa.bindparam("shift"),
                col(Placement.room_id) == sa.bindparam("room"),
            )
        ),
    )
    .order_by(col(Package.id))
)


def _named(shift: Shift, room: str) -> dict[str, str]:
    return {"centre": shift.centre_id, "shift": shift.id, "room": room}


_STATIONS = (
    sa.select(col(Station.id), col(Station.signing_key))
    .where(
        col(Station.id).in_(
            sa.select(col(Assignment.station_id)).where(
                col(Assignment.centre_id) == sa.bindparam("centre"),
                # Seat by seat: a room has few, its centre may have thousands.
                col(Assignment.seat_id).in_(
                    sa.select(col(Seat.id)).where(col(Seat.room_id) == sa.bindparam("room"))
                ),
                col(Assignment.until).is_(None)
                | (col(Assignment.until) >= sa.bindparam("opened_at")),
            )
        ),
        col(Station.realm) == sa.bindparam("realm"),
        col(Station.revoked_at).is_(None),
    )
    .order_by(col(Station.id))
)


def _stations(
    session: Session, station: Station, shift: Shift, room: str
) -> tuple[RoomStation, ...]:
    """Who may have written an attempt of the room: whose seat is there, or was in this shift."""
    named = {
        "centre": shift.centre_id,
        "room": room,
        "opened_at": shift.opened_at,
        "realm": station.realm,
    }
    return tuple(RoomStation(name, key) for name, key in session.execute(_STATIONS, named))


_COLUMNS: tuple[Any, ...] = (
    *(Seat.name, Placement.id, Registration.registration_number),
    *(Candidate.name, Candidate.date_of_birth, Candidate.citizen_number),
    *(Paper.name, Paper.minutes, Registration.extra_time_percent),
    *(Form.code, Package.id, col(Form.sections).is_not(None)),
)


_PLACES = (
    sa.select(*_COLUMNS)
    .join(Placement, col(Placement.seat_id) == Seat.id)
    .join(Registration, col(Registration.id) == Placement.registration_id)
    .join(Candidate, col(Candidate.id) == Registration.candidate_id)
    .join(Paper, col(Paper.id) == Placement.paper_id)
    .join(Form, col(Form.id) == Placement.form_id)
    .join(Package, col(Package.form_id) == Form.id)
    .where(
        col(Placement.centre_id) == sa.bindparam("centre"),
        col(Placement.shift_id) == sa.bindparam("shift"),
        col(Placement.room_id) == sa.bindparam("room"),
        col(Package.centre_id) == sa.bindparam("centre"),
        col(Package.shift_id) == sa.bindparam("shift"),
    )
    .order_by(col(Seat.name), col(Placement.id))
)


def _places(session: Session, shift: Shift, room: str) -> tuple[Place, ...]:
    rows = session.execute(_PLACES, _named(shift, room))
    return tuple(
        Place(
            seat=seat,
            placement=placement,
            registration_number=number,
            candidate_name=name,
            date_of_birth=born,
            citizen_number=citizen,
            paper=paper,
            allowance=timedelta(seconds=with_extra_time(minutes, percent)),
            attempt=attempt_id_of(placement),
            code=code,
            package=package,
            sequential=sequential,
            attempt_key=b"",
        )
        for seat, placement, number, name, born, citizen, paper, minutes, percent,
            code, package, sequential in rows
    )  # fmt: skip


def version_of(
    session: Session,
    station: Station,
    seat: Seat,
    shift: Shift,
    packages: Sequence[Package],
    *,
    late_limit: timedelta,
) -> bytes | None:
    """The version of the kit that the station should have, with `packages_of_room`; None where
    there is none yet."""
    plain = outline(session, station, seat, shift, packages, late_limit=late_limit)
    return None if plain is None else plain.version


def sealed_kit(
    session: Session,
    station: Station,
    seat: Seat,
    shift: Shift,
    *,
    keys: ServerKeys,
    late_limit: timedelta,
) -> bytes:
    """The kit with its secrets, signed, and sealed for the station."""
    packages = packages_of_room(session, shift, seat.room_id)
    plain = outline(session, station, seat, shift, packages, late_limit=late_limit)
    if plain is None:
        raise RefusedError(ErrorCode.NOT_FOUND, "there is no kit before the shift is opened")
    release = ShiftRelease(shift, keys.sealing)
    code = room_code_of(keys, shift=shift.id, room=seat.room_id)
    kit = replace(
        plain,
        shift_secret=shift_secret_of(keys, shift=shift.id, station=station.id),
        room_code_digest=code_digest(code, shift.id, seat.room_id),
        places=tuple(
            replace(place, attempt_key=attempt_key_of(keys, place.attempt))
            for place in plain.places
        ),
        packages=tuple(
            replace(one, locked_key=_locked(session, one, release, seat)) for one in plain.packages
        ),
    )
    holder = X25519PublicKey.from_public_bytes(station.wrapping_key)
    return kit.seal(holder, keys.signing)


def _locked(session: Session, kept: KitPackage, release: ShiftRelease, seat: Seat) -> bytes:
    return release.locked_content_key(
        session.get_one(Package, (seat.centre_id, kept.id)), seat.room_id
    )
