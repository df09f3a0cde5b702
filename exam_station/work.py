"""Does what the flow asks for, on threads of its own, and posts what came of it as events.

No Qt here. Whatever happens in a job becomes one of the events that the effect names, also what
nobody foresaw: a screen that waits for an answer gets one.
"""

import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import assert_never

from card_reader.errors import CardReason, ReaderError
from card_reader.transport import Transport
from exam_server.contract import api
from exam_server.contract.errors import ContractError, ErrorCode
from exam_server.contract.receipt import head_code
from exam_station.client import Client, ClientError, ServerRefusedError
from exam_station.clock import ServerClock
from exam_station.desk import Desk
from exam_station.flow import effects, events
from exam_station.flow.effects import Effect
from exam_station.flow.events import Event
from exam_station.flow.states import CardTrouble, NoticeCode
from exam_station.identity import Identification, TapError, load_trust
from exam_station.looking import Looking, not_compared
from exam_station.readers import Readers, ReaderWatch
from exam_station.settings import Settings
from exam_station.staging import Packages
from exam_station.uploader import Progress, StoppedError, asked_by, spread
from exam_station.vault import Vault

log = logging.getLogger("exam_station")

#: A card that slips off while it is read may come back for so many seconds, and is read on.
CARD_RETURNS_WITHIN = 4.0
CARD_POLL = 0.2

Failed = type[events.LeaseFailed] | type[events.AttemptFailed]


