"""The one rule for writing to the online store: a row replaces another unless it is older.

Feast's stores differ: SQLite lets any row replace any other, Redis refuses rows that are older *or equal*, so that a
repaired value of the same moment would never arrive. Each store here asks `newest_wins` first and then writes what
is left, without further conditions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

Key = TypeVar("Key", bound=Hashable)
Row: TypeAlias = tuple[Any, dict[str, Any], datetime, datetime | None]
"""What Feast writes: entity key, values, event timestamp, created timestamp."""


def aware(moment: datetime) -> datetime:
    """Feast hands over naive UTC in places."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def newest_wins(rows: Iterable[tuple[Key, Row]], stored: Mapping[Key, datetime]) -> list[Row]:
    """The rows to write: at most one a key, none older than the one stored; of equal ones the last.

    `stored` holds the event timestamp of each key that has a row already.
    """
    kept: dict[Key, Row] = {}
    for key, row in rows:
        best = aware(kept[key][2]) if key in kept else stored.get(key)
        if best is None or aware(row[2]) >= aware(best):
            kept[key] = row
    return list(kept.values())


def batches(keys: Sequence[Key], size: int) -> Iterable[Sequence[Key]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
