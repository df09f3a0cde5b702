"""Two processes are asked the same in the same moment: exactly one wins."""

from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa
from kiosk import Desk, Kiosk, RefusalError, accepted_face
from served import Served, at_once
from server_world import BACH, CHAU
from sqlmodel import select

from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from exam_server.attempts.models import (
    EvidenceRecord,
    IssuedReceipt,
    JournalRecord,
    Lease,
)
from exam_server.checkin.models import CheckIn
from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_server.stations.models import Assignment, Station

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]

ROUNDS = 6


def refusals(answers: list[object]) -> list[ErrorCode]:
    return [one.code for one in answers if isinstance(one, RefusalError)]


def both(served: Served, kiosk: Kiosk) -> list[Kiosk]:
    """The same station at either process."""
    return [served.through(kiosk, client) for client in served.a_client_of_each_process()]


def count(served: Served, table: type, **fields: object) -> int:
    wanted = [getattr(table, name) == value for name, value in fields.items()]
    with served.world.server.reading() as session:
        return session.scalar(select(sa.func.count()).select_from(table).where(*wanted)) or 0


def test_one_token_enrols_one_station(served: Served) -> None:
    left, right = served.a_client_of_each_process()
    for seat in range(30, 30 + ROUNDS):
        token = served.world.token("P.101", f"{seat:02d}")
        stations = [Kiosk(client, served.world.clock) for client in (left, right)]
        answers = at_once(*(partial(one.enrol, token) for one in stations))
        assert refusals(answers) == [ErrorCode.TOKEN_USED]
    assert count(served, Station) == count(served, Assignment)


def test_one_request_is_let_in_once(served: Served) -> None:
    first, second = both(served, served.kiosk(3))
    for number in range(ROUNDS):
        nonce = bytes([number]) * 16
        beat = api.Heartbeat(
            state=api.StationState.IDLE, program_version="t", reader_ready=True, camera_ready=True
        )
        answers = at_once(
            partial(first.call, "POST", "/heartbeat", beat, nonce=nonce),
            partial(second.call, "POST", "/heartbeat", beat, nonce=nonce),
        )
        assert refusals(answers) == [ErrorCode.REPLAYED_REQUEST]


def test_one_challenge_proves_one_reading(
    served: Served, issue: Callable[[Holder], CardProfile]
) -> None:
    for seat, holder in ((1, BACH), (2, CHAU)):
        kiosk = served.kiosk(seat)
        placement = kiosk.heartbeat().placement
        assert placement is not None
        challenge = kiosk.challenge(placement.id)
        requests = [
            kiosk.check_in_request(
                placement.id,
                challenge.id,
                kiosk.read(issue(holder), placement, challenge),
                face=accepted_face(),
            )
            for _ in range(2)
        ]
        calls = [one.send_check_in for one in both(served, kiosk)]
        answers = at_once(*map(partial, calls, requests))
        assert refusals(answers) == [ErrorCode.CHALLENGE_INVALID]
        # What won, sent again by both ways (its answer was lost), is the check-in that there is.
        won = requests[0] if isinstance(answers[1], RefusalError) else requests[1]
        again = at_once(*(partial(call, won) for call in calls))
        assert len({one.id for one in again if isinstance(one, api.CheckInView)}) == 1
        assert count(served, CheckIn, placement_id=placement.id) == 1


def test_the_same_check_in_by_two_ways_is_one(
    served: Served, issue: Callable[[Holder], CardProfile]
) -> None:
    kiosk = served.kiosk(1)
    placement = kiosk.heartbeat().placement
    assert placement is not None
    before = count(served, CheckIn, placement_id=placement.id)
    for number in range(1, ROUNDS + 1):
        challenge = kiosk.challenge(placement.id)
        evidence = kiosk.read(issue(BACH), placement, challenge)
        request = kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
        answers = at_once(*(partial(one.send_check_in, request) for one in both(served, kiosk)))
        assert len({one.id for one in answers if isinstance(one, api.CheckInView)}) == 1
        assert count(served, CheckIn, placement_id=placement.id) == before + number


