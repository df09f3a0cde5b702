"""The table: for every screen, which events mean something, and what.

What is not in the table changes nothing. A worker's answer whose turn has passed is not looked at.
"""

from dataclasses import replace

from exam_station.flow import (
    beating,
    events,
    hearing,
    identifying,
    offline,
    staging,
    watching,
    writing,
)
from exam_station.flow.effects import Effect
from exam_station.flow.events import Event
from exam_station.flow.screens import (
    Candidate,
    CardProblem,
    CardRefused,
    CheckingIn,
    ConfirmSubmit,
    Consent,
    Face,
    Notice,
    Opening,
    ProctorConfirms,
    Reading,
    RoomCodeAsked,
    Screen,
    StartCodeAsked,
    Submitting,
    Waiting,
    Welcome,
    Writing,
)
from exam_station.flow.states import State

Step = tuple[State, tuple[Effect, ...]]

Turned = (
    events.ReadingStepped
    | events.CardRead
    | events.CardFailed
    | events.FrameSeen
    | events.FaceDecided
    | events.CheckInAnswered
    | events.CheckInFailed
    | events.RoomCodeJudged
    | events.AdmittedOffline
)


def transition(state: State, event: Event) -> Step:
    """The next state and what is to be done; never raises."""
    match event:
        case events.Tick():
            return _ticked(state, event)
        case events.DevicesSeen():
            return watching.devices_seen(state, event)
        case events.BeatAnswered(view):
            return watching.beat_answered(state, view)
        case events.BeatFailed():
            return watching.beat_failed(state, event)
        case events.PackagesStaged():
            return watching.packages_staged(state, event)
        case events.KitKept():
            return staging.kit_kept(state, event)
        case events.Listening(on):
            # Without it heartbeats must come more often, from now on.
            return replace(state, listening=on, beat_at=state.elapsed), ()
        case events.ChangeHeard():
            return hearing.change_heard(state)
        case events.StartHeard():
            return hearing.start_heard(state, event)
        case events.UploadProgressed():
            return writing.upload_progressed(state, event)
        case events.SoundTried(works):
            return replace(state, sound_failed=not works), ()
        case events.UserChangedLanguage(language):
            return replace(state, status=replace(state.status, language=language)), ()
        case events.CardRemoved():
            return replace(state, card_present=False, screen=_slipped(state.screen, True)), ()
        case events.CardInserted():
            return _card_inserted(replace(state, card_present=True))
    if isinstance(event, Turned) and event.turn != state.turn:
        return state, ()
    return _on_screen(state, event)


def _ticked(state: State, event: events.Tick) -> Step:
    state, beat = beating.ticked(state, event)
    state, due = writing.time_passed(state)
    state, again = identifying.time_passed(state)
    return state, (*beat, *due, *again)


def _slipped(screen: Screen, slipped: bool) -> Screen:
    """A reading waits for its card and goes on where it was."""
    return replace(screen, slipped=slipped) if isinstance(screen, Reading) else screen


def _card_inserted(state: State) -> Step:
    state = replace(state, screen=_slipped(state.screen, False))
    if isinstance(state.screen, Welcome | CardProblem | CardRefused):
        return identifying.card_tapped(state)
    return state, ()


def _on_screen(state: State, event: Event) -> Step:
    match state.screen, event:
        # Card
        case Reading() as screen, events.ReadingStepped():
            return identifying.reading_stepped(state, screen, event)
        case Reading() as screen, events.CardRead(_, reading):
            return identifying.card_read(state, screen, reading)
        case Reading() as screen, events.CardFailed(_, reason):
            return replace(state, screen=CardProblem(screen.candidate, reason)), ()
        case CardProblem(), events.UserRetry() if state.card_present:
            return identifying.card_tapped(state)
        # Face
        case Consent() as screen, events.UserAgreed():
            return identifying.agreed(state, screen)
        case Consent() as screen, events.UserDeclined():
            return identifying.declined(state, screen)
        case Face() as screen, events.FrameSeen():
            return identifying.frame_seen(state, screen, event)
        case Face() as screen, events.FaceDecided(_, result):
            return identifying.face_decided(state, screen, result)
        # Check-in
        case _, events.CheckInAnswered(_, view):
            return identifying.check_in_answered(state, view)
        case CheckingIn() as screen, events.CheckInFailed():
            return identifying.check_in_failed(state, screen, event)
        case CheckingIn() as screen, events.UserRetry():
            return identifying.asks_again(state, screen)
    return _offline(state, event)


