"""The contract: what it takes, what it refuses, and that its hash moves when its meaning does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ontime.contract import EVENT, FEATURES, Feature, PredictBatch, ScheduledFlight, contract_hash
from ontime.warehouse import TABLES

FLIGHT: dict[str, Any] = {
    "flight_id": "2013-05-06-UA-1545-EWR",
    "origin": "EWR",
    "destination": "IAH",
    "carrier": "UA",
    "flight_number": 1545,
    "tail_number": "N14228",
    "sched_dep_at": "2013-05-06T09:15:00-04:00",
    "distance_miles": 1400,
    "scheduled_minutes": 227,
}


def test_times_are_kept_in_utc() -> None:
    assert ScheduledFlight(**FLIGHT).sched_dep_at == datetime(2013, 5, 6, 13, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("origin", "SFO"),
        ("destination", "EWR"),
        ("destination", "iah"),
        ("carrier", "United"),
        ("flight_number", 0),
        ("sched_dep_at", "2013-05-06T09:15:00"),
        ("distance_miles", float("nan")),
        ("distance_miles", -1),
        ("distance_miles", "1400"),
        ("flight_number", "1545"),
        ("flight_number", 1545.0),
        ("sched_dep_at", 1367846100),
        ("sched_dep_at", "1367846100"),
        ("scheduled_minutes", 0),
        ("scheduled_minutes", float("inf")),
        ("tail_number", "n"),
        ("seat", "12A"),
    ],
)
def test_a_flight_that_cannot_be_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        ScheduledFlight(**(FLIGHT | {field: value}))


@given(size=st.sampled_from([0, 501, 1000]))
def test_a_batch_has_bounds(size: int) -> None:
    with pytest.raises(ValidationError):
        PredictBatch(flights=[ScheduledFlight(**FLIGHT)] * size)


def test_an_outcome_cannot_be_known_before_it_happens() -> None:
    with pytest.raises(ValidationError, match="before it happens"):
        EVENT.validate_python(
            {
                "kind": "departure",
                "event_id": "event-0001",
                "event_time": "2013-05-06T12:00:00Z",
                "available_at": "2013-05-06T11:59:00Z",
                "flight_id": FLIGHT["flight_id"],
                "origin": "EWR",
                "carrier": "UA",
                "dep_delay_minutes": 1,
            }
        )


@pytest.mark.parametrize("change", [{"unit": "hours"}, {"name": "other"}, {"view": "elsewhere"}, {"high": 1.5}])
def test_the_hash_moves_with_the_meaning_of_any_feature(change: dict[str, Any]) -> None:
    changed: tuple[Feature, ...] = (replace(FEATURES[0], **change), *FEATURES[1:])

    assert contract_hash(changed) != contract_hash(FEATURES)
    assert contract_hash(FEATURES[::-1]) != contract_hash(FEATURES)


def test_every_feature_of_a_view_is_a_column_of_its_table_or_derived_from_one() -> None:
    derived = {"aircraft_slack_minutes"}
    missing = {f.name for f in FEATURES if f.view != "request" and f.name not in TABLES[f.view].schema.names}

    assert missing == derived
