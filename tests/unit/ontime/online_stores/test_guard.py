"""One rule for old and equal rows: on its own, and in both stores."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from feast import Entity, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Float64
from hypothesis import given
from hypothesis import strategies as st

from ontime.online_stores.guard import newest_wins
from ontime.online_stores.redis import GuardedRedisOnlineStore
from ontime.online_stores.sqlite import GuardedSqliteOnlineStore

NOON = datetime(2013, 5, 6, 16, 0, tzinfo=UTC)
VIEW = FeatureView(
    name="queue",
    entities=[Entity(name="airport", join_keys=["airport"], value_type=ValueType.STRING)],
    schema=[Field(name="waiting", dtype=Float64)],
    source=FileSource(name="queue", path="queue.parquet", timestamp_field="event_timestamp"),
    ttl=timedelta(hours=1),
)


def _row(key: str, value: float, at: datetime) -> tuple[str, Any]:
    return key, (key, {"waiting": value}, at, None)


def test_a_row_replaces_another_unless_it_is_older() -> None:
    rows = [
        _row("older", 1, NOON - timedelta(seconds=1)),
        _row("equal", 2, NOON),
        _row("newer", 3, NOON),
        _row("first", 4, NOON),
    ]
    stored = {"older": NOON, "equal": NOON, "newer": NOON - timedelta(seconds=1)}

    assert [row[0] for row in newest_wins(rows, stored)] == ["equal", "newer", "first"]


def test_naive_moments_are_utc() -> None:
    rows = [_row("a", 1, NOON.replace(tzinfo=None))]

    assert len(newest_wins(rows, {"a": NOON})) == 1
    assert newest_wins(rows, {"a": NOON + timedelta(seconds=1)}) == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), max_size=12), st.integers(0, 3))
def test_one_batch_is_its_rows_one_after_another(writes: list[tuple[str, int]], first: int) -> None:
    rows = [_row(key, float(n), NOON + timedelta(seconds=s)) for n, (key, s) in enumerate(writes)]
    stored = {"a": NOON + timedelta(seconds=first)}
    serial: dict[str, tuple[datetime, float | None]] = {"a": (stored["a"], None)}
    for key, row in rows:
        if key not in serial or row[2] >= serial[key][0]:
            serial[key] = (row[2], row[1]["waiting"])

    together = {row[0]: (row[2], row[1]["waiting"]) for row in newest_wins(rows, stored)}

    assert together == {key: kept for key, kept in serial.items() if kept[1] is not None}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = _free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        _await_port(port, time.monotonic() + 10)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _await_port(port: int, deadline: float) -> None:
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, RepoConfig]]:
    online: dict[str, str] = {"type": "ontime.online_stores.sqlite.GuardedSqliteOnlineStore"}
    online["path"] = str(tmp_path / "online.db")
    opened: Any = GuardedSqliteOnlineStore()
    if request.param == "redis":
        address = f"127.0.0.1:{request.getfixturevalue('redis_port')}"
        online = {"type": "ontime.online_stores.redis.GuardedRedisOnlineStore", "connection_string": address}
        opened = GuardedRedisOnlineStore()
    config = RepoConfig(
        project="test", provider="local", registry=str(tmp_path / "registry.db"), online_store=online,
        entity_key_serialization_version=3,
    )  # fmt: skip
    opened.update(config, [], [VIEW], [], [], partial=False)
    yield opened, config
    connection = opened._conn if request.param == "sqlite" else opened._client
    connection.close()


def _key(airport: str) -> EntityKey:
    return EntityKey(join_keys=["airport"], entity_values=[Value(string_val=airport)])


def _write(store: tuple[Any, RepoConfig], *rows: tuple[str, float, datetime]) -> None:
    data = [(_key(airport), {"waiting": Value(double_val=value)}, at, None) for airport, value, at in rows]
    store[0].online_write_batch(store[1], VIEW, data, None)


def _read(store: tuple[Any, RepoConfig], airport: str) -> tuple[datetime | None, float | None]:
    at, values = store[0].online_read(store[1], VIEW, [_key(airport)], ["waiting"])[0]
    return at, values["waiting"].double_val if values else None


def test_both_stores_follow_the_rule(store: tuple[Any, RepoConfig]) -> None:
    second = timedelta(seconds=1)

    _write(store, ("EWR", 5.0, NOON), ("JFK", 1.0, NOON))
    assert _read(store, "EWR") == (NOON, 5.0)

    _write(store, ("EWR", 6.0, NOON), ("JFK", 2.0, NOON + second))
    assert (_read(store, "EWR"), _read(store, "JFK")) == ((NOON, 6.0), (NOON + second, 2.0))

    _write(store, ("EWR", 7.0, NOON - second), ("JFK", 3.0, NOON + second - timedelta(hours=3)))
    assert (_read(store, "EWR"), _read(store, "JFK")) == ((NOON, 6.0), (NOON + second, 2.0))

    _write(store, ("LGA", 2.0, NOON), ("LGA", 3.0, NOON + second), ("LGA", 1.0, NOON))
    assert _read(store, "LGA") == (NOON + second, 3.0)
    assert _read(store, "TEB") == (None, None)


def test_reading_leaves_the_callers_list_as_it_is(store: tuple[Any, RepoConfig]) -> None:
    asked = ["waiting"]
    _write(store, ("EWR", 5.0, NOON))

    for _ in range(2):
        ((_, values),) = store[0].online_read(store[1], VIEW, [_key("EWR")], asked)

    assert (asked, list(values)) == (["waiting"], ["waiting"])


def test_sqlite_is_in_write_ahead_mode(tmp_path: Path) -> None:
    config = RepoConfig(
        project="test", provider="local", registry=str(tmp_path / "r.db"), entity_key_serialization_version=3,
        online_store={"type": "ontime.online_stores.sqlite.GuardedSqliteOnlineStore", "path": str(tmp_path / "o.db")},
    )  # fmt: skip
    connection = GuardedSqliteOnlineStore()._get_conn(config)

    assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    connection.close()
