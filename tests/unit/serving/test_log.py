"""The prediction log: every answer a row, none that makes an answer wait."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ontime.contract import FEATURE_NAMES, VIEWS
from ontime.errors import WarehouseError
from ontime.scorer import Scorer
from ontime.warehouse import PartWriter, Warehouse
from serving.requests import parse
from tests.unit.serving.conftest import FLIGHT, NOON, SLOW_AT, Platform, flight


def answer(platform: Platform, *flights: dict[str, Any], request_id: str = "r1") -> Any:
    asked = [parse(json.dumps(f).encode()).flights[0] for f in flights]
    return platform.worker.predictor.answer(asked, request_id, 0.0)


def test_a_row_holds_request_features_ages_score_and_shadow(platform: Platform, model_files: dict[int, Path]) -> None:
    platform.registry.wanted = {"champion": 1, "previous": 2}
    platform.worker.models.poll()
    answers = answer(platform, FLIGHT)
    (row,) = platform.logged()
    matrix = platform.worker.features.read(parse(json.dumps(FLIGHT).encode()).flights, 0).matrix

    assert {name: row[name] for name in FLIGHT if name != "sched_dep_at"} == {
        name: value for name, value in FLIGHT.items() if name != "sched_dep_at"
    }
    assert row["sched_dep_at"] == datetime(2013, 5, 6, 17, 15, tzinfo=UTC)
    assert [row[name] for name in FEATURE_NAMES] == pytest.approx(matrix[0].tolist())
    assert {view: row[f"{view}_at"] for view in VIEWS} == {
        view: SLOW_AT if view.endswith("_slow") else NOON - timedelta(minutes=5) for view in VIEWS
    }
    assert row["late_probability"] == answers.probabilities[0]
    assert row["previous_probability"] == pytest.approx(float(Scorer(model_files[2]).score(matrix)[0]))
    assert (row["model_version"], row["previous_version"]) == ("1", "2")
    assert (row["predicted_at"], row["request_id"], row["batch_size"]) == (NOON, "r1", 1)
    assert (row["degraded"], row["reasons"], row["revision"]) == (False, "", "checkout")
    assert abs(datetime.now(UTC) - row["wall_at"]) < timedelta(minutes=5)


def test_what_was_missing_is_null(platform: Platform) -> None:
    answer(platform, flight(destination="MIA", tail_number=None))
    (row,) = platform.logged()

    assert [row["route_late_rate_28d"], row["route_slow_at"], row["aircraft_slack_minutes"]] == [None, None, None]
    assert [row["tail_number"], row["previous_probability"], row["previous_version"]] == [None, None, None]
    assert (row["degraded"], row["reasons"]) == (True, "missing:route_slow,missing:destination_fresh")


def test_a_fallback_is_logged_as_one(platform: Platform) -> None:
    platform.source.down = True
    answer(platform, FLIGHT)
    (row,) = platform.logged()

    assert (row["model_version"], row["late_probability"], row["reasons"]) == ("fallback", 0.23, "feature_store_down")


def test_each_flight_of_a_batch_has_its_row_and_its_own_id(platform: Platform) -> None:
    answer(platform, *[FLIGHT] * 3, request_id="batch")
    answer(platform, FLIGHT, request_id="single")
    rows = platform.logged()

    assert sorted((r["request_id"], r["batch_size"]) for r in rows) == [("batch", 3)] * 3 + [("single", 1)]
    assert len({r["prediction_id"] for r in rows}) == 4
    assert platform.metric("ontime_prediction_log_rows_total", outcome="written") == 4
    assert platform.metric("ontime_prediction_log_queue_rows") == 0


def test_each_request_is_scored_by_the_shadow_of_its_time(platform: Platform, model_files: dict[int, Path]) -> None:
    for previous in (2, 3, 2):
        platform.registry.wanted = {"champion": 1, "previous": previous}
        platform.worker.models.poll()
        answer(platform, FLIGHT, FLIGHT, request_id=str(previous))
    matrix = platform.worker.features.read(parse(json.dumps(FLIGHT).encode()).flights, 0).matrix
    expected = {str(v): float(Scorer(model_files[v]).score(matrix)[0]) for v in (2, 3)}
    rows = platform.logged()

    assert [r["previous_version"] for r in rows] == [r["request_id"] for r in rows]
    assert all(r["previous_probability"] == pytest.approx(expected[r["request_id"]]) for r in rows)


def test_rows_beyond_the_queue_are_dropped_and_counted(make_platform: Callable[..., Platform]) -> None:
    platform = make_platform(log_queue_rows=1000)
    for _ in range(3):
        answer(platform, *[FLIGHT] * 400)
    rows = platform.logged()

    assert len(rows) == 800
    assert platform.metric("ontime_prediction_log_rows_total", outcome="dropped") == 400


def test_rows_wait_while_the_warehouse_refuses(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(platform, FLIGHT)
    with monkeypatch.context() as patched:
        patched.setattr(PartWriter, "append", refuse)
        platform.worker.flush()

    assert platform.worker.predictions.waiting == 1
    assert len(platform.logged()) == 1


def refuse(*_: Any) -> None:
    raise WarehouseError("disk full")


def test_what_waits_is_written_when_the_worker_stops(platform: Platform) -> None:
    async def run() -> None:
        async with platform.client() as client:
            await client.post("/predict", json=FLIGHT)

    asyncio.run(run())
    rows = Warehouse(platform.environment.warehouse).read("predictions")

    assert rows.num_rows == 1


def test_two_workers_write_side_by_side(make_platform: Callable[..., Platform]) -> None:
    workers = [make_platform(), make_platform()]
    for worker in workers:
        answer(worker, FLIGHT)
        worker.worker.flush()
        answer(worker, FLIGHT)
        worker.worker.flush()
    rows = workers[0].logged()

    assert len(rows) == len({r["prediction_id"] for r in rows}) == 4


def test_rows_go_to_the_file_of_their_hour(platform: Platform) -> None:
    answer(platform, FLIGHT)
    platform.set_clock(NOON + timedelta(hours=1))
    answer(platform, FLIGHT)
    platform.worker.flush()
    files = Warehouse(platform.environment.warehouse).files("predictions")

    assert [path.name[:14] for path in files] == ["2013-05-06T16.", "2013-05-06T17."]


def test_a_part_file_is_closed_when_it_is_full(platform: Platform, tmp_path: Path) -> None:
    answer(platform, FLIGHT, FLIGHT)
    platform.worker.flush()
    rows = Warehouse(platform.environment.warehouse).read("predictions")
    warehouse = Warehouse(tmp_path / "other")
    writer = PartWriter(warehouse, "predictions", "w", max_rows=4)
    for _ in range(5):
        writer.append(rows)

    assert warehouse.read("predictions").num_rows == 10
    assert [p.name for p in warehouse.files("predictions")] == [f"2013-05-06T16.w-{n}.parquet" for n in range(3)]


def test_latency_is_measured_from_the_requests_arrival(platform: Platform) -> None:
    async def run() -> None:
        async with platform.client() as client:
            await client.post("/predict", json={"flights": [FLIGHT] * 20})

    asyncio.run(run())
    rows = platform.logged()

    assert {r["batch_size"] for r in rows} == {20}
    assert all(0 < r["latency_ms"] < 60_000 and math.isfinite(r["latency_ms"]) for r in rows)
