"""From request and view columns to the model's input matrix: the one assembly, for training and serving alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ontime.contract import FEATURE_NAMES, FEATURES
from ontime.errors import ContractError
from ontime.features.local_time import DAY, MINUTE, Micros, local_micros, micros

Column: TypeAlias = "npt.NDArray[Any] | Sequence[Any]"

REQUEST_INPUTS = ("origin", "sched_dep_at", "distance_miles", "scheduled_minutes")
DERIVED = frozenset(
    {"sched_minute_of_day", "day_of_week", "origin_is_ewr", "origin_is_jfk", "aircraft_slack_minutes"}
    | {"aircraft_prev_arr_delay", "distance_miles", "scheduled_minutes"}
)
VIEW_INPUTS = (
    *(f.name for f in FEATURES if f.name != "aircraft_slack_minutes" and f.view != "request"),
    "aircraft_prev_arrived_at",
)
MAX_ARRIVAL_AGE_MINUTES = 48 * 60.0

_COPIED = tuple((i, name) for i, name in enumerate(FEATURE_NAMES) if name not in DERIVED)
_POSITION = {name: i for i, name in enumerate(FEATURE_NAMES)}
_MISSING = np.iinfo(np.int64).min
_FIRST_DAY = 3
"""1 January 1970 was a Thursday; Monday counts from 0 here."""


def assemble(requests: Mapping[str, Column], views: Mapping[str, Column]) -> npt.NDArray[np.float32]:
    """The matrix [n, 33] of float32 in `contract.FEATURE_NAMES` order; what is missing is NaN.

    requests: `origin` (str), `sched_dep_at`, `distance_miles`, `scheduled_minutes`: n values each.
    views: every feature of the views by its own name, but `aircraft_prev_arrived_at` in place of
    `aircraft_slack_minutes`: n values each.
    A column is a sequence (None is missing; times are timezone-aware datetimes) or a numpy array (NaN and NaT are
    missing; times are datetime64 in UTC). Raises `ContractError` naming a column that is not there.
    """
    try:
        departs = _micros(requests["sched_dep_at"])
        matrix = np.empty((len(departs), len(FEATURE_NAMES)), np.float32)
        local = local_micros(departs)
        matrix[:, _POSITION["sched_minute_of_day"]] = local % DAY // MINUTE
        matrix[:, _POSITION["day_of_week"]] = (local // DAY + _FIRST_DAY) % 7 + 1
        matrix[:, _POSITION["distance_miles"]] = requests["distance_miles"]
        matrix[:, _POSITION["scheduled_minutes"]] = requests["scheduled_minutes"]
        origin = np.asarray(requests["origin"])
        matrix[:, _POSITION["origin_is_ewr"]] = origin == "EWR"
        matrix[:, _POSITION["origin_is_jfk"]] = origin == "JFK"
        for position, name in _COPIED:
            matrix[:, position] = views[name]
        slack = _minutes_between(_micros(views["aircraft_prev_arrived_at"]), departs)
        known = slack <= MAX_ARRIVAL_AGE_MINUTES
        delay = np.asarray(views["aircraft_prev_arr_delay"], np.float64)
        matrix[:, _POSITION["aircraft_slack_minutes"]] = np.where(known, slack, np.nan)
        matrix[:, _POSITION["aircraft_prev_arr_delay"]] = np.where(known, delay, np.nan)
    except KeyError as error:
        raise ContractError(f"Column {error.args[0]!r} is missing; features cannot be assembled without it.") from error
    return matrix


def _micros(column: Column) -> Micros:
    if isinstance(column, np.ndarray):
        if column.dtype.kind == "M":
            return column.astype("datetime64[us]").view(np.int64)
        column = column.tolist()
    return np.array([_MISSING if value is None else _value(value) for value in column], np.int64)


def _value(moment: datetime) -> int:
    return micros(moment)


def _minutes_between(start: Micros, end: Micros) -> npt.NDArray[np.float64]:
    return np.where(start == _MISSING, np.nan, (end - start) / MINUTE)


def columns(rows: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """A table's columns as `assemble` takes them: datetime64[us] in UTC, float64 with NaN, objects for text."""
    return {name: _array(rows[name]) for name in rows.column_names}


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_timestamp(column.type):
        filled: npt.NDArray[Any] = column.cast(pa.int64()).fill_null(_MISSING).to_numpy().view("datetime64[us]")
        return filled
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers: npt.NDArray[Any] = column.cast(pa.float64()).to_numpy()
        return numbers
    objects: npt.NDArray[Any] = column.to_numpy()
    return objects
