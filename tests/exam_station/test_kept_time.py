"""What a restart knows of the time: all of it, or where it stood; and that it is told."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from station_papers import NOON

from exam_server.contract import api
from exam_server.contract.errors import ContractError
from exam_server.contract.ledger import Ledger
from exam_station.clock import Sample, ServerClock
from exam_station.kept_time import EVERY, FILE, KeptTime, TimeKeeper

LEDGER = Ledger(timedelta(minutes=90)).start(NOON)
KEY = Ed25519PrivateKey.generate()
SECOND = timedelta(seconds=1)


class Machine:
    """A machine whose boot clock and boot id the test moves; `truth` is the server's time."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.boot = 1000.0
        self.boot_id = "first"
        self.truth = NOON

    def pass_by(self, seconds: float) -> None:
        """Awake or suspended: the boot clock counts both."""
        self.boot += seconds
        self.truth += timedelta(seconds=seconds)

    def reboot(self, off: float) -> None:
        self.truth += timedelta(seconds=off)
        self.boot, self.boot_id = 20.0, self.boot_id + "+"

    def program(self, key: Ed25519PrivateKey = KEY) -> tuple[ServerClock, TimeKeeper]:
        clock = ServerClock(lambda: self.boot)
        return clock, TimeKeeper(self.data, clock, key=key, boot=lambda: self.boot_id)

    def hear(self, clock: ServerClock) -> None:
        clock.hear(self.truth, sent=self.boot - 0.01, received=self.boot + 0.01)

    def error(self, clock: ServerClock) -> float:
        now = clock.now()
        assert now is not None
        return abs((now - self.truth).total_seconds())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def at_work(machine: Machine) -> Machine:
    """A paper was open for a while and was kept as the last thing that the program did."""
    clock, keeper = machine.program()
    machine.hear(clock)
    keeper.keep("t1", LEDGER)
    machine.pass_by(600)
    keeper.keep_on()
    return machine


def test_a_program_that_begins_again_knows_the_time_exactly(at_work: Machine) -> None:
    at_work.pass_by(252)
    clock, keeper = at_work.program()
    restart = keeper.take_up()
    assert at_work.error(clock) < 0.05 and not clock.estimated
    assert restart is not None and not restart.estimated
    assert restart.away is not None and abs(restart.away - timedelta(seconds=252)) < SECOND / 10
    assert keeper.ledger("t1") == LEDGER and keeper.ledger("t2") is None


def test_after_a_restart_of_the_machine_the_remaining_time_is_that_of_the_last_heartbeat(
    at_work: Machine,
) -> None:
    shown = LEDGER.remaining(at_work.truth)
    at_work.reboot(off=180)
    clock, keeper = at_work.program()
    restart = keeper.take_up()
    assert restart is not None and restart.estimated and restart.away is None
    now, ledger = clock.now(), keeper.ledger("t1")
    assert now is not None and ledger is not None and clock.estimated
    assert abs(ledger.remaining(now) - shown) < SECOND / 10
    at_work.pass_by(60)
    assert abs(ledger.remaining(clock.now() or now) - (shown - 60 * SECOND)) < SECOND / 10
    # The server is heard: the time is right at once, and how long it was gone is known exactly.
    at_work.hear(clock)
    assert at_work.error(clock) < 0.05 and not clock.estimated
    told = keeper.restart
    assert told is not None and told.away is not None
    assert abs(told.away - timedelta(seconds=180)) < SECOND / 10
    assert told.view().away == told.away


def test_a_second_restart_without_network_goes_on_from_the_first(at_work: Machine) -> None:
    at_work.reboot(off=100)
    clock, keeper = at_work.program()
    keeper.take_up()
    at_work.pass_by(50)
    keeper.keep_on()
    before = clock.now()
    at_work.reboot(off=70)
    clock, keeper = at_work.program()
    again = keeper.take_up()
    assert before is not None and again is not None and again.since == before == clock.now()


def test_a_same_boot_restart_of_an_estimated_clock_is_an_estimate_still(at_work: Machine) -> None:
    at_work.reboot(off=100)
    _, keeper = at_work.program()
    keeper.take_up()
    keeper.keep_on()
    at_work.pass_by(30)
    clock, keeper = at_work.program()
    restart = keeper.take_up()
    assert restart is not None and clock.estimated
    at_work.hear(clock)
    assert at_work.error(clock) < 0.05


def test_an_older_file_gives_no_time_back_that_the_journal_tells_of(at_work: Machine) -> None:
    at_work.reboot(off=10)
    clock, keeper = at_work.program()
    keeper.take_up()
    written = NOON + timedelta(minutes=30)
    clock.not_before(written)
    assert clock.now() == written
    clock.not_before(NOON)
    assert clock.now() == written


