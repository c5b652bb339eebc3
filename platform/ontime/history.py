"""Live figures at many past moments, in bulk: what the exporter would have said then, from the warehouse alone.

Names, labels and windows are the exporter's, the definitions are `ontime.figures`'. Moments are Unix seconds, world.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ontime import figures
from ontime.contract import FEATURE_NAMES, LATE_AFTER_MINUTES, VIEWS
from ontime.figures import Array
from ontime.settings import MonitoringBehaviour
from ontime.warehouse import Warehouse

LONGEST_FLIGHT = timedelta(hours=18)
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """One series; `values` has one value a moment, NaN where the exporter would have said nothing."""

    metric: str
    labels: dict[str, str]
    values: Array


def seconds(column: pa.ChunkedArray) -> Array:
    """A timestamp column as Unix seconds; NaN for null."""
    found: Array = pc.cast(column.cast(pa.timestamp("us")).cast(pa.int64()), pa.float64()).to_numpy() / 1e6
    return found


def _numbers(column: pa.ChunkedArray) -> Array:
    found: Array = column.cast(pa.float64()).to_numpy()
    return found


def _windows(times: Array, moments: Array, span: float) -> tuple[Rows, Rows]:
    """Rows of sorted `times` in (moment − span, moment], as half-open index ranges."""
    return np.searchsorted(times, moments - span, side="right"), np.searchsorted(times, moments, side="right")


def _sums(values: Array, low: Rows, high: Rows) -> Array:
    total = np.concatenate([[0.0], np.cumsum(values)])
    found: Array = total[high] - total[low]
    return found


def _ratio(part: Array, whole: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = np.where(whole > 0, part / whole, np.nan)
    return found


def _quantiles(values: Array, low: Rows, high: Rows, points: tuple[float, ...]) -> dict[float, Array]:
    found = {point: np.full(low.size, np.nan) for point in points}
    for index, (first, last) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        if last - first >= figures.MIN_PREDICTIONS:
            for point, value in figures.quantiles(values[first:last], points).items():
                found[point][index] = value
    return found


def live_series(predictions: pa.Table, moments: Array, span: float) -> list[Series]:
    """Scores, ages and feature values of the windows of `span` seconds that end at `moments`."""
    predictions = predictions.sort_by("predicted_at")
    asked = seconds(predictions["predicted_at"])
    low, high = _windows(asked, moments, span)
    counts = (high - low).astype(np.float64)
    enough = np.where(counts >= figures.MIN_PREDICTIONS, counts, 0.0)
    scores = _numbers(predictions["late_probability"])
    found = [Series("ontime_prediction_mean", {}, _ratio(_sums(scores, low, high), enough))]
    for point, values in _quantiles(scores, low, high, figures.QUANTILES).items():
        found.append(Series("ontime_prediction_quantile", {"quantile": str(point)}, values))
    for view in VIEWS:
        ages = asked - seconds(predictions[f"{view}_at"])
        for point, values in _quantiles(ages, low, high, figures.AGE_QUANTILES).items():
            found.append(Series("ontime_view_age_seconds", {"view": view, "quantile": str(point)}, values))
    for name in FEATURE_NAMES:
        values = _numbers(predictions[name])
        null = np.isnan(values)
        label = {"feature": name}
        nulls = _sums(null.astype(np.float64), low, high)
        zeros = _sums((values == 0.0).astype(np.float64), low, high)
        found += [
            Series("ontime_feature_null_ratio", label, _ratio(nulls, enough)),
            Series("ontime_feature_default_ratio", label, _ratio(zeros, enough)),
            Series(
                "ontime_feature_mean",
                label,
                _ratio(_sums(np.where(null, 0.0, values), low, high), np.where(enough > 0, counts - nulls, 0.0)),
            ),
        ]
    return found


def labelled(predictions: pa.Table, arrivals: pa.Table) -> tuple[Array, Array, Array, Array]:
    """Label's availability, score, previous score and label of each landed flight, in order of availability.

    Of several predictions of a flight the one nearest to T−60 counts.
    """
    lead = (seconds(predictions["sched_dep_at"]) - seconds(predictions["predicted_at"])) / 60
    order = np.argsort(-np.abs(lead - figures.LEAD_MINUTES), kind="stable")
    flights = predictions["flight_id"].to_pylist()
    nearest = {flights[index]: index for index in order.tolist()}
    arrivals = arrivals.sort_by("available_at")
    landed = [nearest.get(flight, -1) for flight in arrivals["flight_id"].to_pylist()]
    rows = np.array(landed, np.int64)
    known = rows >= 0
    late = (_numbers(arrivals["arr_delay_minutes"]) > LATE_AFTER_MINUTES).astype(np.float64)
    return (
        seconds(arrivals["available_at"])[known],
        _numbers(predictions["late_probability"])[rows[known]],
        _numbers(predictions["previous_probability"])[rows[known]],
        late[known],
    )


def quality_series(
    predictions: pa.Table, arrivals: pa.Table, moments: Array, settings: MonitoringBehaviour
) -> list[Series]:
    """Quality and cost of the labels that became available in the quality window before each moment."""
    available, scores, previous, late = labelled(predictions, arrivals)
    low, high = _windows(available, moments, settings.quality_window_hours * 3600)
    columns = {name: np.full(moments.size, np.nan) for name in figures.Quality.__slots__}
    costs = {kind: np.full(moments.size, np.nan) for kind in ("missed_delay", "false_alarm")}
    for index, (first, last) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        window = slice(first, last)
        quality = figures.quality(scores[window], previous[window], late[window])
        for name, values in columns.items():
            values[index] = getattr(quality, name)
        if quality.flights < figures.MIN_FLIGHTS:
            continue
        for kind, cost in figures.dollars(
            scores[window],
            late[window],
            alarm=settings.alarm_threshold,
            missed_delay=settings.missed_delay_dollars,
            false_alarm=settings.false_alarm_dollars,
            hours=settings.quality_window_hours,
        ).items():
            costs[kind][index] = cost
    newest = np.maximum.accumulate(np.sort(seconds(arrivals["event_time"])))
    reached = np.searchsorted(np.sort(seconds(arrivals["available_at"])), moments, side="right")
    lag = (
        np.where(reached > 0, moments - newest[np.maximum(reached - 1, 0)], np.nan) if newest.size else moments * np.nan
    )
    return [
        Series("ontime_quality_flights", {}, columns["flights"]),
        Series("ontime_quality_log_loss", {"model": "champion"}, columns["log_loss"]),
        Series("ontime_quality_log_loss", {"model": "previous"}, columns["previous_log_loss"]),
        Series("ontime_quality_paired_log_loss", {}, columns["paired"]),
        Series("ontime_quality_observed_expected_ln", {}, columns["observed_expected_ln"]),
        Series("ontime_quality_auc", {}, columns["auc"]),
        Series("ontime_label_lag_seconds", {}, lag),
        *(Series("ontime_loss_dollars_per_hour", {"kind": kind}, values) for kind, values in costs.items()),
    ]


def read(warehouse: Warehouse, name: str, since: float, until: float) -> pa.Table:
    """Rows of a table whose time lies in [since, until] (Unix seconds), to the UTC day."""
    low, high = (datetime.fromtimestamp(moment, UTC).date() for moment in (since, until))
    return warehouse.read(name, low, high)


def exporter_series(warehouse: Warehouse, moments: Array, settings: MonitoringBehaviour) -> list[Series]:
    """What the exporter would have said at `moments` (ascending) of predictions, features, quality and cost."""
    first = float(moments[0]) - settings.quality_window_hours * 3600
    predictions = read(warehouse, "predictions", first - LONGEST_FLIGHT.total_seconds(), float(moments[-1]))
    arrivals = read(warehouse, "arrivals", first, float(moments[-1]))
    return [
        *live_series(predictions, moments, settings.live_window_minutes * 60),
        *quality_series(predictions, arrivals, moments, settings),
    ]
