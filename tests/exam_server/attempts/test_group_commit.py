"""Group commit: what is plainly next is kept together, and only that; exactly one winner."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from kiosk import Desk
from server_world import FIRST, World
from sqlalchemy import event

from exam_server.attempts import service
from exam_server.attempts.group import GroupCommit
from exam_server.attempts.leases import LeaseName, read_leases
from exam_server.attempts.models import (
    Attempt,
    EvidenceRecord,
    HeadSignature,
    JournalRecord,
    Lease,
)
from exam_server.attempts.preparing import Prepared, prepare
from exam_server.contract.api import Acknowledged, AttemptState
from exam_server.contract.batches import Batch
from exam_server.contract.records import Record, SignedHead, Submitted, Visited
from exam_server.db import new_id
from exam_server.proctoring.announcing import announce_commits
from exam_server.proctoring.events import LiveEvents
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement
from exam_server.stations import service as stations


@pytest.fixture
def desks(world: World) -> list[Desk]:
    """Three candidates who write, each at a station."""
    world.open_shift()
    seats = [world.kiosk(seat=seat) for seat in ("01", "02", "03")]
    for kiosk in seats:
        world.admit_by_hand(kiosk)
    world.start_shift()
    opened = []
    for kiosk in seats:
        attempt = kiosk.heartbeat().placement.attempt
        opened.append(kiosk.lease(attempt))
        kiosk.open_form(attempt)
    return opened


def batch(
    world: World, desk: Desk, *records: Record | bytes, head: SignedHead | None = None
) -> Prepared:
    """A batch of `desk`, as the answer path prepares it."""
    raw = tuple(one if isinstance(one, bytes) else one.to_bytes() for one in records)
    name = LeaseName(desk.view.attempt, desk.view.epoch)
    with world.server.reading() as session:
        lease = read_leases(session, [name], world.server.keys)[name]
    return prepare(Batch(name.attempt, name.epoch, raw, head), lease)


def keep(world: World, *group: Prepared) -> list[Acknowledged | None]:
    groups = GroupCommit(world.server.engine, world.server.settings.grace)
    return groups.keep(group, world.clock.now)


def sequences(answers: Sequence[Acknowledged | None]) -> list[int | None]:
    return [None if answer is None else answer.sequence for answer in answers]


def kept(world: World, desk: Desk) -> list[int]:
    query = sa.select(JournalRecord.sequence).order_by(JournalRecord.sequence)
    with world.server.reading() as session:
        return list(session.scalars(query.where(JournalRecord.attempt_id == desk.view.attempt)))


def row(world: World, desk: Desk) -> Attempt:
    with world.server.reading() as session:
        found = anywhere(session, Attempt, desk.view.attempt)
    assert found is not None
    return found


def test_many_stations_batches_are_one_transaction(world: World, desks: list[Desk]) -> None:
    group = [
        batch(world, desk, *[desk.record(Visited(f"i{n}")) for n in range(3)]) for desk in desks
    ]
    commits: list[object] = []
    event.listen(world.server.engine, "commit", commits.append)
    answers = keep(world, *group)
    assert sequences(answers) == [3, 3, 3]
    assert len(commits) == 1
    for desk, answer in zip(desks, answers, strict=True):
        assert kept(world, desk) == [1, 2, 3]
        assert (row(world, desk).sequence, row(world, desk).head) == (3, desk.head)
        assert answer is not None and answer.head == desk.head
        # The very same answer as the rules give.
        assert desk.send().ledger == answer.ledger


def test_centres_on_machines_of_their_own_share_no_transaction(
    world: World, desks: list[Desk]
) -> None:
    group = [batch(world, desk, desk.record(Visited("i1"))) for desk in desks]
    groups = GroupCommit(world.server.engine, world.server.settings.grace, distributed=True)
    commits: list[object] = []
    event.listen(world.server.engine, "commit", commits.append)
    stranger = _of_another_centre(group[1])
    assert sequences(groups.keep([group[0], stranger, group[2]], world.clock.now)) == [1, None, 1]
    assert len(commits) == 2


def test_groups_of_many_centres_go_on_as_one_transaction_each(
    world: World, desks: list[Desk]
) -> None:
    """Often enough that PostgreSQL's plans are those that it keeps."""
    groups = GroupCommit(world.server.engine, world.server.settings.grace)
    for number in range(1, 13):
        group = [batch(world, desk, desk.record(Visited("i1"))) for desk in (desks[0], desks[2])]
        elsewhere = replace(group[0].lease, attempt=new_id(), centre=new_id())
        both = [group[0], Prepared(group[0].batch, elsewhere, group[0].run), group[1]]
        assert sequences(groups.keep(both, world.clock.now)) == [number, None, number]
    assert kept(world, desks[0]) == kept(world, desks[2]) == list(range(1, 13))
    if world.server.engine.dialect.name == "postgresql":
        with world.server.reading() as session:
            # What the groups' plans need is not left behind for whoever has the connection next.
            assert session.scalars(sa.text("SHOW enable_seqscan")).one() == "on"
            assert session.scalars(sa.text("SHOW plan_cache_mode")).one() == "auto"


