"""Gives a platform that holds only events everything else that a healthy one has: features, models and a past.

For a warehouse filled in bulk up to the world's now. Done once, before ingest and serving start; afterwards the DAGs
and the fresh path continue. Every step can be repeated: rows are written by key, aliases move to the newest versions.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ontime.clock import Clock
from ontime.contract import FEATURE_NAMES, FRESH_VIEWS
from ontime.errors import WarehouseError
from ontime.features import (
    assemble,
    columns,
    fresh_history,
    load_events,
    local_midnight,
    point_in_time,
    requests_before_departure,
    slow_rows,
    tick,
    training_frame,
)
from ontime.features.training import FLIGHT_COLUMNS
from ontime.features.views import entity_of
from ontime.registry.model import CHAMPION, PREVIOUS, ModelVersion
from ontime.registry.reader import RegistryReader
from ontime.runtime.preparation import feature_registry
from ontime.runtime.reporter import Reporter
from ontime.scorer import Scorer
from ontime.settings import ROOT, Behaviour, Environment, TrainingBehaviour
from ontime.training.data import Frames
from ontime.training.window import Days, Window, local_day
from ontime.warehouse import TABLES, TIMESTAMP, Warehouse

log = logging.getLogger(__name__)

SLOW_MIDNIGHTS = 7
FRESH_HISTORY = timedelta(hours=48)
PREVIOUS_IS_OLDER_BY = timedelta(weeks=3)
HISTORY_DAYS = 14
LEAD = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made: `window` for the champion, `older` for the one before it, a log of predictions since `since`."""

    now: datetime
    window: Window
    older: Window
    since: datetime

    @classmethod
    def at(
        cls,
        now: datetime,
        training: TrainingBehaviour,
        trained_through: date | None = None,
        history_days: int = HISTORY_DAYS,
    ) -> Plan:
        """`trained_through` is the champion's last training day; default: what `Window.ending` gives at `now`."""
        through = trained_through or Window.ending(now, training).training.last
        window = window_through(through, now, training)
        older = window_through(through - PREVIOUS_IS_OLDER_BY, now, training)
        since = max(window.training.until, local_midnight(now) - timedelta(days=history_days))
        return cls(now, window, older, since)


def window_through(last: date, now: datetime, training: TrainingBehaviour) -> Window:
    """The window whose training days end with `last`: the held-out ones follow, as far as they are past."""
    first = last - timedelta(days=training.window_days - training.holdout_days - 1)
    yesterday = local_day(now) - timedelta(days=1)
    held_out = min(last + timedelta(days=training.holdout_days), yesterday)
    return Window(Days(first, last), Days(last + timedelta(days=1), held_out))


def bootstrap(
    environment: Environment,
    behaviour: Behaviour,
    reporter: Reporter,
    trained_through: date | None = None,
    history_days: int = HISTORY_DAYS,
) -> dict[str, float]:
    """Runs every step at the world's now; returns the seconds that each took. MLflow must be up, the rest down.

    The prediction log goes back `history_days`, but to no day that the champion was trained on.
    Raises `WarehouseError` when there are no events, `RegistryError` when MLflow is down, and `GateRefusedError` when
    the models that follow from the events are no good.
    """
    steps = Steps(reporter)
    warehouse = Warehouse(environment.warehouse)
    now = Clock(environment.clock).now()
    plan = Plan.at(now, behaviour.training, trained_through, history_days)
    with ThreadPoolExecutor(max_workers=1) as beside:
        store = beside.submit(feature_registry, environment, ROOT)
        with steps.step("events"):
            connection = load_events(warehouse)
            if not connection.sql("SELECT 1 FROM schedules LIMIT 1").fetchall():
                raise WarehouseError(f"{warehouse.root} holds no schedules. Fill the warehouse before the bootstrap.")
        with steps.step("slow and fresh features"):
            _write_slow(connection, warehouse, now)
            newest = _write_fresh(connection, warehouse, now, behaviour.ingest.fresh_every_minutes)
        with steps.step("feature store"):
            store.result()
    with steps.step("online store"):
        _fill_online(environment, newest, now)
    with steps.step("training features"):
        frames = training_frames(connection, plan)
    for window, name in ((plan.older, PREVIOUS), (plan.window, CHAMPION)):
        with steps.step(f"{name} model"):
            _register(environment, behaviour, warehouse, Frames(window, *frames[window]), plan)
    with steps.step("prediction log"):
        written = _write_predictions(environment, connection, warehouse, plan)
    connection.close()
    log.info("bootstrap at %s wrote %d predictions", now, written)
    return steps.seconds


