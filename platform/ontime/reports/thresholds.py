"""From which effect size on a feature counts as drifted: calibrated on healthy windows, tracked in thresholds.json."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ontime.errors import ConfigError
from ontime.reports.matching import COLUMNS

METHOD = "wasserstein"
"""Evidently's name of the effect size: Wasserstein distance over the reference's standard deviation."""
FILE = Path(__file__).with_name("thresholds.json")

Array = npt.NDArray[np.float64]


def effect_size(reference: Array, current: Array) -> float:
    """What Evidently computes as METHOD, for many windows at once in calibration. NaN when a side has no values."""
    reference, current = reference[~np.isnan(reference)], current[~np.isnan(current)]
    if not len(reference) or not len(current):
        return float("nan")
    return _wasserstein(reference, current) / max(float(np.std(reference)), 0.001)


def _wasserstein(one: Array, other: Array) -> float:
    """The area between the two distribution functions."""
    values = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(side), values[:-1], side="right") / len(side) for side in (one, other)]
    return float(np.sum(np.abs(shares[0] - shares[1]) * np.diff(values)))


@lru_cache(maxsize=1)
def load_thresholds() -> dict[str, float]:
    """Column → effect size. Raises `ConfigError` when the tracked file does not fit the contract."""
    try:
        values = {str(k): float(v) for k, v in json.loads(FILE.read_text())["thresholds"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError.of(str(FILE), f"unreadable: {error}", "JSON with 'thresholds'") from error
    if set(values) != set(COLUMNS):
        wrong = sorted(set(values) ^ set(COLUMNS))
        raise ConfigError.of(str(FILE), wrong, "one threshold a feature; run `python -m ontime.reports.calibrate`")
    return values
