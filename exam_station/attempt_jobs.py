"""What the kiosk does for the attempt on its desk: lease, form, signed heads, hand-in."""

import logging
from collections.abc import Callable

from exam_server.contract import start_code
from exam_server.contract.errors import ContractError
from exam_server.contract.receipt import head_code
from exam_server.contract.start_code import StartCodeError
from exam_station.client import ClientError, ServerRefusedError
from exam_station.desk import Desk
from exam_station.flow import effects, events
from exam_station.flow.codes import NoticeCode
from exam_station.flow.events import Event
from exam_station.kept_time import TimeKeeper
from exam_station.offline import Offline
from exam_station.stopping import StoppedError

log = logging.getLogger("exam_station")

Failed = type[events.LeaseFailed] | type[events.AttemptFailed]


class AttemptJobs:
    """Each method is one job on a worker, for `guarded` to run; what came of it is posted.

    `wait` gives the seconds after which it is worth trying again.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        keeper: TimeKeeper,
        offline: Offline,
        post: Callable[[Event], None],
        wait: Callable[[ClientError], float],
    ) -> None:
        self._desk = desk
        self._keeper = keeper
        self._offline = offline
        self._post = post
        self._wait = wait

    def guarded(self, attempt: str, job: Callable[[], None], failed: Failed) -> None:
        """Runs `job`; what fails becomes the event that the screen waits for."""
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

    def fetch_lease(self, attempt: str, lost: bool) -> None:
        self._desk.renew_lease(attempt, lost=lost)
        self._post(events.LeaseTaken(attempt))

    def open_form(self, attempt: str, lost: bool) -> None:
        opened = self._desk.open(attempt, lost=lost)
        self._keeper.keep(attempt, opened.ledger)
        self._post(events.FormOpened(attempt, opened.sitting, opened.ledger, opened.server_time))

    def fix_head(self, attempt: str) -> None:
        signed = self._desk.fix_head()
        if signed is not None and signed.attempt == attempt:
            self._post(events.HeadFixed(attempt, head_code(signed.head)))

    def tell_head(self, attempt: str) -> None:
        head = self._desk.head(attempt)
        if head is not None:
            self._post(events.HeadFixed(attempt, head_code(head)))

    def submit(self, attempt: str) -> None:
        signed = self._desk.last_head(attempt)
        self._post(events.HeadFixed(attempt, head_code(signed.head)))
        self._post(events.ReceiptArrived(attempt, self._desk.submit(attempt)))

    def open_by_code(self, effect: effects.OpenByCode) -> None:
        try:
            secret = start_code.decode(effect.text)
        except StartCodeError as error:
            every = tuple(range(1, start_code.GROUPS + 1))
            self._post(events.StartCodeRefused(effect.attempt, error.groups or every))
            return
        if not self._offline.start(effect.attempt, secret):
            self._post(events.StartCodeRefused(effect.attempt))
            return
        self.open_form(effect.attempt, lost=True)