class Steps:
    """Names, announces and times what is being done."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._reporter.doing(name, "working")
        began = monotonic()
        yield
        self.seconds[name] = round(monotonic() - began, 2)
        self._reporter.done(name, f"done in {self.seconds[name]:.1f} s")


def midnights_before(now: datetime, count: int) -> list[datetime]:
    """The last `count` New York midnights at or before `now`, oldest first."""
    found = [local_midnight(now)]
    while len(found) < count:
        found.append(local_midnight(found[-1] - timedelta(hours=12)))
    return found[::-1]


def ticks_before(now: datetime, every_minutes: int) -> list[datetime]:
    """The fresh grid's points within `FRESH_HISTORY` before `now`, oldest first."""
    last, step = tick(now, every_minutes), timedelta(minutes=every_minutes)
    return [last - i * step for i in range(FRESH_HISTORY // step, -1, -1)]


def _write_slow(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, now: datetime) -> None:
    for view, rows in slow_rows(connection, *midnights_before(now, SLOW_MIDNIGHTS)).items():
        warehouse.write(view, rows)


def _write_fresh(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, now: datetime, every_minutes: int
) -> dict[str, pa.Table]:
    """Stores the fresh views' rows of the last days; returns the newest row of each key."""
    history = fresh_history(connection, ticks_before(now, every_minutes))
    for view, rows in history.items():
        warehouse.write(view, rows)
    return {view: newest_per_key(rows, entity_of(view)) for view, rows in history.items()}


def newest_per_key(rows: pa.Table, key: str) -> pa.Table:
    """The row with the latest event_timestamp of each `key`."""
    ordered = rows.sort_by("event_timestamp").append_column("position", pa.array(range(rows.num_rows), pa.int64()))
    last = ordered.group_by(key).aggregate([("position", "max")])
    return ordered.take(last["position_max"]).drop_columns(["position"])


def _fill_online(environment: Environment, newest: dict[str, pa.Table], now: datetime) -> None:
    from ontime.online import OnlineFeatures

    online = OnlineFeatures.open(environment)
    online.materialize(now)
    for view in FRESH_VIEWS:
        online.push(view, newest[view])


def training_frames(connection: duckdb.DuckDBPyConnection, plan: Plan) -> dict[Window, tuple[pa.Table, pa.Table]]:
    """Training and held-out rows of both windows, out of features that are computed once."""
    first = min(plan.older.training.since, plan.window.training.since)
    rows = training_frame(connection, first, plan.window.holdout.until, known_by=plan.now)
    return {
        window: (scheduled_on(rows, window.training), scheduled_on(rows, window.holdout))
        for window in (plan.older, plan.window)
    }


def scheduled_on(rows: pa.Table, days: Days) -> pa.Table:
    moment = rows["sched_dep_at"]
    since, until = (pa.scalar(limit, TIMESTAMP) for limit in (days.since, days.until))
    return rows.filter(pc.and_(pc.greater_equal(moment, since), pc.less(moment, until)))


def _register(
    environment: Environment, behaviour: Behaviour, warehouse: Warehouse, frames: Frames, plan: Plan
) -> ModelVersion:
    """Trains, registers and promotes one model, each at the moment at which its held-out days were over."""
    from ontime.registry.promotion import promote
    from ontime.registry.writer import log_and_register
    from ontime.training.retrain import fit

    version = log_and_register(environment.mlflow_url, fit(frames, behaviour.training))
    present = min(frames.window.holdout.until, plan.now) if frames.window == plan.older else plan.now
    promote(version.version, url=environment.mlflow_url, warehouse=warehouse, behaviour=behaviour, present=present)
    return version


def _write_predictions(
    environment: Environment, connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, plan: Plan
) -> int:
    """The prediction log as if both models had been asked about every flight an hour ahead; returns its rows."""
    flights = flights_asked_about(connection, plan.since, plan.now)
    with RegistryReader(environment.mlflow_url) as reader, TemporaryDirectory(prefix="ontime-bootstrap-") as scratch:
        champion, previous = (_scorer(reader, alias, Path(scratch)) for alias in (CHAMPION, PREVIOUS))
        rows = predictions(point_in_time(connection, requests_before_departure(flights)), champion, previous)
    warehouse.write("predictions", rows)
    return int(rows.num_rows)


def _scorer(reader: RegistryReader, alias: str, scratch: Path) -> tuple[str, Scorer]:
    """The version's number, as serving names it, and its model."""
    version = reader.alias(alias)
    if version is None:
        raise WarehouseError(f"No version has the alias {alias!r}, so nothing can be scored by it.")
    return str(version.version), Scorer(reader.download(version, scratch))


def flights_asked_about(connection: duckdb.DuckDBPyConnection, since: datetime, now: datetime) -> pa.Table:
    """Flights scheduled from `since` on whose last hour before departure has begun, cancelled ones included."""
    rows = connection.sql(
        f"SELECT {', '.join(FLIGHT_COLUMNS)} FROM schedules "  # noqa: S608
        "WHERE sched_dep_at >= $since::TIMESTAMPTZ::TIMESTAMP AND sched_dep_at <= $until::TIMESTAMPTZ::TIMESTAMP "
        "ORDER BY sched_dep_at, flight_id",
        params={"since": since, "until": now + LEAD},
    ).to_arrow_table()
    fields = [pa.field(f.name, TIMESTAMP) if pa.types.is_timestamp(f.type) else f for f in rows.schema]
    return rows.cast(pa.schema(fields))


def predictions(rows: pa.Table, champion: tuple[str, Scorer], previous: tuple[str, Scorer]) -> pa.Table:
    """Rows of the prediction log from flights with their features, asked about 60 minutes ahead.

    What only a live answer has (latency, revision) is null.
    """
    known = columns(rows)
    matrix = assemble(known, known)
    (version, scorer), (shadow_version, shadow) = champion, previous
    count = rows.num_rows
    asked = pc.subtract(rows["sched_dep_at"].cast(TIMESTAMP), pa.scalar(LEAD))
    found: dict[str, Any] = {name: rows[name] for name in rows.column_names}
    found |= {
        name: pa.array(np.ascontiguousarray(matrix[:, position], dtype=np.float64), from_pandas=True)
        for position, name in enumerate(FEATURE_NAMES)
    }
    ids = ["past-" + hashlib.sha256(flight.encode()).hexdigest()[:16] for flight in rows["flight_id"].to_pylist()]
    schema = TABLES["predictions"].schema
    found |= {
        "prediction_id": pa.array(ids),
        "request_id": pa.array(ids),
        "predicted_at": asked,
        "wall_at": pa.array([datetime.now(UTC)] * count, TIMESTAMP),
        "late_probability": pa.array(scorer.score(matrix), pa.float64()),
        "model_version": pa.array([version] * count),
        "previous_probability": pa.array(shadow.score(matrix), pa.float64()),
        "previous_version": pa.array([shadow_version] * count),
        "degraded": pa.array([False] * count),
        "reasons": pa.array([""] * count),
        "batch_size": pa.array([1] * count, pa.int32()),
        "latency_ms": pa.nulls(count, pa.float64()),
        "revision": pa.nulls(count, pa.string()),
    }
    return pa.table([found[field.name] for field in schema], schema=schema)
