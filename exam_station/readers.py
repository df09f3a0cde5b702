"""The card readers of this station: who comes and goes, and the way to a card."""

import threading
from collections.abc import Callable
from typing import Protocol

from card_reader import pcsc
from card_reader.pcsc import CardEvent, CardEventKind, CardMonitor
from card_reader.transport import Transport
from exam_station.flow import events
from exam_station.flow.codes import Problem


class Readers(Protocol):
    """Where cards are put; PC/SC on every real station."""

    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        """Reports what is there and every change, on a thread of its own; gives the way to stop."""
        ...

    def connect(self, reader: str) -> Transport:
        """The card on `reader`; raises ReaderError."""
        ...


class PcscReaders:
    """The readers of the PC/SC service."""

    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        monitor = CardMonitor(callback)
        monitor.start()
        return monitor.stop

    def connect(self, reader: str) -> Transport:
        return pcsc.connect(reader)


class ReaderWatch:
    """Keeps what is known of the readers that this station may use.

    `wanted` is a part of the reader's name, None for any. `post` gets CardInserted and
    CardRemoved, `changed` is called where readiness may have changed.
    """

    def __init__(
        self,
        wanted: str | None,
        post: Callable[[events.Event], None],
        changed: Callable[[], None],
    ) -> None:
        self._wanted = wanted
        self._post = post
        self._changed = changed
        self._lock = threading.Lock()
        self._names: dict[str, bool] = {}
        self._service = True

    def on_event(self, event: CardEvent) -> None:
        if event.reader and self._wanted is not None and self._wanted not in event.reader:
            return
        match event.kind:
            case CardEventKind.SERVICE_LOST:
                self._service = False
            case CardEventKind.SERVICE_FOUND:
                self._service = True
            case CardEventKind.READER_ADDED:
                self._note(event.reader, False)
            case CardEventKind.READER_REMOVED:
                with self._lock:
                    self._names.pop(event.reader, None)
            case CardEventKind.INSERTED:
                self._note(event.reader, True)
                self._post(events.CardInserted())
                return
            case CardEventKind.REMOVED:
                self._note(event.reader, False)
                self._post(events.CardRemoved())
                return
        self._changed()

    def _note(self, reader: str, present: bool) -> None:
        with self._lock:
            self._names[reader] = present

    @property
    def problems(self) -> tuple[Problem, ...]:
        if not self._service:
            return (Problem.NO_CARD_SERVICE,)
        return () if self._names else (Problem.NO_READER,)

    @property
    def occupied(self) -> str | None:
        """The reader with a card on it."""
        with self._lock:
            return next((name for name, present in self._names.items() if present), None)
