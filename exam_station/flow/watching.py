"""The seat's news and the devices: what they mean on every screen, and what idle screens show."""

from dataclasses import replace
from typing import TypeGuard

from exam_server.contract.api import (
    AttemptState,
    PlacementView,
    SeatView,
    ShiftState,
)
from exam_server.contract.errors import UNABLE, ErrorCode
from exam_station.flow import beating, effects, events, offline, seated, staging, tapping, writing
from exam_station.flow.codes import CardTrouble, Problem
from exam_station.flow.effects import Effect
from exam_station.flow.screens import (
    Candidate,
    CardProblem,
    CardRefused,
    CheckingIn,
    Consent,
    Face,
    NoShift,
    Notice,
    Opening,
    OutOfOrder,
    ProctorConfirms,
    Reading,
    ReceiptShown,
    Referred,
    RoomCodeAsked,
    Screen,
    Shift,
    StartCodeAsked,
    Starting,
    Submitting,
    Waiting,
    Welcome,
)
from exam_station.flow.states import State

Step = tuple[State, tuple[Effect, ...]]

Idle = Starting | OutOfOrder | NoShift | Welcome

_TROUBLE = {
    None: Problem.NO_SERVER,
    ErrorCode.TOO_BUSY: Problem.NO_SERVER,
    ErrorCode.NO_SEAT: Problem.NO_SEAT,
    ErrorCode.WRONG_REALM: Problem.WRONG_REALM,
    ErrorCode.UNKNOWN_STATION: Problem.NOT_ENROLLED,
    ErrorCode.STATION_REVOKED: Problem.NOT_ENROLLED,
    ErrorCode.BAD_SIGNATURE: Problem.NOT_ENROLLED,
}


def beat_failed(state: State, event: events.BeatFailed) -> Step:
    """Without the server an idle kiosk says so; a candidate at work sees a line in the status."""
    state = beating.unable(state, event.code)
    if event.code is ErrorCode.TOO_BUSY and not beating.is_lost(state):
        return beating.too_busy(state, event.wait), ()
    state = replace(beating.beaten(state, event.wait), told=None)
    status = state.status
    lost = event.code is None or beating.is_lost(state)
    if lost or event.code not in UNABLE:  # who cannot work is not back for having said so
        since = (status.lost_since or status.now) if lost else None
        status = replace(status, connected=not lost, lost_since=since)
    trouble = _TROUBLE.get(event.code, Problem.SERVER_REFUSES)
    open_paper = writing.paper(state.screen)
    told = (effects.TellHead(open_paper.attempt),) if lost and open_paper else ()
    state = replace(state, status=status, trouble=trouble)
    kit = event.kit if lost else None
    if kit is not None and isinstance(state.screen, Idle | Submitting | ReceiptShown):
        return _follow(offline.seat_told(state, kit))
    state, settled = settle(state)
    return state, (*told, *settled)


def beat_answered(state: State, view: SeatView) -> Step:
    state = replace(beating.beaten(state), told=state.telling, unable_since=None)
    foreign = bool(state.status.realm) and view.realm != state.status.realm
    status = replace(
        state.status,
        connected=True,
        lost_since=None,
        place=seated.place(view),
        now=max(view.server_time, state.status.now or view.server_time),
    )
    allowed = view.frozen is None or status.version in view.frozen.programs
    trouble = Problem.WRONG_REALM if foreign else None if allowed else Problem.WRONG_PROGRAM
    state = replace(state, status=status, trouble=trouble, seat=None if foreign else view)
    state, fetching = staging.due(staging.counted(state))
    state, followed = _follow(state)
    if beating.ledger_seen(state) != (state.told.ledger_seen if state.told else None):
        state = replace(state, beat_at=state.elapsed)  # the proctor waits for it
    return state, (*fetching, *followed)


def packages_staged(state: State, event: events.PackagesStaged) -> Step:
    return settle(staging.packages_staged(state, event))


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
        case Waiting() | Opening() if placement and placement.tap_first:
            return settle(replace(state, screen=Starting()))
        case Notice(code=code) if code in beating.GONE and placement:  # moved back
            return settle(replace(state, screen=Starting()))
        case CardProblem() | CardRefused() | CheckingIn() if _is_in(placement):
            return _enter(state, placement)
        case Reading() | Consent() | Face() if _is_in(placement):
            return _taken_up(state, screen.candidate, placement)
        case CardProblem() if placement and placement.checkin:
            return state, (effects.AskCheckIn(state.turn, placement.checkin),)
        case CardProblem(reason=CardTrouble.NO_SERVER) if placement and state.card_present:
            return tapping.read_card(state, placement)  # now there is one, and the card lies there
        case Referred(checkin=checkin):
            asked = (placement.checkin if placement else None) or checkin
            return state, (effects.AskCheckIn(state.turn, asked),)
        case RoomCodeAsked() if placement and placement.attempt:
            return _taken_up(state, screen.candidate, placement)
        case StartCodeAsked(waiting) if placement and _has_started(state, placement):
            return _enter(replace(state, screen=waiting), placement)
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
    status = replace(state.status, language=state.language, unsent=0, remaining=None, head_code="")
    return replace(state, status=status, agreed=None, room_code=None, ledger_at=None)


