"""What the running stack costs and how long its changes take, measured once in one sitting; nothing is asserted."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psutil

from brownout import interview as interviews
from brownout.errors import LifecycleError
from brownout.freeze import running_dags
from brownout.lifecycle import Lifecycle
from brownout.scenarios import get
from brownout.settings import Harness
from brownout.stage import RealStage
from ontime.runtime.processes import proportional_mib
from ontime.runtime.status import look
from ontime.settings import Environment

BASELINE = "may"
SAMPLE_SECONDS = 10.0
MIB_PER_GIB = 1024.0

Tell = Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement; `goal` is what is promised, as text."""

    what: str
    measured: float
    unit: str
    goal: str


def run(
    scenarios: Sequence[str], minutes: float, harness: Harness, environment: Environment, tell: Tell
) -> Iterator[Row]:
    """Takes the stack for itself. Raises `LifecycleError` when an interview is under way."""
    current = interviews.current(harness)
    if current is not None and current.facts().state in ("ready", "running", "paused"):
        raise LifecycleError(f"Interview {current.id} is {current.facts().state}. Close it, or `brownout reset` first.")
    lifecycle = Lifecycle(harness, RealStage(harness, environment, tell), tell)
    begun = time.monotonic()
    lifecycle.reset(BASELINE)
    yield Row("reset to first prediction, all ready", time.monotonic() - begun, "s", "60 to 90")
    yield from _memory(minutes, harness, environment, tell)
    for scenario in scenarios:
        yield from _preparation(lifecycle, scenario)
    lifecycle.reset(BASELINE)


def _memory(minutes: float, harness: Harness, environment: Environment, tell: Tell) -> Iterator[Row]:
    """Proportional resident memory of both halves."""
    quiet: list[float] = []
    busy: list[float] = []
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        total = look(environment).memory_mib + _harness_mib(harness)
        (busy if running_dags(environment.state) else quiet).append(total)
        tell("memory", "doing", f"{total:.0f} MiB, {max(end - time.monotonic(), 0) / 60:.1f} min left")
        time.sleep(SAMPLE_SECONDS)
    tell("memory", "done", f"{len(quiet) + len(busy)} samples")
    if quiet or busy:
        yield Row("whole stack resident, median", statistics.median(quiet + busy) / MIB_PER_GIB, "GiB", "< 3")
    if busy:
        yield Row("whole stack resident, most while a DAG runs", max(busy) / MIB_PER_GIB, "GiB", "< 4")


def _harness_mib(harness: Harness) -> float:
    total = 0.0
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("BROWNOUT_STATE") == str(harness.state)
        except (psutil.Error, OSError):
            continue
        total += proportional_mib(process.pid) if mine else 0.0
    return total


def _preparation(lifecycle: Lifecycle, scenario: str) -> Iterator[Row]:
    facts = lifecycle.prepare(get(scenario), candidate="bench").facts()
    for fault in facts.faults:
        if fault.injected and fault.symptom_observed:
            seconds = fault.symptom_observed.wall - fault.injected.wall
            yield Row(f"{scenario}: injection to symptom observed", seconds, "s", "120, or 360 with labels")
    if facts.preparation_seconds is not None:
        yield Row(f"{scenario}: whole preparation", facts.preparation_seconds, "s", "300")
    lifecycle.reset(BASELINE)
