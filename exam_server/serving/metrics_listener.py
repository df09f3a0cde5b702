"""Where Prometheus asks: a port of its own on the loopback address, off unless it is chosen.

Metrics hold no person's data, but tell how an exam goes; so they are not on the port that the
world reaches. One address speaks for the whole server, however many processes it has.
"""

import logging
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from exam_server import db
from exam_server.attempts.models import Attempt
from exam_server.context import utc_now
from exam_server.contract.api import AttemptState, StationState
from exam_server.errors import InputError
from exam_server.stations.models import Station, StationStatus
from exam_server.stations.service import SILENCE

if TYPE_CHECKING:
    from exam_server.serving.fleet import Fleet

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
SILENT = "silent"


def offer(stack: ExitStack, port: int, engine: Engine, collectors: Iterable[Collector]) -> None:
    """Answers Prometheus at `port` until `stack` ends; InputError where the port is taken."""
    registry = CollectorRegistry()
    for collector in (*collectors, DatabaseCollector(engine)):
        registry.register(collector)
    try:
        server, thread = start_http_server(port, LOOPBACK, registry)
    except OSError as error:
        raise InputError(
            f"port {port} of {LOOPBACK} cannot be used ({error}); choose another with --metrics"
        ) from error
    stack.callback(thread.join)
    stack.callback(server.server_close)
    stack.callback(server.shutdown)


def own_values() -> Sequence[Collector]:
    """What this one process has measured."""
    return (REGISTRY,)


def values_of(folder: Path) -> Sequence[Collector]:
    """What all processes have measured that keep their values in `folder`, added up."""
    return (MultiProcessCollector(None, str(folder)),)  # type: ignore[no-untyped-call]  # the library's


class FleetCollector(Collector):
    """How many processes answer, and how many have been replaced."""

    def __init__(self, fleet: "Fleet") -> None:
        self._fleet = fleet

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("exam_processes", "Processes that answer", self._fleet.alive)
        yield CounterMetricFamily(
            "exam_processes_replaced", "Processes that ended unasked", self._fleet.replaced
        )


class DatabaseCollector(Collector):
    """What the database says at the moment: stations and attempts by state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterable[Metric]:
        # Nothing is asked of the database before somebody asks us.
        return ()

    def collect(self) -> Iterable[Metric]:
        reachable = GaugeMetricFamily("exam_database_reachable", "Whether the database answers")
        try:
            with db.reading(self._engine) as session:
                found = [_stations(session, utc_now()), _attempts(session)]
        except SQLAlchemyError:
            log.warning("metrics: the database does not answer")
            reachable.add_metric([], 0)
            yield reachable
            return
        reachable.add_metric([], 1)
        yield from (reachable, *found)


def _stations(session: Session, now: datetime) -> Metric:
    """Enrolled stations by what they last said; ``silent``: not heard of lately, or never."""
    heard = select(StationStatus.state, sa.func.count()).join(
        Station, col(Station.id) == StationStatus.station_id
    )
    rows = session.exec(
        heard.where(
            col(Station.revoked_at).is_(None), StationStatus.seen_at >= now - SILENCE
        ).group_by(col(StationStatus.state))
    ).all()
    counts = dict.fromkeys(StationState, 0) | dict(rows)
    enrolled = session.scalar(
        select(sa.func.count()).select_from(Station).where(col(Station.revoked_at).is_(None))
    )
    family = GaugeMetricFamily("exam_stations", "Stations by state", labels=["state"])
    for state, count in counts.items():
        family.add_metric([str(state)], count)
    family.add_metric([SILENT], (enrolled or 0) - sum(counts.values()))
    return family


def _attempts(session: Session) -> Metric:
    rows = session.exec(select(Attempt.state, sa.func.count()).group_by(col(Attempt.state))).all()
    family = GaugeMetricFamily("exam_attempts", "Attempts by state", labels=["state"])
    for state, count in (dict.fromkeys(AttemptState, 0) | dict(rows)).items():
        family.add_metric([str(state)], count)
    return family
