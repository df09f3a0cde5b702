"""Words of items sealed instead of hashed, for parts of words; statistics, use, topic trees.

The texts need the bodies opened: the server makes those that are missing when it starts, and so
does `exam-server bank index`.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _of_card() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("language", sa.String(), nullable=False, server_default=""),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("answers", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("difficulty", sa.Integer(), nullable=True),
        sa.Column("discrimination", sa.Integer(), nullable=True),
        sa.Column("text_revision", sa.String(), nullable=False, server_default=""),
    )


def _to(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.drop_index(op.f("ix_item_word_item_id"), "item_word")
    op.drop_table("item_word")
    op.create_table(
        "item_text",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        _to("item_text", "item_id", "item"),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_text")),
    )
    op.create_table(
        "item_statistic",
        sa.Column("item_version_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("difficulty", sa.Integer(), nullable=False),
        sa.Column("discrimination", sa.Integer(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        _to("item_statistic", "item_version_id", "item_version"),
        sa.PrimaryKeyConstraint("item_version_id", "source", name=op.f("pk_item_statistic")),
    )
    op.create_table(
        "topic",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "position", name=op.f("pk_topic")),
    )
    for column in _of_card():
        op.add_column("item_card", column)
    # Of items in forms the history tells when.
    op.execute(
        "UPDATE item_card SET used_at = (SELECT max(at) FROM item_event "
        "WHERE item_event.item_id = item_card.item_id AND item_event.act = 'item_used')"
    )


def downgrade() -> None:
    with op.batch_alter_table("item_card") as card:
        for column in reversed(_of_card()):
            card.drop_column(column.name)
    for table in ("topic", "item_statistic", "item_text"):
        op.drop_table(table)
    op.create_table(
        "item_word",
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        _to("item_word", "item_id", "item"),
        sa.PrimaryKeyConstraint("word", "item_id", name=op.f("pk_item_word")),
    )
    op.create_index(op.f("ix_item_word_item_id"), "item_word", ["item_id"])
