"""From the tap to the waiting room: card, consent, face, check-in, the proctor's decision."""

from dataclasses import replace

from exam_server.contract.api import CheckInState, CheckInView
from exam_server.contract.errors import ErrorCode
from exam_station.flow import effects, events, watching
from exam_station.flow.effects import Effect
from exam_station.flow.states import (
    Candidate,
    CardProblem,
    CardReading,
    CardRefused,
    CardTrouble,
    CheckingIn,
    Consent,
    Face,
    FaceResult,
    NoShift,
    OutOfOrder,
    Reading,
    Referred,
    Shift,
    Starting,
    State,
    Waiting,
    Welcome,
)

Step = tuple[State, tuple[Effect, ...]]

#: Seconds until a check-in that did not reach the server is sent again.
RETRY = 3.0

#: `card_reader.verify`'s word for a chip that must not be believed.
REFUSED = "refused"


def card_tapped(state: State) -> Step:
    """A card lies on the reader and the screen asks for one."""
    placement = state.seat.placement if state.seat else None
    person = watching.candidate(placement)
    if placement is None or person is None:
        return state, ()
    if placement.citizen_number is None:
        return replace(state, screen=CardProblem(person, CardTrouble.NO_IDENTITY_DATA)), ()
    return watching.read_card(state, placement)


def card_read(state: State, screen: Reading, reading: CardReading) -> Step:
    """A refused chip goes to the server at once: its verdict counts, and no face is looked at."""
    if reading.verdict == REFUSED:
        return check_in(state, screen.candidate, reading, consent=False, face=None)
    if state.agreed == screen.candidate.placement:
        return agreed(state, Consent(screen.candidate, reading))
    return replace(state, screen=Consent(screen.candidate, reading)), ()


def agreed(state: State, screen: Consent) -> Step:
    state = replace(state, agreed=screen.candidate.placement)
    if screen.reading.portrait is None:
        return check_in(state, screen.candidate, screen.reading, consent=True, face=None)
    turn = state.turn + 1
    face = Face(screen.candidate, screen.reading)
    started = effects.StartCamera(turn, screen.reading.portrait)
    return replace(state, screen=face, turn=turn), (started,)


def declined(state: State, screen: Consent) -> Step:
    return check_in(state, screen.candidate, screen.reading, consent=False, face=None)


def face_decided(state: State, screen: Face, result: FaceResult) -> Step:
    state, sent = check_in(state, screen.candidate, screen.reading, consent=True, face=result)
    return state, (effects.StopCamera(), *sent)


def check_in(
    state: State,
    candidate: Candidate,
    reading: CardReading,
    *,
    consent: bool,
    face: FaceResult | None,
) -> Step:
    turn = state.turn + 1
    state = replace(state, screen=CheckingIn(candidate, reading, consent, face), turn=turn)
    return state, (effects.CheckIn(turn, candidate.placement, reading, consent, face),)


def check_in_failed(state: State, screen: CheckingIn, code: ErrorCode | None) -> Step:
    match code:
        case None | ErrorCode.TOO_BUSY | ErrorCode.INTERNAL:
            due = state.elapsed + RETRY
            return replace(state, screen=replace(screen, retry_at=due)), ()
        case ErrorCode.TOO_LATE:
            return replace(state, screen=CardRefused(screen.candidate, (code.value,))), ()
        case ErrorCode.CHALLENGE_INVALID:
            reason = CardTrouble.TOO_SLOW
        case ErrorCode.EVIDENCE_MALFORMED:
            reason = CardTrouble.CHIP_ANSWERED_WRONGLY
        case _:
            reason = CardTrouble.SERVER_REFUSES
    return replace(state, screen=CardProblem(screen.candidate, reason)), ()


def check_in_answered(state: State, view: CheckInView) -> Step:
    """The server's decision, for whichever screen awaits one."""
    person: Candidate | None
    match state.screen:
        case (CheckingIn() | Referred()) as screen:
            person, refusable = screen.candidate, True
        case (CardProblem() | CardRefused()) as screen:
            person, refusable = screen.candidate, False
        case Starting() | OutOfOrder() | NoShift() | Welcome():
            placement = state.seat.placement if state.seat else None
            person, refusable = watching.candidate(placement), False
        case _:
            return state, ()
    if person is None or person.placement != view.placement:
        return state, ()
    reasons = tuple(view.reasons)
    match view.state:
        case CheckInState.REFUSED if refusable:
            return replace(state, screen=CardRefused(person, reasons)), ()
        case CheckInState.REFERRED:
            return replace(state, screen=Referred(person, view.id, reasons)), ()
        case CheckInState.ADMITTED | CheckInState.CONDITIONAL if view.attempt is not None:
            conditional = view.state is CheckInState.CONDITIONAL
            return _wait(state, person, view.attempt, conditional=conditional)
    return state, ()


def _wait(state: State, candidate: Candidate, attempt: str, *, conditional: bool) -> Step:
    planned = state.seat.shift if state.seat else None
    if planned is None:
        return state, (effects.Log("admitted without a shift; waiting for the next heartbeat"),)
    shift = Shift(planned.exam, planned.name, planned.starts_at)
    waiting = Waiting(candidate, shift, attempt, conditional)
    return replace(state, screen=waiting, beat_at=state.elapsed), (effects.FetchLease(attempt),)


def time_passed(state: State) -> Step:
    match state.screen:
        case CheckingIn(retry_at=float(due)) as screen if due <= state.elapsed:
            return check_in(
                state, screen.candidate, screen.reading, consent=screen.consent, face=screen.face
            )
    return state, ()


def asks_again(state: State, screen: CheckingIn) -> Step:
    """The candidate presses \"try again\" before the time."""
    if screen.retry_at is None:
        return state, ()
    return time_passed(replace(state, screen=replace(screen, retry_at=state.elapsed)))


def frame_seen(state: State, screen: Face, event: events.FrameSeen) -> Step:
    face = replace(screen, frame=event.frame, hint=event.hint, tries=event.tries)
    return replace(state, screen=face), ()
