from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from ontime.contract import FEATURE_NAMES
from ontime.evaluation import (
    CARRIER_GROUPS,
    calibration,
    evaluate,
    importance,
    measure,
    plot_calibration,
    plot_importance,
    slices,
)
from ontime.training import features, labels, predict, train
from tests.unit.ontime.frames import QUICK, frame


def test_metrics_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(3)
    scores = random.uniform(0.05, 0.9, 500).round(2)  # rounded, so that there are ties
    late = (random.random(500) < scores).astype(float)

    metrics = measure(scores, late)

    assert metrics.log_loss == pytest.approx(log_loss(late, scores))
    assert metrics.auc == pytest.approx(roc_auc_score(late, scores))
    assert metrics.brier == pytest.approx(brier_score_loss(late, scores))
    assert metrics.observed_expected_ln == pytest.approx(math.log(late.sum() / scores.sum()))


def test_a_model_that_promises_half_of_what_comes_has_ln_2() -> None:
    late = np.array([1.0, 1.0, 0.0, 0.0])

    assert measure(late * 0 + 0.25, late).observed_expected_ln == pytest.approx(math.log(2))


def test_no_flights_give_no_figures() -> None:
    metrics = measure(np.empty(0), np.empty(0))

    assert metrics.rows == 0
    assert math.isnan(metrics.log_loss)


def test_slices_cover_every_flight_once_a_kind_and_leave_out_the_small() -> None:
    rows = frame(3000)

    masks = slices(rows)

    kinds = {name.split("=")[0] for name in masks}
    assert kinds == {"origin", "carriers", "hours", "route"}
    for kind in kinds:
        covered = sum(mask.astype(int) for name, mask in masks.items() if name.startswith(f"{kind}="))
        np.testing.assert_array_equal(covered, np.ones(3000))
    assert slices(frame(30)) == {}


def test_no_carrier_is_in_two_groups() -> None:
    members = [carrier for group in CARRIER_GROUPS.values() for carrier in group]

    assert len(members) == len(set(members))


def test_calibration_bins_hold_the_same_number_of_flights() -> None:
    scores = np.linspace(0, 1, 1000)

    bins = calibration(scores, (scores > 0.5).astype(float))

    assert {b.rows for b in bins} == {100}
    assert [b.observed for b in bins] == [0.0] * 5 + [1.0] * 5


def test_an_evaluation_is_flat_for_mlflow() -> None:
    rows = frame(1000)

    flat = evaluate(rows, np.full(1000, 0.3), labels(rows)).flat()

    assert flat["rows"] == 1000
    assert "slice/origin/EWR/log_loss" in flat
    assert not any(math.isnan(value) for value in flat.values())


def test_importance_finds_the_feature_that_matters_and_plots_are_images(tmp_path: Path) -> None:
    rows = frame(3000)
    booster = train(rows, QUICK)

    shares = importance(booster)
    plot_importance(shares, tmp_path / "importance.png")
    scores = predict(booster, features(rows))
    plot_calibration(calibration(scores, labels(rows)), tmp_path / "calibration.png")

    assert next(iter(shares)) in {"origin_dep_delay_mean_3h", "carrier_dep_delay_mean_3h", "aircraft_prev_arr_delay"}
    assert set(shares) == set(FEATURE_NAMES)
    assert sum(shares.values()) == pytest.approx(1)
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("importance.png", "calibration.png"))
