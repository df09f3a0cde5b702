"""The server's time and the attempt's ledger on disk, so that a restart knows what time it is.

Every few seconds of work the present moment and the ledger are kept, signed with the station's
key. After a restart of the program alone the boot clock has gone on and nothing is guessed. After a
restart of the machine nobody knows how long it was off until the server is heard: the clock stands
where it stood last, so the remaining time is the one last shown, and how long it was away is told
to the proctor, who may give it back.
"""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from exam_server.contract import api, canonical
from exam_server.contract.errors import ContractError
from exam_server.contract.ledger import Ledger
from exam_server.contract.records import Restarted
from exam_station import durable
from exam_station.clock import Sample, ServerClock

log = logging.getLogger("exam_station")

FILE = "time"
DOMAIN = "truong-thi/kept-time"
#: At least so many seconds lie between two writings.
EVERY = 3.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def boot_id() -> str:
    """Another one after every start of the machine."""
    return BOOT_ID.read_text("ascii").strip()


@dataclass(frozen=True, slots=True)
class KeptTime:
    """`alive` is the server's time at the writing; `ledger` that of the paper then at work on."""

    boot_id: str
    sample: Sample
    alive: datetime
    attempt: str | None
    ledger: Ledger | None

    def to_bytes(self) -> bytes:
        ledger = None if self.ledger is None else api.LedgerView.of(self.ledger).model_dump_json()
        sample = self.sample
        error = None if math.isinf(sample.error) else round(sample.error * 1e6)
        at = (round(sample.boot * 1e6), _micros(sample.server_time), error)
        fields = (self.boot_id, *at, _micros(self.alive), self.attempt, ledger)
        return canonical.encode(DOMAIN, 1, *fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> "KeptTime":
        match canonical.decode(DOMAIN, 1, data, fields=7):
            case [
                str(boot),
                int(at),
                int(server_time),
                (int() | None) as error,
                int(alive),
                (str() | None) as attempt,
                (str() | None) as ledger,
            ]:
                uncertain = math.inf if error is None else error / 1e6
                sample = Sample(at / 1e6, _moment(server_time), uncertain)
                return cls(boot, sample, _moment(alive), attempt, _ledger(ledger))
        raise ContractError("a kept time whose fields are of the wrong kind")


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _moment(micros: int) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=micros)
    except OverflowError as error:
        raise ContractError("a kept time beyond all time") from error


def _ledger(text: str | None) -> Ledger | None:
    try:
        return None if text is None else api.LedgerView.model_validate_json(text).ledger()
    except ValidationError as error:
        raise ContractError("a kept ledger that is none") from error


@dataclass(frozen=True, slots=True)
class Restart:
    """The program began again while a paper was open. `since`: it was last alive (server time).

    `away` is how long it was gone, None while the machine's own restart leaves that unknown.
    """

    attempt: str
    since: datetime
    estimated: bool
    away: timedelta | None

    def record(self) -> Restarted:
        return Restarted(round(self.since.timestamp() * 1000), self.estimated)

    def view(self) -> api.RestartView:
        return api.RestartView(
            attempt=self.attempt, since=self.since, estimated=self.estimated, away=self.away
        )


def _overtaken(known: KeptTime, attempt: str | None, ledger: Ledger | None) -> bool:
    """Whether a ledger is an older one of the same paper than the one that is kept."""
    if ledger is None or known.ledger is None or known.attempt != attempt:
        return False
    return ledger.position < known.ledger.position


class TimeKeeper:
    """Keeps the clock's time on disk and sets the clock by it once, when the program begins.

    Methods may be called on any thread.
    """

    def __init__(
        self,
        data: Path,
        clock: ServerClock,
        *,
        key: Ed25519PrivateKey,
        boot: Callable[[], str] = boot_id,
    ) -> None:
        self._path = data / FILE
        self._clock = clock
        self._key = key
        self._boot_id = boot()
        self._lock = threading.Lock()
        self._kept: KeptTime | None = None
        self._kept_at = -math.inf
        self._found: Restart | None = None

    def take_up(self) -> Restart | None:
        """Sets the clock as the last run left it; what is to be told, if a paper was open."""
        kept = self._kept = self._load()
        if kept is None:
            return None
        same = kept.boot_id == self._boot_id
        if same:
            self._clock.resume(kept.sample)
        else:
            self._clock.stand(kept.alive)
        if kept.attempt is None or kept.ledger is None or kept.ledger.started is None:
            return None
        now = self._clock.now()
        away = max(now - kept.alive, timedelta(0)) if same and now is not None else None
        self._found = Restart(kept.attempt, kept.alive, not same, away)
        return self._found

    @property
    def restart(self) -> Restart | None:
        """The restart that this run began with, with all that is known of it by now."""
        found = self._found
        if found is None or found.away is not None:
            return found
        return Restart(found.attempt, found.since, found.estimated, self._clock.corrected)

    def ledger(self, attempt: str) -> Ledger | None:
        """The attempt's ledger as it was last kept: to open a paper with while no server answers.

        With the clock as `take_up` left it, its remaining time is the one last shown.
        """
        kept = self._kept
        return kept.ledger if kept is not None and kept.attempt == attempt else None

    def keep(self, attempt: str | None, ledger: Ledger | None) -> None:
        """Keeps the present moment with the ledger of the paper at work on, if there is one."""
        with self._lock:
            known = self._kept
            if known is not None and _overtaken(known, attempt, ledger):
                ledger = known.ledger
            changed = known is None or (known.attempt, known.ledger) != (attempt, ledger)
            self._keep(attempt, ledger, at_once=changed)

    def keep_on(self) -> None:
        """Keeps the present moment; nothing new was heard."""
        with self._lock:
            known = self._kept
            attempt, ledger = (known.attempt, known.ledger) if known else (None, None)
            self._keep(attempt, ledger, at_once=False)

    def _keep(self, attempt: str | None, ledger: Ledger | None, *, at_once: bool) -> None:
        sample, now = self._clock.sample, self._clock.now()
        due = at_once or self._clock.elapsed >= self._kept_at + EVERY
        if sample is None or now is None or not due:
            return
        kept = KeptTime(self._boot_id, sample, now, attempt, ledger)
        self._write(kept)
        self._kept, self._kept_at = kept, self._clock.elapsed

    def _write(self, kept: KeptTime) -> None:
        data = kept.to_bytes()
        signed = canonical.encode(f"{DOMAIN}/signed", 1, data, self._key.sign(data))
        try:
            durable.write_file(self._path, signed)
        except OSError as error:
            log.warning("the time could not be kept (%s)", error.strerror)

    def _load(self) -> KeptTime | None:
        """What was kept, None where there is nothing that this station wrote."""
        try:
            signed = self._path.read_bytes()
        except OSError:
            return None
        try:
            data, signature = canonical.decode(f"{DOMAIN}/signed", 1, signed, fields=2)
            self._key.public_key().verify(signature, data)
            return KeptTime.from_bytes(data)
        except (ContractError, InvalidSignature, TypeError) as error:
            log.warning("the kept time is not this station's and is not used (%s)", error)
            return None
