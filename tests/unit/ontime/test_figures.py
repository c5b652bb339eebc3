"""The figures of live behaviour."""

from __future__ import annotations

import numpy as np
import pytest

from ontime import figures


def test_auc_shares_ties() -> None:
    late = np.array([0.0, 0.0, 1.0, 1.0])

    assert figures.auc(np.array([0.1, 0.2, 0.3, 0.4]), late) == 1.0
    assert figures.auc(np.array([0.5, 0.5, 0.5, 0.5]), late) == 0.5
    assert figures.auc(np.array([0.1, 0.4, 0.2, 0.4]), late) == pytest.approx(0.625)
    assert np.isnan(figures.auc(np.array([0.1, 0.2]), np.array([1.0, 1.0])))


def test_quality_needs_flights() -> None:
    quality = figures.quality(np.full(10, 0.5), np.full(10, 0.5), np.zeros(10))

    assert quality.flights == 10
    assert np.isnan(quality.log_loss)


def test_paired_compares_the_same_flights_only() -> None:
    late = np.tile([0.0, 1.0], 100)
    good, bad = np.where(late > 0, 0.9, 0.1), np.full(200, 0.5)
    half = np.where(np.arange(200) < 100, bad, np.nan)

    quality = figures.quality(good, half, late)

    assert quality.paired == pytest.approx(-np.log(0.9) - np.log(2))
    assert quality.observed_expected_ln == pytest.approx(0.0)


def test_losses_are_finite_for_certain_scores() -> None:
    assert np.isfinite(figures.losses(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()


def test_dollars_by_kind() -> None:
    scores, late = np.array([0.1, 0.9, 0.9, 0.1]), np.array([1.0, 0.0, 1.0, 0.0])

    found = figures.dollars(scores, late, alarm=0.4, missed_delay=90.0, false_alarm=30.0, hours=2.0)

    assert found == {"missed_delay": 45.0, "false_alarm": 15.0}


def test_ratios_of_nothing_are_undefined() -> None:
    empty = np.array([])

    assert np.isnan(figures.null_ratio(empty))
    assert np.isnan(figures.default_ratio(empty))
    assert figures.quantiles(np.array([np.nan]), (0.5,)) == {}
