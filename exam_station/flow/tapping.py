"""A card lies on the reader and is read; where there is no network, after the room code."""

from dataclasses import replace

from exam_server.contract.api import PlacementView, ShiftState
from exam_station.flow import effects
from exam_station.flow.codes import CardTrouble
from exam_station.flow.effects import Effect
from exam_station.flow.screens import Answers, Candidate, CardProblem, Reading, RoomCodeAsked
from exam_station.flow.seated import candidate
from exam_station.flow.states import State

Step = tuple[State, tuple[Effect, ...]]


def read_card(state: State, placement: PlacementView, answers: Answers | None = None) -> Step:
    """Start reading the card on the reader, if the roster knows what opens it. Without network
    the proctor's room code comes first."""
    person = candidate(placement)
    if placement.citizen_number is None:
        return replace(state, screen=CardProblem(person, CardTrouble.NO_IDENTITY_DATA)), ()
    code = None
    if codes_can_help(state):
        typed_for, code = state.room_code or ("", None)
        if typed_for != placement.id:
            return ask_room_code(state, person)
    reading, turn = Reading(person, answers=answers), state.turn + 1
    return replace(state, screen=reading, turn=turn), (effects.ReadCard(turn, placement, code),)


def codes_can_help(state: State) -> bool:
    """Whether a proctor's code can: no server, and a shift to check in for."""
    shift = state.seat.shift if state.seat else None
    running = shift is not None and shift.state in (ShiftState.OPEN, ShiftState.STARTED)
    return running and not state.status.connected


def ask_room_code(state: State, person: Candidate) -> Step:
    return replace(state, screen=RoomCodeAsked(person), turn=state.turn + 1), ()
