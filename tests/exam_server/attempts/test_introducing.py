"""A kiosk that never had a network again: its folder alone brings candidate and answers home."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from kiosk import Kiosk, accepted_face
from server_world import FIRST, OFFICE, SECOND, World

from exam_server.attempts import journal_commands, late_records
from exam_server.attempts.keys import attempt_id_of, attempt_key_of, shift_secret_of
from exam_server.attempts.late_records import Standing
from exam_server.attempts.models import Attempt, JournalRecord, Lease
from exam_server.checkin import service
from exam_server.checkin.models import Basis, CheckIn, Condition
from exam_server.contract import api, journal_file, room_kit
from exam_server.contract.attempt_folder import (
    CHECK_IN,
    CLAIM,
    JOURNAL,
    STARTED,
    seal_checkin,
)
from exam_server.contract.journal_file import Header
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.offline import checkin_digest, start_proof
from exam_server.contract.records import (
    Answered,
    Body,
    Opened,
    Record,
    Submitted,
    WritingKeys,
    genesis,
)
from exam_server.contract.wrapping import Purpose, wrap
from exam_server.errors import NotPossibleError, Objection
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Placement, Shift
from exam_server.shifts.release import ShiftRelease
from exam_server.shifts.room_code import room_code_of

BODIES: tuple[Body, ...] = (
    Opened("0101"),
    Answered("i1", {"kind": "numeric", "text": "7"}),
    Submitted("candidate"),
)


@dataclass
class Apart:
    """A kiosk whose room has no network, and the folder of its one attempt."""

    world: World
    kiosk: Kiosk
    placement: Placement
    folder: Path

    @property
    def attempt(self) -> str:
        return attempt_id_of(self.placement.id)

    @property
    def attempt_key(self) -> bytes:
        return attempt_key_of(self.world.server.keys, self.attempt)

    @property
    def secret(self) -> bytes:
        keys = self.world.server.keys
        return shift_secret_of(keys, shift=self.placement.shift_id, station=self.kiosk.station)

    def confirmed(self) -> api.OfflineCheckIn:
        """Without a chip; the proctor's word under the room's code."""
        told = api.OfflineCheckIn(
            placement=self.placement.id,
            checked_in_at=self.world.clock.now,
            consent=True,
            face=accepted_face(),
            confirmation=b"",
        )
        place = {"shift": self.placement.shift_id, "room": self.placement.room_id}
        code = room_code_of(self.world.server.keys, **place)
        word = code.confirmation(self.secret, self.placement.id, checkin_digest(told))
        return told.model_copy(update={"confirmation": word})

    def started(self) -> api.StartedByCode:
        with self.world.server.reading() as session:
            shift = session.scalars(sa.select(Shift)).one()
            release = ShiftRelease(shift, self.world.server.keys.sealing)
            secret = release.start_secret(self.placement.room_id)
        at = self.world.clock.now
        proof = start_proof(secret, attempt=self.attempt, station=self.kiosk.station, at=at)
        return api.StartedByCode(started_at=at, proof=proof)

    def records(self) -> list[Record]:
        lease_key = room_kit.lease_key(self.secret, self.attempt, 1)
        keys = WritingKeys(self.attempt, 1, lease_key, self.attempt_key)
        written: list[Record] = []
        for body in BODIES:
            record = keys.seal(
                body,
                sequence=len(written) + 1,
                previous=written[-1].head if written else genesis(self.attempt),
                acknowledged=0,
                at=round(self.world.clock.now.timestamp() * 1000) + 1,
                rng=os.urandom,
            )
            written.append(record)
        return written

    def fill(self) -> None:
        self.folder.mkdir()
        holder = self.world.server.keys.recovery.public_key()
        recovery = wrap(self.attempt_key, holder, Purpose.ATTEMPT_KEY, self.attempt)
        header = Header(self.attempt, b"for the station", recovery)
        (self.folder / JOURNAL).write_bytes(journal_file.begin(header, self.records()))
        sealed = seal_checkin(self.confirmed(), self.attempt_key, os.urandom)
        (self.folder / CHECK_IN).write_bytes(sealed)
        (self.folder / STARTED).write_text(self.started().model_dump_json())


@pytest.fixture
def apart(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apart:
    world.open_shift()
    kiosk = world.kiosk()
    seen = kiosk.heartbeat().placement
    assert seen is not None
    with world.server.reading() as session:
        placement = session.scalars(sa.select(Placement).where(Placement.id == seen.id)).one()
    monkeypatch.setattr(journal_commands, "utc_now", world.clock)
    apart = Apart(world, kiosk, placement, tmp_path / "attempt")
    apart.fill()
    world.clock.pass_by(hours=2)
    return apart


def test_the_folder_alone_brings_check_in_start_and_answers_home(
    apart: Apart, folder: Path, run
) -> None:
    code, fields = run("journal", "import", apart.folder, "--server", folder)
    assert (code, fields["fates"]["taken"], fields["server_sequence"]) == (0, 3, 3)
    with apart.world.server.reading() as session:
        attempt = session.scalars(sa.select(Attempt)).one()
        lease = session.scalars(sa.select(Lease)).one()
        checkin = session.scalars(sa.select(CheckIn)).one()
    assert (attempt.id, attempt.started_by_code) == (apart.attempt, True)
    assert (lease.epoch, lease.station_id) == (1, apart.kiosk.station)
    assert checkin.condition is Condition.DOUBTED_OFFLINE
    code, fields = run("journal", "import", apart.folder, "--server", folder)
    assert (code, fields["fates"]["already_held"]) == (0, 3)
    with apart.world.server.reading() as session:
        assert len(session.scalars(sa.select(CheckIn)).all()) == 1
        assert len(session.scalars(sa.select(JournalRecord)).all()) == 3


def test_who_was_carried_there_and_back_and_wrote_nothing_more_is_checked_in_all_the_same(
    apart: Apart, folder: Path, run
) -> None:
    other = apart.world.kiosk("02")
    journal = journal_file.read((apart.folder / JOURNAL).read_bytes())
    records = journal.records[:2]
    token = MoveToken(
        apart.attempt, other.station, 2, 2, records[-1].head, None, apart.world.clock.now
    )
    (apart.folder / CLAIM).write_bytes(SignedMoveToken.sign(token, other.signing).to_bytes())
    (apart.folder / JOURNAL).write_bytes(journal_file.begin(journal.header, records))
    code, fields = run("journal", "import", apart.folder, "--server", folder)
    assert (code, fields["fates"]["taken"], fields["server_sequence"]) == (0, 2, 2)
    with apart.world.server.reading() as session:
        checkin = session.scalars(sa.select(CheckIn)).one()
    assert checkin.condition is Condition.DOUBTED_OFFLINE


def by_hand(apart: Apart, **changes: bool) -> None:
    """Two hours after the start, when nobody may enter any more."""
    server = apart.world.server
    fields = {
        "first": FIRST, "second": SECOND, "basis": Basis.PASSPORT, "reason": "mất mạng",
        "photograph": None, "keys": server.keys, "settings": server.settings,
        "now": apart.world.clock.now, "wrote_without_network": True,
    }  # fmt: skip
    with server.transaction() as session:
        service.admit_manually(session, apart.placement.id, **{**fields, **changes})


@pytest.mark.parametrize("wrong", ["enters", "planned"])
def test_who_wrote_without_network_is_confirmed_late_and_nobody_else(
    apart: Apart, wrong: str
) -> None:
    world = apart.world
    if wrong == "planned":
        with world.server.transaction() as session:
            session.scalars(sa.select(Shift)).one().state = api.ShiftState.PLANNED
    else:
        world.clock.pass_by(hours=-2)
        world.start_shift()
        world.clock.pass_by(hours=2)
    with pytest.raises(NotPossibleError) as refusal:
        by_hand(apart, wrote_without_network=wrong == "planned")
    expected = {"enters": Objection.TOO_LATE, "planned": Objection.WRONG_STATE}
    assert refusal.value.objection is expected[wrong]


def test_a_journal_found_after_the_closing_becomes_late_answers(
    apart: Apart, folder: Path, run
) -> None:
    world = apart.world
    world.clock.pass_by(hours=-2)
    world.start_shift()
    world.clock.pass_by(hours=2)
    with world.server.transaction() as session:
        shifts.close_shift(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            grace=world.server.settings.grace, now=world.clock.now, reason="máy hỏng",
        )  # fmt: skip
    by_hand(apart)
    run("journal", "import", apart.folder / JOURNAL, "--server", folder)
    with world.server.reading() as session:
        attempt = session.scalars(sa.select(Attempt)).one()
        found = late_records.late_answers(
            session, attempt, keys=world.server.keys, now=world.clock.now
        )
    assert [(one.item, one.standing) for one in found] == [("i1", Standing.ADOPTABLE)]


def test_the_journal_alone_needs_the_candidate_checked_in_by_hand(
    apart: Apart, folder: Path, run
) -> None:
    journal = apart.folder / JOURNAL
    code, fields = run("journal", "import", journal, "--server", folder)
    assert code == 2 and "by hand" in fields["error"]
    world = apart.world
    world.clock.pass_by(hours=-2)
    world.start_shift()
    world.clock.pass_by(hours=2)
    by_hand(apart)
    code, fields = run("journal", "import", journal, "--server", folder)
    assert (code, fields["fates"]["taken"], fields["arrived_late"]) == (0, 3, True)
    with world.server.reading() as session:
        assert session.scalars(sa.select(Lease.station_id)).all() == [apart.kiosk.station]


def test_what_is_damaged_or_forged_beside_the_journal_is_named(
    apart: Apart, folder: Path, run
) -> None:
    sealed = (apart.folder / CHECK_IN).read_bytes()
    (apart.folder / CHECK_IN).write_bytes(sealed[:-1])
    code, fields = run("journal", "import", apart.folder, "--server", folder)
    assert code == 2 and "check-in on this disk is damaged" in fields["error"]
    (apart.folder / CHECK_IN).write_bytes(sealed)
    forged = apart.started().model_copy(update={"proof": bytes(32)})
    (apart.folder / STARTED).write_text(forged.model_dump_json())
    code, fields = run("journal", "import", apart.folder, "--server", folder)
    assert code == 2 and "start code was not known" in fields["error"]
    (apart.folder / STARTED).write_text("{}")
    code, fields = run("journal", "import", apart.folder, "--server", folder)
    assert code == 2 and "damaged" in fields["error"]
    with apart.world.server.reading() as session:
        assert session.scalars(sa.select(Attempt)).all() == []


def test_a_journal_that_no_station_here_wrote_names_nobody(apart: Apart, folder: Path, run) -> None:
    keys = WritingKeys(apart.attempt, 1, bytes(32), apart.attempt_key)
    record = keys.seal(
        Opened("0101"), sequence=1, previous=genesis(apart.attempt), acknowledged=0,
        at=round((apart.world.clock.now - timedelta(hours=1)).timestamp() * 1000),
        rng=os.urandom,
    )  # fmt: skip
    header = Header(apart.attempt, b"", b"")
    (apart.folder / JOURNAL).write_bytes(journal_file.begin(header, [record]))
    code, fields = run("journal", "import", apart.folder, "--server", folder)
    assert code == 2 and "no station" in fields["error"]
