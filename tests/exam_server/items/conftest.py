"""A bank for every test, on both databases."""

from collections.abc import Iterator

import pytest
from bank_world import Bank, fill

from exam_server import db, schema
from tests.databases import Databases


@pytest.fixture
def bank(databases: Databases) -> Iterator[Bank]:
    url = databases.new()
    engine = db.create_engine(url)
    schema.METADATA.create_all(engine)
    yield fill(engine)
    engine.dispose()
    databases.remove(url)
