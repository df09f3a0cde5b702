"""A kiosk that an attempt was carried to dies before the server heard of it: its disk tells."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kiosk import Desk
from moves import Issue, writing
from server_world import OFFICE, World
from test_conflicts import carry, conflict_of, everything, settle, sound, spare, token_of, two_hands
from test_late_records import Room
from test_recovery import header_of

from exam_server.attempts import journal_commands
from exam_server.attempts.fencing_models import LeaseConflict, Side
from exam_server.attempts.models import EvidenceRecord, JournalRecord, Lease
from exam_server.contract import journal_file
from exam_server.contract.attempt_folder import CLAIM, JOURNAL
from exam_server.contract.records import Record
from exam_server.stations import service as stations

pytestmark = pytest.mark.slow


@pytest.fixture
def room(world: World, issue: Issue, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setattr(journal_commands, "utc_now", world.clock)
    return Room(writing(world, issue))


def records_of(room: Room, kind: type[JournalRecord | EvidenceRecord]) -> list[Record]:
    with room.world.server.reading() as session:
        rows = session.scalars(sa.select(kind).order_by(kind.epoch, kind.sequence))
        return [Record.from_bytes(row.data) for row in rows]


def leases(room: Room) -> list[tuple[int, str]]:
    with room.world.server.reading() as session:
        return [
            (row.epoch, row.station_id)
            for row in session.scalars(sa.select(Lease).order_by(Lease.epoch))
        ]


class Dead:
    """The folder on the disk of the kiosk that the attempt was carried to."""

    def __init__(self, room: Room, path: Path, folder: Path, run: Any) -> None:
        self.room, self.path, self._folder, self._run = room, path, folder, run

    def leaves(self, desk: Desk, records: Sequence[Record], claim: bytes | None) -> None:
        self.path.mkdir(exist_ok=True)
        header = header_of(self.room.world, desk)
        (self.path / JOURNAL).write_bytes(journal_file.begin(header, records))
        if claim is not None:
            (self.path / CLAIM).write_bytes(claim)

    def brought(self, file: str = "") -> tuple[int, dict[str, Any]]:
        return self._run("journal", "import", self.path / file, "--server", self._folder)


@pytest.fixture
def dead(room: Room, tmp_path: Path, folder: Path, run) -> Dead:
    return Dead(room, tmp_path / "attempt", folder, run)


def carried(room: Room, dead: Dead) -> tuple[Desk, list[Record]]:
    """One answer that only the former kiosk wrote, two more at the one that is dead."""
    kiosk, before = spare(room), records_of(room, JournalRecord)
    unsent = room.answer(room.first, 0, 1)
    second = carry(room, room.first, kiosk)
    own = [room.answer(second, 1, 2), room.answer(second, 2, 3)]
    dead.leaves(second, [*before, unsent, *own], token_of(room.first))
    return second, [unsent, *own]


@pytest.mark.parametrize("replaced", [False, True])
def test_what_was_written_after_a_move_in_comes_home_from_the_disk(
    room: Room, dead: Dead, replaced: bool
) -> None:
    """Whether the dead machine still stands at its seat in the office's books, or was replaced."""
    second, _written = carried(room, dead)
    if replaced:
        room.world.kiosk("06", "P.102")
    code, fields = dead.brought()
    assert (code, fields["fates"]) == (
        0, {"already_held": 2, "taken": 2, "set_aside": 0, "refused": 0},
    )  # fmt: skip
    assert room.answers() == {0: 1, 1: 2, 2: 3}
    assert leases(room)[1:] == [(2, second.kiosk.station)]
    code, fields = dead.brought()
    assert (code, fields["fates"]["already_held"]) == (0, 4)
    sound(room)


def test_where_the_candidate_went_on_elsewhere_the_disk_is_the_other_side_of_a_conflict(
    room: Room, dead: Dead
) -> None:
    second, written = carried(room, dead)
    served = room.candidate.take_over(room.candidate.move("P.102", "05"))
    served.send(room.answer(served, 0, 0))
    code, fields = dead.brought()
    assert (code, fields["fates"]["set_aside"], fields["fates"]["refused"]) == (1, 3, 0)
    assert {one.head for one in written} < everything(room)
    assert room.answers() == {0: 0}
    assert conflict_of(room).claimant_id == second.kiosk.station
    settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 1, 1: 2, 2: 3}
    sound(room)
    assert dead.brought()[1]["fates"]["already_held"] == 4


