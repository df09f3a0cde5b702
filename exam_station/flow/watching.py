"""Heartbeats, devices and time: what the kiosk does on every screen, and what idle screens show."""

from dataclasses import replace

from exam_server.contract.api import (
    AttemptState,
    Heartbeat,
    PlacementView,
    SeatView,
    ShiftState,
    StationState,
)
from exam_server.contract.errors import ErrorCode
from exam_station.flow import effects, events, writing
from exam_station.flow.effects import Effect
from exam_station.flow.states import (
    Answers,
    Candidate,
    CardProblem,
    CardRefused,
    CardTrouble,
    CheckingIn,
    ConfirmSubmit,
    Consent,
    Face,
    NoShift,
    Notice,
    Opening,
    OutOfOrder,
    Paused,
    Place,
    Problem,
    Reading,
    ReceiptShown,
    Referred,
    Screen,
    Shift,
    Starting,
    State,
    Submitting,
    TimeUp,
    Waiting,
    Welcome,
    Writing,
)

Step = tuple[State, tuple[Effect, ...]]

#: Seconds between heartbeats: where the next thing comes from the server, and elsewhere.
WATCHFUL, CALM = 1.5, 3.0

#: A heartbeat that nobody has answered for so many seconds is lost; the next one is sent.
LOST = 60.0

Idle = Starting | OutOfOrder | NoShift | Welcome

_TROUBLE = {
    None: Problem.NO_SERVER,
    ErrorCode.NO_SEAT: Problem.NO_SEAT,
    ErrorCode.WRONG_REALM: Problem.WRONG_REALM,
    ErrorCode.UNKNOWN_STATION: Problem.NOT_ENROLLED,
    ErrorCode.STATION_REVOKED: Problem.NOT_ENROLLED,
    ErrorCode.BAD_SIGNATURE: Problem.NOT_ENROLLED,
}


def ticked(state: State, event: events.Tick) -> Step:
    status = replace(state.status, now=event.now or state.status.now)
    state = replace(state, elapsed=event.elapsed, status=status)
    due = state.beat_at + (LOST if state.beating else 0.0)
    if state.elapsed < due:
        return state, ()
    state = replace(state, beating=True, beat_at=state.elapsed)
    return state, (effects.Beat(_heartbeat(state)),)


def _heartbeat(state: State) -> Heartbeat:
    devices = state.devices
    open_paper = writing.paper(state.screen)
    return Heartbeat(
        state=_reported(state.screen),
        program_version=state.status.version,
        reader_ready=devices is not None and devices.reader_ready,
        camera_ready=devices is not None and devices.camera_ready,
        staged=sorted(state.staged),
        unsent_records=state.status.unsent,
        current_item=open_paper.sitting.item.number if open_paper else None,
    )


def _reported(screen: Screen) -> StationState:
    match screen:
        case Starting() | OutOfOrder() | Notice():
            return StationState.OUT_OF_ORDER
        case NoShift() | Welcome() | CardProblem():
            return StationState.IDLE
        case Reading():
            return StationState.READING
        case Consent() | Face() | CheckingIn():
            return StationState.IDENTIFYING
        case Referred() | CardRefused():
            return StationState.REFERRED
        case Waiting() | Opening():
            return StationState.WAITING
        case Writing() | ConfirmSubmit() | Paused() | TimeUp() | Submitting():
            return StationState.WRITING
        case ReceiptShown():
            return StationState.SUBMITTED


def _beaten(state: State, wait: float = 0.0) -> State:
    calm = isinstance(state.screen, Welcome | NoShift | Reading | Face | Writing | ReceiptShown)
    pause = max(wait, CALM if calm else WATCHFUL)
    return replace(state, beating=False, beat_at=state.elapsed + pause)


def beat_failed(state: State, event: events.BeatFailed) -> Step:
    """Without the server an idle kiosk says so; a candidate at work sees a line in the status."""
    state = _beaten(state, event.wait)
    if event.code is ErrorCode.TOO_BUSY:
        return state, ()
    status = state.status
    lost = event.code is None
    since = (status.lost_since or status.now) if lost else None
    status = replace(status, connected=not lost, lost_since=since)
    trouble = _TROUBLE.get(event.code, Problem.SERVER_REFUSES)
    return settle(replace(state, status=status, trouble=trouble))


