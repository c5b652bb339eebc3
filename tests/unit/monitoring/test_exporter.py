"""The exporter: incremental reading, each collector's figures, and that trouble stays where it is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring.exporter.collectors.cost import cost_collector, totals
from monitoring.exporter.collectors.parity import differs
from monitoring.exporter.collectors.predictions import AGES, FEATURE_VALUES, SCORES
from monitoring.exporter.collectors.quality import QUALITY
from monitoring.exporter.collectors.report import REPORT
from monitoring.exporter.collectors.versions import version_collector
from monitoring.exporter.collectors.world import WORLD
from monitoring.exporter.engine import Engine
from monitoring.exporter.log import RecentLog
from monitoring.exporter.look import Collector, Look, Sample, sample
from ontime.clock import Segment, write_segments
from ontime.history import exporter_series
from ontime.settings import Environment, MonitoringBehaviour
from ontime.warehouse import Warehouse
from tests.unit.monitoring.conftest import START, predictions

SETTINGS = MonitoringBehaviour()


def frozen(environment: Environment, now: datetime) -> None:
    write_segments(environment.clock, (Segment(0.0, now.timestamp(), 0.0),))


@pytest.fixture
def environment(warehouse: Warehouse) -> Environment:
    place = Environment(state=warehouse.root.parent, clock_file=warehouse.root.parent / "clock.json")
    frozen(place, START + timedelta(hours=5))
    return place


def engine(environment: Environment, *collectors: Collector) -> Engine:
    return Engine(list(collectors), environment, SETTINGS)


def value(found: Engine, metric: str, **labels: str) -> float | None:
    return found.registry.get_sample_value(metric, labels)


def test_quality_is_of_flights_whose_label_is_there(environment: Environment) -> None:
    found = engine(environment, QUALITY)
    found.look()

    # Landed by 17:00 minus the two minutes that a landing takes to become known: minutes 0 to 178.
    assert value(found, "ontime_quality_flights") == 179
    assert value(found, "ontime_quality_observed_expected_ln") == pytest.approx(np.log(45 / (179 * 0.3)))
    assert value(found, "ontime_quality_log_loss", model="previous") == pytest.approx(np.log(2))
    assert value(found, "ontime_quality_auc") == 0.5
    assert value(found, "ontime_label_lag_seconds") == 120.0
    assert value(found, "ontime_loss_dollars_per_hour", kind="missed_delay") == 45 * 90 / 24


def test_the_prediction_nearest_to_an_hour_ahead_counts(environment: Environment, warehouse: Warehouse) -> None:
    warehouse.write("predictions", predictions(240, lead_minutes=20, score=0.99))
    found = engine(environment, QUALITY)
    found.look()

    assert value(found, "ontime_quality_observed_expected_ln") == pytest.approx(np.log(45 / (179 * 0.3)))


def test_live_figures_are_of_the_last_hour(environment: Environment) -> None:
    frozen(environment, START + timedelta(hours=3, minutes=30))
    found = engine(environment, SCORES, AGES, FEATURE_VALUES)
    found.look()

    assert value(found, "ontime_prediction_mean") == pytest.approx(0.3)
    assert value(found, "ontime_view_age_seconds", view="origin_fresh", quantile="0.5") == 300.0
    assert value(found, "ontime_view_age_seconds", view="weather_fresh", quantile="0.5") is None
    assert value(found, "ontime_feature_mean", feature="scheduled_minutes") == 120.0
    assert value(found, "ontime_feature_default_ratio", feature="humidity_percent") == 0.25
    assert value(found, "ontime_feature_null_ratio", feature="wind_gust_mph") == 1.0


def test_nothing_is_said_of_too_few_predictions(environment: Environment) -> None:
    frozen(environment, START + timedelta(minutes=5))
    found = engine(environment, SCORES, AGES, FEATURE_VALUES)
    found.look()

    assert value(found, "ontime_prediction_mean") is None


def test_bulk_figures_are_the_exporter_s(environment: Environment, warehouse: Warehouse) -> None:
    now = START + timedelta(hours=3, minutes=30)
    frozen(environment, now)
    found = engine(environment, SCORES, AGES, FEATURE_VALUES, QUALITY)
    found.look()
    said = {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in found.registry.collect()
        for one in family.samples
        if not one.name.startswith("ontime_exporter")
    }

    series = exporter_series(warehouse, np.array([now.timestamp()]), SETTINGS)
    bulk = {
        (one.metric, tuple(sorted(one.labels.items()))): float(one.values[0])
        for one in series
        if not np.isnan(one.values[0])
    }

    assert bulk == pytest.approx(said)


def test_a_file_is_read_again_only_when_it_changed(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    original = pq.read_table

    def counted(path: Path, **rest: Any) -> pa.Table:
        reads.append(path.stem)
        return original(path, **rest)

    monkeypatch.setattr(pq, "read_table", counted)
    log = RecentLog(warehouse, 24.0, 60.0)
    now = START + timedelta(hours=3, minutes=30)
    log.refresh(now)
    first = len(reads)
    log.refresh(now)

    assert first > 0
    assert len(reads) == first


def test_a_corrupt_file_costs_only_itself(environment: Environment, warehouse: Warehouse) -> None:
    (warehouse.root / "predictions" / "2013-05-06T12.parquet").write_bytes(b"PAR1 not really")
    found = engine(environment, QUALITY)
    found.look()

    assert value(found, "ontime_quality_flights") == 119
    assert value(found, "ontime_exporter_errors_total", collector="log") == 1


def test_a_failing_collector_loses_its_own_metrics_only(environment: Environment) -> None:
    working = True

    def collect(look: Look) -> Iterator[Sample]:
        yield sample("ontime_report_age_seconds", 1.0)
        if not working:
            raise RuntimeError("broken on purpose")

    flaky = Collector("flaky", collect, {"ontime_report_age_seconds": "Help."})
    found = engine(environment, WORLD, flaky)
    found.look()
    before = value(found, "ontime_report_age_seconds")
    working = False
    found.look()

    assert before == 1.0
    assert value(found, "ontime_report_age_seconds") is None
    assert value(found, "ontime_exporter_errors_total", collector="flaky") == 1
    assert value(found, "ontime_world_timestamp_seconds") == (START + timedelta(hours=5)).timestamp()


def test_an_unreadable_clock_is_counted(environment: Environment) -> None:
    environment.clock.write_text("{")
    found = engine(environment, WORLD)
    found.look()

    assert value(found, "ontime_world_speed") is None
    assert (value(found, "ontime_exporter_errors_total", collector="clock") or 0) >= 1


@pytest.mark.parametrize("share", [0.25, None])
def test_report(environment: Environment, share: float | None) -> None:
    environment.reports.mkdir()
    body = {
        "world_to": (START + timedelta(hours=4)).isoformat(),
        "drift_share": share,
        "features": {"origin_queue": {"score": share, "threshold": 0.1, "drifted": True}},
    }
    (environment.reports / "latest.json").write_text(json.dumps(body))
    found = engine(environment, REPORT)
    found.look()

    assert value(found, "ontime_report_age_seconds") == 3600.0
    assert value(found, "ontime_drift_share") == share
    assert value(found, "ontime_drift_score", feature="origin_queue") == share


def test_no_report_yet_is_no_error(environment: Environment) -> None:
    found = engine(environment, REPORT)
    found.look()

    assert value(found, "ontime_report_age_seconds") is None
    assert value(found, "ontime_exporter_errors_total", collector="report") == 0


def test_parity_compares_nulls_and_values() -> None:
    nan = float("nan")
    served = np.array([[1.0, nan, nan, 1000.0, 0.0]])
    recomputed = np.array([[1.0, nan, 2.0, 1000.5, 0.01]])

    assert differs(served, recomputed, 1e-3).tolist() == [[False, False, True, False, True]]


def test_components_that_are_down_are_no_errors_of_the_exporter(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    place = Environment(state=tmp_path, clock_file=tmp_path / "clock.json", mlflow_url=nobody, serving_url=nobody)
    frozen(place, START)
    found = engine(place, version_collector(place), cost_collector(place))
    found.look()

    assert value(found, "ontime_champion_version") is None
    assert value(found, "ontime_exporter_errors_total", collector="versions") == 0
    assert value(found, "ontime_exporter_errors_total", collector="cost") == 0


def test_cost_reads_serving_s_counters() -> None:
    text = (
        "# TYPE ontime_serving_cpu_seconds counter\nontime_serving_cpu_seconds_total 12.5\n"
        'ontime_predictions_total{model_version="3",degraded="false"} 900\n'
        'ontime_predictions_total{model_version="3",degraded="true"} 100\n'
    )

    assert totals(text) == (12.5, 1000.0)
    with pytest.raises(LookupError, match="ontime_serving_cpu_seconds_total"):
        totals("")


def test_recomputation_agrees_with_the_offline_definition(tmp_path: Path) -> None:
    from monitoring.exporter.recompute import FLIGHT_COLUMNS, Recomputation
    from ontime.features import assemble, columns, events_connection, point_in_time, requests_before_departure
    from tests.unit.monitoring.conftest import rows

    midnight = datetime(2013, 5, 6, 4, tzinfo=UTC)
    count = 60
    departs = [midnight + timedelta(hours=10, minutes=minute) for minute in range(count)]
    flights: dict[str, list[Any]] = {
        "event_id": [f"schedule-{n}" for n in range(count)],
        "event_time": departs,
        "available_at": [moment - timedelta(hours=36) for moment in departs],
        "ingested_at": [moment - timedelta(hours=36) for moment in departs],
        "flight_id": [f"2013-05-06-UA-{n}-EWR" for n in range(count)],
        "origin": ["EWR"] * count,
        "destination": ["SFO"] * count,
        "carrier": ["UA"] * count,
        "flight_number": list(range(1, count + 1)),
        "tail_number": [f"N{n:03}" if n % 3 else None for n in range(count)],
        "sched_dep_at": departs,
        "distance_miles": [2565.0] * count,
        "scheduled_minutes": [360.0] * count,
    }
    yesterday = [moment - timedelta(hours=20) for moment in departs]
    landed: dict[str, list[Any]] = {
        **{key: flights[key] for key in ("flight_id", "origin", "destination", "carrier", "tail_number")},
        "event_id": [f"arrival-{n}" for n in range(count)],
        "event_time": yesterday,
        "available_at": [moment + timedelta(minutes=2) for moment in yesterday],
        "ingested_at": yesterday,
        "arr_delay_minutes": [float(n) for n in range(count)],
        "taxi_minutes": [20.0] * count,
    }
    warehouse = Warehouse(tmp_path)
    tables = {"schedules": rows("schedules", flights), "arrivals": rows("arrivals", landed)}
    for name, table in tables.items():
        warehouse.write(name, table)
    asked = requests_before_departure(tables["schedules"].select(FLIGHT_COLUMNS), every_minutes=5)
    expected = point_in_time(events_connection(tables), asked)
    known = columns(expected)

    recomputed = Recomputation(warehouse).matrix(expected)

    np.testing.assert_allclose(recomputed, assemble(known, known), rtol=1e-6)


def test_readiness_needs_a_recent_look(environment: Environment) -> None:
    from monitoring.exporter.server import Server

    found = engine(environment, WORLD)
    server = Server(("127.0.0.1", 0), found, SETTINGS.every_seconds)
    try:
        before = server.ready()
        found.look()

        assert (before, server.ready()) == (False, True)
        found._newest.set(time.time() - 3600)
        assert server.ready() is False
    finally:
        server.server_close()
