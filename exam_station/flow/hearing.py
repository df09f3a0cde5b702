"""What the stream from the server tells: that something is new, and that the shift has started."""

from dataclasses import replace

from exam_server.contract.api import ShiftState
from exam_station.flow import beating, events, writing
from exam_station.flow.effects import Effect
from exam_station.flow.screens import StartCodeAsked, Waiting
from exam_station.flow.states import State

Step = tuple[State, tuple[Effect, ...]]


def change_heard(state: State) -> Step:
    """The next heartbeat is due now; one that is on its way may have left before the change."""
    if state.beating:
        return replace(state, beat_again=True), ()
    return beating.beat(state)


def start_heard(state: State, event: events.StartHeard) -> Step:
    """Whoever waits opens the paper at once, whoever is being admitted as soon as they are."""
    state = replace(state, started=event.shift)
    match state.screen:
        case (Waiting() as waiting) | StartCodeAsked(waiting) if waiting.leased:
            return open_if_started(state, waiting)
    return state, ()


def lease_taken(state: State, screen: Waiting) -> Step:
    screen = replace(screen, leased=True, retry_at=None)
    return open_if_started(replace(state, screen=screen), screen)


def open_if_started(state: State, screen: Waiting) -> Step:
    shift = state.seat.shift if state.seat else None
    if shift is None or not (shift.state is ShiftState.STARTED or state.started == shift.id):
        return state, ()
    return writing.open_form(state, screen.candidate, screen.attempt)