def beat_answered(state: State, view: SeatView) -> Step:
    state = _beaten(state)
    foreign = bool(state.status.realm) and view.realm != state.status.realm
    status = replace(
        state.status,
        connected=True,
        lost_since=None,
        place=_place(view),
        now=max(view.server_time, state.status.now or view.server_time),
    )
    trouble = Problem.WRONG_REALM if foreign else None
    state = replace(state, status=status, trouble=trouble, seat=None if foreign else view)
    state, staging = _stage(state)
    state, followed = _follow(state)
    return state, (*staging, *followed)


def _stage(state: State) -> Step:
    wanted = tuple(state.seat.packages) if state.seat else ()
    missing = {package.id for package in wanted} - state.staged
    if not missing or state.staging:
        return state, ()
    return replace(state, staging=True), (effects.StagePackages(wanted, state.staged),)


def staged(state: State, event: events.PackagesStaged) -> Step:
    return replace(state, staged=event.packages, staging=False), ()


def devices_seen(state: State, event: events.DevicesSeen) -> Step:
    return settle(replace(state, devices=event.devices))


def _follow(state: State) -> Step:
    """What the seat's news mean for the screen."""
    placement = state.seat.placement if state.seat else None
    screen = state.screen
    if _is_over(screen, placement, closed=_closed(state)):
        closing = (effects.StopCamera(), effects.CloseAttempt())
        # A card left on the reader is the former candidate's: it must be tapped anew.
        cleared = replace(state, screen=Starting(), turn=state.turn + 1, card_present=False)
        state, more = settle(_forgotten(cleared))
        return state, (*closing, *more)
    match screen:
        case Starting() | OutOfOrder() | NoShift() | Welcome():
            return settle(state)
        case CardProblem() | CardRefused() | CheckingIn() if placement and placement.attempt:
            return _enter(state, placement)
        case Reading() | Consent() | Face() if placement and placement.attempt:
            return _taken_up(state, screen.candidate, placement)
        case CardProblem() if placement and placement.checkin:
            return state, (effects.AskCheckIn(state.turn, placement.checkin),)
        case Referred(checkin=checkin):
            asked = (placement.checkin if placement else None) or checkin
            return state, (effects.AskCheckIn(state.turn, asked),)
        case Waiting() if placement and _has_started(state, placement):
            return _enter(state, placement)
    open_paper = writing.paper(screen)
    if open_paper is None or state.seat is None:
        return state, ()
    if placement is None or placement.attempt != open_paper.attempt:
        # Moved to another seat, or the seat's next shift has begun: the server's answer to the
        # records says whether the paper is still this station's.
        return state, (effects.Flush(open_paper.attempt),)
    if state.seat.ledger is None:
        return state, ()
    return writing.ledger_told(state, state.seat.ledger, state.seat.server_time)


def _taken_up(state: State, person: Candidate, placement: PlacementView) -> Step:
    """Two officers admitted the candidate meanwhile: card and camera are not needed any more."""
    if placement.checkin is None:
        return _enter(state, placement)
    referred = Referred(person, placement.checkin, ())
    state, entered = _enter(replace(state, screen=referred, turn=state.turn + 1), placement)
    return state, (effects.StopCamera(), *entered)


def _forgotten(state: State) -> State:
    """Nothing of the former candidate, not even the language, is there for the next one."""
    status = replace(state.status, language=state.language, unsent=0, remaining=None)
    return replace(state, status=status, agreed=None, ledger_at=None)


def _closed(state: State) -> bool:
    shift = state.seat.shift if state.seat else None
    return shift is not None and shift.state is ShiftState.CLOSED


def _is_over(screen: Screen, placement: PlacementView | None, *, closed: bool) -> bool:
    """Whether shift or candidate of the screen are not those of the seat any more.

    An opened paper stays: only the server's answer to its records can end it.
    """
    match screen:
        case Reading() | CardProblem() | CardRefused() | Consent() | Face() | CheckingIn():
            former = screen.candidate.placement
        case Referred() | Waiting():
            former = screen.candidate.placement
        case ReceiptShown():
            former, closed = screen.candidate.placement, False
        case Notice(candidate=Candidate(placement=former)):
            closed = False
        case _:
            return False
    return closed or placement is None or placement.id != former


