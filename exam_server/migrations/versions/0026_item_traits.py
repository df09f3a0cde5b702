"""Traits by which near-duplicates find each other.

They need the bodies opened: the server makes those that are missing when it starts, and so does
`exam-server bank index`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "item_traits",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("traits", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_item_traits_item_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_traits")),
    )


def downgrade() -> None:
    op.drop_table("item_traits")
