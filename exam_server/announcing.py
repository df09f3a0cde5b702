"""From commits to live events: what was written tells who is to be told.

Services need not remember to tell anybody; a change that is rolled back is never announced.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import UOWTransaction
from sqlmodel import Session

#: The keys of those whom a row that was written concerns; none where nobody is to be told.
Concerned = Callable[[Session, object], Iterable[str]]


def announce(
    engine: Engine, concerned: Concerned, publish: Callable[[str], None]
) -> Callable[[], None]:
    """Calls `publish` with each key of what a commit in `engine`'s database changed, once.

    Gives what stops it.
    """
    changed = object()  # where a session keeps its keys for this listener

    def collect(session: Session, _context: UOWTransaction) -> None:
        if session.get_bind().engine.pool is not engine.pool:
            return
        keys = session.info.setdefault(changed, set())
        for row in (*session.new, *session.dirty):
            keys.update(concerned(session, row))

    def tell(session: Session) -> None:
        for key in session.info.pop(changed, ()):
            publish(key)

    def forget(session: Session) -> None:
        session.info.pop(changed, None)

    listeners: list[tuple[str, Any]] = [
        ("after_flush", collect),
        ("after_commit", tell),
        ("after_rollback", forget),
    ]
    for name, listener in listeners:
        event.listen(Session, name, listener)

    def stop() -> None:
        for name, listener in listeners:
            event.remove(Session, name, listener)

    return stop
