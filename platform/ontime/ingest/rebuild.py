"""Replays the landing through the contract as it is now, and makes the warehouse agree.

This is how a crash is recovered from, and how stored rows are repaired after the contract has been.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import orjson
import pyarrow as pa

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
    """Writes the rows of every event landed on UTC days from `since` on, and of refused ones that pass now.

    Rows that today's contract refuses are left as they are. Running it twice changes nothing more.
    """
    offered = [(entry.received_at, entry.raw) for entry in landing.read(since)]
    dead = warehouse.read("dead_letters", since).select(["received_at", "raw"]).to_pylist()
    offered += [(letter["received_at"], orjson.loads(letter["raw"])) for letter in dead]
    rows: dict[str, list[dict[str, object]]] = {}
    refused = 0
    for received_at, raw in offered:
        try:
            event = validate(raw, received_at)
        except ValueError:
            refused += 1
            continue
        rows.setdefault(TABLE_OF_KIND[event.kind], []).append(row(event, received_at))
    changed = {}
    for name, found in rows.items():
        new = pa.Table.from_pylist(found, schema=table(name).schema)
        changed[name] = _write_changed(warehouse, name, new)
    return Rebuilt(len(offered), changed, refused)


def _write_changed(warehouse: Warehouse, name: str, new: pa.Table) -> int:
    """Writes only rows that are not in the table already; returns how many that were."""
    days = [moment.date() for moment in new[table(name).time].to_pylist()]
    stored = {tuple(r.values()) for r in warehouse.read(name, min(days), max(days)).to_pylist()}
    different = [r for r in new.to_pylist() if tuple(r.values()) not in stored]
    if different:
        warehouse.write(name, pa.Table.from_pylist(different, schema=new.schema))
    return len(different)
