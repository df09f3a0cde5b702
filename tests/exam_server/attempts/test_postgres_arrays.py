"""Packed arrays: PostgreSQL reads of them what was put in, whatever it is."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exam_server.attempts.postgres_arrays import (
    PackedArray,
    booleans,
    byte_strings,
    integers,
    texts,
)
from rig.postgres import PostgresCluster

pytestmark = pytest.mark.postgres
#: What PostgreSQL keeps as text: anything but NUL and halves of characters.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
AS_THEY_ARE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def connection(postgres_cluster: PostgresCluster) -> Any:
    where = f"host={postgres_cluster.folder} user=postgres dbname=postgres"
    with psycopg.connect(where) as opened:
        yield opened


def read_back(connection: Any, kind: str, packed: PackedArray) -> list[Any]:
    row = connection.execute(f"SELECT %b::{kind}[]", (packed,)).fetchone()
    return list(row[0])


@AS_THEY_ARE
@given(
    st.lists(TEXT | st.sampled_from(["NULL", "", '"', "{a,b}", "\\", "Nguyễn"])),
    st.lists(st.binary(max_size=300)),
    st.lists(st.integers(-(2**31), 2**31 - 1)),
    st.lists(st.booleans()),
)
def test_what_is_packed_is_what_postgresql_reads(
    connection: Any, words: list[str], data: list[bytes], numbers: list[int], flags: list[bool]
) -> None:
    assert read_back(connection, "varchar", texts(words)) == words
    assert read_back(connection, "bytea", byte_strings(data)) == data
    assert read_back(connection, "int", integers(numbers)) == numbers
    assert read_back(connection, "bool", booleans(flags)) == flags


def test_an_array_of_another_kind_is_refused(connection: Any) -> None:
    with pytest.raises(psycopg.errors.DatatypeMismatch):
        read_back(connection, "int", texts(["1"]))
