"""The time on the kiosk: whose ledger counts, and what its end does."""

from datetime import timedelta

from flow_kiosk import ADMITTED, LEDGER, SITTING, STARTED, at_waiting, at_welcome, at_writing, beat
from hypothesis import given
from hypothesis import strategies as st
from station_papers import NOON, seat

from exam_server.contract import api, records
from exam_station.flow import effects, events, writing
from exam_station.flow.screens import (
    Paused,
    Submitting,
    TimeUp,
    Writing,
)
from question_bank.response import ChoiceResponse


def test_time_runs_out_by_the_ledger_and_hands_in_once() -> None:
    kiosk = at_writing()
    kiosk(events.Tick(10.0, NOON + timedelta(minutes=89, seconds=59)))
    assert kiosk.state.status.remaining == timedelta(seconds=1)
    kiosk(events.Tick(11.0, NOON + timedelta(minutes=90)))
    assert isinstance(kiosk.screen, TimeUp) and kiosk.wanted(effects.FixHead)
    kiosk(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert not kiosk.effects
    kiosk(events.HeadFixed("t1", "AAAA-BBBB"))
    assert kiosk.screen.head_code == "AAAA-BBBB"
    before = NOON + timedelta(minutes=89, seconds=59)
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(LEDGER), before))
    assert isinstance(kiosk.screen, TimeUp)  # that was said before the time was up
    after = NOON + timedelta(minutes=91)
    kiosk(beat(seat(ADMITTED, STARTED, after, ledger=api.LedgerView.of(LEDGER))))
    assert isinstance(kiosk.screen, Submitting) and kiosk.screen.by == "time"
    [written] = kiosk.wanted(effects.WriteRecord)
    assert written.body == records.Submitted("time")
    assert written.latest == NOON + timedelta(minutes=90)
    kiosk(events.Tick(12.0, NOON + timedelta(minutes=91)))
    assert not kiosk.wanted(effects.WriteRecord)


def test_no_answer_tells_a_moment_after_the_deadline() -> None:
    kiosk = at_writing()(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert kiosk.wanted(effects.WriteRecord)[0].latest == NOON + timedelta(minutes=90)


def test_at_the_end_of_the_time_the_server_is_asked_at_once_and_until_it_answers() -> None:
    kiosk = at_writing()(events.Tick(9.0, NOON), events.BeatFailed())
    kiosk(events.Tick(9.5, NOON + timedelta(minutes=90)))
    kiosk(events.Tick(10.0, NOON + timedelta(minutes=90)))
    assert kiosk.wanted(effects.Beat)
    for second in range(11, 60, 6):
        kiosk(events.BeatFailed(), events.Tick(second + 2.0, NOON + timedelta(minutes=91)))
        assert isinstance(kiosk.screen, TimeUp) and kiosk.wanted(effects.Beat)


def test_an_extension_that_was_given_meanwhile_opens_the_paper_again() -> None:
    kiosk = at_writing()(events.Tick(10.0, NOON + timedelta(minutes=90)))
    longer = api.LedgerView.of(LEDGER.extend(timedelta(minutes=5), NOON))
    kiosk(events.UploadProgressed("t1", 0, longer, NOON + timedelta(minutes=90, seconds=1)))
    assert isinstance(kiosk.screen, Writing)
    assert kiosk.state.status.remaining == timedelta(minutes=5)


def test_a_paper_opened_after_its_end_is_not_editable_for_a_moment() -> None:
    kiosk = at_waiting()(events.LeaseTaken("t1"), beat(seat(ADMITTED, STARTED)))
    kiosk(events.FormOpened("t1", SITTING, LEDGER, NOON + timedelta(minutes=90)))
    assert isinstance(kiosk.screen, TimeUp)


def test_a_server_whose_clock_was_set_back_is_still_listened_to() -> None:
    kiosk = at_writing()(beat(seat(ADMITTED, STARTED, NOON + timedelta(minutes=40))))
    plain, longer = LEDGER, LEDGER.extend(timedelta(minutes=30), NOON)
    ahead = NOON + timedelta(minutes=40)
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(plain), ahead))
    back = NOON + timedelta(minutes=30)
    kiosk(beat(seat(ADMITTED, STARTED, back, ledger=api.LedgerView.of(longer))))
    assert kiosk.screen.ledger == longer


