"""The landing: ingest's write-ahead log of accepted events, as upstream sent them.

One JSON line an event (`received_at` in world time, `raw` the event as received), one file a UTC day of world time.
A line is on disk before its event is acknowledged. A last line cut short by a crash was never acknowledged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson

from ontime.errors import WarehouseError

FILES = "????-??-??.jsonl"


@dataclass(frozen=True, slots=True)
class Landed:
    received_at: datetime
    raw: dict[str, Any]


class Landing:
    """Appends to and reads from the files under `root`. One process appends at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def append(self, received_at: datetime, events: Sequence[dict[str, Any]]) -> None:
        """Returns when every event is on disk. Raises `WarehouseError` when that fails; then none of them counts."""
        if not events:
            return
        stamp = received_at.isoformat()
        lines = b"".join(orjson.dumps({"received_at": stamp, "raw": raw}) + b"\n" for raw in events)
        path = self.root / f"{received_at:%Y-%m-%d}.jsonl"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as handle:
                start = handle.tell()
                try:
                    handle.write(b"\n" * self._torn(path, start) + lines)
                    handle.flush()
                    os.fsync(handle.fileno())
                except OSError:
                    handle.truncate(start)
                    raise
        except OSError as error:
            raise WarehouseError(
                f"Landing {path} cannot be written: {error}. Free space or fix permissions."
            ) from error

    @staticmethod
    def _torn(path: Path, size: int) -> bool:
        """Whether the file ends in a line that a crash cut short."""
        if size == 0:
            return False
        with path.open("rb") as handle:
            handle.seek(-1, os.SEEK_END)
            return handle.read(1) != b"\n"

    def days(self) -> list[date]:
        """The UTC days of world time on which something landed, oldest first."""
        return sorted(date.fromisoformat(path.stem) for path in self.root.glob(FILES))

    def read(self, since: date | None = None) -> Iterator[Landed]:
        """Landed events of the UTC days from `since` on, oldest first; torn lines are passed over."""
        for path in sorted(self.root.glob(FILES)):
            if since is not None and path.stem < since.isoformat():
                continue
            with path.open("rb") as handle:
                for line in handle:
                    try:
                        entry = orjson.loads(line)
                        yield Landed(datetime.fromisoformat(entry["received_at"]), entry["raw"])
                    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                        continue

    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.root.glob("*.jsonl"))
