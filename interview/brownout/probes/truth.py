"""Reference features, computed by the proctor itself from the events that really happened."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ontime.contract import FRESH_VIEWS, SLOW_VIEWS
from ontime.features import (
    EVENT_TABLES,
    assemble,
    entity_keys,
    entity_of,
    events_connection,
    fresh_rows_each,
    local_midnight,
    slow_rows,
    tick,
    training_frame,
    value_columns,
)
from ontime.warehouse import TIMESTAMP

Row = Mapping[str, Any]
Rows = Mapping[str, Row]
"""Feature rows of one view by entity key."""

FRESH_REACH = timedelta(hours=75)
SLOW_REACH = timedelta(days=60)
AHEAD, BEHIND = timedelta(hours=24), timedelta(hours=48)
"""Announcements are read this far around a moment, so that they are read anew only once a world day."""
TOGETHER = 12
"""Grid points that are computed at once: it takes hardly longer than for one, and all of them will be asked for."""
KEPT_DOZENS, KEPT_TICKS, KEPT_MIDNIGHTS = 3, 16, 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Announced(NamedTuple):
    """Schedules known before `until`, and the number of each flight's row: a table is a tenth of its rows as dicts."""

    until: datetime
    rows: pa.Table
    numbers: dict[str, int]


class Truth:
    """The canonical events in `data`, and the features that follow from them. Not safe for several threads."""

    def __init__(self, data: Path, every_minutes: int = 5) -> None:
        self._data = data
        self.every_minutes = every_minutes
        self._dozens: OrderedDict[datetime, dict[str, pa.Table]] = OrderedDict()
        self._fresh: OrderedDict[datetime, dict[str, Rows]] = OrderedDict()
        self._slow: OrderedDict[datetime, dict[str, Rows]] = OrderedDict()
        self._announced: _Announced | None = None

    def events(self, table: str, since: datetime, until: datetime) -> pa.Table:
        """Canonical rows that became available in [since, until), in the warehouse's schema; nothing else is read."""
        kept: list[pa.Table] = []
        with pq.ParquetFile(self._data / f"{table}.parquet") as file:
            column = file.schema_arrow.get_field_index("available_at")
            for group in range(file.num_row_groups):
                known = file.metadata.row_group(group).column(column).statistics
                if known is not None and (known.max < since or known.min >= until):
                    continue
                rows = file.read_row_group(group, use_threads=False)
                low, high = (pa.scalar(moment, rows["available_at"].type) for moment in (since, until))
                inside = pc.and_(pc.greater_equal(rows["available_at"], low), pc.less(rows["available_at"], high))
                kept.append(rows.filter(inside))
            return pa.concat_tables([file.schema_arrow.empty_table(), *kept])

    def connection(self, since: datetime, until: datetime) -> duckdb.DuckDBPyConnection:
        found = events_connection({name: self.events(name, since, until) for name in EVENT_TABLES})
        found.execute("SET threads = 1")
        return found

    def fresh(self, at: datetime) -> dict[str, Rows]:
        """Rows of the fresh views at the grid point `at`, by view and entity."""
        if at not in self._fresh:
            mine = pa.scalar(at, TIMESTAMP)
            self._fresh[at] = {
                view: _by_entity(view, rows.filter(pc.equal(rows["created_at"], mine)))
                for view, rows in self._dozen(at).items()
            }
            _bound(self._fresh, KEPT_TICKS)
        return self._fresh[at]

    def _dozen(self, at: datetime) -> dict[str, pa.Table]:
        """Rows of the fresh views at `at` and the grid points around it."""
        step = timedelta(minutes=self.every_minutes)
        first = at - (at - EPOCH) % (step * TOGETHER)
        if first not in self._dozens:
            ticks = [first + step * i for i in range(TOGETHER)]
            # Opened anew each time: one that is kept holds 25 MB.
            with closing(self.connection(first - FRESH_REACH, ticks[-1] + step)) as connection:
                self._dozens[first] = fresh_rows_each(connection, ticks)
            _bound(self._dozens, KEPT_DOZENS)
        return self._dozens[first]

    def slow(self, midnight: datetime) -> dict[str, Rows]:
        """Rows of the slow views as of a New York midnight, by view and entity."""
        if midnight not in self._slow:
            with closing(self.connection(midnight - SLOW_REACH, midnight)) as connection:
                rows = slow_rows(connection, midnight)
            self._slow[midnight] = {view: _by_entity(view, found) for view, found in rows.items()}
            _bound(self._slow, KEPT_MIDNIGHTS)
        return self._slow[midnight]

    def flight(self, flight_id: str, around: datetime) -> Row | None:
        """The flight as it was really announced; None when there is no such flight."""
        if self._announced is None or around >= self._announced.until:
            rows = self.events("schedules", around - BEHIND, around + AHEAD)
            numbers = {name: number for number, name in enumerate(rows["flight_id"].to_pylist())}
            self._announced = _Announced(around + AHEAD, rows, numbers)
        number = self._announced.numbers.get(flight_id)
        return None if number is None else self._announced.rows.slice(number, 1).to_pylist()[0]

    def ticks_before(self, moment: datetime, count: int) -> list[datetime]:
        """The last `count` grid points at or before `moment`, newest first."""
        newest = tick(moment, self.every_minutes)
        return [newest - timedelta(minutes=self.every_minutes) * i for i in range(count)]

    def midnights_before(self, moment: datetime, count: int) -> list[datetime]:
        """The last `count` New York midnights at or before `moment`, newest first."""
        found = [local_midnight(moment)]
        while len(found) < count:
            found.append(local_midnight(found[-1] - timedelta(hours=1)))
        return found

    def matrix(self, asked: Sequence[tuple[Row, datetime, datetime]]) -> npt.NDArray[np.float32]:
        """Reference features of flights, each read at a grid point and a midnight: (flight, tick, midnight)."""
        requests: dict[str, list[Any]] = {
            name: [flight[name] for flight, _, _ in asked]
            for name in ("origin", "sched_dep_at", "distance_miles", "scheduled_minutes")
        }
        views: dict[str, list[Any]] = {name: [] for view in (*FRESH_VIEWS, *SLOW_VIEWS) for name in value_columns(view)}
        for flight, at, midnight in asked:
            keys = entity_keys(
                flight["origin"],
                flight["destination"],
                flight["carrier"],
                flight["tail_number"],
                flight["sched_dep_at"],
            )
            rows = self.fresh(at) | self.slow(midnight)
            for view, key in keys.items():
                row = rows[view].get(key, {}) if key is not None else {}
                for name in value_columns(view):
                    views[name].append(row.get(name))
        numbers = {name: _column(name, values) for name, values in views.items()}
        return assemble(requests, numbers)

    def known_flights(self, since: datetime, until: datetime) -> pa.Table:
        """`ontime.features.training_frame` over flights scheduled in [since, until), labels included."""
        connection = self.connection(since - timedelta(days=60), until + timedelta(days=1))
        try:
            return training_frame(connection, since, until)
        finally:
            connection.close()


def _column(name: str, values: list[Any]) -> Any:
    return values if name.endswith("_at") else np.array([np.nan if v is None else v for v in values], np.float64)


def _by_entity(view: str, rows: pa.Table) -> Rows:
    entity = entity_of(view)
    return {row[entity]: row for row in rows.to_pylist()}


def _bound(kept: OrderedDict[datetime, Any], size: int) -> None:
    while len(kept) > size:
        kept.popitem(last=False)


def moment(world_seconds: float) -> datetime:
    return datetime.fromtimestamp(world_seconds, UTC)
