"""Every key of what is written while an exam runs begins with its centre: the shard key.

A distributed engine (Citus) keeps a primary key, a unique constraint and a foreign key only where
they include the column by which rows are distributed. What held one row of a centre by its id now
holds it by centre and id; the ids stay what they were.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = "centre_id"


@dataclass(frozen=True)
class Keys:
    """What a table's rows are known by, without the centre; `parents`: column → table."""

    primary: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    parents: tuple[tuple[str, str], ...] = ()


ATTEMPT = (("attempt_id", "attempt"),)
TABLES = {
    "shift": Keys(("id",)),
    "placement": Keys(
        ("id",),
        (("shift_id", "seat_id"), ("registration_id", "paper_id")),
        (("shift_id", "shift"),),
    ),
    "package": Keys(("id",), (("shift_id", "form_id"),), (("shift_id", "shift"),)),
    "attempt": Keys(
        ("id",), (("placement_id",),), (("shift_id", "shift"), ("placement_id", "placement"))
    ),
    "lease": Keys(("attempt_id", "epoch"), parents=ATTEMPT),
    "journal_record": Keys(("attempt_id", "sequence"), parents=ATTEMPT),
    "evidence_record": Keys(("id",), (("attempt_id", "head"),), ATTEMPT),
    "head_signature": Keys(("attempt_id", "epoch", "sequence"), parents=ATTEMPT),
    "ledger_entry": Keys(("attempt_id", "position"), parents=ATTEMPT),
    "receipt": Keys(("attempt_id",), parents=ATTEMPT),
    "item_score": Keys(("attempt_id", "presented_id"), parents=ATTEMPT),
    "paper_result": Keys(("attempt_id",), parents=ATTEMPT),
    "challenge": Keys(("id",), parents=(("placement_id", "placement"),)),
    "chip_terminal": Keys(("id",), parents=(("challenge_id", "challenge"),)),
    "checkin": Keys(
        ("id",),
        (("challenge_id",), ("placement_id", "number")),
        (("placement_id", "placement"), ("challenge_id", "challenge")),
    ),
    "sealed_picture": Keys(("id",), parents=(("checkin_id", "checkin"),)),
    "assignment": Keys(("id",)),
    "station_status": Keys(("station_id",)),
    "room_act": Keys(("id",), parents=(("shift_id", "shift"),)),
    "noted_head": Keys(("attempt_id", "epoch", "code"), parents=ATTEMPT),
    "late_decision": Keys(
        ("evidence_id",),
        parents=(("evidence_id", "evidence_record"), ("attempt_id", "attempt")),
    ),
    "publication": Keys(("shift_id",), parents=(("shift_id", "shift"),)),
    "kiosk_restart": Keys(("attempt_id", "since"), parents=ATTEMPT),
    "request_nonce": Keys(("station_id", "nonce")),
}
#: Those whose `centre_id` stays a foreign key of its own: no parent's key holds it.
WITH_CENTRE = ("shift", "assignment", "station_status")
#: Those that never had one.
NEVER = ("request_nonce",)
#: Pages and commands know these by their id alone.
FOUND_BY_ID = ("shift", "placement", "attempt", "checkin", "sealed_picture")
OPEN = sa.text("until IS NULL")


def _names(kind: str, table: str, columns: tuple[str, ...]) -> str:
    return "_".join((kind, table, *columns))


Step = Callable[[BatchOperations, str, Keys], None]


def _alter(*steps: Step) -> None:
    """Each step on every table before the next: a key goes once nothing refers to it any more.

    SQLite copies the table for whatever changes, heeds no reference meanwhile, and copies once.
    """
    rounds = [steps] if op.get_bind().dialect.name == "sqlite" else [(step,) for step in steps]
    for taken in rounds:
        for table, keys in TABLES.items():
            with op.batch_alter_table(table) as batch:
                for step in taken:
                    step(batch, table, keys)


def upgrade() -> None:
    _drop_open_assignments()
    _alter(_release, _key_by_centre, _bind_within_centre)
    _create_open_assignments(KEY)
    for table in FOUND_BY_ID:
        op.create_index(f"ix_{table}_id", table, ["id"])


def _release(batch: BatchOperations, table: str, keys: Keys) -> None:
    for column, _parent in keys.parents:
        batch.drop_constraint(_names("fk", table, (column,)), type_="foreignkey")
    if table not in (*WITH_CENTRE, *NEVER):
        batch.drop_constraint(_names("fk", table, (KEY,)), type_="foreignkey")


def _key_by_centre(batch: BatchOperations, table: str, keys: Keys) -> None:
    batch.drop_constraint(f"pk_{table}", type_="primary")
    batch.create_primary_key(f"pk_{table}", [KEY, *keys.primary])
    for columns in keys.unique:
        batch.drop_constraint(_names("uq", table, columns), type_="unique")
        batch.create_unique_constraint(_names("uq", table, (KEY, *columns)), [KEY, *columns])


def _bind_within_centre(batch: BatchOperations, table: str, keys: Keys) -> None:
    for column, parent in keys.parents:
        name = _names("fk", table, (KEY, column))
        batch.create_foreign_key(name, parent, [KEY, column], [KEY, "id"])


def downgrade() -> None:
    for table in FOUND_BY_ID:
        op.drop_index(f"ix_{table}_id", table_name=table)
    _drop_open_assignments()
    _alter(_unbind, _key_alone, _bind_alone)
    _create_open_assignments()


def _unbind(batch: BatchOperations, table: str, keys: Keys) -> None:
    for column, _parent in keys.parents:
        batch.drop_constraint(_names("fk", table, (KEY, column)), type_="foreignkey")


def _key_alone(batch: BatchOperations, table: str, keys: Keys) -> None:
    batch.drop_constraint(f"pk_{table}", type_="primary")
    batch.create_primary_key(f"pk_{table}", list(keys.primary))
    for columns in keys.unique:
        batch.drop_constraint(_names("uq", table, (KEY, *columns)), type_="unique")
        batch.create_unique_constraint(_names("uq", table, columns), list(columns))


def _bind_alone(batch: BatchOperations, table: str, keys: Keys) -> None:
    for column, parent in keys.parents:
        batch.create_foreign_key(_names("fk", table, (column,)), parent, [column], ["id"])
    if table not in (*WITH_CENTRE, *NEVER):
        batch.create_foreign_key(_names("fk", table, (KEY,)), "centre", [KEY], ["id"])


def _drop_open_assignments() -> None:
    for what in ("station", "seat"):
        op.drop_index(f"uq_assignment_open_{what}", table_name="assignment")


def _create_open_assignments(*before: str) -> None:
    for what in ("station", "seat"):
        op.create_index(
            f"uq_assignment_open_{what}",
            "assignment",
            [*before, f"{what}_id"],
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        )
