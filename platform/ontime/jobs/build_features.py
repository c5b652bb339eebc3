"""Slow features: as of each New York midnight that has passed, into the warehouse and the online store."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ontime.clock import Clock
from ontime.contract import SLOW_VIEWS
from ontime.features import load_events, local_midnight, slow_rows
from ontime.files import replace_text
from ontime.settings import Environment
from ontime.warehouse import Warehouse

log = logging.getLogger(__name__)

SETTLE = timedelta(minutes=30)
"""A midnight is looked at this much later, when what upstream told before it has reached the warehouse."""
HISTORY_DAYS = 57
MAX_MIDNIGHTS = 30
"""Midnights of one run, at most: after a long stop the newest ones matter."""


@dataclass(frozen=True, slots=True)
class Built:
    midnights: tuple[datetime, ...]
    rows: dict[str, int]


def pending(warehouse: Warehouse, online: Path, now: datetime, recompute_days: int = 0) -> list[datetime]:
    """Midnights in (last materialized, now − SETTLE], oldest first; with `recompute_days`, at least that many again."""
    newest = local_midnight(now - SETTLE)
    done = _read_watermark(online)
    found: list[datetime] = []
    midnight = newest
    while len(found) < MAX_MIDNIGHTS and (done is None or midnight > done or len(found) < recompute_days):
        found.append(midnight)
        midnight = local_midnight(midnight - timedelta(hours=1))
        if done is None and not recompute_days:
            break
    return found[::-1]


def build(settings: Environment, recompute_days: int = 0) -> Built:
    """Computes the pending midnights, writes them to the warehouse and loads them into the online store.

    Does nothing when there are none. Raises `WarehouseError` and `FeatureStoreError`.
    """
    warehouse = Warehouse(settings.warehouse)
    now = Clock(settings.clock).now()
    midnights = pending(warehouse, settings.online, now, recompute_days)
    log.info("world %s: %d midnights to build: %s", now, len(midnights), [f"{m:%m-%d %H:%MZ}" for m in midnights])
    if not midnights:
        return Built((), {})
    connection = load_events(warehouse, (midnights[0] - timedelta(days=HISTORY_DAYS)).date())
    try:
        rows = slow_rows(connection, *midnights)
    finally:
        connection.close()
    for view in SLOW_VIEWS:
        warehouse.write(view, rows[view])
    _materialize(settings, midnights[-1])
    _write_watermark(settings.online, midnights[-1])
    return Built(tuple(midnights), {view: rows[view].num_rows for view in SLOW_VIEWS})


def _materialize(settings: Environment, until: datetime) -> None:
    from ontime.online import OnlineFeatures  # Feast takes seconds: only when there is something to load

    OnlineFeatures.open(settings).materialize(until, SLOW_VIEWS)


def _watermark(online: Path) -> Path:
    return online / "slow_materialized_through"


def _read_watermark(online: Path) -> datetime | None:
    """The last midnight that reached the online store; None before the first, or when the note is unreadable."""
    try:
        return datetime.fromisoformat(_watermark(online).read_text().strip())
    except (FileNotFoundError, ValueError):
        return None


def _write_watermark(online: Path, midnight: datetime) -> None:
    replace_text(_watermark(online), midnight.astimezone(UTC).isoformat())
