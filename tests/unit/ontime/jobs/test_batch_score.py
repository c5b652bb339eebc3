from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ontime.clock import Segment, write_segments
from ontime.errors import RegistryError
from ontime.jobs import batch_score
from ontime.scorer import Matrix
from ontime.settings import Environment
from ontime.warehouse import TABLES, Warehouse
from tests.unit.ontime.features.flights import schedule
from tests.unit.ontime.frames import version

NOW = datetime(2013, 5, 6, 20, tzinfo=UTC)
TOMORROW = datetime(2013, 5, 7, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Half:
    """A scorer that is half sure of everything."""

    def score(self, matrix: Matrix) -> np.ndarray:
        assert matrix.dtype == np.float32
        return np.full(len(matrix), 0.5)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    found = Environment(state=tmp_path)
    write_segments(found.clock, (Segment(0.0, NOW.timestamp(), 0.0),))
    flights = [
        schedule("today", TOMORROW - HOUR),
        schedule("first", TOMORROW),
        schedule("second", TOMORROW + 5 * HOUR, origin="JFK"),
        schedule("last", TOMORROW + 23 * HOUR),
        schedule("not announced yet", TOMORROW + 20 * HOUR, origin="LGA", available_at=NOW + HOUR),
        schedule("the day after", TOMORROW + 24 * HOUR, available_at=NOW - HOUR),
    ]
    Warehouse(found.warehouse).write("schedules", pa.Table.from_pylist(flights, TABLES["schedules"].schema))
    monkeypatch.setattr(batch_score, "_champion", lambda _: (version(7), Half()))
    return found


def test_tomorrow_is_the_next_new_york_day() -> None:
    assert batch_score.tomorrow(NOW) == (TOMORROW, TOMORROW + 24 * HOUR)


def test_tomorrow_is_right_around_daylight_saving() -> None:
    spring = batch_score.tomorrow(datetime(2013, 3, 9, 17, tzinfo=UTC))
    autumn = batch_score.tomorrow(datetime(2013, 11, 2, 16, tzinfo=UTC))

    assert spring == (datetime(2013, 3, 10, 5, tzinfo=UTC), datetime(2013, 3, 11, 4, tzinfo=UTC))
    assert autumn == (datetime(2013, 11, 3, 4, tzinfo=UTC), datetime(2013, 11, 4, 5, tzinfo=UTC))


def test_the_plan_names_origins_with_announced_flights(settings: Environment) -> None:
    assert batch_score.plan(settings) == ["EWR", "JFK"]


def test_scores_are_written_for_the_flights_of_one_origin(settings: Environment) -> None:
    written = batch_score.score(settings, "EWR")

    rows = Warehouse(settings.warehouse).read("batch_scores").to_pylist()
    assert written == 2
    assert {row["flight_id"] for row in rows} == {"first", "last"}
    assert {(row["scored_at"], row["late_probability"], row["model_version"]) for row in rows} == {(NOW, 0.5, "7")}


def test_an_origin_without_flights_writes_nothing(settings: Environment) -> None:
    assert batch_score.score(settings, "LGA") == 0
    assert Warehouse(settings.warehouse).read("batch_scores").num_rows == 0


def test_without_a_champion_nothing_is_scored(settings: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("ontime.registry.RegistryReader.alias", lambda *_: None)

    with pytest.raises(RegistryError, match="no champion"):
        batch_score.score(settings, "EWR")
