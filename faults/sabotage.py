"""``exam-server`` spoiled: it answers first and commits a moment later, or it drops what stations
send that a takeover has made late.

    python -m faults.sabotage early|dropping serve DIR ...

Only the harness starts this, to prove that it notices. The product has no such switch: what keeps
is replaced here, from outside.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlmodel import Session

from exam_server import cli, db
from exam_server.attempts import journal
from exam_server.attempts.group import GroupCommit
from exam_server.attempts.models import JournalRecord

#: Seconds between the answer and its commit.
LATE = 0.2

#: `groups.at_work` where this thread keeps batches in a group.
groups = threading.local()


@contextmanager
def late_transaction(engine: Engine) -> Iterator[Session]:
    """As `db.transaction`, but what keeps records is committed on another thread, later."""
    session = Session(engine, expire_on_commit=False)
    keeps = [True] if getattr(groups, "at_work", False) else []

    def look(flushed: Session, _context: object) -> None:
        keeps.extend(isinstance(one, JournalRecord) for one in flushed.new)

    event.listen(session, "after_flush", look)
    session.begin()
    try:
        yield session
        session.flush()
    except BaseException:
        session.rollback()
        session.close()
        raise
    if any(keeps):
        threading.Thread(target=_commit_late, args=(session,)).start()
    else:
        _commit(session)


def _commit_late(session: Session) -> None:
    time.sleep(LATE)
    _commit(session)


def _commit(session: Session) -> None:
    session.commit()
    session.close()


def answer_early() -> None:
    keep = GroupCommit.keep

    def keep_late(self: GroupCommit, *arguments: Any) -> Any:
        groups.at_work = True
        try:
            return keep(self, *arguments)
        finally:
            groups.at_work = False

    GroupCommit.keep = keep_late  # type: ignore[method-assign]  # the sabotage itself
    db.transaction = late_transaction


def drop_evidence() -> None:
    """Late records are refused, as they should be, and forgotten."""
    journal._Desk._set_aside = lambda *_: None  # type: ignore[method-assign]  # the sabotage itself


SABOTAGE = {"early": answer_early, "dropping": drop_evidence}


def main() -> int:
    SABOTAGE[sys.argv.pop(1)]()
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
