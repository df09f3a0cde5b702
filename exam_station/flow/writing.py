"""From the waiting room to the receipt: lease, opening, writing, pausing, handing in."""

from dataclasses import replace
from datetime import datetime, timedelta

from exam_server.contract.api import LedgerView
from exam_server.contract.ledger import Ledger
from exam_server.contract.records import Body
from exam_station.flow import effects, events, section_time
from exam_station.flow.codes import NoticeCode
from exam_station.flow.effects import Effect
from exam_station.flow.screens import (
    Candidate,
    ConfirmSubmit,
    Notice,
    Opening,
    Paused,
    ReceiptShown,
    Screen,
    StartCodeAsked,
    Submitting,
    TimeUp,
    Waiting,
    Writing,
)
from exam_station.flow.states import State
from exam_station.sitting import SittingError

Step = tuple[State, tuple[Effect, ...]]

#: No answer is overtaken by one that the server gave so much later (a call ends within a quarter
#: of a minute): a ledger that seems older still is of a server whose clock was set back.
OVERTAKEN = timedelta(seconds=30)

#: A locked paper waits so long for a server that may have extended the time; then it is handed in.
UNASKED = timedelta(minutes=5)

NOTHING = timedelta(0)
BY_TIME, BY_CANDIDATE = "time", "candidate"

_RETRIABLE = (
    NoticeCode.DISK_FULL,
    NoticeCode.DISK_FAILED,
    NoticeCode.PACKAGE_DAMAGED,
    NoticeCode.JOURNAL_IN_USE,
    NoticeCode.PROGRAM_FAILED,
    NoticeCode.WRONG_PROGRAM,
)


def open_form(state: State, candidate: Candidate, attempt: str) -> Step:
    opening = effects.OpenForm(attempt, lost=not state.status.connected)
    return replace(state, screen=Opening(candidate, attempt)), (opening,)


def form_opened(state: State, screen: Opening, event: events.FormOpened) -> Step:
    open_paper = Writing(screen.candidate, event.attempt, event.sitting, event.ledger)
    state = replace(state, ledger_at=event.server_time)
    if event.sitting.submitted is not None:
        return hand_in(state, open_paper, event.sitting.submitted)
    if event.ledger.paused:
        return show(state, Paused(open_paper)), ()
    over = section_time.remaining(open_paper, event.server_time) == NOTHING
    if over and event.sitting.in_last_section:
        return _lock(state, open_paper)
    return show(state, open_paper), ()


def show(state: State, screen: Writing | ConfirmSubmit | Paused | TimeUp) -> State:
    """`state` with `screen` and the time that is left on it."""
    open_paper = screen if isinstance(screen, Writing) else screen.writing
    now = state.status.now
    remaining = section_time.remaining(open_paper, now) if now is not None else None
    section = section_time.section(open_paper)
    status = replace(state.status, remaining=remaining, section=section)
    return replace(state, screen=screen, status=status)


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
            case events.UserHeard(sound, play, at):
                sitting, body = screen.sitting.hear(sound, play, at)
            case _:
                return state, ()
    except SittingError as error:
        return state, (effects.Log(str(error)),)
    if sitting == screen.sitting:
        return state, ()
    written = _write(state, screen, body)
    told = () if state.status.connected else (effects.TellHead(screen.attempt),)
    return show(state, replace(screen, sitting=sitting)), (written, *told)


def submit(state: State, screen: Writing, by: str) -> Step:
    sitting, body = screen.sitting.submit(by)
    written = _write(state, screen, body)
    state, handing = hand_in(state, replace(screen, sitting=sitting), by)
    return state, (written, *handing)


def _write(state: State, screen: Writing, body: Body) -> effects.WriteRecord:
    """No record tells a moment after the deadline, for which the server would not keep it: the
    paper is locked by the first tick behind it, and handed in as of then."""
    now = state.status.now
    latest = None if now is None else section_time.ends(screen, now)
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
        case TimeUp(writing=open_paper) if _nobody_will_say(state, open_paper):
            return submit(state, open_paper, BY_TIME)
        case Paused() | TimeUp() as screen:
            return show(state, screen), ()
        case Waiting(retry_at=float(due)) as screen if due <= state.elapsed:
            waiting = replace(screen, retry_at=None)
            taking = effects.FetchLease(screen.attempt, lost=not state.status.connected)
            return replace(state, screen=waiting), (taking,)
        case Opening(retry_at=float(due)) as screen if due <= state.elapsed:
            return open_form(state, screen.candidate, screen.attempt)
        case Submitting(retry_at=float(due)) as screen if due <= state.elapsed:
            submitting = replace(screen, retry_at=None)
            return replace(state, screen=submitting), (effects.Submit(screen.attempt),)
    return state, ()


