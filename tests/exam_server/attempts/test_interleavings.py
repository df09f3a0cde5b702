"""Two stations write, take over and send in any order: no record is lost, and what counts follows
the rule."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moves import Issue, writing
from server_world import OFFICE, World
from sqlmodel import Session
from test_late_records import Room

from exam_server.attempts import (
    claims,
    conflicts,
    forks,
    journal,
    late_decisions,
    late_records,
    records_kept,
    settling,
)
from exam_server.attempts.fencing_models import Side
from exam_server.attempts.keys import attempt_key_of, lease_key_of
from exam_server.attempts.late_records import Standing
from exam_server.attempts.models import Attempt, EvidenceRecord, JournalRecord, Lease
from exam_server.contract.api import Claim
from exam_server.contract.batches import Batch
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.receipt import head_code
from exam_server.contract.records import Answered, Record, WritingKeys, genesis
from exam_server.errors import NotPossibleError, RefusedError
from exam_server.shards import anywhere
from exam_server.stations.models import Station
from question_bank.response import ChoiceResponse

pytestmark = pytest.mark.slow

ITEMS, OPTIONS = 3, 3
STATIONS = (0, 1)


@dataclass
class Pen:
    """One station's journal under its last lease."""

    station: str
    keys: WritingKeys | None = None
    records: list[Record] = field(default_factory=list)
    base: tuple[int, bytes] = (0, b"")
    sent: int = 0
    rival: bool = False

    @property
    def last(self) -> tuple[int, bytes]:
        if not self.records:
            return self.base
        return self.records[-1].sequence, self.records[-1].head


class Play:
    """A server's session and two pens; every act is one that a real station or officer does."""

    def __init__(self, session: Session, world: World, room: Room, kiosks: list[str]) -> None:
        self.session, self.world, self.room = session, world, room
        self.attempt = anywhere(session, Attempt, room.candidate.attempt)
        self.pens = [Pen(station) for station in kiosks]
        self.written: list[Record] = []
        self.adopted: set[bytes] = set()

    @property
    def now(self) -> Any:
        return self.world.clock.now

    def take_over(self, which: int, noted: bool) -> None:
        """The page moved the candidate; the head code of the other kiosk may be noted."""
        attempt, pen = self.attempt, self.pens[which]
        held = self.session.get(Lease, (attempt.centre_id, attempt.id, attempt.epoch))
        if held is not None and held.station_id == pen.station:
            return
        if noted and held is not None:
            former = next(one for one in self.pens if one.station == held.station_id)
            if former.records:
                late_records.noting.note(
                    self.session, attempt, head_code(former.last[1]), epoch=attempt.epoch,
                    officer=OFFICE, reason="x", now=self.now,
                )  # fmt: skip
        attempt.epoch += 1
        self.session.add(
            Lease(
                centre_id=attempt.centre_id, attempt_id=attempt.id, epoch=attempt.epoch,
                station_id=pen.station, granted_at=self.now,
            )
        )  # fmt: skip
        self.session.flush()
        self._leave(pen)
        self._begin(pen, attempt.epoch, (attempt.sequence, attempt.head))

    def claim(self, which: int) -> None:
        """The journal of the other one was carried here, with its token."""
        pen, former = self.pens[which], self.pens[1 - which]
        if former.keys is None or former.rival or pen.rival:
            return
        sequence, head = former.last
        token = MoveToken(
            self.attempt.id, former.station, former.keys.epoch, sequence, head, None, self.now
        )
        kiosk = next(one for one in self.world.kiosks.values() if one.station == former.station)
        signed = SignedMoveToken.sign(token, kiosk.signing)
        asked = Claim(
            token=signed.to_bytes(),
            epoch=token.epoch + 1,
            records=[record.to_bytes() for record in former.records],
        )
        station = self.session.get_one(Station, pen.station)
        self._leave(pen)
        try:
            with self.session.begin_nested():
                view = claims.claim(
                    self.session, self.attempt.id, asked, station=station,
                    keys=self.world.server.keys, grace=self.world.server.settings.grace,
                    now=self.now,
                )  # fmt: skip
        except RefusedError:
            return
        if (view.sequence, view.head) == (sequence, head):  # else its lease was known before
            self._begin(pen, token.epoch + 1, (sequence, head), rival=view.conflict)
        former.sent = max(former.sent, len(former.records))

    def _begin(self, pen: Pen, epoch: int, base: tuple[int, bytes], *, rival: bool = False) -> None:
        key = lease_key_of(
            self.world.server.keys, shift=self.attempt.shift_id, station=pen.station,
            attempt=self.attempt.id, epoch=epoch,
        )  # fmt: skip
        pen.keys = WritingKeys(
            self.attempt.id, epoch, key, attempt_key_of(self.world.server.keys, self.attempt.id)
        )
        pen.base, pen.records, pen.sent, pen.rival = base, [], 0, rival

    def _leave(self, pen: Pen) -> None:
        """A station that gets another lease sends what it still has of the former one."""
        while pen.keys is not None and pen.sent < len(pen.records):
            self.send(self.pens.index(pen), len(pen.records))

    def write(self, which: int, item: int, option: int | None) -> None:
        pen = self.pens[which]
        if pen.keys is None:
            return
        chosen = self.room.items[item]
        plain = None
        if option is not None:
            plain = ChoiceResponse((chosen.interaction.options[option].id,)).to_plain()
        sequence, head = pen.last
        record = pen.keys.seal(
            Answered(chosen.id, plain), sequence=sequence + 1, previous=head, acknowledged=0,
            at=round(self.now.timestamp() * 1000), rng=os.urandom,
        )  # fmt: skip
        pen.records.append(record)
        self.written.append(record)

    def send(self, which: int, count: int) -> None:
        """The next records, as the uploader sends them; what is refused is sent on as evidence."""
        pen = self.pens[which]
        if pen.keys is None or pen.sent == len(pen.records):
            return
        some = [one.to_bytes() for one in pen.records[pen.sent : pen.sent + count]]
        own = (self.attempt.centre_id, self.attempt.id, pen.station, pen.keys.epoch)
        rival = conflicts.rival_lease(self.session, *own)
        if rival is not None:
            conflicts.keep_aside(
                self.session, rival, some, None, keys=self.world.server.keys, now=self.now
            )
        else:
            journal.append(
                self.session, self.attempt.id, Batch(self.attempt.id, pen.keys.epoch, tuple(some)),
                station=self.session.get_one(Station, pen.station), keys=self.world.server.keys,
                grace=self.world.server.settings.grace, now=self.now,
            )  # fmt: skip
        pen.sent += len(some)

    def adopt(self) -> None:
        keys = self.world.server.keys
        for one in late_records.late_answers(self.session, self.attempt, keys=keys, now=self.now):
            if one.standing is Standing.ADOPTABLE:
                late_decisions.decide(
                    self.session, self.attempt.id, [one.evidence], adopt=True, officer=OFFICE,
                    reason="x", keys=keys, now=self.now,
                )  # fmt: skip
                row = self.session.get_one(EvidenceRecord, (self.attempt.centre_id, one.evidence))
                self.adopted.add(row.head)

    def settle(self, side: Side) -> None:
        for conflict in forks.conflicts_of(self.session, self.attempt):
            try:
                with self.session.begin_nested():
                    settling.settle(
                        self.session, conflict.id, side=side, officer=OFFICE, reason="x",
                        keys=self.world.server.keys, now=self.now,
                    )  # fmt: skip
            except NotPossibleError:
                continue
            for pen in self.pens:
                pen.rival = False

    def check(self) -> None:
        """Every record is kept or evidence, once; the chain holds; answers follow the rule."""
        for which in STATIONS:
            while self.pens[which].sent < len(self.pens[which].records):
                self.send(which, 100)
        where = lambda kind: (  # noqa: E731 - of either table
            kind.centre_id == self.attempt.centre_id, kind.attempt_id == self.attempt.id
        )  # fmt: skip
        kept = {
            row.head: Record.from_bytes(row.data)
            for row in self.session.scalars(sa.select(JournalRecord).where(*where(JournalRecord)))
        }
        aside = {
            row.head: Record.from_bytes(row.data)
            for row in self.session.scalars(sa.select(EvidenceRecord).where(*where(EvidenceRecord)))
        }
        assert not kept.keys() & aside.keys()
        assert {record.head for record in self.written} <= kept.keys() | aside.keys()
        chain = list(records_kept.records_of(self.session, self.attempt))
        assert [record.epoch for record in chain] == sorted(record.epoch for record in chain)
        adopted = [aside[head] for head in self.adopted if head in aside]
        assert self.answers() == self.expected([*kept.values(), *adopted])

    def answers(self) -> dict[str, object]:
        return dict(
            records_kept.final_responses(self.session, self.attempt, self.world.server.keys)
        )

    def expected(self, records: list[Record]) -> dict[str, object]:
        """For each item the answer of the highest lease, and of that one the last."""
        key = attempt_key_of(self.world.server.keys, self.attempt.id)
        best: dict[str, tuple[tuple[int, int], object]] = {}
        for record in records:
            body, _ = record.open(key)
            if isinstance(body, Answered):
                rank = (record.epoch, record.sequence)
                if body.item not in best or best[body.item][0] < rank:
                    best[body.item] = rank, body.response
        return {
            item: ChoiceResponse(tuple(response["options"]))
            for item, (_, response) in best.items()
            if response is not None
        }


