"""Check-in with real evidence: who is admitted, referred, refused, and who decides what."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from kiosk import Kiosk, RefusalError, accepted_face
from server_world import BACH, CHAU, FIRST, OFFICE, PORTRAIT, SECOND, World
from sqlalchemy.exc import OperationalError

from card_reader.evidence import ChipEvidence, Freshness
from card_reader.simulator import defects
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.trust.store import Realm, TrustStore
from exam_server.audit import AuditEntry, ServerItself, verify_chain
from exam_server.checkin import chip, service
from exam_server.checkin.attendance import attendance
from exam_server.checkin.judgement import same_name
from exam_server.checkin.models import Basis, CheckIn, PictureKind, SealedPicture
from exam_server.contract import api
from exam_server.contract.api import CheckInState
from exam_server.contract.errors import ErrorCode
from exam_server.errors import NotPossibleError, Objection
from exam_server.proctoring.service import seat_of
from exam_server.proctoring.views import Trouble
from exam_server.results.service import results_of_shift
from exam_server.sealing import Sealed
from tests.databases import row_of

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
            session, checkin, officer=FIRST, admit=admit, reason=reason, now=world.clock.now,
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
        kept = row_of(session, CheckIn, view.id)
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
    assert defect is Defect.FILE_MISSING or "data_group_missing" not in view.reasons
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
        waiting = row_of(session, CheckIn, view.id)
        stored = session.scalars(sa.select(SealedPicture)).all()
        kinds = sorted(row.kind for row in stored)
        assert kinds == [PictureKind.CAPTURE, PictureKind.CAPTURE, PictureKind.PORTRAIT]
        sealing = world.server.sealing
        assert all(sealing.unseal(Sealed.PICTURE, row.id, row.sealed) == JPEG for row in stored)
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
    assert after.reasons == ["refused_by_officer", "face_referred"]
    with world.server.reading() as session:
        rows = results_of_shift(session, world.centre_id, world.shift_id)
    assert [row.registration_number for row in rows if row.refused] == ["01000001"]


def test_only_the_last_check_in_waits(world: World, kiosk: Kiosk, issue: Issue) -> None:
    first = kiosk.check_in(issue(BACH), face=REFERRED_FACE)
    world.clock.pass_by(seconds=30)
    second = kiosk.check_in(issue(BACH), face=REFERRED_FACE)
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
    live = TrustStore((), crls=trust.crls, realm=Realm.LIVE)
    object.__setattr__(world.server, "trust_source", lambda: live)
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


def false_card(issue: Issue, issuer: Issuer, world: World) -> CardProfile:
    return defects.apply(issue(BACH), Defect.CLONE, issuer=issuer, now=world.clock.now)


def unknown_card(issue: Issue, issuer: Issuer, world: World) -> CardProfile:
    return defects.apply(issue(BACH), Defect.UNKNOWN_CSCA, issuer=issuer, now=world.clock.now)


def test_a_refused_chip_is_remembered(
    world: World, kiosk: Kiosk, issue: Issue, issuer: Issuer
) -> None:
    assert kiosk.check_in(false_card(issue, issuer, world)).state is CheckInState.REFUSED
    later = kiosk.check_in(unknown_card(issue, issuer, world))
    assert later.state is CheckInState.REFERRED
    objected(Objection.CHIP_REFUSED, decide, world, later.id, admit=True)
    objected(Objection.CHIP_REFUSED, by_hand, world, later.placement, basis=Basis.CARD_WITHOUT_CHIP)
    made = by_hand(world, later.placement, basis=Basis.PASSPORT)
    assert made.state is CheckInState.CONDITIONAL
    assert made.reasons == ["by_two_officers", "chip_refused_before"]
    with world.server.reading() as session:
        _, seat = seat_of(session, later.placement, world.clock.now)
        assert seat.seated is not None
        assert seat.seated.chip_refused and seat.seated.conditional


def test_a_stray_tap_throws_nobody_out_but_is_looked_at(
    world: World, kiosk: Kiosk, issue: Issue, issuer: Issuer
) -> None:
    admitted = kiosk.check_in(issue(BACH))
    stray = kiosk.check_in(false_card(issue, issuer, world))
    assert stray.state is CheckInState.REFUSED
    world.start_shift()
    kiosk.lease(admitted.attempt)
    kiosk.open_form(admitted.attempt)
    with world.server.reading() as session:
        room, seat = seat_of(session, admitted.placement, world.clock.now)
        line = next(
            row for row in attendance(session, world.centre_id, world.shift_id) if row.state
        )
        result = next(
            row
            for row in results_of_shift(session, world.centre_id, world.shift_id)
            if row.attempt_id
        )
    assert seat.trouble is Trouble.DOUBTED and seat in room.troubled
    assert (line.state, line.reasons) == (CheckInState.ADMITTED, ())
    assert result.conditional
    assert result.checkin_id == stray.id
    with world.server.transaction() as session:
        service.clear(session, stray.id, officer=OFFICE, reason="đã xem", now=world.clock.now)
    kiosk.heartbeat(staged=[package.id for package in kiosk.heartbeat().packages])
    with world.server.reading() as session:
        _, seat = seat_of(session, admitted.placement, world.clock.now)
        result = next(
            row
            for row in results_of_shift(session, world.centre_id, world.shift_id)
            if row.attempt_id
        )
    assert seat.trouble is None and not result.conditional


def test_a_referral_after_the_admission_can_be_decided(
    world: World, kiosk: Kiosk, issue: Issue
) -> None:
    kiosk.check_in(issue(BACH))
    doubted = kiosk.check_in(issue(BACH), face=REFERRED_FACE)
    decide(world, doubted.id, admit=True)
    with world.server.reading() as session:
        result = next(
            row
            for row in results_of_shift(session, world.centre_id, world.shift_id)
            if row.attempt_id
        )
    assert not result.conditional


@pytest.mark.parametrize(
    ("left_away", "state", "reason"),
    [
        ("EF.DG13", CheckInState.REFERRED, "full_name_missing"),
        ("EF.DG14", CheckInState.REFUSED, "data_group_missing"),
        ("EF.DG15", CheckInState.REFUSED, "data_group_missing"),
    ],
)
def test_a_station_cannot_leave_a_file_away(
    kiosk: Kiosk, issue: Issue, left_away: str, state: CheckInState, reason: str
) -> None:
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    whole = ChipEvidence.from_bytes(kiosk.read(issue(BACH), placement, challenge))
    files = {name: raw for name, raw in whole.files.items() if name != left_away}
    evidence = replace(whole, files=files).to_bytes()
    view = kiosk.send_check_in(
        kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
    )
    assert view.state is state
    assert reason in view.reasons


def test_what_an_unproven_card_says_is_what_its_sod_covers(
    world: World, kiosk: Kiosk, issue: Issue
) -> None:
    """A DG13 that the SOD does not list says nothing; the MRZ's name is compared."""
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    whole = ChipEvidence.from_bytes(kiosk.read(issue(BACH), placement, challenge))
    other = issue(replace(BACH, name="Nguyễn Hoàng Bạch"))
    foreign = ChipEvidence.from_bytes(kiosk.read(other, placement, kiosk.challenge(placement.id)))
    groups = {number: whole.files[f"EF.DG{number}"] for number in (1, 2, 14, 15)}
    sod = Issuer.generate(now=world.clock.now).sign(groups, now=world.clock.now)
    files = {**whole.files, "EF.SOD": sod, "EF.DG13": foreign.files["EF.DG13"]}
    evidence = replace(whole, files=files).to_bytes()
    view = kiosk.send_check_in(
        kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())
    )
    assert view.state is CheckInState.REFERRED
    assert {"no_anchor", "data_group_not_in_sod"} <= set(view.reasons)
    assert "name_differs" not in view.reasons


