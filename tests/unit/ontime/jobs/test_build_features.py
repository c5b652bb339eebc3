from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ontime.clock import Segment, write_segments
from ontime.errors import FeatureStoreError
from ontime.jobs import build_features
from ontime.settings import Environment
from ontime.warehouse import TABLES, Warehouse
from tests.unit.ontime.features.flights import arrival, schedule

MIDNIGHT = datetime(2013, 5, 6, 4, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(hours=5)
DAY = timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Environment:
    """A platform that stands at NOW, with one flight landed the day before."""
    found = Environment(state=tmp_path)
    found.online.mkdir(parents=True)
    write_segments(found.clock, (Segment(0.0, NOW.timestamp(), 0.0),))
    departs = MIDNIGHT - timedelta(hours=10)
    events: dict[str, dict[str, Any]] = {
        "schedules": schedule("flight", departs),
        "arrivals": arrival("flight", departs + timedelta(hours=6), 30.0),
    }
    for name, event in events.items():
        Warehouse(found.warehouse).write(name, pa.Table.from_pylist([event], TABLES[name].schema))
    return found


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Stands in for the online store; keeps what it was asked to load."""
    asked: list[datetime] = []
    monkeypatch.setattr(build_features, "_materialize", lambda _, until: asked.append(until))
    return asked


def test_the_first_run_builds_the_last_midnight(settings: Environment, loaded: list[datetime]) -> None:
    built = build_features.build(settings)

    assert built.midnights == (MIDNIGHT,)
    assert built.rows["route_slow"] == 1
    assert loaded == [MIDNIGHT]
    stored = Warehouse(settings.warehouse).read("route_slow").to_pylist()
    assert [(row["route"], row["event_timestamp"]) for row in stored] == [("EWR-SFO", MIDNIGHT)]


def test_a_second_run_has_nothing_to_do(settings: Environment, loaded: list[datetime]) -> None:
    build_features.build(settings)

    assert build_features.build(settings).midnights == ()
    assert loaded == [MIDNIGHT]


def test_a_run_that_failed_half_way_is_done_again(settings: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise FeatureStoreError("down")

    monkeypatch.setattr(build_features, "_materialize", refuse)
    with pytest.raises(FeatureStoreError):
        build_features.build(settings)
    monkeypatch.setattr(build_features, "_materialize", lambda *_: None)

    assert build_features.build(settings).midnights == (MIDNIGHT,)


def test_midnights_that_were_missed_are_made_up_for(settings: Environment, loaded: list[datetime]) -> None:
    build_features.build(settings)
    write_segments(settings.clock, (Segment(0.0, (NOW + 3 * DAY).timestamp(), 0.0),))

    assert build_features.build(settings).midnights == tuple(MIDNIGHT + i * DAY for i in (1, 2, 3))
    assert loaded[-1] == MIDNIGHT + 3 * DAY


def test_days_can_be_built_again(settings: Environment, loaded: list[datetime]) -> None:
    build_features.build(settings)

    assert build_features.build(settings, recompute_days=3).midnights == tuple(MIDNIGHT - i * DAY for i in (2, 1, 0))


def test_a_midnight_waits_until_what_came_before_it_has_settled(settings: Environment) -> None:
    warehouse = Warehouse(settings.warehouse)

    before = build_features.pending(warehouse, settings.online, MIDNIGHT + timedelta(minutes=29))
    after = build_features.pending(warehouse, settings.online, MIDNIGHT + timedelta(minutes=31))

    assert (before, after) == ([MIDNIGHT - DAY], [MIDNIGHT])


def test_an_unreadable_watermark_is_no_watermark(settings: Environment, loaded: list[datetime]) -> None:
    build_features.build(settings)
    (settings.online / "slow_materialized_through").write_text(json.dumps("yesterday"))

    assert build_features.build(settings).midnights == (MIDNIGHT,)
