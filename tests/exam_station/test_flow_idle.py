"""A kiosk that waits: what is wrong with it, its packages, its program, and when it asks again."""

import pytest
from flow_kiosk import (
    ADMITTED,
    READY,
    RECEIPT,
    Kiosk,
    at_face,
    at_waiting,
    at_welcome,
    at_writing,
    beat,
)
from station_papers import NOON, placement, seat

from exam_server.contract import api
from exam_server.contract.errors import ErrorCode
from exam_station.flow import effects, events
from exam_station.flow.codes import NoticeCode, Problem
from exam_station.flow.screens import (
    NoShift,
    OutOfOrder,
    Reading,
    ReceiptShown,
    Welcome,
)
from exam_station.flow.states import Devices, State, Status


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


def test_a_closed_shift_ends_waiting_and_identifying_but_keeps_the_receipt() -> None:
    for kiosk in (at_face(), at_waiting()):
        kiosk(beat(seat(ADMITTED, api.ShiftState.CLOSED)))
        assert isinstance(kiosk.screen, NoShift)
        assert not kiosk.wanted(effects.AskCheckIn)
    kiosk = at_writing()(events.UserAskedSubmit(), events.UserConfirmedSubmit())
    kiosk(events.ReceiptArrived("t1", RECEIPT), beat(seat(ADMITTED, api.ShiftState.CLOSED)))
    assert isinstance(kiosk.screen, ReceiptShown)


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


def frozen_seat(version: str, who: api.PlacementView | None = None) -> api.SeatView:
    view = seat(who or placement())
    return view.model_copy(update={"frozen": api.FrozenView(programs=[version])})


def planned(version: str) -> api.SeatView:
    view = frozen_seat(version)
    shift = view.shift.model_copy(update={"state": api.ShiftState.PLANNED})
    package = api.PackageView(id="g1", sha256=bytes(32), size=10)
    return view.model_copy(update={"shift": shift, "packages": [package]})


def running(version: str) -> Kiosk:
    kiosk = Kiosk(State(status=Status(realm="test", version=version)))
    return kiosk(events.DevicesSeen(READY))


def test_another_program_than_the_frozen_one_says_so_and_serves_nobody() -> None:
    kiosk = running("2")(beat(frozen_seat("1")))
    assert kiosk.screen == OutOfOrder((Problem.WRONG_PROGRAM,))
    kiosk(events.CardInserted())
    assert kiosk.screen == OutOfOrder((Problem.WRONG_PROGRAM,))
    admitted = frozen_seat("1", placement(attempt="t1", checkin="c1"))
    assert isinstance(kiosk(beat(admitted)).screen, OutOfOrder)
    assert not kiosk.wanted(effects.AskCheckIn)
    assert isinstance(kiosk(beat(frozen_seat("2"))).screen, Reading)


def test_packages_on_their_way_are_a_line_and_those_that_do_not_come_a_problem() -> None:
    kiosk = running("1")(beat(planned("1")))
    assert isinstance(kiosk.screen, NoShift)
    assert kiosk.state.status.packages == (0, 1)
    kiosk(events.PackagesStaged(frozenset()))
    assert kiosk.screen == OutOfOrder((Problem.PACKAGES_MISSING,))
    kiosk(beat(planned("1")))
    assert kiosk.screen == OutOfOrder((Problem.PACKAGES_MISSING,))  # it is tried again, no flicker
    kiosk(events.PackagesStaged(frozenset({"g1"})))
    assert isinstance(kiosk.screen, NoShift)
    assert kiosk.state.status.packages == (1, 1)


def test_once_candidates_may_come_missing_packages_keep_nobody_out() -> None:
    opened = planned("1").model_copy(update={"shift": seat(placement()).shift})
    kiosk = running("1")(beat(opened), events.PackagesStaged(frozenset()))
    assert isinstance(kiosk.screen, Welcome)
    assert kiosk.state.status.packages == (0, 1)


def test_a_refused_program_calls_for_a_person_and_may_be_tried_again() -> None:
    kiosk = at_writing()(events.AttemptStopped("t1", NoticeCode.WRONG_PROGRAM))
    assert kiosk.screen.code is NoticeCode.WRONG_PROGRAM and kiosk.screen.retry
