"""The kiosk's behaviour without network: the proctor's codes, and the way back to the server."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flow_kiosk import (
    FACE,
    LEDGER,
    READING,
    READY,
    RECEIPT,
    SITTING,
    STARTED,
    Kiosk,
    at_waiting,
    at_writing,
    beat,
)
from station_papers import NOON, placement, seat

from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_server.contract.room_code import RoomCode
from exam_station.flow import effects, events
from exam_station.flow.codes import CardTrouble
from exam_station.flow.screens import (
    CardProblem,
    CardReading,
    CardRefused,
    CheckingIn,
    Opening,
    OutOfOrder,
    ProctorConfirms,
    ReceiptShown,
    RoomCodeAsked,
    StartCodeAsked,
    Submitting,
    TimeUp,
    Waiting,
    Welcome,
    Writing,
)

CODE = RoomCode(b"abcde")
OPEN = api.ShiftState.OPEN
PROVEN = CardReading("offline-1", b"e", b"s", b"portrait", "authentic", counter=1)


def lost(kit: api.SeatView | None = None) -> events.BeatFailed:
    return events.BeatFailed(kit=kit)


def started_apart() -> Kiosk:
    """A kiosk that has a kit and never met its server since it was switched on."""
    kit = seat(placement(), OPEN)
    return Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), lost(kit))


def at_room_code() -> Kiosk:
    return started_apart()(events.CardInserted())


def at_confirming(reading: CardReading = PROVEN) -> Kiosk:
    kiosk = at_room_code()(events.UserTypedCode("text"))
    kiosk(events.RoomCodeJudged(kiosk.turn, CODE))
    kiosk(events.CardRead(kiosk.turn, reading))
    kiosk(events.UserAgreed())
    return kiosk(events.FaceDecided(kiosk.turn, FACE))


def at_start_code() -> Kiosk:
    kiosk = at_confirming()(events.UserConfirmedCheckIn())
    kiosk(events.AdmittedOffline(kiosk.turn, "t1", conditional=False))
    return kiosk(events.UserGoesOffline())


def test_without_a_kit_an_idle_kiosk_is_out_of_order() -> None:
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), lost())
    assert isinstance(kiosk.screen, OutOfOrder)


@pytest.mark.parametrize("code", [ErrorCode.TOO_BUSY, ErrorCode.INTERNAL])
def test_a_server_that_cannot_for_a_minute_is_as_good_as_lost(code: ErrorCode) -> None:
    """Its processes answer, and its database is away: the codes must help, and the kit."""
    kit = seat(placement(), OPEN)
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), beat(kit))
    for second in (1.0, 30.0, 60.0):
        kiosk(events.Tick(second, NOON), events.BeatFailed(code, 1.0, kit))
        assert kiosk.state.status.connected
    kiosk(events.Tick(61.0, NOON), events.BeatFailed(code, 1.0, kit))
    assert not kiosk.state.status.connected
    assert isinstance(kiosk.screen, Welcome)
    assert isinstance(kiosk(events.CardInserted()).screen, RoomCodeAsked)
    assert kiosk(beat(kit)).state.status.connected
    kiosk(events.Tick(62.0, NOON), events.BeatFailed(code, 1.0, kit))
    assert kiosk.state.status.connected  # it could meanwhile: the minute begins anew


def test_a_lost_server_that_says_it_cannot_is_not_back() -> None:
    """One process hangs and another has no database: every other heartbeat is answered so."""
    kit = seat(placement(), OPEN)
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), beat(kit))
    for second in range(1, 9, 2):
        kiosk(events.Tick(float(second), NOON), events.BeatFailed(None, 1.0, kit))
        assert not kiosk.state.status.connected
        kiosk(events.Tick(second + 1.0, NOON), events.BeatFailed(ErrorCode.INTERNAL, 1.0, kit))
        assert not kiosk.state.status.connected
    assert kiosk(beat(kit)).state.status.connected


def test_with_a_kit_it_welcomes_whom_the_kit_expects() -> None:
    kiosk = started_apart()
    assert isinstance(kiosk.screen, Welcome)
    assert kiosk.screen.candidate is not None
    assert not kiosk.state.status.connected


def test_a_tap_asks_for_the_room_code_and_reads_nothing_yet() -> None:
    kiosk = at_room_code()
    assert isinstance(kiosk.screen, RoomCodeAsked)
    assert not kiosk.wanted(effects.ReadCard)


def test_a_wrong_code_is_asked_for_again() -> None:
    kiosk = at_room_code()(events.UserTypedCode("text"))
    assert kiosk.wanted(effects.JudgeRoomCode)[0].text == "text"
    kiosk(events.RoomCodeJudged(kiosk.turn, None))
    assert isinstance(kiosk.screen, RoomCodeAsked)
    assert kiosk.screen.wrong and not kiosk.screen.checking


def test_the_card_is_read_with_the_rooms_challenge() -> None:
    kiosk = at_room_code()(events.UserTypedCode("text"))
    kiosk(events.RoomCodeJudged(kiosk.turn, CODE))
    assert kiosk.wanted(effects.ReadCard)[0].room_code == CODE


def test_a_code_typed_for_one_candidate_serves_no_other() -> None:
    kiosk = at_room_code()(events.UserTypedCode("text"))
    kiosk(events.RoomCodeJudged(kiosk.turn, CODE))
    assert kiosk.state.room_code is not None
    other = seat(placement(id="p2"), OPEN)
    kiosk(beat(other), lost(other), events.CardInserted())
    assert isinstance(kiosk.screen, RoomCodeAsked)
    assert not kiosk.wanted(effects.ReadCard)


def test_a_refused_chip_admits_nobody() -> None:
    kiosk = at_room_code()(events.UserTypedCode("text"))
    kiosk(events.RoomCodeJudged(kiosk.turn, CODE))
    refused = replace(PROVEN, verdict="refused", reasons=("data_group_mismatch",))
    kiosk(events.CardRead(kiosk.turn, refused))
    assert isinstance(kiosk.screen, CardRefused)
    kiosk(events.UserGoesOffline(), events.UserConfirmedCheckIn())
    assert isinstance(kiosk.screen, CardRefused)


def test_nobody_is_admitted_before_the_proctor_confirms() -> None:
    kiosk = at_confirming()
    assert isinstance(kiosk.screen, ProctorConfirms)
    assert not kiosk.wanted(effects.CheckIn) and not kiosk.wanted(effects.AdmitOffline)
    kiosk(events.UserConfirmedCheckIn())
    admitting = kiosk.wanted(effects.AdmitOffline)[0]
    assert (admitting.placement, admitting.room_code) == ("p1", CODE)
    kiosk(events.UserConfirmedCheckIn())
    assert not kiosk.wanted(effects.AdmitOffline)  # once


def test_with_a_doubt_left_a_press_lets_nobody_in_but_the_code_does() -> None:
    kiosk = at_confirming(replace(PROVEN, verdict="unproven"))(events.UserConfirmedCheckIn())
    assert not kiosk.wanted(effects.AdmitOffline)
    kiosk(events.UserTypedCode(RoomCode(b"other").text))
    assert kiosk.screen.wrong and not kiosk.wanted(effects.AdmitOffline)
    kiosk(events.UserTypedCode("no code"))
    assert kiosk.screen.wrong and not kiosk.wanted(effects.AdmitOffline)
    kiosk(events.UserTypedCode(CODE.text.lower()))
    assert kiosk.wanted(effects.AdmitOffline)[0].room_code == CODE


def test_the_proctor_may_refuse() -> None:
    kiosk = at_confirming()(events.UserRefusedCheckIn())
    assert kiosk.screen == CardRefused(kiosk.screen.candidate, ("refused_by_officer",))


@pytest.mark.parametrize("refused_by", ["proctor", "chip"])
def test_whoever_was_refused_needs_the_proctors_code_again(refused_by: str) -> None:
    if refused_by == "proctor":
        kiosk = at_confirming()(events.UserRefusedCheckIn())
    else:
        kiosk = at_room_code()(events.UserTypedCode("text"))
        kiosk(events.RoomCodeJudged(kiosk.turn, CODE))
        kiosk(events.CardRead(kiosk.turn, replace(PROVEN, verdict="refused")))
    assert isinstance(kiosk.screen, CardRefused)
    kiosk(events.CardRemoved(), events.CardInserted())
    assert isinstance(kiosk.screen, RoomCodeAsked)
    assert not kiosk.wanted(effects.ReadCard)


def test_a_full_disk_admits_nobody_and_the_proctor_may_press_again() -> None:
    kiosk = at_confirming()(events.UserConfirmedCheckIn())
    kiosk(events.CheckInFailed(kiosk.turn, ErrorCode.INTERNAL))
    assert isinstance(kiosk.screen, ProctorConfirms)
    assert not kiosk.screen.storing


def test_an_unreadable_chip_is_the_proctors_decision() -> None:
    kiosk = at_room_code()(events.UserTypedCode("text"))
    kiosk(events.RoomCodeJudged(kiosk.turn, CODE))
    kiosk(events.CardFailed(kiosk.turn, CardTrouble.CHIP_ANSWERED_WRONGLY))
    assert isinstance(kiosk.screen, CardProblem)
    kiosk(events.UserGoesOffline())
    assert isinstance(kiosk.screen, ProctorConfirms)
    assert kiosk.screen.reading is None


def test_with_a_network_no_code_goes_round_the_server() -> None:
    kiosk = at_waiting()(events.LeaseTaken("t1"), events.UserGoesOffline())
    assert isinstance(kiosk.screen, Waiting)


def test_a_check_in_that_gets_no_answer_can_be_done_by_the_room_code() -> None:
    kiosk = started_apart()(beat(seat(placement(), OPEN)), events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, READING), events.UserDeclined())
    assert isinstance(kiosk.screen, CheckingIn)
    kiosk(events.CheckInFailed(kiosk.turn), events.UserGoesOffline())
    assert isinstance(kiosk.screen, CheckingIn)  # the server may still be there
    kiosk(lost(), events.UserGoesOffline())
    assert isinstance(kiosk.screen, RoomCodeAsked)


def test_the_start_code_opens_the_paper() -> None:
    kiosk = at_start_code()
    assert isinstance(kiosk.screen, StartCodeAsked)
    kiosk(events.UserTypedCode("code"))
    assert kiosk.effects == (effects.OpenByCode("t1", "code"),)
    kiosk(events.FormOpened("t1", SITTING, LEDGER, NOON))
    assert isinstance(kiosk.screen, Writing)


@pytest.mark.parametrize("wrong", [(3,), ()])
def test_a_start_code_that_opens_nothing_is_said_to(wrong: tuple[int, ...]) -> None:
    kiosk = at_start_code()(events.UserTypedCode("code"), events.StartCodeRefused("t1", wrong))
    assert isinstance(kiosk.screen, StartCodeAsked)
    assert (kiosk.screen.wrong, kiosk.screen.refused) == (wrong, not wrong)
    kiosk(events.UserWentBack())
    assert isinstance(kiosk.screen, Waiting)


def test_the_start_signal_overtakes_the_code() -> None:
    admitted = placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.ADMITTED)
    kiosk = at_start_code()(beat(seat(admitted, STARTED)))
    assert isinstance(kiosk.screen, Opening)


def test_after_a_restart_without_network_the_paper_is_opened_again() -> None:
    writing = placement(attempt="t1", attempt_state=api.AttemptState.WRITING)
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), lost(seat(writing, OPEN)))
    assert kiosk.wanted(effects.OpenForm) == [effects.OpenForm("t1", lost=True)]


def test_after_a_restart_before_the_start_the_candidate_waits_again() -> None:
    admitted = placement(attempt="t1", attempt_state=api.AttemptState.ADMITTED)
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), lost(seat(admitted, OPEN)))
    assert isinstance(kiosk.screen, Waiting)


def test_a_locked_paper_waits_for_the_server_and_then_no_longer() -> None:
    kiosk = at_writing()(lost())
    end = NOON + timedelta(minutes=90)
    kiosk(events.Tick(1.0, end + timedelta(seconds=1)))
    assert isinstance(kiosk.screen, TimeUp)
    kiosk(events.Tick(2.0, end + timedelta(minutes=4)))
    assert isinstance(kiosk.screen, TimeUp)
    kiosk(events.Tick(3.0, end + timedelta(minutes=6)))
    assert isinstance(kiosk.screen, Submitting)
    assert kiosk.wanted(effects.WriteRecord)


def test_who_handed_in_makes_room_for_the_next_without_network() -> None:
    kiosk = at_writing()(lost(), events.UserAskedSubmit(), events.UserConfirmedSubmit())
    assert isinstance(kiosk.screen, Submitting)
    kiosk(lost(seat(placement(), OPEN)))
    assert isinstance(kiosk.screen, Submitting)  # still the same candidate's shift
    kiosk(lost(seat(placement(id="p2"), OPEN)))
    assert isinstance(kiosk.screen, Welcome)
    assert kiosk.wanted(effects.CloseAttempt)


def test_the_receipt_comes_when_the_network_does() -> None:
    kiosk = at_writing()(lost(), events.UserAskedSubmit(), events.UserConfirmedSubmit())
    kiosk(events.AttemptFailed("t1", wait=1.0), events.ReceiptArrived("t1", RECEIPT))
    assert isinstance(kiosk.screen, ReceiptShown)
