"""The room kit on this station, and the start secret once it is known: on disk, sealed.

What the server sent is kept as it came, for this vault alone; it is checked anew whenever it is
read. So after a restart, with or without network, the kiosk knows whom to expect and what it
writes with, and after the start it opens its form again.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.contract.room_kit import RoomKit, open_kit
from exam_server.contract.wrapping import Purpose, unwrap, wrap
from exam_station import durable
from exam_station.client import Client
from exam_station.vault import Vault

KIT, START = "room.kit", "room.start"
DOMAIN = "truong-thi/station-start"


@dataclass(frozen=True, slots=True)
class Start:
    """The start signal of a shift: its moment in the server's time, and the room's secret."""

    shift: str
    at: datetime
    secret: bytes = field(repr=False)


class Kits:
    """The one kit that counts here, that of the seat's present shift. Safe from several threads."""

    def __init__(self, data: Path, client: Client, vault: Vault) -> None:
        self._data = data
        self._client = client
        self._vault = vault
        self._lock = threading.Lock()
        self._kit: RoomKit | None = None
        self._start: Start | None = None

    def kit(self) -> RoomKit | None:
        """The kit on disk; None where there is none, or none that this station may believe."""
        with self._lock:
            if self._kit is None:
                self._kit = self._kept_kit()
            return self._kit

    def fetch(self) -> RoomKit:
        """The present kit from the server, kept. Raises ClientError, ContractError, OSError."""
        data = self._client.kit()
        fetched = self._checked(data)
        with self._lock:
            durable.write_file(self._data / KIT, data)
            self._kit = fetched
        return fetched

    def for_attempt(self, attempt: str) -> RoomKit:
        """The kit that knows `attempt`, fetched now where the one here does not; as `fetch`."""
        kit = self.kit()
        if kit is None or all(place.attempt != attempt for place in kit.places):
            kit = self.fetch()
        kit.place_of(attempt)
        return kit

    def is_whole(self, staged: Iterable[str]) -> bool:
        """Whether every package of the kit is among those that lie here, checked."""
        kit = self.kit()
        return kit is not None and {one.id for one in kit.packages} <= set(staged)

    def start(self, shift: str) -> Start | None:
        """The start signal of `shift`, if it was heard here."""
        with self._lock:
            if self._start is None:
                self._start = self._kept_start()
            start = self._start
        return start if start is not None and start.shift == shift else None

    def keep_start(self, start: Start) -> None:
        """Keeps a start signal. ContractError where its secret is not that of the kit's room and
        shift; OSError from the disk."""
        if self.start(start.shift) == start:
            return
        kit = self.kit()
        if kit is not None and kit.shift == start.shift and not kit.opens_with(start.secret):
            raise ContractError("this start secret is not that of this room and shift")
        sealed = wrap(
            start.secret, self._vault.wrapping.public_key(), Purpose.START_SECRET, start.shift
        )
        moment = round(start.at.timestamp() * 1000)
        with self._lock:
            durable.write_file(
                self._data / START, canonical.encode(DOMAIN, 1, start.shift, moment, sealed)
            )
            self._start = start

    def _checked(self, data: bytes) -> RoomKit:
        kit = open_kit(data, self._vault.server, self._vault.wrapping)
        if kit.realm != self._vault.realm:
            raise ContractError(f"a kit of the realm {kit.realm}; this station is of another")
        if kit.station != self._vault.station:
            raise ContractError("a kit of another station")
        return kit

    def _kept_kit(self) -> RoomKit | None:
        try:
            return self._checked((self._data / KIT).read_bytes())
        except (FileNotFoundError, ContractError):
            return None  # the server gives it again

    def _kept_start(self) -> Start | None:
        try:
            stored = (self._data / START).read_bytes()
            match canonical.decode(DOMAIN, 1, stored, fields=3):
                case [str(shift), int(moment), bytes(sealed)]:
                    purpose = Purpose.START_SECRET
                    secret = unwrap(sealed, self._vault.wrapping, purpose, shift)
                    return Start(shift, datetime.fromtimestamp(moment / 1000, UTC), secret)
        except (FileNotFoundError, ContractError, ValueError, OverflowError):
            return None  # the server gives it again, or the proctor types it
        return None
