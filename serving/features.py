"""Flights → feature matrix: one look at the online store a request, with the age of every row that is used.

Feast returns expired values as if they were fresh, so the age of a row is measured here, on every use: world now minus
the row's event timestamp. Rows are kept for `feature_cache_seconds`, and less when the store says that it was written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from ontime.contract import FRESH_VIEWS, VIEWS, ScheduledFlight
from ontime.errors import FeatureStoreError
from ontime.features import assemble, entity_keys, value_columns
from ontime.scorer import Matrix

from serving.metrics import Metrics

NEVER = int(np.iinfo(np.int64).min)
"""The time of a row that was not found."""
OPTIONAL_VIEWS = frozenset({"aircraft_slow", "aircraft_fresh"})
"""An aircraft that was not seen lately, or is not assigned yet, is normal."""
WEATHER_EVERY_MINUTES = 65.0
"""Observations are hourly and known five minutes later: that much of a weather row's age is no delay."""
STORE_DOWN = "feature_store_down"
MAX_CACHED_ROWS = 50_000

MINUTE = 60_000_000
_COLUMNS = {view: value_columns(view) for view in VIEWS}
_NOTHING = {view: (float("nan"),) * len(columns) for view, columns in _COLUMNS.items()}
_ARRIVED_AT = "aircraft_prev_arrived_at"

log = logging.getLogger("ontime.serving.features")


@dataclass(frozen=True, slots=True)
class Row:
    """One entity's row of a view: when it was true (microseconds), and its values in `value_columns` order.

    Missing values are NaN; a time is its microseconds.
    """

    event_micros: int
    values: tuple[float, ...]


class Source(Protocol):
    """The online store. Both methods raise `FeatureStoreError` when it cannot be read."""

    def read(self, view: str, keys: Sequence[str]) -> Mapping[str, Row]:
        """The rows that exist, by key."""

    def version(self) -> object:
        """Something that changes when the store was written; None when the store cannot tell."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of some flights. `view_times`: microseconds [n, VIEWS], `NEVER` where there is no row."""

    matrix: Matrix
    view_times: npt.NDArray[np.int64]
    reasons: list[list[str]]
    priors: list[float | None]
    """Each route's own late rate, when it is known."""
    store_down: bool


