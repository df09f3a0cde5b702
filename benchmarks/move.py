"""Another seat: from the tap until the paper lies open there with everything that was written.

A candidate writes a whole paper's records at one kiosk, which is switched off; an officer moves the
candidate; the card is tapped at another kiosk, which has never seen the attempt. Both are the real
kiosk below its window (flow, work, client, desk, journal) at a real ``exam-server serve`` over TLS;
the chip is simulated in this process, every one of its commands too, but without the radio, and
nobody looks into a camera. Each paper is compared with what the former kiosk showed.

Writes build/bench/move.json: `value` is the 99th percentile of the milliseconds from the tap to the
open paper; `ceiling` that of what no kiosk can spare, in the same moves: the reading of the chip,
and one bare fetch of the records.
"""

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from benchmarks._stations import percentile
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.profile import CardProfile
from exam_server import db, directory
from exam_server.audit import Operator
from exam_server.centres.models import Seat
from exam_server.context import utc_now
from exam_server.contract.api import HistoryView
from exam_server.contract.program import program_version
from exam_server.shifts.models import Placement
from exam_server.shifts.service import move_placement
from exam_station.clock import boot_seconds
from exam_station.enrolment import enrol
from exam_station.flow.events import Event
from exam_station.flow.screens import CheckingIn, Opening, Reading, Welcome, Writing
from exam_station.robot.crowd import card_of
from exam_station.robot.kiosk import CardSlot, RobotKiosk
from exam_station.robot.person import Manner, Person
from exam_station.robot.plan import Part, load_plan
from exam_station.robot.tally import Tally
from exam_station.settings import Settings
from rig.server import Server

MOVES, RECORDS = 20, 120
#: So many acts make that many records: some change nothing.
ACTS = 140
GOAL_SECONDS = 10.0
PATIENCE = 60.0
#: Faster than any candidate.
BUSY = Manner(think=0.01, changes=ACTS)
#: A candidate who looks at the paper and does nothing yet.
IDLE = Manner(think=0.02, changes=0)
OUTPUT = Path("build") / "bench" / "move.json"


class Sitter(Person):
    """Sits before the paper once all acts are done, and does not hand in."""

    @property
    def is_done(self) -> bool:
        return self._made >= self._manner.changes

    def act(self, screen: Any) -> Any:
        return None if isinstance(screen, Writing) and self.is_done else super().act(screen)


class TimedKiosk(RobotKiosk):
    """Notes when each kind of screen was first shown."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.shown: dict[type, float] = {}
        super().__init__(*arguments, **named)

    def history(self, attempt: str) -> HistoryView:
        """A bare fetch of the records, over the kiosk's own connection."""
        return self._work._client.history(attempt, 0)

    def _take(self, event: Event) -> None:
        super()._take(event)
        self.shown.setdefault(type(self.state.screen), time.perf_counter())


@dataclass(slots=True)
class Times:
    """Seconds of every move: the whole, and its parts."""

    whole: list[float] = field(default_factory=list)
    chip: list[float] = field(default_factory=list)
    check_in: list[float] = field(default_factory=list)
    opening: list[float] = field(default_factory=list)
    fetch: list[float] = field(default_factory=list)


