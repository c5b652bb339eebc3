"""What an answer rests on: the model, features with their ages, or the prior; and that it says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ontime.contract import FEATURE_NAMES, FRESH_VIEWS, VIEWS, Prediction, PredictionBatch
from ontime.scorer import Scorer
from serving.requests import parse
from tests.unit.serving.conftest import FLIGHT, NOON, ROUTE_RATE, SLOW_AT, Platform, flight


def predict(platform: Platform, body: Any) -> Any:
    async def run() -> Any:
        async with platform.client() as client:
            response = await client.post("/predict", json=body)
            assert response.status_code == 200, response.text
            return response.json()

    return asyncio.run(run())


def features(platform: Platform, body: dict[str, Any], at: Any = NOON) -> Any:
    return platform.worker.features.read(parse(json.dumps(body).encode()).flights, round(at.timestamp() * 1e6))


def test_a_healthy_answer_is_the_champions(platform: Platform, model_files: dict[int, Path]) -> None:
    answer = predict(platform, FLIGHT)

    assert Prediction.model_validate(answer, strict=True).flight_id == FLIGHT["flight_id"]
    assert answer["late_probability"] == pytest.approx(
        float(Scorer(model_files[1]).score(features(platform, FLIGHT).matrix)[0]), abs=1e-9
    )
    assert (answer["model_version"], answer["degraded"], answer["reasons"]) == ("1", False, [])


def test_features_are_those_of_the_flights_own_keys(platform: Platform) -> None:
    platform.push("origin_fresh", ["EWR"], NOON, value=7.0)
    platform.push("destination_fresh", ["SFO"], NOON, value=8.0)
    row = dict(zip(FEATURE_NAMES, features(platform, FLIGHT).matrix[0].tolist(), strict=True))

    assert row["origin_queue"] == 7.0
    assert row["destination_arr_delay_mean_6h"] == 8.0
    assert row["sched_minute_of_day"] == 13 * 60 + 15
    assert row["origin_is_ewr"] == 1.0
    assert row["aircraft_slack_minutes"] == 75 + 35


def test_a_batch_is_answered_in_its_order(platform: Platform) -> None:
    flights = [flight(flight_id=f"2013-05-06-UA-{n}-EWR", distance_miles=100 + n) for n in range(1, 60)]
    batch = predict(platform, {"flights": [*flights, flights[0]]})
    single = predict_again(platform, flights[30])

    assert [p.flight_id for p in PredictionBatch.model_validate(batch).predictions] == [
        f["flight_id"] for f in [*flights, flights[0]]
    ]
    assert batch["predictions"][30]["late_probability"] == pytest.approx(single, abs=1e-9)


def predict_again(platform: Platform, body: dict[str, Any]) -> float:
    question = parse(json.dumps(body).encode())
    return float(platform.worker.predictor.answer(question.flights, "again", 0.0).probabilities[0])


def test_an_aircraft_that_is_unknown_or_not_assigned_is_normal(platform: Platform) -> None:
    answers = predict(platform, {"flights": [flight(tail_number=None), flight(tail_number="N99999")]})["predictions"]

    assert [a["degraded"] for a in answers] == [False, False]
    assert platform.metric("ontime_feature_reads_total", view="aircraft_fresh") == 1
    assert platform.metric("ontime_feature_rows_missing_total", view="aircraft_fresh") == 1


def test_a_missing_row_degrades_the_models_answer(platform: Platform) -> None:
    answer = predict(platform, flight(destination="MIA"))

    assert (answer["model_version"], answer["degraded"]) == ("1", True)
    assert answer["reasons"] == ["missing:route_slow", "missing:destination_fresh"]
    assert platform.metric("ontime_feature_rows_missing_total", view="route_slow") == 1
    assert platform.metric("ontime_predictions_total", model_version="1", degraded="true") == 1


@pytest.mark.parametrize("view", ["origin_fresh", "weather_fresh"])
def test_without_an_essential_view_the_routes_own_rate_answers(platform: Platform, view: str) -> None:
    forget(platform, view)
    answer = predict(platform, FLIGHT)

    assert answer["reasons"] == [f"missing:{view}"]
    assert (answer["model_version"], answer["late_probability"]) == ("fallback", pytest.approx(ROUTE_RATE))


def forget(platform: Platform, view: str) -> None:
    import sqlite3

    with sqlite3.connect(platform.environment.online / "online.db") as connection:
        connection.execute(f"DELETE FROM ontime_{view}")  # noqa: S608
    connection.close()


@pytest.mark.parametrize(
    ("minutes", "reasons"),
    [
        (40, []),
        (41, ["stale:origin_fresh", "stale:destination_fresh", "stale:carrier_fresh"]),
        (105, ["stale:origin_fresh", "stale:destination_fresh", "stale:carrier_fresh"]),
        (106, ["stale:origin_fresh", "stale:destination_fresh", "stale:carrier_fresh", "stale:weather_fresh"]),
    ],
)
def test_fresh_rows_that_are_too_old_degrade_the_models_answer(
    platform: Platform, minutes: int, reasons: list[str]
) -> None:
    platform.set_clock(NOON + timedelta(minutes=minutes))
    answer = predict(platform, flight(sched_dep_at="2013-05-06T17:45:00Z"))

    assert (answer["model_version"], answer["reasons"], answer["degraded"]) == ("1", reasons, bool(reasons))


def test_ages_are_world_time_whatever_the_cache_holds(platform: Platform) -> None:
    predict_again(platform, FLIGHT)
    platform.set_clock(NOON + timedelta(hours=3))
    predict_again(platform, FLIGHT)
    total = {view: platform.metric("ontime_feature_age_seconds_sum", view=view) for view in VIEWS}

    assert {total[view] for view in FRESH_VIEWS} == {2 * 300 + 3 * 3600}
    assert total["route_slow"] == 2 * (NOON - SLOW_AT).total_seconds() + 3 * 3600
    assert platform.metric("ontime_feature_age_seconds_bucket", view="origin_fresh", le="300.0") == 1
    assert platform.metric("ontime_feature_age_seconds_count", view="origin_fresh") == 2


def test_bulk_ages_fall_into_the_same_buckets_as_single_ones(platform: Platform) -> None:
    metrics, seconds = platform.worker.metrics, np.array([0.0, 60.0, 60.1, 5e3, 1e9])
    metrics.observe_ages("origin_fresh", seconds)
    for value in seconds:
        metrics.age_of["route_slow"].observe(value)
    bounds = ["60.0", "300.0", "7200.0", "+Inf"]

    def buckets(view: str) -> list[float]:
        return [platform.metric("ontime_feature_age_seconds_bucket", view=view, le=bound) for bound in bounds]

    assert buckets("origin_fresh") == buckets("route_slow") == [2, 3, 4, 5]


def test_a_written_row_is_seen_at_once_though_the_cache_would_keep_the_old_one(platform: Platform) -> None:
    before = features(platform, FLIGHT).matrix
    platform.push("origin_fresh", ["EWR"], NOON, value=9.0)
    after = features(platform, FLIGHT).matrix

    assert before[0][FEATURE_NAMES.index("origin_queue")] == pytest.approx(0.2)
    assert after[0][FEATURE_NAMES.index("origin_queue")] == 9.0


def test_the_cache_spares_the_store(platform: Platform) -> None:
    for _ in range(5):
        features(platform, FLIGHT)

    assert platform.metric("ontime_feature_store_reads_total") == len(VIEWS)


def test_rows_are_read_again_when_they_have_been_kept_long_enough(make_platform: Callable[..., Platform]) -> None:
    platform = make_platform(feature_cache_seconds=0.0)
    for _ in range(2):
        features(platform, FLIGHT)

    assert platform.metric("ontime_feature_store_reads_total") == 2 * len(VIEWS)


def test_a_replaced_store_is_read_from_then_on(platform: Platform, applied_store: Path) -> None:
    platform.push("origin_fresh", ["EWR"], NOON, value=9.0)
    features(platform, FLIGHT)
    for path in platform.environment.online.glob("online.db*"):
        path.unlink()
    fresh = platform.environment.online / "copy.db"
    fresh.write_bytes((applied_store / "online.db").read_bytes())
    fresh.rename(platform.environment.online / "online.db")

    assert features(platform, FLIGHT).matrix[0][FEATURE_NAMES.index("origin_queue")] == pytest.approx(0.2)


def test_when_the_store_is_down_the_last_known_rate_answers(platform: Platform) -> None:
    predict_again(platform, FLIGHT)
    platform.source.down = True
    known, unknown = predict(platform, {"flights": [FLIGHT, flight(destination="MIA")]})["predictions"]

    assert (known["late_probability"], unknown["late_probability"]) == (pytest.approx(ROUTE_RATE), 0.23)
    assert {a["model_version"] for a in (known, unknown)} == {"fallback"}
    assert known["reasons"] == ["feature_store_down"]
    assert platform.metric("ontime_feature_store_failures_total") >= 1


def test_a_store_that_comes_back_is_used_again(platform: Platform) -> None:
    platform.source.down = True
    features(platform, FLIGHT)
    platform.source.down = False

    assert not features(platform, FLIGHT).store_down


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"not a database" * 1000)])
def test_a_lost_or_damaged_store_file_degrades_instead_of_failing(
    platform: Platform, harm: Callable[[Path], Any]
) -> None:
    for path in platform.environment.online.glob("online.db*"):
        harm(path)
    answer = predict(platform, FLIGHT)

    assert (answer["model_version"], answer["reasons"]) == ("fallback", ["feature_store_down"])


def test_without_any_model_the_prior_answers(make_platform: Callable[..., Platform]) -> None:
    platform = make_platform()
    platform.registry.down = True
    answer = predict(platform, FLIGHT)

    assert (answer["model_version"], answer["late_probability"]) == ("fallback", pytest.approx(ROUTE_RATE))
    assert (answer["degraded"], answer["reasons"]) == (True, ["no_model"])


def get(platform: Platform, path: str) -> tuple[int, Any]:
    async def run() -> tuple[int, Any]:
        async with platform.client() as client:
            await asyncio.to_thread(platform.worker.models.settled.wait, 10)
            response = await client.get(path)
            return response.status_code, response.json() if "json" in response.headers["content-type"] else None

    return asyncio.run(run())


def test_ready_with_a_model_and_readable_features(platform: Platform) -> None:
    assert get(platform, "/readyz") == (200, {"ready": True, "model_version": "1", "reasons": []})


def test_ready_in_fallback_says_so(make_platform: Callable[..., Platform]) -> None:
    platform = make_platform()
    platform.registry.down = True

    assert get(platform, "/readyz") == (200, {"ready": True, "model_version": "fallback", "reasons": ["no_model"]})


def test_not_ready_before_the_registry_was_asked(platform: Platform) -> None:
    readiness = platform.worker.readiness()

    assert (readiness.ready, readiness.reasons) == (False, ["registry_not_asked_yet"])


def test_not_ready_without_the_store_but_alive(platform: Platform) -> None:
    platform.source.down = True
    code, body = get(platform, "/readyz")

    assert (code, body["ready"]) == (503, False)
    assert body["reasons"][0].startswith("feature_store_down: ")


def test_not_ready_when_the_stores_file_is_gone(platform: Platform) -> None:
    predict_again(platform, FLIGHT)
    for path in platform.environment.online.glob("online.db*"):
        path.unlink()

    assert get(platform, "/readyz")[0] == 503


def test_healthy_whatever_else(platform: Platform) -> None:
    platform.source.down = True

    assert get(platform, "/healthz")[0] == 200


def test_metrics_are_prometheus_text(platform: Platform) -> None:
    predict_again(platform, FLIGHT)

    assert get(platform, "/metrics")[0] == 200
    assert platform.metric("ontime_serving_build_info", revision="checkout") == 1
    assert platform.metric("ontime_predictions_total", model_version="1", degraded="false") == 1
