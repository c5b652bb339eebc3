"""What serving tells Prometheus, right for any number of workers.

With `PROMETHEUS_MULTIPROC_DIR` set (as `python -m serving` does), each worker writes its values to files there, and a
scrape of any worker answers for all of them. Without it, as in tests, one process keeps them in memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from ontime.contract import VIEWS

MULTIPROCESS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
DURATIONS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
AGES = (60, 300, 600, 900, 1800, 2700, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2419200)


class _WithoutPastModels(Collector):
    """Drops `ontime_model_info` samples of models no longer loaded: multiprocess files cannot forget a label."""

    def __init__(self, inner: Collector) -> None:
        self._inner = inner

    def collect(self) -> Iterable[Metric]:
        for metric in self._inner.collect():
            if metric.name == "ontime_model_info":
                metric.samples = [sample for sample in metric.samples if sample.value]
            yield metric


class Metrics:
    """All series of one worker. In multiprocess mode make one instance a process, after the fork."""

    def __init__(self) -> None:
        directory = os.environ.get(MULTIPROCESS_DIRECTORY)
        self._directory = Path(directory) if directory else None
        self._own = CollectorRegistry()
        own = self._own
        self.requests = Counter(
            "ontime_predict_requests", "Requests to /predict by size and status code.", ["size", "code"], registry=own
        )
        self.duration = Histogram(
            "ontime_predict_duration_seconds",
            "Wall seconds from request to answer.",
            ["size"],
            buckets=DURATIONS,
            registry=own,
        )
        self.predictions = Counter(
            "ontime_predictions", "Flights answered.", ["model_version", "degraded"], registry=own
        )
        self.feature_age = Histogram(
            "ontime_feature_age_seconds",
            "World age of a feature row when it is used: world now minus the row's event timestamp.",
            ["view"],
            buckets=AGES,
            registry=own,
        )
        self.rows_missing = Counter(
            "ontime_feature_rows_missing",
            "Lookups, one a flight and view, that the online store had no row for.",
            ["view"],
            registry=own,
        )
        self.reads = Counter("ontime_feature_reads", "Lookups, one a flight and view.", ["view"], registry=own)
        self.store_reads = Counter(
            "ontime_feature_store_reads", "Entities that were not in the cache and read from the store.", registry=own
        )
        self.store_failures = Counter(
            "ontime_feature_store_failures", "Reads that the online store refused.", registry=own
        )
        self.model_info = Gauge(
            "ontime_model_info",
            "1 for the version that serves under an alias.",
            ["alias", "version"],
            registry=own,
            multiprocess_mode="livemax",
        )
        self.model_loads = Counter(
            "ontime_model_loads", "Attempts to load a version (loaded, refused, failed).", ["outcome"], registry=own
        )
        self.registry_up = Gauge(
            "ontime_registry_up", "Whether MLflow answered the last poll.", registry=own, multiprocess_mode="livemin"
        )
        self.log_rows = Counter(
            "ontime_prediction_log_rows", "Rows of the prediction log (written, dropped).", ["outcome"], registry=own
        )
        self.log_queue = Gauge(
            "ontime_prediction_log_queue_rows",
            "Rows waiting for the prediction log.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self.cpu_seconds = Counter("ontime_serving_cpu_seconds", "CPU seconds used by the workers.", registry=own)
        self.build_info = Gauge(
            "ontime_serving_build_info",
            "1 for the revision that serves.",
            ["revision"],
            registry=own,
            multiprocess_mode="livemax",
        )
        self._cpu_counted = 0.0
        self.age_of = {view: self.feature_age.labels(view) for view in VIEWS}
        self.missing_of = {view: self.rows_missing.labels(view) for view in VIEWS}
        self.reads_of = {view: self.reads.labels(view) for view in VIEWS}
        self.duration_of = {size: self.duration.labels(size) for size in ("single", "batch")}
        for outcome in ("written", "dropped"):
            self.log_rows.labels(outcome)

    def observe_ages(self, view: str, seconds: npt.NDArray[np.float64]) -> None:
        """Many observations of `ontime_feature_age_seconds` at once, for which the client library has no call."""
        child = self.age_of[view]
        child._sum.inc(float(seconds.sum()))
        places = np.searchsorted(AGES, seconds, side="left")
        for place, count in zip(*np.unique(places, return_counts=True), strict=True):
            child._buckets[place].inc(int(count))

    def count_cpu(self) -> None:
        """Brings `ontime_serving_cpu_seconds_total` up to date."""
        used = time.process_time()
        self.cpu_seconds.inc(used - self._cpu_counted)
        self._cpu_counted = used

    def exposition(self) -> bytes:
        """Every worker's series in Prometheus' text format."""
        if self._directory is None:
            return generate_latest(_WithoutPastModels(self._own))
        self._forget_dead_workers(self._directory)
        merged = CollectorRegistry()
        return generate_latest(_WithoutPastModels(MultiProcessCollector(merged, str(self._directory))))  # type: ignore[no-untyped-call]

    @staticmethod
    def _forget_dead_workers(directory: Path) -> None:
        """A killed worker leaves its live gauges behind; its counters must stay, or totals would go backwards."""
        for file in directory.glob("gauge_live*.db"):
            pid = file.stem.rpartition("_")[2]
            if pid.isdecimal() and not psutil.pid_exists(int(pid)):
                mark_process_dead(int(pid), str(directory))  # type: ignore[no-untyped-call]
