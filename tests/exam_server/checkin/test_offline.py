"""Check-ins that took place without network: what the server makes of them afterwards."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from kiosk import Desk, Kiosk, RefusalError, accepted_face
from moves import Candidate
from server_world import BACH, PORTRAIT, World
from sqlmodel import Session

from card_reader.evidence import Freshness
from card_reader.simulator.profile import CardProfile
from exam_server.attempts.fencing_models import LeaseConflict
from exam_server.attempts.keys import attempt_id_of, attempt_key_of, shift_secret_of
from exam_server.attempts.models import Attempt, EvidenceRecord, JournalRecord, Lease
from exam_server.audit import AuditEntry
from exam_server.checkin import offline
from exam_server.checkin.models import CheckIn, Condition, SealedPicture
from exam_server.contract import api
from exam_server.contract.api import CheckInState
from exam_server.contract.errors import ErrorCode
from exam_server.contract.evidence_signature import sign_evidence
from exam_server.contract.offline import checkin_digest
from exam_server.contract.records import Answered, Opened, Submitted, WritingKeys, genesis
from exam_server.contract.room_code import RoomCode
from exam_server.contract.room_kit import lease_key
from exam_server.shifts.models import Placement
from exam_server.shifts.room_code import room_code_of
from exam_server.stations.models import Assignment, Station

Issue = Callable[..., CardProfile]


def placement_of(session: Session, placement: str) -> Placement:
    return session.scalars(sa.select(Placement).where(Placement.id == placement)).one()


def lease_view(attempt: str) -> api.LeaseView:
    """What a station makes of its kit; the keys are used as they are."""
    return api.LeaseView(
        attempt=attempt,
        epoch=1,
        lease_key=b"",
        attempt_key=b"",
        next_sequence=1,
        head=genesis(attempt),
        package="package",
        code="0101",
        ledger=api.LedgerView(allowance=timedelta(minutes=90)),
        server_time=datetime(2026, 12, 5, tzinfo=UTC),
    )


@dataclass
class Apart:
    """A kiosk whose room has no network: what it would tell the server of its candidate."""

    world: World
    kiosk: Kiosk
    placement: api.PlacementView

    @property
    def secret(self) -> bytes:
        keys = self.world.server.keys
        return shift_secret_of(keys, shift=self.world.shift_id, station=self.kiosk.station)

    @property
    def code(self) -> RoomCode:
        with self.world.server.reading() as session:
            room = placement_of(session, self.placement.id).room_id
        return room_code_of(self.world.server.keys, shift=self.world.shift_id, room=room)

    def told(
        self,
        card: CardProfile | None,
        *,
        counter: int = 1,
        code: RoomCode | None = None,
        at: datetime | None = None,
        **changes: Any,
    ) -> api.OfflineCheckIn:
        code, evidence, signature = code or self.code, None, None
        if card is not None:
            value = code.challenge(self.secret, self.placement.id, counter)
            asked = api.ChallengeView(id="offline", value=value, expires_at=self.world.clock.now)
            evidence = self.kiosk.read(card, self.placement, asked, Freshness.ROOM_CODE)
            signature = sign_evidence(
                self.kiosk.signing,
                station=self.kiosk.station,
                placement=self.placement.id,
                evidence=evidence,
            )
        fields: dict[str, Any] = {
            "placement": self.placement.id,
            "checked_in_at": at or self.world.clock.now,
            "counter": counter if card else None,
            "evidence": evidence,
            "evidence_signature": signature,
            "consent": True,
            "face": accepted_face(),
            "confirmation": b"",
        }
        told = api.OfflineCheckIn(**{**fields, **changes})
        word = code.confirmation(self.secret, self.placement.id, checkin_digest(told))
        return told.model_copy(update={"confirmation": word})

    def tell(self, told: api.OfflineCheckIn) -> api.CheckInView:
        answer = self.kiosk.call("POST", "/checkins/offline", told)
        return api.CheckInView.model_validate_json(answer)

    def desk(self, attempt: str) -> Desk:
        """Writes by the kit's keys, as a station does that was given no lease."""
        server = self.world.server.keys
        keys = WritingKeys(
            attempt, 1, lease_key(self.secret, attempt, 1), attempt_key_of(server, attempt)
        )
        return Desk(self.kiosk, lease_view(attempt), keys, 1, genesis(attempt))

    def checkins(self) -> list[CheckIn]:
        with self.world.server.reading() as session:
            return list(session.scalars(sa.select(CheckIn).order_by(CheckIn.number)))


