"""The warehouse: parquet tables in one directory, one file a table and UTC day (or hour), read with DuckDB.
The prediction log has a few files an hour: one or more for each serving process.

Each table has exactly one writing component; its processes take turns through a lock. A file is replaced
atomically (temporary file, fsync, rename), so that a reader sees the old or the new one. Timestamps are
`timestamp[us, tz=UTC]`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ontime.contract import FEATURES
from ontime.errors import UnknownNameError, WarehouseError
from ontime.files import replacing

TIMESTAMP = pa.timestamp("us", tz="UTC")
_EVENT = [("event_id", pa.string()), ("event_time", TIMESTAMP), ("available_at", TIMESTAMP), ("ingested_at", TIMESTAMP)]
_FLIGHT = [
    ("flight_id", pa.string()),
    ("origin", pa.string()),
    ("destination", pa.string()),
    ("carrier", pa.string()),
    ("flight_number", pa.int32()),
    ("tail_number", pa.string()),
    ("sched_dep_at", TIMESTAMP),
    ("distance_miles", pa.float64()),
    ("scheduled_minutes", pa.float64()),
]


@dataclass(frozen=True, slots=True)
class Table:
    """`time` is the column whose UTC day (or hour) names the file; `key` makes writes idempotent."""

    name: str
    writer: str
    time: str
    key: tuple[str, ...]
    schema: pa.Schema
    grain: Literal["day", "hour"] = "day"

    @property
    def stem_format(self) -> str:
        return "%Y-%m-%d" if self.grain == "day" else "%Y-%m-%dT%H"


def _view(name: str, entity: list[str], columns: list[tuple[str, pa.DataType]], writer: str) -> Table:
    fields = [(e, pa.string()) for e in entity]
    fields += [("event_timestamp", TIMESTAMP), ("created_at", TIMESTAMP), *columns]
    return Table(name, writer, "event_timestamp", (*entity, "event_timestamp"), pa.schema(fields))


def _f(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.float64()) for name in names]


TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table("schedules", "ingest", "available_at", ("flight_id",), pa.schema([*_EVENT, *_FLIGHT])),
        Table(
            "departures",
            "ingest",
            "available_at",
            ("event_id",),
            pa.schema(
                [
                    *_EVENT,
                    ("flight_id", pa.string()),
                    ("origin", pa.string()),
                    ("carrier", pa.string()),
                    *_f("dep_delay_minutes"),
                ]
            ),
        ),
        Table(
            "arrivals",
            "ingest",
            "available_at",
            ("event_id",),
            pa.schema(
                [
                    *_EVENT,
                    ("flight_id", pa.string()),
                    ("origin", pa.string()),
                    ("destination", pa.string()),
                    ("carrier", pa.string()),
                    ("tail_number", pa.string()),
                    *_f("arr_delay_minutes", "taxi_minutes"),
                ]
            ),
        ),
        Table(
            "cancellations",
            "ingest",
            "available_at",
            ("event_id",),
            pa.schema(
                [
                    *_EVENT,
                    ("flight_id", pa.string()),
                    ("origin", pa.string()),
                    ("carrier", pa.string()),
                    ("outcome", pa.string()),
                ]
            ),
        ),
        Table(
            "weather",
            "ingest",
            "available_at",
            ("event_id",),
            pa.schema(
                [
                    *_EVENT,
                    ("airport", pa.string()),
                    *_f(
                        "wind_speed_mph",
                        "wind_gust_mph",
                        "visibility_miles",
                        "precipitation_inches",
                        "humidity_percent",
                        "temperature_f",
                    ),
                ]
            ),
        ),
        Table(
            "dead_letters",
            "ingest",
            "received_at",
            ("received_at", "event_id", "raw"),
            pa.schema(
                [
                    ("received_at", TIMESTAMP),
                    ("event_id", pa.string()),
                    ("kind", pa.string()),
                    ("field", pa.string()),
                    ("reason", pa.string()),
                    ("raw", pa.string()),
                ]
            ),
        ),
        _view(
            "origin_fresh",
            ["airport"],
            _f(
                "origin_dep_delay_mean_1h",
                "origin_dep_delay_mean_3h",
                "origin_late_share_1h",
                "origin_departures_1h",
                "origin_queue",
                "origin_cancellations_6h",
                "origin_taxi_mean_3h",
                "origin_scheduled_next_2h",
            ),
            "ingest",
        ),
        _view("destination_fresh", ["airport"], _f("destination_arr_delay_mean_6h"), "ingest"),
        _view("carrier_fresh", ["carrier"], _f("carrier_dep_delay_mean_3h"), "ingest"),
        _view(
            "aircraft_fresh",
            ["aircraft"],
            [*_f("aircraft_prev_arr_delay"), ("aircraft_prev_arrived_at", TIMESTAMP)],
            "ingest",
        ),
        _view(
            "weather_fresh",
            ["airport"],
            _f("wind_speed_mph", "wind_gust_mph", "visibility_miles", "precipitation_inches", "humidity_percent"),
            "ingest",
        ),
        _view(
            "route_slow",
            ["route"],
            _f("route_late_rate_28d", "route_mean_delay_28d", "route_flights_28d"),
            "build_features",
        ),
        _view(
            "carrier_slow",
            ["carrier"],
            _f("carrier_late_rate_28d", "carrier_late_rate_7d", "carrier_mean_delay_28d"),
            "build_features",
        ),
        _view(
            "origin_hour_slow",
            ["origin_hour"],
            _f("origin_hour_late_rate_28d", "origin_hour_mean_delay_28d"),
            "build_features",
        ),
        _view("aircraft_slow", ["aircraft"], _f("aircraft_late_rate_28d", "aircraft_mean_delay_28d"), "build_features"),
        Table(
            "predictions",
            "serving",
            "predicted_at",
            ("prediction_id",),
            pa.schema(
                [
                    ("prediction_id", pa.string()),
                    ("request_id", pa.string()),
                    ("predicted_at", TIMESTAMP),
                    ("wall_at", TIMESTAMP),
                    *_FLIGHT,
                    *[(f.name, pa.float64()) for f in FEATURES if f.view != "request" or f.name not in dict(_FLIGHT)],
                    *[
                        (f"{view}_at", TIMESTAMP)
                        for view in dict.fromkeys(f.view for f in FEATURES if f.view != "request")
                    ],
                    ("late_probability", pa.float64()),
                    ("model_version", pa.string()),
                    ("previous_probability", pa.float64()),
                    ("previous_version", pa.string()),
                    ("degraded", pa.bool_()),
                    ("reasons", pa.string()),
                    ("batch_size", pa.int32()),
                    ("latency_ms", pa.float64()),
                    ("revision", pa.string()),
                ]
            ),
            grain="hour",
        ),
        Table(
            "batch_scores",
            "batch_score",
            "scored_at",
            ("flight_id", "scored_at"),
            pa.schema(
                [
                    ("flight_id", pa.string()),
                    ("scored_at", TIMESTAMP),
                    ("origin", pa.string()),
                    ("sched_dep_at", TIMESTAMP),
                    ("late_probability", pa.float64()),
                    ("model_version", pa.string()),
                ]
            ),
        ),
    )
}


def table(name: str) -> Table:
    try:
        return TABLES[name]
    except KeyError:
        raise UnknownNameError.of("table", name, TABLES) from None


class Warehouse:
    """Reads and writes the tables under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self, name: str, since: date | None = None, until: date | None = None) -> list[Path]:
        """The table's files, oldest first, of UTC days since ≤ day ≤ until."""
        found = sorted((self.root / table(name).name).glob("????-??-??*.parquet"))
        low, high = (since.isoformat() if since else ""), (until.isoformat() if until else "9999")
        return [path for path in found if low <= path.stem[:10] <= high]

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        lock = self.root / name / ".lock"
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            handle = lock.open("w")
        except OSError as error:
            raise WarehouseError(f"Table {name!r} cannot be written: {error}") from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def write(self, name: str, rows: pa.Table) -> int:
        """Merges `rows` into the files they belong to, a later row winning over an earlier one of the same key.

        Returns how many files were replaced. Raises `WarehouseError` when the rows do not fit the table's schema.
        """
        spec = table(name)
        with self._turn(name):
            parts = _parts(rows, spec)
            for stem, part in parts.items():
                path = self.root / name / f"{stem}.parquet"
                if path.exists():
                    part = pa.concat_tables([self._read_file(path, spec), part])
                replace_file(path, _last_per_key(part, spec))
        return len(parts)

    def replace(self, name: str, rows: pa.Table) -> None:
        """Makes `rows` the whole content of the table; files without rows are removed."""
        spec = table(name)
        with self._turn(name):
            parts = _parts(rows, spec)
            for stem, part in parts.items():
                replace_file(self.root / name / f"{stem}.parquet", part)
            for path in self.files(name):
                if path.stem not in parts:
                    path.unlink()

    def _read_file(self, path: Path, spec: Table) -> pa.Table:
        try:
            return pq.read_table(path, schema=spec.schema, partitioning=None)
        except (pa.ArrowInvalid, OSError) as error:
            raise WarehouseError(
                f"Table {spec.name!r}: {path} cannot be read ({error}). Move it away and repair it from the landing."
            ) from error

    def read(self, name: str, since: date | None = None, until: date | None = None) -> pa.Table:
        """All rows of the given UTC days; an empty table of the right schema when there are none."""
        spec = table(name)
        parts = [self._read_file(path, spec) for path in self.files(name, since, until)]
        return pa.concat_tables(parts) if parts else spec.schema.empty_table()

    def connect(self, names: tuple[str, ...] = (), since: date | None = None) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB (session time zone UTC) with one relation a table, over the files since `since`."""
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        for name in names or tuple(TABLES):
            connection.register(name, self.read(name, since))
        return connection


class PartWriter:
    """Appends to one table without reading it back or waiting for a lock: for one process that writes often.

    Rows go to this writer's own files, `<hour or day>.<writer>-<n>.parquet`. Only the newest of them is ever
    replaced, and a new one is begun at `max_rows`, so a write costs the same however large the table is. Not for rows
    that may come twice: keys are not compared.
    """

    def __init__(self, warehouse: Warehouse, name: str, writer: str, max_rows: int = 1_000) -> None:
        self._directory = warehouse.root / table(name).name
        self._spec = table(name)
        self._writer = writer
        self._max_rows = max_rows
        self._texts = [field.name for field in self._spec.schema if pa.types.is_string(field.type)]
        """Only these repeat enough for a dictionary to pay."""
        self._stem = ""
        self._open = self._spec.schema.empty_table()
        self._number = -1

    def append(self, rows: pa.Table) -> None:
        """Raises `WarehouseError` when the rows do not fit the table's schema or a file cannot be written; what was
        written before stays as it is."""
        for stem, part in _parts(rows, self._spec).items():
            begin = stem != self._stem or self._open.num_rows >= self._max_rows
            whole = part if begin else pa.concat_tables([self._open, part]).combine_chunks()
            number = self._number + begin
            replace_file(self._directory / f"{stem}.{self._writer}-{number}.parquet", whole, self._texts)
            self._stem, self._open, self._number = stem, whole, number


def replace_file(path: Path, rows: pa.Table, dictionary: list[str] | Literal[True] = True) -> None:
    """Writes `rows` as parquet at `path`: temporary file in the same directory, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path) as draft:
            pq.write_table(rows, draft, compression="zstd", use_dictionary=dictionary)
            with draft.open("rb") as handle:
                os.fsync(handle.fileno())
    except OSError as error:
        raise WarehouseError(f"{path} cannot be written: {error}") from error


def _parts(rows: pa.Table, spec: Table) -> dict[str, pa.Table]:
    try:
        rows = rows.select(spec.schema.names).cast(spec.schema)
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise WarehouseError(f"Rows for table {spec.name!r} do not fit its schema: {error}") from error
    stems = pc.strftime(rows[spec.time], format=spec.stem_format)
    return {stem: rows.filter(pc.equal(stems, stem)) for stem in sorted(pc.unique(stems).to_pylist())}


def _last_per_key(rows: pa.Table, spec: Table) -> pa.Table:
    order = pa.array(range(rows.num_rows), pa.int64())
    last = rows.append_column("__order", order).group_by(list(spec.key)).aggregate([("__order", "max")])
    return rows.take(last["__order_max"].sort())