STATION = st.sampled_from(STATIONS)
ACTS = st.one_of(
    st.tuples(
        st.just("write"), STATION, st.integers(0, ITEMS - 1),
        st.none() | st.integers(0, OPTIONS - 1),
    ),
    st.tuples(st.just("write"), STATION, st.integers(0, ITEMS - 1), st.integers(0, OPTIONS - 1)),
    st.tuples(st.just("send"), STATION, st.integers(1, 4)),
    st.tuples(st.just("take_over"), STATION, st.booleans()),
    st.tuples(st.just("claim"), STATION),
    st.tuples(st.just("adopt")),
    st.tuples(st.just("settle"), st.sampled_from(Side)),
)  # fmt: skip


@pytest.fixture
def stage(world: World, issue: Issue) -> Iterator[tuple[World, Room, list[str]]]:
    room = Room(writing(world, issue))
    room.candidate.move("P.102", "06")
    spare = world.kiosk("06", "P.102")
    room.candidate.move("P.101", "01")
    with world.server.transaction() as session:
        # The claims of this test are not about seats: both stations may stand at the candidate's.
        session.execute(sa.delete(Lease))
        attempt = anywhere(session, Attempt, room.candidate.attempt)
        attempt.epoch = 0
        session.execute(sa.delete(JournalRecord))

        attempt.sequence, attempt.head = 0, genesis(attempt.id)
    yield world, room, [room.first.kiosk.station, spare.station]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(ACTS, min_size=1, max_size=25))
def test_whatever_two_stations_do_every_record_ends_kept_adopted_or_in_evidence(
    stage: tuple[World, Room, list[str]], acts: list[tuple[Any, ...]]
) -> None:
    world, room, stations = stage
    with Session(world.server.engine, expire_on_commit=False) as session, session.begin():
        play = Play(session, world, room, stations)
        play.take_over(0, False)
        for name, *arguments in acts:
            getattr(play, name)(*arguments)
        play.check()
        for side in Side:
            play.settle(side)
            play.check()
        session.rollback()
