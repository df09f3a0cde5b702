"""The kiosk from the tap to the waiting room, and every way it goes wrong."""

from dataclasses import replace

import pytest
from flow_kiosk import (
    ADMITTED,
    FACE,
    FRESH,
    READING,
    READY,
    SOON,
    STARTED,
    Kiosk,
    at_face,
    at_welcome,
    beat,
)
from station_papers import NOON, placement, seat

from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_station.flow import effects, events
from exam_station.flow.codes import CardTrouble, Problem
from exam_station.flow.screens import (
    CardProblem,
    CardRefused,
    CheckingIn,
    Consent,
    Face,
    Opening,
    OutOfOrder,
    Reading,
    Referred,
    Waiting,
)
from exam_station.flow.states import Devices


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


def test_whoever_is_admitted_goes_on_without_reader_or_camera() -> None:
    broken = events.DevicesSeen(Devices((Problem.NO_READER, Problem.NO_CAMERA)))
    writing = placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.WRITING)
    assert isinstance(Kiosk()(broken, beat(seat(writing, STARTED))).screen, Opening)
    kiosk = Kiosk()(broken, beat(seat(ADMITTED)))
    assert isinstance(kiosk.screen, OutOfOrder)
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert isinstance(kiosk.screen, Waiting)


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


def test_a_card_that_met_no_server_is_read_again_once_there_is_one() -> None:
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardFailed(kiosk.turn, CardTrouble.NO_SERVER))
    assert isinstance(kiosk.screen, CardProblem)
    kiosk(beat(seat(placement())))
    assert isinstance(kiosk.screen, Reading)
    assert kiosk.wanted(effects.ReadCard)


def test_a_check_in_that_waits_for_the_proctor_is_asked_for_before_the_card_is_read_again() -> None:
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardFailed(kiosk.turn, CardTrouble.NO_SERVER))
    kiosk(beat(seat(placement(checkin="c1"))))
    assert kiosk.wanted(effects.AskCheckIn)
    assert not isinstance(kiosk.screen, Reading)


def test_nobody_reads_a_card_that_was_taken_away() -> None:
    kiosk = at_welcome()(events.CardInserted())
    kiosk(events.CardFailed(kiosk.turn, CardTrouble.NO_SERVER), events.CardRemoved())
    assert isinstance(kiosk(beat(seat(placement()))).screen, CardProblem)