def test_one_station_gets_one_lease_however_often_it_asks(served: Served) -> None:
    for seat in range(4, 4 + ROUNDS):
        kiosk = served.kiosk(seat)
        attempt = served.attempt_at(kiosk)
        answers = at_once(*(partial(one.lease, attempt) for one in both(served, kiosk)))
        assert refusals(answers) == []
        assert {desk.view.epoch for desk in answers if isinstance(desk, Desk)} == {1}
        assert count(served, Lease, attempt_id=attempt) == 1


@pytest.fixture(scope="module")
def started(served: Served) -> Served:
    """After the start signal: whoever is admitted writes."""
    served.start_shift()
    return served


def desks(served: Served, seat: int) -> tuple[Desk, Desk]:
    """One lease, written from through either process."""
    kiosk = served.kiosk(seat)
    attempt = served.attempt_at(kiosk)
    desk = kiosk.lease(attempt)
    kiosk.open_form(attempt)
    first, second = both(served, kiosk)
    return (
        Desk(first, desk.view, desk.keys, desk.next_sequence, desk.head),
        Desk(second, desk.view, desk.keys, desk.next_sequence, desk.head),
    )


def test_the_same_batch_by_two_ways_is_kept_once(started: Served) -> None:
    first, second = desks(started, 10)
    for number in range(ROUNDS):
        batch = [first.answer("q1", {"kind": "numeric", "text": str(number)}) for _ in range(3)]
        answers = at_once(partial(first.send, *batch), partial(second.send, *batch))
        assert refusals(answers) == []
    assert count(started, JournalRecord, attempt_id=first.view.attempt) == 3 * ROUNDS
    assert count(started, EvidenceRecord, attempt_id=first.view.attempt) == 0


def test_of_two_next_records_one_is_kept_and_the_other_is_evidence(started: Served) -> None:
    first, second = desks(started, 11)
    for number in range(1, ROUNDS + 1):
        left = first.answer("q1", {"kind": "numeric", "text": "1"})
        right = second.answer("q1", {"kind": "numeric", "text": "2"})
        answers = at_once(partial(first.send, left), partial(second.send, right))
        assert refusals(answers) == [ErrorCode.RECORD_REJECTED]
        kept = left if not isinstance(answers[0], RefusalError) else right
        # Both go on from the record that won.
        for desk in (first, second):
            desk.next_sequence, desk.head = kept.sequence + 1, kept.head
        assert count(started, JournalRecord, attempt_id=first.view.attempt) == number
        assert count(started, EvidenceRecord, attempt_id=first.view.attempt) == number


def test_handing_in_twice_gives_one_receipt(started: Served) -> None:
    for seat in range(12, 12 + ROUNDS):
        first, second = desks(started, seat)
        first.send(first.answer("q1", {"kind": "numeric", "text": "1"}))
        second.next_sequence, second.head = first.next_sequence, first.head
        answers = at_once(first.submit, second.submit)
        assert refusals(answers) == []
        receipts = {one.receipt for one in answers if isinstance(one, api.ReceiptView)}
        assert len(receipts) == 1
        assert count(started, IssuedReceipt, attempt_id=first.view.attempt) == 1


def test_a_record_and_the_hand_in_at_once_leave_one_end(started: Served) -> None:
    for seat in range(18, 18 + ROUNDS):
        first, second = desks(started, seat)
        first.send(first.answer("q1", {"kind": "numeric", "text": "1"}))
        second.next_sequence, second.head = first.next_sequence, first.head
        late = first.answer("q1", {"kind": "numeric", "text": "2"})
        answers = at_once(partial(first.send, late), second.submit)
        # Whoever came second heard why: too late, or a hand-in that lacks a record.
        assert refusals(answers) in ([ErrorCode.ATTEMPT_CLOSED], [ErrorCode.RECORD_GAP])
        kept = count(started, JournalRecord, attempt_id=first.view.attempt)
        assert kept == (2 if isinstance(answers[1], RefusalError) else 1)
