"""Without network: the proctor's codes stand in for the server, which judges all of it later.

The room code lets a candidate check in, with the proctor's own word on the kiosk; the start code
opens the paper. Both are of use with the room's kit alone, which came while there was a network.
"""

from dataclasses import replace

from exam_server.contract.api import FaceVerdict, SeatView
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.room_code import RoomCode
from exam_station.flow import effects, events, seated, tapping, writing
from exam_station.flow.codes import CardTrouble
from exam_station.flow.effects import Effect
from exam_station.flow.screens import (
    Candidate,
    CardProblem,
    CardReading,
    CardRefused,
    CheckingIn,
    FaceResult,
    Opening,
    ProctorConfirms,
    RoomCodeAsked,
    Shift,
    StartCodeAsked,
    Waiting,
)
from exam_station.flow.states import State

Step = tuple[State, tuple[Effect, ...]]

#: The reason for a candidate whom the proctor at the kiosk did not let in.
REFUSED_BY_OFFICER = "refused_by_officer"
AUTHENTIC = "authentic"


def seat_told(state: State, kit: SeatView) -> State:
    """An idle kiosk takes the kit's word for what its seat is."""
    place = seated.place(kit)
    return replace(state, seat=kit, trouble=None, status=replace(state.status, place=place))


def room_code_typed(state: State, screen: RoomCodeAsked, text: str) -> Step:
    checking = replace(screen, checking=True, wrong=False)
    return replace(state, screen=checking), (effects.JudgeRoomCode(state.turn, text),)


def room_code_judged(state: State, screen: RoomCodeAsked, event: events.RoomCodeJudged) -> Step:
    if event.code is None:
        return replace(state, screen=replace(screen, checking=False, wrong=True)), ()
    state = replace(state, room_code=(screen.candidate.placement, event.code))
    placement = state.seat.placement if state.seat else None
    if placement is None or not state.card_present:
        return replace(state, screen=CardProblem(screen.candidate, CardTrouble.NO_CARD)), ()
    return tapping.read_card(state, placement)


def ask_proctor(
    state: State,
    candidate: Candidate,
    reading: CardReading | None,
    *,
    consent: bool,
    face: FaceResult | None,
) -> Step:
    confirms = ProctorConfirms(candidate, reading, consent, face)
    return replace(state, screen=confirms, turn=state.turn + 1), ()


def without_chip(state: State, screen: CardProblem) -> Step:
    """The chip cannot be read and the server not be asked: the proctor decides, the result is
    conditional."""
    if not tapping.codes_can_help(state) or state.room_code is None:
        return state, ()
    return ask_proctor(state, screen.candidate, None, consent=False, face=None)


def confirmed(state: State, screen: ProctorConfirms) -> Step:
    """A press lets in where nothing is doubtful; else it takes the code (`code_confirmed`)."""
    if not is_beyond_doubt(screen.reading, screen.face):
        return state, ()
    return _let_in(state, screen)


def code_confirmed(state: State, screen: ProctorConfirms, text: str) -> Step:
    """The proctor takes the doubt upon them, with the room code typed a second time."""
    if state.room_code is None or screen.storing:
        return state, ()
    try:
        same = RoomCode.from_text(text) == state.room_code[1]
    except ContractError:
        same = False
    if not same:
        return replace(state, screen=replace(screen, wrong=True)), ()
    return _let_in(state, screen)


def _let_in(state: State, screen: ProctorConfirms) -> Step:
    code = state.room_code
    if screen.storing or code is None or code[0] != screen.candidate.placement:
        return state, ()
    admitting = effects.AdmitOffline(
        state.turn, code[0], screen.reading, screen.consent, screen.face, code[1]
    )
    return replace(state, screen=replace(screen, storing=True, wrong=False)), (admitting,)


def refused(state: State, candidate: Candidate, reasons: tuple[str, ...]) -> Step:
    """By the chip or the proctor. Whoever tries again needs the proctor, and so the code, again."""
    return replace(state, screen=CardRefused(candidate, reasons), room_code=None), ()


def admitted(state: State, screen: ProctorConfirms, event: events.AdmittedOffline) -> Step:
    planned = state.seat.shift if state.seat else None
    if planned is None:
        return state, (effects.Log("admitted without a shift"),)
    shift = Shift(planned.exam, planned.name, planned.starts_at)
    waiting = Waiting(screen.candidate, shift, event.attempt, event.conditional, leased=True)
    return replace(state, screen=waiting, room_code=None, beat_at=state.elapsed), ()


def waits_again(state: State, candidate: Candidate, attempt: str) -> Step:
    """After a restart: admitted here before, and nothing opened yet."""
    planned = state.seat.shift if state.seat else None
    if planned is None:
        return state, ()
    shift = Shift(planned.exam, planned.name, planned.starts_at)
    waiting = Waiting(candidate, shift, attempt, conditional=False, leased=True)
    return replace(state, screen=waiting), ()


def not_stored(state: State, screen: ProctorConfirms) -> Step:
    """The disk did not take it: the proctor may press again."""
    return replace(state, screen=replace(screen, storing=False)), ()


def is_beyond_doubt(reading: CardReading | None, face: FaceResult | None) -> bool:
    """Whether chip and face leave nothing to the proctor's own eyes."""
    accepted = face is not None and face.record.decision is FaceVerdict.ACCEPT
    return reading is not None and reading.verdict == AUTHENTIC and accepted


def go_offline(state: State, screen: CheckingIn) -> Step:
    """The server's answer to a check-in does not come: once more, by the room code."""
    return (
        tapping.ask_room_code(state, screen.candidate)
        if tapping.codes_can_help(state)
        else (state, ())
    )


def ask_start_code(state: State, screen: Waiting) -> Step:
    if not tapping.codes_can_help(state):
        return state, ()
    return replace(state, screen=StartCodeAsked(screen)), ()


def start_code_typed(state: State, screen: StartCodeAsked, text: str) -> Step:
    checking = replace(screen, checking=True, wrong=(), refused=False)
    return replace(state, screen=checking), (effects.OpenByCode(screen.waiting.attempt, text),)


def start_code_refused(
    state: State, screen: StartCodeAsked, event: events.StartCodeRefused
) -> Step:
    again = replace(screen, checking=False, wrong=event.wrong, refused=not event.wrong)
    return replace(state, screen=again), ()


def opened(state: State, screen: StartCodeAsked, event: events.FormOpened) -> Step:
    return writing.form_opened(state, Opening(screen.waiting.candidate, event.attempt), event)


def opening_failed(state: State, screen: StartCodeAsked, code: ErrorCode | None) -> Step:
    """The network failed between: the code may be typed again, or the server be waited for."""
    note = effects.Log(f"opening by the start code did not succeed: {code or 'no server'}")
    return replace(state, screen=replace(screen, checking=False)), (note,)
