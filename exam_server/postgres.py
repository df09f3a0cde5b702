"""PostgreSQL as the server uses it: patient for so long, named, and durable or not used at all."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import ConnectionPoolEntry

from exam_server.errors import InputError

APPLICATION = "exam-server"
#: Of one process. Whoever finds none free for so long is told to come again.
CONNECTIONS, WAIT_SECONDS = 16, 10
CONNECT_SECONDS = 5
#: A machine that is gone says nothing: the kernel asks it, and ends the connection within half a
#: minute. By its own defaults each thread would wait for hours. (On one machine it has no effect.)
KEEP_ALIVE = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
#: In milliseconds. A lock that is not had by then is somebody else's fault: asking again is safe.
SESSION = {
    "lock_timeout": 10_000,
    "statement_timeout": 30_000,
    "idle_in_transaction_session_timeout": 60_000,
    "timezone": "UTC",
}
#: Settings without which "committed" does not mean "on disk", and what they may be.
DURABLE = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
}


def options() -> dict[str, Any]:
    """What `sqlalchemy.create_engine` is told of a PostgreSQL."""
    session = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    return {
        "pool_size": CONNECTIONS,
        "max_overflow": 0,
        "pool_timeout": WAIT_SECONDS,
        # The last one used has its statements prepared, and its caches warm.
        "pool_use_lifo": True,
        # A connection that a restarted PostgreSQL has closed is noticed before it is used.
        "pool_pre_ping": True,
        "connect_args": {
            "application_name": APPLICATION,
            "connect_timeout": CONNECT_SECONDS,
            **KEEP_ALIVE,
            "options": session,
        },
    }


def refuse_unless_durable(engine: Engine) -> None:
    """Looks at every new connection of `engine`: InputError where a commit may be lost.

    Not only at the start: an administrator may switch it off for a role or while we run.
    """
    event.listen(engine, "connect", _check)


def _check(connection: Any, _entry: ConnectionPoolEntry) -> None:
    names = ", ".join(f"current_setting('{name}')" for name in DURABLE)
    with connection.cursor() as cursor:
        values = cursor.execute(f"SELECT {names}").fetchone()
    connection.rollback()
    for (name, sound), value in zip(DURABLE.items(), values, strict=True):
        if value not in sound:
            raise InputError(
                f"PostgreSQL runs with {name} = {value}, so a power cut would lose answers that"
                f" were acknowledged; set {name} = on and reload it"
            )
