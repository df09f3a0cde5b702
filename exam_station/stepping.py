"""One step of a kiosk, with or without a window: what is written comes before what is shown."""

from collections.abc import Callable

from exam_station.flow import effects, transition
from exam_station.flow.effects import Effect
from exam_station.flow.events import AttemptStopped, Event
from exam_station.flow.states import State

Write = Callable[[effects.WriteRecord], AttemptStopped | None]


def step(state: State, event: Event, write: Write) -> tuple[State, tuple[Effect, ...]]:
    """The state to show after `event`, and what is still to be done.

    A change that `write` could not put on disk is never shown: what stopped it is.
    """
    after, wanted = transition(state, event)
    for effect in wanted:
        if isinstance(effect, effects.WriteRecord) and (stopped := write(effect)) is not None:
            after, wanted = transition(state, stopped)
            break
    return after, tuple(one for one in wanted if not isinstance(one, effects.WriteRecord))
