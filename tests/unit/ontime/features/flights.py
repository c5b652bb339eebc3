"""Small event tables for tests, written as rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ontime.warehouse import TABLES

Rows = dict[str, list[dict[str, Any]]]

NOON = datetime(2013, 5, 6, 16, 0, tzinfo=UTC)
"""Noon in New York, in daylight saving time."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def _event(name: str, event_time: datetime, available_at: datetime) -> dict[str, Any]:
    return {"event_id": name, "event_time": event_time, "available_at": available_at, "ingested_at": available_at}


def schedule(
    flight_id: str,
    sched_dep_at: datetime,
    *,
    origin: str = "EWR",
    destination: str = "SFO",
    carrier: str = "UA",
    tail_number: str | None = "N1",
    available_at: datetime | None = None,
) -> dict[str, Any]:
    return _event(f"schedule:{flight_id}", sched_dep_at, available_at or sched_dep_at - 36 * HOUR) | {
        "flight_id": flight_id,
        "origin": origin,
        "destination": destination,
        "carrier": carrier,
        "flight_number": 1,
        "tail_number": tail_number,
        "sched_dep_at": sched_dep_at,
        "distance_miles": 2565.0,
        "scheduled_minutes": 370.0,
    }


def departure(
    flight_id: str, available_at: datetime, delay: float, *, origin: str = "EWR", carrier: str = "UA"
) -> dict[str, Any]:
    return _event(f"departure:{flight_id}", available_at - MINUTE, available_at) | {
        "flight_id": flight_id,
        "origin": origin,
        "carrier": carrier,
        "dep_delay_minutes": delay,
    }


def arrival(
    flight_id: str,
    available_at: datetime,
    delay: float,
    *,
    origin: str = "EWR",
    destination: str = "SFO",
    carrier: str = "UA",
    tail_number: str | None = "N1",
    taxi: float | None = 20.0,
) -> dict[str, Any]:
    return _event(f"arrival:{flight_id}", available_at - 2 * MINUTE, available_at) | {
        "flight_id": flight_id,
        "origin": origin,
        "destination": destination,
        "carrier": carrier,
        "tail_number": tail_number,
        "arr_delay_minutes": delay,
        "taxi_minutes": taxi,
    }


def cancellation(
    flight_id: str, available_at: datetime, *, origin: str = "EWR", carrier: str = "UA", outcome: str = "cancelled"
) -> dict[str, Any]:
    return _event(f"cancellation:{flight_id}", available_at, available_at) | {
        "flight_id": flight_id,
        "origin": origin,
        "carrier": carrier,
        "outcome": outcome,
    }


def weather(observed_at: datetime, wind: float | None, *, airport: str = "EWR") -> dict[str, Any]:
    return _event(f"weather:{airport}:{observed_at:%Y%m%dT%H%M}", observed_at, observed_at + 5 * MINUTE) | {
        "airport": airport,
        "wind_speed_mph": wind,
        "wind_gust_mph": None,
        "visibility_miles": 10.0,
        "precipitation_inches": 0.0,
        "humidity_percent": 60.0,
        "temperature_f": 50.0,
    }


def tables(rows: Rows) -> dict[str, pa.Table]:
    return {name: pa.Table.from_pylist(some, schema=TABLES[name].schema) for name, some in rows.items()}


def requests(flights: list[dict[str, Any]], fresh_at: datetime, slow_at: datetime) -> pa.Table:
    columns = [field for field in TABLES["schedules"].schema if field.name not in ("event_id", "event_time")]
    times = [pa.field(name, TABLES["schedules"].schema.field("sched_dep_at").type) for name in ("fresh_at", "slow_at")]
    rows = [flight | {"fresh_at": fresh_at, "slow_at": slow_at} for flight in flights]
    return pa.Table.from_pylist(rows, schema=pa.schema([*columns, *times]))
