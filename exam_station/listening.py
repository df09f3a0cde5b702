"""The station's ear: one thread that keeps the server's stream open and posts what it hears."""

import logging
import random
import threading
from collections.abc import Callable

from exam_server.contract import api
from exam_server.contract.errors import ContractError
from exam_station.client import Client, ClientError
from exam_station.event_stream import EventStream
from exam_station.flow import events
from exam_station.flow.events import Event
from exam_station.kit import Kits, Start
from exam_station.trying_again import asked_by, spread

log = logging.getLogger("exam_station")

#: Seconds before the stream is asked for again; doubled from one failure to the next.
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0


class Ear:
    """Listens from `start` to `stop`. Heartbeats go on all the while: without the stream the
    station hears everything a little later, and nothing else changes.

    `answered` is called on the ear's thread whenever the server answers a pulse.
    """

    def __init__(
        self,
        client: Client,
        kits: Kits,
        post: Callable[[Event], None],
        answered: Callable[[], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._kits = kits
        self._post = post
        self._answered = answered
        self._jitter = jitter
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._stream: EventStream | None = None
        self._thread = threading.Thread(target=self._listen, name="ear", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with self._lock:
            if self._stream is not None:
                self._stream.cut()
        if self._thread.is_alive():
            self._thread.join(timeout=15)

    def pulse(self) -> None:
        """Has the server know that this station lives. Unanswered, it ends the stream."""
        with self._lock:
            if self._stream is not None:
                self._stream.pulse()

    def _listen(self) -> None:
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            try:
                self._hear()
                wait = FIRST_WAIT
            except ClientError as error:
                log.info("the server's stream is closed: %s", error)
                wait = min(max(wait * 2, asked_by(error) or 0.0), LONGEST_WAIT)
            except Exception:  # the next try may succeed, and heartbeats go on
                log.exception("the server's stream could not be heard")
                wait = LONGEST_WAIT
            self._stopping.wait(spread(wait, self._jitter()))

    def _hear(self) -> None:
        """Hears one stream to its end."""
        with self._client.events() as stream:
            self._hold(stream)
            self._post(events.Listening(True))
            try:
                for event in stream.lines():
                    if event is not None:
                        self._heard(event)
                    else:
                        self._answered()
            finally:
                self._hold(None)
                self._post(events.Listening(False))

    def _hold(self, stream: EventStream | None) -> None:
        with self._lock:
            self._stream = stream
            if stream is not None and self._stopping.is_set():
                stream.cut()

    def _heard(self, event: api.StationEvent) -> None:
        start = _start_of(event)
        if start is None:
            self._post(events.ChangeHeard())
            return
        try:
            self._kits.keep_start(start)
            self._post(events.StartHeard(start.shift))
        except (ContractError, OSError) as error:
            log.warning("the start signal is of no use here: %s", error)
            self._post(events.ChangeHeard())


def _start_of(event: api.StationEvent) -> Start | None:
    shift, at, secret = event.shift, event.started_at, event.start_secret
    if event.kind is not api.StationEventKind.STARTED or shift is None or at is None:
        return None
    return None if secret is None else Start(shift, at, secret)
