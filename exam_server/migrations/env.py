"""Run by Alembic: one transaction for the whole way up or down."""

from typing import Any

from alembic import context
from sqlalchemy.engine import Connection

from exam_server.errors import InputError
from exam_server.schema import METADATA


def _run(connection: Connection) -> None:
    # SQLite cannot alter constraints in place; batch mode copies the table.
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_on_sqlite(connection: Connection) -> None:
    """With foreign keys unheeded while tables are copied, and looked at before it counts."""
    driver: Any = connection.connection.driver_connection
    # Between transactions: within one, SQLite ignores it.
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        _run(connection)
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise InputError("the database holds rows without what they refer to; restore a backup")
        connection.commit()
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys=ON")


engine = context.config.attributes["engine"]
with engine.connect() as opened:
    if engine.dialect.name == "sqlite":
        _run_on_sqlite(opened)
    else:
        # A large table takes longer than any call of a station may.
        opened.exec_driver_sql("SET LOCAL statement_timeout = 0")
        _run(opened)
        opened.commit()
