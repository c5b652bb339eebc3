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

FRESH_HISTORY: Final = timedelta(hours=72)
"""No fresh feature looks further back than this; an airport or carrier is known while a flight was announced since."""
SLOW_HISTORY: Final = timedelta(days=57)
"""No slow feature looks further back than this: 56 local days, one of which may have 25 hours."""
AIRCRAFT_HISTORY: Final = timedelta(hours=48)
"""How far back the first tick of a history looks for arrivals of aircraft."""

_SOURCES: Final = {
    "origin_fresh": ("schedules", "departures", "arrivals", "cancellations"),
    "destination_fresh": ("arrivals",),
    "carrier_fresh": ("departures",),
    "aircraft_fresh": ("arrivals",),
    "weather_fresh": ("weather",),
}
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


def _within(table: str, history: timedelta) -> str:
    """Shadows an event table with the part of it that rows at `moments` can depend on."""
    return (
        f"{table} AS (SELECT * FROM main.{table} "  # noqa: S608
        f"WHERE available_at <= (SELECT max(as_of) FROM moments) "
        f"AND available_at >= (SELECT min(as_of) FROM moments) - INTERVAL {history // timedelta(hours=1)} HOUR)"
    )


def definition(view: str, moments: str) -> str:
    """The SQL of a view at `moments`, a query for (key, as_of).

    Its columns: key, as_of, the view's features, event_timestamp, and last_available_at: when the latest event behind
    the row became available.
    """
    if view in SLOW_VIEWS:
        kind = view.removesuffix("_slow")
        values = ", ".join(f"{column.removeprefix(kind + '_')} AS {column}" for column in value_columns(view))
        events = [_within("outcomes", SLOW_HISTORY)]
        body = Template(statement("slow")).substitute(key=KEY_COLUMNS[view])
    else:
        values = ", ".join(value_columns(view))
        events = [_within(table, FRESH_HISTORY) for table in _SOURCES[view]]
        body = statement(view)
    return (
        f"WITH moments AS MATERIALIZED ({moments}), {', '.join(events)} "  # noqa: S608
        f"SELECT key, as_of, {values}, event_timestamp, last_available_at FROM ({body})"
    )


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> Iterator[None]:
    """Makes `rows` a relation for the length of a block, with naive UTC times."""
    connection.register(name, naive(rows))
    try:
        yield
    finally:
        connection.unregister(name)


def rows_at(connection: duckdb.DuckDBPyConnection, view: str, moments: str, each: bool = False) -> pa.Table:
    """The view's rows, in the warehouse's schema, at `moments`: a query for (key, as_of).

    Of rows with one key and event time the earliest moment's is enough, unless `each` moment is to have its own.
    """
    columns = ", ".join(value_columns(view))
    result = connection.sql(
        f"SELECT {'' if each else 'DISTINCT ON (key, event_timestamp)'} "  # noqa: S608
        f"key AS {entity_of(view)}, event_timestamp, as_of AS created_at, {columns} "
        f"FROM ({definition(view, moments)}) ORDER BY key, event_timestamp, as_of"
    ).to_arrow_table()
    return result.cast(TABLES[view].schema)


def _known(view: str) -> str:
    if view == "aircraft_fresh":
        return (
            "SELECT DISTINCT tail_number AS key, as_of FROM arrivals "
            "JOIN ticks ON available_at > since AND available_at <= as_of WHERE tail_number IS NOT NULL"
        )
    hours = FRESH_HISTORY // timedelta(hours=1)
    return (
        f"SELECT DISTINCT {_KNOWN_KEYS[view]} AS key, as_of FROM schedules "  # noqa: S608
        f"JOIN ticks ON available_at <= as_of AND available_at >= as_of - INTERVAL {hours} HOUR"
    )


def _fresh(
    connection: duckdb.DuckDBPyConnection, ticks: Sequence[datetime], since: Sequence[datetime], each: bool = False
) -> dict[str, pa.Table]:
    moments = pa.table({"as_of": pa.array(ticks, TIMESTAMP), "since": pa.array(since, TIMESTAMP)})
    with registered(connection, "ticks", moments):
        return {view: rows_at(connection, view, _known(view), each) for view in FRESH_VIEWS}


def fresh_rows(
    connection: duckdb.DuckDBPyConnection, at: datetime, since: datetime | None = None
) -> dict[str, pa.Table]:
    """Rows of the fresh views at tick `at`, from events available by then, in the warehouse's schemas.

    Every airport and carrier with a flight announced in the last 72 hours gets a row; an aircraft only when an arrival
    of it became available after `since` (within 48 hours when None). A weather row keeps the time of its observation.
    A caller whose events arrive late passes a `since` that is before the oldest event it has received since last tick.
    """
    return _fresh(connection, [at], [since or at - AIRCRAFT_HISTORY])


def fresh_rows_each(connection: duckdb.DuckDBPyConnection, ticks: Sequence[datetime]) -> dict[str, pa.Table]:
    """`fresh_rows` at each of `ticks`, all in about the time that one takes; `created_at` is the tick."""
    return _fresh(connection, ticks, [at - AIRCRAFT_HISTORY for at in ticks], each=True)


def fresh_history(connection: duckdb.DuckDBPyConnection, ticks: Sequence[datetime]) -> dict[str, pa.Table]:
    """What `fresh_rows` would have written at each of `ticks` (ascending), every tick following the one before."""
    if not ticks:
        return {view: TABLES[view].schema.empty_table() for view in FRESH_VIEWS}
    return _fresh(connection, ticks, [ticks[0] - AIRCRAFT_HISTORY, *ticks[:-1]])


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