def _nobody_will_say(state: State, open_paper: Writing) -> bool:
    """Whether the time has been up for long and no server can be asked whether it was extended."""
    now = state.status.now
    deadline = None if now is None else open_paper.ledger.deadline(now)
    if state.status.connected or now is None or deadline is None:
        return False
    return now > deadline + UNASKED


def _count_down(state: State, open_paper: Writing, screen: Writing | ConfirmSubmit) -> Step:
    now, ledger = state.status.now, open_paper.ledger
    if now is None or ledger.paused or section_time.remaining(open_paper, now) > NOTHING:
        return show(state, screen), ()
    due = section_time.ends(open_paper, now)
    if due is None or open_paper.sitting.in_last_section or ledger.remaining(now) == NOTHING:
        return _lock(state, open_paper)
    state, left = leave_section(state, open_paper, BY_TIME, due)
    state, more = time_passed(state)
    return state, (*left, *more)


def confirmed(state: State, screen: Writing) -> Step:
    """The candidate is done: with the paper, or with the present section of a sequential one."""
    now = state.status.now
    if screen.sitting.in_last_section or now is None:
        return submit(state, screen, by=BY_CANDIDATE)
    return leave_section(state, screen, BY_CANDIDATE, now)


def leave_section(state: State, screen: Writing, by: str, at: datetime) -> Step:
    """On to the next section; nobody comes back."""
    sitting, body = screen.sitting.leave(by, section_time.milliseconds(at))
    record = effects.WriteRecord(screen.attempt, body)
    return show(state, replace(screen, sitting=sitting)), (record,)


def _lock(state: State, open_paper: Writing) -> Step:
    """No more edits; whether an officer has extended the time, only the server can say."""
    state = show(replace(state, beat_at=state.elapsed), TimeUp(open_paper))
    return state, (effects.FixHead(open_paper.attempt),)


def ledger_told(state: State, view: LedgerView, at: datetime) -> Step:
    """The server's ledger as of `at`; one that was overtaken by a newer changes nothing."""
    known = paper(state.screen)
    if known is None:
        return state, ()
    if state.ledger_at is not None and _overtaken(known.ledger, state.ledger_at, view, at):
        return state, ()
    state = replace(state, ledger_at=at)
    open_paper = replace(known, ledger=view.ledger())
    match state.screen, open_paper.ledger.paused:
        case Paused() as screen, True:
            return show(state, replace(screen, writing=open_paper)), ()
        case _, True:
            return show(state, Paused(open_paper)), (effects.FixHead(open_paper.attempt),)
        case ConfirmSubmit(), False:
            return show(state, ConfirmSubmit(open_paper)), ()
        case TimeUp() as screen, False:
            return _told_at_the_end(state, replace(screen, writing=open_paper), at)
    return show(state, open_paper), ()


def _overtaken(known: Ledger, known_at: datetime, told: LedgerView, at: datetime) -> bool:
    """Whether `told`, as of `at`, is older than the ledger at hand. Entries are only ever added:
    more of them are later, whatever the moments say; fewer are an answer that was overtaken, or,
    much later, the word of a server that was restored."""
    if told.position != known.position:
        return told.position < known.position and abs(at - known_at) < OVERTAKEN
    return at < known_at < at + OVERTAKEN


def _told_at_the_end(state: State, screen: TimeUp, at: datetime) -> Step:
    """Handed in only on the word of a server that knew the time to be up when it spoke."""
    if section_time.remaining(screen.writing, max(at, state.status.now or at)) > NOTHING:
        return show(state, screen.writing), ()
    if section_time.remaining(screen.writing, at) == NOTHING:
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
            attempt, candidate = screen.attempt, screen.candidate
        case StartCodeAsked(waiting=Waiting(attempt=attempt, candidate=candidate)):
            pass
        case _:
            return state, ()
    if event.attempt != attempt:
        return state, ()
    notice = Notice(
        event.code,
        candidate,
        event.attempt,
        retry=event.code in _RETRIABLE,
        unsent=state.status.unsent,
    )
    status = replace(state.status, remaining=None)
    state = replace(state, screen=notice, status=status)
    return state, (effects.TellHead(event.attempt), effects.CloseAttempt())


def head_fixed(state: State, event: events.HeadFixed) -> Step:
    screen = state.screen
    known = screen.attempt if isinstance(screen, Notice) else _attempt(screen)
    if event.attempt != known:
        return state, ()
    if isinstance(screen, TimeUp | Submitting | Paused | Notice):
        screen = replace(screen, head_code=event.head_code)
    status = replace(state.status, head_code=event.head_code)
    return replace(state, screen=screen, status=status), ()


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
        case StartCodeAsked(waiting):
            return waiting.attempt
    return None