class Work:
    """Everything the kiosk does outside its window. `post` may be called on any thread."""

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        *,
        readers: Readers,
        clock: ServerClock,
        post: Callable[[Event], None],
        devices_changed: Callable[[], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._readers = readers
        self._jitter = jitter
        self._post = post
        self.clock = clock
        self._client = Client(vault, clock)
        trust = load_trust(settings.trust, vault.realm)
        self._identification = Identification(self._client, vault, trust)
        self._packages = Packages(settings.data, self._client, vault)
        self._desk = Desk(
            settings.data,
            client=self._client,
            vault=vault,
            clock=clock,
            packages=self._packages,
            told=self._told,
            stopped=lambda attempt, error: post(events.AttemptStopped(attempt, error.code)),
        )
        self.watch = ReaderWatch(settings.reader, post, devices_changed)
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="work")
        # One thread, so that what concerns an attempt happens in the order it was asked for.
        self._attempt_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="attempt")
        self._looking_turn = -1
        self._stop_watching: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._stop_watching = self._readers.watch(self.watch.on_event)

    def stop(self) -> None:
        """Ends everything; what is not sent yet stays in the journal."""
        self._looking_turn = -1
        self._stop_watching()
        self._attempt_pool.submit(self._desk.close)
        self._attempt_pool.shutdown(wait=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def write(self, effect: effects.WriteRecord) -> events.AttemptStopped | None:
        """Puts one record on disk, now; what stopped it, if something did."""
        try:
            self._desk.write(effect.body, effect.latest)
        except StoppedError as error:
            log.error("a record could not be written: %s", error)
            return events.AttemptStopped(effect.attempt, error.code)
        except (ContractError, ValueError, TypeError, OSError):
            log.exception("a record could not be written")
            return events.AttemptStopped(effect.attempt, NoticeCode.PROGRAM_FAILED)
        return None

    def do(self, effect: Effect) -> None:
        """Starts the work of any effect but WriteRecord and comes back at once."""
        match effect:
            case effects.WriteRecord():
                raise ValueError("a record is written with write, before the next picture")
            case effects.Beat(heartbeat):
                failed: Event = events.BeatFailed(ErrorCode.INTERNAL)
                self._run(self._pool, lambda: self._beat(heartbeat), failed)
            case effects.StagePackages(packages, here):
                unchanged = events.PackagesStaged(here)
                self._run(self._pool, lambda: self._stage(packages), unchanged)
            case effects.ReadCard(turn):
                failed = events.CardFailed(turn, CardTrouble.CHIP_ANSWERED_WRONGLY)
                self._run(self._pool, lambda: self._read_card(effect), failed)
            case effects.StartCamera(turn, portrait):
                self._look(turn, portrait)
            case effects.StopCamera():
                self._looking_turn = -1
            case effects.CheckIn(turn):
                failed = events.CheckInFailed(turn, ErrorCode.INTERNAL)
                self._run(self._pool, lambda: self._check_in(effect), failed)
            case effects.AskCheckIn(turn):
                failed = events.CheckInFailed(turn, ErrorCode.INTERNAL)
                self._run(self._pool, lambda: self._ask_check_in(effect), failed)
            case effects.FetchLease(attempt):
                self._for_attempt(attempt, lambda: self._fetch_lease(attempt), events.LeaseFailed)
            case effects.OpenForm(attempt):
                self._for_attempt(attempt, lambda: self._open_form(attempt))
            case effects.FixHead(attempt):
                self._for_attempt(attempt, lambda: self._fix_head(attempt))
            case effects.Flush(attempt):
                self._for_attempt(attempt, lambda: self._desk.flush(attempt))
            case effects.Submit(attempt):
                self._for_attempt(attempt, lambda: self._submit(attempt))
            case effects.CloseAttempt():
                self._run(self._attempt_pool, self._desk.close, None)
            case effects.Log(line):
                log.info("%s", line)
            case _:
                assert_never(effect)

    def _run(
        self, pool: ThreadPoolExecutor, job: Callable[[], None], otherwise: Event | None
    ) -> None:
        """`otherwise` is posted where the job fails in a way that nobody foresaw."""

        def report(future: "Future[None]") -> None:
            if future.cancelled() or (error := future.exception()) is None:
                return
            log.error("a job failed", exc_info=error)
            if otherwise is not None:
                self._post(otherwise)

        try:
            pool.submit(job).add_done_callback(report)
        except RuntimeError:  # the pool is shut down: the kiosk is ending
            log.debug("not started any more")

    def _wait(self, error: ClientError) -> float:
        """Seconds after which it is worth trying again."""
        return spread(asked_by(error) or events.WAIT, self._jitter())

    # --- the seat -------------------------------------------------------------------------------

    def _beat(self, heartbeat: api.Heartbeat) -> None:
        try:
            self._post(events.BeatAnswered(self._client.heartbeat(heartbeat)))
        except ServerRefusedError as refusal:
            log.warning("the heartbeat was refused: %s", refusal)
            wait = self._wait(refusal) if refusal.retry_after else 0.0
            self._post(events.BeatFailed(refusal.code, wait))
        except ClientError:
            self._post(events.BeatFailed())

    def _stage(self, packages: tuple[api.PackageView, ...]) -> None:
        self._post(events.PackagesStaged(self._packages.stage(packages)))

    # --- identifying ----------------------------------------------------------------------------

    def _read_card(self, effect: effects.ReadCard) -> None:
        turn, reader = effect.turn, self.watch.occupied

        def connect() -> Transport:
            if reader is None:
                raise ReaderError("the card was taken off", CardReason.CARD_REMOVED)
            return self._readers.connect(reader)

        def reconnect() -> Transport:
            return self._card_again(reader)

        def stepped(step: str, done: int, total: int, portrait: bytes | None) -> None:
            self._post(events.ReadingStepped(turn, step, done, total, portrait))

        try:
            reading = self._identification.read(
                effect.placement,
                connect,
                reconnect,
                reader=reader or "",
                today=self.clock.now() or datetime.now(UTC),
                progress=stepped,
            )
            self._post(events.CardRead(turn, reading))
        except TapError as error:
            log.info("the card could not be read: %s", error)
            self._post(events.CardFailed(turn, error.reason))

    def _card_again(self, reader: str | None) -> Transport:
        """The card that slipped, once it lies on the reader again; waits a little for it."""
        until = time.monotonic() + CARD_RETURNS_WITHIN
        while reader is not None and time.monotonic() < until:
            try:
                return self._readers.connect(reader)
            except ReaderError:
                time.sleep(CARD_POLL)
        raise ReaderError("the card was taken off", CardReason.CARD_REMOVED)

    def _look(self, turn: int, portrait: bytes) -> None:
        self._looking_turn = turn
        looking = Looking(
            turn,
            portrait,
            camera=self._settings.camera,
            models=self._settings.models,
            wanted=lambda: self._looking_turn == turn,
        )
        referred = events.FaceDecided(turn, not_compared("program_failed"))
        self._run(self._pool, lambda: looking.run(self._post), referred)

    def _check_in(self, effect: effects.CheckIn) -> None:
        reading, face = effect.reading, effect.face
        request = api.CheckInRequest(
            placement=effect.placement,
            challenge=reading.challenge,
            evidence=reading.evidence,
            evidence_signature=reading.signature,
            consent=effect.consent,
            face=face.record if face else None,
            captures=list(face.captures) if face else [],
        )
        self._decided(effect.turn, lambda: self._client.check_in(request))

    def _ask_check_in(self, effect: effects.AskCheckIn) -> None:
        self._decided(effect.turn, lambda: self._client.checkin(effect.checkin))

    def _decided(self, turn: int, ask: Callable[[], api.CheckInView]) -> None:
        try:
            self._post(events.CheckInAnswered(turn, ask()))
        except ServerRefusedError as refusal:
            log.warning("the check-in was refused: %s", refusal)
            self._post(events.CheckInFailed(turn, refusal.code, self._wait(refusal)))
        except ClientError as error:
            self._post(events.CheckInFailed(turn, wait=self._wait(error)))

    # --- the attempt ----------------------------------------------------------------------------

    def _for_attempt(
        self, attempt: str, job: Callable[[], None], failed: Failed = events.AttemptFailed
    ) -> None:
        stopped = events.AttemptStopped(attempt, NoticeCode.PROGRAM_FAILED)
        self._run(self._attempt_pool, lambda: self._guarded(attempt, job, failed), stopped)

    def _guarded(self, attempt: str, job: Callable[[], None], failed: Failed) -> None:
        try:
            job()
        except StoppedError as error:
            log.error("the attempt cannot go on here: %s", error)
            self._post(events.AttemptStopped(attempt, error.code))
        except ServerRefusedError as refusal:
            log.warning("the server refused: %s", refusal)
            self._post(failed(attempt, refusal.code, self._wait(refusal)))
        except ClientError as error:
            self._post(failed(attempt, wait=self._wait(error)))
        except ContractError as error:
            log.error("what the server sent cannot be used: %s", error)
            self._post(events.AttemptStopped(attempt, NoticeCode.SERVER_REFUSES))
        except OSError as error:
            log.error("the disk: %s", error.strerror)
            self._post(events.AttemptStopped(attempt, NoticeCode.DISK_FULL))

    def _fetch_lease(self, attempt: str) -> None:
        self._desk.take_lease(attempt)
        self._post(events.LeaseTaken(attempt))

    def _open_form(self, attempt: str) -> None:
        opened = self._desk.open(attempt)
        self._post(events.FormOpened(attempt, opened.sitting, opened.ledger, opened.server_time))

    def _fix_head(self, attempt: str) -> None:
        signed = self._desk.fix_head()
        if signed is not None and signed.attempt == attempt:
            self._post(events.HeadFixed(attempt, head_code(signed.head)))

    def _submit(self, attempt: str) -> None:
        signed = self._desk.last_head(attempt)
        self._post(events.HeadFixed(attempt, head_code(signed.head)))
        self._post(events.ReceiptArrived(attempt, self._desk.submit(attempt)))

    def _told(self, attempt: str, progress: Progress) -> None:
        answer = progress.answer
        self._post(
            events.UploadProgressed(
                attempt,
                progress.unsent,
                answer.ledger if answer else None,
                answer.server_time if answer else None,
            )
        )
