"""The tape: canonical events as the JSON that upstream sends, one gzip file a UTC day of availability.

Made with the canonical tables and from them, so that the replay needs neither Arrow nor pandas: a day is a few hundred
kilobytes, and the process that plays it stays small. `nights.json` beside the days holds the hours without departures.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from brownout.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = {
    "schedules": "schedule",
    "departures": "departure",
    "arrivals": "arrival",
    "cancellations": "cancellation",
    "weather": "weather",
}
NIGHT_IS_AT_LEAST = timedelta(hours=2, minutes=45)
NIGHT_BEGINS_AFTER = timedelta(minutes=30)
NIGHT_ENDS_BEFORE = timedelta(minutes=75)
DAY_MICROSECONDS = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Night:
    """Hours in which nothing departs and nobody asks; Unix seconds, start included, end not."""

    start: float
    end: float


class Tape:
    """Reads what `write` wrote."""

    def __init__(self, data: Path) -> None:
        self._directory = data / "tape"

    def day(self, day: date) -> list[dict[str, Any]]:
        """The day's events in the order of (available_at, event_id), as contract JSON; empty outside the year.

        Raises `DatasetError` when the file is damaged or the tape is not there.
        """
        path = self._directory / f"{day.isoformat()}.jsonl.gz"
        try:
            return [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        except FileNotFoundError as error:
            if (self._directory / "nights.json").exists():
                return []
            raise DatasetError(f"{self._directory} holds no tape. Run `brownout up`, which makes it.") from error
        except (OSError, EOFError, ValueError) as error:
            raise DatasetError(f"{path} cannot be read ({error}). Remove {self._directory} and run again.") from error

    def nights(self) -> list[Night]:
        try:
            return [Night(*pair) for pair in json.loads((self._directory / "nights.json").read_text())]
        except (OSError, ValueError, TypeError) as error:
            raise DatasetError(f"{self._directory}/nights.json cannot be read ({error}). Run `brownout up`.") from error


def seconds(moment: str) -> float:
    """Unix seconds of an ISO 8601 moment as the tape writes it."""
    return datetime.fromisoformat(moment).timestamp()


def utc_day(moment: float) -> date:
    return datetime.fromtimestamp(moment, UTC).date()


def write(data: Path, tables: dict[str, pa.Table]) -> None:
    """Writes the tape of tables sorted by `available_at`; `nights.json`, written last, says that it is complete."""
    directory = data / "tape"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for day, lines in _days(tables):
        (directory / f"{day}.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines), compresslevel=4, mtime=0))
    departures = sorted(moment.timestamp() for moment in tables["schedules"]["sched_dep_at"].unique().to_pylist())
    nights = [[night.start, night.end] for night in nights_between(departures)]
    (directory / "nights.json").write_text(json.dumps(nights))


def nights_between(departures: list[float]) -> Iterator[Night]:
    """The nights between scheduled departures (sorted Unix seconds)."""
    for last, first in pairwise(departures):
        if first - last >= NIGHT_IS_AT_LEAST.total_seconds():
            yield Night(last + NIGHT_BEGINS_AFTER.total_seconds(), first - NIGHT_ENDS_BEFORE.total_seconds())


def _days(tables: dict[str, pa.Table]) -> Iterator[tuple[str, list[bytes]]]:
    """Each UTC day with its events as JSON lines, in order."""
    import numpy as np

    starts = {name: np.asarray(tables[name]["available_at"].cast("int64")) // DAY_MICROSECONDS for name in KINDS}
    for number in sorted({int(day) for days in starts.values() for day in np.unique(days)}):
        lines: list[tuple[str, str, bytes]] = []
        for name, kind in KINDS.items():
            first, end = (int(np.searchsorted(starts[name], number, side)) for side in ("left", "right"))
            rows = _textual(tables[name].slice(first, end - first)).to_pylist()
            lines += [(row["available_at"], row["event_id"], orjson.dumps(_event(kind, row))) for row in rows]
        yield str(date(1970, 1, 1) + timedelta(days=number)), [line for _, _, line in sorted(lines)]


def _textual(rows: pa.Table) -> pa.Table:
    """`rows` without `ingested_at` (upstream can't know it) and with moments as ISO 8601 text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = rows.drop_columns(["ingested_at"])
    for index, column in enumerate(rows.schema):
        if pa.types.is_timestamp(column.type):
            whole = rows[index].cast(pa.timestamp("s", tz="UTC"))
            rows = rows.set_column(index, column.name, pc.strftime(whole, format="%Y-%m-%dT%H:%M:%SZ"))
    return rows


def _event(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    event = {"kind": kind, **{name: row.pop(name) for name in ("event_id", "event_time", "available_at")}}
    return event | ({"flight": row} if kind == "schedule" else row)
