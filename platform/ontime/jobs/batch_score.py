"""Tomorrow's schedule, scored by the champion: one part an origin, so that parts can run side by side."""

from __future__ import annotations

import logging
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ontime.clock import Clock
from ontime.errors import RegistryError
from ontime.features import assemble, columns, load_events, local_midnight, point_in_time, requests_at
from ontime.registry import CHAMPION, ModelVersion, RegistryReader
from ontime.scorer import Scorer
from ontime.settings import Environment
from ontime.warehouse import TABLES, TIMESTAMP, Warehouse

log = logging.getLogger(__name__)

HISTORY_DAYS = 57
FLIGHT = TABLES["schedules"].schema.names[4:]


def tomorrow(now: datetime) -> tuple[datetime, datetime]:
    """The next New York day, [midnight, midnight) in UTC; days of daylight saving have 23 or 25 hours."""
    first = local_midnight(local_midnight(now) + timedelta(hours=30))
    return first, local_midnight(first + timedelta(hours=30))


def plan(settings: Environment) -> list[str]:
    """Origins with a flight tomorrow that is announced by now."""
    now = Clock(settings.clock).now()
    flights = _announced(Warehouse(settings.warehouse), now)
    origins = sorted(pc.unique(flights["origin"]).to_pylist())
    log.info("world %s: %d flights announced for tomorrow, from %s", now, flights.num_rows, origins)
    return origins


def score(settings: Environment, origin: str) -> int:
    """Scores tomorrow's flights of one origin with features as of now; returns how many rows were written.

    Raises `RegistryError` when there is no champion or MLflow is down, `ArtifactError` when its file is not sound.
    """
    now = Clock(settings.clock).now()
    warehouse = Warehouse(settings.warehouse)
    champion, scorer = _champion(settings.mlflow_url)
    flights = _announced(warehouse, now)
    flights = flights.filter(pc.equal(flights["origin"], origin))
    if not flights.num_rows:
        return 0
    late = scorer.score(_features(warehouse, flights, now))
    rows = flights.select(["flight_id", "origin", "sched_dep_at"])
    rows = rows.append_column("scored_at", pa.array([now] * rows.num_rows, TIMESTAMP))
    rows = rows.append_column("late_probability", pa.array(late))
    rows = rows.append_column("model_version", pa.array([str(champion.version)] * rows.num_rows))
    warehouse.write("batch_scores", rows)
    log.info("world %s: scored %d flights of %s with version %d", now, rows.num_rows, origin, champion.version)
    return len(late)


def _champion(url: str) -> tuple[ModelVersion, Scorer]:
    with RegistryReader(url) as reader, tempfile.TemporaryDirectory(prefix="ontime-champion-") as scratch:
        version = reader.alias(CHAMPION)
        if version is None:
            raise RegistryError(f"There is no {CHAMPION} to score with. Train and promote a version first.")
        return version, Scorer(reader.download(version, Path(scratch)))


def _announced(warehouse: Warehouse, now: datetime) -> pa.Table:
    first, last = tomorrow(now)
    schedules = warehouse.read("schedules", (now - timedelta(days=2)).date(), now.date())
    when, known = schedules["sched_dep_at"], schedules["available_at"]
    wanted = pc.and_(
        pc.and_(pc.greater_equal(when, pa.scalar(first, when.type)), pc.less(when, pa.scalar(last, when.type))),
        pc.less_equal(known, pa.scalar(now, known.type)),
    )
    return schedules.filter(wanted).select(FLIGHT)


def _features(warehouse: Warehouse, flights: pa.Table, now: datetime) -> np.ndarray:
    connection = load_events(warehouse, (now - timedelta(days=HISTORY_DAYS)).date())
    try:
        asked_at = np.full(flights.num_rows, int(now.timestamp() * 1_000_000), dtype=np.int64)
        known = columns(point_in_time(connection, requests_at(flights, asked_at)))
    finally:
        connection.close()
    return assemble(known, known)
