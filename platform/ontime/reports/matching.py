"""Which predictions are compared with which: like with like, or season and hour of day show up as drift.

Both sides hold one prediction a flight, the one nearest to an hour before departure, and the same mix of local hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ontime.contract import FEATURE_NAMES, NEW_YORK
from ontime.features import LEAD_MINUTES

SCORE = "late_probability"
COLUMNS = (*FEATURE_NAMES, SCORE)
"""What is compared."""
REFERENCE_DAYS = 14
MAX_REFERENCE_SHARE = 20
"""Reference rows per row of the current window, at most: more add cost and no precision."""


@dataclass(frozen=True, slots=True)
class Matched:
    """Columns COLUMNS, one row a flight. `current` was predicted in [world_from, world_to), `reference` before."""

    world_from: datetime
    world_to: datetime
    current: pa.Table
    reference: pa.Table


def match(predictions: pa.Table, world_from: datetime, world_to: datetime) -> Matched:
    """`predictions`: flight_id, sched_dep_at, predicted_at and COLUMNS; any order, any number a flight."""
    since = world_from - timedelta(days=REFERENCE_DAYS)
    reference = one_per_flight(between(predictions, since, world_from))
    current = one_per_flight(between(predictions, world_from, world_to))
    return Matched(world_from, world_to, current.select(COLUMNS), same_hours(reference, current).select(COLUMNS))


def between(predictions: pa.Table, since: datetime, until: datetime) -> pa.Table:
    """Rows predicted in [since, until)."""
    when = predictions["predicted_at"]
    low, high = pa.scalar(since, when.type), pa.scalar(until, when.type)
    return predictions.filter(pc.and_(pc.greater_equal(when, low), pc.less(when, high)))


def one_per_flight(predictions: pa.Table) -> pa.Table:
    """The prediction of each flight that was made nearest to LEAD_MINUTES before scheduled departure."""
    if not predictions.num_rows:
        return predictions
    lead = pc.subtract(predictions["sched_dep_at"], predictions["predicted_at"]).cast(pa.int64()).to_numpy()
    order = np.argsort(np.abs(lead - LEAD_MINUTES * 60_000_000), kind="stable")
    flights = predictions["flight_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(flights[order], return_index=True)
    return predictions.take(pa.array(np.sort(order[first])))


def same_hours(reference: pa.Table, current: pa.Table) -> pa.Table:
    """Rows of `reference`, thinned so that each local hour has its share of `current`. Newest rows are kept."""
    theirs, ours = _local_hours(reference), _local_hours(current)
    counts = np.bincount(ours, minlength=24)
    available = np.bincount(theirs, minlength=24)
    present = counts > 0
    if not present.any():
        return reference.slice(0, 0)
    share = min(float(np.min(available[present] / counts[present])), MAX_REFERENCE_SHARE)
    if share < 1:  # an hour that the reference hardly has must not cost all the others
        share = min(float(np.median(available[present] / counts[present])), MAX_REFERENCE_SHARE)
    keep: list[npt.NDArray[np.int64]] = []
    for hour in np.flatnonzero(present):
        rows = np.flatnonzero(theirs == hour)
        keep.append(rows[len(rows) - min(len(rows), round(share * counts[hour])) :])
    return reference.take(pa.array(np.sort(np.concatenate(keep))))


def _local_hours(predictions: pa.Table) -> npt.NDArray[np.int64]:
    if not predictions.num_rows:
        return np.empty(0, dtype=np.int64)
    local = predictions["predicted_at"].cast(pa.timestamp("us", NEW_YORK))
    hours: npt.NDArray[np.int64] = pc.hour(local).to_numpy().astype(np.int64)
    return hours
