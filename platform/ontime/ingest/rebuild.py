"""Replays the landing through the contract as it is now: what a crash left behind, and what is stored wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ontime.ingest.intake import validate
from ontime.ingest.landing import Landing
from ontime.ingest.rows import TABLE_OF_KIND, row
from ontime.warehouse import Warehouse, table


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`replayed` events were read, `changed` rows are new or differ from before, `refused` break today's contract."""

    replayed: int
    changed: dict[str, int]
    refused: int


def rebuild(landing: Landing, warehouse: Warehouse, since: date | None = None) -> Rebuilt:
    """Makes the warehouse agree: rows of every event landed on UTC days from `since` on, and of refused ones that pass.

    Rows that today's contract refuses are left as they are. Running it twice changes nothing more.
    """
    offered = [(entry.received_at, entry.raw) for entry in landing.read(since)]
    dead = warehouse.read("dead_letters", since).select(["received_at", "raw"]).to_pylist()
    offered += [(letter["received_at"], orjson.loads(letter["raw"])) for letter in dead]
    rows, refused = _rows(offered)
    return Rebuilt(len(offered), {name: _write_changed(warehouse, name, new) for name, new in rows.items()}, refused)


def recover(landing: Landing, warehouse: Warehouse) -> int:
    """Writes the rows of landed events that a crash kept from being stored; returns how many.

    They are at the landing's end, so its last two days are read. What is stored stays as it is, also where today's
    contract reads it otherwise: a restart rewrites no history, `rebuild` does.
    """
    last = landing.days()[-2:]
    if not last:
        return 0
    rows, _ = _rows((entry.received_at, entry.raw) for entry in landing.read(last[0]))
    return sum(_write_missing(warehouse, name, new) for name, new in rows.items())


def _rows(offered: Iterable[tuple[datetime, Mapping[str, Any]]]) -> tuple[dict[str, pa.Table], int]:
    """The rows of what passes today's contract, by table, and how many events do not."""
    found: dict[str, list[dict[str, object]]] = {}
    refused = 0
    for received_at, raw in offered:
        try:
            event = validate(raw, received_at)
        except ValueError:
            refused += 1
            continue
        found.setdefault(TABLE_OF_KIND[event.kind], []).append(row(event, received_at))
    return {name: pa.Table.from_pylist(rows, schema=table(name).schema) for name, rows in found.items()}, refused


def _stored(warehouse: Warehouse, name: str, new: pa.Table) -> pa.Table:
    """What the table holds of the days of `new`."""
    days = [moment.date() for moment in new[table(name).time].to_pylist()]
    return warehouse.read(name, min(days), max(days))


def _write_missing(warehouse: Warehouse, name: str, new: pa.Table) -> int:
    """Writes only rows of events that are not in the table; returns how many that were."""
    known = _stored(warehouse, name, new)["event_id"]
    missing = new.filter(pc.invert(pc.is_in(new["event_id"], known.combine_chunks())))
    if missing.num_rows:
        warehouse.write(name, missing)
    return int(missing.num_rows)


def _write_changed(warehouse: Warehouse, name: str, new: pa.Table) -> int:
    """Writes only rows that are not in the table already; returns how many that were."""
    stored = {tuple(r.values()) for r in _stored(warehouse, name, new).to_pylist()}
    different = [r for r in new.to_pylist() if tuple(r.values()) not in stored]
    if different:
        warehouse.write(name, pa.Table.from_pylist(different, schema=new.schema))
    return len(different)
