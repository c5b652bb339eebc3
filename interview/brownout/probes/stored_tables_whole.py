"""Are the stored events all there?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from ontime.features import EVENT_TABLES

LATE_SECONDS = 1200.0
"""World time that an event may take from being available to being stored."""
ENOUGH = 20
"""Events of a day and table from which their share says something."""

DAY_MICROSECONDS = 86_400_000_000

Moments = npt.NDArray[np.int64]
Counts = dict[tuple[str, str], int]
"""Rows by (table, UTC day)."""


class StoredTablesWhole(Probe):
    """Counts the stored events of every table and UTC day against those that upstream really sent.

    Rows that are gone were deleted or refused: history is what the next training and the next report read.
    """

    kind: Literal["stored_tables_whole"] = "stored_tables_whole"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    min_share: float = Field(default=0.95, gt=0, le=1, description="Of each table's events of each day.")

    def run(self, view: ProbeView) -> ProbeResult:
        try:
            sent = self._sent(view)
        except (OSError, pa.ArrowException) as error:
            return ProbeResult("unknown", f"The canonical events cannot be read: {error}")
        stored = _stored(view.environment.warehouse, sent)
        short = {key: stored[key] / count for key, count in sent.items() if stored[key] < self.min_share * count}
        total = sum(sent.values())
        measured = {"stored_share": sum(min(stored[key], count) for key, count in sent.items()) / max(total, 1)}
        if not short:
            why = f"All {len(sent)} days of {len(EVENT_TABLES)} tables hold what upstream sent: {total} events."
            return ProbeResult("ok", why, measured=measured)
        (table, day), share = min(short.items(), key=lambda item: (item[1], item[0]))
        why = f"{len(short)} stored days are short of events; the worst, {table} of {day}, holds {share:.0%} of them."
        return ProbeResult("broken", why, measured=measured)

    def _sent(self, view: ProbeView) -> Counts:
        """Canonical events until a little before now, of days with enough of them."""
        until = round((view.world_now - LATE_SECONDS) * 1e6)
        sent = view.memory.keep("events sent", dict[str, Moments])
        counts: Counts = {}
        for table in EVENT_TABLES:
            if table not in sent:
                sent[table] = _moments(view.harness.data / f"{table}.parquet")
            known = sent[table][: np.searchsorted(sent[table], until)]
            for day, count in zip(*np.unique(known // DAY_MICROSECONDS, return_counts=True), strict=True):
                if count >= ENOUGH:
                    counts[(table, str(np.datetime64(int(day), "D")))] = int(count)
        return counts


def _moments(path: Path) -> Moments:
    """When each event became available, in microseconds, ascending."""
    column = pq.read_table(path, columns=["available_at"])["available_at"]
    return np.sort(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy())


def _stored(warehouse: Path, wanted: Counts) -> Counter[tuple[str, str]]:
    """Rows by the files' own words; a file that cannot be read holds none."""
    found: Counter[tuple[str, str]] = Counter()
    for table in {table for table, _ in wanted}:
        for path in (warehouse / table).glob("????-??-??*.parquet"):
            try:
                found[(table, path.stem[:10])] += pq.read_metadata(path).num_rows
            except (OSError, pa.ArrowException):
                continue
    return found
