"""Does what the flow asks for, on threads of its own, and posts what came of it as events.

No Qt here. Whatever happens in a job becomes one of the events that the effect names, also what
nobody foresaw: a screen that waits for an answer gets one.
"""

import logging
import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import assert_never

from exam_server.contract import api
from exam_server.contract.errors import ContractError, ErrorCode
from exam_station.attempt_jobs import AttemptJobs, Failed
from exam_station.backlog import Backlog
from exam_station.checkin_jobs import CheckInJobs
from exam_station.client import Client, ClientError
from exam_station.clock import ServerClock
from exam_station.desk import Desk
from exam_station.flow import effects, events
from exam_station.flow.codes import CardTrouble, NoticeCode
from exam_station.flow.effects import Effect
from exam_station.flow.events import Event
from exam_station.identity import Identification, load_trust
from exam_station.kept_time import TimeKeeper
from exam_station.kit import Kits
from exam_station.listening import Ear
from exam_station.looking import not_compared
from exam_station.offline import Offline
from exam_station.readers import Readers, ReaderWatch
from exam_station.seat_jobs import SeatJobs
from exam_station.settings import Settings
from exam_station.staging import Packages
from exam_station.stopping import StoppedError
from exam_station.trying_again import asked_by, spread
from exam_station.uploader import Progress
from exam_station.vault import Vault

log = logging.getLogger("exam_station")

