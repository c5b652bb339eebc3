"""Flights → feature matrix: one look at the online store a request, with the age of every row that is used.

Feast returns expired values as if they were fresh, so the age of a row is measured here, on every use: world now minus
the row's event timestamp. Rows are kept for `feature_cache_seconds`, and less when the store says that it was written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from threading import Lock
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from ontime.contract import FRESH_VIEWS, VIEWS, ScheduledFlight
from ontime.errors import FeatureStoreError
from ontime.features import assemble, entity_keys, value_columns
from ontime.scorer import Matrix
from serving.metrics import Metrics
from serving.usage import NEVER, FeatureUsage, Keys

OPTIONAL_VIEWS = frozenset({"aircraft_slow", "aircraft_fresh"})
"""An aircraft that was not seen lately, or is not assigned yet, is normal."""
WEATHER_EVERY_MINUTES = 65.0
"""Observations are hourly and known five minutes later: that much of a weather row's age is no delay."""
STORE_DOWN = "feature_store_down"
MAX_CACHED_ROWS = 50_000

MINUTE = 60_000_000
FOREVER = 10**18
_ROUTE = VIEWS.index("route_slow")
_COLUMNS = tuple(chain.from_iterable(value_columns(view) for view in VIEWS))
_NOTHING = tuple((float("nan"),) * len(value_columns(view)) for view in VIEWS)
_ARRIVED_AT = "aircraft_prev_arrived_at"

log = logging.getLogger("ontime.serving.features")


@dataclass(frozen=True, slots=True)
class Row:
    """One entity's row of a view: when it was true (microseconds), and its values in `value_columns` order.

    Missing values are NaN; a time is its microseconds.
    """

    event_micros: int
    values: tuple[float, ...]


Rows: TypeAlias = list[Row | None]
"""One view's rows, one a flight."""


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
    store_down: bool = False


class FeatureReader:
    """Reads and assembles features. Safe to share between threads."""

    def __init__(
        self,
        source: Source,
        metrics: Metrics,
        usage: FeatureUsage,
        cache_seconds: float,
        max_fresh_age_minutes: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._metrics = metrics
        self._usage = usage
        self._cache_seconds = cache_seconds
        self._monotonic = monotonic
        self._oldest = {view: max_fresh_age_minutes * MINUTE for view in FRESH_VIEWS if view not in OPTIONAL_VIEWS}
        self._oldest["weather_fresh"] += WEATHER_EVERY_MINUTES * MINUTE
        self._cache: list[dict[str, tuple[float, Row | None]]] = [{} for _ in VIEWS]
        self._version: object = None
        self._priors: dict[str, float] = {}
        self._down = False
        self._lock = Lock()

    def probe(self) -> None:
        """Raises `FeatureStoreError` when the store cannot be read."""
        with self._lock:
            self._source.version()
            self._source.read("weather_fresh", ["EWR"])

    def read(self, flights: Sequence[ScheduledFlight], now_micros: int) -> Features:
        """Features of all flights together. Never raises for the store's sake: `store_down` says it."""
        keys = [entity_keys(f.origin, f.destination, f.carrier, f.tail_number, f.sched_dep_at) for f in flights]
        by_view = [[of_flight[view] for of_flight in keys] for view in VIEWS]
        try:
            with self._lock:
                found = self._look_up(by_view)
        except FeatureStoreError as error:
            self._note_down(error)
            found = [[None] * len(flights) for _ in VIEWS]
            return self._features(flights, by_view, found, [[STORE_DOWN] for _ in flights], store_down=True)
        self._down = False
        features = self._features(flights, by_view, found, self._concerns(found, now_micros), store_down=False)
        self._usage.note(by_view, features.view_times, now_micros)
        return features

    def _features(
        self,
        flights: Sequence[ScheduledFlight],
        keys: Sequence[Keys],
        found: Sequence[Rows],
        reasons: list[list[str]],
        store_down: bool,
    ) -> Features:
        times = [[NEVER if row is None else row.event_micros for row in rows] for rows in found]
        priors = [self._priors.get(key or "") for key in keys[_ROUTE]]
        return Features(_assemble(flights, found), np.array(times, np.int64).T, reasons, priors, store_down)

    def _look_up(self, keys: Sequence[Keys]) -> list[Rows]:
        """For each view each flight's row, from the cache or the store. None where there is no row."""
        version, now = self._source.version(), self._monotonic()
        if version != self._version or sum(map(len, self._cache)) > MAX_CACHED_ROWS:
            self._version = version
            for kept in self._cache:
                kept.clear()
        usable_from = now - self._cache_seconds
        found: list[Rows] = []
        for view, wanted, cache in zip(VIEWS, keys, self._cache, strict=True):
            absent = {k for k in wanted if k is not None and (k not in cache or cache[k][0] <= usable_from)}
            if absent:
                self._fetch(view, sorted(absent), cache, now)
            found.append([None if key is None else cache[key][1] for key in wanted])
        return found

    def _fetch(self, view: str, keys: list[str], cache: dict[str, tuple[float, Row | None]], now: float) -> None:
        rows = self._source.read(view, keys)
        self._metrics.store_reads.inc(len(keys))
        for key in keys:
            row = rows.get(key)
            cache[key] = (now, row)
            if view == "route_slow" and row is not None and isfinite(rate := row.values[0]):
                self._priors[key] = min(max(rate, 0.0), 1.0)

    def _concerns(self, found: Sequence[Rows], now_micros: int) -> list[list[str]]:
        """Why each answer is degraded: rows that should be there, and rows too old. An aircraft's never are."""
        concerns: list[list[str]] = [[] for _ in found[0]]
        for view, rows in zip(VIEWS, found, strict=True):
            if view in OPTIONAL_VIEWS:
                continue
            too_old = now_micros - self._oldest.get(view, FOREVER)
            for concern, row in zip(concerns, rows, strict=True):
                if row is None:
                    concern.append(f"missing:{view}")
                elif row.event_micros < too_old:
                    concern.append(f"stale:{view}")
        return concerns

    def _note_down(self, error: FeatureStoreError) -> None:
        self._metrics.store_failures.inc()
        if not self._down:
            log.error("online store cannot be read, answering with priors: %s", error)
        self._down = True


def _assemble(flights: Sequence[ScheduledFlight], found: Sequence[Rows]) -> Matrix:
    requests: dict[str, Sequence[Any]] = {
        "origin": [f.origin for f in flights],
        "sched_dep_at": [f.sched_dep_at for f in flights],
        "distance_miles": [f.distance_miles for f in flights],
        "scheduled_minutes": [f.scheduled_minutes for f in flights],
    }
    values = [
        list(
            chain.from_iterable(
                nothing if row is None else row.values for row, nothing in zip(rows, _NOTHING, strict=True)
            )
        )
        for rows in zip(*found, strict=True)
    ]
    views: dict[str, npt.NDArray[Any]] = dict(zip(_COLUMNS, np.array(values).T, strict=True))
    arrived = views[_ARRIVED_AT]
    known = np.isfinite(arrived)
    views[_ARRIVED_AT] = np.where(known, arrived, 0).astype(np.int64)
    views[_ARRIVED_AT][~known] = NEVER
    views[_ARRIVED_AT] = views[_ARRIVED_AT].view("datetime64[us]")
    return assemble(requests, views)
