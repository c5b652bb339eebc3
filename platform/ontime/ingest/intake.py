"""The door: validates, deduplicates, lands and acknowledges a batch of upstream events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any

import orjson
import pyarrow as pa
from pydantic import ValidationError

from ontime.contract import EVENT, EVENT_KINDS, Event
from ontime.ingest import metrics
from ontime.ingest.landing import Landing
from ontime.ingest.rows import EVENT_TABLES
from ontime.warehouse import Warehouse, table

FUTURE_TOLERANCE = timedelta(minutes=15)
"""World time by which an event may run ahead of our clock before it is refused."""

log = logging.getLogger("ontime.ingest")


@dataclass(frozen=True, slots=True)
class Rejection:
    """`field` is dotted, as in the event; `reason` says what was received and what was expected."""

    index: int
    event_id: str | None
    kind: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    accepted: list[Event] = field(default_factory=list)
    duplicates: int = 0
    rejected: list[Rejection] = field(default_factory=list)


def validate(raw: Any, now: datetime | None = None) -> Event:
    """Raises `ValueError` (pydantic's is one) when `raw` breaks the contract or, given `now`, comes from the future."""
    event = EVENT.validate_python(raw)
    if now is not None and event.available_at > now + FUTURE_TOLERANCE:
        raise ValueError(
            f"available_at {event.available_at.isoformat()} is ahead of the clock ({now.isoformat()}); "
            f"expected at most {FUTURE_TOLERANCE} ahead"
        )
    return event


def rejection(index: int, raw: Any, error: ValueError) -> Rejection:
    """What the sender is told, from the first of the errors."""
    fields = raw if isinstance(raw, dict) else {}
    kind = fields.get("kind")
    name, reason = "", str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        where = [str(part) for part in first["loc"]]
        name = ".".join(where[1:] if where[:1] == [str(kind)] else where)
        reason = f"{first['msg']}; received {first['input']!r:.120}"
    else:
        name = reason.split(" ", 1)[0]
    event_id = fields.get("event_id")
    return Rejection(
        index,
        event_id if isinstance(event_id, str) else None,
        kind if kind in EVENT_KINDS else "unknown",
        name or "event",
        reason,
    )


class Intake:
    """Takes batches from many senders, one at a time. `deliver` gets what was accepted, after it has been landed."""

    def __init__(
        self, landing: Landing, warehouse: Warehouse, deliver: Callable[[Sequence[Event], datetime], None]
    ) -> None:
        self._landing = landing
        self._warehouse = warehouse
        self._deliver = deliver
        self._seen: set[str] = set()
        self._lock = Lock()

    def remember(self, since: date) -> int:
        """Learns the ids of the events already in the warehouse; returns how many are known."""
        for name in EVENT_TABLES:
            self._seen.update(self._warehouse.read(name, since)["event_id"].to_pylist())
        return len(self._seen)

    def take(self, batch: Sequence[Any], now: datetime) -> Receipt:
        """Accepted events are durable when this returns. Raises `WarehouseError` when they cannot be made so."""
        with self._lock:
            receipt, raw = self._sort(batch, now)
            self._landing.append(now, raw)
            if receipt.rejected:
                self._bury(receipt.rejected, batch, now)
            self._seen.update(event.event_id for event in receipt.accepted)
            self._deliver(receipt.accepted, now)
        for event in receipt.accepted:
            metrics.EVENTS.labels(event.kind, "accepted").inc()
        for refused in receipt.rejected:
            metrics.EVENTS.labels(refused.kind, "rejected").inc()
            metrics.REJECTED.labels(refused.kind, refused.field).inc()
        return receipt

    def _sort(self, batch: Sequence[Any], now: datetime) -> tuple[Receipt, list[dict[str, Any]]]:
        accepted: list[Event] = []
        landed: list[dict[str, Any]] = []
        rejected: list[Rejection] = []
        duplicates = 0
        fresh: set[str] = set()
        for index, raw in enumerate(batch):
            try:
                event = validate(raw, now)
            except ValueError as error:
                rejected.append(rejection(index, raw, error))
                continue
            if event.event_id in self._seen or event.event_id in fresh:
                duplicates += 1
                metrics.EVENTS.labels(event.kind, "duplicate").inc()
                continue
            fresh.add(event.event_id)
            accepted.append(event)
            landed.append(raw)
        return Receipt(accepted, duplicates, rejected), landed

    def _bury(self, rejected: Sequence[Rejection], batch: Sequence[Any], now: datetime) -> None:
        """Keeps what was refused, with the reason, in the dead-letter table."""
        rows = [
            {
                "received_at": now,
                "event_id": refused.event_id or "",
                "kind": refused.kind,
                "field": refused.field,
                "reason": refused.reason,
                "raw": orjson.dumps(batch[refused.index], default=str).decode(),
            }
            for refused in rejected
        ]
        self._warehouse.write("dead_letters", pa.Table.from_pylist(rows, schema=table("dead_letters").schema))
        log.warning("refused %d events; first: %s: %s", len(rows), rejected[0].field, rejected[0].reason)
