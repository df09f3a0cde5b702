"""A kiosk without a window: the same flow and the same work, driven by ticks instead of Qt."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from card_reader.pcsc import CardEvent, CardEventKind
from card_reader.simulator.chip import Chip
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport
from exam_server.contract import api
from exam_server.contract.program import program_version
from exam_station.client import Client, ServerRefusedError, ServerUnreachableError
from exam_station.clock import ServerClock
from exam_station.flow import effects, events
from exam_station.flow.effects import Effect
from exam_station.flow.events import Event
from exam_station.flow.screens import (
    CardProblem,
    FaceResult,
    Notice,
    Opening,
    ReceiptShown,
    Welcome,
    Writing,
)
from exam_station.flow.states import Devices, State, Status
from exam_station.robot.person import Person, is_over
from exam_station.robot.tally import Tally
from exam_station.settings import Settings
from exam_station.stepping import step
from exam_station.uploader import Progress
from exam_station.vault import Vault
from exam_station.work import Work

READER = "robot's reader"
#: The face check of a robot: there is no face, and the record's model says so.
FACE = api.FaceRecord(
    decision=api.FaceVerdict.ACCEPT,
    score=0.2,
    accept_threshold=0.38,
    refer_threshold=0.5,
    fusion="mean_of_three_four_views",
    model="robot: no face was looked at",
    frames=3,
    attempts=1,
)


class CardSlot:
    """The one reader of a robot: in this process, with the robot's own card beside it."""

    def __init__(self, make_chip: Callable[[], Chip] | None) -> None:
        self._make_chip = make_chip
        self._callback: Callable[[CardEvent], None] = lambda _: None

    @property
    def has_card(self) -> bool:
        return self._make_chip is not None

    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        self._callback = callback
        callback(CardEvent(CardEventKind.READER_ADDED, READER))
        return lambda: None

    def connect(self, reader: str) -> Transport:
        if self._make_chip is None:
            raise ValueError(f"no card was made for {reader}")
        return SimulatedTransport(self._make_chip())

    def tap(self) -> None:
        """Takes the card off, if it lies there, and lays it on."""
        self._callback(CardEvent(CardEventKind.REMOVED, READER))
        self._callback(CardEvent(CardEventKind.INSERTED, READER))


class CountingClient(Client):
    """The real client; what the server refuses and what does not come through is counted."""

    def __init__(self, vault: Vault, clock: ServerClock, tally: Tally) -> None:
        super().__init__(vault, clock)
        self._tally = tally

    def _call(self, method: str, target: str, body: bytes) -> bytes:
        try:
            return super()._call(method, target, body)
        except ServerRefusedError as refusal:
            self._tally.failed(refusal.code.value)
            raise
        except ServerUnreachableError:
            self._tally.failed("unreachable")
            raise


class RobotWork(Work):
    """The kiosk's work, watched: what is written and what is acknowledged is counted. There is no
    camera: whoever agrees to the face check passes it, and the record says that it was a robot."""

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        *,
        readers: CardSlot,
        tally: Tally,
        post: Callable[[Event], None],
        pool: ThreadPoolExecutor,
    ) -> None:
        clock = ServerClock()
        super().__init__(
            settings,
            vault,
            readers=readers,
            clock=clock,
            post=post,
            devices_changed=lambda: None,
            client=CountingClient(vault, clock, tally),
            pool=pool,
        )
        self._tally = tally

    def write(self, effect: effects.WriteRecord) -> events.AttemptStopped | None:
        stopped = super().write(effect)
        last = self._desk.last_record
        if stopped is None and last is not None:
            self._tally.wrote(effect.attempt, last.sequence, last.head)
        return stopped

    def do(self, effect: Effect) -> None:
        if isinstance(effect, effects.StartCamera):
            self._post(events.FaceDecided(effect.turn, FaceResult(FACE)))
            return
        super().do(effect)

    def _told(self, attempt: str, progress: Progress) -> None:
        if progress.answer is not None:
            self._tally.acknowledged(attempt, progress.answer.sequence, progress.answer.head)
        super()._told(attempt, progress)


class RobotKiosk:
    """One station, its candidate before it. `tick` is called again after the seconds it gives."""

    TICK = 0.5

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        person: Person,
        *,
        slot: CardSlot,
        tally: Tally,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._person = person
        self._slot = slot
        self._tally = tally
        self._queue: deque[Event] = deque()
        self._turn = threading.Lock()
        self._state = State(status=Status(realm=vault.realm, version=program_version()))
        self._opening_since = 0.0
        self._work = RobotWork(
            settings, vault, readers=slot, tally=tally, post=self.accept, pool=pool
        )
        self._act_at = 0.0

    @property
    def over(self) -> bool:
        return is_over(self._state.screen)

    @property
    def state(self) -> State:
        return self._state

    def start(self) -> None:
        self._work.start()
        self.accept(events.DevicesSeen(Devices((), reader_ready=True, camera_ready=True)))

    def stop(self) -> None:
        """What is not sent yet stays in the journal."""
        self._work.stop()

    def tick(self) -> float:
        """Lets time pass and the person act; the seconds until it should be called again."""
        now = self._work.clock.elapsed
        self.accept(events.Tick(now, self._work.clock.now()))
        if now >= self._act_at:
            self._act_at = now + self._person.pause()
            self._act()
        return max(min(self._act_at - now, self.TICK), 0.0)

    def accept(self, event: Event) -> None:
        """Takes one event, on any thread; events that come meanwhile wait their turn."""
        self._queue.append(event)
        while self._queue and self._turn.acquire(blocking=False):
            try:
                while self._queue:
                    self._take(self._queue.popleft())
            finally:
                self._turn.release()

    def _act(self) -> None:
        screen = self._state.screen
        if isinstance(screen, Welcome | CardProblem) and self._slot.has_card and screen.candidate:
            if self._person.comes(connected=self._state.status.connected):
                self._slot.tap()
            return
        done = self._person.act(screen)
        if done is not None:
            self.accept(done)

    def _take(self, event: Event) -> None:
        before = self._state
        after, wanted = step(before, event, self._work.write)
        self._state = after
        self._note(before, after)
        for effect in wanted:
            self._work.do(effect)

    def _note(self, before: State, after: State) -> None:
        now = self._work.clock.elapsed
        match before.screen, after.screen:
            case Opening(), Opening():
                return
            case _, Opening():
                self._opening_since = now
            case Opening(), Writing():
                self._tally.opened(now - self._opening_since)
            case ReceiptShown(), ReceiptShown():
                return
            case _, ReceiptShown(receipt=receipt):
                self._tally.received(receipt.attempt, receipt.sequence, receipt.head)
            case Notice(), Notice():
                return
            case _, Notice(code=code):
                self._tally.failed(f"stopped:{code.value}")
