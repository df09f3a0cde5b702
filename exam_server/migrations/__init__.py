"""The schema's versions (Alembic). `upgrade` makes a new database, too."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Brings the database up to `revision`."""
    command.upgrade(_config(engine), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Takes the database back to `revision`; ``base`` is an empty one."""
    command.downgrade(_config(engine), revision)


def current(engine: Engine) -> str | None:
    """The database's revision, None before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
