"""Features of many flights, each as it could have been read at its own moment."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from ontime.contract import FRESH_VIEWS, VIEWS
from ontime.errors import ContractError
from ontime.features.keys import KEY_COLUMNS, with_keys
from ontime.features.views import definition, registered, value_columns
from ontime.warehouse import TIMESTAMP

REQUEST_COLUMNS = ("origin", "destination", "carrier", "tail_number", "sched_dep_at", "fresh_at", "slow_at")


def _moment(view: str) -> str:
    return "fresh_at" if view in FRESH_VIEWS else "slow_at"


def point_in_time(connection: duckdb.DuckDBPyConnection, requests: pa.Table) -> pa.Table:
    """Adds every view's columns, `<view>_at` (null when there is no row) and `available_at_max`, in the same order.

    `requests` has the flight's columns, `fresh_at` (the tick that fresh features are read from) and `slow_at` (the
    local midnight of the slow ones), all times `timestamp[us, tz=UTC]`. `available_at_max` is the latest available_at
    of any event behind the row. Raises `ContractError` when a column is missing.
    """
    missing = [name for name in REQUEST_COLUMNS if name not in requests.column_names]
    if missing:
        raise ContractError(f"Requests lack the columns {missing}. Expected {list(REQUEST_COLUMNS)}.")
    asked = with_keys(requests).append_column("position", pa.array(range(requests.num_rows), pa.int64()))
    with registered(connection, "requests", asked):
        try:
            for view in VIEWS:
                _compute(connection, view)
            result = connection.sql(_joined(requests)).to_arrow_table()
        finally:
            for view in VIEWS:
                connection.execute(f"DROP TABLE IF EXISTS {view}_rows")
    return result.cast(_with_utc(result.schema))


def _compute(connection: duckdb.DuckDBPyConnection, view: str) -> None:
    key = KEY_COLUMNS[view]
    moments = f"SELECT DISTINCT {key} AS key, {_moment(view)} AS as_of FROM requests WHERE {key} IS NOT NULL"  # noqa: S608
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {view}_rows AS {definition(view, moments)}")


def _joined(requests: pa.Table) -> str:
    columns = [f"requests.{name}" for name in requests.column_names]
    joins, available = [], []
    for view in VIEWS:
        columns += [f"{view}_rows.{name}" for name in value_columns(view)]
        columns.append(f"{view}_rows.event_timestamp AS {view}_at")
        available.append(f"{view}_rows.last_available_at")
        joins.append(
            f"LEFT JOIN {view}_rows ON {view}_rows.key = requests.{KEY_COLUMNS[view]} "
            f"AND {view}_rows.as_of = requests.{_moment(view)}"
        )
    return (
        f"SELECT {', '.join(columns)}, greatest({', '.join(available)}) AS available_at_max "  # noqa: S608
        f"FROM requests {' '.join(joins)} ORDER BY position"
    )


def _with_utc(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(f.name, TIMESTAMP) if pa.types.is_timestamp(f.type) else f for f in schema])
