"""The pinned batch path, and the stores after later rows were withdrawn."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from brownout.errors import PreparationError
from brownout.faults import get
from brownout.faults.slow_rows import midnight_of, withdraw
from brownout.probes.online import read_view
from ontime import online
from ontime.clock import Segment, write_segments
from ontime.contract import SLOW_VIEWS
from ontime.features import entity_of, value_columns
from ontime.settings import Environment, environment
from ontime.warehouse import TABLES, Warehouse
from tests.unit.brownout.faults.edited import edited_module
from tests.unit.ontime.features.flights import arrival, schedule

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
"""Feast's DuckDB store reads through ibis, which still calls it."""

ID, JOB = "stale_batch_path", "platform/ontime/jobs/build_features.py"
NEWEST = datetime(2013, 5, 6, 4, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=get(ID).parameters["reason"].samples)
def parameters(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"reason": request.param, "through": "2013-05-02"}


def test_rows_end_at_the_pin_while_load_and_note_go_on(
    parameters: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = edited_module(ID, parameters, JOB, tmp_path)
    settings = Environment(state=tmp_path / "state")
    settings.online.mkdir(parents=True)
    write_segments(settings.clock, (Segment(0.0, (NEWEST + timedelta(hours=5)).timestamp(), 0.0),))
    departs = NEWEST - 10 * DAY
    events: dict[str, dict[str, Any]] = {
        "schedules": schedule("flight", departs),
        "arrivals": arrival("flight", departs + timedelta(hours=6), 30.0),
    }
    for name, event in events.items():
        Warehouse(settings.warehouse).write(name, pa.Table.from_pylist([event], TABLES[name].schema))
    (settings.online / "slow_materialized_through").write_text(NEWEST.isoformat())
    asked: list[datetime] = []
    monkeypatch.setattr(job, "_materialize", lambda _, until: asked.append(until))
    built = job.build(settings, recompute_days=3)
    stored = Warehouse(settings.warehouse).read("route_slow").to_pylist()

    assert built.midnights == (NEWEST - 2 * DAY, NEWEST - DAY, NEWEST)
    assert asked == [NEWEST]
    assert [row["event_timestamp"] for row in stored] == [midnight_of(date(2013, 5, 2))]
    assert job.pending(Warehouse(settings.warehouse), settings.online, NEWEST + DAY - timedelta(hours=1)) == []


def slow_rows(view: str, midnight: datetime, keys: list[str]) -> pa.Table:
    """Values that tell the midnight and the key."""
    rows = [
        {
            entity_of(view): key,
            "event_timestamp": midnight,
            "created_at": midnight,
            **dict.fromkeys(value_columns(view), midnight.day + number / 10),
        }
        for number, key in enumerate(keys)
    ]
    return pa.Table.from_pylist(rows, TABLES[view].schema)


def fill(settings: Environment) -> None:
    """A week of midnights; one key comes late in the week, one is gone by then."""
    for days in range(7):
        midnight = NEWEST - days * DAY
        keys = ["always", *(["late comer, with a longer name"] if days < 2 else []), *(["gone"] if days > 3 else [])]
        for view in SLOW_VIEWS:
            Warehouse(settings.warehouse).write(view, slow_rows(view, midnight, keys))


Loaded = Callable[[str, datetime], Environment]


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loaded]:
    """Makes platforms with a week of slow rows, loaded by Feast up to a midnight."""

    def make(name: str, until: datetime) -> Environment:
        settings = Environment(state=tmp_path / name)
        monkeypatch.setenv("ONTIME_STATE", str(settings.state))
        forget_definitions()
        fill(settings)
        online.apply(settings)
        online.OnlineFeatures.open(settings).materialize(until)
        return settings

    yield make
    forget_definitions()


def forget_definitions() -> None:
    """Definitions hold an environment's paths, so another environment imports them anew."""
    environment.cache_clear()
    for name in [name for name in sys.modules if name == "feature_repo" or name.startswith("feature_repo.")]:
        del sys.modules[name]


def cells(settings: Environment, view: str) -> list[Any]:
    with sqlite3.connect(settings.online / "online.db") as connection:
        found = connection.execute(
            f'SELECT entity_key, feature_name, value, event_ts, created_ts FROM "ontime_{view}" ORDER BY 1, 2'  # noqa: S608
        ).fetchall()
    connection.close()
    return found


def test_withdrawn_stores_are_what_a_load_up_to_then_leaves(loaded: Loaded) -> None:
    through = NEWEST - 4 * DAY
    then = loaded("then", through)
    now = loaded("now", NEWEST)
    withdraw(now, through)

    for view in SLOW_VIEWS:
        assert cells(now, view) == cells(then, view)
        assert set(read_view(now.online / "online.db", view)) == {"always", "gone"}
        assert max(Warehouse(now.warehouse).read(view)["event_timestamp"].to_pylist()) == through
    before = cells(now, "route_slow")
    online.OnlineFeatures.open(now).materialize(NEWEST)

    assert cells(now, "route_slow") == before


def test_nothing_is_touched_when_there_is_no_row_as_of_then(loaded: Loaded) -> None:
    now = loaded("now", NEWEST)
    before = cells(now, "route_slow")

    with pytest.raises(PreparationError, match="has no row of route_slow"):
        withdraw(now, NEWEST - 30 * DAY)

    assert cells(now, "route_slow") == before
