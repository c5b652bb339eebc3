"""Labelled flights with made-up features that carry a signal: enough for a model to be better than chance."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from ontime.contract import FEATURE_NAMES, FEATURES
from ontime.registry import ModelVersion
from ontime.settings import TrainingBehaviour
from ontime.training import Days
from ontime.warehouse import TIMESTAMP

QUICK = TrainingBehaviour(trees=30, leaves=15, min_leaf_rows=20, threads=1, window_days=30, holdout_days=14)
FIRST = datetime(2013, 4, 22, 10, tzinfo=UTC)
HELD_OUT = Days(date(2013, 4, 22), date(2013, 5, 5))
_LATE_WITH = ("origin_dep_delay_mean_3h", "carrier_dep_delay_mean_3h", "aircraft_prev_arr_delay")


def frame(rows: int = 3000, seed: int = 1, signal: float = 1.0) -> pa.Table:
    """As `training_frame` makes it: float32 features, null among the nullable ones, one flight every six minutes."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for feature in FEATURES:
        low, high = max(feature.low, -100.0), min(feature.high, 400.0)
        values = random.uniform(low, high, rows).astype(np.float32)
        if feature.name.startswith("origin_is") or feature.unit == "1=Monday":
            values = np.floor(values)
        missing = (random.random(rows) < 0.1) if feature.nullable else np.zeros(rows, dtype=bool)
        columns[feature.name] = pa.array(np.where(missing, np.nan, values), pa.float32(), from_pandas=True)
    columns["sched_minute_of_day"] = pa.array(random.integers(300, 1400, rows), pa.float32())
    columns["distance_miles"] = pa.array(random.uniform(100, 2600, rows), pa.float32())
    pressure = sum(np.nan_to_num(columns[name].to_numpy(zero_copy_only=False), nan=50.0) for name in _LATE_WITH)
    chance = 1 / (1 + np.exp(-signal * (pressure - 500) / 100))
    departs = [FIRST + timedelta(minutes=6 * i) for i in range(rows)]
    return pa.table(
        {
            "flight_id": [f"flight-{i:05d}" for i in range(rows)],
            "origin": random.choice(["EWR", "JFK", "LGA"], rows),
            "destination": ["SFO"] * rows,
            "carrier": random.choice(["UA", "EV", "B6"], rows),
            "sched_dep_at": pa.array(departs, TIMESTAMP),
            **{name: columns[name] for name in FEATURE_NAMES},
            "label": pa.array((random.random(rows) < chance).astype(np.int8)),
            "available_at_max": pa.array([d - timedelta(minutes=61) for d in departs], TIMESTAMP),
        }
    )


def version(number: int = 2, **tags: str) -> ModelVersion:
    """A registered version that was trained on the four weeks before the held-out days."""
    known = {"trained_from": "2013-03-25", "trained_through": "2013-04-21", "rows": "25000", **tags}
    return ModelVersion(number, f"run-{number}", "mlflow-artifacts:/1/run/artifacts/model", FIRST, tags=known)
