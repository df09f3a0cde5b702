"""From the tap to the waiting room: card, consent, face, check-in, the proctor's decision."""

from dataclasses import replace
from datetime import timedelta

from exam_server.contract.api import CheckInState, CheckInView
from exam_server.contract.errors import UNABLE, ErrorCode
from exam_station.flow import effects, events, offline, seated, tapping
from exam_station.flow.codes import CardTrouble
from exam_station.flow.effects import Effect
from exam_station.flow.screens import (
    Answers,
    Candidate,
    CardProblem,
    CardReading,
    CardRefused,
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
    Waiting,
    Welcome,
)
from exam_station.flow.states import State

Step = tuple[State, tuple[Effect, ...]]

#: With less than this left of a challenge, the card is read once more: what is sent with the last
#: of it may come too late.
MARGIN = timedelta(seconds=20)

#: `card_reader.verify`'s word for a chip that must not be believed.
REFUSED = "refused"


def card_tapped(state: State) -> Step:
    """A card lies on the reader and the screen asks for one."""
    placement = state.seat.placement if state.seat else None
    return (state, ()) if placement is None else tapping.read_card(state, placement)


def reading_stepped(state: State, screen: Reading, event: events.ReadingStepped) -> Step:
    seen = event.portrait or screen.portrait
    stepped = replace(screen, step=event.step, done=event.done, total=event.total, portrait=seen)
    return replace(state, screen=stepped), ()


def card_read(state: State, screen: Reading, reading: CardReading) -> Step:
    """A refused chip goes to the server at once: its verdict counts, and no face is looked at.

    What was answered before a repeated reading holds for the very same portrait only.
    """
    answers = screen.answers
    if reading.verdict == REFUSED and reading.counter is not None:
        return offline.refused(state, screen.candidate, reading.reasons)
    if reading.verdict == REFUSED:
        return _send(state, CheckingIn(screen.candidate, reading, consent=False, face=None))
    if answers is not None and reading.counter is None and answers.portrait == reading.portrait:
        again = CheckingIn(screen.candidate, reading, answers.consent, answers.face, repeated=True)
        return _send(state, again)
    if screen.candidate.placement in (state.agreed, _agreed_before(state)):
        return agreed(state, Consent(screen.candidate, reading))
    return replace(state, screen=Consent(screen.candidate, reading)), ()


def _agreed_before(state: State) -> str | None:
    """The placement whose candidate agreed to the face check at another station."""
    placement = state.seat.placement if state.seat else None
    return placement.id if placement is not None and placement.agreed else None


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
    """Sends what was found; where the reading's challenge has run out, reads the card again.

    Where the challenge came from the room code, the proctor at the kiosk confirms.
    """
    if reading.counter is not None:
        return offline.ask_proctor(state, candidate, reading, consent=consent, face=face)
    asked = CheckingIn(candidate, reading, consent, face)
    now = state.status.now
    if now is not None and reading.expires_at is not None and reading.expires_at - now < MARGIN:
        return _read_again(state, asked)
    return _send(state, asked)


def _read_again(state: State, asked: CheckingIn) -> Step:
    """The card lies there still: nobody notices. Else it must be put on once more."""
    placement = state.seat.placement if state.seat else None
    if placement is None or not state.card_present:
        return replace(state, screen=CardProblem(asked.candidate, CardTrouble.TOO_SLOW)), ()
    answers = Answers(asked.consent, asked.face, asked.reading.portrait)
    return tapping.read_card(state, placement, answers)


def _send(state: State, asked: CheckingIn) -> Step:
    turn, placement = state.turn + 1, asked.candidate.placement
    state = replace(state, screen=replace(asked, retry_at=None), turn=turn)
    sent = effects.CheckIn(turn, placement, asked.reading, asked.consent, asked.face)
    return state, (sent,)


def check_in_failed(state: State, screen: CheckingIn, event: events.CheckInFailed) -> Step:
    match event.code:
        case code if code is None or code in UNABLE:
            due = state.elapsed + event.wait
            return replace(state, screen=replace(screen, retry_at=due)), ()
        case ErrorCode.TOO_LATE as code:
            return replace(state, screen=CardRefused(screen.candidate, (code.value,))), ()
        case ErrorCode.CHALLENGE_INVALID if not screen.repeated:
            return _read_again(state, screen)
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
            person = None if placement is None else seated.candidate(placement)
            refusable = False
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
    taking = effects.FetchLease(attempt, lost=not state.status.connected)
    return replace(state, screen=waiting, beat_at=state.elapsed), (taking,)


def time_passed(state: State) -> Step:
    match state.screen:
        case CheckingIn(retry_at=float(due)) as screen if due <= state.elapsed:
            return _send(state, screen)
    return state, ()


def asks_again(state: State, screen: CheckingIn) -> Step:
    """The candidate presses \"try again\" before the time."""
    if screen.retry_at is None:
        return state, ()
    return time_passed(replace(state, screen=replace(screen, retry_at=state.elapsed)))


def frame_seen(state: State, screen: Face, event: events.FrameSeen) -> Step:
    face = replace(
        screen, frame=event.frame, hint=event.hint, tries=event.tries, pictures=event.pictures
    )
    return replace(state, screen=face), ()