#: How often it is looked whether attempts of former candidates are still to be sent.
BACKLOG_SECONDS = 10.0


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
        client: Client | None = None,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        """`client` and `pool` take the place of the station's own; a given pool is not ended."""
        self._readers = readers
        self._jitter = jitter
        self._post = post
        self.clock = clock
        self.watch = ReaderWatch(settings.reader, post, devices_changed)
        self._client = client or Client(vault, clock)
        self._keeper = TimeKeeper(settings.data, clock, key=vault.signing)
        self._keeper.take_up()
        self._kits = Kits(settings.data, self._client, vault)
        packages = Packages(settings.data, self._client, vault)
        offline = Offline(settings.data, vault=vault, clock=clock, kits=self._kits)
        desk = partial(
            Desk,
            settings.data,
            client=self._client,
            vault=vault,
            clock=clock,
            packages=packages,
            kits=self._kits,
        )
        self._desk = desk(
            told=self._told,
            stopped=lambda attempt, error: post(events.AttemptStopped(attempt, error.code)),
            restart=lambda: self._keeper.restart,
            kept_ledger=self._keeper.ledger,
        )
        left_behind = desk(
            told=lambda _attempt, _progress: None,
            stopped=lambda _attempt, error: log.error("left behind: %s", error),
        )
        self._backlog = Backlog(settings.data, left_behind, is_open=self._is_open)
        self._backlog_at = 0.0
        self._ear = Ear(self._client, self._kits, post, self._pulse_answered, jitter)
        self._seat = SeatJobs(
            self._client,
            self._desk,
            ear=self._ear,
            keeper=self._keeper,
            kits=self._kits,
            offline=offline,
            owed=self._backlog.owed,
            packages=packages,
            post=post,
            wait=self._wait,
        )
        trust = load_trust(settings.trust, vault.realm)
        self._checkin = CheckInJobs(
            settings,
            self._client,
            identification=Identification(self._client, vault, trust),
            offline=offline,
            readers=readers,
            watch=self.watch,
            clock=clock,
            post=post,
            wait=self._wait,
        )
        self._attempt = AttemptJobs(
            self._desk, keeper=self._keeper, offline=offline, post=post, wait=self._wait
        )
        self._own_pool = pool is None
        self._pool = pool or ThreadPoolExecutor(max_workers=4, thread_name_prefix="work")
        # One thread, so that what concerns an attempt happens in the order it was asked for.
        self._attempt_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="attempt")
        # One thread as well: the same attempt must not be sent twice at a time.
        self._backlog_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backlog")
        self._stop_watching: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._stop_watching = self._readers.watch(self.watch.on_event)
        self._ear.start()

    def stop(self) -> None:
        """Ends everything; what is not sent yet stays in the journal."""
        self._checkin.stop_looking()
        self._stop_watching()
        self._ear.stop()
        self._attempt_pool.submit(self._desk.close)
        self._attempt_pool.shutdown(wait=True)
        if self._own_pool:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._backlog_pool.shutdown(wait=True, cancel_futures=True)
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
            case effects.Pulse():
                self._run(self._pool, self._seat.pulse, events.ChangeHeard())
            case effects.FetchKit(version):
                self._run(self._pool, lambda: self._seat.fetch_kit(version), events.KitKept(None))
            case effects.StagePackages(packages, here):
                unchanged = events.PackagesStaged(here)
                self._run(self._pool, lambda: self._seat.stage(packages), unchanged)
            case effects.ReadCard(turn):
                failed = events.CardFailed(turn, CardTrouble.CHIP_ANSWERED_WRONGLY)
                self._run(self._pool, lambda: self._checkin.read_card(effect), failed)
            case effects.StartCamera(turn, portrait):
                self._checkin.want_face(turn)
                referred = events.FaceDecided(turn, not_compared("program_failed"))
                self._run(self._pool, lambda: self._checkin.look(turn, portrait), referred)
            case effects.StopCamera():
                self._checkin.stop_looking()
            case effects.CheckIn(turn):
                failed = events.CheckInFailed(turn, ErrorCode.INTERNAL)
                self._run(self._pool, lambda: self._checkin.check_in(effect), failed)
            case effects.AskCheckIn(turn):
                failed = events.CheckInFailed(turn, ErrorCode.INTERNAL)
                self._run(self._pool, lambda: self._checkin.ask_check_in(effect), failed)
            case effects.JudgeRoomCode(turn):
                judged = events.RoomCodeJudged(turn, None)
                self._run(self._pool, lambda: self._checkin.judge_room_code(effect), judged)
            case effects.AdmitOffline(turn):
                failed = events.CheckInFailed(turn, ErrorCode.INTERNAL)
                self._run(self._attempt_pool, lambda: self._checkin.admit_offline(effect), failed)
            case effects.OpenByCode(attempt):
                self._for_attempt(attempt, lambda: self._attempt.open_by_code(effect))
            case effects.FetchLease(attempt, lost):
                self._for_attempt(
                    attempt, lambda: self._attempt.fetch_lease(attempt, lost), events.LeaseFailed
                )
            case effects.OpenForm(attempt, lost):
                self._for_attempt(attempt, lambda: self._attempt.open_form(attempt, lost))
            case effects.FixHead(attempt):
                self._for_attempt(attempt, lambda: self._attempt.fix_head(attempt))
            case effects.Flush(attempt):
                self._for_attempt(attempt, lambda: self._desk.flush(attempt))
            case effects.Submit(attempt):
                self._for_attempt(attempt, lambda: self._attempt.submit(attempt))
            case effects.CloseAttempt():
                self._run(self._attempt_pool, self._desk.close, None)
            case effects.TellHead(attempt):
                self._attempt.tell_head(attempt)
            case effects.Log(line):
                log.info("%s", line)
            case _:
                assert_never(effect)

    def _run(
        self, pool: ThreadPoolExecutor, job: Callable[[], object], otherwise: Event | None
    ) -> None:
        """`otherwise` is posted where the job fails in a way that nobody foresaw."""

        def report(future: "Future[object]") -> None:
            if future.cancelled() or (error := future.exception()) is None:
                return
            log.error("a job failed", exc_info=error)
            if otherwise is not None:
                self._post(otherwise)

        try:
            pool.submit(job).add_done_callback(report)
        except RuntimeError:  # the pool is shut down: the kiosk is ending
            log.debug("not started any more")

    def _beat(self, heartbeat: api.Heartbeat) -> None:
        if self._seat.beat(heartbeat):
            self._settle_backlog()

    def _pulse_answered(self) -> None:
        self._desk.server_heard()
        self._settle_backlog()

    def _wait(self, error: ClientError) -> float:
        """Seconds after which it is worth trying again."""
        return spread(asked_by(error) or events.WAIT, self._jitter())

    def _is_open(self, attempt: str) -> bool:
        """Whether the attempt lies on the candidate's desk, or is about to."""
        return attempt == self._seat.seated or self._desk.holds(attempt)

    def _settle_backlog(self) -> None:
        """There is a server: what was left here by those who have gone is sent, now and then."""
        if self.clock.elapsed < self._backlog_at:
            return
        self._backlog_at = self.clock.elapsed + BACKLOG_SECONDS
        self._run(self._backlog_pool, self._backlog.settle, None)

    def _for_attempt(
        self, attempt: str, job: Callable[[], None], failed: Failed = events.AttemptFailed
    ) -> None:
        stopped = events.AttemptStopped(attempt, NoticeCode.PROGRAM_FAILED)
        self._run(self._attempt_pool, lambda: self._attempt.guarded(attempt, job, failed), stopped)

    def _told(self, attempt: str, progress: Progress) -> None:
        answer = progress.answer
        if answer is not None:
            self._keeper.keep(attempt, answer.ledger.ledger())
        self._post(
            events.UploadProgressed(
                attempt,
                progress.unsent,
                answer.ledger if answer else None,
                answer.server_time if answer else None,
            )
        )
