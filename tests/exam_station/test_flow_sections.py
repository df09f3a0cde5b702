"""Papers whose parts are written one after the other."""

from dataclasses import replace
from datetime import timedelta

from flow_kiosk import ADMITTED, LEDGER, STARTED, Kiosk, at_writing, beat
from station_papers import FORM, NOON, seat

from exam_server.contract import api, records
from exam_station.flow import effects, events
from exam_station.flow.screens import (
    ConfirmSubmit,
    Paused,
    TimeUp,
    Writing,
)
from exam_station.sitting import Sitting
from question_bank.package import SEQUENTIAL
from question_bank.response import ChoiceResponse

SECTIONS = replace(
    FORM,
    schema=SEQUENTIAL,
    parts=(replace(FORM.parts[0], minutes=30), replace(FORM.parts[1], minutes=40)),
)


def in_section(kiosk: Kiosk | None = None) -> Kiosk:
    """The first section of a sequential paper, at its beginning."""
    kiosk = kiosk or at_writing()
    sitting = Sitting.begin(SECTIONS)[0]
    state = replace(kiosk.state, screen=replace(kiosk.screen, sitting=sitting))
    return Kiosk(state)(events.Tick(1.0, NOON))


def at_minute(kiosk: Kiosk, minute: float) -> Kiosk:
    return kiosk(events.Tick(10.0 + minute * 60, NOON + timedelta(minutes=minute)))


def written(kiosk: Kiosk) -> list[records.Body]:
    return [effect.body for effect in kiosk.wanted(effects.WriteRecord)]


def milliseconds(minute: float) -> int:
    return round((NOON + timedelta(minutes=minute)).timestamp() * 1000)


def test_the_sections_time_is_shown_and_its_end_locks_it() -> None:
    kiosk = at_minute(in_section(), 29)
    assert kiosk.state.status.remaining == timedelta(minutes=1)
    assert kiosk.state.status.section == (1, 2)
    kiosk(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert kiosk.wanted(effects.WriteRecord)[0].latest == NOON + timedelta(minutes=30)
    at_minute(kiosk, 30.01)
    assert written(kiosk) == [records.Left(0, milliseconds(30), "time")]
    assert isinstance(kiosk.screen, Writing) and kiosk.screen.sitting.current == "c"
    assert kiosk.state.status.section == (2, 2)
    assert timedelta(minutes=39.9) < kiosk.state.status.remaining < timedelta(minutes=40)


def test_a_kiosk_that_was_away_leaves_every_section_that_ended_meanwhile() -> None:
    kiosk = at_minute(in_section(), 71)
    assert written(kiosk) == [records.Left(0, milliseconds(30), "time")]
    assert isinstance(kiosk.screen, TimeUp)  # the last section's time was up at 70
    kiosk(
        beat(
            seat(ADMITTED, STARTED, NOON + timedelta(minutes=71), ledger=api.LedgerView.of(LEDGER))
        )
    )
    assert records.Submitted("time") in written(kiosk)


def test_leaving_a_section_is_asked_for_once_and_the_paper_goes_on() -> None:
    kiosk = at_minute(in_section(), 10)
    assert isinstance(kiosk(events.UserAskedSubmit()).screen, ConfirmSubmit)
    kiosk(events.UserConfirmedSubmit())
    assert written(kiosk) == [records.Left(0, milliseconds(10), "candidate")]
    assert isinstance(kiosk.screen, Writing)
    assert kiosk.state.status.remaining == timedelta(minutes=40)
    kiosk(events.UserAskedSubmit(), events.UserConfirmedSubmit())
    assert written(kiosk) == [records.Submitted("candidate")]


def test_the_question_whether_to_leave_is_overtaken_by_the_end_of_the_time() -> None:
    kiosk = at_minute(in_section(), 29)(events.UserAskedSubmit())
    at_minute(kiosk, 30)
    assert written(kiosk) == [records.Left(0, milliseconds(30), "time")]
    assert isinstance(kiosk.screen, Writing)


def test_an_extension_reaches_the_section_that_is_written() -> None:
    kiosk = at_minute(in_section(), 20)
    longer = LEDGER.extend(timedelta(minutes=5), NOON + timedelta(minutes=20))
    now = NOON + timedelta(minutes=20)
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(longer), now))
    assert kiosk.state.status.remaining == timedelta(minutes=15)
    paused = longer.pause(NOON + timedelta(minutes=21))
    later = NOON + timedelta(minutes=21)
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(paused), later))
    at_minute(kiosk, 60)
    assert isinstance(kiosk.screen, Paused)
    assert kiosk.state.status.remaining == timedelta(minutes=14)


def test_the_last_sections_end_hands_in_only_on_the_servers_word() -> None:
    kiosk = at_minute(in_section(), 30)
    at_minute(kiosk, 70)
    assert isinstance(kiosk.screen, TimeUp) and not written(kiosk)
    extended = LEDGER.extend(timedelta(minutes=3), NOON + timedelta(minutes=70.1))
    now = NOON + timedelta(minutes=70.1)
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(extended), now))
    assert isinstance(kiosk.screen, Writing)
    at_minute(kiosk, 73.1)
    assert isinstance(kiosk.screen, TimeUp)
