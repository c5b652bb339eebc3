"""From contract events to warehouse rows: which table an event belongs to, and its columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa

from ontime.contract import Event, ScheduleEvent
from ontime.warehouse import table

TABLE_OF_KIND = {
    "schedule": "schedules",
    "departure": "departures",
    "arrival": "arrivals",
    "cancellation": "cancellations",
    "weather": "weather",
}
EVENT_TABLES = tuple(TABLE_OF_KIND.values())


def row(event: Event, ingested_at: datetime) -> dict[str, Any]:
    """The event's columns; a schedule's flight is spread out beside its times."""
    columns = event.model_dump(exclude={"kind", "flight"})
    if isinstance(event, ScheduleEvent):
        columns |= event.flight.model_dump()
    return {**columns, "ingested_at": ingested_at}


def tables(events: Iterable[Event], ingested_at: datetime) -> dict[str, pa.Table]:
    """One arrow table per warehouse table that any of `events` belongs to."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        rows.setdefault(TABLE_OF_KIND[event.kind], []).append(row(event, ingested_at))
    return {name: pa.Table.from_pylist(found, schema=table(name).schema) for name, found in rows.items()}