def _offline(state: State, event: Event) -> Step:
    match state.screen, event:
        case CheckingIn() as screen, events.UserGoesOffline():
            return offline.go_offline(state, screen)
        case CardProblem() as screen, events.UserGoesOffline():
            return offline.without_chip(state, screen)
        case RoomCodeAsked() as screen, events.UserTypedCode(text):
            return offline.room_code_typed(state, screen, text)
        case RoomCodeAsked() as screen, events.RoomCodeJudged():
            return offline.room_code_judged(state, screen, event)
        case ProctorConfirms() as screen, events.UserConfirmedCheckIn():
            return offline.confirmed(state, screen)
        case ProctorConfirms() as screen, events.UserTypedCode(text):
            return offline.code_confirmed(state, screen, text)
        case ProctorConfirms() as screen, events.UserRefusedCheckIn():
            return offline.refused(state, screen.candidate, (offline.REFUSED_BY_OFFICER,))
        case ProctorConfirms() as screen, events.AdmittedOffline():
            return offline.admitted(state, screen, event)
        case ProctorConfirms() as screen, events.CheckInFailed():
            return offline.not_stored(state, screen)
        case Waiting() as screen, events.UserGoesOffline():
            return offline.ask_start_code(state, screen)
        case StartCodeAsked(waiting), events.UserWentBack():
            return replace(state, screen=waiting), ()
        case StartCodeAsked() as screen, events.UserTypedCode(text):
            return offline.start_code_typed(state, screen, text)
    return _on_paper(state, event)


def _start_code(state: State, screen: StartCodeAsked, event: Event) -> Step:
    """What became of a start code; of another attempt, nothing."""
    match event:
        case events.FormOpened() if event.attempt == screen.waiting.attempt:
            return offline.opened(state, screen, event)
        case events.StartCodeRefused() if event.attempt == screen.waiting.attempt:
            return offline.start_code_refused(state, screen, event)
        case events.AttemptFailed() if event.attempt == screen.waiting.attempt:
            return offline.opening_failed(state, screen, event.code)
    return state, ()


def _on_paper(state: State, event: Event) -> Step:
    match state.screen, event:
        # Opening
        case (
            StartCodeAsked() as screen,
            events.FormOpened() | events.StartCodeRefused() | events.AttemptFailed(),
        ):
            return _start_code(state, screen, event)
        case Waiting() as screen, events.LeaseTaken(attempt) if attempt == screen.attempt:
            return hearing.lease_taken(state, screen)
        case Opening() as screen, events.FormOpened() if event.attempt == screen.attempt:
            return writing.form_opened(state, screen, event)
        # Writing
        case Writing() as screen, events.UserAskedSubmit():
            return writing.show(state, ConfirmSubmit(screen)), ()
        case (
            Writing() as screen,
            events.UserAnswered() | events.UserWentTo() | events.UserFlagged() | events.UserHeard(),
        ):
            return writing.change(state, screen, event)
        case ConfirmSubmit(open_paper), events.UserWentBack():
            return writing.show(state, open_paper), ()
        case ConfirmSubmit(open_paper), events.UserConfirmedSubmit():
            return writing.confirmed(state, open_paper)
        # Handing in
        case _, events.HeadFixed():
            return writing.head_fixed(state, event)
        case Submitting() as screen, events.ReceiptArrived() if event.attempt == screen.attempt:
            return writing.receipt_arrived(state, screen, event)
    return _on_trouble(state, event)


def _on_trouble(state: State, event: Event) -> Step:
    match state.screen, event:
        case Waiting() as screen, events.LeaseFailed() if event.attempt == screen.attempt:
            return writing.try_later(state, screen, event.wait)
        case (Opening() | Submitting()) as screen, events.AttemptFailed():
            if event.attempt != screen.attempt:
                return state, ()
            return writing.try_later(state, screen, event.wait)
        case _, events.AttemptStopped():
            return writing.attempt_stopped(state, event)
        case Notice(_, Candidate() as candidate, str(attempt), True), events.UserRetry():
            return writing.open_form(state, candidate, attempt)
    return state, ()