def _of_another_centre(one: Prepared) -> Prepared:
    changed = replace(one.lease, centre=new_id())
    return Prepared(one.batch, changed, one.run)


def test_two_batches_of_one_attempt_in_a_group_are_kept_in_their_order(
    world: World, desks: list[Desk]
) -> None:
    first = batch(world, desks[0], desks[0].record(Visited("i1")))
    second = batch(world, desks[0], desks[0].record(Visited("i2")))
    assert sequences(keep(world, first, second)) == [1, 2]
    assert row(world, desks[0]).head == desks[0].head


def test_two_batches_in_the_wrong_order_lose_nothing(world: World, desks: list[Desk]) -> None:
    """The later one is left to the rules, which name the gap; sent again it is kept."""
    first = batch(world, desks[0], desks[0].record(Visited("i1")))
    second = batch(world, desks[0], desks[0].record(Visited("i2")))
    assert sequences(keep(world, second, first)) == [None, 1]
    assert sequences(keep(world, second)) == [2]


def test_the_same_batch_twice_in_a_group_is_kept_once(world: World, desks: list[Desk]) -> None:
    records = [desks[0].record(Visited(f"i{n}")) for n in range(2)]
    doubled = batch(world, desks[0], *records)
    assert sequences(keep(world, doubled, doubled)) == [2, None]
    assert kept(world, desks[0]) == [1, 2]
    assert desks[0].send(*records).sequence == 2


def test_a_fork_in_a_group_has_one_winner(world: World, desks: list[Desk]) -> None:
    fork = batch(world, desks[0], desks[0].record(Visited("fork"), sequence=1))
    winner = batch(world, desks[0], desks[0].record(Visited("i1")))
    assert sequences(keep(world, winner, fork)) == [1, None]
    assert row(world, desks[0]).head == desks[0].head


def forged_record(desk: Desk) -> bytes:
    data = desk.record(Visited("x"), sequence=1).to_bytes()
    return data[:-1] + bytes([data[-1] ^ 1])


def response_of_no_kind(desk: Desk) -> Record:
    return desk.answer("i1", {"kind": "unheard of"})


def from_the_future(desk: Desk) -> Record:
    ahead = round(desk.kiosk.clock.now.timestamp() * 1000) + 6000
    return desk.record(Visited("x"), at=ahead)


def with_a_gap(desk: Desk) -> Record:
    return desk.record(Visited("x"), sequence=2)


def behind_another(desk: Desk) -> Record:
    return desk.record(Visited("x"), previous=bytes(32))


def acknowledging_what_is_not(desk: Desk) -> Record:
    return desk.record(Visited("x"), acknowledged=1)


@pytest.mark.parametrize(
    "spoiled",
    [
        forged_record,
        response_of_no_kind,
        from_the_future,
        with_a_gap,
        behind_another,
        acknowledging_what_is_not,
    ],
)
def test_a_bad_batch_amid_good_ones_alone_is_left_out(
    world: World, desks: list[Desk], spoiled: Callable[[Desk], Record | bytes]
) -> None:
    good = [batch(world, desk, desk.record(Visited("i1"))) for desk in (desks[0], desks[2])]
    bad = batch(world, desks[1], spoiled(desks[1]))
    assert sequences(keep(world, good[0], bad, good[1])) == [1, None, 1]
    assert [kept(world, desk) for desk in desks] == [[1], [], [1]]


def test_nothing_follows_the_hand_in_within_a_group(world: World, desks: list[Desk]) -> None:
    last = batch(world, desks[0], desks[0].record(Submitted("candidate")))
    after = batch(world, desks[0], desks[0].record(Visited("i1")))
    assert sequences(keep(world, last, after)) == [1, None]
    assert row(world, desks[0]).handed_in
    assert sequences(keep(world, after)) == [None]


def test_nothing_follows_the_hand_in_within_a_batch(world: World, desks: list[Desk]) -> None:
    records = [desks[0].record(Submitted("candidate")), desks[0].record(Visited("i1"))]
    assert batch(world, desks[0], *records).run is None


def test_a_batch_for_a_closed_attempt_is_left_out(world: World, desks: list[Desk]) -> None:
    desks[0].send(desks[0].record(Visited("i1")))
    desks[0].submit()
    late = batch(world, desks[0], desks[0].record(Visited("i1")))
    assert sequences(keep(world, late)) == [None]


def test_a_batch_of_a_lease_taken_over_is_left_out(world: World, desks: list[Desk]) -> None:
    stale = batch(world, desks[0], desks[0].record(Visited("i1")))
    with world.server.transaction() as session:
        session.execute(
            sa.update(Attempt).where(Attempt.id == desks[0].view.attempt).values(epoch=2)
        )
    assert sequences(keep(world, stale)) == [None]
    assert kept(world, desks[0]) == []


