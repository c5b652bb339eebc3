"""Runs the collectors at their cadence and keeps what they said last."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pyarrow as pa
from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector as PrometheusCollector

from monitoring.exporter.log import RecentLog
from monitoring.exporter.look import Collector, Look, Sample
from ontime.clock import Clock
from ontime.errors import ConfigError
from ontime.settings import Environment, MonitoringBehaviour
from ontime.warehouse import Warehouse

log = logging.getLogger("monitoring.exporter")


def families(samples: Iterable[Sample], helps: dict[str, str]) -> Iterator[GaugeMetricFamily]:
    """Samples as Prometheus families; undefined (NaN) samples are left out."""
    found: dict[str, GaugeMetricFamily] = {}
    for one in samples:
        if math.isnan(one.value):
            continue
        names = [name for name, _ in one.labels]
        family = found.setdefault(one.metric, GaugeMetricFamily(one.metric, helps[one.metric], labels=names))
        family.add_metric([value for _, value in one.labels], one.value)
    yield from found.values()


class Engine(PrometheusCollector):
    """One look every `every_seconds`. A collector that fails loses its own metrics until it works again."""

    def __init__(self, collectors: list[Collector], environment: Environment, behaviour: MonitoringBehaviour) -> None:
        self._collectors = collectors
        self._environment = environment
        self._behaviour = behaviour
        self._clock = Clock(environment.clock)
        self._log = RecentLog(
            Warehouse(environment.warehouse), behaviour.quality_window_hours, behaviour.live_window_minutes
        )
        self._said: dict[str, list[Sample]] = {}
        self._due: dict[str, float] = {}
        self._failing: dict[str, str] = {}
        self._helps = {name: help_ for collector in collectors for name, help_ in collector.metrics.items()}
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._errors = Counter(
            "ontime_exporter_errors", "Collectors that failed in a look.", ["collector"], registry=self.registry
        )
        self._seconds = Gauge(
            "ontime_exporter_look_seconds", "Wall seconds that the newest look took.", registry=self.registry
        )
        self._newest = Gauge(
            "ontime_exporter_look_timestamp_seconds", "Wall time of the newest look.", registry=self.registry
        )
        for name in ("clock", "log", *(collector.name for collector in collectors)):
            self._errors.labels(name)
        self.looks = 0

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: which metrics there are depends on what is known."""
        yield from ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = self._now()
        if now is not None:
            self._ask_those([collector for collector in self._collectors if collector.at_scrape], now)
        said = [one for collector in self._collectors for one in self._said.get(collector.name, ())]
        yield from families(said, self._helps)

    def look(self) -> None:
        """One look: bring the log up to now, then ask each collector that is due."""
        started = time.monotonic()
        now = self._now()
        if now is not None:
            self._refresh(now)
            due = [one for one in self._collectors if not one.at_scrape and started >= self._due.get(one.name, 0.0)]
            self._due |= {one.name: started + one.every_seconds for one in due}
            self._ask_those(due, now)
        self._seconds.set(time.monotonic() - started)
        self._newest.set(time.time())
        self.looks += 1
        pa.default_memory_pool().release_unused()

    def _now(self) -> datetime | None:
        """World time; None while the clock file cannot be read."""
        try:
            return datetime.fromtimestamp(self._clock.world_seconds(), UTC)
        except (ConfigError, ValueError, OverflowError, OSError) as error:
            self._note("clock", error)
            return None

    def _ask_those(self, chosen: list[Collector], now: datetime) -> None:
        look = Look(now, self._clock, self._environment, self._behaviour, self._log)
        for collector in chosen:
            self._ask(collector, look)

    def _refresh(self, now: datetime) -> None:
        try:
            self._log.refresh(now)
        except Exception as error:  # whatever is wrong with the files, the other collectors go on
            self._note("log", error)
        else:
            self._recovered("log")
            if self._log.unreadable:
                self._errors.labels("log").inc(self._log.unreadable)

    def _ask(self, collector: Collector, look: Look) -> None:
        try:
            self._said[collector.name] = list(collector.collect(look))
        except Exception as error:  # one collector's trouble must not take the others' metrics away
            self._said[collector.name] = []
            self._note(collector.name, error)
        else:
            self._recovered(collector.name)

    def _note(self, name: str, error: Exception) -> None:
        self._errors.labels(name).inc()
        text = f"{type(error).__name__}: {error}"
        if self._failing.get(name) != text:
            log.warning("collector %s failed: %s", name, text)
        self._failing[name] = text

    def _recovered(self, name: str) -> None:
        if self._failing.pop(name, None) is not None:
            log.info("collector %s works again", name)

    def run(self, stop: threading.Event) -> None:
        """Looks until `stop` is set; never raises."""
        every = self._behaviour.every_seconds
        while not stop.is_set():
            started = time.monotonic()
            try:
                self.look()
            except Exception:
                log.exception("a look failed")
            stop.wait(max(every - (time.monotonic() - started), 0.1))