def test_nothing_is_told_of_a_restart_in_which_no_paper_was_open(machine: Machine) -> None:
    clock, keeper = machine.program()
    machine.hear(clock)
    keeper.keep(None, None)
    keeper.keep("t1", Ledger(timedelta(minutes=90)))
    machine.pass_by(30)
    clock, keeper = machine.program()
    assert keeper.take_up() is None
    assert machine.error(clock) < 0.05


def test_the_disk_is_written_seldom_but_a_change_of_time_at_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(
        "exam_station.kept_time.durable.write_file", lambda _, data: written.append(data)
    )
    clock, keeper = machine.program()
    keeper.keep("t1", LEDGER)
    assert not written  # the time is not known yet
    machine.hear(clock)
    for _ in range(20):
        keeper.keep("t1", LEDGER)
        machine.pass_by(EVERY / 10)
    assert len(written) == 2
    longer = LEDGER.extend(timedelta(minutes=5), machine.truth)
    keeper.keep("t1", longer)
    assert len(written) == 3
    keeper.keep("t1", LEDGER)  # an answer that was overtaken
    assert keeper.ledger("t1") == longer


def test_what_is_not_this_stations_is_not_used(at_work: Machine) -> None:
    path = at_work.data / FILE
    whole = path.read_bytes()
    _, keeper = at_work.program(Ed25519PrivateKey.generate())
    assert keeper.take_up() is None
    for place in range(0, len(whole), 7):
        spoiled = bytearray(whole)
        spoiled[place] ^= 0x41
        path.write_bytes(spoiled)
        clock, keeper = at_work.program()
        assert keeper.take_up() is None and clock.now() is None
    for length in range(0, len(whole), 11):
        path.write_bytes(whole[:length])
        _, keeper = at_work.program()
        assert keeper.take_up() is None


def test_a_disk_that_is_full_stops_no_exam(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("exam_station.kept_time.durable.write_file", full)
    clock, keeper = machine.program()
    machine.hear(clock)
    keeper.keep("t1", LEDGER)
    assert keeper.ledger("t1") == LEDGER


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(
    lambda at: at.replace(tzinfo=NOON.tzinfo)
)


@given(MOMENTS, st.integers(0, 10**15), st.none() | st.integers(0, 10**9), MOMENTS)
def test_what_is_kept_is_read_back_as_it_was(
    server_time: datetime, boot: int, error: int | None, alive: datetime
) -> None:
    uncertain = float("inf") if error is None else error / 1e6
    kept = KeptTime("b", Sample(boot / 1e6, server_time, uncertain), alive, "t1", LEDGER)
    assert KeptTime.from_bytes(kept.to_bytes()) == kept


@given(st.binary(max_size=300))
def test_anything_else_is_refused_by_our_own_error(data: bytes) -> None:
    with pytest.raises(ContractError):
        KeptTime.from_bytes(data)


# --- the clock under everything that can happen to it --------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["work", "suspend", "hear", "late answer", "restart"]), st.floats(0.1, 600)
    ),
    max_size=30,
)


@given(steps=STEPS)
def test_lag_suspends_and_restarts_leave_the_error_below_a_second(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, float]]
) -> None:
    """After one quick answer, five seconds of lag however lopsided, and hours, do no harm."""
    machine = Machine(tmp_path_factory.mktemp("time"))
    clock, keeper = machine.program()
    machine.hear(clock)
    keeper.keep("t1", LEDGER)
    for step, span in steps:
        match step:
            case "work" | "suspend":
                machine.pass_by(span)
            case "hear":
                machine.hear(clock)
            case "late answer":  # given at once, five seconds on its way back
                sent, answered = machine.boot, machine.truth
                machine.pass_by(5)
                clock.hear(answered, sent=sent, received=machine.boot)
            case _:
                keeper.keep_on()
                clock, keeper = machine.program()
                keeper.take_up()
        assert machine.error(clock) < 1
        assert (clock.error or 0) >= machine.error(clock) - 1e-3


@given(st.floats(0, 5), st.floats(0, 5))
def test_without_any_quick_answer_the_error_is_half_of_the_round_trip_at_most(
    way: float, back: float
) -> None:
    machine = Machine(Path())
    clock, _ = machine.program()
    sent = machine.boot
    machine.pass_by(way)
    answered = machine.truth
    machine.pass_by(back)
    clock.hear(answered, sent=sent, received=machine.boot)
    assert machine.error(clock) <= (way + back) / 2 + 1e-3
    assert abs(machine.error(clock) - abs(back - way) / 2) < 1e-3


def test_the_view_is_what_the_contract_takes(at_work: Machine) -> None:
    at_work.pass_by(5)
    _, keeper = at_work.program()
    restart = keeper.take_up()
    assert restart is not None
    view = restart.view()
    assert api.RestartView.model_validate_json(view.model_dump_json()) == view
