"""Prometheus's past: history that ends now, so that panels and thresholds have a past at minute zero.

`write_past` makes it from the warehouse, compressed as if the world had always run at `SPEED`; `shift` moves what a
stopped Prometheus has recorded, so that a stack that was frozen goes on where it stood. Both give blocks that
Prometheus finds when it starts, and need `promtool`.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from ontime.clock import Clock
from ontime.errors import OntimeError, RuntimeStateError
from ontime.figures import Array
from ontime.history import Series, exporter_series, read, seconds
from ontime.settings import Environment, behaviour
from ontime.warehouse import Warehouse

SPEED = 120.0
"""World seconds per wall second of the generated past."""
WALL_SPAN = 3 * 3600.0
WALL_STEP = 10.0
RATE_SECONDS = 60.0
"""Window of the recorded rates, wall: the rules' `[1m]`."""
EVENT_TABLES = {
    "schedule": "schedules",
    "departure": "departures",
    "arrival": "arrivals",
    "cancellation": "cancellations",
    "weather": "weather",
}


@dataclass(frozen=True, slots=True)
class Past:
    """How writing went: `samples` 0 means that there is none, and `why` says why."""

    samples: int
    seconds: float
    why: str = ""


def event_rates(warehouse: Warehouse, moments: Array) -> list[Series]:
    """Accepted events per wall second by kind, as the recording rule would have found them at `SPEED`."""
    span = RATE_SECONDS * SPEED
    found = []
    for kind, name in EVENT_TABLES.items():
        rows = read(warehouse, name, float(moments[0]) - span, float(moments[-1]))
        times = np.sort(seconds(rows["available_at"]))
        counts = np.searchsorted(times, moments, "right") - np.searchsorted(times, moments - span, "right")
        found.append(Series("kind:ontime_events:rate1m", {"kind": kind}, counts / RATE_SECONDS))
    return found


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def openmetrics(series: Iterable[Series], wall_times: Array) -> Iterator[str]:
    """The series as OpenMetrics lines, one sample a wall second of `wall_times`.

    The first undefined value after a defined one is written as NaN: it ends the line in a panel.
    """
    for one in series:
        labels = ",".join(f'{key}="{_quoted(value)}"' for key, value in one.labels.items())
        name = f"{one.metric}{{{labels}}}" if labels else one.metric
        defined = False
        for value, wall in zip(one.values.tolist(), wall_times.tolist(), strict=True):
            if defined or not math.isnan(value):
                yield f"{name} {value!r} {wall:.3f}\n".replace(" nan ", " NaN ")
            defined = not math.isnan(value)
    yield "# EOF\n"


def _series(environment: Environment, moments: Array) -> list[Series]:
    warehouse = Warehouse(environment.warehouse)
    parts = urlsplit(environment.exporter_url)
    scraped = {"job": "exporter", "instance": f"{parts.hostname}:{parts.port or 80}"}
    exported = [
        Series("ontime_world_timestamp_seconds", {}, moments),
        Series("ontime_world_speed", {}, np.full(moments.size, SPEED)),
        *exporter_series(warehouse, moments, behaviour().monitoring),
    ]
    return [
        *(Series(one.metric, {**scraped, **one.labels}, one.values) for one in exported),
        *event_rates(warehouse, moments),
    ]


def create_blocks(lines: Iterable[str], into: Path, timeout: float) -> int:
    """Writes blocks of OpenMetrics `lines` into the directory `into`; returns how many samples there were.

    Raises `RuntimeStateError` when promtool is missing, refuses, or takes longer than `timeout` seconds.
    """
    promtool = shutil.which("promtool")
    if promtool is None:
        raise RuntimeStateError("promtool is not on PATH; it comes with Prometheus. Install it with: make setup")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="past-", dir=into.parent) as scratch:
        text = Path(scratch) / "samples.om"
        samples = 0
        with text.open("w") as handle:
            for line in lines:
                handle.write(line)
                samples += not line.startswith("#")
        if not samples:
            return 0
        command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(into)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise RuntimeStateError(f"promtool took longer than {timeout:.0f} s for {samples} samples.") from error
    if done.returncode != 0:
        raise RuntimeStateError(f"promtool refused the past: {done.stderr.strip()[-300:]}")
    return samples


