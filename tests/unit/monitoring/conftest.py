"""A small warehouse with a prediction log and landings, one flight a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ontime.warehouse import TABLES, Warehouse

START = datetime(2013, 5, 6, 12, tzinfo=UTC)
"""Predictions are asked for from here on, one a minute, 60 minutes before departure."""


def rows(name: str, columns: dict[str, list[Any]]) -> pa.Table:
    """A table in the warehouse's schema; columns left out are null."""
    count = len(next(iter(columns.values())))
    schema = TABLES[name].schema
    return pa.table({field.name: pa.array(columns.get(field.name, [None] * count), field.type) for field in schema})


def predictions(count: int, lead_minutes: float = 60.0, score: float = 0.3, age_minutes: float = 5.0) -> pa.Table:
    asked = [START + timedelta(minutes=minute) for minute in range(count)]
    departs = [START + timedelta(minutes=minute + 60) for minute in range(count)]
    asked = [moment - timedelta(minutes=lead_minutes) for moment in departs]
    return rows(
        "predictions",
        {
            "prediction_id": [f"p{minute}@{lead_minutes}" for minute in range(count)],
            "flight_id": [f"flight-{minute}" for minute in range(count)],
            "predicted_at": asked,
            "wall_at": asked,
            "sched_dep_at": departs,
            "late_probability": [score] * count,
            "previous_probability": [0.5] * count,
            "model_version": ["3"] * count,
            "degraded": [False] * count,
            "scheduled_minutes": [120.0] * count,
            "humidity_percent": [0.0 if minute % 4 == 0 else 50.0 for minute in range(count)],
            "origin_fresh_at": [moment - timedelta(minutes=age_minutes) for moment in asked],
        },
    )


def arrivals(count: int, late_every: int = 4) -> pa.Table:
    landed = [START + timedelta(minutes=minute + 120) for minute in range(count)]
    return rows(
        "arrivals",
        {
            "event_id": [f"arrival-{minute}" for minute in range(count)],
            "flight_id": [f"flight-{minute}" for minute in range(count)],
            "event_time": landed,
            "available_at": [moment + timedelta(minutes=2) for moment in landed],
            "arr_delay_minutes": [30.0 if minute % late_every == 0 else 0.0 for minute in range(count)],
        },
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path / "warehouse")
    found.write("predictions", predictions(240))
    found.write("arrivals", arrivals(240))
    return found