def _has_started(state: State, placement: PlacementView) -> bool:
    shift = state.seat.shift if state.seat else None
    begun = shift is not None and shift.state is ShiftState.STARTED
    return begun or placement.attempt_state in (AttemptState.WRITING, AttemptState.SUBMITTED)


def settle(state: State) -> Step:
    """The idle screen that fits; other screens stay as they are.

    Whoever is admitted goes on even where a reader or a camera is missing: it is not needed.
    """
    if not isinstance(state.screen, Idle):
        return state, ()
    state, wanted = _idle(state)
    placement = state.seat.placement if state.seat and state.trouble is None else None
    if placement is not None and placement.attempt is not None:
        return _enter(state, placement)
    return state, wanted


def _idle(state: State) -> Step:
    problems = _problems(state)
    if problems:
        return replace(state, screen=OutOfOrder(problems)), ()
    seat, place = state.seat, state.status.place
    if seat is None or place is None or state.devices is None:
        return replace(state, screen=Starting()), ()
    if seat.shift is None:
        return replace(state, screen=NoShift(place)), ()
    shift = Shift(seat.shift.exam, seat.shift.name, seat.shift.starts_at)
    if seat.shift.state not in (ShiftState.OPEN, ShiftState.STARTED):
        return replace(state, screen=NoShift(place, shift)), ()
    return _welcome(state, Welcome(place, shift, candidate(seat.placement)), seat.placement)


def _welcome(state: State, screen: Welcome, placement: PlacementView | None) -> Step:
    before = state.screen
    arrived = not isinstance(before, Welcome) or before.candidate != screen.candidate
    if isinstance(before, Welcome) and arrived:
        state = _forgotten(state)
    state = replace(state, screen=screen)
    if placement is None or placement.attempt is not None:
        return state, ()
    if placement.checkin is not None:
        return state, (effects.AskCheckIn(state.turn, placement.checkin),)
    if arrived and state.card_present:
        return read_card(state, placement)
    return state, ()


def _problems(state: State) -> tuple[Problem, ...]:
    found: list[Problem] = []
    if state.trouble is not None:
        found.append(state.trouble)
    elif state.seat is not None and state.status.place is None:
        found.append(Problem.NO_SEAT)
    if state.devices is not None:
        found.extend(state.devices.problems)
    return tuple(dict.fromkeys(found))


def _enter(state: State, placement: PlacementView) -> Step:
    """The placement has an attempt: admitted, being written or handed in."""
    person, attempt = candidate(placement), placement.attempt
    if person is None or attempt is None:
        return state, ()
    match placement.attempt_state:
        case AttemptState.SUBMITTED:
            submitting = Submitting(person, attempt, by="candidate")
            return replace(state, screen=submitting), (effects.Submit(attempt),)
        case AttemptState.WRITING:
            return writing.open_form(state, person, attempt)
    if isinstance(state.screen, Waiting):
        return writing.open_form(state, person, attempt)
    if _closed(state):
        return state, ()
    if placement.checkin is None:
        return state, (effects.Log("an attempt without a check-in; the server must explain it"),)
    return state, (effects.AskCheckIn(state.turn, placement.checkin),)


def read_card(state: State, placement: PlacementView, answers: Answers | None = None) -> Step:
    """Start reading the card on the reader, if the roster knows what opens it."""
    person = _candidate(placement)
    if placement.citizen_number is None:
        return replace(state, screen=CardProblem(person, CardTrouble.NO_IDENTITY_DATA)), ()
    reading, turn = Reading(person, answers=answers), state.turn + 1
    return replace(state, screen=reading, turn=turn), (effects.ReadCard(turn, placement),)


def candidate(placement: PlacementView | None) -> Candidate | None:
    return None if placement is None else _candidate(placement)


def _candidate(placement: PlacementView) -> Candidate:
    return Candidate(
        placement=placement.id,
        registration_number=placement.registration_number,
        name=placement.candidate_name,
        date_of_birth=placement.date_of_birth,
        paper=placement.paper,
        minutes=placement.minutes,
    )


def _place(view: SeatView) -> Place | None:
    if view.centre is None or view.room is None or view.seat is None:
        return None
    return Place(view.centre, view.room, view.seat)
