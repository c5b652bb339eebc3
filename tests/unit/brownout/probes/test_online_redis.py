"""The Redis store is read and written as Feast does it: on a real server, with Feast's own client on the other side."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from feast.infra.online_stores.redis import RedisOnlineStore
from hypothesis import given
from hypothesis import strategies as st

from brownout.errors import BrownoutError
from brownout.faults.slow_rows import withdraw
from brownout.probes import online_redis
from brownout.probes.online import StoreUnreadableError, stored_rows
from ontime import online
from ontime.contract import SLOW_VIEWS
from ontime.features import entity_of, value_columns
from ontime.settings import Environment
from ontime.warehouse import TABLES, Warehouse

NOON = datetime(2013, 5, 6, 16, 0, tzinfo=UTC)


@given(st.integers(1, 2**33))
def test_stamps_are_protobufs(seconds: int) -> None:
    from google.protobuf.timestamp_pb2 import Timestamp

    assert online_redis.stamp_of(seconds) == Timestamp(seconds=seconds).SerializeToString()
    assert online_redis.seconds_of(Timestamp(seconds=seconds, nanos=5).SerializeToString()) == seconds


@pytest.mark.parametrize("address", ["", "redis", "redis:6379,ssl=true"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BrownoutError, match="ONTIME_REDIS_URL"):
        online_redis.connect(address)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """An environment whose online store is a Redis server of this test."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "secret"]
    server = subprocess.Popen([*command, "--dir", str(tmp_path)], stdout=subprocess.DEVNULL)
    address = f"127.0.0.1:{port},password=secret"
    monkeypatch.setattr(RedisOnlineStore, "_client", None)
    try:
        await_server(address, time.monotonic() + 10)
        found = Environment(state=tmp_path / "state", store="kind", redis_url=address)
        online.apply(found)
        yield found
    finally:
        server.terminate()
        server.wait(10)


def await_server(address: str, deadline: float) -> None:
    from redis import RedisError

    while True:
        try:
            online_redis.rows(address, "origin_fresh")
            return
        except RedisError:
            if time.monotonic() > deadline:
                raise


@pytest.fixture
def features(settings: Environment) -> Iterator[online.OnlineFeatures]:
    opened = online.OnlineFeatures(online.open_store(settings), Warehouse(settings.warehouse))
    yield opened
    store = opened.store.provider.online_store
    if store._client is not None:
        store._client.close()


def table(view: str, keys: list[str], at: datetime, value: float | None = 0.5) -> pa.Table:
    row = {"event_timestamp": at, "created_at": at, **dict.fromkeys(value_columns(view), value)}
    return pa.Table.from_pylist([{**row, entity_of(view): key} for key in keys], TABLES[view].schema)


def test_rows_are_read_as_feast_wrote_them(settings: Environment, features: online.OnlineFeatures) -> None:
    features.push("carrier_fresh", table("carrier_fresh", ["UA", "B6"], NOON, 0.25))
    features.push("carrier_slow", table("carrier_slow", ["UA"], NOON - timedelta(hours=12), None))

    fresh, slow = (stored_rows(settings, view) for view in ("carrier_fresh", "carrier_slow"))

    assert sorted(fresh) == ["B6", "UA"]
    assert fresh["UA"].event_at == NOON
    assert set(fresh["UA"].values.values()) == {0.25}
    assert [row.event_at for row in slow.values()] == [NOON - timedelta(hours=12)]
    assert set(slow["UA"].values.values()) == {None}


def test_replaced_rows_are_read_by_feast_and_other_views_stay(
    settings: Environment, features: online.OnlineFeatures
) -> None:
    features.push("carrier_fresh", table("carrier_fresh", ["UA"], NOON))
    features.push("carrier_slow", table("carrier_slow", ["UA", "B6"], NOON))
    [kept] = [row for row in online_redis.rows(settings.redis_url, "carrier_slow") if b"UA" in row.key]
    older = online_redis.RedisRow(kept.key, kept.event_seconds - 86_400, kept.values)
    online_redis.replace(settings.redis_url, "carrier_slow", [older])

    answers = features.read("carrier_slow", ["UA", "B6"])

    assert [at for at, _ in answers] == [NOON - timedelta(days=1), None]
    assert features.read("carrier_fresh", ["UA"])[0][0] == NOON


def test_claimed_times_are_those_that_feast_reads(settings: Environment, features: online.OnlineFeatures) -> None:
    features.push("carrier_fresh", table("carrier_fresh", ["UA"], NOON))
    features.push("carrier_slow", table("carrier_slow", ["UA"], NOON))
    later = NOON + timedelta(hours=3)

    assert online_redis.claim_freshness(settings.redis_url, later.timestamp()) == 2
    assert features.read("carrier_slow", ["UA"])[0] == (later, features.read("carrier_slow", ["UA"])[0][1])
    assert online_redis.clear(settings.redis_url) == 1
    assert stored_rows(settings, "carrier_fresh") == {}


def test_withdrawn_rows_are_gone_here_too(settings: Environment, features: online.OnlineFeatures) -> None:
    before = NOON - timedelta(days=1)
    for view in SLOW_VIEWS:
        for at in (before, NOON):
            Warehouse(settings.warehouse).write(view, table(view, ["some", "another, longer one"], at))
        features.push(view, table(view, ["some", "comes later"], NOON))

    assert withdraw(settings, before) == 2 * len(SLOW_VIEWS)
    for view in SLOW_VIEWS:
        answers = features.read(view, ["some", "another, longer one", "comes later"])
        assert [at for at, _ in answers] == [before, before, None]


def test_a_store_that_is_gone_is_said(tmp_path: Path) -> None:
    for here in (
        Environment(state=tmp_path, store="kind", redis_url=f"127.0.0.1:{free_port()}"),
        Environment(state=tmp_path),
    ):
        with pytest.raises(StoreUnreadableError):
            stored_rows(here, "carrier_fresh")
