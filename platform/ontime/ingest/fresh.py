"""The fresh path: on a grid of world minutes, recent events become feature rows in both stores.

A grid point is computed once `SETTLE` has passed after it. Its rows carry the watermark's grid point as their event
timestamp, so that the age of a feature says how far upstream really was. Grid points that pass while one is being
computed are skipped: only the newest matters.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from threading import Event as Signal
from threading import Lock, Thread
from typing import Protocol

import pyarrow as pa

from ontime.clock import Clock
from ontime.contract import Event
from ontime.features import RecentEvents, fresh_rows, tick
from ontime.ingest import metrics
from ontime.ingest.rows import tables
from ontime.ingest.watermark import Watermark

SETTLE = timedelta(minutes=1)
"""World time given to upstream's events to arrive before a grid point is computed."""
LOOK_SECONDS = 0.1
INSTANT = timedelta(microseconds=1)

log = logging.getLogger("ontime.ingest")


class FeatureSink(Protocol):
    """Where feature rows go: the online store."""

    def push(self, view: str, rows: pa.Table, /) -> int: ...


class FreshPath:
    """Keeps the last `history` of events in memory and turns them into fresh features.

    `open_sink` is called on the thread that computes, the first time there is something to push.
    """

    def __init__(
        self,
        clock: Clock,
        open_sink: Callable[[], FeatureSink],
        archive: Callable[[str, pa.Table], None],
        watermark: Watermark,
        every_minutes: int,
        history: timedelta,
    ) -> None:
        self._clock = clock
        self._open_sink = open_sink
        self._sink: FeatureSink | None = None
        self._archive = archive
        self._watermark = watermark
        self._every = every_minutes
        self._history = history
        self._events = RecentEvents()
        self._lock = Lock()
        self._point: datetime | None = None
        self._reached: datetime | None = None
        self._stop = Signal()
        self._thread = Thread(target=self._run, name="fresh", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def load(self, name: str, rows: pa.Table) -> None:
        """Takes rows of an event table that were ingested before this process started."""
        with self._lock:
            self._events.append(name, rows)

    def observe(self, events: Iterable[Event], ingested_at: datetime) -> None:
        """Takes newly accepted events."""
        accepted = list(events)
        with self._lock:
            for name, rows in tables(accepted, ingested_at).items():
                self._events.append(name, rows)
            for event in accepted:
                self._watermark.observe(event.kind, event.available_at)
                if self._reached is not None:
                    self._reached = min(self._reached, event.available_at - INSTANT)

    def step(self) -> bool:
        """Computes the newest grid point when it has not been computed yet; answers whether it did."""
        now = self._clock.now()
        point = tick(now - SETTLE, self._every)
        if point == self._point:
            return False
        with self._lock:
            complete = self._watermark.at(now - SETTLE)
            at = tick(complete, self._every)
            self._events.trim(at - self._history)
            since, self._reached = self._reached, at
            rows = fresh_rows(self._events.connection, at, since=since)
        try:
            self._write(rows)
        except Exception:
            with self._lock:
                self._reached = since and min(since, self._reached)
            raise
        metrics.WATERMARK.set(complete.timestamp())
        metrics.FRESH_TICKS.inc()
        self._point = point
        return True

    def _write(self, rows: Mapping[str, pa.Table]) -> None:
        sink = self._sink = self._sink or self._open_sink()
        for view, found in rows.items():
            if found.num_rows:
                sink.push(view, found)
                self._archive(view, found)
                metrics.FRESH_ROWS.labels(view).inc(found.num_rows)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                started = time.perf_counter()
                if self.step():
                    metrics.FRESH_SECONDS.observe(time.perf_counter() - started)
            except Exception:
                metrics.FRESH_FAILURES.inc()
                log.exception("fresh features were not computed; trying again")
                self._stop.wait(1.0)
