"""Run by Alembic: one transaction for the whole way up or down."""

from alembic import context

from exam_server.schema import METADATA

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    # SQLite cannot alter constraints in place; batch mode copies the table.
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=engine.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
