"""The calibration: what it writes, and that its test of a month can fail."""

from __future__ import annotations

import shutil
from datetime import timedelta

import numpy as np
import pytest

from monitoring.calibrate import check, document, month_test, runs, watched
from ontime.history import Series, exporter_series
from ontime.settings import MonitoringBehaviour
from ontime.warehouse import Warehouse
from tests.unit.monitoring.conftest import START

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def test_runs_fold_equal_neighbours() -> None:
    nan = float("nan")

    assert list(runs(np.array([1.0, 1.0, 1.0, nan, nan, 2.0]))) == ["1x2", "_ _", "2"]


def test_document_gives_the_margin(warehouse: Warehouse) -> None:
    moments = np.arange(START.timestamp() + 7200, START.timestamp() + 14000, 600.0)
    series = exporter_series(warehouse, moments, MonitoringBehaviour())

    text = document(series, START, START + timedelta(hours=4), 240)

    assert "| FreshFeaturesOld | page | 3,600 | 300 | 300 | 300 | 300 | 300 | 12.0 |" in text


@needs_promtool
@pytest.mark.parametrize(("age", "passes"), [(600.0, True), (20_000.0, False)])
def test_a_month_with_old_features_does_not_pass(age: float, passes: bool) -> None:
    moments = np.arange(START.timestamp(), START.timestamp() + 36_000, 600.0)
    ages = Series("ontime_view_age_seconds", {"view": "origin_fresh", "quantile": "0.5"}, np.full(moments.size, age))

    passed, said = check(month_test([ages], moments))

    assert passed is passes, said


def test_what_is_watched_has_a_threshold() -> None:
    from monitoring.alerts import alert

    assert [one.alert for one in watched() if alert(one.alert).threshold is None] == []
