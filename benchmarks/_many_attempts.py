"""Attempts by the thousand, being written: rows as admission and the start leave them."""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exam_server import db, directory, keys, loading
from exam_server.attempts.keys import attempt_id_of, attempt_key_of, lease_key_of
from exam_server.contract.records import WritingKeys, genesis
from exam_server.db import new_id
from exam_server.forms.models import Form, Realm
from exam_server.schema import METADATA
from exam_server.shifts.models import Placement, Shift

DEMO = Path(__file__).parents[1] / "fixtures/maths-exam"
#: Candidates of a room, and of a centre.
ROOM, CENTRE = 24, 432


def fill(folder: Path, passphrase: str, attempts: int) -> list[WritingKeys]:
    """Puts so many attempts, each with its station and lease, into the server in `folder`.

    They are of many centres, and come back in an order that has nothing to do with that.
    """
    now = datetime.now(UTC)
    with directory.open_server(folder) as server:
        own = keys.load(folder, passphrase)
        with db.transaction(server.engine) as session:
            loading.load_exam(session, DEMO, realm=Realm.TEST, keys=own, now=now, starts_at=now)
            shift = session.scalars(sa.select(Shift)).one()
            pattern = session.scalars(sa.select(Placement).limit(1)).one()
            form = session.scalars(sa.select(Form.id).where(Form.paper_id == pattern.paper_id))
            maker = _Maker(shift, pattern, form.first() or "", now)
            made = [maker.attempt(number) for number in range(attempts)]
            maker.insert(session.connection())
    Random(attempts).shuffle(made)
    return [
        WritingKeys(
            one.attempt,
            1,
            lease_key_of(own, shift=one.shift, station=one.station, attempt=one.attempt, epoch=1),
            attempt_key_of(own, one.attempt),
        )
        for one in made
    ]


class Made(NamedTuple):
    """Ids of one attempt."""

    attempt: str
    shift: str
    station: str


class _Maker:
    """Rows by table, in the order in which they may be inserted."""

    TABLES = (
        "centre", "shift", "room", "seat", "candidate", "registration", "placement", "station",
        "assignment", "attempt", "lease", "ledger_entry",
    )  # fmt: skip

    def __init__(self, shift: Shift, pattern: Placement, form: str, now: datetime) -> None:
        self._shift, self._pattern, self._form, self._now = shift, pattern, form, now
        self._rows: dict[str, list[dict[str, object]]] = {name: [] for name in self.TABLES}
        self._room = self._centre = self._shift_id = ""

    def attempt(self, number: int) -> Made:
        """Everything of one more attempt."""
        if number % CENTRE == 0:
            self._begin_centre(number // CENTRE)
        if number % ROOM == 0:
            self._room = self._add("room", name=f"B{number // ROOM}")
        place = {"room_id": self._room, "name": str(number), "row": number, "column": 1}
        seat = self._add("seat", **place)
        candidate = self._add(
            "candidate", name="Nguyễn Văn Thử", date_of_birth=date(2008, 1, 1),
            citizen_number=None,
        )  # fmt: skip
        registration = self._add(
            "registration", exam_id=self._shift.exam_id, candidate_id=candidate,
            registration_number=f"B{number:07d}", extra_time_percent=0,
        )  # fmt: skip
        placement = self._add(
            "placement", registration_id=registration, paper_id=self._pattern.paper_id,
            shift_id=self._shift_id, room_id=self._room, seat_id=seat, form_id=self._form,
        )  # fmt: skip
        station = self._add(
            "station", realm=Realm.TEST, name=f"máy {number}", signing_key=os.urandom(32),
            wrapping_key=os.urandom(32), enrolled_at=self._now, revoked_at=None,
        )  # fmt: skip
        self._add("assignment", station_id=station, seat_id=seat, since=self._now, until=None)
        attempt = attempt_id_of(placement)
        self._add(
            "attempt", id=attempt, shift_id=self._shift_id, placement_id=placement,
            form_id=self._form, state="writing", admitted_at=self._now,
            allowance_seconds=5400, epoch=1, sequence=0, head=genesis(attempt),
            submitted_at=None, arrived_late=False, handed_in=False, ledger_position=1,
        )  # fmt: skip
        self._add(
            "lease", attempt_id=attempt, epoch=1, station_id=station,
            granted_at=self._now,
        )  # fmt: skip
        self._add(
            "ledger_entry", attempt_id=attempt, position=1, kind="start",
            at=self._now, seconds=0, officer=None,
        )  # fmt: skip
        return Made(attempt, self._shift_id, station)

    def _begin_centre(self, number: int) -> None:
        self._centre = new_id()
        self._add("centre", id=self._centre, code=f"B{number}", name=f"Điểm thi {number}")
        self._shift_id = self._add(
            "shift", exam_id=self._shift.exam_id, name="Ca thử", starts_at=self._now,
            state="started", opened_at=self._now, started_at=self._now, closed_at=None,
            release_public=self._shift.release_public,
            release_private=self._shift.release_private,
        )  # fmt: skip

    def _add(self, table: str, **fields: object) -> str:
        own = str(fields.pop("id", "") or new_id())
        row = {**fields, "id": own, "centre_id": self._centre}
        known = METADATA.tables[table].columns.keys()
        self._rows[table].append({name: value for name, value in row.items() if name in known})
        return own

    def insert(self, connection: Connection) -> None:
        for name, rows in self._rows.items():
            connection.execute(sa.insert(METADATA.tables[name]), rows)
