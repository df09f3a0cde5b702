"""Columns of many rows as PostgreSQL's own binary arrays, for statements that `unnest` them.

psycopg looks at each element for what it may be, and quotes it: measured, that was the largest part
of the committer's own time. Here the statement's cast says what a column is (``%b::varchar[]``).
"""

import struct
from collections.abc import Iterable, Sequence

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = struct.Struct(">iiIii")
_INTEGER = struct.Struct(">i")
#: The elements' types, as PostgreSQL numbers them (pg_type).
_BOOL, _BYTEA, _INT4, _VARCHAR = 16, 17, 23, 1043


class PackedArray(bytes):
    """An array of one dimension, without nulls, in the form of PostgreSQL's `array_recv`."""


class _PackedDumper(Dumper):
    """Sends it as it is; the type is the cast's."""

    format = Format.BINARY

    def dump(self, obj: PackedArray) -> bytes:
        return bytes(obj)


psycopg.adapters.register_dumper(PackedArray, _PackedDumper)


def texts(values: Iterable[str]) -> PackedArray:
    """For ``varchar[]``."""
    return _packed(_VARCHAR, [value.encode() for value in values])


def byte_strings(values: Sequence[bytes]) -> PackedArray:
    """For ``bytea[]``."""
    return _packed(_BYTEA, values)


def integers(values: Iterable[int]) -> PackedArray:
    """For ``int[]``; struct.error beyond 32 bits."""
    return _packed(_INT4, [_INTEGER.pack(value) for value in values])


def booleans(values: Iterable[bool]) -> PackedArray:
    """For ``bool[]``."""
    return _packed(_BOOL, [b"\1" if value else b"\0" for value in values])


def _packed(element: int, values: Sequence[bytes]) -> PackedArray:
    pieces = [_HEAD.pack(1, 0, element, len(values), 1)]
    for value in values:
        pieces += (_INTEGER.pack(len(value)), value)
    return PackedArray(b"".join(pieces))
