"""Who is there: the stations whose pulse came over their stream, written down for all at once.

A pulse says that a station lives and is as its last heartbeat told. It comes over a connection that
a signed request opened, so it needs no proof of its own; it costs this process a set's entry, and
the database one or two statements a second for each centre.
"""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from exam_server import metrics
from exam_server.context import Server
from exam_server.stations.models import StationStatus

#: Stations that one statement names, far below what any database takes.
MOST_NAMED = 1000
#: Pulses within so long count as of one moment, the first one's.
ONE_MOMENT = timedelta(seconds=1)
#: Centre → station → when it was last heard.
_Heard = defaultdict[str, dict[str, datetime]]


class Presence:
    """The pulses of one process. `heard` may be called from any thread."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._heard: _Heard = defaultdict(dict)
        self._moment = server.now()

    def heard(self, centre: str, station: str) -> None:
        now = self._server.now()
        with self._lock:
            # Few moments make few statements; nobody is said to have been heard later than it was.
            if not self._moment <= now < self._moment + ONE_MOMENT:
                self._moment = now
            self._heard[centre][station] = self._moment

    def write(self) -> None:
        """Writes who was heard since the last time. Belongs on a thread.

        Where the database cannot be had these pulses are lost; the next ones come in seconds.
        """
        with self._lock:
            heard, self._heard = self._heard, defaultdict(dict)
        metrics.pulses_heard(sum(map(len, heard.values())))
        for moment, centres in sorted(_by_moment(heard).items()):
            # Always in one order, so that two processes never wait for each other.
            ordered = sorted(centres.items())
            if self._server.settings.distributed:
                for one in ordered:
                    self._write([one], moment)
            else:
                self._write(ordered, moment)

    def _write(self, centres: Iterable[tuple[str, Collection[str]]], moment: datetime) -> None:
        with self._server.transaction() as session:
            for centre, stations in centres:
                ordered = sorted(stations)
                for first in range(0, len(ordered), MOST_NAMED):
                    _seen(session, centre, ordered[first : first + MOST_NAMED], moment)


def _by_moment(heard: _Heard) -> dict[datetime, dict[str, list[str]]]:
    found: defaultdict[datetime, defaultdict[str, list[str]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for centre, stations in heard.items():
        for station, moment in stations.items():
            found[moment][centre].append(station)
    return {moment: dict(centres) for moment, centres in found.items()}


def _seen(session: Session, centre: str, stations: Collection[str], moment: datetime) -> None:
    """What a heartbeat wrote meanwhile stays."""
    session.exec(
        sa.update(StationStatus)
        .where(
            col(StationStatus.centre_id) == centre,
            col(StationStatus.station_id).in_(stations),
            col(StationStatus.seen_at) < moment,
        )
        .values(seen_at=moment)
        .execution_options(synchronize_session=False)
    )
