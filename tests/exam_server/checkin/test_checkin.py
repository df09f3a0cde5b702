"""Check-in with real evidence: who is admitted, referred, refused, and who decides what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from kiosk import Kiosk, RefusalError, accepted_face
from server_world import BACH, CHAU, FIRST, OFFICE, PORTRAIT, SECOND, World

from card_reader.evidence import ChipEvidence, Freshness
from card_reader.simulator import defects
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.trust.store import Realm, TrustStore
from exam_server.audit import AuditEntry, ServerItself, verify_chain
from exam_server.checkin import service
from exam_server.checkin.judgement import same_name
from exam_server.checkin.models import Basis, CheckIn, PictureKind, SealedPicture
from exam_server.contract import api
from exam_server.contract.api import CheckInState
from exam_server.contract.errors import ErrorCode
from exam_server.errors import NotPossibleError, Objection
from exam_server.sealing import Sealed
from exam_server.shifts.models import Placement

Issue = Callable[..., CardProfile]
JPEG = PORTRAIT.read_bytes()
REFERRED_FACE = accepted_face(decision="refer", score=0.44)


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    world.open_shift()
    return world.kiosk()


def refused(code: ErrorCode, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(RefusalError) as refusal:
        call(*arguments)
    assert refusal.value.code is code


def objected(objection: Objection, call: Callable[..., object], *arguments, **more) -> None:
    with pytest.raises(NotPossibleError) as error:
        call(*arguments, **more)
    assert error.value.objection is objection


def decide(world: World, checkin: str, *, admit: bool, reason: str = "đúng người") -> CheckIn:
    with world.server.transaction() as session:
        return service.decide(
            session, checkin, officer=FIRST, admit=admit, reason=reason,
            keys=world.server.keys, now=world.clock.now,
        )  # fmt: skip


def by_hand(world: World, placement: str, **changes) -> CheckIn:
    fields = {
        "first": FIRST, "second": SECOND, "basis": Basis.PASSPORT, "reason": "chip hỏng",
        "photograph": JPEG, "keys": world.server.keys, "settings": world.server.settings,
        "now": world.clock.now,
    }  # fmt: skip
    with world.server.transaction() as session:
        return service.admit_manually(session, placement, **{**fields, **changes})


def test_a_good_card_and_face_are_admitted_and_no_picture_is_kept(
    world: World, kiosk: Kiosk, issue: Issue
) -> None:
    view = kiosk.check_in(issue(BACH), captures=(JPEG,))
    assert (view.state, view.reasons) == (CheckInState.ADMITTED, [])
    with world.server.reading() as session:
        kept = session.get_one(CheckIn, view.id)
        assert kept.report["verdict"] == "authentic"
        assert kept.report["active_authentication"] == "passed"
        raw = world.server.sealing.unseal(Sealed.EVIDENCE, kept.id, kept.evidence)
        assert "EF.DG2" not in ChipEvidence.from_bytes(raw).files
        assert session.scalars(sa.select(SealedPicture)).all() == []
        assert verify_chain(session).fault is None


@pytest.mark.parametrize(
    ("defect", "reason"),
    [
        (Defect.PORTRAIT_EXCHANGED, "data_group_mismatch"),
        (Defect.KEY_EXCHANGED, "data_group_mismatch"),
        (Defect.CLONE, "active_authentication_failed"),
        (Defect.SIGNATURE_BROKEN, "signature_invalid"),
        (Defect.SIGNER_REVOKED, "signer_revoked"),
        (Defect.FILE_MISSING, "active_authentication_missing"),
    ],
)
def test_a_false_chip_is_refused_with_its_reason_and_admits_nobody(
    world: World, kiosk: Kiosk, issue: Issue, issuer: Issuer, defect: Defect, reason: str
) -> None:
    card = defects.apply(
        issue(BACH), defect, issuer=issuer, portrait=JPEG + b"\0", now=world.clock.now
    )
    view = kiosk.check_in(card)
    assert view.state is CheckInState.REFUSED
    assert reason in view.reasons
    assert view.attempt is None
    objected(Objection.WRONG_STATE, decide, world, view.id, admit=True)
    objected(Objection.CHIP_REFUSED, by_hand, world, view.placement, basis=Basis.CARD_WITHOUT_CHIP)


def test_an_unknown_issuer_is_unproven_and_the_proctor_decides(
    world: World, kiosk: Kiosk, issue: Issue, issuer: Issuer
) -> None:
    card = defects.apply(issue(BACH), Defect.UNKNOWN_CSCA, issuer=issuer, now=world.clock.now)
    view = kiosk.check_in(card)
    assert view.state is CheckInState.REFERRED
    assert "no_anchor" in view.reasons
    decide(world, view.id, admit=True)
    assert kiosk.checkin_view(view.id).state is CheckInState.ADMITTED


def test_another_persons_card_is_refused(world: World, kiosk: Kiosk, issue: Issue) -> None:
    """The chip opens with the keys of its own number; a station that lies reads it all the same."""
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    seat = placement.model_copy(
        update={"citizen_number": CHAU.number, "date_of_birth": CHAU.date_of_birth}
    )
    evidence = kiosk.read(issue(CHAU), seat, challenge)
    view = kiosk.send_check_in(
        kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
    )
    assert view.state is CheckInState.REFUSED
    assert "number_differs" in view.reasons


@pytest.mark.parametrize(
    ("holder", "reason"),
    [
        (replace(BACH, name="Nguyễn Hoàng Bạch"), "name_differs"),
        (replace(BACH, date_of_issue=date(2021, 6, 1)), None),
    ],
)
def test_what_the_card_says_is_compared_with_the_roster(
    kiosk: Kiosk, issue: Issue, holder: Holder, reason: str | None
) -> None:
    view = kiosk.check_in(issue(holder))
    assert view.reasons == ([reason] if reason else [])
    assert view.state is (CheckInState.REFERRED if reason else CheckInState.ADMITTED)


@pytest.mark.parametrize(
    "face",
    [
        accepted_face(score=0.41),
        accepted_face(score=0.41, accept_threshold=0.60),
        accepted_face(score=None),
        accepted_face(score=-1.0),
        accepted_face(fusion="single_four_views"),
        accepted_face(fusion="my_own_fusion"),
        accepted_face(frames=0),
    ],
)
def test_an_acceptance_that_cannot_be_true_is_refused(
    kiosk: Kiosk, issue: Issue, face: api.FaceRecord
) -> None:
    view = kiosk.check_in(issue(BACH), face=face)
    assert view.state is CheckInState.REFUSED
    assert view.reasons == ["face_record_implausible"]


def test_a_doubtful_face_goes_to_the_proctor_with_sealed_pictures(
    world: World, kiosk: Kiosk, issue: Issue
) -> None:
    view = kiosk.check_in(issue(BACH), face=REFERRED_FACE, captures=(JPEG, JPEG))
    assert (view.state, view.reasons) == (CheckInState.REFERRED, ["face_referred"])
    with world.server.transaction() as session:
        room = kiosk.heartbeat().room
        assert room == "P.101"
        waiting = session.get_one(CheckIn, view.id)
        seen = service.pictures(
            session, view.id, officer=FIRST, sealing=world.server.sealing, now=world.clock.now
        )
        kinds = [kind for kind, _ in seen]
        assert kinds == [PictureKind.CAPTURE, PictureKind.CAPTURE, PictureKind.PORTRAIT]
        assert all(picture == JPEG for _, picture in seen)
        stored = session.scalars(sa.select(SealedPicture)).all()
        assert all(JPEG[:64] not in row.sealed for row in stored)
        assert waiting.state is CheckInState.REFERRED
    objected(Objection.REASON_MISSING, decide, world, view.id, admit=True, reason="  ")
    decide(world, view.id, admit=True)
    admitted = kiosk.checkin_view(view.id)
    assert admitted.state is CheckInState.ADMITTED
    assert admitted.attempt is not None
    objected(Objection.WRONG_STATE, decide, world, view.id, admit=False)


def test_the_proctor_may_say_no(world: World, kiosk: Kiosk, issue: Issue) -> None:
    view = kiosk.check_in(issue(BACH), face=REFERRED_FACE)
    decide(world, view.id, admit=False, reason="không đúng người")
    after = kiosk.checkin_view(view.id)
    assert (after.state, after.attempt) == (CheckInState.REFUSED, None)


def test_only_the_last_check_in_waits(world: World, kiosk: Kiosk, issue: Issue) -> None:
    first = kiosk.check_in(issue(BACH), face=REFERRED_FACE)
    world.clock.pass_by(seconds=30)
    second = kiosk.check_in(issue(BACH), face=REFERRED_FACE)
    with world.server.reading() as session:
        room = session.get_one(CheckIn, second.id)
        placement = room.placement_id
        waiting = service.pending(session, session.get_one(Placement, placement).room_id)
    assert [row.id for row in waiting] == [second.id]
    objected(Objection.WRONG_STATE, decide, world, first.id, admit=True)
    assert kiosk.checkin_view(first.id).id == second.id


def test_pictures_are_deleted_by_their_date(world: World, kiosk: Kiosk, issue: Issue) -> None:
    kiosk.check_in(issue(BACH), face=REFERRED_FACE, captures=(JPEG,))
    today = world.clock.now.date()
    limit = timedelta(days=world.server.settings.retention_days)
    for day, deleted in ((today + limit, 0), (today + limit + timedelta(days=1), 2)):
        with world.server.transaction() as session:
            count = service.purge_pictures(
                session, today=day, actor=ServerItself(), now=world.clock.now
            )
        assert count == deleted


def test_without_consent_only_two_officers_admit(world: World, kiosk: Kiosk, issue: Issue) -> None:
    view = kiosk.check_in(issue(BACH), consent=False, face=None, captures=(JPEG,))
    assert (view.state, view.reasons) == (CheckInState.REFERRED, ["no_consent"])
    with world.server.reading() as session:
        assert session.scalars(sa.select(SealedPicture)).all() == []
    objected(Objection.TWO_OFFICERS_NEEDED, decide, world, view.id, admit=True)
    by_hand(world, view.placement, photograph=None, basis=Basis.CARD_WITHOUT_CHIP)
    after = kiosk.checkin_view(view.id)
    assert after.state is CheckInState.CONDITIONAL
    assert after.attempt is not None


def test_two_officers_are_two_and_say_why(world: World, kiosk: Kiosk) -> None:
    placement = kiosk.heartbeat().placement.id
    objected(Objection.SAME_OFFICER, by_hand, world, placement, second=FIRST)
    objected(Objection.REASON_MISSING, by_hand, world, placement, reason="")
    objected(Objection.BAD_VALUE, by_hand, world, placement, basis=Basis.CHIP)
    objected(Objection.BAD_VALUE, by_hand, world, placement, photograph=b"GIF89a")
    objected(Objection.NOT_FOUND, by_hand, world, "nobody")
    checkin = by_hand(world, placement)
    objected(Objection.ALREADY_ADMITTED, by_hand, world, placement)
    assert kiosk.heartbeat().placement.attempt is not None

    def clear(officer, reason="đã đối chiếu hồ sơ"):
        with world.server.transaction() as session:
            service.clear(session, checkin.id, officer=officer, reason=reason, now=world.clock.now)

    objected(Objection.SAME_OFFICER, clear, SECOND)
    objected(Objection.REASON_MISSING, clear, OFFICE, " ")
    clear(OFFICE)
    objected(Objection.WRONG_STATE, clear, OFFICE)
    with world.server.reading() as session:
        actions = session.scalars(sa.select(AuditEntry.action)).all()
    assert {"checkin_by_two_officers", "condition_cleared"} <= set(actions)


def test_a_challenge_is_used_once_in_time_by_its_station(
    world: World, kiosk: Kiosk, issue: Issue
) -> None:
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    evidence = kiosk.read(issue(BACH), placement, challenge)
    request = kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
    other = world.kiosk(seat="02")
    refused(ErrorCode.PLACEMENT_ELSEWHERE, other.send_check_in, request)
    first = kiosk.send_check_in(request)
    assert kiosk.send_check_in(request) == first, "sent again after a lost answer"
    changed = kiosk.check_in_request(
        placement.id, challenge.id, evidence[:-1] + bytes([evidence[-1] ^ 1]), face=accepted_face()
    )
    refused(ErrorCode.CHALLENGE_INVALID, kiosk.send_check_in, changed)
    late = kiosk.challenge(placement.id)
    evidence = kiosk.read(issue(BACH), placement, late)
    world.clock.pass_by(seconds=61)
    refused(
        ErrorCode.CHALLENGE_INVALID,
        kiosk.send_check_in,
        kiosk.check_in_request(placement.id, late.id, evidence, face=accepted_face()),
    )


def test_evidence_over_another_challenge_is_refused(kiosk: Kiosk, issue: Issue) -> None:
    placement = kiosk.heartbeat().placement
    old, new = kiosk.challenge(placement.id), kiosk.challenge(placement.id)
    evidence = kiosk.read(issue(BACH), placement, old)
    view = kiosk.send_check_in(
        kiosk.check_in_request(placement.id, new.id, evidence, face=accepted_face())
    )
    assert view.state is CheckInState.REFUSED
    assert "challenge_mismatch" in view.reasons


def test_a_challenge_of_lower_freshness_is_referred(kiosk: Kiosk, issue: Issue) -> None:
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    evidence = kiosk.read(issue(BACH), placement, challenge, Freshness.STATION)
    view = kiosk.send_check_in(
        kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
    )
    assert (view.state, view.reasons) == (CheckInState.REFERRED, ["challenge_not_from_server"])


def test_evidence_must_be_signed_and_whole(world: World, kiosk: Kiosk, issue: Issue) -> None:
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    evidence = kiosk.read(issue(BACH), placement, challenge)
    request = kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
    unsigned = request.model_copy(update={"evidence_signature": bytes(64)})
    refused(ErrorCode.BAD_SIGNATURE, kiosk.send_check_in, unsigned)
    gif = request.model_copy(update={"captures": [b"GIF89a"]})
    refused(ErrorCode.BAD_REQUEST, kiosk.send_check_in, gif)
    hostile = kiosk.check_in_request(placement.id, challenge.id, b"\x9f" * 100)
    refused(ErrorCode.EVIDENCE_MALFORMED, kiosk.send_check_in, hostile)


def test_nobody_enters_late_but_who_was_in_comes_back(
    world: World, kiosk: Kiosk, issue: Issue
) -> None:
    kiosk.check_in(issue(BACH))
    second = world.kiosk(seat="02")
    waiting = second.check_in(issue(CHAU), face=REFERRED_FACE)
    world.clock.pass_by(minutes=1)
    world.start_shift()
    world.clock.pass_by(minutes=15, seconds=1)
    assert kiosk.check_in(issue(BACH)).state is CheckInState.ADMITTED
    refused(ErrorCode.TOO_LATE, second.check_in, issue(CHAU))
    # She tapped in time: deciding took the proctor long.
    decide(world, waiting.id, admit=True)
    assert second.heartbeat().ledger is not None
    third = world.kiosk(seat="03").heartbeat().placement.id
    objected(Objection.TOO_LATE, by_hand, world, third)


def test_no_check_in_before_the_shift_opens(world: World) -> None:
    kiosk = world.kiosk()
    placement = kiosk.heartbeat().placement
    refused(ErrorCode.NOT_STARTED, kiosk.challenge, placement.id)


def test_a_store_of_the_other_realm_refuses(
    issue: Issue, trust: TrustStore, kiosk: Kiosk, world: World
) -> None:
    live = TrustStore(trust.anchors, realm=Realm.LIVE)
    object.__setattr__(world.server, "trust", live)
    view = kiosk.check_in(issue(BACH))
    assert view.state is CheckInState.REFUSED
    assert "realm_mismatch" in view.reasons


@pytest.mark.parametrize(
    ("roster", "full_name", "mrz", "same"),
    [
        ("Vũ Gia Hòa", "VŨ GIA HOÀ", "", True),
        ("Đặng Thị Ánh", "Đặng Thị Anh", "", False),
        ("Đặng  Thị Ánh", None, "DANG<<THI<ANH", True),
        ("Đặng Thị Ánh", None, "DANG THI AN", False),
        ("Nguyễn Hoàng Phương Bảo Trân Anh Thư", None, "NGUYEN HOANG PHUONG BAO TRAN A", True),
        ("Nguyễn Hoàng Phương Bảo Trân Bích", None, "NGUYEN HOANG PHUONG BAO TRAN A", False),
    ],
)
def test_names(roster: str, full_name: str | None, mrz: str, same: bool) -> None:
    assert same_name(roster, full_name=full_name, mrz_name=mrz) is same