def test_without_a_fresh_revocation_list_a_person_decides(
    world: World, kiosk: Kiosk, issue: Issue, trust: TrustStore
) -> None:
    stale = replace(trust.crls[0], next_update=world.clock.now - timedelta(days=1))
    for lists, also in (((), []), ((stale,), ["crl_stale"])):
        store = TrustStore(trust.anchors, crls=lists, realm=Realm.TEST)
        object.__setattr__(world.server, "trust_source", lambda store=store: store)
        view = kiosk.check_in(issue(BACH))
        assert view.state is CheckInState.REFERRED
        assert view.reasons == [*also, "revocation_not_checked"]


def test_a_check_in_goes_on_where_the_server_failed_half_way(
    kiosk: Kiosk, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    evidence = kiosk.read(issue(BACH), placement, challenge)
    request = kiosk.check_in_request(placement.id, challenge.id, evidence, face=accepted_face())

    def locked(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(chip, "conclude", locked)
        refused(ErrorCode.TOO_BUSY, kiosk.send_check_in, request)
    other = kiosk.check_in_request(
        placement.id, challenge.id, evidence[:-1] + bytes([evidence[-1] ^ 1]), face=accepted_face()
    )
    refused(ErrorCode.CHALLENGE_INVALID, kiosk.send_check_in, other)
    view = kiosk.send_check_in(request)
    assert view.state is CheckInState.ADMITTED
    assert kiosk.send_check_in(request) == view


def test_without_consent_no_face_record_is_kept(world: World, kiosk: Kiosk, issue: Issue) -> None:
    view = kiosk.check_in(issue(BACH), consent=False)
    with world.server.reading() as session:
        assert row_of(session, CheckIn, view.id).face is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("score", float("nan")),
        ("score", -0.1),
        ("refer_threshold", float("inf")),
        ("decision", "welcome"),
        ("liveness", "certainly"),
        ("frames", 2**70),
        ("quality", {"sharpness": float("nan")}),
    ],
)
def test_a_face_record_beyond_reason_is_no_request(
    kiosk: Kiosk, issue: Issue, field: str, value: object
) -> None:
    placement = kiosk.heartbeat().placement
    challenge = kiosk.challenge(placement.id)
    evidence = kiosk.read(issue(BACH), placement, challenge)
    request = kiosk.check_in_request(placement.id, challenge.id, evidence, face=REFERRED_FACE)
    body = json.loads(request.model_dump_json())
    body["face"][field] = value
    answer = kiosk.send("POST", "/checkins", json.dumps(body).encode())
    assert answer.status_code == 400
    assert api.Refusal.model_validate_json(answer.content).code is ErrorCode.BAD_REQUEST


def test_a_photograph_taken_by_hand_is_no_consent_to_compare_faces(
    world: World, kiosk: Kiosk
) -> None:
    placement = kiosk.heartbeat().placement
    assert placement is not None
    assert not by_hand(world, placement.id, photograph=JPEG).consent
