"""The kiosk while a paper lies open, and whatever happens to it then."""

from flow_kiosk import (
    ADMITTED,
    LEDGER,
    READY,
    SITTING,
    STARTED,
    Kiosk,
    at_waiting,
    at_welcome,
    at_writing,
    beat,
)
from station_papers import NOON, placement, seat

from exam_server.contract import api
from exam_station.flow import effects, events
from exam_station.flow.codes import NoticeCode, Problem
from exam_station.flow.screens import (
    Notice,
    Opening,
    OutOfOrder,
    Submitting,
    Writing,
)
from exam_station.flow.states import Devices
from question_bank.response import ChoiceResponse, NumericResponse


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


def test_a_sound_that_is_not_heard_is_told_and_stops_nobody() -> None:
    kiosk = at_writing()(events.SoundTried(False), events.Tick(1000.0, NOON))
    assert isinstance(kiosk.screen, Writing)
    assert kiosk.wanted(effects.Beat)[-1].heartbeat.sound_failed
    kiosk(events.SoundTried(True), events.Tick(2000.0, NOON))
    assert not kiosk.state.sound_failed


def test_a_disk_that_fills_up_is_told_and_stops_nobody() -> None:
    low = events.DevicesSeen(Devices((), True, True, disk_low=True))
    kiosk = at_writing()(low, events.Tick(1000.0, NOON))
    assert isinstance(kiosk.screen, Writing)
    assert kiosk.wanted(effects.Beat)[-1].heartbeat.disk_low
    full = events.DevicesSeen(Devices((Problem.DISK_FULL,), True, True, disk_low=True))
    assert isinstance(kiosk(full).screen, Writing)
    assert at_welcome()(low).screen == at_welcome().screen
    assert at_welcome()(full).screen == OutOfOrder((Problem.DISK_FULL,))


def test_a_late_failure_of_the_lease_does_not_open_the_form_twice() -> None:
    kiosk = at_waiting()(beat(seat(ADMITTED, STARTED)))
    assert isinstance(kiosk.screen, Opening)
    kiosk(events.LeaseFailed("t1"), events.Tick(100.0, NOON))
    assert kiosk.screen.retry_at is None and not kiosk.wanted(effects.OpenForm)


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
