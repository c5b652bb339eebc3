"""Fresh rows: judged by their times and by their values, on a store that Feast's schema describes."""

from __future__ import annotations

import sqlite3
import struct
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from brownout.faults.online_times import claim_freshness
from brownout.probes import FreshAge
from brownout.probes.fresh_age import VIEWS
from brownout.probes.online import read_view
from ontime.clock import Segment, write_segments
from ontime.features import entity_of, value_columns

PROBE = FreshAge()


def fill(stack: Any, at: datetime) -> Path:
    """Writes what an ingest that stands at `at` would have pushed, byte for byte as Feast stores it."""
    path: Path = stack.view.environment.online / "online.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for view in VIEWS:
            connection.execute(f'DROP TABLE IF EXISTS "ontime_{view}"')
            connection.execute(
                f'CREATE TABLE "ontime_{view}" (entity_key BLOB, feature_name TEXT, value BLOB, event_ts timestamp)'
            )
            for entity, row in stack.truth.fresh(at)[view].items():
                key = _key(entity_of(view), entity)
                cells = [(key, name, _value(row[name]), int(at.timestamp())) for name in value_columns(view)]
                connection.executemany(f'INSERT INTO "ontime_{view}" VALUES (?,?,?,?)', cells)  # noqa: S608
    return path


def _key(name: str, value: str) -> bytes:
    parts = [struct.pack("<III", 1, 2, len(name)), name.encode(), struct.pack("<II", 2, len(value)), value.encode()]
    return b"".join(parts)


def _value(number: float | None) -> bytes:
    return b"" if number is None else b"\x29" + struct.pack("<d", number)


def moment(stack: Any, minutes_ago: float) -> datetime:
    from brownout.probes.truth import moment as of

    now: datetime = of(stack.view.world_now)
    found: datetime = stack.truth.ticks_before(now - timedelta(minutes=minutes_ago), 1)[0]
    return found


def test_the_store_is_read_as_it_was_written(stack: Any) -> None:
    at = moment(stack, 5)
    stored = read_view(fill(stack, at), "origin_fresh")

    assert sorted(stored) == ["EWR", "JFK", "LGA"]
    assert stored["EWR"].event_at == at
    assert (
        stored["EWR"].values["origin_departures_1h"]
        == stack.truth.fresh(at)["origin_fresh"]["EWR"]["origin_departures_1h"]
    )


def test_fresh_rows_are_ok(stack: Any) -> None:
    stack.answer(20)
    fill(stack, moment(stack, 5))

    assert PROBE.run(stack.view).status == "ok"


def test_old_rows_are_broken(stack: Any) -> None:
    stack.answer(20)
    fill(stack, moment(stack, 180))
    result = PROBE.run(stack.view)

    assert (result.status, round(result.measured["age_minutes"])) == ("broken", 180)


def test_rewritten_times_are_broken(stack: Any) -> None:
    stack.answer(20)
    claim_freshness(fill(stack, moment(stack, 180)), stack.view.world_now)
    result = PROBE.run(stack.view)

    assert result.status == "broken"
    assert "do not hold" in result.why


def test_without_traffic_it_is_unknown(stack: Any) -> None:
    fill(stack, moment(stack, 180))

    assert PROBE.run(stack.view).status == "unknown"


def test_without_ingest_it_is_unknown(stack: Any) -> None:
    stack.answer(20)
    fill(stack, moment(stack, 180))
    environment = stack.view.environment.model_copy(update={"ingest_url": "http://127.0.0.1:9"})

    assert PROBE.run(stack.looking(environment=environment)).status == "unknown"


def test_without_a_store_it_is_unknown(stack: Any) -> None:
    stack.answer(20)

    assert PROBE.run(stack.view).status == "unknown"


@pytest.mark.parametrize(("minutes", "status"), [(60, "unknown"), (181, "ok")])
def test_a_steady_one_wants_world_time_without_a_break(stack: Any, minutes: int, status: str) -> None:
    steady = FreshAge(steady_minutes=180)
    start = stack.view.world_now - 3600 * 4
    clock = stack.view.harness.world / "clock.json"
    stack.answer(20)
    seen = []
    for passed in (0, minutes):
        write_segments(clock, (Segment(float(passed), start + passed * 60, 0.0),))
        fill(stack, moment(stack, 5))
        seen.append(steady.run(stack.view).status)

    assert seen == ["unknown", status]


def test_a_night_ten_times_as_fast_may_be_older(stack: Any) -> None:
    clock = stack.view.harness.world / "clock.json"
    now = stack.view.world_now
    stack.answer(20)
    fill(stack, moment(stack, 55))
    wall = time.time()
    write_segments(clock, (Segment(wall, now, 1200.0), Segment(wall + 60, now, 0.0)))

    assert PROBE.run(stack.view).status == "ok"
