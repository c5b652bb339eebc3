"""The prediction log: every answer becomes a row of the warehouse's `predictions`, without making the answer wait.

A request only puts one record on a queue. Once a second a thread turns the records into columns, scores the previous
champion on the same matrix (the shadow), and writes them. When the queue is full, new rows are dropped and
counted; `kill -9` loses the unflushed second.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ontime.contract import FEATURE_NAMES, VIEWS, ScheduledFlight
from ontime.errors import WarehouseError
from ontime.scorer import Matrix, Probabilities
from ontime.warehouse import TABLES, PartWriter, Warehouse
from serving.metrics import Metrics
from serving.models import LoadedModel
from serving.usage import NEVER

SCHEMA: pa.Schema = TABLES["predictions"].schema
MAX_ROWS_A_WRITE = 5_000

log = logging.getLogger("ontime.serving.log")


@dataclass(frozen=True, slots=True)
class Answered:
    """One request and what was answered. `view_times`: microseconds [n, VIEWS], `NEVER` where there was no row."""

    request_id: str
    world_micros: int
    wall_micros: int
    latency_ms: float
    flights: Sequence[ScheduledFlight]
    matrix: Matrix
    view_times: npt.NDArray[np.int64]
    probabilities: Probabilities
    versions: Sequence[str]
    reasons: Sequence[Sequence[str]]
    previous: LoadedModel | None


def shadow_scores(records: Sequence[Answered]) -> npt.NDArray[np.float64]:
    """The previous champion's probability for each row; NaN where there was none. One call a model."""
    scores = [np.full(len(r.flights), np.nan) for r in records]
    models = {id(r.previous): r.previous for r in records}
    for key, model in models.items():
        if model is None:
            continue
        mine = [i for i, r in enumerate(records) if id(r.previous) == key]
        found = model.scorer.score(np.concatenate([records[i].matrix for i in mine]))
        for i, part in zip(mine, np.split(found, np.cumsum([len(records[i].flights) for i in mine])[:-1]), strict=True):
            scores[i] = part
    return np.concatenate(scores)


def _repeated(records: Sequence[Answered], values: Sequence[Any]) -> npt.NDArray[Any]:
    return np.repeat(np.array(values), [len(r.flights) for r in records])


def rows(records: Sequence[Answered], first_id: int, writer: str, revision: str) -> pa.Table:
    """The records as rows of `predictions`, ids `<writer>-<first_id>` upwards."""
    flights = list(chain.from_iterable(r.flights for r in records))
    matrix = np.concatenate([r.matrix for r in records]).astype(np.float64)
    times = np.concatenate([r.view_times for r in records])
    sizes = [len(r.flights) for r in records]
    previous = [None if r.previous is None else r.previous.name for r in records]
    columns: dict[str, Any] = {
        name: [getattr(flight, name) for flight in flights] for name in ScheduledFlight.model_fields
    }
    columns |= {name: matrix[:, i] for i, name in enumerate(FEATURE_NAMES) if name not in columns}
    columns |= {f"{view}_at": pa.array(times[:, i], mask=times[:, i] == NEVER) for i, view in enumerate(VIEWS)}
    columns |= {
        "prediction_id": [f"{writer}-{first_id + i}" for i in range(len(flights))],
        "request_id": [r.request_id for r in records for _ in r.flights],
        "predicted_at": _repeated(records, [r.world_micros for r in records]),
        "wall_at": _repeated(records, [r.wall_micros for r in records]),
        "late_probability": np.concatenate([r.probabilities for r in records]),
        "model_version": list(chain.from_iterable(r.versions for r in records)),
        "previous_probability": shadow_scores(records),
        "previous_version": [name for name, size in zip(previous, sizes, strict=True) for _ in range(size)],
        "degraded": [bool(reasons) for r in records for reasons in r.reasons],
        "reasons": [",".join(reasons) for r in records for reasons in r.reasons],
        "batch_size": _repeated(records, sizes),
        "latency_ms": _repeated(records, [r.latency_ms for r in records]),
        "revision": [revision] * len(flights),
    }
    arrays = [_array(columns[field.name], field.type) for field in SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    """NaN is null in the warehouse: a feature that was missing, a shadow that did not score."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return pa.array(values, kind, mask=np.isnan(values))
    if isinstance(values, pa.Array | np.ndarray):
        return pa.array(values).cast(kind)
    return pa.array(values, kind)


class PredictionLog:
    """Takes records from any thread; `flush` is called from one, every second and at the end."""

    def __init__(self, warehouse: Warehouse, metrics: Metrics, max_rows: int, revision: str) -> None:
        self.writer = secrets.token_hex(5)
        self._parts = PartWriter(warehouse, "predictions", self.writer)
        self._metrics = metrics
        self._max_rows = max_rows
        self._revision = revision
        self._queue: deque[Answered] = deque()
        self._lock = Lock()
        self._waiting = 0
        self._next_id = 0
        self._failing = False

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return self._waiting

    def put(self, record: Answered) -> None:
        """Never blocks and never raises: a row that does not fit is dropped and counted."""
        size = len(record.flights)
        with self._lock:
            fits = self._waiting + size <= self._max_rows
            if fits:
                self._queue.append(record)
                self._waiting += size
        if not fits:
            self._metrics.log_rows.labels("dropped").inc(size)

    def flush(self) -> None:
        """Writes what waits by now; on failure it waits on, and the next flush tries again."""
        due = len(self._queue)
        while due > 0:
            records, size = self._first_records()
            due -= len(records)
            try:
                self._parts.append(rows(records, self._next_id, self.writer, self._revision))
            except WarehouseError as error:
                if not self._failing:
                    log.error("prediction log cannot be written, keeping its rows: %s", error)
                self._failing = True
                return
            self._failing = False
            self._next_id += size
            with self._lock:
                for _ in records:
                    self._queue.popleft()
                self._waiting -= size
            self._metrics.log_rows.labels("written").inc(size)

    def _first_records(self) -> tuple[list[Answered], int]:
        """The oldest records, up to `MAX_ROWS_A_WRITE` rows; they stay on the queue until they are written."""
        records: list[Answered] = []
        size = 0
        with self._lock:
            for record in self._queue:
                if records and size + len(record.flights) > MAX_ROWS_A_WRITE:
                    break
                records.append(record)
                size += len(record.flights)
        return records, size
