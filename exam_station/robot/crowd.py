"""All robots of a process: enrolled, started, ticked in turn on a few threads, stopped."""

import heapq
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import Image

from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.recipe import ChipAuthenticationRecipe, Recipe
from exam_server.contract.program import program_version
from exam_station import durable
from exam_station.client import ServerRefusedError
from exam_station.enrolment import enrol, join
from exam_station.robot.kiosk import CardSlot, RobotKiosk
from exam_station.robot.person import Manner, Person
from exam_station.robot.plan import Codes, Invented, Part, Plan, PlanError
from exam_station.robot.tally import Tally
from exam_station.settings import Settings
from exam_station.trying_again import asked_by
from exam_station.vault import FILE, Vault

#: Threads that tick robots, and threads that carry their heartbeats and cards.
TICKERS, WORKERS = 8, 16
UNLOCK = "unlock"
#: How often a robot asks again to be enrolled.
PATIENCE = 20
#: A chip that a robot can make in a moment: no RSA keys.
CARD = Recipe(chip_authentication=(ChipAuthenticationRecipe(),), active_authentication=None)


@dataclass(frozen=True, slots=True)
class Run:
    """What is asked of the robots. `keep`: stations are kept in `data`, so that they can go on."""

    data: Path
    keep: bool
    seed: str
    manner: Manner
    chip: bool
    seconds: float
    codes: Codes | None = None


class Crowd:
    """The robots of one plan. `run` blocks until all are done or the time is up."""

    def __init__(self, plan: Plan, run: Run, tally: Tally, elapsed: Callable[[], float]) -> None:
        self._plan = plan
        self._run = run
        self._tally = tally
        self._elapsed = elapsed
        self._pool = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="work")
        self._issuer = _issuer(plan) if run.chip else None
        self._secret = unlock_secret(run.data) if run.keep else b""
        self._due: list[tuple[float, int]] = []
        self._changed = threading.Condition()
        self._left = 0
        self.kiosks: list[RobotKiosk] = []

    def run(self) -> int:
        """How many robots came to their end in time."""
        end = self._elapsed() + self._run.seconds
        with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="enrol") as pool:
            self.kiosks = list(pool.map(self._seat, (*self._plan.parts, *self._plan.spare)))
        try:
            for kiosk in self.kiosks:
                kiosk.start()
            self._tick_all(end)
        finally:
            # First what is under way, then the clients that it goes through.
            self._pool.shutdown(wait=True, cancel_futures=True)
            _all(ThreadPoolExecutor(WORKERS), [kiosk.stop for kiosk in self.kiosks])
        return sum(kiosk.over for kiosk in self.kiosks)

    def _seat(self, part: Part) -> RobotKiosk:
        data = self._run.data / part.folder
        person = Person(self._run.manner, f"{self._run.seed}/{part.folder}", self._run.codes)
        return RobotKiosk(
            Settings(data=data),
            self._vault(part, data),
            person,
            slot=CardSlot(self._chips(part.person)),
            tally=self._tally,
            pool=self._pool,
        )

    def _vault(self, part: Part, data: Path) -> Vault:
        """Enrols, unless the station is kept there since an earlier run."""
        if (data / FILE).exists():
            return Vault.load(data, self._secret)
        name, version, secret = f"{part.room} / {part.seat}", program_version(), self._secret
        if self._run.keep:
            call = partial(enrol, part.token, name=name, data=data, secret=secret, version=version)
        else:
            call = partial(join, part.token, name=name, version=version)
        return patiently(call)

    def _chips(self, person: Invented | None) -> Callable[[], Chip] | None:
        if self._issuer is None or person is None:
            return None
        profile = card_of(self._issuer, person)
        return lambda: Chip(profile)

    def _tick_all(self, end: float) -> None:
        now = self._elapsed()
        count = len(self.kiosks)
        # Spread over the first tick, so that a crowd does not move in step.
        self._due = [(now + RobotKiosk.TICK * place / count, place) for place in range(count)]
        self._left = count
        tickers = [
            threading.Thread(target=self._tick, args=(end,), name=f"tick-{number}", daemon=True)
            for number in range(min(TICKERS, count))
        ]
        for ticker in tickers:
            ticker.start()
        for ticker in tickers:
            ticker.join()

    def _tick(self, end: float) -> None:
        while (place := self._next(end)) is not None:
            kiosk = self.kiosks[place]
            pause = kiosk.tick()
            with self._changed:
                if kiosk.over and not self._plan.spare:
                    self._left -= 1
                else:
                    heapq.heappush(self._due, (self._elapsed() + pause, place))
                self._changed.notify()

    def _next(self, end: float) -> int | None:
        """The robot whose turn it is, once it is; None when all are done or the time is up."""
        with self._changed:
            while self._left:
                now = self._elapsed()
                if now >= end:
                    break
                if self._due and self._due[0][0] <= now:
                    return heapq.heappop(self._due)[1]
                first = self._due[0][0] if self._due else end
                self._changed.wait(min(first, end) - now)
            self._changed.notify_all()
            return None


def patiently(call: Callable[[], Vault], sleep: Callable[[float], None] = time.sleep) -> Vault:
    """`call`, and again where the server is too busy; ClientError in the end."""
    for _ in range(PATIENCE):
        try:
            return call()
        except ServerRefusedError as refusal:
            asked = asked_by(refusal)
            if asked is None:
                raise
            sleep(asked)
    return call()


def unlock_secret(data: Path) -> bytes:
    """The secret of every vault below `data`, drawn once: robots guard nothing."""
    path = data / UNLOCK
    try:
        return path.read_bytes()
    except FileNotFoundError:
        durable.write_file(path, secrets.token_hex(16).encode())
        return path.read_bytes()


def _issuer(plan: Plan) -> Issuer:
    if plan.issuer is None:
        raise PlanError("the plan names no issuer of cards; make it with: rehearsal --cards FOLDER")
    return Issuer.load(plan.issuer)


def card_of(issuer: Issuer, person: Invented) -> CardProfile:
    """A card for somebody whom a rehearsal made up."""
    return issuer.issue(_holder(person), _portrait(), recipe=CARD)


def _holder(person: Invented) -> Holder:
    sex = "F" if int(person.citizen_number[3]) % 2 else "M"
    return Holder(
        number=person.citizen_number,
        name=person.name,
        date_of_birth=person.date_of_birth,
        sex=sex,
    )


def _portrait() -> bytes:
    """A grey picture: a robot has no face."""
    buffer = BytesIO()
    Image.new("RGB", (240, 320), (128, 128, 128)).save(buffer, "JPEG")
    return buffer.getvalue()


def _all(pool: ThreadPoolExecutor, calls: Iterable[Callable[[], None]]) -> None:
    with pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()
