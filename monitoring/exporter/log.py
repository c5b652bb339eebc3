"""The newest part of the warehouse, read incrementally: a file is read again only when it has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ontime.contract import LATE_AFTER_MINUTES
from ontime.figures import LEAD_MINUTES, Array
from ontime.warehouse import TABLES, Warehouse

Stamp = tuple[int, int, int]
T = TypeVar("T")


@dataclass
class FileCache(Generic[T]):
    """What `read` makes of each file, kept until the file changes; files that left the window are forgotten.

    An unreadable file is skipped (and reported by `skipped`) until it changes.
    """

    read: Callable[[Path], T]
    skipped: int = 0
    _kept: dict[Path, tuple[Stamp, T | None]] = field(default_factory=dict)

    def refresh(self, paths: list[Path]) -> list[T]:
        """Values of the readable files, in the order of `paths`."""
        for gone in self._kept.keys() - set(paths):
            del self._kept[gone]
        for path in paths:
            try:
                status = path.stat()
            except FileNotFoundError:
                self._kept.pop(path, None)
                continue
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if path in self._kept and self._kept[path][0] == stamp:
                continue
            try:
                self._kept[path] = (stamp, self.read(path))
            except (pa.ArrowInvalid, OSError, KeyError):
                self._kept[path] = (stamp, None)
        found = [self._kept[path][1] for path in paths if path in self._kept]
        self.skipped = sum(value is None for value in found)
        return [value for value in found if value is not None]


def _seconds(column: pa.ChunkedArray) -> Array:
    """A timestamp column as Unix seconds, NaN for null."""
    micros = pc.cast(column, pa.int64())
    seconds: Array = pc.divide(pc.cast(micros, pa.float64()), 1e6).to_numpy().astype(np.float64)
    return seconds


@dataclass(frozen=True, slots=True)
class Scored:
    """The prediction nearest to T−60 of one flight."""

    distance_minutes: float
    probability: float
    previous: float


NEAREST_COLUMNS = ["flight_id", "predicted_at", "sched_dep_at", "late_probability", "previous_probability"]


def nearest_to_lead(rows: pa.Table) -> dict[str, Scored]:
    """One prediction a flight: the one asked for nearest to an hour before scheduled departure."""
    lead = (_seconds(rows["sched_dep_at"]) - _seconds(rows["predicted_at"])) / 60
    distance = np.abs(lead - LEAD_MINUTES)
    flights = rows["flight_id"].to_pylist()
    scores = rows["late_probability"].to_numpy()
    previous = rows["previous_probability"].to_numpy()
    best: dict[str, Scored] = {}
    for index in np.argsort(-distance, kind="stable").tolist():
        best[flights[index]] = Scored(float(distance[index]), float(scores[index]), float(previous[index]))
    return best


@dataclass(frozen=True, slots=True)
class Labels:
    """Landed flights, in order of `available_at` (Unix seconds, world)."""

    flight_ids: list[str]
    available: Array
    event_times: Array
    late: Array


LABEL_COLUMNS = ["flight_id", "available_at", "event_time", "arr_delay_minutes"]


def labels_of(rows: pa.Table) -> Labels:
    rows = rows.sort_by("available_at")
    late = (rows["arr_delay_minutes"].to_numpy() > LATE_AFTER_MINUTES).astype(np.float64)
    return Labels(rows["flight_id"].to_pylist(), _seconds(rows["available_at"]), _seconds(rows["event_time"]), late)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Flights with a score and a label, one row each."""

    scores: Array
    previous: Array
    late: Array
    newest_event: float
    """World second of the newest landing known, scored or not; NaN without any."""


def label(nearest: dict[str, Scored], labels: Labels, since: float, until: float) -> Labelled:
    """Joins scores with the labels that became available in (since, until]."""
    low, high = np.searchsorted(labels.available, (since, until), side="right")
    rows = [
        (nearest[flight].probability, nearest[flight].previous, labels.late[low + offset])
        for offset, flight in enumerate(labels.flight_ids[low:high])
        if flight in nearest
    ]
    columns = np.array(rows, np.float64).reshape(-1, 3)
    known = labels.event_times[:high]
    newest = float(known.max()) if known.size else float("nan")
    return Labelled(columns[:, 0], columns[:, 1], columns[:, 2], newest)


class RecentLog:
    """Predictions and labels of the last world hours, as the warehouse has them."""

    LONGEST_FLIGHT = timedelta(hours=18)

    def __init__(self, warehouse: Warehouse, quality_hours: float, live_minutes: float) -> None:
        self._warehouse = warehouse
        self._quality_span = timedelta(hours=quality_hours)
        self._live_span = timedelta(minutes=live_minutes)
        self._nearest = FileCache(self._read_nearest)
        self._live = FileCache(lambda path: pq.read_table(path, schema=TABLES["predictions"].schema, partitioning=None))
        self._labels = FileCache(lambda path: pq.read_table(path, columns=LABEL_COLUMNS, partitioning=None))
        self.live: pa.Table = TABLES["predictions"].schema.empty_table()
        """Predictions of the live window, oldest first, with all their columns."""
        self.labelled = label({}, labels_of(self._no_labels()), 0.0, 0.0)

    @staticmethod
    def _read_nearest(path: Path) -> dict[str, Scored]:
        return nearest_to_lead(pq.read_table(path, columns=NEAREST_COLUMNS, partitioning=None))

    @staticmethod
    def _no_labels() -> pa.Table:
        return TABLES["arrivals"].schema.empty_table().select(LABEL_COLUMNS)

    @property
    def unreadable(self) -> int:
        """Files in the window that could not be read."""
        return self._nearest.skipped + self._labels.skipped

    def refresh(self, now: datetime) -> None:
        """Brings live predictions and labelled flights up to `now` (world)."""
        self._refresh_live(now)
        since = now - self._quality_span
        nearest: dict[str, Scored] = {}
        for part in self._nearest.refresh(self._hours(since - self.LONGEST_FLIGHT, now)):
            for flight, scored in part.items():
                if flight not in nearest or scored.distance_minutes <= nearest[flight].distance_minutes:
                    nearest[flight] = scored
        days = self._labels.refresh(self._warehouse.files("arrivals", since.date(), now.date()))
        labels = labels_of(pa.concat_tables(days) if days else self._no_labels())
        self.labelled = label(nearest, labels, since.timestamp(), now.timestamp())

    def _refresh_live(self, now: datetime) -> None:
        parts = self._live.refresh(self._hours(now - self._live_span, now))
        rows = pa.concat_tables(parts) if parts else TABLES["predictions"].schema.empty_table()
        when = rows["predicted_at"]
        low, high = (pa.scalar(moment, when.type) for moment in (now - self._live_span, now))
        self.live = rows.filter(pc.and_(pc.greater(when, low), pc.less_equal(when, high))).sort_by("predicted_at")

    def _hours(self, since: datetime, until: datetime) -> list[Path]:
        low, high = (moment.astimezone(UTC).strftime("%Y-%m-%dT%H") for moment in (since, until))
        paths = self._warehouse.files("predictions", since.date(), until.date())
        return [path for path in paths if low <= path.stem[:13] <= high]
