"""The life of items: cards, words under a keyed hash, history, subjects, imports, exports.

What stands in forms already was approved by being loaded: it is in use. Cards of items that were
loaded before need their bodies opened: `exam-server bank index` makes them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

STATE = sa.Enum("draft", "review", "approved", "in_use", "retired", native_enum=False, length=32)
ACT = sa.String(32)


def _to(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"))


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def upgrade() -> None:
    op.create_table(
        "item_card",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", STATE, nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("kind", "subject", "grade", "topic", "level", "code", "author")
        ),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        _to("item_card", "item_id", "item"),
        _to("item_card", "owner_id", "staff"),
        _key("item_card", "item_id"),
    )
    for column in ("state", "subject", "changed_at"):
        op.create_index(op.f(f"ix_item_card_{column}"), "item_card", [column])
    op.create_table(
        "item_word",
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        _to("item_word", "item_id", "item"),
        _key("item_word", "word", "item_id"),
    )
    op.create_index(op.f("ix_item_word_item_id"), "item_word", ["item_id"])
    op.create_table(
        "item_event",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("act", ACT, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        _to("item_event", "item_id", "item"),
        _to("item_event", "staff_id", "staff"),
        _key("item_event", "item_id", "position"),
    )
    op.create_table(
        "staff_subject",
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("secret", sa.Boolean(), nullable=False),
        _to("staff_subject", "staff_id", "staff"),
        _key("staff_subject", "staff_id", "subject"),
    )
    op.create_table(
        "item_import",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", sa.LargeBinary(), nullable=False),
        sa.Column("taken", sa.JSON(), nullable=False),
        _to("item_import", "staff_id", "staff"),
        _key("item_import", "id"),
    )
    op.create_table(
        "item_export",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        _to("item_export", "item_id", "item"),
        _to("item_export", "asked_by", "staff"),
        _to("item_export", "decided_by", "staff"),
        _key("item_export", "id"),
    )
    op.execute("UPDATE item_version SET state = 'in_use' WHERE state = 'approved'")


def downgrade() -> None:
    op.execute("UPDATE item_version SET state = 'approved' WHERE state = 'in_use'")
    for table in ("item_export", "item_import", "staff_subject", "item_event"):
        op.drop_table(table)
    op.drop_index(op.f("ix_item_word_item_id"), "item_word")
    op.drop_table("item_word")
    for column in ("changed_at", "subject", "state"):
        op.drop_index(op.f(f"ix_item_card_{column}"), "item_card")
    op.drop_table("item_card")
