"""Reads and writes Feast's Redis online store with code of its own, for the runtime that keeps its rows there.

A key is an entity: its serialised key and the project's name. The views of an entity share it: a field a feature, named
by the hash of view and feature, and one for the time of each view's row.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import mmh3

from brownout.errors import BrownoutError
from ontime.features import value_columns

PROJECT = b"ontime"
_SECONDS = 1 << 3


def connect(address: str) -> Any:
    """The client of an address as Feast writes it: `host:port[,db=0][,password=…]`. Raises `BrownoutError`."""
    from redis import Redis  # only where the store is Redis

    place, *options = address.split(",")
    host, colon, port = place.rpartition(":")
    given = dict(option.split("=", 1) for option in options)
    if not colon or not port.isdigit() or given.keys() - {"db", "password"}:
        raise BrownoutError("ONTIME_REDIS_URL is no host:port[,db=…][,password=…], so the online store cannot be read.")
    return Redis(
        host=host, port=int(port), db=int(given.get("db", "0")), password=given.get("password"), socket_timeout=10
    )


def _field(view: str, feature: str) -> bytes:
    return struct.pack("<I", mmh3.hash(f"{view}:{feature}", signed=False))


def _time_field(view: str) -> bytes:
    return f"_ts:{view}".encode()


def seconds_of(stamp: bytes) -> int:
    """A protobuf `Timestamp` in Unix seconds; fractions are dropped."""
    if not stamp or stamp[0] != _SECONDS:
        return 0
    seconds = shift = 0
    for byte in stamp[1:]:
        seconds |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    return seconds


def stamp_of(seconds: int) -> bytes:
    """The protobuf `Timestamp` of Unix seconds from 1 on."""
    told = bytearray([_SECONDS])
    while seconds > 0x7F:
        told.append(seconds & 0x7F | 0x80)
        seconds >>= 7
    told.append(seconds)
    return bytes(told)


@dataclass(frozen=True, slots=True)
class RedisRow:
    """One entity's row of one view: its serialised key, its time and the features' serialised values."""

    key: bytes
    event_seconds: int
    values: Mapping[str, bytes]


def _keys(client: Any) -> list[bytes]:
    return list(client.scan_iter(match=b"*" + PROJECT, count=1000))


def rows(address: str, view: str) -> list[RedisRow]:
    """Every row of a view. Raises `redis.RedisError` when the store cannot be read."""
    names = value_columns(view)
    with closing(connect(address)) as client:
        keys = _keys(client)
        with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(key, [_time_field(view), *(_field(view, name) for name in names)])
            found = pipe.execute()
    return [
        RedisRow(
            key.removesuffix(PROJECT), seconds_of(stamp), {n: v or b"" for n, v in zip(names, values, strict=True)}
        )
        for key, (stamp, *values) in zip(keys, found, strict=True)
        if stamp is not None
    ]


def replace(address: str, view: str, wanted: Iterable[RedisRow]) -> None:
    """Makes `wanted` the view's whole content, in one transaction: readers see the rows before, or those after."""
    fields = [_time_field(view), *(_field(view, name) for name in value_columns(view))]
    with closing(connect(address)) as client, client.pipeline(transaction=True) as pipe:
        for key in _keys(client):
            pipe.hdel(key, *fields)
        for row in wanted:
            values = {_field(view, name): value for name, value in row.values.items()}
            pipe.hset(row.key + PROJECT, mapping={_time_field(view): stamp_of(row.event_seconds), **values})
        pipe.execute()


def claim_freshness(address: str, world_now: float) -> int:
    """Moves the time of every row of every view to `world_now` (Unix seconds); returns how many rows."""
    changed = 0
    with closing(connect(address)) as client:
        for key in _keys(client):
            times = [field for field in client.hkeys(key) if field.startswith(b"_ts:")]
            if times:
                client.hset(key, mapping=dict.fromkeys(times, stamp_of(int(world_now))))
            changed += len(times)
    return changed


def clear(address: str) -> int:
    """Deletes every row; returns how many keys there were."""
    with closing(connect(address)) as client:
        keys = _keys(client)
        return int(client.delete(*keys)) if keys else 0
