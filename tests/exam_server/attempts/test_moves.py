"""Another seat: the tap that ties the candidate to the attempt, the takeover, the history."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from kiosk import Desk, Kiosk, RefusalError, accepted_face
from moves import Candidate, Issue, writing
from server_world import CHAU, FIRST, SECOND, World

from exam_server.attempts import history
from exam_server.attempts.fencing_models import NotedHead
from exam_server.attempts.models import Attempt
from exam_server.attempts.noting import clean_code
from exam_server.checkin import service as checkin
from exam_server.checkin.models import Basis
from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_server.contract.receipt import head_code
from exam_server.contract.records import Record, Visited, genesis
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring import service as rooms
from exam_server.proctoring.views import Sitting
from exam_server.results.service import results_of_shift
from exam_server.stations.models import Station
from tests.databases import row_of

pytestmark = pytest.mark.slow


@pytest.fixture
def candidate(world: World, issue: Issue) -> Candidate:
    return writing(world, issue)


def refused(code: ErrorCode, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(RefusalError) as refusal:
        call(*arguments)
    assert refusal.value.code is code


def history_of(kiosk: Kiosk, attempt: str, after: int = 0) -> api.HistoryView:
    asked = api.HistoryRequest(after=after)
    answer = kiosk.call("POST", f"/attempts/{attempt}/history", asked)
    return api.HistoryView.model_validate_json(answer)


def test_the_tap_at_the_new_seat_ties_the_candidate_to_the_attempt(
    world: World, candidate: Candidate
) -> None:
    sent = [candidate.desk.record(Visited(f"i{n}")) for n in range(3)]
    candidate.desk.send(*sent)
    former = candidate.desk.kiosk
    assert not former.heartbeat().placement.tap_first
    new = candidate.move()
    assert former.heartbeat().placement is None
    expected = new.heartbeat().placement
    assert (expected.attempt, expected.tap_first, expected.agreed) == (
        candidate.attempt, True, True,
    )  # fmt: skip
    assert expected.checkin is None  # the former seat's check-in is none of this one
    refused(ErrorCode.TAP_NEEDED, new.lease, candidate.attempt)
    refused(ErrorCode.LEASE_SUPERSEDED, history_of, new, candidate.attempt)

    desk = candidate.take_over(new)
    assert not new.heartbeat().placement.tap_first
    assert (desk.view.epoch, desk.view.code) == (2, candidate.desk.view.code)
    view = history_of(new, candidate.attempt)
    assert view.records == [record.to_bytes() for record in sent]
    assert (view.sequence, view.head) == (3, sent[-1].head)
    refused(ErrorCode.PLACEMENT_ELSEWHERE, history_of, former, candidate.attempt)
    assert desk.send(desk.record(Visited("i4"))).sequence == 4


def test_the_history_comes_in_pages(world: World, candidate: Candidate) -> None:
    candidate.desk.send(*[candidate.desk.record(Visited(f"i{n}")) for n in range(5)])
    with world.server.transaction() as session:
        station = session.get_one(Station, candidate.desk.kiosk.station)
        chain, after = [], 0
        while True:
            asked = api.HistoryRequest(after=after)
            view = history.history(
                session, candidate.attempt, asked, station=station, now=world.clock.now, page=2
            )
            assert len(view.records) <= 2
            chain += [Record.from_bytes(data) for data in view.records]
            after = len(chain)
            if after == view.sequence:
                break
    assert chain[0].previous == genesis(candidate.attempt)
    assert chain[-1].head == candidate.desk.head


def test_another_persons_card_takes_no_attempt_over_and_loses_none(
    world: World, candidate: Candidate, issue: Issue
) -> None:
    new = candidate.move()
    world.clock.pass_by(seconds=5)
    placement = new.heartbeat().placement
    challenge = new.challenge(placement.id)
    seat = placement.model_copy(
        update={"citizen_number": CHAU.number, "date_of_birth": CHAU.date_of_birth}
    )
    evidence = new.read(issue(CHAU), seat, challenge)
    view = new.send_check_in(
        new.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
    )
    assert view.state is api.CheckInState.REFUSED
    refused(ErrorCode.TAP_NEEDED, new.lease, candidate.attempt)
    assert new.heartbeat().placement.tap_first
    assert candidate.take_over(new).view.epoch == 2


def test_a_face_that_is_referred_waits_for_the_proctor_who_lets_the_attempt_go_on(
    world: World, candidate: Candidate
) -> None:
    new = candidate.move()
    world.clock.pass_by(seconds=5)
    view = new.check_in(candidate.card, face=accepted_face(decision="refer", score=0.45))
    assert view.state is api.CheckInState.REFERRED and view.attempt is None
    refused(ErrorCode.TAP_NEEDED, new.lease, candidate.attempt)
    with world.server.reading() as session:
        room, seat = rooms.seat_of(session, candidate.placement, world.clock.now)
    assert seat.seated.awaited and seat.seated.sitting is Sitting.REFERRED
    assert seat in room.referred
    with world.server.transaction() as session:
        checkin.decide(
            session, view.id, officer=FIRST, admit=True, reason="đúng người",
            now=world.clock.now,
        )  # fmt: skip
    assert new.checkin_view(view.id).attempt == candidate.attempt
    assert new.lease(candidate.attempt).view.epoch == 2
    with world.server.reading() as session:
        _, seat = rooms.seat_of(session, candidate.placement, world.clock.now)
    assert not seat.seated.awaited and not seat.seated.conditional


def test_a_card_that_cannot_be_read_at_the_new_seat_goes_the_way_of_two_officers(
    world: World, candidate: Candidate
) -> None:
    def by_hand() -> None:
        with world.server.transaction() as session:
            checkin.admit_manually(
                session, candidate.placement, first=FIRST, second=SECOND, basis=Basis.PASSPORT,
                reason="đầu đọc hỏng", photograph=None, keys=world.server.keys,
                settings=world.server.settings, now=world.clock.now,
            )  # fmt: skip

    with pytest.raises(NotPossibleError) as objection:
        by_hand()
    assert objection.value.objection is Objection.ALREADY_ADMITTED
    new = candidate.move()
    world.clock.pass_by(minutes=40)  # long after the last who may enter
    by_hand()
    assert not new.heartbeat().placement.tap_first
    assert new.lease(candidate.attempt).view.epoch == 2
    with world.server.reading() as session:
        rows = results_of_shift(session, world.centre_id, world.shift_id)
    assert [row.conditional for row in rows if row.attempt_id == candidate.attempt] == [True]


def test_moved_back_before_the_tap_the_former_station_goes_on_and_after_it_taps(
    world: World, candidate: Candidate
) -> None:
    former = candidate.desk.kiosk
    new = candidate.move()
    candidate.move("P.101", "01")
    assert not former.heartbeat().placement.tap_first
    assert former.lease(candidate.attempt).view.epoch == 1
    candidate.move()
    candidate.take_over(new)
    candidate.move("P.101", "01")
    assert former.heartbeat().placement.tap_first
    refused(ErrorCode.TAP_NEEDED, former.lease, candidate.attempt)
    assert candidate.take_over(former).view.epoch == 3


def test_a_new_machine_at_the_same_seat_asks_for_the_card_too(
    world: World, candidate: Candidate
) -> None:
    world.kiosks.clear()
    machine = world.kiosk()
    assert machine.heartbeat().placement.tap_first
    refused(ErrorCode.TAP_NEEDED, machine.lease, candidate.attempt)
    assert candidate.take_over(machine).view.epoch == 2


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("k7qf m2zx 94td 77qa", None),
        (" k7qf-m2zx–74td.77qa ", "K7QF-M2ZX-74TD-77QA"),
        ("K7QF-M2ZX-74TD-77Q0", "K7QF-M2ZX-74TD-77QO"),
        ("K7QF-M2ZX-74TD-77Q", None),
        ("", None),
    ],
)
def test_a_head_code_is_taken_however_it_was_written(typed: str, code: str | None) -> None:
    assert clean_code(typed) == code


def test_the_head_code_is_noted_at_the_move(world: World, candidate: Candidate) -> None:
    desk: Desk = candidate.desk
    desk.record(Visited("never sent"))
    with pytest.raises(NotPossibleError):
        candidate.move(head_code="no code")
    candidate.move(head_code=head_code(desk.head).lower())
    with world.server.reading() as session:
        noted = session.scalars(sa.select(NotedHead)).one()
        assert (noted.code, noted.epoch) == (head_code(desk.head), 1)
        assert row_of(session, Attempt, candidate.attempt).sequence == 0
