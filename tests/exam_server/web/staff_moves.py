"""A candidate whose station broke off without network: moved, and the rest comes late."""

import os
from dataclasses import dataclass, field
from datetime import timedelta

from staff_world import Machine, World

from exam_server.attempts import claims, conflicts, granting, journal
from exam_server.attempts import service as attempts
from exam_server.attempts.keys import attempt_key_of, lease_key_of
from exam_server.attempts.models import Attempt
from exam_server.centres.service import find_seat
from exam_server.checkin.models import Basis, CheckIn
from exam_server.contract.api import CheckInState, Claim, StationState
from exam_server.contract.batches import Batch
from exam_server.contract.move_token import MoveToken, SignedMoveToken
from exam_server.contract.receipt import head_code
from exam_server.contract.records import Answered, Record, WritingKeys
from exam_server.contract.wrapping import Purpose, unwrap
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.shards import anywhere
from exam_server.shifts.models import Placement
from exam_server.shifts.service import move_placement
from exam_server.stations.models import Station
from question_bank.package import PresentedChoice, PresentedItem


@dataclass
class Pen:
    """A machine's lease of an attempt, in use."""

    world: World
    machine: Machine
    keys: WritingKeys
    sequence: int
    head: bytes
    written: list[Record] = field(default_factory=list)

    @classmethod
    def of(cls, world: World, machine: Machine, attempt: str) -> "Pen":
        server = world.server
        with server.transaction() as session:
            station = session.get_one(Station, machine.station.id)
            view = granting.lease(
                session, attempt, station=station, keys=server.keys, now=server.now()
            )
        context = (attempt, str(view.epoch))
        keys = WritingKeys(
            attempt,
            view.epoch,
            unwrap(view.lease_key, machine.wrapping, Purpose.LEASE_KEY, *context),
            unwrap(view.attempt_key, machine.wrapping, Purpose.ATTEMPT_KEY, attempt),
        )
        return cls(world, machine, keys, view.next_sequence - 1, view.head)

    def choose(self, item: PresentedItem, option: int) -> None:
        assert isinstance(item.interaction, PresentedChoice)
        plain = {"kind": "single", "options": [item.interaction.options[option].id]}
        record = self.keys.seal(
            Answered(item.id, plain),
            sequence=self.sequence + 1,
            previous=self.head,
            acknowledged=0,
            at=round(self.world.server.now().timestamp() * 1000),
            rng=os.urandom,
        )
        self.sequence, self.head = record.sequence, record.head
        self.written.append(record)

    def send(self) -> bool:
        """Sends all; whether the server kept it as the attempt's own."""
        server = self.world.server
        records = tuple(record.to_bytes() for record in self.written)
        batch = Batch(self.keys.attempt, self.keys.epoch, records)
        with server.transaction() as session:
            station = session.get_one(Station, self.machine.station.id)
            kept = journal.append(
                session, self.keys.attempt, batch, station=station, keys=server.keys,
                grace=server.settings.grace, now=server.now(),
            )  # fmt: skip
        return kept.refusal is None


def leave_answers_behind(world: World, index: int = 2, *, note_code: bool = True) -> str:
    """Candidate `index` writes without network, is moved to P.101/22, answers there, and the
    former station's answers arrive; the attempt's id."""
    server, proctor = world.server, world.officer("giamthi1")
    with server.reading() as session:
        attempt = attempts.attempt_of(
            session, world.machines[index].station.centre_id, world.placements[index]
        )
        assert attempt is not None
        shown = forms.presented(session.get_one(Form, attempt.form_id), server.sealing)
    items = [item for item in shown.items if isinstance(item.interaction, PresentedChoice)]
    world.beat(index, StationState.WRITING)
    former = Pen.of(world, world.machines[index], attempt.id)
    for number, option in ((10, 0), (11, 1), (11, 2), (9, 3), (8, 1)):
        former.choose(items[number], option)
    spare = world.machines[world.add_machine("P.101", "22")]
    with server.transaction() as session:
        seat = find_seat(session, "P.101", "22")
        move_placement(
            session, world.placements[index], seat_id=seat.id, officer=proctor,
            reason="Máy mất mạng rồi tắt", now=server.now(),
            head_code=head_code(former.written[3].head) if note_code else "",
        )  # fmt: skip
        placement = anywhere(session, Placement, world.placements[index])
        session.add(
            CheckIn(
                centre_id=placement.centre_id, placement_id=placement.id, number=2,
                station_id=spare.station.id, basis=Basis.CHIP, state=CheckInState.ADMITTED,
                reasons=[], created_at=server.now() + timedelta(seconds=1), consent=True,
            )
        )  # fmt: skip
    world.beat(len(world.machines) - 1, StationState.WRITING)
    latter = Pen.of(world, spare, attempt.id)
    latter.choose(items[9], 0)
    assert latter.send() and not former.send()
    with server.reading() as session:
        assert anywhere(session, Attempt, attempt.id).epoch == 2
    return attempt.id


def two_hands(world: World, index: int = 4) -> str:
    """Candidate `index` was moved by the page to P.101/23 and, with a token, to P.101/24 too;
    the attempt's id."""
    server, proctor = world.server, world.officer("giamthi1")
    with server.reading() as session:
        centre = world.machines[index].station.centre_id
        attempt = attempts.attempt_of(session, centre, world.placements[index])
        assert attempt is not None
        shown = forms.presented(session.get_one(Form, attempt.form_id), server.sealing)
    items = [item for item in shown.items if isinstance(item.interaction, PresentedChoice)]
    former = Pen.of(world, world.machines[index], attempt.id)
    token = MoveToken(
        attempt.id, world.machines[index].station.id, 1, former.sequence, former.head, None,
        server.now(),
    )  # fmt: skip
    served, carried = (world.machines[world.add_machine("P.101", seat)] for seat in ("23", "24"))
    with server.transaction() as session:
        seat = find_seat(session, "P.101", "23")
        move_placement(
            session, world.placements[index], seat_id=seat.id, officer=proctor,
            reason="Máy treo", now=server.now(),
        )  # fmt: skip
        session.add(
            CheckIn(
                centre_id=centre, placement_id=world.placements[index], number=2,
                station_id=served.station.id, basis=Basis.CHIP, state=CheckInState.ADMITTED,
                reasons=[], created_at=server.now() + timedelta(seconds=1), consent=True,
            )
        )  # fmt: skip
    pen = Pen.of(world, served, attempt.id)
    for number, option in ((10, 0), (11, 1)):
        pen.choose(items[number], option)
    assert pen.send()
    keys = WritingKeys(
        attempt.id,
        2,
        lease_key_of(
            server.keys, shift=world.shift, station=carried.station.id, attempt=attempt.id, epoch=2
        ),
        attempt_key_of(server.keys, attempt.id),
    )
    rival = Pen(world, carried, keys, former.sequence, former.head)
    for number, option in ((10, 3), (9, 2)):
        rival.choose(items[number], option)
    with server.transaction() as session:
        station = session.get_one(Station, carried.station.id)
        signed = SignedMoveToken.sign(token, world.machines[index].signing)
        asked = Claim(token=signed.to_bytes(), epoch=2)
        view = claims.claim(
            session, attempt.id, asked, station=station, keys=server.keys,
            grace=server.settings.grace, now=server.now(),
        )  # fmt: skip
        assert view.conflict
        own = conflicts.rival_lease(session, centre, attempt.id, station.id, 2)
        assert own is not None
        records = [record.to_bytes() for record in rival.written]
        conflicts.keep_aside(session, own, records, None, keys=server.keys, now=server.now())
    return attempt.id