@pytest.fixture
def apart(world: World) -> Apart:
    world.open_shift()
    kiosk = world.kiosk()
    placement = kiosk.heartbeat().placement
    assert placement is not None
    return Apart(world, kiosk, placement)


def refused(code: ErrorCode, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(RefusalError) as refusal:
        call(*arguments)
    assert refusal.value.code is code


def test_a_proven_confirmed_check_in_admits_without_a_condition(apart: Apart, issue: Issue) -> None:
    view = apart.tell(apart.told(issue(BACH)))
    assert (view.state, view.reasons) == (CheckInState.ADMITTED, [])
    assert view.attempt == attempt_id_of(apart.placement.id)
    with apart.world.server.reading() as session:
        attempt = session.scalars(sa.select(Attempt)).one()
        lease = session.scalars(sa.select(Lease)).one()
        actions = list(session.scalars(sa.select(AuditEntry.action)))
    assert (attempt.epoch, lease.epoch, lease.station_id) == (1, 1, apart.kiosk.station)
    assert "checkin_offline" in actions
    assert apart.checkins()[0].condition is None


def test_told_twice_it_is_one_check_in(apart: Apart, issue: Issue) -> None:
    told = apart.told(issue(BACH))
    assert apart.tell(told) == apart.tell(told)
    assert len(apart.checkins()) == 1


@pytest.mark.parametrize("chip", [True, False])
def test_told_twice_at_one_moment_it_is_one_check_in(
    apart: Apart, issue: Issue, chip: bool
) -> None:
    """Both tellings find nothing written down yet, and only then either is."""
    world, told = apart.world, apart.told(issue(BACH) if chip else None)
    server, both = world.server, Barrier(2)
    with server.reading() as session:
        station = session.get_one(Station, apart.kiosk.station)

    def tell(_: int) -> api.CheckInView:
        asked: dict[str, Any] = {"station": station, "keys": server.keys, "now": world.clock.now}
        with server.transaction() as session:
            late_limit = server.settings.late_limit
            taken = offline.take(session, told, late_limit=late_limit, **asked)
        assert taken.known is None
        judgement = offline.judged(
            told, taken, trust=lambda: server.trust, settings=server.settings, now=world.clock.now
        )
        both.wait(timeout=30)
        with server.transaction() as session:
            return offline.conclude(
                session, told, taken, judgement, settings=server.settings, **asked
            )

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(tell, range(2))
    assert first == second
    assert len(apart.checkins()) == 1


def test_a_count_proves_one_check_in_only(apart: Apart, issue: Issue) -> None:
    told = apart.told(issue(BACH))
    apart.tell(told)
    again = apart.told(issue(BACH), at=apart.world.clock.now + timedelta(seconds=5))
    refused(ErrorCode.CHALLENGE_INVALID, apart.tell, again)
    assert len(apart.checkins()) == 1


def test_without_the_rooms_code_the_result_is_conditional(apart: Apart, issue: Issue) -> None:
    view = apart.tell(apart.told(issue(BACH), code=RoomCode(b"other")))
    assert view.state is CheckInState.CONDITIONAL
    assert "room_code_wrong" in view.reasons and view.attempt is not None
    checkin = apart.checkins()[0]
    assert checkin.condition is Condition.DOUBTED_OFFLINE
    assert checkin.chip_refused  # nor was the challenge that the chip answered the room's


def test_a_spoilt_confirmation_is_no_confirmation(apart: Apart, issue: Issue) -> None:
    told = apart.told(issue(BACH))
    view = apart.tell(told.model_copy(update={"consent": False}))
    assert view.state is CheckInState.CONDITIONAL
    assert "room_code_wrong" in view.reasons


def test_somebody_elses_card_stays_admitted_and_is_shown(apart: Apart, issue: Issue) -> None:
    """The passwords come from the roster, so this takes a roster changed meanwhile."""
    told = apart.told(issue(BACH))
    with apart.world.server.transaction() as session:
        placement = placement_of(session, apart.placement.id)
        other = session.scalars(
            sa.select(Placement).where(Placement.registration_id != placement.registration_id)
        ).first()
        assert other is not None
        mine = placement.registration_id
        theirs, paper = other.registration_id, other.paper_id
        other.registration_id, other.paper_id = mine, placement.paper_id
        session.delete(other)
        session.flush()
        placement.registration_id, placement.paper_id = theirs, paper
    view = apart.tell(told)
    assert view.state is CheckInState.CONDITIONAL
    assert "number_differs" in view.reasons and view.attempt is not None


def test_a_challenge_of_the_server_does_not_pass_as_the_rooms(apart: Apart, issue: Issue) -> None:
    challenge = apart.kiosk.challenge(apart.placement.id)
    evidence = apart.kiosk.read(issue(BACH), apart.placement, challenge)
    signature = sign_evidence(
        apart.kiosk.signing,
        station=apart.kiosk.station,
        placement=apart.placement.id,
        evidence=evidence,
    )
    told = apart.told(issue(BACH), evidence=evidence, evidence_signature=signature)
    view = apart.tell(told)
    assert view.state is CheckInState.CONDITIONAL


def test_without_a_chip_the_exam_office_decides_later(apart: Apart) -> None:
    view = apart.tell(apart.told(None, face=None))
    assert view.state is CheckInState.CONDITIONAL
    assert view.reasons == ["chip_not_read"]
    assert view.attempt is not None


def test_evidence_of_another_station_is_refused(apart: Apart, issue: Issue) -> None:
    told = apart.told(issue(BACH))
    spoilt = told.model_copy(update={"evidence_signature": bytes(64)})
    refused(ErrorCode.BAD_SIGNATURE, apart.tell, spoilt)
    assert not apart.checkins()


def test_who_came_too_late_is_flagged(apart: Apart, issue: Issue) -> None:
    apart.world.start_shift()
    late = apart.world.clock.now + timedelta(minutes=16)
    view = apart.tell(apart.told(issue(BACH), at=late))
    assert view.reasons == ["came_too_late"]
    assert view.state is CheckInState.CONDITIONAL


def test_a_candidate_of_another_seat_is_flagged(apart: Apart, issue: Issue) -> None:
    neighbour = apart.world.kiosk("02")
    other = Apart(apart.world, neighbour, apart.placement)
    view = other.tell(other.told(issue(BACH)))
    assert "other_seat" in view.reasons


def test_the_code_of_the_room_where_it_took_place_holds_after_a_move(
    apart: Apart, issue: Issue
) -> None:
    """The officers moved the candidate meanwhile; the proctor at the kiosk typed that room's."""
    told = apart.told(issue(BACH))
    Candidate(apart.world, issue(BACH), None, apart.placement.id).move()
    assert apart.tell(told).reasons == ["other_seat"]


def test_pictures_of_a_doubtful_face_are_kept_for_a_time(apart: Apart, issue: Issue) -> None:
    face = accepted_face(decision="refer", score=0.44)
    picture = PORTRAIT.read_bytes()
    apart.tell(apart.told(issue(BACH), face=face, captures=[picture]))
    with apart.world.server.reading() as session:
        kept = session.scalars(sa.select(SealedPicture)).one()
        assert kept.delete_after > apart.world.clock.now.date()
        assert picture[:64] not in kept.sealed


def test_a_planned_shift_admits_nobody(world: World) -> None:
    kiosk = world.kiosk()
    placement = kiosk.heartbeat().placement
    assert placement is not None
    apart = Apart(world, kiosk, placement)
    refused(ErrorCode.NOT_STARTED, apart.tell, apart.told(None))


def test_answers_follow_under_the_first_lease(apart: Apart, issue: Issue) -> None:
    """The station wrote under the kit's keys; the server takes it up as if it had given them."""
    view = apart.tell(apart.told(issue(BACH)))
    assert view.attempt is not None
    apart.world.start_shift()
    desk = apart.kiosk.lease(view.attempt)
    assert desk.view.epoch == 1
    assert desk.send(desk.answer("i1", None)).sequence == 1


def test_the_neighbour_is_nobody_here(apart: Apart, issue: Issue) -> None:
    wrong = apart.told(issue(BACH)).model_copy(update={"placement": "nobody"})
    refused(ErrorCode.NOT_FOUND, apart.tell, wrong)


def test_two_kiosks_that_took_the_first_lease_are_a_conflict(apart: Apart, issue: Issue) -> None:
    """One station checked the candidate in without network, another one did as well."""
    view = apart.tell(apart.told(issue(BACH)))
    assert view.attempt is not None
    other = Apart(apart.world, apart.world.kiosk("02"), apart.placement)
    other.tell(other.told(issue(BACH)))
    other.tell(other.told(issue(BACH), counter=2))  # told again, it is the same conflict
    with apart.world.server.reading() as session:
        attempt = session.scalars(sa.select(Attempt)).one()
        lease = session.scalars(sa.select(Lease)).one()
        conflict = session.scalars(sa.select(LeaseConflict)).one()
    assert (attempt.epoch, lease.station_id) == (1, apart.kiosk.station)
    assert (conflict.claimant_id, conflict.fork_sequence) == (other.kiosk.station, 0)


def test_what_the_second_of_two_kiosks_wrote_is_kept_aside(apart: Apart, issue: Issue) -> None:
    view = apart.tell(apart.told(issue(BACH)))
    assert view.attempt is not None
    other = Apart(apart.world, apart.world.kiosk("02"), apart.placement)
    other.tell(other.told(issue(BACH)))
    apart.world.start_shift()
    mine, theirs = apart.desk(view.attempt), other.desk(view.attempt)
    assert mine.send(mine.record(Opened("0101"))).sequence == 1
    assert theirs.send(theirs.record(Opened("0101"))).sequence == 1
    with apart.world.server.reading() as session:
        kept = session.scalars(sa.select(JournalRecord)).one()
        aside = session.scalars(sa.select(EvidenceRecord)).one()
    assert (kept.head, aside.head) == (mine.head, theirs.head)


def test_a_room_that_comes_back_after_the_closing_is_heard_and_flagged(
    apart: Apart, issue: Issue
) -> None:
    apart.world.start_shift()
    started, told = apart.world.clock.now, apart.told(issue(BACH))
    apart.world.clock.pass_by(hours=3)
    apart.world.close_shift()
    apart.world.clock.pass_by(hours=1)
    view = apart.tell(told)
    assert view.state is CheckInState.CONDITIONAL
    assert view.reasons == ["told_after_closing"] and view.attempt is not None
    desk = apart.desk(view.attempt)
    at = round(started.timestamp() * 1000) + 60_000
    first = desk.keys.seal(
        Opened("0101"), sequence=1, previous=desk.head, acknowledged=0, at=at, rng=os.urandom
    )
    answer = desk.keys.seal(
        Answered("i1", None), sequence=2, previous=first.head, acknowledged=0, at=at,
        rng=os.urandom,
    )  # fmt: skip
    late = desk.keys.seal(
        Answered("i1", None), sequence=3, previous=answer.head, acknowledged=0,
        at=at + 3 * 3600 * 1000, rng=os.urandom,
    )  # fmt: skip
    assert desk.send(first, answer).sequence == 2
    refused(ErrorCode.ATTEMPT_CLOSED, desk.send, late)  # written when the time was up


def test_a_station_at_another_seat_without_a_proctors_code_admits_nobody(
    apart: Apart, issue: Issue
) -> None:
    other = Apart(apart.world, apart.world.kiosk("02"), apart.placement)
    refused(ErrorCode.NOT_ADMITTED, other.tell, other.told(issue(BACH), code=RoomCode(b"other")))
    assert not apart.checkins()
    with apart.world.server.reading() as session:
        assert not session.scalars(sa.select(Lease)).all()


@pytest.fixture
def stranger(apart: Apart) -> Apart:
    """The station of another seat of the room, whose proctor's code somebody there has heard."""
    return Apart(apart.world, apart.world.kiosk("02"), apart.placement)


def conflicts(world: World) -> list[LeaseConflict]:
    with world.server.reading() as session:
        return list(session.scalars(sa.select(LeaseConflict)))


def test_who_speaks_for_another_seat_opens_nothing_there(apart: Apart, stranger: Apart) -> None:
    """Nobody sits at the candidate's own seat without a tap for it."""
    view = stranger.tell(stranger.told(None))
    assert "other_seat" in view.reasons and view.attempt is not None
    seen = apart.kiosk.heartbeat().placement
    assert seen is not None and seen.tap_first and seen.checkin is None
    refused(ErrorCode.TAP_NEEDED, apart.kiosk.lease, view.attempt)


@pytest.mark.parametrize("first", ["the stranger", "the candidate"])
def test_who_speaks_for_another_seat_takes_nothing_from_the_candidate(
    apart: Apart, stranger: Apart, issue: Issue, first: str
) -> None:
    if first == "the candidate":
        view = apart.kiosk.check_in(issue(BACH))
        stranger.tell(stranger.told(None))
    else:
        stranger.tell(stranger.told(None))
        view = apart.kiosk.check_in(issue(BACH))
    assert view.state is CheckInState.ADMITTED and view.attempt is not None
    apart.world.start_shift()
    desk = apart.kiosk.lease(view.attempt)
    apart.kiosk.open_form(view.attempt)
    assert desk.send(desk.record(Opened("0101")), desk.answer("i1", None)).sequence == 2
    theirs = stranger.desk(view.attempt)
    theirs.send(theirs.record(Opened("0101")))  # kept aside
    assert desk.send(desk.record(Submitted("candidate"))).sequence == 3
    assert desk.submit().receipt
    (conflict,) = conflicts(apart.world)
    assert conflict.claimant_id == stranger.kiosk.station
    with apart.world.server.reading() as session:
        kept = list(session.scalars(sa.select(JournalRecord.head)))
        aside = session.scalars(sa.select(EvidenceRecord)).one()
    assert desk.head in kept and aside.head == theirs.head


def test_the_candidates_own_kiosk_without_network_has_the_lease_whoever_tells_first(
    apart: Apart, stranger: Apart, issue: Issue
) -> None:
    stranger.tell(stranger.told(issue(BACH)))
    view = apart.tell(apart.told(issue(BACH)))
    assert view.attempt is not None
    apart.world.start_shift()
    desk, theirs = apart.desk(view.attempt), stranger.desk(view.attempt)
    theirs.send(theirs.record(Opened("0101")))
    assert desk.send(desk.record(Opened("0101"))).sequence == 1
    with apart.world.server.reading() as session:
        assert session.scalars(sa.select(JournalRecord)).one().head == desk.head
        assert session.scalars(sa.select(Lease)).one().station_id == apart.kiosk.station
    assert [one.claimant_id for one in conflicts(apart.world)] == [stranger.kiosk.station]


def stood_at_the_candidates_seat(apart: Apart, station: str, until: datetime) -> None:
    with apart.world.server.transaction() as session:
        placement = placement_of(session, apart.placement.id)
        session.add(
            Assignment(
                centre_id=placement.centre_id,
                station_id=station,
                seat_id=placement.seat_id,
                since=until - timedelta(hours=1),
                until=until,
            )
        )


def test_who_stood_at_the_seat_in_an_earlier_exam_is_a_stranger_there(
    apart: Apart, stranger: Apart, issue: Issue
) -> None:
    long_ago = apart.world.clock.now - timedelta(days=364)
    stood_at_the_candidates_seat(apart, stranger.kiosk.station, long_ago)
    view = stranger.tell(stranger.told(issue(BACH)))
    assert view.attempt is not None
    apart.world.start_shift()
    theirs = stranger.desk(view.attempt)
    theirs.send(theirs.record(Opened("0101")), theirs.record(Submitted("candidate")))
    assert apart.kiosk.check_in(issue(BACH)).state is CheckInState.ADMITTED
    desk = apart.kiosk.lease(view.attempt)
    assert desk.send(desk.record(Opened("0101"))).sequence == 1
    assert [one.claimant_id for one in conflicts(apart.world)] == [stranger.kiosk.station]


@pytest.mark.parametrize("chip", [True, False])
def test_a_machine_that_left_the_seat_in_this_shift_needs_the_candidates_chip(
    apart: Apart, stranger: Apart, issue: Issue, chip: bool
) -> None:
    """It may have been replaced after the candidate sat there; without a chip any could say so."""
    apart.world.clock.pass_by(minutes=10)
    stood_at_the_candidates_seat(apart, stranger.kiosk.station, apart.world.clock.now)
    view = stranger.tell(stranger.told(issue(BACH) if chip else None))
    assert view.attempt is not None
    with apart.world.server.reading() as session:
        holders = list(session.scalars(sa.select(Lease.station_id)))
    assert holders == ([stranger.kiosk.station] if chip else [])
    assert len(conflicts(apart.world)) == (0 if chip else 1)
    again = stranger.told(issue(BACH), counter=2)
    stranger.tell(again)  # what lies aside stays there until an officer settles it
    with apart.world.server.reading() as session:
        assert list(session.scalars(sa.select(Lease.station_id))) == holders
