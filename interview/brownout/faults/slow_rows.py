"""Slow features as of an earlier midnight: what the stores hold when later rows were withdrawn."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from functools import partial
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from brownout.errors import PreparationError
from brownout.probes import online_redis
from brownout.probes.online import PROJECT, entity_of_key
from ontime.contract import NEW_YORK, SLOW_VIEWS
from ontime.features import entity_of, value_columns
from ontime.settings import Environment
from ontime.warehouse import Warehouse

REACH = timedelta(days=3)
"""How far back the load of the online store looks: the views' ttl."""
_DOUBLE = 5 << 3 | 1


def midnight_of(day: date) -> datetime:
    """The New York midnight at which a day begins, in UTC."""
    return datetime.combine(day, clock_time(), ZoneInfo(NEW_YORK)).astimezone(UTC)


def withdraw(environment: Environment, through: datetime) -> int:
    """Takes the slow rows of midnights after `through` out of warehouse and online store; returns how many keys stay.

    The online store then holds what a load that ended at `through` leaves. One transaction a view: readers see the
    rows before, or those after. Raises `PreparationError` when the warehouse has no rows as of `through`.
    """
    store = Warehouse(environment.warehouse)
    kept = 0
    with _writing(environment) as put:
        for view in SLOW_VIEWS:
            rows = store.read(view)
            until = pa.scalar(through, rows["event_timestamp"].type)
            rows = rows.filter(pc.less_equal(rows["event_timestamp"], until))
            latest = _latest(
                view, rows.filter(pc.greater(rows["event_timestamp"], pa.scalar(through - REACH, until.type)))
            )
            if not latest.num_rows:
                raise PreparationError(f"The warehouse has no row of {view} as of {through:%Y-%m-%d %H:%MZ}.")
            put(view, latest)
            store.replace(view, rows)
            kept += latest.num_rows
    return kept


@contextmanager
def _writing(environment: Environment) -> Iterator[Callable[[str, pa.Table], None]]:
    """What makes rows the whole content of a view, where the environment keeps them."""
    if environment.store == "kind":
        yield partial(_put_in_redis, environment.redis_url)
        return
    with closing(sqlite3.connect(environment.online / "online.db", timeout=30)) as connection, connection:
        yield partial(_put, connection)


def _latest(view: str, rows: pa.Table) -> pa.Table:
    """Each key's newest row."""
    ordered = rows.sort_by("event_timestamp").append_column("position", pa.array(range(rows.num_rows), pa.int64()))
    last = ordered.group_by(entity_of(view)).aggregate([("position", "max")])
    return ordered.take(last["position_max"])


def _put(connection: sqlite3.Connection, view: str, rows: pa.Table) -> None:
    """Makes `rows` the whole content of the view's table."""
    table = f'"{PROJECT}_{view}"'
    (template,) = connection.execute(f"SELECT entity_key FROM {table} LIMIT 1").fetchone()  # noqa: S608
    connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.executemany(
        f"INSERT INTO {table} (entity_key, feature_name, value, event_ts, created_ts) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
        [
            (
                _key(template, row[entity_of(view)]),
                name,
                _cell(row[name]),
                int(row["event_timestamp"].timestamp()),
                int(row["created_at"].timestamp()),
            )
            for row in rows.to_pylist()
            for name in value_columns(view)
        ],
    )


def _put_in_redis(address: str, view: str, rows: pa.Table) -> None:
    """Makes `rows` the whole content of the view."""
    stored = online_redis.rows(address, view)
    if not stored:
        raise PreparationError(f"The online store has no row of {view} yet.")
    online_redis.replace(
        address,
        view,
        [
            online_redis.RedisRow(
                _key(stored[0].key, row[entity_of(view)]),
                int(row["event_timestamp"].timestamp()),
                {name: _cell(row[name]) for name in value_columns(view)},
            )
            for row in rows.to_pylist()
        ],
    )


def _cell(value: float | None) -> bytes:
    return b"" if value is None else struct.pack("<Bd", _DOUBLE, value)


def _key(template: bytes, entity: str) -> bytes:
    """Another entity's key: everything but the last length and value is the view's."""
    head = template[: len(template) - len(entity_of_key(template).encode()) - 4]
    value = entity.encode()
    return head + struct.pack("<I", len(value)) + value