class FeatureReader:
    """Reads and assembles features. Safe to share between threads."""

    def __init__(
        self,
        source: Source,
        metrics: Metrics,
        cache_seconds: float,
        max_fresh_age_minutes: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._metrics = metrics
        self._cache_seconds = cache_seconds
        self._monotonic = monotonic
        self._oldest = {view: max_fresh_age_minutes * MINUTE for view in FRESH_VIEWS if view not in OPTIONAL_VIEWS}
        self._oldest["weather_fresh"] += WEATHER_EVERY_MINUTES * MINUTE
        self._cache: dict[str, dict[str, tuple[float, Row | None]]] = {view: {} for view in VIEWS}
        self._version: object = None
        self._priors: dict[str, float] = {}
        self._down = False
        self._lock = Lock()

    def probe(self) -> None:
        """Raises `FeatureStoreError` when the store cannot be read."""
        with self._lock:
            self._source.read("weather_fresh", ["EWR"])

    def read(self, flights: Sequence[ScheduledFlight], now_micros: int) -> Features:
        """Features of all flights together. Never raises for the store's sake: `store_down` says it."""
        keys = [entity_keys(f.origin, f.destination, f.carrier, f.tail_number, f.sched_dep_at) for f in flights]
        try:
            with self._lock:
                found = self._look_up({view: {k for by in keys if (k := by[view]) is not None} for view in VIEWS})
        except FeatureStoreError as error:
            self._note_down(error)
            return self._without_store(flights, keys)
        self._down = False
        concerns = {view: self._inspect(view, rows, now_micros) for view, rows in found.items()}
        reasons = [[why for view, key in by.items() if key is not None and (why := concerns[view][key])] for by in keys]
        chosen = {view: [None if (key := by[view]) is None else found[view][key] for by in keys] for view in VIEWS}
        return Features(
            matrix=_assemble(flights, chosen),
            view_times=_times(chosen),
            reasons=reasons,
            priors=[self._priors.get(by["route_slow"] or "") for by in keys],
            store_down=False,
        )

    def _look_up(self, wanted: Mapping[str, set[str]]) -> dict[str, dict[str, Row | None]]:
        """Every wanted row, from the cache or the store. None where there is no row."""
        version, now = self._source.version(), self._monotonic()
        if version != self._version or sum(map(len, self._cache.values())) > MAX_CACHED_ROWS:
            self._version = version
            for kept in self._cache.values():
                kept.clear()
        usable_from = now - self._cache_seconds
        found: dict[str, dict[str, Row | None]] = {}
        for view, keys in wanted.items():
            cache = self._cache[view]
            absent = [key for key in keys if key not in cache or cache[key][0] <= usable_from]
            if absent:
                rows = self._source.read(view, absent)
                cache.update((key, (now, rows.get(key))) for key in absent)
                self._metrics.store_reads.inc(len(absent))
            found[view] = {key: cache[key][1] for key in keys}
            if view == "route_slow":
                self._keep_priors(found[view])
        return found

    def _keep_priors(self, rows: Mapping[str, Row | None]) -> None:
        for key, row in rows.items():
            if row is not None and row.values[0] == row.values[0]:
                self._priors[key] = min(max(row.values[0], 0.0), 1.0)

    def _inspect(self, view: str, rows: Mapping[str, Row | None], now_micros: int) -> dict[str, str]:
        """Counts and ages the rows used; answers what is wrong with each key ('' for nothing)."""
        age = self._metrics.age_of[view]
        required, oldest = view not in OPTIONAL_VIEWS, self._oldest.get(view, float("inf"))
        concerns: dict[str, str] = {}
        missing = 0
        for key, row in rows.items():
            if row is None:
                missing += 1
                concerns[key] = f"missing:{view}" if required else ""
                continue
            micros = now_micros - row.event_micros
            age.observe(micros / 1e6)
            concerns[key] = f"stale:{view}" if micros > oldest else ""
        self._metrics.reads_of[view].inc(len(rows))
        if missing:
            self._metrics.missing_of[view].inc(missing)
        return concerns

    def _without_store(self, flights: Sequence[ScheduledFlight], keys: Sequence[Mapping[str, str | None]]) -> Features:
        chosen: dict[str, list[Row | None]] = {view: [None] * len(flights) for view in VIEWS}
        return Features(
            matrix=_assemble(flights, chosen),
            view_times=_times(chosen),
            reasons=[[STORE_DOWN] for _ in flights],
            priors=[self._priors.get(by["route_slow"] or "") for by in keys],
            store_down=True,
        )

    def _note_down(self, error: FeatureStoreError) -> None:
        self._metrics.store_failures.inc()
        if not self._down:
            log.error("online store cannot be read, answering with priors: %s", error)
        self._down = True


def _times(chosen: Mapping[str, Sequence[Row | None]]) -> npt.NDArray[np.int64]:
    columns = [[NEVER if row is None else row.event_micros for row in chosen[view]] for view in VIEWS]
    return np.array(columns, np.int64).T


def _assemble(flights: Sequence[ScheduledFlight], chosen: Mapping[str, Sequence[Row | None]]) -> Matrix:
    requests: dict[str, Sequence[Any]] = {
        "origin": [f.origin for f in flights],
        "sched_dep_at": [f.sched_dep_at for f in flights],
        "distance_miles": [f.distance_miles for f in flights],
        "scheduled_minutes": [f.scheduled_minutes for f in flights],
    }
    views: dict[str, npt.NDArray[Any]] = {}
    for view, columns in _COLUMNS.items():
        block = np.array([_NOTHING[view] if row is None else row.values for row in chosen[view]])
        views.update(zip(columns, block.T, strict=True))
    arrived = views[_ARRIVED_AT]
    known = ~np.isnan(arrived)
    micros = np.full(len(flights), NEVER, np.int64)
    micros[known] = arrived[known].astype(np.int64)
    views[_ARRIVED_AT] = micros.view("datetime64[us]")
    return assemble(requests, views)
