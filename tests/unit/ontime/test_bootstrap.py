from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ontime import bootstrap
from ontime.contract import FEATURE_NAMES, VIEWS
from ontime.features import events_connection, point_in_time, requests_before_departure
from ontime.settings import TrainingBehaviour
from ontime.training.window import Days
from ontime.warehouse import TABLES, TIMESTAMP
from tests.unit.ontime.features.flights import arrival, schedule

NOW = datetime(2013, 5, 6, 9, tzinfo=UTC)
TRAINING = TrainingBehaviour()


def plan(now: datetime, trained_through: date | None) -> bootstrap.Plan:
    return bootstrap.Plan.at(now, TRAINING, trained_through)


def test_by_default_the_champion_is_trained_as_retraining_would() -> None:
    found = plan(NOW, None)

    assert found.window.training.last == date(2013, 4, 21)
    assert found.window.holdout == Days(date(2013, 4, 22), date(2013, 5, 5))
    assert found.since == datetime(2013, 4, 22, 4, tzinfo=UTC)


def test_the_previous_champion_ends_three_weeks_earlier() -> None:
    found = plan(NOW, date(2013, 4, 21))

    assert found.older.training.last == date(2013, 3, 31)
    assert len(found.older.training) == len(found.window.training) == 81
    assert found.older.holdout == Days(date(2013, 4, 1), date(2013, 4, 14))


def test_the_past_is_out_of_sample_and_two_weeks_long() -> None:
    late, early = plan(datetime(2013, 6, 24, 9, tzinfo=UTC), date(2013, 4, 30)), plan(NOW, date(2013, 5, 1))

    assert late.since == datetime(2013, 6, 10, 4, tzinfo=UTC)
    assert early.since == early.window.training.until == datetime(2013, 5, 2, 4, tzinfo=UTC)


def test_held_out_days_are_past() -> None:
    assert plan(NOW, date(2013, 5, 1)).window.holdout == Days(date(2013, 5, 2), date(2013, 5, 5))


def test_midnights_are_local_also_when_the_clock_changes() -> None:
    found = bootstrap.midnights_before(datetime(2013, 3, 11, 12, tzinfo=UTC), 3)

    assert found == [
        datetime(2013, 3, 9, 5, tzinfo=UTC),
        *(datetime(2013, 3, d, h, tzinfo=UTC) for d, h in [(10, 5), (11, 4)]),
    ]


def test_ticks_are_the_last_two_days_of_the_grid() -> None:
    found = bootstrap.ticks_before(NOW + timedelta(minutes=3), 5)

    assert (found[0], found[-1], len(found)) == (NOW - timedelta(hours=48), NOW, 577)
    assert {later - sooner for sooner, later in pairwise(found)} == {timedelta(minutes=5)}


def test_the_newest_row_of_each_key_is_kept() -> None:
    moments = [NOW, NOW - timedelta(hours=1), NOW - timedelta(hours=2)]
    rows = pa.table(
        {"airport": ["EWR", "EWR", "JFK"], "event_timestamp": pa.array(moments, TIMESTAMP), "x": [1.0, 2.0, 3.0]}
    )
    found = bootstrap.newest_per_key(rows, "airport").sort_by("airport").to_pylist()

    assert [(row["airport"], row["x"]) for row in found] == [("EWR", 1.0), ("JFK", 3.0)]


def test_days_are_cut_at_local_midnights() -> None:
    moments = [datetime(2013, 4, 21, 3, 59, tzinfo=UTC), *(datetime(2013, 4, 21, h, tzinfo=UTC) for h in (4, 23))]
    moments += [datetime(2013, 4, 22, 3, 59, tzinfo=UTC), datetime(2013, 4, 22, 4, tzinfo=UTC)]
    rows = pa.table({"sched_dep_at": pa.array(moments, TIMESTAMP)})
    found = bootstrap.scheduled_on(rows, Days(date(2013, 4, 21), date(2013, 4, 21)))

    assert found["sched_dep_at"].to_pylist() == moments[1:4]


class Constant:
    """A scorer that always says the same."""

    def __init__(self, value: float) -> None:
        self._value = value

    def score(self, matrix: Any) -> Any:
        return np.full(len(matrix), self._value)


@pytest.fixture
def logged() -> pa.Table:
    """The prediction log of two flights, one with an aircraft that has arrived before."""
    flights = [
        schedule("A", NOW, tail_number="N1AA"),
        schedule("B", NOW + timedelta(minutes=50)),
        schedule("C", NOW + timedelta(hours=3)),
    ]
    landed = [arrival("Z", NOW - timedelta(hours=3), 5.0, tail_number="N1AA")]
    connection = events_connection(
        {
            "schedules": pa.Table.from_pylist(flights, schema=TABLES["schedules"].schema),
            "arrivals": pa.Table.from_pylist(landed, schema=TABLES["arrivals"].schema),
        }
    )
    asked = bootstrap.flights_asked_about(connection, NOW - timedelta(days=1), NOW)
    features = point_in_time(connection, requests_before_departure(asked))
    return bootstrap.predictions(features, ("2", Constant(0.3)), ("1", Constant(0.2)))  # type: ignore[arg-type]


def test_only_flights_within_their_last_hour_were_asked_about(logged: pa.Table) -> None:
    assert logged["flight_id"].to_pylist() == ["A", "B"]
    assert logged["predicted_at"].to_pylist() == [NOW - timedelta(hours=1), NOW - timedelta(minutes=10)]


def test_the_log_has_the_tables_schema_and_both_models_scores(logged: pa.Table) -> None:
    assert logged.schema == TABLES["predictions"].schema
    assert set(logged["late_probability"].to_pylist()) == {0.3}
    assert set(logged["previous_probability"].to_pylist()) == {0.2}
    assert (logged["model_version"].to_pylist()[0], logged["previous_version"].to_pylist()[0]) == ("2", "1")


def test_what_only_a_live_answer_has_is_null(logged: pa.Table) -> None:
    assert logged["latency_ms"].null_count == logged["revision"].null_count == logged.num_rows


def test_features_are_those_of_the_hour_before(logged: pa.Table) -> None:
    slack = logged["aircraft_slack_minutes"].to_pylist()

    assert slack[0] is not None
    assert slack[1] is None
    assert set(FEATURE_NAMES) | {f"{view}_at" for view in VIEWS} <= set(logged.column_names)


def test_repeating_gives_the_same_ids(logged: pa.Table) -> None:
    ids = logged["prediction_id"].to_pylist()

    assert len(set(ids)) == len(ids)
    assert all(len(name) == len("past-") + 16 for name in ids)
