"""The kiosk's behaviour: the way through it, anything at any time, and what the next one finds."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta

from flow_kiosk import (
    ADMITTED,
    FACE,
    FRAME,
    LEDGER,
    READING,
    READY,
    RECEIPT,
    SITTING,
    SOON,
    STARTED,
    Kiosk,
    at_face,
    at_waiting,
    at_welcome,
    at_writing,
    beat,
    checkin_view,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from station_papers import NOON, placement, seat

from exam_server.contract import api, records
from exam_server.contract.errors import ErrorCode
from exam_station.flow import effects, events
from exam_station.flow.codes import CardTrouble, Language, NoticeCode, Problem
from exam_station.flow.events import Event
from exam_station.flow.screens import (
    ConfirmSubmit,
    Consent,
    Face,
    Notice,
    Opening,
    Paused,
    Reading,
    ReceiptShown,
    Starting,
    Submitting,
    TimeUp,
    Waiting,
    Welcome,
    Writing,
)
from exam_station.flow.states import Devices
from question_bank.response import ChoiceResponse, NumericResponse


def test_the_whole_way_from_the_tap_to_the_receipt() -> None:
    kiosk = Kiosk()
    assert isinstance(kiosk.screen, Starting)
    kiosk(events.Tick(0.0, None))
    assert kiosk.wanted(effects.Beat)
    kiosk(beat(seat(placement())))
    assert isinstance(kiosk.screen, Starting)
    kiosk(events.DevicesSeen(READY))
    assert isinstance(kiosk.screen, Welcome)
    kiosk(events.CardInserted())
    [read] = kiosk.wanted(effects.ReadCard)
    assert isinstance(kiosk.screen, Reading) and read.placement.id == "p1"
    kiosk(events.ReadingStepped(read.turn, "EF.SOD", 3, 9))
    assert kiosk.screen == replace(kiosk.screen, step="EF.SOD", done=3, total=9)
    kiosk(events.ReadingStepped(read.turn, "EF.DG2", 4, 9, b"portrait"))
    kiosk(events.ReadingStepped(read.turn, "EF.DG13", 5, 9))
    assert kiosk.screen.portrait == b"portrait" and b"portrait" not in repr(kiosk.state).encode()
    kiosk(events.CardRead(read.turn, READING))
    assert isinstance(kiosk.screen, Consent)
    kiosk(events.UserAgreed())
    [camera] = kiosk.wanted(effects.StartCamera)
    assert camera.portrait == b"portrait"
    kiosk(events.FrameSeen(camera.turn, FRAME, "too_far", 2, 1))
    assert isinstance(kiosk.screen, Face) and kiosk.screen.frame == FRAME
    assert (kiosk.screen.tries, kiosk.screen.pictures) == (2, 1)
    kiosk(events.FaceDecided(camera.turn, FACE))
    [sent] = kiosk.wanted(effects.CheckIn)
    assert kiosk.wanted(effects.StopCamera) and sent.consent and sent.face == FACE
    kiosk.decided(api.CheckInState.ADMITTED, attempt="t1")
    assert isinstance(kiosk.screen, Waiting) and not kiosk.screen.conditional
    assert kiosk.wanted(effects.FetchLease) == [effects.FetchLease("t1")]
    kiosk(events.LeaseTaken("t1"), beat(seat(ADMITTED)))
    assert isinstance(kiosk.screen, Waiting) and kiosk.screen.leased
    kiosk(beat(seat(ADMITTED, STARTED)))
    assert isinstance(kiosk.screen, Opening)
    assert kiosk.wanted(effects.OpenForm) == [effects.OpenForm("t1")]
    kiosk(events.FormOpened("t1", SITTING, LEDGER, NOON))
    assert isinstance(kiosk.screen, Writing)
    kiosk(events.UserAnswered("a", ChoiceResponse(("o1",))))
    [write] = kiosk.wanted(effects.WriteRecord)
    assert write.body == records.Answered("a", {"kind": "single", "options": ["o1"]})
    kiosk(events.UserWentTo("d"), events.UserFlagged("d", True), events.UserAskedSubmit())
    assert isinstance(kiosk.screen, ConfirmSubmit)
    assert kiosk.screen.writing.sitting.counts.flagged == 1
    kiosk(events.UserConfirmedSubmit())
    assert isinstance(kiosk.screen, Submitting) and kiosk.screen.by == "candidate"
    assert [type(effect) for effect in kiosk.effects] == [effects.WriteRecord, effects.Submit]
    kiosk(events.HeadFixed("t1", "AAAA-BBBB"))
    assert kiosk.screen.head_code == "AAAA-BBBB"
    kiosk(events.ReceiptArrived("t1", RECEIPT))
    assert isinstance(kiosk.screen, ReceiptShown) and kiosk.wanted(effects.CloseAttempt)
    kiosk(beat(seat(placement(id="p2", candidate_name="Trần Văn Nam"))))
    assert isinstance(kiosk.screen, Welcome) and kiosk.screen.candidate.name == "Trần Văn Nam"


def test_the_next_candidate_begins_with_the_stations_language_and_nothing_unsent() -> None:
    kiosk = at_welcome()(events.UserChangedLanguage(Language.EN))
    kiosk(beat(seat(placement(id="p2"))))
    assert kiosk.state.status.language is Language.VI
    kiosk = at_writing()(events.UserChangedLanguage(Language.EN))
    kiosk(events.UploadProgressed("t2", 7), events.UploadProgressed("t1", 3))
    assert kiosk.state.status.unsent == 3
    kiosk(events.UploadProgressed("t2", 7))
    assert kiosk.state.status.unsent == 3
    kiosk(events.UserAskedSubmit(), events.UserConfirmedSubmit())
    kiosk(events.ReceiptArrived("t1", RECEIPT), beat(seat(placement(id="p2"))))
    status = kiosk.state.status
    assert (status.language, status.unsent) == (Language.VI, 0)
    assert (kiosk.state.agreed, kiosk.state.ledger_at) == (None, None)


def test_another_candidate_at_the_seat_wipes_the_former_ones_data() -> None:
    kiosk = at_face()(beat(seat(placement(id="p2"))))
    assert isinstance(kiosk.screen, Welcome)
    assert kiosk.wanted(effects.StopCamera)
    assert b"portrait" in list(values(at_face().state))
    assert b"portrait" not in list(values(kiosk.state))
    assert READING not in list(values(kiosk.state))


def values(of: object) -> Iterator[object]:
    """Everything that a state holds, also what its repr hides."""
    yield of
    if is_dataclass(of):
        for field in fields(of):
            yield from values(getattr(of, field.name))


def test_the_language_changes_on_any_screen() -> None:
    for kiosk in (Kiosk(), at_welcome(), at_face(), at_writing()):
        screen = kiosk.screen
        kiosk(events.UserChangedLanguage(Language.EN))
        assert (kiosk.screen, kiosk.state.status.language) == (screen, Language.EN)


PLACEMENTS = st.sampled_from(
    [
        None,
        placement(),
        placement(checkin="c1"),
        ADMITTED,
        placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.WRITING),
        placement(checkin="c1", attempt="t1", attempt_state=api.AttemptState.SUBMITTED),
        placement(id="p2", citizen_number=None),
    ]
)
MOMENTS = st.integers(0, 7200).map(lambda seconds: NOON + timedelta(seconds=seconds))
LEDGERS = st.sampled_from(
    [
        None,
        api.LedgerView.of(LEDGER),
        api.LedgerView.of(LEDGER.extend(timedelta(minutes=5), NOON)),
        api.LedgerView.of(LEDGER.pause(NOON + timedelta(minutes=3))),
    ]
)
SEATS = st.builds(
    lambda who, state, at, ledger, placed: seat(
        who, state, at, ledger=ledger, **({} if placed else {"room": None})
    ),
    PLACEMENTS,
    st.sampled_from(list(api.ShiftState)),
    MOMENTS,
    LEDGERS,
    st.booleans(),
)
TURNS = st.integers(0, 6)
ATTEMPTS = st.sampled_from(["t1", "t2"])
CODES = st.one_of(st.none(), st.sampled_from(list(ErrorCode)))
READINGS = st.sampled_from([READING, SOON, replace(READING, portrait=None, verdict="refused")])
ITEM_IDS = st.sampled_from(["a", "b", "c", "d", "z"])
SITTINGS = st.sampled_from([SITTING, SITTING.submit("time")[0]])
EVENTS = st.one_of(
    st.builds(events.Tick, st.floats(0, 1e5), st.one_of(st.none(), MOMENTS)),
    st.builds(
        events.DevicesSeen,
        st.sampled_from([READY, READY, Devices((Problem.NO_READER,))]),
    ),
    st.builds(events.BeatAnswered, SEATS),
    st.builds(events.BeatFailed, CODES),
    st.builds(events.PackagesStaged, st.just(frozenset({"k1"}))),
    st.builds(events.Listening, st.booleans()),
    st.just(events.ChangeHeard()),
    st.builds(events.StartHeard, st.sampled_from(["s1", "s2"])),
    st.just(events.KitKept(None)),
    st.just(events.CardInserted()),
    st.just(events.CardRemoved()),
    st.builds(events.ReadingStepped, TURNS, st.just("EF.SOD"), st.integers(), st.integers()),
    st.builds(events.CardRead, TURNS, READINGS),
    st.builds(events.CardFailed, TURNS, st.sampled_from(list(CardTrouble))),
    st.builds(events.FrameSeen, TURNS, st.just(FRAME), st.just("ok"), st.integers(1, 2)),
    st.builds(events.FaceDecided, TURNS, st.just(FACE)),
    st.builds(
        events.CheckInAnswered,
        TURNS,
        st.builds(
            lambda state, attempt: checkin_view(state, attempt=attempt),
            st.sampled_from(list(api.CheckInState)),
            st.one_of(st.none(), ATTEMPTS),
        ),
    ),
    st.builds(events.CheckInFailed, TURNS, CODES),
    st.builds(events.LeaseTaken, ATTEMPTS),
    st.builds(events.LeaseFailed, ATTEMPTS, CODES),
    st.builds(events.FormOpened, ATTEMPTS, SITTINGS, st.just(LEDGER), MOMENTS),
    st.builds(events.AttemptFailed, ATTEMPTS, CODES),
    st.builds(events.AttemptStopped, ATTEMPTS, st.sampled_from(list(NoticeCode))),
    st.builds(events.UploadProgressed, ATTEMPTS, st.integers(0, 9), LEDGERS, MOMENTS),
    st.builds(events.HeadFixed, ATTEMPTS, st.just("AAAA")),
    st.builds(events.ReceiptArrived, ATTEMPTS, st.just(RECEIPT)),
    st.builds(
        events.UserAnswered,
        ITEM_IDS,
        st.sampled_from([ChoiceResponse(("o1",)), NumericResponse("1,5")]),
    ),
    st.builds(events.UserWentTo, ITEM_IDS),
    st.builds(events.UserFlagged, ITEM_IDS, st.booleans()),
    st.just(events.UserAskedSubmit()),
    st.just(events.UserWentBack()),
    st.just(events.UserConfirmedSubmit()),
    st.just(events.UserAgreed()),
    st.just(events.UserDeclined()),
    st.just(events.UserRetry()),
    st.builds(events.UserChangedLanguage, st.sampled_from(list(Language))),
)
STARTS = st.sampled_from([Kiosk, at_welcome, at_face, at_waiting, at_writing])
ON_PAPER = Writing | ConfirmSubmit | Paused | TimeUp


@settings(max_examples=400)
@given(STARTS, st.lists(EVENTS, max_size=25))
def test_anything_at_any_time_and_never_the_wrong_way(start, happened: list[Event]) -> None:
    kiosk = start()
    for event in happened:
        before = kiosk.state
        kiosk(event)
        after = kiosk.state
        paper_before = isinstance(before.screen, ON_PAPER)
        # A paper comes only out of an opening, and an opening only of an attempt.
        if isinstance(after.screen, ON_PAPER) and not paper_before:
            assert isinstance(before.screen, Opening)
            assert isinstance(event, events.FormOpened) and event.attempt == before.screen.attempt
        if isinstance(after.screen, Waiting) and not isinstance(before.screen, Waiting):
            assert isinstance(event, events.CheckInAnswered)
            assert event.view.state in (api.CheckInState.ADMITTED, api.CheckInState.CONDITIONAL)
        # Records are written while a paper lies open, and nowhere else.
        if kiosk.wanted(effects.WriteRecord):
            assert paper_before and not isinstance(before.screen, Paused)
        # A locked paper is handed in by the time, on a server's word, and never changed.
        if isinstance(before.screen, TimeUp) and kiosk.wanted(effects.WriteRecord):
            assert isinstance(event, events.BeatAnswered | events.UploadProgressed)
            assert kiosk.wanted(effects.WriteRecord)[0].body == records.Submitted("time")
        # The camera is on only where somebody agreed to it.
        if kiosk.wanted(effects.StartCamera):
            assert isinstance(after.screen, Face) and after.agreed == "p1"
        if isinstance(after.screen, ReceiptShown) and not isinstance(before.screen, ReceiptShown):
            assert isinstance(before.screen, Submitting)
        # A paper that lies open ends by handing in or by a notice, by nothing else.
        if paper_before and not isinstance(after.screen, ON_PAPER):
            assert isinstance(after.screen, Submitting | Notice)
