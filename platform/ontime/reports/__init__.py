"""Drift reports: what the model was asked lately, against a matched reference of the prediction log."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ontime.reports import store
from ontime.reports.drift import compare
from ontime.reports.matching import COLUMNS, REFERENCE_DAYS, Matched, match
from ontime.reports.thresholds import load_thresholds
from ontime.warehouse import Warehouse

__all__ = ["load_window", "report"]

_PREDICTION = ("flight_id", "sched_dep_at", "predicted_at")


def load_window(warehouse: Warehouse, now: datetime, hours: float) -> Matched:
    """The prediction log of the `hours` world hours before `now`, and its reference."""
    world_from = now - timedelta(hours=hours)
    first = (world_from - timedelta(days=REFERENCE_DAYS)).date()
    predictions = warehouse.read("predictions", first, now.date()).select([*_PREDICTION, *COLUMNS])
    return match(predictions, world_from, now)


def report(warehouse: Warehouse, reports: Path, now: datetime, hours: float) -> dict[str, Any]:
    """Compares, writes JSON and HTML under `reports`, and returns what `latest.json` says (see `store.write`).

    Raises `WarehouseError` when the prediction log cannot be read.
    """
    window = load_window(warehouse, now, hours)
    return store.write(reports, window, compare(window, load_thresholds()))