@given(st.permutations(range(5)))
def test_whatever_order_the_server_is_heard_in_the_last_ledger_is_shown(order: list[int]) -> None:
    """Overtaken answers, equal moments: the ledger with the most entries is the last."""
    told, ledger = [LEDGER], LEDGER
    for minute in (1, 2):
        ledger = ledger.extend(timedelta(minutes=1), NOON + timedelta(seconds=minute))
        told.append(ledger)
    told += [ledger.pause(NOON + timedelta(seconds=3))]
    told += [told[-1].resume(NOON + timedelta(seconds=3))]
    kiosk = at_writing()
    for place in order:
        at = NOON + timedelta(seconds=min(place, 2))
        kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(told[place]), at))
    assert writing.paper(kiosk.screen).ledger == told[-1]


def test_a_restored_server_that_knows_less_is_believed_after_a_while() -> None:
    longer = LEDGER.extend(timedelta(minutes=30), NOON)
    kiosk = at_writing()(events.UploadProgressed("t1", 0, api.LedgerView.of(longer), NOON))
    soon, late = NOON + timedelta(seconds=29), NOON + timedelta(seconds=30)
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(LEDGER), soon))
    assert kiosk.screen.ledger == longer
    kiosk(events.UploadProgressed("t1", 0, api.LedgerView.of(LEDGER), late))
    assert kiosk.screen.ledger == LEDGER


def test_the_heartbeat_tells_which_ledger_is_on_the_screen() -> None:
    kiosk = at_writing()(events.Tick(100.0, NOON))
    (asked,) = kiosk.wanted(effects.Beat)
    assert asked.heartbeat.ledger_seen == api.LedgerSeen(attempt="t1", position=LEDGER.position)
    longer = LEDGER.extend(timedelta(minutes=30), NOON)
    kiosk(beat(seat(ADMITTED, STARTED, ledger=api.LedgerView.of(longer))))
    kiosk(events.Tick(101.0, NOON))
    (asked,) = kiosk.wanted(effects.Beat)
    assert asked.heartbeat.ledger_seen.position == longer.position == LEDGER.position + 1
    assert (
        at_welcome()(events.Tick(200.0, NOON)).wanted(effects.Beat)[0].heartbeat.ledger_seen is None
    )


def test_an_extension_arrives_and_an_older_ledger_does_not_undo_it() -> None:
    kiosk = at_writing()
    longer = api.LedgerView.of(LEDGER.extend(timedelta(minutes=5), NOON))
    plain = api.LedgerView.of(LEDGER)
    kiosk(events.UploadProgressed("t1", 0, longer, NOON + timedelta(seconds=9)))
    kiosk(beat(seat(ADMITTED, STARTED, NOON + timedelta(seconds=8), ledger=plain)))
    kiosk(events.Tick(10.0, NOON + timedelta(minutes=94)))
    assert kiosk.state.status.remaining == timedelta(minutes=1)
    assert isinstance(kiosk.screen, Writing)


def test_a_pause_hides_the_paper_and_stops_the_time() -> None:
    kiosk = at_writing()
    paused = LEDGER.pause(NOON + timedelta(minutes=10))
    at = NOON + timedelta(minutes=10, seconds=1)
    kiosk(beat(seat(ADMITTED, STARTED, at, ledger=api.LedgerView.of(paused))))
    assert isinstance(kiosk.screen, Paused) and kiosk.wanted(effects.FixHead)
    kiosk(events.UserAnswered("a", ChoiceResponse(("o1",))))
    assert not kiosk.effects
    kiosk(events.Tick(99.0, NOON + timedelta(hours=5)))
    assert isinstance(kiosk.screen, Paused)
    assert kiosk.state.status.remaining == timedelta(minutes=80)
    resumed = paused.resume(NOON + timedelta(hours=5))
    later = NOON + timedelta(hours=5)
    kiosk(beat(seat(ADMITTED, STARTED, later, ledger=api.LedgerView.of(resumed))))
    assert isinstance(kiosk.screen, Writing)
    assert kiosk.state.status.remaining == timedelta(minutes=80)
