"""Rows of the feature views at given moments.

Every view has one SQL definition over a relation `moments(key, as_of)`. Whoever needs features chooses the moments:
one tick, many ticks, or the time at which each flight of a year was asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from string import Template
from typing import Final

import duckdb
import pyarrow as pa

from ontime.contract import FRESH_VIEWS, SLOW_VIEWS
from ontime.features.events import naive
from ontime.features.keys import KEY_COLUMNS
from ontime.features.sql import statement
from ontime.warehouse import TABLES, TIMESTAMP

KNOWN_FOR = timedelta(hours=72)
"""An airport or carrier is known while a flight of it was announced this recently."""
_KNOWN_HOURS = KNOWN_FOR // timedelta(hours=1)
AIRCRAFT_FOR = timedelta(hours=48)
"""How far back the first tick of a history looks for arrivals of aircraft."""

_KNOWN_KEYS: Final = {
    "origin_fresh": "origin",
    "destination_fresh": "destination",
    "carrier_fresh": "carrier",
    "weather_fresh": "origin",
}


def entity_of(view: str) -> str:
    """The entity column of a view, as the warehouse names it."""
    return str(TABLES[view].schema.names[0])


def value_columns(view: str) -> tuple[str, ...]:
    """The view's features, without entity and timestamps."""
    return tuple(n for n in TABLES[view].schema.names if n not in (entity_of(view), "event_timestamp", "created_at"))


def definition(view: str) -> str:
    """The SQL of a view over `moments(key, as_of)`: key, as_of, features, event_timestamp, last_available_at."""
    if view not in SLOW_VIEWS:
        return statement(view)
    kind = view.removesuffix("_slow")
    values = ", ".join(f"{column.removeprefix(kind + '_')} AS {column}" for column in value_columns(view))
    body = Template(statement("slow")).substitute(key=KEY_COLUMNS[view])
    return f"SELECT key, as_of, {values}, event_timestamp, last_available_at FROM ({body})"  # noqa: S608


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> Iterator[None]:
    """Makes `rows` a relation for the length of a block, with naive UTC times."""
    connection.register(name, naive(rows))
    try:
        yield
    finally:
        connection.unregister(name)


def rows_at(connection: duckdb.DuckDBPyConnection, view: str, moments: str) -> pa.Table:
    """The view's rows, in the warehouse's schema, at `moments`: a query for (key, as_of)."""
    columns = ", ".join(value_columns(view))
    result = connection.sql(
        f"WITH moments AS MATERIALIZED ({moments}) "  # noqa: S608
        f"SELECT DISTINCT ON (key, event_timestamp) "
        f"key AS {entity_of(view)}, event_timestamp, as_of AS created_at, {columns} "
        f"FROM ({definition(view)}) ORDER BY key, event_timestamp, as_of"
    ).to_arrow_table()
    return result.cast(TABLES[view].schema)


def _known(view: str) -> str:
    if view == "aircraft_fresh":
        return (
            "SELECT DISTINCT tail_number AS key, as_of FROM arrivals "
            "JOIN ticks ON available_at > since AND available_at <= as_of WHERE tail_number IS NOT NULL"
        )
    return (
        f"SELECT DISTINCT {_KNOWN_KEYS[view]} AS key, as_of FROM schedules "  # noqa: S608
        f"JOIN ticks ON available_at <= as_of AND available_at >= as_of - INTERVAL {_KNOWN_HOURS} HOUR"
    )


def _fresh(connection: duckdb.DuckDBPyConnection, ticks: Sequence[datetime], since: datetime) -> dict[str, pa.Table]:
    moments = pa.table(
        {
            "as_of": pa.array(ticks, TIMESTAMP),
            "since": pa.array([since, *ticks[:-1]], TIMESTAMP),
        }
    )
    with registered(connection, "ticks", moments):
        return {view: rows_at(connection, view, _known(view)) for view in FRESH_VIEWS}


def fresh_rows(
    connection: duckdb.DuckDBPyConnection, at: datetime, since: datetime | None = None
) -> dict[str, pa.Table]:
    """Rows of the fresh views at tick `at`, from events available by then, in the warehouse's schemas.

    Every airport and carrier with a flight announced in the last 72 hours gets a row; an aircraft only when an arrival
    of it became available after `since` (within 48 hours when None). A weather row keeps the time of its observation.
    """
    return _fresh(connection, [at], since or at - AIRCRAFT_FOR)


def fresh_history(connection: duckdb.DuckDBPyConnection, ticks: Sequence[datetime]) -> dict[str, pa.Table]:
    """What `fresh_rows` would have written at each of `ticks` (ascending), every tick following the one before."""
    if not ticks:
        return {view: TABLES[view].schema.empty_table() for view in FRESH_VIEWS}
    return _fresh(connection, ticks, ticks[0] - AIRCRAFT_FOR)


def slow_rows(connection: duckdb.DuckDBPyConnection, *midnights: datetime) -> dict[str, pa.Table]:
    """Rows of the slow views as of each local midnight, for every key with an arrival in the 56 days before.

    Windows are the 28 and 7 local days before: an arrival available at the midnight itself is not in them.
    """
    moments = pa.table({"as_of": pa.array(midnights, TIMESTAMP)})
    with registered(connection, "midnights", moments):
        return {
            view: rows_at(
                connection,
                view,
                f"SELECT key, as_of FROM (SELECT DISTINCT {KEY_COLUMNS[view]} AS key FROM outcomes), midnights "  # noqa: S608
                "WHERE key IS NOT NULL",
            )
            for view in SLOW_VIEWS
        }
