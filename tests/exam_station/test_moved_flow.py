"""A candidate comes from another seat, or leaves for one: what the kiosk shows and does."""

import pytest
from flow_kiosk import FACE, READING, READY, STARTED, Kiosk, at_writing, beat
from station_papers import placement, seat

from exam_server.contract import api
from exam_station.flow import effects, events
from exam_station.flow.codes import NoticeCode
from exam_station.flow.screens import (
    Face,
    Notice,
    Opening,
    Paused,
    Reading,
    Waiting,
    Welcome,
    Writing,
)
from question_bank.response import ChoiceResponse

WRITING = api.AttemptState.WRITING
MOVED = placement(attempt="t1", attempt_state=WRITING, tap_first=True, agreed=True)
IN = placement(checkin="c2", attempt="t1", attempt_state=WRITING, agreed=True)


def test_the_card_is_asked_for_first_and_then_everything_goes_by_itself() -> None:
    kiosk = Kiosk()(events.Tick(0.0, None), events.DevicesSeen(READY), beat(seat(None, STARTED)))
    assert isinstance(kiosk.screen, Welcome) and kiosk.screen.candidate is None
    kiosk(beat(seat(MOVED, STARTED)))
    assert isinstance(kiosk.screen, Welcome) and kiosk.screen.moved
    assert not kiosk.wanted(effects.OpenForm) and not kiosk.wanted(effects.AskCheckIn)
    kiosk(events.CardInserted())
    assert isinstance(kiosk.screen, Reading)
    kiosk(beat(seat(MOVED, STARTED)))
    assert isinstance(kiosk.screen, Reading)  # no beat carries it past the card
    kiosk(events.CardRead(kiosk.turn, READING))
    assert isinstance(kiosk.screen, Face)  # the consent was given at the first station
    kiosk(beat(seat(MOVED, STARTED)), events.FaceDecided(kiosk.turn, FACE))
    assert kiosk.wanted(effects.CheckIn)[0].consent
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert isinstance(kiosk.screen, Waiting) and kiosk.wanted(effects.FetchLease)
    kiosk(events.LeaseTaken("t1"))
    assert isinstance(kiosk.screen, Opening) and kiosk.wanted(effects.OpenForm)


def test_after_a_restart_the_station_that_writes_asks_for_no_card() -> None:
    kiosk = Kiosk()(events.DevicesSeen(READY), beat(seat(IN, STARTED)))
    assert isinstance(kiosk.screen, Opening)


def test_who_refused_at_the_former_station_is_asked_again() -> None:
    declined = MOVED.model_copy(update={"agreed": False})
    kiosk = Kiosk()(events.DevicesSeen(READY), beat(seat(declined, STARTED)), events.CardInserted())
    kiosk(events.CardRead(kiosk.turn, READING))
    assert not kiosk.wanted(effects.StartCamera)


def test_a_referred_tap_at_the_new_seat_waits_for_the_proctor_and_then_goes_on() -> None:
    referred = MOVED.model_copy(update={"checkin": "c2"})
    kiosk = Kiosk()(events.DevicesSeen(READY), beat(seat(referred, STARTED)))
    assert kiosk.wanted(effects.AskCheckIn)
    kiosk.decided(api.CheckInState.REFERRED, "face_referred")
    kiosk(beat(seat(referred, STARTED)))
    assert kiosk.wanted(effects.AskCheckIn)
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert isinstance(kiosk.screen, Waiting)


def test_moved_on_before_the_paper_was_opened_the_kiosk_asks_for_the_card_when_they_return() -> (
    None
):
    waiting = placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.ADMITTED)
    kiosk = Kiosk()(events.DevicesSeen(READY), beat(seat(waiting)))
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert isinstance(kiosk.screen, Waiting)
    kiosk(beat(seat(MOVED, STARTED)))
    assert isinstance(kiosk.screen, Welcome) and kiosk.screen.moved


def moved_away(code: NoticeCode = NoticeCode.MOVED) -> Kiosk:
    kiosk = at_writing()(events.UploadProgressed("t1", 3), beat(seat(None, STARTED)))
    assert kiosk.wanted(effects.Flush) == [effects.Flush("t1")]
    return kiosk(events.AttemptStopped("t1", code))


@pytest.mark.parametrize("code", [NoticeCode.MOVED, NoticeCode.TAKEN_OVER])
def test_the_former_kiosk_says_what_happened_until_somebody_else_is_expected(
    code: NoticeCode,
) -> None:
    kiosk = moved_away(code)
    assert [type(effect) for effect in kiosk.effects] == [effects.TellHead, effects.CloseAttempt]
    kiosk(events.HeadFixed("t1", "AAAA-BBBB"), beat(seat(None, STARTED)))
    assert (kiosk.screen.code, kiosk.screen.head_code, kiosk.screen.unsent) == (
        code, "AAAA-BBBB", 3,
    )  # fmt: skip
    kiosk(beat(seat(placement(id="p2"), STARTED)))
    assert isinstance(kiosk.screen, Welcome)
    assert kiosk.state.status.head_code == "" and kiosk.state.status.unsent == 0


def test_moved_back_the_former_kiosk_opens_the_paper_again_or_asks_for_the_card() -> None:
    assert isinstance(moved_away()(beat(seat(IN, STARTED))).screen, Opening)
    kiosk = moved_away()(events.CardRemoved(), beat(seat(MOVED, STARTED)))
    assert isinstance(kiosk.screen, Welcome) and kiosk.screen.moved


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (NoticeCode.MOVED, api.StationState.IDLE),
        (NoticeCode.TAKEN_OVER, api.StationState.IDLE),
        (NoticeCode.JOURNAL_DAMAGED, api.StationState.OUT_OF_ORDER),
    ],
)
def test_a_seat_that_was_left_is_free_for_the_next_and_a_broken_one_is_not(
    code: NoticeCode, told: api.StationState
) -> None:
    kiosk = moved_away(code)(events.Tick(60.0, None))
    assert [beat.heartbeat.state for beat in kiosk.wanted(effects.Beat)] == [told]


def test_the_notice_ends_with_the_shift() -> None:
    kiosk = moved_away()(beat(seat(None, api.ShiftState.CLOSED)))
    assert not isinstance(kiosk.screen, Notice)


def test_without_network_the_head_code_follows_every_change() -> None:
    kiosk = at_writing()(events.BeatFailed())
    assert kiosk.wanted(effects.TellHead) == [effects.TellHead("t1")]
    kiosk(events.HeadFixed("t1", "AAAA"), events.HeadFixed("t2", "FOREIGN"))
    assert kiosk.state.status.head_code == "AAAA" and isinstance(kiosk.screen, Writing)
    kiosk(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert [type(one) for one in kiosk.effects] == [effects.WriteRecord, effects.TellHead]
    connected = at_writing()(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert not connected.wanted(effects.TellHead)


def test_a_pause_shows_the_head_code_and_keeps_it() -> None:
    kiosk = at_writing()
    ledger = api.LedgerView.of(kiosk.screen.ledger.pause(kiosk.state.status.now))
    paused = beat(seat(IN.model_copy(update={"checkin": "c1"}), STARTED, ledger=ledger))
    kiosk(paused)
    assert isinstance(kiosk.screen, Paused) and kiosk.wanted(effects.FixHead)
    kiosk(events.HeadFixed("t1", "AAAA"), paused)
    assert kiosk.screen.head_code == "AAAA"
