"""Database, migrations, audit log, sealing, keys, settings."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from server_world import ROOT, World, drop_triggers
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import undefer

from exam_server import audit, db, keys, migrations, schema, settings
from exam_server.attempts.models import JournalRecord
from exam_server.attempts.service import admit
from exam_server.centres.models import Centre
from exam_server.checkin.models import CheckIn, SealedPicture
from exam_server.db import new_id
from exam_server.errors import InputError
from exam_server.forms.models import Package, Realm
from exam_server.items.codec import answer_key_of, body_of, item_from
from exam_server.keys import ServerKeys, WrongPassphraseError
from exam_server.sealing import SealBrokenError, Sealed, Sealing
from exam_server.settings import Settings
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Placement, Shift
from question_bank.interchange.qti3 import read_qti3
from tests.databases import row_of

NOW = datetime(2026, 12, 5, tzinfo=UTC)
MATHS = Path(__file__).parents[2] / "fixtures/maths/maths-2025.zip"


SQLITE_ALONE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@SQLITE_ALONE
def test_sqlite_is_set_to_be_durable(world: World) -> None:
    with world.server.engine.connect() as connection:
        read = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert read == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000,
    }  # fmt: skip


def test_a_transaction_is_whole_or_nothing(world: World) -> None:
    with pytest.raises(RuntimeError), world.server.transaction() as session:
        session.add(Centre(code="99", name="x"))
        session.flush()
        raise RuntimeError
    with world.server.reading() as session:
        assert session.scalars(sa.select(Centre.code)).all() == ["01"]


def test_moments_are_aware_and_in_utc(world: World) -> None:
    there = timezone(timedelta(hours=7))
    with world.server.transaction() as session:
        shift = session.scalars(sa.select(Shift)).one()
        shift.opened_at = datetime(2026, 12, 5, 7, 0, tzinfo=there)
    with world.server.reading() as session:
        kept = session.scalars(sa.select(Shift.opened_at)).one()
    assert kept == datetime(2026, 12, 5, 0, 0, tzinfo=UTC)
    assert kept.tzinfo is UTC
    with pytest.raises(Exception, match="without a time zone"), world.server.transaction() as s:
        s.execute(sa.update(Shift).values(opened_at=datetime(2026, 12, 5)))


def test_migrations_and_models_agree(world: World) -> None:
    with world.server.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), schema.METADATA)
    assert differences == []


@pytest.mark.slow
def test_migrations_go_up_and_down_on_a_filled_database(world: World) -> None:
    engine = world.server.engine
    versions = (ROOT / "exam_server" / "migrations" / "versions").glob("0*.py")
    assert migrations.current(engine) == max(file.name[:4] for file in versions)
    with engine.connect() as connection:
        before = len(connection.execute(sa.select(Centre)).all())
    assert before == 1
    migrations.downgrade(engine, "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    migrations.upgrade(engine)
    assert set(sa.inspect(engine).get_table_names()) >= set(schema.METADATA.tables)


@pytest.mark.slow
def test_attempts_under_keys_of_their_own_are_not_thrown_away(world: World) -> None:
    """A former version drew each attempt's key; without the key nothing in it opens."""
    engine = world.server.engine
    with world.server.transaction() as session:
        placement = session.scalars(sa.select(Placement).limit(1)).one()
        shifts.assign_forms(session, row_of(session, Shift, placement.shift_id))
        admit(session, placement, now=NOW)
    migrations.downgrade(engine, "0003")
    migrations.upgrade(engine)  # what was admitted here has derived keys
    migrations.downgrade(engine, "0003")
    with engine.begin() as connection:
        connection.execute(sa.text('UPDATE attempt SET "key" = :key'), {"key": b"\x01" * 60})
    with pytest.raises(InputError, match="1 attempts were begun with a former version"):
        migrations.upgrade(engine)


