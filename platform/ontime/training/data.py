"""What a model is trained and judged on: labelled flights of whole days, with point-in-time features."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from ontime.errors import ContractError
from ontime.features import load_events, training_frame
from ontime.training.window import Days, Window, local_day
from ontime.warehouse import Warehouse

HISTORY_DAYS = 57
"""Days of events before the first flight: slow features look back 56, counted from a local midnight."""
MIN_DAY_SHARE = 0.5
"""A day with fewer labels than this share of the window's median day is incomplete."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Rows of `ontime.features.training_frame`: to learn from, and held out."""

    window: Window
    training: pa.Table
    holdout: pa.Table


def load_frame(warehouse: Warehouse, days: Days, present: datetime) -> pa.Table:
    """Labelled flights scheduled on `days`, with labels that were known at `present`."""
    connection = load_events(warehouse, days.first - timedelta(days=HISTORY_DAYS))
    try:
        return training_frame(connection, days.since, days.until, known_by=present)
    finally:
        connection.close()


def load_frames(warehouse: Warehouse, window: Window, present: datetime) -> Frames:
    rows = load_frame(warehouse, Days(window.training.first, window.holdout.last), present)
    held_out = pc.greater_equal(rows["sched_dep_at"], pa.scalar(window.holdout.since, rows["sched_dep_at"].type))
    return Frames(window, rows.filter(pc.invert(held_out)), rows.filter(held_out))


def labelled_days(warehouse: Warehouse, days: Days) -> dict[date, int]:
    """New York days by scheduled departure → flights with an arrival; days without any are absent."""
    connection = load_events(warehouse, days.first - timedelta(days=1))
    try:
        moments = connection.sql(
            "SELECT sched_dep_at FROM schedules SEMI JOIN arrivals USING (flight_id)"
            " WHERE sched_dep_at >= $since::TIMESTAMPTZ::TIMESTAMP AND sched_dep_at < $until::TIMESTAMPTZ::TIMESTAMP",
            params={"since": days.since, "until": days.until},
        ).to_arrow_table()["sched_dep_at"]
    finally:
        connection.close()
    counts: dict[date, int] = {}
    local = pc.local_timestamp(pc.assume_timezone(moments, "UTC").cast(pa.timestamp("us", "America/New_York")))
    for entry in pc.value_counts(local.combine_chunks().cast(pa.date32(), safe=False)).to_pylist():
        counts[entry["values"]] = entry["counts"]
    return dict(sorted(counts.items()))


def validate(warehouse: Warehouse, window: Window, present: datetime) -> dict[date, int]:
    """Labelled flights a day. Raises `ContractError` when the window reaches past the present or holds a hole."""
    if local_day(present) <= window.holdout.last:
        raise ContractError(
            f"Training window ends {window.holdout.last}, not before the present {present:%Y-%m-%d %H:%M}."
        )
    counts = labelled_days(warehouse, Days(window.training.first, window.holdout.last))
    if not counts:
        raise ContractError(f"The warehouse has no labelled flight from {window.training.first} on. Is ingest running?")
    median = sorted(counts.values())[len(counts) // 2]
    first = min(counts)
    expected = (first + timedelta(days=i) for i in range((window.holdout.last - first).days + 1))
    thin = [day for day in expected if counts.get(day, 0) < MIN_DAY_SHARE * median]
    if len(thin) > len(counts) // 10:
        raise ContractError(
            f"{len(thin)} of {len(counts)} days have under {MIN_DAY_SHARE:.0%} of a usual day's {median} labelled"
            f" flights, the first {thin[0]}. Rebuild the warehouse from the landing before training."
        )
    return counts