def _closed(state: State) -> bool:
    shift = state.seat.shift if state.seat else None
    return shift is not None and shift.state is ShiftState.CLOSED


def _is_over(screen: Screen, placement: PlacementView | None, *, closed: bool) -> bool:
    """Whether shift or candidate of the screen are not those of the seat any more.

    An opened paper stays: only the server's answer to its records can end it. That a candidate
    went to another seat is said until somebody else is expected here.
    """
    match screen:
        case Reading() | CardProblem() | CardRefused() | Consent() | Face() | CheckingIn():
            former = screen.candidate.placement
        case RoomCodeAsked() | ProctorConfirms() | Referred() | Waiting():
            former = screen.candidate.placement
        case StartCodeAsked(waiting=Waiting(candidate=Candidate(placement=former))):
            pass
        case Submitting():
            # What is still to be sent goes on behind the next candidate's back.
            former, closed = screen.candidate.placement, False
        case ReceiptShown():
            former, closed = screen.candidate.placement, False
        case Notice(code=code) if code in beating.GONE and placement is None:
            return closed
        case Notice(candidate=Candidate(placement=former)):
            closed = False
        case _:
            return False
    return closed or placement is None or placement.id != former


def _is_in(placement: PlacementView | None) -> TypeGuard[PlacementView]:
    """Whether somebody is admitted and sits here: after a move the card is read here first."""
    return placement is not None and placement.attempt is not None and not placement.tap_first


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
    if _is_in(placement):
        return _enter(state, placement)
    return state, wanted


def _idle(state: State) -> Step:
    problems = _problems(state)
    if problems:
        return replace(state, screen=OutOfOrder(problems)), ()
    seat, here = state.seat, state.status.place
    if seat is None or here is None or state.devices is None:
        return replace(state, screen=Starting()), ()
    if seat.shift is None:
        return replace(state, screen=NoShift(here)), ()
    shift = Shift(seat.shift.exam, seat.shift.name, seat.shift.starts_at)
    if seat.shift.state not in (ShiftState.OPEN, ShiftState.STARTED):
        return replace(state, screen=NoShift(here, shift)), ()
    moved = seat.placement is not None and seat.placement.tap_first
    expected = seated.candidate(seat.placement) if seat.placement else None
    welcome = Welcome(here, shift, expected, moved)
    return _welcome(state, welcome, seat.placement)


def _welcome(state: State, screen: Welcome, placement: PlacementView | None) -> Step:
    before = state.screen
    arrived = not isinstance(before, Welcome) or before.candidate != screen.candidate
    if isinstance(before, Welcome) and arrived:
        state = _forgotten(state)
    state = replace(state, screen=screen)
    if placement is None or _is_in(placement):
        return state, ()
    if placement.checkin is not None:
        return state, (effects.AskCheckIn(state.turn, placement.checkin),)
    if arrived and state.card_present:
        return tapping.read_card(state, placement)
    return state, ()


def _problems(state: State) -> tuple[Problem, ...]:
    found: list[Problem] = []
    if state.trouble is not None:
        found.append(state.trouble)
    elif state.seat is not None and state.status.place is None:
        found.append(Problem.NO_SEAT)
    if staging.is_wanting(state):
        found.append(Problem.PACKAGES_MISSING)
    if state.devices is not None:
        found.extend(state.devices.problems)
    return tuple(dict.fromkeys(found))


def _enter(state: State, placement: PlacementView) -> Step:
    """The placement has an attempt: admitted, being written or handed in."""
    person, attempt = seated.candidate(placement), placement.attempt
    if attempt is None:
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
    if placement.checkin is None and not state.status.connected:
        return offline.waits_again(state, person, attempt)
    if placement.checkin is None:
        return state, (effects.Log("an attempt without a check-in; the server must explain it"),)
    return state, (effects.AskCheckIn(state.turn, placement.checkin),)
