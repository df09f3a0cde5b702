"""PC/SC: the only file that imports smartcard.  Readers, connections, insertion and removal.

Every failure of the service is a :class:`card_reader.errors.ReaderError`.  The service may be
absent, start later or go away at any time.  ``libpcsclite`` honours PCSCLITE_CSOCK_NAME itself;
it looks at the variable once, at the first call.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from smartcard import scard

from card_reader.errors import CardReason, ReaderError
from card_reader.transport import Transport

POLL_MILLISECONDS = 500
RETRY_SECONDS = 1.0
# pcscd goes on believing in a card that has left until it looks the next time.
SETTLE_SECONDS = 0.5
_PLUG_AND_PLAY = "\\\\?PnP?\\Notification"

_REASONS = {
    scard.SCARD_E_NO_SERVICE: CardReason.NO_SERVICE,
    scard.SCARD_E_SERVICE_STOPPED: CardReason.NO_SERVICE,
    scard.SCARD_E_INVALID_HANDLE: CardReason.NO_SERVICE,
    scard.SCARD_E_NO_READERS_AVAILABLE: CardReason.NO_READER,
    scard.SCARD_E_UNKNOWN_READER: CardReason.NO_READER,
    scard.SCARD_E_READER_UNAVAILABLE: CardReason.NO_READER,
    scard.SCARD_E_NO_SMARTCARD: CardReason.NO_CARD,
    scard.SCARD_W_REMOVED_CARD: CardReason.CARD_REMOVED,
    scard.SCARD_W_RESET_CARD: CardReason.CARD_REMOVED,
    scard.SCARD_W_UNPOWERED_CARD: CardReason.CARD_REMOVED,
    scard.SCARD_W_UNRESPONSIVE_CARD: CardReason.CARD_REMOVED,
    scard.SCARD_E_NOT_TRANSACTED: CardReason.CARD_REMOVED,
    scard.SCARD_E_SHARING_VIOLATION: CardReason.READER_BUSY,
}
_PROTOCOL_HEADERS = {
    scard.SCARD_PROTOCOL_T0: scard.SCARD_PCI_T0,
    scard.SCARD_PROTOCOL_T1: scard.SCARD_PCI_T1,
}


@dataclass(frozen=True, slots=True)
class ReaderState:
    """One reader and what is in it; ``atr`` is empty where no card is."""

    name: str
    card_present: bool
    atr: bytes


@dataclass(frozen=True, slots=True)
class _Slot:
    """A reader's state with the service's flags, whose upper half counts comings and goings."""

    state: ReaderState
    flags: int

    def same_card(self, other: "_Slot") -> bool:
        return self.state == other.state and self.flags >> 16 == other.flags >> 16


def list_readers() -> tuple[ReaderState, ...]:
    """All readers in the service's order; none gives an empty tuple."""
    with _context() as context:
        return tuple(slot.state for slot in _slots(context, _reader_names(context)))


def connect(name: str) -> "PcscTransport":
    """Open the card in the reader with this name for us alone, freshly reset."""
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _check(code, "the smart card service")
    try:
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, card, protocol = scard.SCardConnect(
            context, name, scard.SCARD_SHARE_EXCLUSIVE, protocols
        )
        _check(code, f"the card in {name}")
        return PcscTransport(context, card, protocol)
    except ReaderError:
        scard.SCardReleaseContext(context)
        raise


class PcscTransport:
    """A :class:`card_reader.transport.Transport` over PC/SC; also a context manager."""

    def __init__(self, context: Any, card: Any, protocol: int) -> None:
        self._context = context
        self._card = card
        self._header = _PROTOCOL_HEADERS[protocol]
        self._closed = False
        code, _, _, _, atr = scard.SCardStatus(card)
        _check(code, "the card")
        self._atr = bytes(atr)

    @property
    def atr(self) -> bytes:
        return self._atr

    def transmit(self, command: bytes) -> bytes:
        if self._closed:
            raise ReaderError("the connection to the card is closed", CardReason.CARD_REMOVED)
        code, response = scard.SCardTransmit(self._card, self._header, list(command))
        _check(code, "the card")
        if not response:  # some drivers report a card torn off in the middle as an empty answer
            raise ReaderError("the card fell silent", CardReason.CARD_REMOVED)
        return bytes(response)

    def close(self) -> None:
        """Reset the card, so that no right stays open, and let go of it."""
        if self._closed:
            return
        self._closed = True
        scard.SCardDisconnect(self._card, scard.SCARD_RESET_CARD)
        scard.SCardReleaseContext(self._context)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class CardContact:
    """The card in one reader, over as many contacts as it takes; a context manager.

    ``patience``: seconds to wait for a card that has left.  ``waiting`` is called as the wait
    begins.
    """

    def __init__(
        self, name: str, *, patience: float, waiting: Callable[[], None] = lambda: None
    ) -> None:
        self._name = name
        self._patience = patience
        self._waiting = waiting
        self.transport: Transport = connect(name)

    def reconnect(self) -> Transport:
        """A new contact once the card is back; ReaderError where it stays away."""
        self.transport.close()
        self._waiting()
        deadline = time.monotonic() + self._patience
        while True:
            time.sleep(SETTLE_SECONDS)
            try:
                self.transport = connect(self._name)
                return self.transport
            except ReaderError as error:
                away = error.reason in (CardReason.NO_CARD, CardReason.CARD_REMOVED)
                if not away or time.monotonic() > deadline:
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.transport.close()


