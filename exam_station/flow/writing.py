"""From the waiting room to the receipt: lease, opening, writing, pausing, handing in."""

from dataclasses import replace
from datetime import datetime, timedelta

from exam_server.contract.api import LedgerView
from exam_server.contract.records import Body
from exam_station.flow import effects, events
from exam_station.flow.effects import Effect
from exam_station.flow.states import (
    Candidate,
    ConfirmSubmit,
    Notice,
    NoticeCode,
    Opening,
    Paused,
    ReceiptShown,
    Screen,
    State,
    Submitting,
    TimeUp,
    Waiting,
    Writing,
)
from exam_station.sitting import SittingError

Step = tuple[State, tuple[Effect, ...]]

#: No answer is overtaken by one that the server gave so much later (a call ends within a quarter
#: of a minute): a ledger that seems older still is of a server whose clock was set back.
OVERTAKEN = timedelta(seconds=30)

NOTHING = timedelta(0)
BY_TIME = "time"

_RETRIABLE = (
    NoticeCode.DISK_FULL,
    NoticeCode.PACKAGE_DAMAGED,
    NoticeCode.JOURNAL_IN_USE,
    NoticeCode.PROGRAM_FAILED,
)


def open_form(state: State, candidate: Candidate, attempt: str) -> Step:
    return replace(state, screen=Opening(candidate, attempt)), (effects.OpenForm(attempt),)


def form_opened(state: State, screen: Opening, event: events.FormOpened) -> Step:
    open_paper = Writing(screen.candidate, event.attempt, event.sitting, event.ledger)
    state = replace(state, ledger_at=event.server_time)
    if event.sitting.submitted is not None:
        return hand_in(state, open_paper, event.sitting.submitted)
    if event.ledger.paused:
        return show(state, Paused(open_paper)), ()
    if event.ledger.remaining(event.server_time) == NOTHING:
        return _lock(state, open_paper)
    return show(state, open_paper), ()


def show(state: State, screen: Writing | ConfirmSubmit | Paused | TimeUp) -> State:
    """`state` with `screen` and the time that is left on it."""
    ledger = screen.ledger if isinstance(screen, Writing) else screen.writing.ledger
    now = state.status.now
    remaining = ledger.remaining(now) if now is not None else None
    return replace(state, screen=screen, status=replace(state.status, remaining=remaining))


def change(state: State, screen: Writing, event: events.UserEvent) -> Step:
    """The candidate's act on the paper. What the paper does not allow changes nothing."""
    try:
        match event:
            case events.UserAnswered(item, response):
                sitting, body = screen.sitting.answer(item, response)
            case events.UserWentTo(item):
                sitting, body = screen.sitting.go_to(item)
            case events.UserFlagged(item, on):
                sitting, body = screen.sitting.flag(item, on)
            case _:
                return state, ()
    except SittingError as error:
        return state, (effects.Log(str(error)),)
    if sitting == screen.sitting:
        return state, ()
    return show(state, replace(screen, sitting=sitting)), (_write(state, screen, body),)


def submit(state: State, screen: Writing, by: str) -> Step:
    sitting, body = screen.sitting.submit(by)
    written = _write(state, screen, body)
    state, handing = hand_in(state, replace(screen, sitting=sitting), by)
    return state, (written, *handing)


def _write(state: State, screen: Writing, body: Body) -> effects.WriteRecord:
    """No record tells a moment after the deadline, for which the server would not keep it: the
    paper is locked by the first tick behind it, and handed in as of then."""
    now = state.status.now
    latest = None if now is None else screen.ledger.deadline(now)
    return effects.WriteRecord(screen.attempt, body, latest)


def hand_in(state: State, screen: Writing, by: str) -> Step:
    status = replace(state.status, remaining=None)
    submitting = Submitting(screen.candidate, screen.attempt, by)
    return replace(state, screen=submitting, status=status), (effects.Submit(screen.attempt),)


def time_passed(state: State) -> Step:
    """What is due on the screen at the state's moment."""
    match state.screen:
        case Writing() as screen:
            return _count_down(state, screen, screen)
        case ConfirmSubmit(writing=open_paper) as screen:
            return _count_down(state, open_paper, screen)
        case Paused() | TimeUp() as screen:
            return show(state, screen), ()
        case Waiting(retry_at=float(due)) as screen if due <= state.elapsed:
            waiting = replace(screen, retry_at=None)
            return replace(state, screen=waiting), (effects.FetchLease(screen.attempt),)
        case Opening(retry_at=float(due)) as screen if due <= state.elapsed:
            return open_form(state, screen.candidate, screen.attempt)
        case Submitting(retry_at=float(due)) as screen if due <= state.elapsed:
            submitting = replace(screen, retry_at=None)
            return replace(state, screen=submitting), (effects.Submit(screen.attempt),)
    return state, ()


