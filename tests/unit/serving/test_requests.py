"""What a bad request gets: a 4xx with the field, the reason and the value."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from ontime.contract import MAX_BATCH
from serving.requests import MAX_BODY_BYTES, RefusedError, parse
from tests.unit.serving.conftest import FLIGHT, Platform, flight

JSON = {"content-type": "application/json"}


def refused(body: bytes) -> tuple[int, list[tuple[str, Any]]]:
    with pytest.raises(RefusedError) as caught:
        parse(body)
    return caught.value.status, [(e.field, e.value) for e in caught.value.errors]


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"distance_miles": float("nan")}, "distance_miles", "nan"),
        ({"distance_miles": float("inf")}, "distance_miles", "inf"),
        ({"scheduled_minutes": float("-inf")}, "scheduled_minutes", "-inf"),
        ({"distance_miles": 1e300}, "distance_miles", 1e300),
        ({"distance_miles": "12"}, "distance_miles", "12"),
        ({"distance_miles": True}, "distance_miles", True),
        ({"distance_miles": None}, "distance_miles", None),
        ({"distance_miles": [1, 2]}, "distance_miles", "a list of 2"),
        ({"flight_number": 12.5}, "flight_number", 12.5),
        ({"flight_number": 12.0}, "flight_number", 12.0),
        ({"flight_number": 10**40}, "flight_number", "an integer of 133 bits"),
        ({"flight_number": 0}, "flight_number", 0),
        ({"sched_dep_at": "2013-05-06T10:00:00"}, "sched_dep_at", "2013-05-06T10:00:00"),
        ({"sched_dep_at": 1367000000}, "sched_dep_at", 1367000000),
        ({"sched_dep_at": "9999-12-31T23:59:59-12:00"}, "sched_dep_at", "9999-12-31T23:59:59-12:00"),
        ({"sched_dep_at": "0001-01-01T00:00:00+12:00"}, "sched_dep_at", "0001-01-01T00:00:00+12:00"),
        ({"origin": "SFO"}, "origin", "SFO"),
        ({"destination": "sfo"}, "destination", "sfo"),
        ({"carrier": "x" * 1000}, "carrier", "x" * 200 + "…"),
        ({"tail_number": "N 1"}, "tail_number", "N 1"),
        ({"wings": 2}, "wings", 2),
        ({"destination": "EWR"}, "body", None),
    ],
)
def test_a_field_that_breaks_the_contract_is_named_with_its_value(
    changes: dict[str, Any], field: str, value: Any
) -> None:
    found = refused(json.dumps(flight(**changes)).encode())

    assert found == (422, [(field, value)])


def test_a_field_of_a_batch_is_named_by_its_position() -> None:
    found = refused(json.dumps({"flights": [FLIGHT, flight(distance_miles=-1)]}).encode())

    assert found == (422, [("flights.1.distance_miles", -1)])


def test_a_missing_field_is_named() -> None:
    body = {name: value for name, value in FLIGHT.items() if name != "carrier"}

    assert refused(json.dumps(body).encode()) == (422, [("carrier", None)])


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN,", b"\xff\xfe", b"[" * 100_000, b'{"a":1}{}', b'{"flight_id":"\\ud800"}', b"1" * 6000]
)
def test_what_is_not_json_is_a_bad_request(body: bytes) -> None:
    assert refused(body)[0] == 400


@pytest.mark.parametrize("body", [b"[]", b"null", b"3", b'"flight"', b"NaN"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert refused(body) == (422, [("body", None)])


@pytest.mark.parametrize(
    ("flights", "value"),
    [([], "a list of 0"), ([FLIGHT] * (MAX_BATCH + 1), f"a list of {MAX_BATCH + 1}"), ("all", "all"), (None, None)],
)
def test_a_batch_of_a_wrong_size_or_kind_is_refused(flights: Any, value: Any) -> None:
    assert refused(json.dumps({"flights": flights}).encode()) == (422, [("flights", value)])


def test_many_errors_are_cut_short() -> None:
    _, errors = refused(json.dumps({"flights": [{}] * MAX_BATCH}).encode())

    assert len(errors) == 50


def test_the_largest_batch_and_repeated_flights_are_accepted() -> None:
    question = parse(json.dumps({"flights": [FLIGHT] * MAX_BATCH}).encode())

    assert (len(question.flights), question.single) == (MAX_BATCH, False)


def ask(platform: Platform, method: str, path: str, **options: Any) -> httpx.Response:
    async def run() -> httpx.Response:
        async with platform.client() as client:
            return await client.request(method, path, **options)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ({"content": json.dumps(FLIGHT), "headers": {"content-type": "text/plain"}}, 415, "content-type"),
        ({"content": json.dumps(FLIGHT)}, 415, "content-type"),
        ({"content": "{", "headers": JSON}, 400, "body"),
        ({"content": b" " * (MAX_BODY_BYTES + 1), "headers": JSON}, 413, "body"),
        ({"json": flight(distance_miles=9)}, 422, "distance_miles"),
    ],
)
def test_a_refusal_says_why_and_is_counted(platform: Platform, options: dict[str, Any], code: int, field: str) -> None:
    response = ask(platform, "POST", "/predict", **options)

    assert response.status_code == code
    assert [e["field"] for e in response.json()["errors"]] == [field]
    assert response.headers["x-request-id"]
    assert platform.metric("ontime_predict_requests_total", size="single", code=str(code)) == 1


def test_a_body_of_unknown_length_is_cut_off(platform: Platform) -> None:
    async def chunks() -> Any:
        for _ in range(30):
            yield b" " * 100_000

    response = ask(platform, "POST", "/predict", content=chunks(), headers=JSON)

    assert response.status_code == 413


def test_a_charset_may_follow_the_content_type(platform: Platform) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}

    assert ask(platform, "POST", "/predict", content=json.dumps(FLIGHT), headers=headers).status_code == 200


def test_a_wrong_method_is_told_the_right_one(platform: Platform) -> None:
    response = ask(platform, "GET", "/predict")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["errors"][0]["reason"] == "GET /predict: expected POST"


@pytest.mark.parametrize(("given", "kept"), [("world-17", True), ("a b", False), ("x" * 65, False)])
def test_a_request_keeps_its_own_id_when_it_is_well_formed(platform: Platform, given: str, kept: bool) -> None:
    response = ask(platform, "POST", "/predict", json=FLIGHT, headers={"x-request-id": given})

    assert (response.headers["x-request-id"] == given) is kept


def test_an_unexpected_failure_is_a_500_with_the_request_id(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(platform.worker.predictor, "answer", lambda *_: 1 / 0)

    response = ask(platform, "POST", "/predict", json=FLIGHT)

    request_id = response.headers["x-request-id"]
    assert response.status_code == 500
    assert request_id in response.json()["errors"][0]["reason"]
    assert [r.levelname for r in caplog.records if request_id in r.getMessage()] == ["ERROR"]
    assert platform.metric("ontime_predict_requests_total", code="500") == 1