def write_past(environment: Environment, data_dir: Path, wall_now: float, deadline_seconds: float = 60.0) -> Past:
    """Fills the empty `data_dir` of a Prometheus that is not running with a past that ends at `wall_now`.

    Never raises: a stack without a past works, so the answer says what was in the way. Blocks already there are kept
    and nothing is written.
    """
    started = time.monotonic()
    try:
        if data_dir.exists() and any(data_dir.iterdir()):
            return Past(0, 0.0, f"{data_dir} is not empty; a past is only written for a new Prometheus")
        walls = wall_now - np.arange(WALL_SPAN, 0.0, -WALL_STEP)
        world_now = Clock(environment.clock).world_seconds(wall_now)
        series = _series(environment, world_now - (wall_now - walls) * SPEED)
        remaining = deadline_seconds - (time.monotonic() - started)
        if remaining <= 0:
            return Past(0, time.monotonic() - started, f"computing it took longer than {deadline_seconds:.0f} s")
        samples = create_blocks(openmetrics(series, walls), data_dir, remaining)
    except (OntimeError, OSError, ArithmeticError, ValueError) as error:
        _discard(data_dir)
        return Past(0, time.monotonic() - started, str(error))
    return Past(samples, time.monotonic() - started, "" if samples else "the warehouse holds nothing to make it from")


def _discard(data_dir: Path) -> None:
    """Removes what a failed attempt left, so that Prometheus starts from nothing rather than from half a past."""
    if data_dir.exists():
        for path in data_dir.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


_DUMPED = re.compile(r'^\{__name__="([^"]+)"(?:, )?(.*)\} (\S+) (-?\d+)$')
_SPACED = re.compile(r'("(?:[^"\\]|\\.)*"), ')
"""A label's value and what follows it in a dump; OpenMetrics wants no space between labels."""
MOVED = '{__name__=~"ontime_.+|(.+:)?ontime:.+|.+:ontime_.+|ALERTS.*|up"}'
"""What is worth moving: the platform's own series, not those of the tools about themselves."""
FOR_STATE = "ALERTS_FOR_STATE"
"""Since when an alert has been active: its values are Unix seconds too, and move along."""


def shifted(dump: Iterable[str], by_seconds: float) -> Iterator[str]:
    """Lines of `promtool tsdb dump` as OpenMetrics, moved by `by_seconds`.

    A dump prints the marker of a series' end as NaN. It stays NaN, but for `ALERTS_FOR_STATE`: an alert that was over
    must not be taken up again, so its state is left out from there on back.
    """
    active: list[str] = []
    current = ""
    for line in dump:
        match = _DUMPED.match(line.strip())
        if match is None:
            continue
        name, labels, value, millis = match.groups()
        labels = _SPACED.sub(r"\1,", labels)
        if f"{name}{labels}" != current:
            yield from active
            active, current = [], f"{name}{labels}"
        moment = int(millis) / 1000 + by_seconds
        if name != FOR_STATE:
            yield f"{name}{{{labels}}} {value} {moment:.3f}\n"
        elif value == "NaN":
            active = []
        else:
            active.append(f"{name}{{{labels}}} {float(value) + by_seconds:.0f} {moment:.3f}\n")
    yield from active
    yield "# EOF\n"


def shift(data_dir: Path, by_seconds: float, deadline_seconds: float = 120.0) -> Past:
    """Moves what a stopped Prometheus recorded of the platform by `by_seconds`, its write-ahead log included.

    `by_seconds` ago is taken to be its end; of what came before, the last `WALL_SPAN` is kept.
    The directory is replaced only once the moved blocks are complete. Raises `RuntimeStateError` when it cannot be
    read or written; the directory is then as it was.
    """
    started = time.monotonic()
    promtool = shutil.which("promtool")
    if promtool is None:
        raise RuntimeStateError("promtool is not on PATH; it comes with Prometheus. Install it with: make setup")
    moved, old = data_dir.with_name(f"{data_dir.name}.moved"), data_dir.with_name(f"{data_dir.name}.old")
    for left in (moved, old):
        shutil.rmtree(left, ignore_errors=True)
    oldest = time.time() - by_seconds - WALL_SPAN
    (data_dir / "wal").mkdir(parents=True, exist_ok=True)  # a dump insists on it, even when Prometheus never ran
    with tempfile.TemporaryDirectory(prefix="dump-", dir=data_dir.parent) as scratch:
        dump = Path(scratch) / "dump.txt"
        with dump.open("w") as handle:
            done = subprocess.run(
                [promtool, "tsdb", "dump", f"--match={MOVED}", f"--min-time={oldest * 1000:.0f}", str(data_dir)],
                stdout=handle,
                stderr=subprocess.PIPE,
                text=True,
                timeout=deadline_seconds,
                check=False,
            )
        if done.returncode != 0:
            raise RuntimeStateError(f"{data_dir} cannot be read: {done.stderr.strip()[-300:]}")
        with dump.open() as lines:
            samples = create_blocks(shifted(lines, by_seconds), moved, deadline_seconds)
    if not samples:
        return Past(0, time.monotonic() - started, f"{data_dir} holds no samples")
    data_dir.rename(old)
    moved.rename(data_dir)
    shutil.rmtree(old)
    return Past(samples, time.monotonic() - started)
