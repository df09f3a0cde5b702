"""Heartbeats: when they are due, and what they tell; and pulses.

Where the stream is open a pulse says that the kiosk lives, and takes the place of a heartbeat that
would tell nothing new.
"""

from dataclasses import replace

from exam_server.contract.api import Heartbeat, LedgerSeen, StationState
from exam_server.contract.errors import UNABLE, ErrorCode
from exam_station.flow import effects, events, staging, writing
from exam_station.flow.codes import NoticeCode
from exam_station.flow.effects import Effect
from exam_station.flow.screens import (
    CardProblem,
    CardRefused,
    CheckingIn,
    ConfirmSubmit,
    Consent,
    Face,
    NoShift,
    Notice,
    Opening,
    OutOfOrder,
    Paused,
    ProctorConfirms,
    Reading,
    ReceiptShown,
    Referred,
    RoomCodeAsked,
    Screen,
    StartCodeAsked,
    Starting,
    Submitting,
    TimeUp,
    Waiting,
    Welcome,
    Writing,
)
from exam_station.flow.states import State

Step = tuple[State, tuple[Effect, ...]]

_QUIET = NoShift | Welcome | Waiting | Writing | ConfirmSubmit | Paused | ReceiptShown

#: Seconds between heartbeats: where a change of time must be on the screen within two seconds,
#: where the next thing comes from the server, and elsewhere.
PROMPT, WATCHFUL, CALM = 1.0, 1.5, 3.0
#: Where the stream tells what is new, and between pulses; the server takes 20 s for silence.
LISTENING = 8.0
#: So long pulses may take the place of heartbeats: a net below what the stream may not tell of.
ASKED_EVERY = 120.0

#: Why a paper is locked here though its candidate writes on elsewhere.
GONE = (NoticeCode.MOVED, NoticeCode.TAKEN_OVER)

#: A server that has answered for so many seconds that it cannot do its work is as good as lost.
UNABLE_FOR = 60.0

#: A heartbeat that nobody has answered for so many seconds is lost; the next one is sent.
LOST = 60.0


def ticked(state: State, event: events.Tick) -> Step:
    status = replace(state.status, now=event.now or state.status.now)
    state = replace(state, elapsed=event.elapsed, status=status)
    state, pulse = _pulse(state)
    due = state.beat_at + (LOST if state.beating else 0.0)
    if state.elapsed < due:
        return state, pulse
    if not _has_to_ask(state):
        return replace(state, beat_at=state.elapsed + LISTENING), pulse
    state, asked = beat(state)
    return state, (*pulse, *asked)


def beat(state: State) -> Step:
    heartbeat = _heartbeat(state)
    state = replace(state, beating=True, beat_again=False, beat_at=state.elapsed)
    return replace(state, telling=heartbeat, asked_at=state.elapsed), (effects.Beat(heartbeat),)


def _pulse(state: State) -> Step:
    """Also while a heartbeat is on its way: a busy server's answer is late, the kiosk is there."""
    lives = state.listening and (state.beating or not _has_news(state))
    if state.told is None or not lives or state.elapsed < state.pulse_at:
        return state, ()
    return replace(state, pulse_at=state.elapsed + LISTENING), (effects.Pulse(),)


def _has_to_ask(state: State) -> bool:
    overdue = state.beating or state.elapsed >= state.asked_at + ASKED_EVERY
    return overdue or not _hears_all(state) or _has_news(state)


def _has_news(state: State) -> bool:
    """Whether the server does not know what the kiosk is like. Nobody is shown the present item."""
    told = state.told
    if told is None:
        return True
    return _heartbeat(state).model_copy(update={"current_item": told.current_item}) != told


def unable(state: State, code: ErrorCode | None) -> State:
    """What a failed heartbeat says of how long the server has not been able to do its work;
    `code` is None where it was not even reached."""
    if code is not None and code not in UNABLE:
        return replace(state, unable_since=None)
    since = state.elapsed if state.unable_since is None else state.unable_since
    return replace(state, unable_since=since)


def is_lost(state: State) -> bool:
    """Whether a server that answers is of no use here any more: its codes can help, as without
    network."""
    since = state.unable_since
    return since is not None and state.elapsed >= since + UNABLE_FOR


def too_busy(state: State, wait: float) -> State:
    """The server knows no less than before, and is asked again."""
    return replace(beaten(state, wait), asked_at=state.elapsed - ASKED_EVERY)


def _heartbeat(state: State) -> Heartbeat:
    devices = state.devices
    open_paper = writing.paper(state.screen)
    return Heartbeat(
        state=_reported(state.screen),
        program_version=state.status.version,
        reader_ready=devices is not None and devices.reader_ready,
        camera_ready=devices is not None and devices.camera_ready,
        staged=sorted(state.staged),
        kit=staging.whole_kit(state),
        unsent_records=state.status.unsent,
        current_item=open_paper.sitting.item.number if open_paper else None,
        disk_low=devices is not None and devices.disk_low,
        sound_failed=state.sound_failed,
        ledger_seen=ledger_seen(state),
    )


def ledger_seen(state: State) -> LedgerSeen | None:
    """Which ledger the candidate sees: the paper's, or before the start the seat's."""
    open_paper = writing.paper(state.screen)
    if open_paper is not None:
        return LedgerSeen(attempt=open_paper.attempt, position=open_paper.ledger.position)
    ledger = state.seat.ledger if state.seat else None
    if isinstance(state.screen, Waiting) and ledger is not None:
        return LedgerSeen(attempt=state.screen.attempt, position=ledger.position)
    return None


def _reported(screen: Screen) -> StationState:
    match screen:
        case Notice(code=code) if code in GONE:
            return StationState.IDLE  # nothing is wrong here: anybody may be moved to this seat
        case Starting() | OutOfOrder() | Notice():
            return StationState.OUT_OF_ORDER
        case NoShift() | Welcome() | CardProblem():
            return StationState.IDLE
        case Reading():
            return StationState.READING
        case Consent() | Face() | CheckingIn() | RoomCodeAsked() | ProctorConfirms():
            return StationState.IDENTIFYING
        case Referred() | CardRefused():
            return StationState.REFERRED
        case Waiting() | StartCodeAsked() | Opening():
            return StationState.WAITING
        case Writing() | ConfirmSubmit() | Paused() | TimeUp() | Submitting():
            return StationState.WRITING
        case ReceiptShown():
            return StationState.SUBMITTED


def beaten(state: State, wait: float = 0.0) -> State:
    pause = 0.0 if state.beat_again else _pause(state)
    return replace(state, beating=False, beat_at=state.elapsed + max(wait, pause))


def _hears_all(state: State) -> bool:
    """Whether the stream tells of all that this screen waits for."""
    return state.listening and isinstance(state.screen, _QUIET)


def _pause(state: State) -> float:
    if _hears_all(state):
        return LISTENING
    match state.screen:
        case Writing() | ConfirmSubmit() | Paused() | TimeUp():
            return PROMPT
        case Welcome() | NoShift() | Reading() | Face() | ReceiptShown():
            return CALM
    return WATCHFUL
