"""A PostgreSQL in which every distributed table lies in pieces, and its planner's own word on what
each statement read.

Partitions by centre stand for the machines of a distributed engine: PostgreSQL, too, refuses keys
that lack the column, and its plans name every partition that a statement has to look into.
`auto_explain` logs the plan of all that is executed, whoever sent it, foreign keys' checks too.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from exam_server.schema import METADATA
from exam_server.shards import SHARD_KEY, is_distributed
from rig.postgres import PostgresCluster

PIECES = 4
LOGGING = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "on",
}


def create_in_pieces(engine: Engine) -> None:
    """Every table of the models, the distributed ones in `PIECES` partitions by centre."""
    tables = sa.MetaData()
    for table in METADATA.sorted_tables:
        copy = table.to_metadata(tables)
        if is_distributed(table):
            # How pages are filled is said of the pieces, not of the whole.
            copy.dialect_options["postgresql"]["with"] = None
            copy.dialect_options["postgresql"]["partition_by"] = f"HASH ({SHARD_KEY})"
    tables.create_all(engine)
    with engine.begin() as connection:
        for table in filter(is_distributed, METADATA.sorted_tables):
            for piece in range(PIECES):
                connection.exec_driver_sql(
                    f"CREATE TABLE {table.name}_piece_{piece} PARTITION OF {table.name} "
                    f"FOR VALUES WITH (MODULUS {PIECES}, REMAINDER {piece})"
                )


@dataclass(frozen=True, slots=True)
class Planned:
    """One statement: its text, the tables that it touched, and into which pieces it looked."""

    text: str
    tables: frozenset[str]
    pieces: frozenset[str]


class Watched:
    """Reads the plans of what was executed since it was last asked."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self._log = cluster.folder / "postgres.log"
        self._read = 0

    def statements(self) -> list[Planned]:
        data = self._log.read_bytes()
        new, self._read = data[self._read :].decode(), len(data)
        return [planned(json.loads(text)) for text in _plans(new.splitlines())]


def _plans(lines: list[str]) -> Iterator[str]:
    """Each plan's JSON: the lines behind one that ends in ``plan:``, each begun by a tab."""
    gathered: list[str] | None = None
    for line in [*lines, "end"]:
        if gathered is not None and line.startswith("\t"):
            gathered.append(line)
            continue
        if gathered:
            yield "\n".join(gathered)
        gathered = [] if line.endswith("plan:") else None


def planned(entry: dict[str, Any]) -> Planned:
    names = set(_relations(entry["Plan"]))
    split = [name.rpartition("_piece_") for name in names]
    tables = {whole or piece for whole, _, piece in split}
    pieces = {piece for whole, _, piece in split if whole}
    return Planned(entry["Query Text"], frozenset(tables), frozenset(pieces))


def _relations(node: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in node:
        yield node["Relation Name"]
    for target in node.get("Target Tables", ()):
        yield target["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _relations(child)
