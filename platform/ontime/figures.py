"""The figures that describe live behaviour: pure functions on arrays, one definition each.

The exporter computes them for now, `ontime.past` and the calibration of thresholds for many moments in bulk.
Probabilities and labels are float64 arrays of one length; undefined figures are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of the score distribution."""
AGE_QUANTILES = (0.5, 0.95)
"""Quantiles of feature ages at read."""
LEAD_MINUTES = 60.0
"""Quality is judged on the prediction nearest to this long before scheduled departure: what the model was made for."""
MIN_FLIGHTS = 50
"""Labelled flights below which quality is undefined: fewer say more about the weather than about the model."""
MIN_PREDICTIONS = 20
"""Predictions below which live ratios are undefined."""


@dataclass(frozen=True, slots=True)
class Quality:
    """`paired` is champion − previous on the flights that both scored; negative: the champion is better."""

    flights: int
    log_loss: float
    previous_log_loss: float
    paired: float
    observed_expected_ln: float
    auc: float


def losses(scores: Array, late: Array) -> Array:
    """Log loss of each flight, scores clipped to [1e-6, 1 − 1e-6]."""
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    return -(late * np.log(clipped) + (1 - late) * np.log1p(-clipped))


def auc(scores: Array, late: Array) -> float:
    """Area under the ROC curve by ranks, ties shared (Mann–Whitney); NaN when only one class is there."""
    positives = int(late.sum())
    negatives = late.size - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[late > 0].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def quality(scores: Array, previous: Array, late: Array) -> Quality:
    """Quality of one window; `previous` holds NaN where the previous champion did not score."""
    nan = float("nan")
    if scores.size < MIN_FLIGHTS:
        return Quality(int(scores.size), nan, nan, nan, nan, nan)
    champion = losses(scores, late)
    both = ~np.isnan(previous)
    previous_loss = paired = nan
    if both.sum() >= MIN_FLIGHTS:
        shadow = losses(previous[both], late[both])
        previous_loss, paired = float(shadow.mean()), float((champion[both] - shadow).mean())
    observed, expected = float(late.sum()), float(scores.sum())
    ratio = float(np.log(observed / expected)) if observed > 0 and expected > 0 else nan
    return Quality(int(scores.size), float(champion.mean()), previous_loss, paired, ratio, auc(scores, late))


def dollars(
    scores: Array, late: Array, *, alarm: float, missed_delay: float, false_alarm: float, hours: float
) -> dict[str, float]:
    """Loss by kind in dollars per world hour: delays not announced, and delays announced that did not come."""
    announced = scores >= alarm
    return {
        "missed_delay": float((~announced & (late > 0)).sum()) * missed_delay / hours,
        "false_alarm": float((announced & (late == 0)).sum()) * false_alarm / hours,
    }


def quantiles(values: Array, points: tuple[float, ...]) -> dict[float, float]:
    """Quantiles of the values that are not NaN; empty when there are none."""
    known = values[~np.isnan(values)]
    return dict(zip(points, np.quantile(known, points).tolist(), strict=True)) if known.size else {}


def null_ratio(values: Array) -> float:
    return float(np.isnan(values).mean()) if values.size else float("nan")


def default_ratio(values: Array) -> float:
    """Share of exact zeros: what a filled-in null looks like."""
    return float((values == 0.0).mean()) if values.size else float("nan")
