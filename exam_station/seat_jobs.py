"""What the kiosk does for its seat: heartbeats, the room kit, the sealed packages."""

import logging
from collections.abc import Callable

from exam_server.contract import api
from exam_server.contract.errors import ContractError
from exam_station.client import Client, ClientError, ServerRefusedError, tells_nothing
from exam_station.desk import Desk
from exam_station.flow import events
from exam_station.flow.events import Event
from exam_station.flow.states import KitHeld
from exam_station.kept_time import TimeKeeper
from exam_station.kit import Kits
from exam_station.listening import Ear
from exam_station.offline import Offline
from exam_station.staging import Packages

log = logging.getLogger("exam_station")


class SeatJobs:
    """Each method is one job on a worker; what came of it is posted.

    `owed` tells the attempts that were left here with something unsent; `wait` gives the seconds
    after which it is worth trying again.
    """

    def __init__(
        self,
        client: Client,
        desk: Desk,
        *,
        ear: Ear,
        keeper: TimeKeeper,
        kits: Kits,
        offline: Offline,
        owed: Callable[[], list[str]],
        packages: Packages,
        post: Callable[[Event], None],
        wait: Callable[[ClientError], float],
    ) -> None:
        self._client = client
        self._desk = desk
        self._ear = ear
        self._keeper = keeper
        self._kits = kits
        self._offline = offline
        self._owed = owed
        self._packages = packages
        self._post = post
        self._wait = wait
        self._restart_told: api.RestartView | None = None
        self._owed_told: list[str] = []
        self.seated: str | None = None  # the attempt of whoever has this seat

    def beat(self, heartbeat: api.Heartbeat) -> bool:
        """Whether the server answered."""
        self._keeper.keep_on()
        restart = self._keeper.restart
        if restart is not None:
            heartbeat = heartbeat.model_copy(update={"restart": restart.view()})
        heartbeat = heartbeat.model_copy(update={"owed": self._owed()[: api.MOST_OWED]})
        try:
            view = self._client.heartbeat(heartbeat)
            self._restart_told, self._owed_told = heartbeat.restart, heartbeat.owed
            self._desk.server_heard()
            self.seated = view.placement.attempt if view.placement else None
            self._post(events.BeatAnswered(view))
            self._keep_time(heartbeat, view)
            return True
        except ServerRefusedError as refusal:
            log.warning("the heartbeat was refused: %s", refusal)
            wait = self._wait(refusal) if refusal.retry_after else 0.0
            kit = self._offline.seat() if tells_nothing(refusal) else None
            self._post(events.BeatFailed(refusal.code, wait, kit))
        except ClientError:
            self._post(events.BeatFailed(kit=self._offline.seat()))
        return False

    def pulse(self) -> None:
        """Tells that there is nothing to tell; a heartbeat, where more is known of a restart or
        of what was left here."""
        self._keeper.keep_on()
        restart = self._keeper.restart
        news = restart is not None and restart.view() != self._restart_told
        if news or self._owed()[: api.MOST_OWED] != self._owed_told:
            self._post(events.ChangeHeard())
            return
        self._ear.pulse()

    def _keep_time(self, heartbeat: api.Heartbeat, view: api.SeatView) -> None:
        """With the ledger of the paper that is written here, if one is. A paper that lies open is
        not forgotten because the server has not had its first record yet."""
        placement, ledger = view.placement, view.ledger
        written = placement is not None and placement.attempt_state is api.AttemptState.WRITING
        if placement is not None and written and ledger is not None:
            self._keeper.keep(placement.attempt, ledger.ledger())
        elif heartbeat.state is not api.StationState.WRITING:
            self._keeper.keep(None, None)

    def fetch_kit(self, version: bytes) -> None:
        kit = self._kits.kit()
        if kit is None or kit.version != version:
            try:
                kit = self._kits.fetch()
            except (ClientError, ContractError, OSError) as error:
                log.warning("the room kit could not be had: %s", error)
        if kit is None:
            self._post(events.KitKept(None))
            return
        packages = frozenset(one.id for one in kit.packages)
        self._post(events.KitKept(KitHeld(kit.version, packages)))

    def stage(self, packages: tuple[api.PackageView, ...]) -> None:
        self._post(events.PackagesStaged(self._packages.stage(packages)))
