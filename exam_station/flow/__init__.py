"""The kiosk's behaviour, pure: `transition(state, event)` gives the next state and the effects."""

from exam_station.flow.transition import transition

__all__ = ["transition"]
