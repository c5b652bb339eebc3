"""What the running stack costs and how long its changes take, measured once in one sitting; nothing is asserted."""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from brownout import baselines
from brownout import interview as interviews
from brownout.console.measure import measure
from brownout.errors import LifecycleError, StackError
from brownout.faults.actions import git
from brownout.freeze import running_dags
from brownout.interview import Interview
from brownout.lifecycle import Lifecycle
from brownout.scenarios import Scenario, get
from brownout.settings import Harness
from brownout.stack import Stack, platform_of
from brownout.stage import RealStage
from brownout.world import dataset
from brownout.world.control import WorldControl
from ontime.features import events_connection, training_frame
from ontime.runtime.processes import proportional_mib
from ontime.runtime.status import look
from ontime.settings import Environment

BASELINE = "may"
SAMPLE_SECONDS = 10.0
FAST = 1500.0
FAST_SECONDS = 20.0
CONSOLE_SECONDS = 60.0
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
    stage = RealStage(harness, environment, tell)
    stack = Stack(harness, environment, tell)
    lifecycle = Lifecycle(harness, stage, tell)
    stack.down()
    yield _first_up(tell)
    yield _up(stack, harness, environment)
    begun = time.monotonic()
    lifecycle.reset(BASELINE)
    yield Row("reset to first prediction, all ready", time.monotonic() - begun, "s", "60 to 90")
    yield from _memory(minutes, harness, environment, tell)
    yield _retraining(harness, environment, tell)
    yield from _fast_forward(harness, tell)
    yield _features(harness, tell)
    yield _deploy(stage, stack, get(scenarios[0]), tell)
    for number, scenario in enumerate(scenarios):
        interview, rows = _preparation(lifecycle, scenario)
        yield from rows
        if number == 0:
            yield from _console(lifecycle, interview, stack, harness, tell)
        lifecycle.reset(BASELINE)


def _first_up(tell: Tell) -> Row:
    """`brownout up` with nothing there yet: flights fetched and read, baseline built. The stack must be down."""
    tell("first up", "started", "")
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as place:
        Path(place).chmod(0o755)  # the platform's own user has to get in
        states = {"ONTIME_STATE": f"{place}/platform", "BROWNOUT_STATE": f"{place}/mine"}
        begun = time.monotonic()
        _command(states, "up")
        seconds = time.monotonic() - begun
        _command(states, "down")
    tell("first up", "done", "")
    return Row("up to first prediction, the first time", seconds, "s", "180")


def _command(variables: Mapping[str, str], *arguments: str) -> None:
    """Runs `brownout …` as a person does. Raises `StackError` with its last line."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "brownout.cli", *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackError(f"brownout {' '.join(arguments)} ended with {done.returncode}: {done.stdout.strip()[-300:]}")


def _up(stack: Stack, harness: Harness, environment: Environment) -> Row:
    """From the cached baseline. The stack must be down."""
    baselines.build(BASELINE, environment, harness)
    begun = time.monotonic()
    baselines.restore(BASELINE, environment, harness)
    stack.up()
    return Row("up to first prediction, from the baseline", time.monotonic() - begun, "s", "60")


def _deploy(stage: RealStage, stack: Stack, scenario: Scenario, tell: Tell) -> Row:
    """A change of serving in a fresh workspace, until what it restarts is ready again."""
    workspace = stage.make_workspace(scenario, scenario.seed)
    stage.deploy(workspace)
    changed = workspace / "serving" / "app.py"
    changed.write_text(changed.read_text() + "\n")
    git(workspace, "commit", "--quiet", "--all", "--message", "A blank line")
    tell("deploy", "started", "")
    begun = time.monotonic()
    stack.platform.ontime("deploy", str(workspace))
    tell("deploy", "done", "")
    return Row("deploy in a workspace", time.monotonic() - begun, "s", "20")


def _memory(minutes: float, harness: Harness, environment: Environment, tell: Tell) -> Iterator[Row]:
    """Proportional resident memory of both halves."""
    quiet: list[float] = []
    busy: list[float] = []
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        total = look(environment).memory_mib + _harness_mib(harness)
        (busy if running_dags(environment) else quiet).append(total)
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


def _retraining(harness: Harness, environment: Environment, tell: Tell) -> Row:
    """From the trigger to the promoted champion, in Airflow. Raises `PlatformError` when the run fails."""
    tell("retraining", "started", "")
    begun = time.monotonic()
    platform_of(environment, harness).ontime("dag", "trigger", "train_model", "--wait", "300")
    tell("retraining", "done", "")
    return Row("retraining to promotion", time.monotonic() - begun, "s", "60")


def _fast_forward(harness: Harness, tell: Tell) -> Iterator[Row]:
    """How fast the world really ran when told to run as fast as `FAST`, and what of it was refused."""
    tell("fast-forward", "started", "")
    world = WorldControl(harness)
    with closing(sqlite3.connect(f"file:{harness.record}?mode=ro", uri=True)) as record:
        world.speed(FAST)
        wall, moment = time.monotonic(), world.now()
        while time.monotonic() - wall < FAST_SECONDS:
            time.sleep(0.5)
        ran = (world.now() - moment) / (time.monotonic() - wall)
        world.speed(harness.speed)
        (lost,) = record.execute("SELECT count(*) FROM events_sent WHERE status != 200").fetchone()
    tell("fast-forward", "done", "")
    yield Row("fast-forward of the world", ran, "×", "≥ 1000")
    yield Row("events refused meanwhile", float(lost), "", "0")


def _features(harness: Harness, tell: Tell) -> Row:
    """Point-in-time features of every flight of the year that has a label."""
    tell("features of the year", "started", "")
    tables = {table: dataset.read(harness.data, table) for table in dataset.EVENT_TABLES}
    begun = time.monotonic()
    frame = training_frame(
        events_connection(tables), datetime(2013, 1, 1, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC)
    )
    tell("features of the year", "done", f"{frame.num_rows} flights")
    return Row("features for the whole year, point in time", time.monotonic() - begun, "s", "20")


def _preparation(lifecycle: Lifecycle, scenario: str) -> tuple[Interview, list[Row]]:
    interview = lifecycle.prepare(get(scenario), candidate="bench")
    facts = interview.facts()
    rows: list[Row] = []
    for fault in facts.faults:
        if fault.injected and fault.symptom_observed:
            seconds = fault.symptom_observed.wall - fault.injected.wall
            rows.append(Row(f"{scenario}: injection to symptom observed", seconds, "s", "120, or 360 with labels"))
    if facts.preparation_seconds is not None:
        rows.append(Row(f"{scenario}: whole preparation", facts.preparation_seconds, "s", "300"))
    return interview, rows


def _console(lifecycle: Lifecycle, interview: Interview, stack: Stack, harness: Harness, tell: Tell) -> Iterator[Row]:
    """Started, with probes running and a page open. Raises `StackError` without a browser or a proctor."""
    pid = next((part.pid for part in stack.supervision.status() if part.name == "proctor"), None)
    if pid is None:
        raise StackError("The proctor does not run. `brownout up`, then try again.")
    lifecycle.start(interview)
    tell("console", "started", "")
    for found in measure(interview, harness, pid, CONSOLE_SECONDS):
        yield Row(*found)
    tell("console", "done", "")
    lifecycle.close(interview, "measured", watch=False)
