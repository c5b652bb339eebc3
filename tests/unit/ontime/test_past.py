"""Prometheus's past, against the real promtool."""

from __future__ import annotations

import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ontime.clock import Segment, write_segments
from ontime.errors import RuntimeStateError
from ontime.history import Series
from ontime.past import create_blocks, openmetrics, shift, shifted, write_past
from ontime.settings import Environment
from ontime.warehouse import TABLES, Warehouse

NOW = datetime(2013, 5, 6, 9, tzinfo=UTC)
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def dump(directory: Path) -> list[str]:
    (directory / "wal").mkdir(exist_ok=True)
    done = subprocess.run(["promtool", "tsdb", "dump", str(directory)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_openmetrics_ends_a_line_with_one_nan() -> None:
    nan = float("nan")
    series = Series("ontime_x", {"view": 'a"b'}, np.array([nan, 1.0, nan, nan, 2.0]))

    lines = list(openmetrics([series], np.arange(5.0)))

    assert lines == [
        'ontime_x{view="a\\"b"} 1.0 1.000\n',
        'ontime_x{view="a\\"b"} NaN 2.000\n',
        'ontime_x{view="a\\"b"} 2.0 4.000\n',
        "# EOF\n",
    ]


def test_shifted_moves_times_and_what_is_a_time() -> None:
    lines = [
        '{__name__="up", job="serving"} 1 1000000',
        '{__name__="ALERTS_FOR_STATE", alertname="A"} 990 1000000',
        '{__name__="ALERTS_FOR_STATE", alertname="Over"} 980 1000000',
        '{__name__="ALERTS_FOR_STATE", alertname="Over"} NaN 1005000',
        '{__name__="plain"} 3 1000000',
    ]

    assert list(shifted(lines, 500.0)) == [
        'up{job="serving"} 1 1500.000\n',
        'ALERTS_FOR_STATE{alertname="A"} 1490 1500.000\n',
        "plain{} 3 1500.000\n",
        "# EOF\n",
    ]


@needs_promtool
def test_shift_moves_a_whole_directory(tmp_path: Path) -> None:
    data, start = tmp_path / "data", time.time() - 7200
    series = Series("ontime_x", {"view": "origin_fresh"}, np.arange(10.0))
    create_blocks(openmetrics([series], start + np.arange(10.0) * 10), data, 30.0)
    before = dump(data)

    past = shift(data, 3600.0)
    after = dump(data)

    assert past.samples == 10
    assert [line.rpartition(" ")[0] for line in after] == [line.rpartition(" ")[0] for line in before]
    moved = [int(b.rpartition(" ")[2]) - int(a.rpartition(" ")[2]) for a, b in zip(before, after, strict=True)]
    assert set(moved) == {3_600_000}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_shift_without_promtool_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RuntimeStateError, match="promtool is not on PATH"):
        shift(tmp_path / "data", 60.0)


@needs_promtool
def test_shift_of_what_is_no_database_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "01M7YJW1J5FZVF2A2F57M723N7").mkdir(parents=True)
    (data / "01M7YJW1J5FZVF2A2F57M723N7" / "meta.json").write_text("{")

    past = shift(data, 60.0)

    assert past.samples == 0
    assert "holds no samples" in past.why
    assert (data / "01M7YJW1J5FZVF2A2F57M723N7" / "meta.json").read_text() == "{"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A state directory with a day of predictions, one a minute, at a present of NOW."""
    place = Environment(state=tmp_path, clock_file=tmp_path / "clock.json")
    count = 24 * 60
    asked = [NOW - timedelta(minutes=count - minute) for minute in range(count)]
    columns = {
        "prediction_id": [str(n) for n in range(count)],
        "predicted_at": asked,
        "late_probability": [0.25] * count,
    }
    schema = TABLES["predictions"].schema
    rows = pa.table({f.name: pa.array(columns.get(f.name, [None] * count), f.type) for f in schema})
    Warehouse(place.warehouse).write("predictions", rows)
    return place


@needs_promtool
def test_the_past_ends_now_in_world_and_wall_time(environment: Environment, tmp_path: Path) -> None:
    wall_now = time.time()
    write_segments(environment.clock, (Segment(wall_now, NOW.timestamp(), 120.0),))

    past = write_past(environment, tmp_path / "data", wall_now)
    lines = [line for line in dump(tmp_path / "data") if "ontime_world_timestamp_seconds" in line]
    worlds, walls = zip(
        *((float(v), int(t) / 1000) for _, v, t in (line.rsplit(" ", 2) for line in lines)), strict=True
    )

    assert past.why == ""
    assert max(walls) == pytest.approx(wall_now - 10, abs=0.01)
    assert (wall_now - max(walls)) * 120 == pytest.approx(NOW.timestamp() - max(worlds), abs=2)
    assert max(walls) - min(walls) == pytest.approx(3 * 3600 - 10, abs=0.01)
    assert any("ontime_prediction_mean" in line and 'job="exporter"' in line for line in dump(tmp_path / "data"))


@needs_promtool
def test_a_prometheus_with_history_keeps_it(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "data" / "wal").mkdir(parents=True)

    past = write_past(environment, tmp_path / "data", time.time())

    assert past.samples == 0
    assert "not empty" in past.why
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["wal"]


def test_without_promtool_the_answer_says_so(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    past = write_past(environment, tmp_path / "data", time.time())

    assert past.samples == 0
    assert "promtool is not on PATH" in past.why


def test_a_missed_deadline_is_an_answer_too(environment: Environment, tmp_path: Path) -> None:
    past = write_past(environment, tmp_path / "data", time.time(), deadline_seconds=0.0)

    assert past.samples == 0
    assert "longer than" in past.why


def test_a_corrupt_warehouse_is_an_answer_too(environment: Environment, tmp_path: Path) -> None:
    wall_now = time.time()
    write_segments(environment.clock, (Segment(wall_now, NOW.timestamp(), 120.0),))
    next(environment.warehouse.glob("predictions/*.parquet")).write_bytes(b"nothing")

    past = write_past(environment, tmp_path / "data", wall_now)

    assert past.samples == 0
    assert "cannot be read" in past.why
