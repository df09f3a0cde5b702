"""What was done in another process, such as the operator's command: shifts, and revocations.

The hub hears of what its own process commits, and over NATS of what other serving processes do.
This looks once a second, so that no start and no revocation depends on either.
"""

from collections.abc import Iterator

from sqlmodel import Session, col, select

from exam_server.context import Server
from exam_server.shifts.models import Shift
from exam_server.stations.events import Concern, StationEvents
from exam_server.stations.models import Station


class Elsewhere:
    """Tells the hub of this process; every serving process has one."""

    def __init__(self, server: Server, hub: StationEvents) -> None:
        self._server = server
        self._hub = hub
        self._known: dict[str, str] | None = None

    def look(self) -> None:
        """Compares with what was seen the last time. Belongs on a thread."""
        with self._server.reading() as session:
            now = dict(_states(session))
        before, self._known = self._known, now
        if before is None:
            return
        for key, state in now.items():
            if before.get(key) != state:
                self._hub.deliver(key)


def _states(session: Session) -> Iterator[tuple[str, str]]:
    """Keys of the hub, each with what its stations would have to hear of."""
    for centre, shift, state in session.exec(select(Shift.centre_id, Shift.id, col(Shift.state))):
        yield Concern.SHIFT.key(f"{centre}.{shift}"), state.value
    revoked = select(Station.id).where(col(Station.revoked_at).is_not(None))
    for station in session.exec(revoked):
        yield Concern.STATION.key(station), "revoked"