class CardEventKind(StrEnum):
    INSERTED = "inserted"
    REMOVED = "removed"
    READER_ADDED = "reader_added"
    READER_REMOVED = "reader_removed"
    SERVICE_LOST = "service_lost"
    SERVICE_FOUND = "service_found"


@dataclass(frozen=True, slots=True)
class CardEvent:
    """``reader`` is empty for events of the service, ``atr`` unless a card was inserted."""

    kind: CardEventKind
    reader: str = ""
    atr: bytes = b""


class CardMonitor:
    """Calls back for every card that comes or goes, from a thread of its own.

    What is there at the start is reported too.  The callback must be quick and must not raise.
    The monitor outlives the service: it reports the loss and keeps looking for it.
    """

    def __init__(self, callback: Callable[[CardEvent], None]) -> None:
        self._callback = callback
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="card-monitor", daemon=True)
        self._known: dict[str, _Slot] = {}
        self._service: bool | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return once the thread has ended, within about one polling interval."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with _context() as context:
                    self._found()
                    self._watch(context)
            except ReaderError:
                self._lost()
                self._stopping.wait(RETRY_SECONDS)

    def _watch(self, context: Any) -> None:
        while not self._stopping.is_set():
            self._compare(_slots(context, _reader_names(context)))
            _wait_for_change(context, tuple(self._known.values()))

    def _compare(self, slots: tuple[_Slot, ...]) -> None:
        current = {slot.state.name: slot for slot in slots}
        for name in [name for name in self._known if name not in current]:
            self._gone(self._known.pop(name).state)
        for name, slot in current.items():
            before = self._known.get(name)
            if before is None:
                self._callback(CardEvent(CardEventKind.READER_ADDED, name))
            elif before.same_card(slot):
                continue
            elif before.state.card_present:
                self._callback(CardEvent(CardEventKind.REMOVED, name))
            if slot.state.card_present:
                self._callback(CardEvent(CardEventKind.INSERTED, name, slot.state.atr))
        self._known = current

    def _gone(self, state: ReaderState) -> None:
        if state.card_present:
            self._callback(CardEvent(CardEventKind.REMOVED, state.name))
        self._callback(CardEvent(CardEventKind.READER_REMOVED, state.name))

    def _found(self) -> None:
        if self._service is False:
            self._callback(CardEvent(CardEventKind.SERVICE_FOUND))
        self._service = True

    def _lost(self) -> None:
        for slot in self._known.values():
            self._gone(slot.state)
        self._known = {}
        if self._service is not False:
            self._callback(CardEvent(CardEventKind.SERVICE_LOST))
        self._service = False


@contextmanager
def _context() -> Iterator[Any]:
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _check(code, "the smart card service")
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


def _reader_names(context: Any) -> list[str]:
    code, names = scard.SCardListReaders(context, [])
    if code == scard.SCARD_E_NO_READERS_AVAILABLE:
        return []
    _check(code, "the list of readers")
    return list(names)


def _slots(context: Any, names: list[str]) -> tuple[_Slot, ...]:
    if not names:
        return ()
    asked = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
    code, answers = scard.SCardGetStatusChange(context, 0, asked)
    if code == scard.SCARD_E_UNKNOWN_READER:  # unplugged since it was listed
        return ()
    _check(code, "the state of the readers")
    return tuple(_slot(*answer) for answer in answers)


def _slot(name: str, flags: int, atr: list[int]) -> _Slot:
    present = bool(flags & scard.SCARD_STATE_PRESENT) and not flags & scard.SCARD_STATE_MUTE
    return _Slot(ReaderState(name, present, bytes(atr) if present else b""), flags)


def _wait_for_change(context: Any, slots: tuple[_Slot, ...]) -> None:
    """Sleep until something has changed since, at most one polling interval."""
    known = [(slot.state.name, slot.flags & ~scard.SCARD_STATE_CHANGED) for slot in slots]
    watched = [*known, (_PLUG_AND_PLAY, scard.SCARD_STATE_UNAWARE)]
    code, _ = scard.SCardGetStatusChange(context, POLL_MILLISECONDS, watched)
    if code not in (scard.SCARD_E_TIMEOUT, scard.SCARD_E_UNKNOWN_READER):
        _check(code, "the state of the readers")


def _check(code: int, subject: str) -> None:
    if code == scard.SCARD_S_SUCCESS:
        return
    code &= 0xFFFFFFFF
    reason = _REASONS.get(code, CardReason.READER_FAILED)
    text = scard.SCardGetErrorMessage(code).rstrip(".")
    raise ReaderError(f"{subject}: {text} ({code:08X})", reason)
