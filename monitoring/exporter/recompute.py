"""Features of served predictions, computed again from the warehouse's events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ontime.contract import FRESH_VIEWS, SLOW_VIEWS
from ontime.features import (
    KEY_COLUMNS,
    assemble,
    columns,
    entity_of,
    load_events,
    point_in_time,
    slow_rows,
    value_columns,
)
from ontime.features.keys import with_keys
from ontime.figures import Array
from ontime.warehouse import TABLES, Warehouse

FRESH_HISTORY = timedelta(days=3)
"""Events behind a fresh row: at most 72 hours old."""
SLOW_HISTORY = timedelta(days=57)
"""Events behind a slow row."""
MIDNIGHTS_KEPT = 3
TICKED_VIEWS = ("origin_fresh", "destination_fresh", "carrier_fresh")
"""Fresh views with a row at each tick: their timestamp says which tick was read. The others' says something else."""
FLIGHT_COLUMNS = TABLES["schedules"].schema.names[4:]


@contextmanager
def _events(warehouse: Warehouse, since: datetime) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = load_events(warehouse, since.date())
    try:
        connection.execute("SET threads = 1")
        yield connection
    finally:
        connection.close()


class Recomputation:
    """Fresh features are computed anew each time; slow ones once a midnight, since they cost weeks of events."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._slow: dict[datetime, dict[str, pa.Table]] = {}

    def matrix(self, rows: pa.Table) -> Array:
        """Vectors [n, features] in contract order for rows of the prediction log, as of the moments they name."""
        views = self._fresh(rows)
        keyed = with_keys(rows)
        for view in SLOW_VIEWS:
            views |= self._slow_view(view, keyed)
        flights = columns(rows.select(FLIGHT_COLUMNS))
        matrix: Array = assemble(flights, views).astype(np.float64)
        return matrix

    def _fresh(self, rows: pa.Table) -> dict[str, np.ndarray]:
        """Columns of the fresh views: each ticked view as of its own tick, the others as of the origin's."""
        found: dict[str, np.ndarray] = {}
        oldest = pc.min(rows["origin_fresh_at"]).as_py()
        with _events(self._warehouse, oldest - FRESH_HISTORY) as connection:
            at_origins_tick = columns(self._as_of(connection, rows, "origin_fresh_at"))
            for view in FRESH_VIEWS:
                same_tick = view not in TICKED_VIEWS or rows[f"{view}_at"].equals(rows["origin_fresh_at"])
                known = at_origins_tick if same_tick else columns(self._as_of(connection, rows, f"{view}_at"))
                found |= {name: known[name] for name in value_columns(view)}
        return found

    @staticmethod
    def _as_of(connection: duckdb.DuckDBPyConnection, rows: pa.Table, tick_column: str) -> pa.Table:
        tick = pc.coalesce(rows[tick_column], rows["origin_fresh_at"])
        requests = rows.select(FLIGHT_COLUMNS).append_column("fresh_at", tick).append_column("slow_at", tick)
        return point_in_time(connection, requests)

    def _slow_view(self, view: str, keyed: pa.Table) -> dict[str, np.ndarray]:
        midnights = keyed[f"{view}_at"].to_pylist()
        keys = keyed[KEY_COLUMNS[view]].to_pylist()
        names = value_columns(view)
        found = {name: np.full(len(keys), np.nan) for name in names}
        for midnight in {moment for moment in midnights if moment is not None}:
            table = self._slow_rows(midnight)[view]
            position = {key: index for index, key in enumerate(table[entity_of(view)].to_pylist())}
            values = [table[name].to_numpy() for name in names]
            for row, key in enumerate(keys):
                if midnights[row] == midnight and key in position:
                    for name, column in zip(names, values, strict=True):
                        found[name][row] = column[position[key]]
        return found

    def _slow_rows(self, midnight: datetime) -> dict[str, pa.Table]:
        if midnight not in self._slow:
            with _events(self._warehouse, midnight - SLOW_HISTORY) as connection:
                self._slow[midnight] = slow_rows(connection, midnight)
            for old in sorted(self._slow)[:-MIDNIGHTS_KEPT]:
                del self._slow[old]
        return self._slow[midnight]