def _count_down(state: State, open_paper: Writing, screen: Writing | ConfirmSubmit) -> Step:
    now, ledger = state.status.now, open_paper.ledger
    if now is None or ledger.paused or ledger.remaining(now) > NOTHING:
        return show(state, screen), ()
    return _lock(state, open_paper)


def _lock(state: State, open_paper: Writing) -> Step:
    """No more edits; whether an officer has extended the time, only the server can say."""
    state = show(replace(state, beat_at=state.elapsed), TimeUp(open_paper))
    return state, (effects.FixHead(open_paper.attempt),)


def ledger_told(state: State, view: LedgerView, at: datetime) -> Step:
    """The server's ledger as of `at`; one that was overtaken by a newer changes nothing."""
    known = paper(state.screen)
    if known is None:
        return state, ()
    if state.ledger_at is not None and at < state.ledger_at < at + OVERTAKEN:
        return state, ()
    state = replace(state, ledger_at=at)
    open_paper = replace(known, ledger=view.ledger())
    match state.screen, open_paper.ledger.paused:
        case Paused(), True:
            return show(state, Paused(open_paper)), ()
        case _, True:
            return show(state, Paused(open_paper)), (effects.FixHead(open_paper.attempt),)
        case ConfirmSubmit(), False:
            return show(state, ConfirmSubmit(open_paper)), ()
        case TimeUp() as screen, False:
            return _told_at_the_end(state, replace(screen, writing=open_paper), at)
    return show(state, open_paper), ()


def _told_at_the_end(state: State, screen: TimeUp, at: datetime) -> Step:
    """Handed in only on the word of a server that knew the time to be up when it spoke."""
    ledger = screen.writing.ledger
    if ledger.remaining(max(at, state.status.now or at)) > NOTHING:
        return show(state, screen.writing), ()
    if ledger.remaining(at) == NOTHING:
        return submit(state, screen.writing, BY_TIME)
    return show(state, screen), ()


def upload_progressed(state: State, event: events.UploadProgressed) -> Step:
    if event.attempt != _attempt(state.screen):
        return state, ()
    state = replace(state, status=replace(state.status, unsent=event.unsent))
    if event.ledger is None or event.server_time is None:
        return state, ()
    return ledger_told(state, event.ledger, event.server_time)


def try_later(state: State, screen: Waiting | Opening | Submitting, wait: float) -> Step:
    """The screen stays and says that it is still trying."""
    return replace(state, screen=replace(screen, retry_at=state.elapsed + wait)), ()


def attempt_stopped(state: State, event: events.AttemptStopped) -> Step:
    """A person must help. What is in the journal stays there."""
    open_paper = paper(state.screen)
    match open_paper or state.screen:
        case Waiting() | Opening() | Writing() | Submitting() as screen:
            if event.attempt != screen.attempt:
                return state, ()
            candidate = screen.candidate
        case _:
            return state, ()
    notice = Notice(event.code, candidate, event.attempt, retry=event.code in _RETRIABLE)
    status = replace(state.status, remaining=None)
    return replace(state, screen=notice, status=status), (effects.CloseAttempt(),)


def receipt_arrived(state: State, screen: Submitting, event: events.ReceiptArrived) -> Step:
    status = replace(state.status, unsent=0, remaining=None)
    shown = ReceiptShown(screen.candidate, event.receipt)
    # The next heartbeat is due now: the room page shows the hand-in at once.
    state = replace(state, screen=shown, status=status, beat_at=state.elapsed)
    return state, (effects.CloseAttempt(),)


def paper(screen: Screen) -> Writing | None:
    """The paper that lies open, whatever covers it."""
    match screen:
        case Writing():
            return screen
        case (
            ConfirmSubmit(writing=open_paper)
            | Paused(writing=open_paper)
            | TimeUp(writing=open_paper)
        ):
            return open_paper
    return None


def _attempt(screen: Screen) -> str | None:
    """The attempt that the screen is about."""
    match paper(screen) or screen:
        case Waiting() | Opening() | Writing() | Submitting() as screen:
            return screen.attempt
    return None
