"""The live window's predictions: scores, ages of the views they read, nulls, zeros and means of their features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from monitoring.exporter.look import Collector, Look, Sample, sample
from ontime import figures
from ontime.contract import FEATURES, VIEWS


def collect_scores(look: Look) -> Iterator[Sample]:
    scores = look.live("late_probability")
    if scores.size < figures.MIN_PREDICTIONS:
        return
    yield sample("ontime_prediction_mean", float(scores.mean()))
    for point, value in figures.quantiles(scores, figures.QUANTILES).items():
        yield sample("ontime_prediction_quantile", value, quantile=str(point))


def collect_ages(look: Look) -> Iterator[Sample]:
    asked = look.live_seconds("predicted_at")
    if asked.size < figures.MIN_PREDICTIONS:
        return
    for view in VIEWS:
        ages = asked - look.live_seconds(f"{view}_at")
        for point, value in figures.quantiles(ages, figures.AGE_QUANTILES).items():
            yield sample("ontime_view_age_seconds", value, view=view, quantile=str(point))


def collect_features(look: Look) -> Iterator[Sample]:
    if look.log.live.num_rows < figures.MIN_PREDICTIONS:
        return
    for feature in FEATURES:
        values = look.live(feature.name)
        yield sample("ontime_feature_null_ratio", figures.null_ratio(values), feature=feature.name)
        yield sample("ontime_feature_default_ratio", figures.default_ratio(values), feature=feature.name)
        known = values[~np.isnan(values)]
        if known.size:
            yield sample("ontime_feature_mean", float(known.mean()), feature=feature.name)


SCORES = Collector(
    "scores",
    collect_scores,
    {
        "ontime_prediction_mean": "Mean score of the live window.",
        "ontime_prediction_quantile": "Quantiles of the live window's scores.",
    },
)
AGES = Collector(
    "ages",
    collect_ages,
    {"ontime_view_age_seconds": "World age of a view's row when it was read for a prediction, by quantile."},
)
FEATURE_VALUES = Collector(
    "feature_values",
    collect_features,
    {
        "ontime_feature_null_ratio": "Share of the live window's values that are null.",
        "ontime_feature_default_ratio": "Share of the live window's values that are exactly zero.",
        "ontime_feature_mean": "Mean of the live window's values that are not null.",
    },
)