class Bench:
    """The server's database, for the officer, and the kiosks."""

    def __init__(self, folder: Path, server: Server, pool: ThreadPoolExecutor) -> None:
        self._folder, self._pool = folder, pool
        plan = load_plan(
            server.folder / "rehearsal.json", first=0, count=MOVES, first_spare=0, spare=MOVES
        )
        assert plan.issuer is not None
        self._issuer = Issuer.load(plan.issuer)
        self._plan = plan
        with directory.open_server(server.folder) as opened:
            self._url = opened.engine.url
        self.times = Times()

    def move(self, number: int) -> None:
        """One candidate's whole way; the times of the move are kept."""
        before, after = self._plan.parts[number], self._plan.spare[number]
        assert before.person is not None
        card = card_of(self._issuer, before.person)
        writer, tally = Sitter(BUSY, f"{number}"), Tally(boot_seconds)
        with self._kiosk(before, card, writer, tally) as former:
            self._until(former, lambda: writer.is_done and _all_sent(tally))
            paper = former.state.screen
        assert isinstance(paper, Writing)
        with self._kiosk(after, card, Sitter(IDLE, f"{number}"), Tally(boot_seconds)) as kiosk:
            self._until(kiosk, lambda: isinstance(kiosk.state.screen, Welcome))
            self._seat(before, after)
            self._until(kiosk, lambda: isinstance(kiosk.state.screen, Writing))
            there = kiosk.state.screen
            assert isinstance(there, Writing)
            if (there.sitting, there.ledger.started) != (paper.sitting, paper.ledger.started):
                raise SystemExit("the paper at the new seat is not that of the former one")
            self._note(kiosk, there.attempt)

    def _note(self, kiosk: TimedKiosk, attempt: str) -> None:
        at = kiosk.shown
        begun = time.perf_counter()
        view = kiosk.history(attempt)
        self.times.fetch.append(time.perf_counter() - begun)
        assert len(view.records) >= RECORDS
        self.times.whole.append(at[Writing] - at[Reading])
        self.times.chip.append(at[CheckingIn] - at[Reading])
        self.times.check_in.append(at[Opening] - at[CheckingIn])
        self.times.opening.append(at[Writing] - at[Opening])

    @contextmanager
    def _kiosk(
        self, part: Part, card: CardProfile, person: Person, tally: Tally
    ) -> Iterator[TimedKiosk]:
        data = self._folder / part.folder
        vault = enrol(
            part.token, name=part.seat, data=data, secret=b"bench", version=program_version()
        )
        kiosk = TimedKiosk(
            Settings(data=data),
            vault,
            person,
            slot=CardSlot(lambda: Chip(card)),
            tally=tally,
            pool=self._pool,
        )
        kiosk.start()
        try:
            yield kiosk
        finally:
            kiosk.stop()

    @staticmethod
    def _until(kiosk: TimedKiosk, done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                raise SystemExit(f"the kiosk stays at {type(kiosk.state.screen).__name__}")
            time.sleep(min(kiosk.tick(), 0.005))

    # --- the officer ------------------------------------------------------------------------------

    def _seat(self, before: Part, after: Part) -> None:
        engine = db.create_engine(self._url)
        with db.transaction(engine) as session:
            seat = session.scalars(sa.select(Seat.id).where(Seat.name == after.seat)).one()
            placement = _placement_at(session, before)
            move_placement(
                session,
                placement,
                seat_id=seat,
                officer=Operator(),
                reason="bench",
                now=utc_now(),
            )
        engine.dispose()


def _all_sent(tally: Tally) -> bool:
    told = tally.report()
    return bool(told["written"] == told["acknowledged"] > 0)


def _placement_at(session: Session, part: Part) -> str:
    query = sa.select(Placement.id).join(Seat, Seat.id == Placement.seat_id)
    return str(session.scalars(query.where(Seat.name == part.seat)).one())


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        name: round(percentile(ordered, share) * 1000, 1)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }


def measure(folder: Path) -> Times:
    server = Server(folder / "server")
    server.make()
    server.start()
    try:
        server.call(
            *("rehearsal", str(server.folder), "--candidates", str(MOVES), "--rooms", "1"),
            *("--spare", str(MOVES), "--start", "--url", server.url),
            *("--cards", str(folder / "issuer")),
        )
        with ThreadPoolExecutor(4) as pool:
            bench = Bench(folder / "stations", server, pool)
            for number in range(MOVES):
                bench.move(number)
    finally:
        server.stop()
    return bench.times


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        times = measure(Path(folder))
    least = [chip + fetch for chip, fetch in zip(times.chip, times.fetch, strict=True)]
    whole, bare = milliseconds(times.whole), milliseconds(least)
    result = {
        "name": "move",
        "value": whole["p99"],
        "unit": f"ms from the tap to the open paper of {RECORDS} records, p99 of {MOVES} moves",
        "ceiling": bare["p99"],
        "ratio": round(whole["p99"] / bare["p99"], 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {
            "goal_milliseconds": GOAL_SECONDS * 1000,
            "milliseconds": whole,
            "bare_milliseconds": bare,
            "reading_the_chip": milliseconds(times.chip),
            "check_in": milliseconds(times.check_in),
            "opening": milliseconds(times.opening),
            "bare_fetch": milliseconds(times.fetch),
            "load": round(os.getloadavg()[0], 1),
        },
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
