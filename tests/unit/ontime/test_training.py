from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from ontime.contract import FEATURE_NAMES
from ontime.errors import ContractError
from ontime.settings import TrainingBehaviour
from ontime.training import Days, Frames, Window, features, labels, predict, train
from ontime.training.retrain import check_ranges, fit
from ontime.training.window import local_day
from tests.unit.ontime.frames import HELD_OUT, QUICK, frame


def test_the_held_out_days_end_yesterday_and_follow_the_training_days() -> None:
    present = datetime(2013, 5, 6, 9, tzinfo=UTC)  # 05:00 in New York

    window = Window.ending(present, TrainingBehaviour(window_days=95, holdout_days=14))

    assert window.training == Days(date(2013, 1, 31), date(2013, 4, 21))
    assert window.holdout == Days(date(2013, 4, 22), date(2013, 5, 5))
    assert len(window.training) + len(window.holdout) == 95


def test_days_are_new_york_days_also_where_daylight_saving_begins() -> None:
    day = Days(date(2013, 3, 10), date(2013, 3, 10))

    assert (day.until - day.since).total_seconds() == 23 * 3600
    assert local_day(day.since) == date(2013, 3, 10)
    assert local_day(datetime(2013, 3, 10, 4, 59, tzinfo=UTC)) == date(2013, 3, 9)


def test_training_learns_the_signal_and_is_reproducible() -> None:
    rows, unseen = frame(seed=1), frame(seed=2)

    booster, again = train(rows, QUICK), train(rows, QUICK)

    scores, late = predict(booster, features(unseen)), labels(unseen)
    assert scores[late == 1].mean() - scores[late == 0].mean() > 0.1
    np.testing.assert_array_equal(predict(again, features(unseen)), scores)
    assert tuple(booster.feature_name()) == FEATURE_NAMES


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(ContractError, match="wind_gust_mph"):
        features(frame(10).drop_columns(["wind_gust_mph"]))


def test_rows_without_a_label_are_refused() -> None:
    rows = frame(10).set_column(frame(10).column_names.index("label"), "label", pa.nulls(10, pa.int8()))

    with pytest.raises(ContractError, match="10 of 10 training rows have no label"):
        labels(rows)


@pytest.mark.parametrize(
    ("feature", "value", "why"),
    [
        ("route_late_rate_28d", 23.0, r"leaves \[0, 1\] share"),
        ("scheduled_minutes", float("nan"), "is null in 1 training rows"),
    ],
)
def test_features_outside_the_contract_stop_a_training(feature: str, value: float, why: str) -> None:
    rows = frame(100)
    values = rows[feature].to_numpy().copy()
    values[0] = value
    bent = rows.set_column(rows.column_names.index(feature), feature, pa.array(values, pa.float32(), from_pandas=True))

    check_ranges(rows)
    with pytest.raises(ContractError, match=why):
        check_ranges(bent)


def test_a_fit_hands_over_what_the_registry_needs() -> None:
    window = Window(Days(date(2013, 3, 25), date(2013, 4, 21)), HELD_OUT)

    model = fit(Frames(window, frame(seed=1), frame(1200, seed=2)), QUICK)

    assert model.rows == 3000
    assert model.evaluation.overall.rows == 1200
    assert model.evaluation.overall.auc > 0.6


def test_a_fit_without_held_out_flights_is_refused() -> None:
    window = Window(Days(date(2013, 3, 25), date(2013, 4, 21)), HELD_OUT)

    with pytest.raises(ContractError, match="0 held out"):
        fit(Frames(window, frame(100), frame(100).slice(0, 0)), QUICK)
