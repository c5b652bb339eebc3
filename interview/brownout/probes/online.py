"""Reads Feast's online store with code of its own: a proctor does not trust the platform's client."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from brownout.errors import BrownoutError
from ontime.settings import Environment

PROJECT = "ontime"
_DOUBLE = 5 << 3 | 1
_UNIX_TIMESTAMP = 8 << 3


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One entity's row; values that are missing or no numbers are None."""

    event_at: datetime
    values: dict[str, float | None]


class StoreUnreadableError(BrownoutError):
    """The online store does not answer, or holds what cannot be read."""


def stored_rows(environment: Environment, view: str) -> dict[str, StoredRow]:
    """Every row of a view by entity key, wherever the environment keeps it. Raises `StoreUnreadableError`."""
    if environment.store == "local":
        try:
            return read_view(environment.online / "online.db", view)
        except sqlite3.Error as error:
            raise StoreUnreadableError(str(error)) from error
    from redis import RedisError

    from brownout.probes import online_redis

    try:
        found = online_redis.rows(environment.redis_url, view)
    except RedisError as error:
        raise StoreUnreadableError(str(error)) from error
    return {
        entity_of_key(row.key): StoredRow(
            datetime.fromtimestamp(row.event_seconds, UTC), {name: _number(cell) for name, cell in row.values.items()}
        )
        for row in found
    }


def read_view(database: Path, view: str) -> dict[str, StoredRow]:
    """Every row of a view by entity key, out of SQLite. Raises `sqlite3.Error` when the store cannot be read."""
    uri = f"file:{database}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
        cells = connection.execute(
            f'SELECT entity_key, feature_name, value, event_ts FROM "{PROJECT}_{view}"'  # noqa: S608
        ).fetchall()
    return _rows(cells)


def _rows(cells: Iterable[tuple[bytes, str, bytes | None, int | str]]) -> dict[str, StoredRow]:
    found: dict[str, StoredRow] = {}
    for key, feature, value, event_ts in cells:
        entity = entity_of_key(key)
        if entity not in found:
            found[entity] = StoredRow(_moment(event_ts), {})
        found[entity].values[feature] = _number(value)
    return found


def _moment(stored: int | str) -> datetime:
    """Feast registers an adapter that stores Unix seconds; without it, Python's own stores naive UTC as text."""
    if isinstance(stored, int):
        return datetime.fromtimestamp(stored, UTC)
    moment = datetime.fromisoformat(stored)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def entity_of_key(key: bytes) -> str:
    """The one string value of a version 3 key: count, (type, length, join key), (type, length, value)."""
    (length,) = struct.unpack_from("<I", key, 8)
    start = 12 + length
    (size,) = struct.unpack_from("<I", key, start + 4)
    return key[start + 8 : start + 8 + size].decode()


def _number(value: bytes | None) -> float | None:
    """A `Value` message that holds a double or a timestamp; an empty one is a missing value."""
    if not value:
        return None
    if value[0] == _DOUBLE:
        (number,) = struct.unpack_from("<d", value, 1)
        return float(number)
    if value[0] == _UNIX_TIMESTAMP:
        seconds = shift = 0
        for byte in value[1:]:
            seconds |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        return float(seconds)
    return None
