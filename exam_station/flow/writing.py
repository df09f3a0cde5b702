"""From the waiting room to the receipt: lease, opening, writing, pausing, handing in."""

from dataclasses import replace
from datetime import datetime, timedelta

from exam_server.contract.api import LedgerView
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
    Waiting,
    Writing,
)
from exam_station.sitting import SittingError

Step = tuple[State, tuple[Effect, ...]]

#: Seconds until lease, opening or handing in is tried again by itself.
RETRY = 3.0

_RETRIABLE = (NoticeCode.DISK_FULL, NoticeCode.PACKAGE_DAMAGED, NoticeCode.JOURNAL_IN_USE)


def open_form(state: State, candidate: Candidate, attempt: str) -> Step:
    return replace(state, screen=Opening(candidate, attempt)), (effects.OpenForm(attempt),)


def form_opened(state: State, screen: Opening, event: events.FormOpened) -> Step:
    open_paper = Writing(screen.candidate, event.attempt, event.sitting, event.ledger)
    state = replace(state, ledger_at=event.server_time)
    if event.sitting.submitted is not None:
        return hand_in(state, open_paper, event.sitting.submitted)
    if event.ledger.paused:
        return show(state, Paused(open_paper)), ()
    return show(state, open_paper), ()


def show(state: State, screen: Writing | ConfirmSubmit | Paused) -> State:
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
    return show(state, replace(screen, sitting=sitting)), (
        effects.WriteRecord(screen.attempt, body),
    )


def submit(state: State, screen: Writing, by: str) -> Step:
    sitting, body = screen.sitting.submit(by)
    state, handing = hand_in(state, replace(screen, sitting=sitting), by)
    return state, (effects.WriteRecord(screen.attempt, body), *handing)


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
        case Paused() as screen:
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
    if now is None or ledger.paused or ledger.remaining(now) > timedelta(0):
        return show(state, screen), ()
    return submit(state, open_paper, by="time")


def ledger_told(state: State, view: LedgerView, at: datetime) -> Step:
    """The server's ledger as of `at`; one older than what is known changes nothing."""
    known = paper(state.screen)
    if known is None:
        return state, ()
    if state.ledger_at is not None and at < state.ledger_at:
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
    return show(state, open_paper), ()


def upload_progressed(state: State, event: events.UploadProgressed) -> Step:
    state = replace(state, status=replace(state.status, unsent=event.unsent))
    open_paper = paper(state.screen)
    if event.ledger is None or event.server_time is None or open_paper is None:
        return state, ()
    if event.attempt != open_paper.attempt:
        return state, ()
    return ledger_told(state, event.ledger, event.server_time)


def attempt_failed(state: State) -> Step:
    """Worth trying again: the screen stays and says that it is still trying."""
    due = state.elapsed + RETRY
    match state.screen:
        case Waiting() as screen:
            return replace(state, screen=replace(screen, retry_at=due)), ()
        case Opening() as screen:
            return replace(state, screen=replace(screen, retry_at=due)), ()
        case Submitting() as screen:
            return replace(state, screen=replace(screen, retry_at=due)), ()
    return state, ()


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
    return replace(state, screen=shown, status=status), (effects.CloseAttempt(),)


def paper(screen: Screen) -> Writing | None:
    """The paper that lies open, whatever covers it."""
    match screen:
        case Writing():
            return screen
        case ConfirmSubmit(writing=open_paper) | Paused(writing=open_paper):
            return open_paper
    return None
