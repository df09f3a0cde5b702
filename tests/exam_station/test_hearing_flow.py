"""What the kiosk does about what it hears: the start at once, changes at once, and the kit."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flow_kiosk import LEDGER, READY, SITTING, START, Kiosk
from station_papers import NOON, placement, seat

from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_station.flow import effects, events
from exam_station.flow.beating import ASKED_EVERY
from exam_station.flow.screens import Opening, Waiting, Welcome, Writing
from exam_station.flow.states import KitHeld, State

IN = placement(checkin="c1", attempt="t1", attempt_state="admitted")


def beat(view: api.SeatView) -> events.BeatAnswered:
    return events.BeatAnswered(view)


def waiting(*, leased: bool = True) -> Kiosk:
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), beat(seat(IN)))
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert isinstance(kiosk.screen, Waiting)
    if leased:
        kiosk(events.LeaseTaken("t1"), beat(seat(IN)))
        assert isinstance(kiosk.screen, Waiting)
    return kiosk


def test_who_waits_opens_at_the_signal_without_another_heartbeat() -> None:
    kiosk = waiting()(events.StartHeard("s1"))
    assert isinstance(kiosk.screen, Opening)
    assert kiosk.effects == (effects.OpenForm("t1"),)


def test_the_signal_of_another_shift_opens_nothing() -> None:
    assert isinstance(waiting()(events.StartHeard("s2")).screen, Waiting)


def test_who_has_no_lease_yet_opens_as_soon_as_it_comes() -> None:
    kiosk = waiting(leased=False)(events.StartHeard("s1"))
    assert isinstance(kiosk.screen, Waiting)
    assert kiosk(events.LeaseTaken("t1")).effects == (effects.OpenForm("t1"),)


def test_who_is_admitted_after_the_start_opens_at_once() -> None:
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY))
    kiosk(beat(seat(placement(), api.ShiftState.STARTED)))
    assert isinstance(kiosk.screen, Welcome)
    started = beat(seat(IN, api.ShiftState.STARTED))
    kiosk(started)
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert kiosk(events.LeaseTaken("t1")).effects == (effects.OpenForm("t1"),)


def test_the_signal_twice_opens_once() -> None:
    kiosk = waiting()(events.StartHeard("s1"))
    assert kiosk(events.StartHeard("s1")).effects == ()


def test_a_change_makes_the_heartbeat_due_now() -> None:
    kiosk = waiting()
    assert not kiosk.state.beating
    assert kiosk(events.ChangeHeard()).wanted(effects.Beat)


def test_a_change_behind_a_heartbeat_on_its_way_is_asked_for_again() -> None:
    kiosk = waiting()(events.ChangeHeard())
    assert kiosk(events.ChangeHeard()).effects == ()
    kiosk(beat(seat(IN)))
    assert kiosk(events.Tick(0.5, NOON)).wanted(effects.Beat)


def quiet_until(kiosk: Kiosk) -> float:
    """Seconds until the next heartbeat."""
    return kiosk.state.beat_at - kiosk.state.elapsed


def test_who_listens_beats_less_often_and_more_when_the_stream_is_lost() -> None:
    kiosk = waiting()(beat(seat(IN)))
    often = quiet_until(kiosk)
    kiosk(events.Listening(True), events.Tick(1.0, NOON), beat(seat(IN)))
    assert quiet_until(kiosk) > often
    assert kiosk(events.Listening(False), events.Tick(1.1, NOON)).wanted(effects.Beat)
    kiosk(beat(seat(IN)))
    assert quiet_until(kiosk) == often


def hearing() -> Kiosk:
    """Waits, listens, and has told all that there is."""
    kiosk = waiting()(events.Listening(True), events.ChangeHeard())
    return kiosk(beat(seat(IN)))


def passing(kiosk: Kiosk, seconds: float = 8.0) -> Kiosk:
    """So much time passes, a tick a second; `effects` are those of all of it."""
    wanted: list[effects.Effect] = []
    for _ in range(round(seconds)):
        kiosk(events.Tick(kiosk.state.elapsed + 1.0, NOON))
        wanted += kiosk.effects
    kiosk.effects = tuple(wanted)
    return kiosk


def test_who_listens_and_has_nothing_to_tell_gives_a_pulse() -> None:
    kiosk = hearing()
    for _ in range(3):
        assert passing(kiosk).effects == (effects.Pulse(),)
        assert not kiosk.state.beating


def test_now_and_then_the_server_is_asked_all_the_same() -> None:
    kiosk = hearing()
    assert not passing(kiosk, ASKED_EVERY - 10).wanted(effects.Beat)
    assert len(passing(kiosk, 20).wanted(effects.Beat)) == 1
    kiosk(beat(seat(IN)))
    assert not passing(kiosk, ASKED_EVERY - 10).wanted(effects.Beat)


@pytest.mark.parametrize(
    "news",
    [
        events.DevicesSeen(replace(READY, disk_low=True)),
        events.DevicesSeen(replace(READY, camera_ready=False)),
        events.UploadProgressed("t1", 3, None, None),
        events.PackagesStaged(frozenset({"k9"})),
    ],
    ids=["disk", "camera", "unsent", "packages"],
)
def test_whatever_is_new_is_told_in_a_heartbeat_and_by_no_pulse(news: events.Event) -> None:
    kiosk = passing(hearing(), 2)(news)
    passing(kiosk)
    assert kiosk.wanted(effects.Beat)
    kiosk(events.BeatFailed(ErrorCode.TOO_BUSY, 60.0))
    assert passing(kiosk, 30).effects == ()  # nothing is as the server was told


@pytest.mark.parametrize("lost", [events.BeatFailed(), events.Listening(False)])
def test_without_answer_or_stream_there_are_no_pulses(lost: events.Event) -> None:
    kiosk = passing(hearing()(lost), 20)
    assert kiosk.wanted(effects.Beat) and not kiosk.wanted(effects.Pulse)


def test_a_change_is_asked_for_between_two_pulses() -> None:
    assert passing(hearing())(events.ChangeHeard()).wanted(effects.Beat)


def test_a_busy_server_knows_that_the_kiosk_lives_and_is_asked_again() -> None:
    kiosk = hearing()(events.ChangeHeard())
    assert len(passing(kiosk, 16).wanted(effects.Pulse)) == 2  # it has not answered yet
    kiosk(events.BeatFailed(ErrorCode.TOO_BUSY, 10.0))
    assert passing(kiosk, 9).wanted(effects.Pulse) and not kiosk.wanted(effects.Beat)
    assert passing(kiosk, 2).wanted(effects.Beat)


def test_going_from_item_to_item_is_no_news() -> None:
    writing = Writing(waiting().screen.candidate, "t1", SITTING, LEDGER)
    kiosk = Kiosk(State(screen=writing, status=START.status, listening=True))
    kiosk(events.Tick(0.0, NOON), beat(seat(IN)))
    kiosk(events.UserWentTo("b"))
    assert kiosk.screen.sitting.item != SITTING.item
    assert passing(kiosk).effects == (effects.Pulse(),)


def test_a_new_ledger_on_the_screen_is_reported_at_once() -> None:
    writing = Writing(waiting().screen.candidate, "t1", SITTING, LEDGER)
    kiosk = Kiosk(State(screen=writing, status=START.status, listening=True))
    kiosk(events.Tick(0.0, NOON), beat(seat(IN)), events.Tick(0.1, NOON))
    told = api.LedgerView.of(LEDGER.extend(timedelta(minutes=5), NOON))
    told = told.model_copy(update={"position": LEDGER.position + 1})
    kiosk(events.ChangeHeard(), beat(seat(IN, ledger=told)))
    [reported] = kiosk(events.Tick(0.2, NOON)).wanted(effects.Beat)
    assert reported.heartbeat.ledger_seen.position == told.position


def test_the_kit_is_fetched_when_it_is_another_and_reported_when_it_is_whole() -> None:
    package = api.PackageView(id="k1", sha256=bytes(32), size=1)
    view = seat(IN, kit=b"v1", packages=[package])
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), beat(view))
    assert kiosk.wanted(effects.FetchKit) == [effects.FetchKit(b"v1")]
    assert not kiosk(beat(view)).wanted(effects.FetchKit)  # one at a time
    kiosk(events.KitKept(KitHeld(b"v1", frozenset({"k1"}))))
    assert not kiosk(beat(view)).wanted(effects.FetchKit)
    assert reported_kit(kiosk) is None  # its package is missing
    kiosk(events.PackagesStaged(frozenset({"k1"})))
    assert reported_kit(kiosk) == b"v1"
    newer = seat(IN, kit=b"v2", packages=[package])
    assert kiosk(beat(newer)).wanted(effects.FetchKit) == [effects.FetchKit(b"v2")]


def reported_kit(kiosk: Kiosk) -> bytes | None:
    kiosk(beat(kiosk.state.seat))
    [due] = kiosk(events.Tick(kiosk.state.elapsed + 60, NOON)).wanted(effects.Beat)
    return due.heartbeat.kit


def test_a_kit_that_could_not_be_had_is_asked_for_again() -> None:
    view = seat(IN, kit=b"v1")
    kiosk = Kiosk()(events.Tick(0.0, NOON), events.DevicesSeen(READY), beat(view))
    kiosk(events.KitKept(None))
    assert kiosk(beat(view)).wanted(effects.FetchKit)
