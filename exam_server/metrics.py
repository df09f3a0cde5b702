"""What a server counts and times of its own work, for Prometheus.

One module of instruments; whoever does the work calls them, from any thread. Several processes of
one server write into files of one folder (`FOLDER_VARIABLE`), which prometheus-client adds up.
Labels are of closed sets: routes as they are declared, codes, states; never anybody's data.
"""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

#: Where processes of one server keep their values; read by prometheus-client as it is imported.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
ACCEPTED = "accepted"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

_requests = Histogram(
    "exam_request_seconds",
    "Time from a request's head to the end of its answer (streams: until they end)",
    ("method", "route", "code"),
    buckets=_SECONDS,
)
_batches = Counter(
    "exam_batches", "Batches of records by what became of them: accepted, or the code", ("outcome",)
)
_records = Counter("exam_records_accepted", "Records committed and acknowledged")
_group = Histogram("exam_group_batches", "Batches in one commit", buckets=_SIZES)
_commit = Histogram("exam_group_commit_seconds", "Time of one group's commit", buckets=_SECONDS)
_waiting = Gauge(
    "exam_queue_batches", "Batches that wait for a commit", multiprocess_mode="livesum"
)
_oldest = Gauge(
    "exam_queue_oldest_seconds", "Age of the oldest waiting batch", multiprocess_mode="livemax"
)
_streams = Gauge("exam_streams", "Open live streams", ("kind",), multiprocess_mode="livesum")
_pulses = Counter("exam_pulses", "Signs of life of stations, as they were written down")
_connections = Gauge("exam_connections", "Open connections", multiprocess_mode="livesum")
_resident = Gauge(
    "exam_resident_bytes", "Resident memory of the serving processes", multiprocess_mode="livesum"
)
_bus = Gauge(
    "exam_bus_connected", "Processes that are connected to NATS", multiprocess_mode="livesum"
)
_events = Counter(
    "exam_bus_events", "Live events carried between processes: sent, received, dropped", ("fate",)
)


def request_answered(method: str, route: str, code: int, seconds: float) -> None:
    """One request; `route` is the template, never the path."""
    _request(method, route, code).observe(seconds)


@cache
def _request(method: str, route: str, code: int) -> Histogram:
    return _requests.labels(method, route, str(code))


def group_committed(batches: int, records: int, seconds: float) -> None:
    """One transaction kept `records` new records of `batches` batches, and took `seconds`."""
    _batches.labels(ACCEPTED).inc(batches)
    _records.inc(records)
    _group.observe(batches)
    _commit.observe(seconds)


def batch_accepted(records: int) -> None:
    """A batch was kept in a transaction of its own."""
    _batches.labels(ACCEPTED).inc()
    _records.inc(records)


def batch_refused(code: str) -> None:
    """A batch was refused with a code of `contract.errors.ErrorCode`."""
    _batches.labels(code).inc()


def queue_is(batches: int, oldest_seconds: float) -> None:
    """So many batches wait now, the oldest for so long (0.0 where none waits)."""
    _waiting.set(batches)
    _oldest.set(oldest_seconds)


def streams_are(kind: str, count: int) -> None:
    """So many live streams are open: ``page`` or ``station``."""
    _streams.labels(kind).set(count)


def pulses_heard(stations: int) -> None:
    """So many stations gave a sign of life since the last time."""
    _pulses.inc(stations)


def process_is(connections: int, resident_bytes: int) -> None:
    """This process holds so many connections and so much memory."""
    _connections.set(connections)
    _resident.set(resident_bytes)


def bus_connected(connected: bool) -> None:
    """Whether this process hears the others."""
    _bus.set(1 if connected else 0)


def event_carried(fate: str, count: int = 1) -> None:
    """Live events were ``sent``, ``received`` or ``dropped``."""
    _events.labels(fate).inc(count)
