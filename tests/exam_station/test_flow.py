"""The kiosk's behaviour: the way through it, the ways it must not go, and anything at any time."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from station_papers import FORM, NOON, placement, seat

from exam_server.contract import api, records
from exam_server.contract.errors import ErrorCode
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_station.flow import effects, events, transition
from exam_station.flow.effects import Effect
from exam_station.flow.events import Event
from exam_station.flow.states import (
    CardProblem,
    CardReading,
    CardRefused,
    CardTrouble,
    CheckingIn,
    ConfirmSubmit,
    Consent,
    Devices,
    Face,
    FaceResult,
    Frame,
    Language,
    NoShift,
    Notice,
    NoticeCode,
    Opening,
    OutOfOrder,
    Paused,
    Problem,
    Reading,
    ReceiptShown,
    Referred,
    Starting,
    State,
    Status,
    Submitting,
    TimeUp,
    Waiting,
    Welcome,
    Writing,
)
from exam_station.sitting import Sitting
from question_bank.response import ChoiceResponse, NumericResponse

READY = Devices((), reader_ready=True, camera_ready=True)
READING = CardReading("challenge-1", b"evidence", b"signature", b"portrait", "unproven")
RECORD = api.FaceRecord(
    decision="accept",
    score=0.3,
    accept_threshold=0.38,
    refer_threshold=0.5,
    fusion="mean_of_three_four_views",
    model="m",
    frames=9,
    attempts=1,
)
FACE = FaceResult(RECORD)
LEDGER = Ledger(timedelta(minutes=90), started=NOON)
FRAME = Frame(1, 1, b"rgb")
SITTING = Sitting.begin(FORM)[0]
RECEIPT = Receipt("t1", "test", "010001", "Toán", "0101", 5, b"h" * 32, 3, NOON)
START = State(status=Status(realm="test"))


class Kiosk:
    """Pushes events through and keeps the last effects."""

    def __init__(self, state: State = START) -> None:
        self.state = state
        self.effects: tuple[Effect, ...] = ()

    def __call__(self, *some: Event) -> "Kiosk":
        for event in some:
            self.state, self.effects = transition(self.state, event)
        return self

    @property
    def screen(self) -> object:
        return self.state.screen

    @property
    def turn(self) -> int:
        return self.state.turn

    def wanted(self, kind: type) -> list:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def decided(
        self, state: api.CheckInState, *reasons: str, attempt: str | None = None
    ) -> "Kiosk":
        return self(
            events.CheckInAnswered(self.turn, checkin_view(state, *reasons, attempt=attempt))
        )


def checkin_view(
    state: api.CheckInState, *reasons: str, attempt: str | None = None
) -> api.CheckInView:
    return api.CheckInView(
        id="c1", placement="p1", state=state, reasons=reasons, attempt=attempt, server_time=NOON
    )


def beat(view: api.SeatView) -> events.BeatAnswered:
    return events.BeatAnswered(view)


ADMITTED = placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.ADMITTED)
STARTED = api.ShiftState.STARTED


def at_welcome() -> Kiosk:
    return Kiosk()(events.Tick(0.0, None), events.DevicesSeen(READY), beat(seat(placement())))


def at_face() -> Kiosk:
    kiosk = at_welcome()(events.CardInserted())
    return kiosk(events.CardRead(kiosk.turn, READING), events.UserAgreed())


def at_waiting() -> Kiosk:
    kiosk = at_face()
    kiosk(events.FaceDecided(kiosk.turn, FACE))
    return kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")


def at_writing() -> Kiosk:
    kiosk = at_waiting()(events.LeaseTaken("t1"), beat(seat(ADMITTED, STARTED)))
    return kiosk(events.FormOpened("t1", SITTING, LEDGER, NOON))


def test_the_whole_way_from_the_tap_to_the_receipt() -> None:
    kiosk = Kiosk()
    assert isinstance(kiosk.screen, Starting)
    kiosk(events.Tick(0.0, None))
    assert kiosk.wanted(effects.Beat)
    kiosk(beat(seat(placement())))
    assert isinstance(kiosk.screen, Starting)
    kiosk(events.DevicesSeen(READY))
    assert isinstance(kiosk.screen, Welcome)
    kiosk(events.CardInserted())
    [read] = kiosk.wanted(effects.ReadCard)
    assert isinstance(kiosk.screen, Reading) and read.placement.id == "p1"
    kiosk(events.ReadingStepped(read.turn, "EF.SOD", 3, 9))
    assert kiosk.screen == replace(kiosk.screen, step="EF.SOD", done=3, total=9)
    kiosk(events.ReadingStepped(read.turn, "EF.DG2", 4, 9, b"portrait"))
    kiosk(events.ReadingStepped(read.turn, "EF.DG13", 5, 9))
    assert kiosk.screen.portrait == b"portrait" and b"portrait" not in repr(kiosk.state).encode()
    kiosk(events.CardRead(read.turn, READING))
    assert isinstance(kiosk.screen, Consent)
    kiosk(events.UserAgreed())
    [camera] = kiosk.wanted(effects.StartCamera)
    assert camera.portrait == b"portrait"
    kiosk(events.FrameSeen(camera.turn, FRAME, "too_far", 2, 1))
    assert isinstance(kiosk.screen, Face) and kiosk.screen.frame == FRAME
    assert (kiosk.screen.tries, kiosk.screen.pictures) == (2, 1)
    kiosk(events.FaceDecided(camera.turn, FACE))
    [sent] = kiosk.wanted(effects.CheckIn)
    assert kiosk.wanted(effects.StopCamera) and sent.consent and sent.face == FACE
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert isinstance(kiosk.screen, Waiting) and not kiosk.screen.conditional
    assert kiosk.wanted(effects.FetchLease) == [effects.FetchLease("t1")]
    kiosk(events.LeaseTaken("t1"), beat(seat(ADMITTED)))
    assert isinstance(kiosk.screen, Waiting) and kiosk.screen.leased
    kiosk(beat(seat(ADMITTED, STARTED)))
    assert isinstance(kiosk.screen, Opening)
    assert kiosk.wanted(effects.OpenForm) == [effects.OpenForm("t1")]
    kiosk(events.FormOpened("t1", SITTING, LEDGER, NOON))
    assert isinstance(kiosk.screen, Writing)
    kiosk(events.UserAnswered("a", ChoiceResponse(("o1",))))
    [write] = kiosk.wanted(effects.WriteRecord)
    assert write.body == records.Answered("a", {"kind": "single", "options": ["o1"]})
    kiosk(events.UserWentTo("d"), events.UserFlagged("d", True), events.UserAskedSubmit())
    assert isinstance(kiosk.screen, ConfirmSubmit)
    assert kiosk.screen.writing.sitting.counts.flagged == 1
    kiosk(events.UserConfirmedSubmit())
    assert isinstance(kiosk.screen, Submitting) and kiosk.screen.by == "candidate"
    assert [type(effect) for effect in kiosk.effects] == [effects.WriteRecord, effects.Submit]
    kiosk(events.HeadFixed("t1", "AAAA-BBBB"))
    assert kiosk.screen.head_code == "AAAA-BBBB"
    kiosk(events.ReceiptArrived("t1", RECEIPT))
    assert isinstance(kiosk.screen, ReceiptShown) and kiosk.wanted(effects.CloseAttempt)
    kiosk(beat(seat(placement(id="p2", candidate_name="Trần Văn Nam"))))
    assert isinstance(kiosk.screen, Welcome) and kiosk.screen.candidate.name == "Trần Văn Nam"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (None, Problem.NO_SERVER),
        (ErrorCode.NO_SEAT, Problem.NO_SEAT),
        (ErrorCode.STATION_REVOKED, Problem.NOT_ENROLLED),
        (ErrorCode.WRONG_REALM, Problem.WRONG_REALM),
        (ErrorCode.INTERNAL, Problem.SERVER_REFUSES),
    ],
)
def test_an_idle_kiosk_says_what_is_wrong_and_recovers(
    code: ErrorCode | None, problem: Problem
) -> None:
    kiosk = at_welcome()(events.BeatFailed(code))
    assert kiosk.screen == OutOfOrder((problem,))
    assert kiosk.state.status.connected is (code is not None)
    kiosk(beat(seat(placement())))
    assert isinstance(kiosk.screen, Welcome)


def test_missing_devices_and_foreign_realms_keep_the_kiosk_closed() -> None:
    kiosk = at_welcome()(events.DevicesSeen(Devices((Problem.NO_READER, Problem.NO_CAMERA))))
    assert kiosk.screen == OutOfOrder((Problem.NO_READER, Problem.NO_CAMERA))
    kiosk(events.CardInserted())
    assert not kiosk.wanted(effects.ReadCard)
    kiosk(events.DevicesSeen(READY), beat(seat(placement(), realm="live")))
    assert kiosk.screen == OutOfOrder((Problem.WRONG_REALM,))
    kiosk(beat(seat(None, centre=None, room=None, seat=None)))
    assert kiosk.screen == OutOfOrder((Problem.NO_SEAT,))


def test_outside_check_in_hours_nobody_taps() -> None:
    kiosk = at_welcome()(beat(seat(placement(), api.ShiftState.PLANNED)), events.CardInserted())
    assert isinstance(kiosk.screen, NoShift)
    kiosk = at_welcome()(beat(seat(None)), events.CardInserted())
    assert isinstance(kiosk.screen, Welcome) and kiosk.screen.candidate is None
    assert not kiosk.effects


def test_a_card_that_lies_there_already_is_read_once() -> None:
    kiosk = Kiosk()(events.CardInserted(), events.DevicesSeen(READY), beat(seat(placement())))
    assert isinstance(kiosk.screen, Reading)
    kiosk(events.CardFailed(kiosk.turn, CardTrouble.ACCESS_DENIED), beat(seat(placement())))
    assert isinstance(kiosk.screen, CardProblem)


def test_a_failed_tap_can_be_repeated() -> None:
    kiosk = at_welcome()(events.CardInserted())
    first = kiosk.turn
    kiosk(events.CardFailed(first, CardTrouble.CARD_REMOVED), events.CardRemoved())
    assert isinstance(kiosk.screen, CardProblem)
    assert not kiosk(events.UserRetry()).effects
    kiosk(events.CardInserted())
    assert isinstance(kiosk.screen, Reading) and kiosk.turn > first
    kiosk(events.CardRead(first, READING))
    assert isinstance(kiosk.screen, Reading)


def test_a_card_that_slips_while_it_is_read_is_asked_for_and_read_on() -> None:
    kiosk = at_welcome()(events.CardInserted())
    turn = kiosk.turn
    assert kiosk(events.CardRemoved()).screen.slipped
    kiosk(events.CardInserted())
    assert isinstance(kiosk.screen, Reading) and not kiosk.screen.slipped
    assert kiosk.turn == turn
    kiosk(events.CardRead(turn, READING))
    assert isinstance(kiosk.screen, Consent)


def test_without_a_citizen_number_the_card_cannot_be_opened() -> None:
    kiosk = at_welcome()(beat(seat(placement(citizen_number=None))), events.CardInserted())
    assert kiosk.screen.reason is CardTrouble.NO_IDENTITY_DATA
    assert not kiosk.wanted(effects.ReadCard)


def test_a_refused_chip_goes_to_the_server_without_any_face() -> None:
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, replace(READING, verdict="refused")))
    [sent] = kiosk.wanted(effects.CheckIn)
    assert (sent.consent, sent.face) == (False, None)
    kiosk.decided(api.CheckInState.REFUSED, "data_group_mismatch")
    assert kiosk.screen == CardRefused(kiosk.screen.candidate, ("data_group_mismatch",))
    kiosk(events.UserAgreed(), events.UserRetry(), beat(seat(placement(checkin="c1"))))
    assert isinstance(kiosk.screen, CardRefused)


def test_who_declines_the_camera_goes_the_proctors_way() -> None:
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, READING), events.UserDeclined())
    [sent] = kiosk.wanted(effects.CheckIn)
    assert (sent.consent, sent.face) == (False, None)
    kiosk.decided(api.CheckInState.REFERRED, "no_consent")
    assert isinstance(kiosk.screen, Referred)
    kiosk(beat(seat(placement(checkin="c1"))))
    assert kiosk.wanted(effects.AskCheckIn) == [effects.AskCheckIn(kiosk.turn, "c1")]
    kiosk.decided(api.CheckInState.CONDITIONAL, attempt="t1")
    assert isinstance(kiosk.screen, Waiting) and kiosk.screen.conditional


def test_a_manual_check_in_shows_up_by_itself() -> None:
    troubled = at_welcome()(events.CardInserted(), events.CardFailed(1, CardTrouble.NO_CARD))
    for kiosk in (at_welcome(), troubled):
        kiosk(beat(seat(ADMITTED)))
        assert kiosk.wanted(effects.AskCheckIn) == [effects.AskCheckIn(kiosk.turn, "c1")]
        kiosk.decided(api.CheckInState.CONDITIONAL, attempt="t1")
        assert isinstance(kiosk.screen, Waiting) and kiosk.screen.conditional


def test_a_check_in_that_does_not_reach_the_server_is_sent_again() -> None:
    kiosk = at_face()
    kiosk(events.FaceDecided(kiosk.turn, FACE), events.CheckInFailed(kiosk.turn))
    kiosk(events.CheckInFailed(kiosk.turn))
    assert isinstance(kiosk.screen, CheckingIn)
    kiosk(events.Tick(1.0, NOON))
    assert not kiosk.wanted(effects.CheckIn)
    kiosk(events.Tick(4.0, NOON))
    [again] = kiosk.wanted(effects.CheckIn)
    assert (again.face, again.reading) == (FACE, READING)


def test_a_stale_challenge_asks_for_another_tap_but_not_for_consent_again() -> None:
    kiosk = at_face()
    kiosk(events.FaceDecided(kiosk.turn, FACE))
    kiosk(events.CardRemoved(), events.CheckInFailed(kiosk.turn, ErrorCode.CHALLENGE_INVALID))
    assert kiosk.screen.reason is CardTrouble.TOO_SLOW
    kiosk(events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, READING))
    assert isinstance(kiosk.screen, Face)


SOON = replace(READING, expires_at=NOON + timedelta(seconds=19))
FRESH = replace(SOON, challenge="challenge-2", expires_at=NOON + timedelta(seconds=60))


def test_a_challenge_that_ran_out_over_the_consent_is_renewed_while_the_card_lies_there() -> None:
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, SOON), events.UserAgreed())
    kiosk(events.FaceDecided(kiosk.turn, FACE))
    assert isinstance(kiosk.screen, Reading) and kiosk.wanted(effects.ReadCard)
    kiosk(events.CardRead(kiosk.turn, FRESH))
    [sent] = kiosk.wanted(effects.CheckIn)
    assert (sent.reading, sent.consent, sent.face) == (FRESH, True, FACE)
    kiosk(events.CheckInFailed(kiosk.turn, ErrorCode.CHALLENGE_INVALID))
    assert kiosk.screen.reason is CardTrouble.TOO_SLOW  # once, not for ever


def test_a_face_compared_with_another_portrait_does_not_count_for_the_card_read_again() -> None:
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, SOON), events.UserAgreed())
    kiosk(events.FaceDecided(kiosk.turn, FACE))
    kiosk(events.CardRead(kiosk.turn, replace(FRESH, portrait=b"another")))
    assert not kiosk.wanted(effects.CheckIn)
    assert kiosk.wanted(effects.StartCamera)[0].portrait == b"another"


def test_who_declines_late_is_read_again_too_and_a_missing_card_is_asked_for() -> None:
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, SOON), events.UserDeclined())
    kiosk(events.CardRead(kiosk.turn, FRESH))
    assert kiosk.wanted(effects.CheckIn)[0].consent is False
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, SOON), events.CardRemoved(), events.UserDeclined())
    assert kiosk.screen.reason is CardTrouble.TOO_SLOW


def test_after_a_crash_the_kiosk_goes_straight_back_to_the_paper() -> None:
    writing = placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.WRITING)
    kiosk = Kiosk()(events.DevicesSeen(READY), beat(seat(writing, STARTED)))
    assert isinstance(kiosk.screen, Opening)
    assert kiosk.wanted(effects.OpenForm) == [effects.OpenForm("t1")]
    resumed = SITTING.answer("a", ChoiceResponse(("o2",)))[0].go_to("c")[0]
    kiosk(events.FormOpened("t1", resumed, LEDGER, NOON))
    assert kiosk.screen.sitting == resumed
    handed_in, _ = resumed.submit("candidate")
    kiosk = Kiosk()(events.DevicesSeen(READY), beat(seat(writing, STARTED)))
    kiosk(events.FormOpened("t1", handed_in, LEDGER, NOON))
    assert isinstance(kiosk.screen, Submitting) and kiosk.wanted(effects.Submit)
    assert not kiosk.wanted(effects.WriteRecord)


def test_whoever_is_admitted_goes_on_without_reader_or_camera() -> None:
    broken = events.DevicesSeen(Devices((Problem.NO_READER, Problem.NO_CAMERA)))
    writing = placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.WRITING)
    assert isinstance(Kiosk()(broken, beat(seat(writing, STARTED))).screen, Opening)
    kiosk = Kiosk()(broken, beat(seat(ADMITTED)))
    assert isinstance(kiosk.screen, OutOfOrder)
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert isinstance(kiosk.screen, Waiting)


def test_a_closed_shift_ends_waiting_and_identifying_but_keeps_the_receipt() -> None:
    for kiosk in (at_face(), at_waiting()):
        kiosk(beat(seat(ADMITTED, api.ShiftState.CLOSED)))
        assert isinstance(kiosk.screen, NoShift)
        assert not kiosk.wanted(effects.AskCheckIn)
    kiosk = at_writing()(events.UserAskedSubmit(), events.UserConfirmedSubmit())
    kiosk(events.ReceiptArrived("t1", RECEIPT), beat(seat(ADMITTED, api.ShiftState.CLOSED)))
    assert isinstance(kiosk.screen, ReceiptShown)


def test_time_runs_out_by_the_ledger_and_hands_in_once() -> None:
    kiosk = at_writing()
    kiosk(events.Tick(10.0, NOON + timedelta(minutes=89, seconds=59)))
    assert kiosk.state.status.remaining == timedelta(seconds=1)
    kiosk(events.Tick(11.0, NOON + timedelta(minutes=90)))
    assert isinstance(kiosk.screen, TimeUp) and kiosk.wanted(effects.FixHead)
    kiosk(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert not kiosk.effects
    kiosk(events.HeadFixed("t1", "AAAA-BBBB"))
    assert kiosk.screen.head_code == "AAAA-BBBB"
    before = NOON + timedelta(minutes=89, seconds=59)
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(LEDGER), before))
    assert isinstance(kiosk.screen, TimeUp)  # that was said before the time was up
    after = NOON + timedelta(minutes=91)
    kiosk(beat(seat(ADMITTED, STARTED, after, ledger=api.LedgerView.of(LEDGER))))
    assert isinstance(kiosk.screen, Submitting) and kiosk.screen.by == "time"
    [written] = kiosk.wanted(effects.WriteRecord)
    assert written.body == records.Submitted("time")
    assert written.latest == NOON + timedelta(minutes=90)
    kiosk(events.Tick(12.0, NOON + timedelta(minutes=91)))
    assert not kiosk.wanted(effects.WriteRecord)


def test_no_answer_tells_a_moment_after_the_deadline() -> None:
    kiosk = at_writing()(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert kiosk.wanted(effects.WriteRecord)[0].latest == NOON + timedelta(minutes=90)


def test_at_the_end_of_the_time_the_server_is_asked_at_once_and_until_it_answers() -> None:
    kiosk = at_writing()(events.Tick(9.0, NOON), events.BeatFailed())
    kiosk(events.Tick(10.0, NOON + timedelta(minutes=90)))
    kiosk(events.Tick(10.5, NOON + timedelta(minutes=90)))
    assert kiosk.wanted(effects.Beat)
    for second in range(11, 60, 6):
        kiosk(events.BeatFailed(), events.Tick(second + 2.0, NOON + timedelta(minutes=91)))
        assert isinstance(kiosk.screen, TimeUp) and kiosk.wanted(effects.Beat)


def test_an_extension_that_was_given_meanwhile_opens_the_paper_again() -> None:
    kiosk = at_writing()(events.Tick(10.0, NOON + timedelta(minutes=90)))
    longer = api.LedgerView.of(LEDGER.extend(timedelta(minutes=5)))
    kiosk(events.UploadProgressed("t1", 0, longer, NOON + timedelta(minutes=90, seconds=1)))
    assert isinstance(kiosk.screen, Writing)
    assert kiosk.state.status.remaining == timedelta(minutes=5)


def test_a_paper_opened_after_its_end_is_not_editable_for_a_moment() -> None:
    kiosk = at_waiting()(events.LeaseTaken("t1"), beat(seat(ADMITTED, STARTED)))
    kiosk(events.FormOpened("t1", SITTING, LEDGER, NOON + timedelta(minutes=90)))
    assert isinstance(kiosk.screen, TimeUp)


def test_a_late_failure_of_the_lease_does_not_open_the_form_twice() -> None:
    kiosk = at_waiting()(beat(seat(ADMITTED, STARTED)))
    assert isinstance(kiosk.screen, Opening)
    kiosk(events.LeaseFailed("t1"), events.Tick(100.0, NOON))
    assert kiosk.screen.retry_at is None and not kiosk.wanted(effects.OpenForm)


def test_failures_are_tried_again_when_the_server_asked() -> None:
    kiosk = at_waiting()(events.LeaseFailed("t1", ErrorCode.TOO_BUSY, 20.0))
    assert kiosk.screen.retry_at == kiosk.state.elapsed + 20.0
    kiosk(events.Tick(1.0, NOON), events.BeatFailed(ErrorCode.TOO_BUSY, 20.0))
    kiosk(events.Tick(20.0, NOON))
    assert not kiosk.wanted(effects.Beat)
    kiosk(events.Tick(21.5, NOON))
    assert kiosk.wanted(effects.Beat)


def test_a_heartbeat_that_nobody_answers_is_not_waited_for_for_ever() -> None:
    kiosk = at_welcome()(events.Tick(10.0, NOON))
    assert kiosk.wanted(effects.Beat)
    assert not kiosk(events.Tick(60.0, NOON)).wanted(effects.Beat)
    assert kiosk(events.Tick(71.0, NOON)).wanted(effects.Beat)


def test_a_paper_that_is_not_the_seats_any_more_is_asked_about_and_ends_by_the_servers_word() -> (
    None
):
    for who in (placement(id="p2"), None):
        kiosk = at_writing()(beat(seat(who, STARTED)))
        assert kiosk.wanted(effects.Flush) == [effects.Flush("t1")]
        assert isinstance(kiosk.screen, Writing)
        kiosk(events.AttemptStopped("t1", NoticeCode.TAKEN_OVER))
        assert kiosk.screen.code is NoticeCode.TAKEN_OVER and kiosk.wanted(effects.CloseAttempt)
    assert not at_writing()(beat(seat(ADMITTED, STARTED))).wanted(effects.Flush)


@pytest.mark.parametrize("screen", ["reading", "consent", "face", "checking_in", "problem"])
def test_what_two_officers_admitted_is_taken_up_from_every_screen(screen: str) -> None:
    kiosk = at_face() if screen in ("face", "checking_in") else at_welcome()(events.CardInserted())
    match screen:
        case "consent":
            kiosk(events.CardRead(kiosk.turn, READING))
        case "checking_in":
            kiosk(events.FaceDecided(kiosk.turn, FACE))
        case "problem":
            kiosk(events.CardFailed(kiosk.turn, CardTrouble.NO_CARD))
    before = kiosk.turn
    kiosk(beat(seat(ADMITTED)))
    assert kiosk.wanted(effects.AskCheckIn) == [effects.AskCheckIn(kiosk.turn, "c1")]
    if screen in ("reading", "consent", "face"):
        assert kiosk.wanted(effects.StopCamera) and kiosk.turn == before + 1
    kiosk.decided(api.CheckInState.CONDITIONAL, attempt="t1")
    assert isinstance(kiosk.screen, Waiting)


def test_a_card_that_lies_there_passes_the_same_checks_as_a_tap() -> None:
    nobody = placement(citizen_number=None)
    kiosk = Kiosk()(events.CardInserted(), events.DevicesSeen(READY), beat(seat(nobody)))
    assert kiosk.screen.reason is CardTrouble.NO_IDENTITY_DATA
    assert not kiosk.wanted(effects.ReadCard)


def test_a_server_whose_clock_was_set_back_is_still_listened_to() -> None:
    kiosk = at_writing()(beat(seat(ADMITTED, STARTED, NOON + timedelta(minutes=40))))
    plain, longer = LEDGER, LEDGER.extend(timedelta(minutes=30))
    ahead = NOON + timedelta(minutes=40)
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(plain), ahead))
    back = NOON + timedelta(minutes=30)
    kiosk(beat(seat(ADMITTED, STARTED, back, ledger=api.LedgerView.of(longer))))
    assert kiosk.screen.ledger == longer


def test_the_next_candidate_begins_with_the_stations_language_and_nothing_unsent() -> None:
    kiosk = at_welcome()(events.UserChangedLanguage(Language.EN))
    kiosk(beat(seat(placement(id="p2"))))
    assert kiosk.state.status.language is Language.VI
    kiosk = at_writing()(events.UserChangedLanguage(Language.EN))
    kiosk(events.UploadProgressed("t2", 7), events.UploadProgressed("t1", 3))
    assert kiosk.state.status.unsent == 3
    kiosk(events.UploadProgressed("t2", 7))
    assert kiosk.state.status.unsent == 3
    kiosk(events.UserAskedSubmit(), events.UserConfirmedSubmit())
    kiosk(events.ReceiptArrived("t1", RECEIPT), beat(seat(placement(id="p2"))))
    status = kiosk.state.status
    assert (status.language, status.unsent) == (Language.VI, 0)
    assert (kiosk.state.agreed, kiosk.state.ledger_at) == (None, None)


def test_an_extension_arrives_and_an_older_ledger_does_not_undo_it() -> None:
    kiosk = at_writing()
    longer = api.LedgerView.of(LEDGER.extend(timedelta(minutes=5)))
    plain = api.LedgerView.of(LEDGER)
    kiosk(events.UploadProgressed("t1", 0, longer, NOON + timedelta(seconds=9)))
    kiosk(beat(seat(ADMITTED, STARTED, NOON + timedelta(seconds=8), ledger=plain)))
    kiosk(events.Tick(10.0, NOON + timedelta(minutes=94)))
    assert kiosk.state.status.remaining == timedelta(minutes=1)
    assert isinstance(kiosk.screen, Writing)


def test_a_pause_hides_the_paper_and_stops_the_time() -> None:
    kiosk = at_writing()
    paused = LEDGER.pause(NOON + timedelta(minutes=10))
    at = NOON + timedelta(minutes=10, seconds=1)
    kiosk(beat(seat(ADMITTED, STARTED, at, ledger=api.LedgerView.of(paused))))
    assert isinstance(kiosk.screen, Paused) and kiosk.wanted(effects.FixHead)
    kiosk(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert not kiosk.effects
    kiosk(events.Tick(99.0, NOON + timedelta(hours=5)))
    assert isinstance(kiosk.screen, Paused)
    assert kiosk.state.status.remaining == timedelta(minutes=80)
    resumed = paused.resume(NOON + timedelta(hours=5))
    later = NOON + timedelta(hours=5)
    kiosk(beat(seat(ADMITTED, STARTED, later, ledger=api.LedgerView.of(resumed))))
    assert isinstance(kiosk.screen, Writing)
    assert kiosk.state.status.remaining == timedelta(minutes=80)


def test_the_network_may_go_while_writing() -> None:
    kiosk = at_writing()(events.BeatFailed())
    assert isinstance(kiosk.screen, Writing)
    assert kiosk.state.status.lost_since == kiosk.state.status.now
    kiosk(events.UserAnswered("d", NumericResponse("-1,5")))
    assert kiosk.wanted(effects.WriteRecord)
    kiosk(events.UserAskedSubmit(), events.UserConfirmedSubmit(), events.AttemptFailed("t1"))
    assert isinstance(kiosk.screen, Submitting) and kiosk.screen.retry_at is not None
    kiosk(events.Tick(kiosk.state.elapsed + 5, NOON))
    assert kiosk.wanted(effects.Submit) == [effects.Submit("t1")]


def test_what_the_paper_does_not_take_changes_nothing() -> None:
    kiosk = at_writing()
    before = kiosk.state
    kiosk(events.UserAnswered("a", NumericResponse("1")), events.UserWentTo("nowhere"))
    assert kiosk.state == before
    assert not kiosk.wanted(effects.WriteRecord)


def test_a_full_disk_stops_with_a_notice_and_goes_on_from_the_journal() -> None:
    kiosk = at_writing()(events.AttemptStopped("t1", NoticeCode.DISK_FULL))
    assert kiosk.screen.code is NoticeCode.DISK_FULL and kiosk.screen.retry
    kiosk(events.UserRetry())
    assert isinstance(kiosk.screen, Opening) and kiosk.wanted(effects.OpenForm)
    kiosk(events.AttemptStopped("t1", NoticeCode.TAKEN_OVER), events.UserRetry())
    assert isinstance(kiosk.screen, Notice) and kiosk.screen.code is NoticeCode.TAKEN_OVER


def test_another_candidate_at_the_seat_wipes_the_former_ones_data() -> None:
    kiosk = at_face()(beat(seat(placement(id="p2"))))
    assert isinstance(kiosk.screen, Welcome)
    assert kiosk.wanted(effects.StopCamera)
    assert b"portrait" in list(values(at_face().state))
    assert b"portrait" not in list(values(kiosk.state))
    assert READING not in list(values(kiosk.state))


def values(of: object) -> Iterator[object]:
    """Everything that a state holds, also what its repr hides."""
    yield of
    if is_dataclass(of):
        for field in fields(of):
            yield from values(getattr(of, field.name))


def test_the_language_changes_on_any_screen() -> None:
    for kiosk in (Kiosk(), at_welcome(), at_face(), at_writing()):
        screen = kiosk.screen
        kiosk(events.UserChangedLanguage(Language.EN))
        assert (kiosk.screen, kiosk.state.status.language) == (screen, Language.EN)


def test_packages_are_staged_once_and_reported() -> None:
    view = api.PackageView(id="k1", sha256=b"h" * 32, size=3)
    kiosk = at_welcome()(beat(seat(placement(), packages=[view])))
    assert kiosk.wanted(effects.StagePackages)
    kiosk(beat(seat(placement(), packages=[view])))
    assert not kiosk.wanted(effects.StagePackages)
    kiosk(events.PackagesStaged(frozenset({"k1"})), beat(seat(placement(), packages=[view])))
    assert not kiosk.wanted(effects.StagePackages)
    kiosk(events.Tick(100.0, NOON))
    assert kiosk.wanted(effects.Beat)[0].heartbeat.staged == ["k1"]


PLACEMENTS = st.sampled_from(
    [
        None,
        placement(),
        placement(checkin="c1"),
        ADMITTED,
        placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.WRITING),
        placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.SUBMITTED),
        placement(id="p2", citizen_number=None),
    ]
)
MOMENTS = st.integers(0, 7200).map(lambda seconds: NOON + timedelta(seconds=seconds))
LEDGERS = st.sampled_from(
    [
        None,
        api.LedgerView.of(LEDGER),
        api.LedgerView.of(LEDGER.extend(timedelta(minutes=5))),
        api.LedgerView.of(LEDGER.pause(NOON + timedelta(minutes=3))),
    ]
)
SEATS = st.builds(
    lambda who, state, at, ledger, placed: seat(
        who, state, at, ledger=ledger, **({} if placed else {"room": None})
    ),
    PLACEMENTS,
    st.sampled_from(list(api.ShiftState)),
    MOMENTS,
    LEDGERS,
    st.booleans(),
)
TURNS = st.integers(0, 6)
ATTEMPTS = st.sampled_from(["t1", "t2"])
CODES = st.one_of(st.none(), st.sampled_from(list(ErrorCode)))
READINGS = st.sampled_from([READING, SOON, replace(READING, portrait=None, verdict="refused")])
ITEM_IDS = st.sampled_from(["a", "b", "c", "d", "z"])
SITTINGS = st.sampled_from([SITTING, SITTING.submit("time")[0]])
EVENTS = st.one_of(
    st.builds(events.Tick, st.floats(0, 1e5), st.one_of(st.none(), MOMENTS)),
    st.builds(
        events.DevicesSeen,
        st.sampled_from([READY, READY, Devices((Problem.NO_READER,))]),
    ),
    st.builds(events.BeatAnswered, SEATS),
    st.builds(events.BeatFailed, CODES),
    st.builds(events.PackagesStaged, st.just(frozenset({"k1"}))),
    st.just(events.CardInserted()),
    st.just(events.CardRemoved()),
    st.builds(events.ReadingStepped, TURNS, st.just("EF.SOD"), st.integers(), st.integers()),
    st.builds(events.CardRead, TURNS, READINGS),
    st.builds(events.CardFailed, TURNS, st.sampled_from(list(CardTrouble))),
    st.builds(events.FrameSeen, TURNS, st.just(FRAME), st.just("ok"), st.integers(1, 2)),
    st.builds(events.FaceDecided, TURNS, st.just(FACE)),
    st.builds(
        events.CheckInAnswered,
        TURNS,
        st.builds(
            lambda state, attempt: checkin_view(state, attempt=attempt),
            st.sampled_from(list(api.CheckInState)),
            st.one_of(st.none(), ATTEMPTS),
        ),
    ),
    st.builds(events.CheckInFailed, TURNS, CODES),
    st.builds(events.LeaseTaken, ATTEMPTS),
    st.builds(events.LeaseFailed, ATTEMPTS, CODES),
    st.builds(events.FormOpened, ATTEMPTS, SITTINGS, st.just(LEDGER), MOMENTS),
    st.builds(events.AttemptFailed, ATTEMPTS, CODES),
    st.builds(events.AttemptStopped, ATTEMPTS, st.sampled_from(list(NoticeCode))),
    st.builds(events.UploadProgressed, ATTEMPTS, st.integers(0, 9), LEDGERS, MOMENTS),
    st.builds(events.HeadFixed, ATTEMPTS, st.just("AAAA")),
    st.builds(events.ReceiptArrived, ATTEMPTS, st.just(RECEIPT)),
    st.builds(
        events.UserAnswered,
        ITEM_IDS,
        st.sampled_from([ChoiceResponse(("o1",)), NumericResponse("1,5")]),
    ),
    st.builds(events.UserWentTo, ITEM_IDS),
    st.builds(events.UserFlagged, ITEM_IDS, st.booleans()),
    st.just(events.UserAskedSubmit()),
    st.just(events.UserWentBack()),
    st.just(events.UserConfirmedSubmit()),
    st.just(events.UserAgreed()),
    st.just(events.UserDeclined()),
    st.just(events.UserRetry()),
    st.builds(events.UserChangedLanguage, st.sampled_from(list(Language))),
)
STARTS = st.sampled_from([Kiosk, at_welcome, at_face, at_waiting, at_writing])
ON_PAPER = Writing | ConfirmSubmit | Paused | TimeUp


@settings(max_examples=400)
@given(STARTS, st.lists(EVENTS, max_size=25))
def test_anything_at_any_time_and_never_the_wrong_way(start, happened: list[Event]) -> None:
    kiosk = start()
    for event in happened:
        before = kiosk.state
        kiosk(event)
        after = kiosk.state
        paper_before = isinstance(before.screen, ON_PAPER)
        # A paper comes only out of an opening, and an opening only of an attempt.
        if isinstance(after.screen, ON_PAPER) and not paper_before:
            assert isinstance(before.screen, Opening)
            assert isinstance(event, events.FormOpened) and event.attempt == before.screen.attempt
        if isinstance(after.screen, Waiting) and not isinstance(before.screen, Waiting):
            assert isinstance(event, events.CheckInAnswered)
            assert event.view.state in (api.CheckInState.ADMITTED, api.CheckInState.CONDITIONAL)
        # Records are written while a paper lies open, and nowhere else.
        if kiosk.wanted(effects.WriteRecord):
            assert paper_before and not isinstance(before.screen, Paused)
        # A locked paper is handed in by the time, on a server's word, and never changed.
        if isinstance(before.screen, TimeUp) and kiosk.wanted(effects.WriteRecord):
            assert isinstance(event, events.BeatAnswered | events.UploadProgressed)
            assert kiosk.wanted(effects.WriteRecord)[0].body == records.Submitted("time")
        # The camera is on only where somebody agreed to it.
        if kiosk.wanted(effects.StartCamera):
            assert isinstance(after.screen, Face) and after.agreed == "p1"
        if isinstance(after.screen, ReceiptShown) and not isinstance(before.screen, ReceiptShown):
            assert isinstance(before.screen, Submitting)
        # A paper that lies open ends by handing in or by a notice, by nothing else.
        if paper_before and not isinstance(after.screen, ON_PAPER):
            assert isinstance(after.screen, Submitting | Notice)