def test_the_journal_without_its_token_is_refused_with_what_is_missing(
    room: Room, dead: Dead
) -> None:
    carried(room, dead)
    code, fields = dead.brought(JOURNAL)
    assert (code, fields["fates"]["taken"], fields["fates"]["refused"]) == (1, 1, 2)
    assert any("whole folder" in reason for reason in fields["reasons"])
    (dead.path / CLAIM).write_bytes(b"torn")
    code, fields = dead.brought()
    assert code == 2 and "claim is damaged" in fields["error"]


def test_where_nothing_was_written_after_the_move_nobody_claims_anything(
    room: Room, dead: Dead
) -> None:
    kiosk, before = spare(room), records_of(room, JournalRecord)
    unsent = room.answer(room.first, 0, 1)
    dead.leaves(carry(room, room.first, kiosk), [*before, unsent], token_of(room.first))
    code, fields = dead.brought()
    assert (code, fields["fates"]["taken"]) == (0, 1)
    assert [epoch for epoch, _ in leases(room)] == [1]


@pytest.mark.parametrize("revoked", [False, True])
def test_what_a_dead_claimant_had_not_sent_is_kept_aside_with_its_side(
    room: Room, dead: Dead, revoked: bool
) -> None:
    _served, claimant, _written = two_hands(room)
    chain = [*records_of(room, JournalRecord)[:2], *records_of(room, EvidenceRecord)]
    unsent = room.answer(claimant, 5, 0)
    dead.leaves(claimant, [*chain, unsent], None)
    if revoked:
        with room.world.server.transaction() as session:
            stations.revoke(
                session, claimant.kiosk.station, officer=OFFICE, reason="hỏng",
                now=room.world.clock.now,
            )  # fmt: skip
    code, fields = dead.brought()
    assert (code, fields["fates"]["set_aside"], fields["fates"]["refused"]) == (1, 4, 0)
    assert unsent.head in everything(room)
    assert (conflict_of(room).tip_sequence, conflict_of(room).tip_head) == (6, unsent.head)
    settle(room, Side.CLAIMANT)
    assert room.answers() == {0: 3, 1: 1, 2: 2, 5: 0}


def test_behind_a_gap_a_claimants_records_are_kept_until_a_whole_copy_comes(
    room: Room, dead: Dead
) -> None:
    _served, claimant, _written = two_hands(room)
    chain = [*records_of(room, JournalRecord)[:2], *records_of(room, EvidenceRecord)]
    more = [room.answer(claimant, 5, 0), room.answer(claimant, 6, 0), room.answer(claimant, 7, 0)]
    dead.leaves(claimant, [*chain, *more], None)
    whole = (dead.path / JOURNAL).read_bytes()
    spoilt = bytearray(whole)
    spoilt[whole.index(more[0].to_bytes()) + 60] ^= 1
    (dead.path / JOURNAL).write_bytes(bytes(spoilt))
    assert dead.brought()[1]["fates"]["refused"] == 0
    assert {more[1].head, more[2].head} < everything(room)
    assert conflict_of(room).tip_sequence == 5
    (dead.path / JOURNAL).write_bytes(whole)
    assert dead.brought()[1]["fates"]["refused"] == 0
    assert conflict_of(room).tip_head == more[2].head


def test_a_claim_is_nobodys_whose_key_wrote_no_record(room: Room, dead: Dead) -> None:
    kiosk, before = spare(room), records_of(room, JournalRecord)
    second = carry(room, room.first, kiosk)
    forged = room.answer(carry(room, room.first, room.first.kiosk), 1, 1)
    stranger = carry(room, room.first, kiosk)
    stranger.keys = type(second.keys)(second.keys.attempt, 2, bytes(32), second.keys.attempt_key)
    mine = room.answer(stranger, 1, 1)
    for record, refusal in ((mine, "no station"), (forged, "no other station")):
        dead.leaves(second, [*before, record], token_of(room.first))
        code, fields = dead.brought()
        assert code == 2 and refusal in fields["error"]
    with room.world.server.reading() as session:
        assert session.scalars(sa.select(LeaseConflict)).all() == []
