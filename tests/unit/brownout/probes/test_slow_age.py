"""Slow rows: judged by the midnight that they claim and by what was true as of it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from brownout.faults.online_times import claim_freshness
from brownout.probes import SlowAge
from ontime.clock import Segment, write_segments
from ontime.contract import SLOW_VIEWS
from ontime.features import entity_of, local_midnight, value_columns
from tests.unit.brownout.probes.conftest import NOW
from tests.unit.brownout.probes.test_fresh_age import _key, _value

PROBE = SlowAge()
MIDNIGHT = local_midnight(NOW)


def fill(stack: Any, midnight: datetime, claimed: datetime | None = None) -> Path:
    """Writes the rows as of `midnight`, which claim to be as of `claimed`, byte for byte as Feast stores them."""
    stack.answer(20)
    path: Path = stack.view.environment.online / "online.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = int((claimed or midnight).timestamp())
    with closing(sqlite3.connect(path)) as connection, connection:
        for view in SLOW_VIEWS:
            connection.execute(
                f'CREATE TABLE "ontime_{view}" (entity_key BLOB, feature_name TEXT, value BLOB, event_ts timestamp)'
            )
            for entity, row in stack.truth.slow(midnight)[view].items():
                key = _key(entity_of(view), entity)
                cells = [(key, name, _value(row[name]), stamp) for name in value_columns(view)]
                connection.executemany(f'INSERT INTO "ontime_{view}" VALUES (?,?,?,?)', cells)  # noqa: S608
    return path


def test_the_last_midnights_rows_are_ok(stack: Any) -> None:
    fill(stack, MIDNIGHT)

    assert PROBE.run(stack.view).status == "ok"


def test_rows_of_the_midnight_before_are_broken(stack: Any) -> None:
    fill(stack, MIDNIGHT - timedelta(days=1))
    result = PROBE.run(stack.view)

    assert (result.status, round(result.measured["age_hours"])) == ("broken", 38)


def test_old_rows_that_claim_the_last_midnight_are_broken(stack: Any) -> None:
    fill(stack, MIDNIGHT - timedelta(days=1), claimed=MIDNIGHT)

    assert PROBE.run(stack.view).status == "broken"


def test_times_rewritten_to_now_are_broken(stack: Any) -> None:
    claim_freshness(fill(stack, MIDNIGHT - timedelta(days=1)), stack.view.world_now)

    assert PROBE.run(stack.view).status == "broken"


@pytest.mark.parametrize(("seconds_ago", "status"), [(60.0, "ok"), (3000.0, "broken")])
def test_a_midnight_may_be_looked_at_some_minutes_later(stack: Any, seconds_ago: float, status: str) -> None:
    """It passed `seconds_ago` of wall time ago, and the rows are still those of the one before."""
    fill(stack, MIDNIGHT)
    passed, wall = (MIDNIGHT + timedelta(days=1)).timestamp(), time.time() - seconds_ago
    segments = (
        Segment(0.0, passed - 7200, 0.0),
        Segment(wall, passed - 600, 120.0),
        Segment(wall + 30, passed + 3000, 0),
    )
    write_segments(stack.view.harness.world / "clock.json", segments)

    assert PROBE.run(stack.view).status == status


def test_without_answers_or_store_it_is_unknown(stack: Any) -> None:
    assert PROBE.run(stack.view).status == "unknown"
    stack.answer(20)
    assert PROBE.run(stack.view).status == "unknown"
