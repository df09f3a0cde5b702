"""How the tables are laid out for many machines: by centre.

Whatever is written while an exam runs belongs to one centre, and its key begins with that centre's
id. So all rows of a centre can lie on one machine, foreign keys between them stay on it, and no
call of a station needs another one. All other tables are small, change between exams, and can be
copied to every machine. `docs/scaling.md` says which is which; a test proves both.
"""

from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.db import Base

#: The column by which rows are distributed.
SHARD_KEY = "centre_id"

Row = TypeVar("Row", bound=Base)


def is_distributed(table: sa.Table) -> bool:
    """Whether the table's rows lie with their centre; all others are the same everywhere."""
    return next(iter(table.primary_key.columns)).name == SHARD_KEY


def of_centre(column: str, parent: str) -> sa.ForeignKeyConstraint:
    """`column` names a row of `parent` in the same centre."""
    return sa.ForeignKeyConstraint([SHARD_KEY, column], [f"{parent}.{SHARD_KEY}", f"{parent}.id"])


def anywhere(session: Session, kind: type[Row], row_id: str, *, lock: bool = False) -> Row | None:
    """The row of that id, whichever centre it is of. `lock`: nobody else changes it meanwhile.

    It has to look everywhere, so it is for people's pages and commands, never for stations.
    """
    query = select(kind).where(col(getattr(kind, "id")) == row_id)  # noqa: B009 - of any table
    return session.exec(query.with_for_update() if lock else query).first()
