"""A journal from a dead kiosk's disk: shown, brought in by the rules, however it is damaged."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from kiosk import Desk, Kiosk
from server_world import OFFICE, World

from exam_server import cli
from exam_server.attempts import journal_commands, noting
from exam_server.attempts.late_records import LateAnswer, late_answers
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    HeadSignature,
    JournalRecord,
    SetAside,
)
from exam_server.attempts.recovery import Brought, Fate, bring_in, found_in, lines
from exam_server.audit import AuditEntry
from exam_server.contract import journal_file
from exam_server.contract.journal_file import Header
from exam_server.contract.receipt import head_code
from exam_server.contract.records import Answered, Flagged, Record, SignedHead, Visited
from exam_server.contract.wrapping import Purpose, wrap
from exam_server.errors import InputError
from exam_server.keys import ServerKeys
from exam_server.results.service import with_late_records

pytestmark = pytest.mark.slow

NUMBER = {"kind": "numeric", "text": "7"}


def header_of(world: World, desk: Desk) -> Header:
    attempt = desk.view.attempt
    holder = world.server.keys.recovery.public_key()
    recovery = wrap(desk.keys.attempt_key, holder, Purpose.ATTEMPT_KEY, attempt)
    return Header(attempt, b"for the station", recovery)


def signed(desk: Desk) -> SignedHead:
    view = desk.signed_head()
    return SignedHead(desk.view.attempt, view.epoch, view.sequence, view.head, view.signature)


def six(desk: Desk) -> list[Record]:
    return [
        desk.record(Visited("i1")),
        desk.answer("i1", NUMBER),
        desk.record(Flagged("i2", True)),
        desk.answer("i2", NUMBER),
        desk.answer("i2", None),
        desk.answer("i3", NUMBER),
    ]


class Disk:
    """The journal that a kiosk left behind: six records and a signed head over them."""

    def __init__(self, world: World, desk: Desk) -> None:
        self.records = six(desk)
        self.first = journal_file.begin(header_of(world, desk))
        self.entries = [journal_file.record_entry(record) for record in self.records]
        self.entries.append(journal_file.head_entry(signed(desk)))

    @property
    def data(self) -> bytes:
        return self.first + b"".join(self.entries)

    def garbled(self, number: int) -> bytes:
        """One bit of the record's entry turned over."""
        entry = bytearray(self.entries[number - 1])
        entry[len(entry) // 2] ^= 1
        entries = [*self.entries[: number - 1], bytes(entry), *self.entries[number:]]
        return self.first + b"".join(entries)


@pytest.fixture
def disk(world: World, desk: Desk) -> Disk:
    return Disk(world, desk)


def bring(world: World, data: bytes, keys: ServerKeys | None = None) -> Brought:
    with world.server.transaction() as session:
        return bring_in(
            session,
            found_in(data),
            keys=keys or world.server.keys,
            grace=world.server.settings.grace,
            now=world.clock.now,
        )


def kept(world: World) -> list[int]:
    with world.server.reading() as session:
        query = sa.select(JournalRecord.sequence).order_by(JournalRecord.sequence)
        return list(session.scalars(query))


def evidence(world: World) -> list[tuple[int, SetAside]]:
    with world.server.reading() as session:
        query = sa.select(EvidenceRecord.sequence, EvidenceRecord.reason)
        return sorted((row.sequence, row.reason) for row in session.execute(query))


def late(world: World) -> list[LateAnswer]:
    with world.server.reading() as session:
        attempt = session.scalars(sa.select(Attempt)).one()
        return late_answers(session, attempt, keys=world.server.keys, now=world.clock.now)


def test_what_the_server_lacks_is_taken_and_once_only(world: World, desk: Desk, disk: Disk) -> None:
    desk.send(*disk.records[:2])
    brought = bring(world, disk.data)
    assert brought.fates == (Fate.ALREADY_HELD,) * 2 + (Fate.TAKEN,) * 4
    assert (brought.sequence, brought.head) == (6, disk.records[-1].head)
    assert (brought.reasons, brought.arrived_late) == ((), False)
    assert bring(world, disk.data).fates == (Fate.ALREADY_HELD,) * 6
    assert kept(world) == [1, 2, 3, 4, 5, 6] and evidence(world) == []
    with world.server.reading() as session:
        assert session.scalars(sa.select(HeadSignature.sequence)).all() == [6]
    assert desk.submit().short_code == head_code(disk.records[-1].head)


def test_cut_off_at_any_byte_the_whole_records_are_taken(world: World, disk: Disk) -> None:
    """From the shortest to the whole: each brings in what the one before lacked."""
    ends = [len(disk.first) + sum(map(len, disk.entries[:n])) for n in range(7)]
    cuts = sorted({end + step for end in ends for step in (0, 1, 20)} | {len(disk.data) - 1})
    for cut in [cut for cut in cuts if cut <= len(disk.data)]:
        brought = bring(world, disk.data[:cut])
        assert brought.sequence == sum(end <= cut for end in ends[1:])
        assert brought.count(Fate.REFUSED) == brought.count(Fate.SET_ASIDE) == 0
    assert kept(world) == [1, 2, 3, 4, 5, 6]


def test_what_is_behind_a_damaged_record_is_evidence_until_a_whole_copy_comes(
    world: World, disk: Disk
) -> None:
    brought = bring(world, disk.garbled(3))
    assert brought.fates == (Fate.TAKEN,) * 2 + (Fate.SET_ASIDE,) * 3
    assert brought.reasons == ("record 3 is missing",)
    assert kept(world) == [1, 2]
    assert evidence(world) == [(number, SetAside.UNPLACED) for number in (4, 5, 6)]
    again = bring(world, disk.garbled(3))
    assert again.fates == (Fate.ALREADY_HELD,) * 2 + (Fate.SET_ASIDE,) * 3
    assert len(evidence(world)) == 3
    assert bring(world, disk.data).count(Fate.TAKEN) == 4
    assert kept(world) == [1, 2, 3, 4, 5, 6]
    assert evidence(world) == [] and late(world) == []


def test_what_lay_behind_a_gap_and_then_comes_from_its_station_waits_for_nobody(
    world: World, desk: Desk, disk: Disk
) -> None:
    """A code from the minutes had been entered, too: nothing is left for it to prove."""
    bring(world, disk.garbled(3))
    assert {answer.sequence for answer in late(world)} == {5, 6}
    with world.server.transaction() as session:
        noting.note(
            session, session.scalars(sa.select(Attempt)).one(),
            head_code(disk.records[-1].head), epoch=1, officer=OFFICE, reason="biên bản",
            now=world.clock.now,
        )  # fmt: skip
    desk.send(*disk.records)  # by the group commit, which looks for no evidence
    assert kept(world) == [1, 2, 3, 4, 5, 6] and late(world) == []
    with world.server.reading() as session:
        assert with_late_records(session, world.centre_id, world.shift_id) == {}
    desk.submit()
    assert evidence(world) == []


def test_a_lost_header_or_head_costs_no_record(world: World, disk: Disk) -> None:
    spoiled = bytearray(disk.data)
    spoiled[30] ^= 1
    found = found_in(bytes(spoiled))
    assert found.header is None and found.damage is not None
    assert bring(world, bytes(spoiled)).fates == (Fate.TAKEN,) * 6
    with world.server.reading() as session:
        assert all(line.body for line in lines(session, found, world.server.keys))


def test_a_record_that_no_lease_wrote_is_refused_and_what_follows_is_evidence(
    world: World, desk: Desk, disk: Disk
) -> None:
    """Chained and with sound checksums, but without the lease's key."""
    forger = replace(desk.keys, lease_key=bytes(32))
    place = {"acknowledged": 0, "at": 1_000, "rng": os.urandom}
    forged = forger.seal(Answered("i9", NUMBER), sequence=3, previous=disk.records[1].head, **place)
    after = desk.keys.seal(Flagged("i9", True), sequence=4, previous=forged.head, **place)
    chain = [*disk.records[:2], forged, after]
    data = journal_file.begin(header_of(world, desk), chain)
    brought = bring(world, data)
    assert brought.fates == (Fate.TAKEN, Fate.TAKEN, Fate.REFUSED, Fate.SET_ASIDE)
    assert brought.reasons == ("the record was not written under this lease",)
    with world.server.reading() as session:
        told = list(lines(session, found_in(data), world.server.keys))
    assert [line.genuine for line in told] == [True, True, False, True]


def test_records_of_a_lease_taken_over_are_evidence(world: World, desk: Desk, disk: Disk) -> None:
    desk.send(*disk.records[:1])
    replacement = Kiosk(world.http, world.clock)
    replacement.enrol(world.token("P.101", "01"))
    replacement.heartbeat()
    second = replacement.lease(desk.view.attempt)
    second.send(second.answer("i1", None))
    brought = bring(world, disk.data)
    assert brought.fates == (Fate.ALREADY_HELD,) + (Fate.SET_ASIDE,) * 5
    assert {reason for _number, reason in evidence(world)} == {SetAside.SUPERSEDED_LEASE}
    assert kept(world) == [1, 2]


def test_a_journal_that_began_at_another_station_comes_in_under_both_leases(
    world: World, desk: Desk
) -> None:
    """As after a move: first the records that the server gave along, then this station's own."""
    first = [desk.record(Visited("i1")), desk.answer("i1", NUMBER)]
    desk.send(*first)
    replacement = Kiosk(world.http, world.clock)
    replacement.enrol(world.token("P.101", "01"))
    replacement.heartbeat()
    second = replacement.lease(desk.view.attempt)
    own = [second.answer("i2", NUMBER), second.record(Flagged("i3", True))]
    data = journal_file.begin(header_of(world, second), [*first, *own])
    data += journal_file.head_entry(signed(second))
    brought = bring(world, data)
    assert brought.fates == (Fate.ALREADY_HELD,) * 2 + (Fate.TAKEN,) * 2
    assert brought.reasons == ()
    with world.server.reading() as session:
        assert session.scalars(sa.select(HeadSignature.epoch)).all() == [2]
        told = list(lines(session, found_in(data), world.server.keys))
    assert [(line.epoch, line.genuine) for line in told] == [
        (1, True), (1, True), (2, True), (2, True),
    ]  # fmt: skip


def test_after_the_grace_they_count_conditionally_and_after_the_end_not_at_all(
    world: World, desk: Desk, disk: Disk
) -> None:
    world.clock.pass_by(hours=3)
    brought = bring(world, disk.data)
    assert brought.fates == (Fate.TAKEN,) * 6 and brought.arrived_late
    late = desk.answer("i4", NUMBER)  # sealed three hours later
    data = disk.data + journal_file.record_entry(late)
    assert bring(world, data).fates[-1] is Fate.SET_ASIDE
    world.close_shift()
    another = desk.answer("i5", NUMBER)
    data += journal_file.record_entry(another)
    assert bring(world, data).fates[-1] is Fate.SET_ASIDE
    assert evidence(world) == [(7, SetAside.AFTER_THE_END), (8, SetAside.AFTER_THE_END)]


def test_nothing_is_taken_before_the_start(world: World) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    placement = kiosk.heartbeat().placement
    assert placement is not None and placement.attempt is not None
    early = Disk(world, kiosk.lease(placement.attempt))
    with pytest.raises(InputError, match="not been started"):
        bring(world, early.data)
    assert kept(world) == []


def test_another_servers_journal_is_named(world: World, desk: Desk, disk: Disk) -> None:
    other = ServerKeys.generate()
    with world.server.reading() as session, pytest.raises(InputError, match="another server"):
        list(lines(session, found_in(disk.data), other))
    assert bring(world, disk.data, other).fates == (Fate.REFUSED,) * 6
    stranger = replace(header_of(world, desk), attempt="f" * 32)
    with pytest.raises(InputError, match="knows no attempt"):
        bring(world, journal_file.begin(stranger))
    for data in (b"", b"no journal", journal_file.MAGIC):
        with pytest.raises(InputError, match="no journal can be read"):
            found_in(data)


def test_the_commands_show_and_bring_in(
    world: World, disk: Disk, folder: Path, tmp_path: Path, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_commands, "utc_now", world.clock)
    file = tmp_path / "journal"
    file.write_bytes(disk.data + b"torn")
    code, fields = run("journal", "show", file)
    assert (code, fields["verdict"], fields["entries"]) == (0, "sound", [])
    assert (fields["records"], fields["torn_bytes"]) == (6, 4)
    assert fields["head_code"] == fields["signed_head"]["head_code"]
    assert fields["head_code"] == head_code(disk.records[-1].head)
    code, fields = run("journal", "show", file, "--server", folder)
    acts = [(line["kind"], line["item"], line["genuine"]) for line in fields["entries"]]
    assert acts[:3] == [("visited", "i1", True), ("answered", "i1", True), ("flagged", "i2", True)]
    assert acts[4] == ("cleared", "i2", True)
    assert fields["entries"][0]["at"] == world.clock.now.isoformat()
    assert "response" not in fields["entries"][1]
    code, fields = run("journal", "show", file, "--server", folder, "--answers")
    assert fields["entries"][1]["response"] == NUMBER

    code, fields = run("journal", "import", file, "--server", folder)
    assert (code, fields["server_sequence"]) == (0, 6)
    assert fields["fates"] == {"already_held": 0, "taken": 6, "set_aside": 0, "refused": 0}
    assert run("journal", "import", file, "--server", folder)[1]["fates"]["taken"] == 0
    with world.server.reading() as session:
        logged = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "journal_imported")
        ).all()
        assert session.scalars(sa.select(Attempt.sequence)).one() == 6
    assert [entry.actor for entry in logged] == ["operator", "operator"]
    assert run("audit", "verify", folder)[0] == 0

    file.write_bytes(disk.garbled(2))
    code, fields = run("journal", "show", file)
    assert (code, fields["verdict"], fields["sound"], fields["records"]) == (1, "damaged", 1, 5)
    assert run("journal", "import", file, "--server", folder)[0] == 1
    assert run("journal", "show", folder / "settings.json")[0] == 2


def test_the_text_for_people_names_the_question(
    world: World, kiosk: Kiosk, folder: Path, tmp_path: Path, capsys
) -> None:
    placement = kiosk.heartbeat().placement
    assert placement is not None and placement.attempt is not None
    desk = kiosk.lease(placement.attempt)
    item = kiosk.open_form(placement.attempt).items[4]
    chain = [desk.record(Visited(item.id)), desk.answer(item.id, NUMBER)]
    file = tmp_path / "journal"
    file.write_bytes(journal_file.begin(header_of(world, desk), chain))
    assert cli.main(["journal", "show", str(file), "--server", str(folder)]) == 0
    text = capsys.readouterr().out
    assert f"visited question {item.number}\n" in text
    assert f"answered question {item.number}\n" in text
    assert head_code(chain[-1].head) in text
    assert placement.candidate_name not in text
    assert world.clock.now.strftime("%Y-%m-%d %H:%M:%SZ") in text
