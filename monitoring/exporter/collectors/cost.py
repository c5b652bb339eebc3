"""CPU seconds that serving spends on 1,000 predictions, from its own counters."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

import httpx
from prometheus_client.parser import text_string_to_metric_families

from monitoring.exporter.look import Collector, Look, Sample, sample
from ontime.settings import Environment

EVERY_SECONDS = 10.0
WINDOW_SECONDS = 60.0
MIN_PREDICTIONS = 20
CPU, PREDICTIONS = "ontime_serving_cpu_seconds_total", "ontime_predictions_total"


def totals(exposition: str) -> tuple[float, float]:
    """CPU seconds and predictions so far, summed over labels. Raises `LookupError` when serving tells neither."""
    wanted = "\n".join(line for line in exposition.splitlines() if line.startswith((CPU, PREDICTIONS))) + "\n"
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(wanted):
        for one in family.samples:
            found[one.name] = found.get(one.name, 0.0) + one.value
    if CPU not in found:
        raise LookupError(f"serving's /metrics has no {CPU}")
    return found[CPU], found.get(PREDICTIONS, 0.0)


class Cost:
    """Differences over the last minute of wall time; undefined until there are enough predictions."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(timeout=2.0, trust_env=False)
        self._past: deque[tuple[float, float, float]] = deque()

    def collect(self, look: Look) -> Iterator[Sample]:
        del look
        try:
            exposition = self._client.get(f"{self._url}/metrics").text
        except httpx.HTTPError:
            return  # serving is down: the components collector says so
        cpu, count = totals(exposition)
        now = time.monotonic()
        if self._past and (cpu < self._past[-1][1] or count < self._past[-1][2]):
            self._past.clear()
        self._past.append((now, cpu, count))
        while now - self._past[0][0] > WINDOW_SECONDS:
            self._past.popleft()
        _, cpu_then, count_then = self._past[0]
        if count - count_then >= MIN_PREDICTIONS:
            yield sample("ontime_cpu_seconds_per_1000_predictions", (cpu - cpu_then) / (count - count_then) * 1000)


def cost_collector(environment: Environment) -> Collector:
    return Collector(
        "cost",
        Cost(environment.serving_url).collect,
        {"ontime_cpu_seconds_per_1000_predictions": "CPU seconds of serving for 1,000 predictions, last wall minute."},
        EVERY_SECONDS,
    )
