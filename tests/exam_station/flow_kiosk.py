"""A kiosk of the flow alone: events go in, the last effects come out; and ways to its screens."""

from dataclasses import replace
from datetime import timedelta

from station_papers import FORM, NOON, placement, seat

from exam_server.contract import api
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_station.flow import events, transition
from exam_station.flow.effects import Effect
from exam_station.flow.events import Event
from exam_station.flow.screens import (
    CardReading,
    FaceResult,
    Frame,
)
from exam_station.flow.states import Devices, State, Status
from exam_station.sitting import Sitting

READY = Devices((), reader_ready=True, camera_ready=True)
READING = CardReading("challenge-1", b"evidence", b"signature", b"portrait", "unproven")
SOON = replace(READING, expires_at=NOON + timedelta(seconds=19))
FRESH = replace(SOON, challenge="challenge-2", expires_at=NOON + timedelta(seconds=60))
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
