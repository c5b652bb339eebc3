"""Slow features as of an earlier midnight: what the stores hold when later rows were withdrawn."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from brownout.errors import PreparationError
from brownout.probes.online import PROJECT, entity_of_key
from ontime.contract import NEW_YORK, SLOW_VIEWS
from ontime.features import entity_of, value_columns
from ontime.warehouse import Warehouse

REACH = timedelta(days=3)
"""How far back the load of the online store looks: the views' ttl."""
_DOUBLE = 5 << 3 | 1


def midnight_of(day: date) -> datetime:
    """The New York midnight at which a day begins, in UTC."""
    return datetime.combine(day, clock_time(), ZoneInfo(NEW_YORK)).astimezone(UTC)


def withdraw(warehouse: Path, online: Path, through: datetime) -> int:
    """Takes the slow rows of midnights after `through` out of warehouse and online store; returns how many keys stay.

    The online store then holds what a load that ended at `through` leaves. One transaction: readers see the rows
    before, or those after. Raises `PreparationError` when the warehouse has no rows as of `through`.
    """
    store = Warehouse(warehouse)
    kept = 0
    with closing(sqlite3.connect(online / "online.db", timeout=30)) as connection, connection:
        for view in SLOW_VIEWS:
            rows = store.read(view)
            until = pa.scalar(through, rows["event_timestamp"].type)
            rows = rows.filter(pc.less_equal(rows["event_timestamp"], until))
            latest = _latest(
                view, rows.filter(pc.greater(rows["event_timestamp"], pa.scalar(through - REACH, until.type)))
            )
            if not latest.num_rows:
                raise PreparationError(f"The warehouse has no row of {view} as of {through:%Y-%m-%d %H:%MZ}.")
            _put(connection, view, latest)
            store.replace(view, rows)
            kept += latest.num_rows
    return kept


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
                b"" if row[name] is None else struct.pack("<Bd", _DOUBLE, row[name]),
                int(row["event_timestamp"].timestamp()),
                int(row["created_at"].timestamp()),
            )
            for row in rows.to_pylist()
            for name in value_columns(view)
        ],
    )


def _key(template: bytes, entity: str) -> bytes:
    """Another entity's key: everything but the last length and value is the view's."""
    head = template[: len(template) - len(entity_of_key(template).encode()) - 4]
    value = entity.encode()
    return head + struct.pack("<I", len(value)) + value
