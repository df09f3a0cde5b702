"""Joins the flow to window, work and time. The state lives here, on the window's thread."""

import logging
import threading
from collections import deque

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from exam_station import devices
from exam_station.clock import ServerClock
from exam_station.flow import events
from exam_station.flow.events import Event
from exam_station.flow.states import State, Status
from exam_station.readers import Readers
from exam_station.settings import Settings
from exam_station.stepping import step
from exam_station.vault import Vault
from exam_station.work import Work

log = logging.getLogger("exam_station")

TICK_MILLISECONDS = 500
DEVICES_SECONDS = 3.0


class Runner(QObject):
    """`state_changed` carries every State worth showing; `accept` takes the person's acts."""

    state_changed = Signal(object)
    _posted = Signal(object)

    def __init__(self, settings: Settings, vault: Vault, *, readers: Readers, version: str) -> None:
        super().__init__()
        self._settings = settings
        self._clock = ServerClock()
        self._looked = threading.Event()
        self._stopping = threading.Event()
        self._work = Work(
            settings,
            vault,
            readers=readers,
            clock=self._clock,
            post=self._posted.emit,
            devices_changed=self._looked.set,
        )
        self._state = _first_state(settings, vault, version)
        self._queue: deque[Event] = deque()
        self._busy = False
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MILLISECONDS)
        self._timer.timeout.connect(self._tick)
        self._posted.connect(self.accept, Qt.ConnectionType.QueuedConnection)
        self._watcher = threading.Thread(target=self._watch_devices, name="devices", daemon=True)

    @property
    def state(self) -> State:
        return self._state

    def start(self) -> None:
        self.state_changed.emit(self._state)
        self._work.start()
        self._watcher.start()
        self._timer.start()
        self._tick()

    def stop(self) -> None:
        """Ends every thread; the journal keeps what the server has not got yet."""
        self._timer.stop()
        self._stopping.set()
        self._looked.set()
        self._watcher.join(timeout=10)
        self._work.stop()

    @Slot(object)
    def accept(self, event: Event) -> None:
        """Takes one event; events that come while one is being taken wait their turn."""
        self._queue.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._queue:
                self._take(self._queue.popleft())
        finally:
            self._busy = False

    def _take(self, event: Event) -> None:
        """The journal comes first: a change that is not on disk is never shown."""
        before = self._state
        after, wanted = step(before, event, self._work.write)
        self._state = after
        if type(before.screen) is not type(after.screen):
            log.info("screen %s", type(after.screen).__name__)
        if after is not before:
            self.state_changed.emit(after)
        for effect in wanted:
            self._work.do(effect)

    def _tick(self) -> None:
        self.accept(events.Tick(self._clock.elapsed, self._clock.now()))

    def _watch_devices(self) -> None:
        while not self._stopping.is_set():
            self._looked.clear()
            try:
                seen = devices.look(self._settings, self._work.watch)
                self._posted.emit(events.DevicesSeen(seen))
            except Exception:  # whatever it was, the next look may succeed
                log.exception("the devices could not be looked at")
            self._looked.wait(DEVICES_SECONDS)


def _first_state(settings: Settings, vault: Vault, version: str) -> State:
    status = Status(language=settings.language, realm=vault.realm, version=version)
    return State(status=status, language=settings.language)