def test_the_schema_compiles_for_postgresql() -> None:
    from sqlalchemy.dialects import postgresql

    for table in schema.METADATA.sorted_tables:
        text = str(sa.schema.CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "DATETIME" not in text


def test_no_column_is_left_to_a_type_of_sqlmodels_own_choice() -> None:
    for table in schema.METADATA.sorted_tables:
        for column in table.columns:
            match column.type:
                case sa.Enum() as kind:
                    assert (kind.native_enum, kind.length) == (False, 32), column
                    assert kind.enums == [member.value for member in kind.enum_class], column
                case sa.JSON() as kind:
                    assert kind.none_as_null is column.nullable, column
                case kind:
                    if kind.python_type is datetime:
                        assert isinstance(kind, db.UtcDateTime), column
                    assert not isinstance(kind, sa.Numeric), column


def test_a_row_is_made_of_all_its_fields_and_no_others() -> None:
    with pytest.raises(TypeError, match=r"Centre: missing or unknown: .'name'.$"):
        Centre(**{"code": "01"})
    with pytest.raises(TypeError, match=r"Centre: missing or unknown: .'nmae'.$"):
        Centre(**{"code": "01", "name": "x", "nmae": "x"})


def test_rows_equal_themselves_only_and_show_nothing() -> None:
    one, other = (Centre(id="same", code="01", name="secret") for _ in range(2))
    assert one != other
    assert len({one, other}) == 2
    assert "secret" not in f"{one!r} {one}"


@pytest.mark.parametrize(
    ("model", "large"), [(CheckIn, "evidence"), (SealedPicture, "sealed"), (Package, "sealed")]
)
def test_large_columns_are_read_only_when_asked_for(model: type[db.Base], large: str) -> None:
    column = re.compile(rf"\.{large}\b")
    usual = sa.select(model)
    assert not column.search(str(usual))
    assert column.search(str(usual.options(undefer(getattr(model, large)))))


def write_entries(world: World, count: int) -> None:
    for number in range(count):
        with world.server.transaction() as session:
            audit.record(
                session, actor="server", action="test", subject=f"s:{number}",
                details={"tên": "Ngọc"}, now=NOW + timedelta(microseconds=number),
            )  # fmt: skip


def test_the_audit_chain_holds(world: World) -> None:
    write_entries(world, 5)
    with world.server.reading() as session:
        report = audit.verify_chain(session)
    assert (report.entries, report.fault) == (6, None)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET actor = 'x' WHERE sequence = 3", "DELETE FROM audit_entry"],
)
def test_the_audit_log_cannot_be_rewritten(world: World, statement: str) -> None:
    write_entries(world, 3)
    with pytest.raises(DBAPIError, match="append-only"), world.server.transaction() as session:
        session.execute(sa.text(statement))


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit_entry SET actor = 'x' WHERE sequence = 3", "entry 3 was changed"),
        ("UPDATE audit_entry SET details = '{}' WHERE sequence = 2", "entry 2 was changed"),
        ("DELETE FROM audit_entry WHERE sequence = 3", "entry 3 is missing"),
    ],
)
def test_whoever_owns_the_database_is_found_out(world: World, statement: str, fault: str) -> None:
    write_entries(world, 4)
    with world.server.transaction() as session:
        drop_triggers(session, "audit_entry")
        session.execute(sa.text(statement))
        assert audit.verify_chain(session).fault == fault


@given(st.sampled_from(Sealed), st.text(max_size=40), st.binary(max_size=200))
def test_sealed_bytes_open_for_their_row_alone(purpose: Sealed, row: str, plain: bytes) -> None:
    sealing = Sealing(bytes(32))
    sealed = sealing.seal(purpose, row, plain)
    assert sealing.unseal(purpose, row, sealed) == plain
    other = next(one for one in Sealed if one is not purpose)
    for opening in (
        lambda: sealing.unseal(other, row, sealed),
        lambda: sealing.unseal(purpose, row + "x", sealed),
        lambda: Sealing(b"\1" * 32).unseal(purpose, row, sealed),
        lambda: sealing.unseal(purpose, row, sealed[:-1]),
        lambda: sealing.unseal(purpose, row, b""),
    ):
        with pytest.raises(SealBrokenError):
            opening()