def test_an_epoch_that_came_to_be_anothers_is_no_right_to_write(
    world: World, desks: list[Desk]
) -> None:
    """As where an officer settled a conflict for the other station, after this one was known."""
    one = batch(world, desks[0], desks[0].record(Visited("i1")))
    with world.server.transaction() as session:
        session.execute(
            sa.update(Lease)
            .where(Lease.attempt_id == desks[0].view.attempt)
            .values(station_id=desks[1].kiosk.station)
        )
    assert sequences(keep(world, one, batch(world, desks[2]))) == [None, 0]


def test_a_batch_of_a_revoked_station_is_left_out(world: World, desks: list[Desk]) -> None:
    group = [batch(world, desk, desk.record(Visited("i1"))) for desk in desks]
    with world.server.transaction() as session:
        stations.revoke(
            session, desks[1].kiosk.station, officer=FIRST, reason="mất máy", now=world.clock.now
        )
    assert sequences(keep(world, *group)) == [1, None, 1]


def test_a_batch_in_a_closed_shift_is_left_out(world: World, desks: list[Desk]) -> None:
    one = batch(world, desks[0], desks[0].record(Visited("i1")))
    with world.server.transaction() as session:
        session.execute(sa.text("UPDATE shift SET state = 'closed'"))
    assert sequences(keep(world, one)) == [None]


def test_the_deadline_is_that_of_the_ledger_as_it_is_now(world: World, desks: list[Desk]) -> None:
    """A ledger that is kept in memory is read again once an entry was added."""
    groups = GroupCommit(world.server.engine, world.server.settings.grace)

    def answers() -> list[int | None]:
        one = batch(world, desks[0], desks[0].answer("i1", None))
        return sequences(groups.keep([one], world.clock.now))

    assert answers() == [1]
    world.clock.pass_by(minutes=90, seconds=1)
    late = batch(world, desks[0], desks[0].answer("i2", None))
    assert sequences(groups.keep([late], world.clock.now)) == [None]
    with world.server.transaction() as session:
        service.extend(
            session, desks[0].view.attempt, officer=FIRST, by=timedelta(minutes=5),
            reason="mất điện", now=world.clock.now,
        )  # fmt: skip
    assert sequences(groups.keep([late], world.clock.now)) == [2]


def test_what_arrives_after_the_grace_is_left_to_the_rules(world: World, desks: list[Desk]) -> None:
    one = batch(world, desks[0], desks[0].answer("i1", None))
    world.clock.pass_by(minutes=92)
    assert sequences(keep(world, one)) == [None]


def test_signed_heads_are_kept_with_their_records_and_once(world: World, desks: list[Desk]) -> None:
    desk = desks[0]
    records = [desk.record(Visited("i1"))]
    assert sequences(keep(world, batch(world, desk, *records, head=desk.signed_head()))) == [1]
    again = batch(world, desk, head=desk.signed_head())
    assert sequences(keep(world, again, again)) == [1, 1]
    stranger = batch(world, desk, head=desk.signed_head(desks[1].kiosk.signing))
    assert stranger.run is None
    with world.server.reading() as session:
        assert session.scalars(sa.select(HeadSignature.sequence)).all() == [1]


def test_the_first_record_opens_the_attempt_and_tells_the_room(
    world: World, desks: list[Desk]
) -> None:
    assert row(world, desks[0]).state is AttemptState.ADMITTED
    told: list[str] = []
    hub = LiveEvents()
    hub.carry = told.append
    stop = announce_commits(world.server.engine, hub)
    try:
        for number in (1, 2):
            one = batch(world, desks[0], desks[0].record(Visited("i1")))
            assert sequences(keep(world, one)) == [number]
    finally:
        stop()
    assert row(world, desks[0]).state is AttemptState.WRITING
    # Once: the second record is nobody's news.
    with world.server.reading() as session:
        placement = anywhere(session, Placement, row(world, desks[0]).placement_id)
    assert placement is not None and told == [placement.room_id]


def test_a_question_is_answered_and_changes_nothing(world: World, desks: list[Desk]) -> None:
    assert sequences(keep(world, batch(world, desks[0]))) == [0]
    assert row(world, desks[0]).sequence == 0


def test_before_the_start_nothing_is_plainly_next(world: World) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    world.admit_by_hand(kiosk)
    desk = kiosk.lease(kiosk.heartbeat().placement.attempt)
    assert sequences(keep(world, batch(world, desk))) == [None]


def test_what_is_left_out_is_no_evidence_yet(world: World, desks: list[Desk]) -> None:
    """Only the rules set anything aside."""
    desks[0].send(desks[0].record(Visited("i1")))
    desks[0].submit()
    keep(world, batch(world, desks[0], desks[0].record(Visited("i1"))))
    with world.server.reading() as session:
        assert session.scalars(sa.select(EvidenceRecord.id)).all() == []
