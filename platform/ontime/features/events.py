"""Events as DuckDB tables, from the warehouse, from arrow, or growing in memory.

Inside a connection times are naive UTC (`TIMESTAMP`), so that arithmetic on them is plain and fast;
what leaves this package is `timestamp[us, tz=UTC]` again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

import duckdb
import pyarrow as pa

from ontime.errors import UnknownNameError
from ontime.features.keys import with_keys
from ontime.features.sql import statement
from ontime.warehouse import TABLES, Warehouse

EVENT_TABLES: Final = ("schedules", "departures", "arrivals", "cancellations", "weather")
SCHEDULE_LEAD = timedelta(days=3)
"""Schedules are loaded from this much earlier, so that every loaded event finds its flight."""

_NAIVE = pa.timestamp("us")


def naive(rows: pa.Table) -> pa.Table:
    """The same rows with naive UTC timestamps."""
    fields = [pa.field(f.name, _NAIVE) if pa.types.is_timestamp(f.type) else f for f in rows.schema]
    return rows.cast(pa.schema(fields))


def _prepared(name: str, rows: pa.Table) -> pa.Table:
    rows = rows.select(TABLES[name].schema.names).cast(TABLES[name].schema)
    return naive(with_keys(rows) if name == "schedules" else rows)


def _check(name: str) -> str:
    if name not in EVENT_TABLES:
        raise UnknownNameError.of("event table", name, EVENT_TABLES)
    return name


def events_connection(tables: Mapping[str, pa.Table]) -> duckdb.DuckDBPyConnection:
    """A connection over event tables given as arrow in the warehouse's schemas; tables left out are empty."""
    for name in tables:
        _check(name)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(statement("constants"))
    for name in EVENT_TABLES:
        rows = tables.get(name, TABLES[name].schema.empty_table())
        connection.register("incoming", _prepared(name, rows))
        connection.execute(f"CREATE TABLE {name} AS FROM incoming")
        connection.unregister("incoming")
    connection.execute(statement("outcomes"))
    return connection


def load_events(warehouse: Warehouse, since: date | None = None) -> duckdb.DuckDBPyConnection:
    """A connection over the warehouse's events of UTC days from `since` on (all when None)."""
    first = since - SCHEDULE_LEAD if since else None
    return events_connection(
        {name: warehouse.read(name, first if name == "schedules" else since) for name in EVENT_TABLES}
    )


class RecentEvents:
    """Events of the last days, growing at one end and trimmed at the other: what a running ingest computes from.

    Not safe for use by several threads at once. Appending the same event twice counts it twice: deduplicate first.
    """

    def __init__(self) -> None:
        self.connection = events_connection({})
        self.connection.execute("SET threads = 1")

    def append(self, name: str, rows: pa.Table) -> None:
        """Adds rows in the schema of the warehouse's table `name`."""
        self.connection.register("incoming", _prepared(_check(name), rows))
        self.connection.execute(f"INSERT INTO {name} BY NAME FROM incoming")
        self.connection.unregister("incoming")

    def trim(self, before: datetime) -> None:
        """Forgets events that were available before `before`."""
        for name in EVENT_TABLES:
            self.connection.execute(
                f"DELETE FROM {name} WHERE available_at < ?::TIMESTAMPTZ::TIMESTAMP",  # noqa: S608
                [before],
            )

    def rows(self) -> int:
        return sum(
            self.connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]  # noqa: S608
            for name in EVENT_TABLES
        )