def test_keys_open_with_their_passphrase_alone(tmp_path: Path) -> None:
    own = ServerKeys.generate()
    keys.save(tmp_path, own, "correct horse")
    assert keys.load(tmp_path, "correct horse").to_bytes() == own.to_bytes()
    stored = (tmp_path / keys.KEYS_FILE).read_bytes()
    assert own.master not in stored
    assert (tmp_path / keys.KEYS_FILE).stat().st_mode & 0o077 == 0
    with pytest.raises(WrongPassphraseError):
        keys.load(tmp_path, "wrong horse")
    with pytest.raises(InputError, match="at least 8"):
        keys.save(tmp_path, own, "short")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-10],
        lambda text: text.replace('"iterations": 3', '"iterations": 300000'),
        lambda text: text.replace("argon2id", "none"),
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: "[]",
    ],
)
def test_a_damaged_key_file_gives_one_line(tmp_path: Path, spoil) -> None:
    keys.save(tmp_path, ServerKeys.generate(), "correct horse")
    path = tmp_path / keys.KEYS_FILE
    path.write_text(spoil(path.read_text()))
    with pytest.raises(InputError, match="damaged"):
        keys.load(tmp_path, "correct horse")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"realm": "paper"}', '{"realm": "test", "surprise": 1}']
)
def test_unsound_settings_give_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / settings.FILE_NAME).write_text(text)
    with pytest.raises(InputError) as error:
        settings.load(tmp_path)
    assert "\n" not in str(error.value)


def test_settings_come_back(tmp_path: Path) -> None:
    chosen = Settings(realm=Realm.TEST, hosts=["exam.example"], port=9443)
    settings.save(tmp_path, chosen)
    assert settings.load(tmp_path) == chosen


def test_an_item_comes_back_from_its_two_halves() -> None:
    imported = read_qti3(MATHS.read_bytes(), MATHS.name)
    assert len(imported.items) >= 22
    for item in imported.items:
        body, key = body_of(item), answer_key_of(item)
        assert item_from(body, key) == item


def test_nothing_of_a_paper_is_stored_in_the_clear(world: World) -> None:
    """No stem of the demo's items in any column of any table."""
    stems = [item.stem[:24] for item in read_qti3(MATHS.read_bytes(), MATHS.name).items]
    with world.server.engine.connect() as connection:
        rows = [row for table in schema.METADATA.sorted_tables
                for row in connection.execute(sa.select(table))]  # fmt: skip
    values = [value for row in rows for value in row]
    texts = [str(value) for value in values if isinstance(value, str | list | dict)]
    raw = [value for value in values if isinstance(value, bytes)]
    assert len(raw) > 100 and len(texts) > 100
    for stem in stems:
        assert not any(stem in text for text in texts)
        assert not any(stem.encode() in data for data in raw)


def test_foreign_keys_are_enforced(world: World) -> None:
    with pytest.raises(IntegrityError), world.server.transaction() as session:
        session.add(
            JournalRecord(
                attempt_id=new_id(), sequence=1, centre_id=new_id(), epoch=1, head=b"", data=b"",
                received_at=NOW,
            )
        )  # fmt: skip


def test_a_second_writer_waits_for_the_first(world: World) -> None:
    other = db.create_engine(world.url)
    with world.server.transaction() as session:
        session.add(Centre(code="77", name="x"))
        session.flush()
        with db.reading(other) as reader:
            assert reader.scalars(sa.select(Centre.code)).all() == ["01"]
    with db.transaction(other) as session:
        assert sorted(session.scalars(sa.select(Centre.code))) == ["01", "77"]
    other.dispose()
