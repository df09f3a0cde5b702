"""Every migration, up and down, on databases with rows in every table."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from filled import ROWS, Rows, common, fill, held
from sqlalchemy.engine import Engine

from exam_server import db, dump, migrations, schema
from tests.databases import Databases, SqliteFiles

pytestmark = pytest.mark.slow

config = Config()
config.set_main_option("script_location", str(migrations.__path__[0]))
#: From the first to the head.
REVISIONS = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]


@pytest.fixture
def engine(databases: Databases) -> Iterator[Engine]:
    url = databases.new()
    made = db.create_engine(url)
    migrations.upgrade(made)
    fill(made)
    yield made
    made.dispose()
    databases.remove(url)


def rows_of(engine: Engine) -> Rows:
    with engine.connect() as connection:
        return held(connection)


def test_every_table_is_filled(engine: Engine) -> None:
    rows = rows_of(engine)
    assert set(rows) == set(schema.METADATA.tables)
    assert all(len(of_table) == ROWS for of_table in rows.values())


@pytest.mark.timeout(400)
def test_what_a_schema_can_hold_survives_every_step_down_and_up(engine: Engine) -> None:
    full = before = rows_of(engine)
    for revision in [*REVISIONS[-2::-1], *REVISIONS[1:]]:
        down = REVISIONS.index(revision) < REVISIONS.index(str(migrations.current(engine)))
        (migrations.downgrade if down else migrations.upgrade)(engine, revision)
        assert migrations.current(engine) == revision
        after = rows_of(engine)
        kept, found = common(before, after)
        assert found == kept, revision
        before = after
    assert rows_of(engine).keys() == full.keys()
    migrations.downgrade(engine, "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]


def test_the_migrated_schema_is_the_models(engine: Engine) -> None:
    migrations.downgrade(engine, REVISIONS[0])
    migrations.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, schema.METADATA) == []
        inspector = sa.inspect(connection)
        for table in schema.METADATA.sorted_tables:
            key = inspector.get_pk_constraint(table.name)["constrained_columns"]
            assert key == [column.name for column in table.primary_key], table.name


def test_a_migration_that_fails_leaves_the_database_as_it_was(engine: Engine) -> None:
    before = rows_of(engine)
    with pytest.raises(Exception, match="nowhere"):
        migrations.upgrade(engine, "nowhere")
    assert rows_of(engine) == before


def test_a_dump_fills_a_database_of_the_same_kind(
    engine: Engine, databases: Databases, tmp_path
) -> None:
    dump.dump(engine, tmp_path / "dump")
    url = databases.new()
    other = db.create_engine(url)
    dump.restore(other, tmp_path / "dump")
    assert rows_of(other) == rows_of(engine)
    other.dispose()
    databases.remove(url)


@pytest.mark.parametrize("databases", [pytest.param("postgresql", marks=pytest.mark.postgres)],
                         indirect=True)  # fmt: skip
def test_a_dump_fills_a_database_of_the_other_kind(
    engine: Engine, databases: Databases, tmp_path
) -> None:
    """From PostgreSQL to SQLite and back again, of an older version on the way."""
    migrations.downgrade(engine, REVISIONS[-2])
    old = rows_of(engine)
    dump.dump(engine, tmp_path / "dump")
    file = db.create_engine(SqliteFiles(tmp_path).new())
    dump.restore(file, tmp_path / "dump")
    assert migrations.current(file) == REVISIONS[-1]
    dump.dump(file, tmp_path / "again")
    url = databases.new()
    third = db.create_engine(url)
    dump.restore(third, tmp_path / "again")
    kept, found = common(old, rows_of(third))
    assert found == kept
    for one in (file, third):
        one.dispose()
    databases.remove(url)
