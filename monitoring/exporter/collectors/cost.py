"""CPU seconds that serving spends on 1,000 predictions, from its processes and its own counter of predictions."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from ontime.settings import Environment
from prometheus_client.parser import text_string_to_metric_families

from monitoring.exporter.look import Collector, Look, Sample, sample

EVERY_SECONDS = 10.0
WINDOW_SECONDS = 60.0
MIN_PREDICTIONS = 20


def listener(port: int) -> int | None:
    """The process that listens on local `port`: Linux only, None elsewhere or when nobody does."""
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    return None


def cpu_seconds(root: psutil.Process) -> float:
    """User and system seconds of the process and its descendants."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


class Cost:
    """Differences over the last minute of wall time; undefined until there are enough predictions."""

    def __init__(self, environment: Environment) -> None:
        self._url = environment.serving_url
        self._port = urlsplit(environment.serving_url).port or 80
        self._client = httpx.Client(timeout=2.0, trust_env=False)
        self._process: psutil.Process | None = None
        self._past: deque[tuple[float, float, float]] = deque()

    def _serving(self) -> psutil.Process:
        if self._process is None or not self._process.is_running():
            pid = listener(self._port)
            if pid is None:
                raise ProcessLookupError(f"nothing listens on serving's port {self._port}")
            self._process = psutil.Process(pid)
            self._past.clear()
        return self._process

    def _predictions(self) -> float:
        text = self._client.get(f"{self._url}/metrics").raise_for_status().text
        families = text_string_to_metric_families(text)
        return sum(s.value for f in families for s in f.samples if s.name == "ontime_predictions_total")

    def collect(self, look: Look) -> Iterator[Sample]:
        del look
        now, cpu, count = time.monotonic(), cpu_seconds(self._serving()), self._predictions()
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
        Cost(environment).collect,
        {"ontime_cpu_seconds_per_1000_predictions": "CPU seconds of serving for 1,000 predictions, last wall minute."},
        EVERY_SECONDS,
    )
