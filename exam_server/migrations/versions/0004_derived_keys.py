"""Keys of attempts and leases follow from the server's master and are stored no more."""

import sqlalchemy as sa
from alembic import op

from exam_server.errors import InputError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DROPPED = (("attempt", "key"), ("attempt", "recovery"), ("lease", "key"))


def upgrade() -> None:
    # Their records open under the keys that were drawn for them, and under no others.
    drawn = op.get_bind().scalar(sa.text('SELECT count(*) FROM attempt WHERE length("key") > 0'))
    if drawn:
        raise InputError(
            f"{drawn} attempts were begun with a former version; grade them with that version,"
            " and make a new server for the next exam"
        )
    for table, column in DROPPED:
        op.drop_column(table, column)


def downgrade() -> None:
    """The columns come back empty: the former version cannot open what was written since."""
    for table, column in DROPPED:
        op.add_column(table, sa.Column(column, sa.LargeBinary(), nullable=False, server_default=""))
