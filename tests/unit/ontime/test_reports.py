from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ontime.contract import FEATURE_NAMES
from ontime.errors import ConfigError
from ontime.reports import report, store, thresholds
from ontime.reports.drift import ColumnDrift, Drift, compare
from ontime.reports.matching import COLUMNS, REFERENCE_DAYS, Matched, match
from ontime.reports.thresholds import effect_size, load_thresholds
from ontime.warehouse import TABLES, TIMESTAMP, Warehouse

NOW = datetime(2013, 5, 6, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def _evidently() -> None:
    """Imported once, aside: deprecations in its own imports (litestar, numpy.core, escapes) are not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import evidently.metrics  # noqa: F401


def predictions(since: datetime, days: int, per_hour: int = 4, seed: int = 1) -> pa.Table:
    """One flight every quarter of an hour, asked about 60 minutes before; every column is noise around 50."""
    random = np.random.default_rng(seed)
    count = days * 24 * per_hour
    asked = [since + timedelta(minutes=60 / per_hour * i) for i in range(count)]
    columns = {name: random.normal(50, 10, count) for name in FEATURE_NAMES}
    return pa.table(
        {
            "flight_id": [f"flight-{moment.isoformat()}" for moment in asked],
            "predicted_at": pa.array(asked, TIMESTAMP),
            "sched_dep_at": pa.array([moment + timedelta(minutes=60) for moment in asked], TIMESTAMP),
            **columns,
            "late_probability": random.uniform(0, 1, count),
        }
    )


def matched(bent: dict[str, np.ndarray | None] | None = None) -> Matched:
    """A day against a fortnight; `bent` replaces columns of the day, None by nulls."""
    window = match(predictions(NOW - 15 * DAY, 15), NOW - DAY, NOW)
    current = window.current
    for name, values in (bent or {}).items():
        column = pa.nulls(current.num_rows, pa.float64()) if values is None else pa.array(values)
        current = current.set_column(current.column_names.index(name), name, column)
    return Matched(window.world_from, window.world_to, current, window.reference)


LIMITS = dict.fromkeys(COLUMNS, 0.5)


def test_the_window_and_its_reference_share_no_prediction() -> None:
    window = match(predictions(NOW - 30 * DAY, 40), NOW - DAY, NOW)

    assert window.current.num_rows == 96
    assert window.reference.num_rows == 96 * REFERENCE_DAYS


def test_a_flight_counts_once_with_the_prediction_nearest_an_hour_before() -> None:
    rows = predictions(NOW - DAY, 1, per_hour=1)
    hour = timedelta(hours=1)
    departs = pa.array([NOW - hour] * 24, TIMESTAMP)
    same = rows.set_column(0, "flight_id", pa.array(["flight"] * 24)).set_column(2, "sched_dep_at", departs)

    window = match(same, NOW - DAY, NOW)

    nearest = rows["predicted_at"].to_pylist().index(NOW - 2 * hour)
    assert window.current.to_pylist() == [{name: rows[name][nearest].as_py() for name in COLUMNS}]


def test_the_reference_has_the_hours_of_the_window() -> None:
    """Only four hours of the current day have predictions: the reference is made of the same four."""
    history = predictions(NOW - 15 * DAY, 15)
    recent = [m > NOW - timedelta(hours=4) or m < NOW - DAY for m in history["predicted_at"].to_pylist()]

    window = match(history.filter(pa.array(recent)), NOW - DAY, NOW)

    assert window.current.num_rows == 15
    assert window.reference.num_rows == 15 * REFERENCE_DAYS


def test_the_effect_size_is_the_one_that_evidently_reports() -> None:
    window = matched()
    found = compare(window, LIMITS)

    assert found.share == 0.0
    for name in COLUMNS:
        ours = effect_size(window.reference[name].to_numpy(), window.current[name].to_numpy())
        assert found.columns[name].score == pytest.approx(ours, abs=1e-9)


def test_a_change_of_unit_is_found_in_its_column_alone() -> None:
    hours = matched().current["scheduled_minutes"].to_numpy() / 60

    found = compare(matched({"scheduled_minutes": hours}), LIMITS)

    assert [name for name, column in found.columns.items() if column.drifted] == ["scheduled_minutes"]
    assert found.share == pytest.approx(1 / len(COLUMNS))


def test_a_column_that_lost_all_its_values_has_drifted() -> None:
    found = compare(matched({"wind_gust_mph": None}), LIMITS)

    assert found.columns["wind_gust_mph"] == ColumnDrift(None, 0.5, True)


def test_a_window_of_few_flights_is_not_judged() -> None:
    window = match(predictions(NOW - 15 * DAY, 15), NOW - timedelta(hours=3), NOW)

    found = compare(window, LIMITS)

    assert found.share is None
    assert not any(column.drifted for column in found.columns.values())


def test_the_tracked_thresholds_cover_every_column() -> None:
    assert set(load_thresholds()) == set(COLUMNS)
    assert min(load_thresholds().values()) >= 0.05


def test_thresholds_that_do_not_fit_the_contract_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "thresholds.json"
    file.write_text(json.dumps({"thresholds": {"wind_gust_mph": 1.0}}))
    monkeypatch.setattr(thresholds, "FILE", file)

    with pytest.raises(ConfigError, match=r"ontime\.reports\.calibrate"):
        load_thresholds.__wrapped__()


def test_a_report_is_written_and_the_latest_points_to_it(tmp_path: Path) -> None:
    rows = predictions(NOW - 15 * DAY, 15)
    spec = TABLES["predictions"].schema
    filled = {f.name: rows[f.name] if f.name in rows.column_names else pa.nulls(rows.num_rows, f.type) for f in spec}
    filled["prediction_id"] = rows["flight_id"]
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.write("predictions", pa.table(filled).cast(spec))

    summary = report(warehouse, tmp_path / "reports", NOW, 24.0)

    latest = json.loads((tmp_path / "reports/latest.json").read_text())
    assert latest == summary
    assert (latest["rows"], latest["reference_rows"]) == (96, 96 * REFERENCE_DAYS)
    assert latest["world_to"] == "2013-05-06T09:00:00+00:00"
    assert set(latest["features"]) == set(COLUMNS)
    assert "<html" in (tmp_path / "reports" / latest["html"]).read_text()[:2000].lower()
    assert json.loads((tmp_path / "reports/2013-05-06T090000/evidently.json").read_text())["metrics"]


def test_an_empty_log_makes_a_report_without_a_verdict(tmp_path: Path) -> None:
    summary = report(Warehouse(tmp_path / "warehouse"), tmp_path / "reports", NOW, 24.0)

    assert (summary["rows"], summary["drift_share"], summary["html"]) == (0, None, None)


def test_only_the_newest_reports_are_kept(tmp_path: Path) -> None:
    window = matched()
    for hour in range(store.KEPT + 3):
        end = NOW + timedelta(hours=hour)
        store.write(tmp_path, Matched(end - DAY, end, window.current, window.reference), Drift({}, 0.0, None))

    kept = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert len(kept) == store.KEPT
    assert kept[0] == "2013-05-06T120000"
