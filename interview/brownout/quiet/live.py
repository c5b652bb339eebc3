"""Healthy windows on the running stack, for every symptom probe of the catalogue at once: what offline cannot judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from brownout import baselines
from brownout.probes import AnyProbe, Memory, ProbeResult, ProbeView
from brownout.quiet.verdict import Verdict
from brownout.quiet.windows import COUNT, NAMES
from brownout.settings import Harness
from brownout.stack import Stack
from brownout.stage import RealStage
from ontime.settings import Environment

Tell = Callable[[str, str, str], None]

WINDOW_SECONDS = 75.0
"""Wall time of a window: a fifth more than the six looks over two hundred answers that a verdict takes."""
LOOK_SECONDS = 5.0
RUNS_A_BASELINE = 2
"""Restores of each baseline, each with a seed of its own; between them the world goes on from window to window."""
SEEDS = (2013, 47)


def plan(count: int = COUNT) -> list[tuple[str, int]]:
    """(baseline, seed) of each window, those of one run side by side."""
    runs = [(name, seed) for seed in SEEDS[:RUNS_A_BASELINE] for name in NAMES]
    return sorted((runs[number % len(runs)] for number in range(count)), key=runs.index)


def watch(
    probes: Mapping[str, AnyProbe], harness: Harness, environment: Environment, tell: Tell, count: int = COUNT
) -> list[Verdict]:
    """Verdicts on `probes`, which are given by a name of the caller's. Restores baselines: takes the stack for itself.

    Raises `BrownoutError` when the stack fails.
    """
    results: dict[str, dict[str, ProbeResult]] = {name: {} for name in probes}
    number = 0
    for (name, seed), group in groupby(plan(count)):
        stage = RealStage(harness, environment, tell)
        tell(f"{name}, seed {seed}", "started", "restoring")
        view = _run(name, seed, stage, harness, environment, tell)
        for _ in group:
            number += 1
            window = f"{number}: {name}, seed {seed}, from world second {stage.world_now():.0f}"
            for probe, result in _window(probes, replace(view, memory=Memory()), stage, tell, number, count).items():
                results[probe][window] = result
        red = [probe for probe, found in results.items() if any(r.status == "broken" for r in found.values())]
        tell(f"{name}, seed {seed}", "done", f"red so far: {', '.join(red) or 'none'}")
    return [Verdict(name, "of a running stack", found) for name, found in results.items()]


def _run(name: str, seed: int, stage: RealStage, harness: Harness, environment: Environment, tell: Tell) -> ProbeView:
    stack = Stack(harness, environment, tell)
    stack.supervision.stop(["way-in", "world"])
    baselines.restore(name, environment, harness, seed)
    stack.platform.start()
    stage.run_world(harness.speed)
    return stage.probe_view(stage.measure_healthy(), None, time.time())


def _window(
    probes: Mapping[str, AnyProbe], view: ProbeView, stage: RealStage, tell: Tell, number: int, count: int
) -> dict[str, ProbeResult]:
    """The worst that each probe said within the window; broken stays, ok counts more than not knowing."""
    rank = {"unknown": 0, "ok": 1, "broken": 2}
    began = time.monotonic()
    without, since = replace(view, since_wall=time.time()), stage.world_now()
    with_onset = replace(without, onset_world=since)
    worst: dict[str, ProbeResult] = {}
    while time.monotonic() - began < WINDOW_SECONDS:
        looked = time.monotonic()
        for name, probe in probes.items():
            result = probe.run(without)
            result = result if result.status != "unknown" else probe.run(with_onset)
            if name not in worst or rank[result.status] >= rank[worst[name].status]:
                worst[name] = result
        tell("window", "doing", f"{number} of {count}: {_said(worst.values())}")
        time.sleep(max(0.0, LOOK_SECONDS - (time.monotonic() - looked)))
    tell(f"window {number}", "done", _said(worst.values()))
    return worst


def _said(results: Iterable[ProbeResult]) -> str:
    found: Sequence[str] = [result.status for result in results]
    return ", ".join(f"{found.count(status)} {status}" for status in ("ok", "broken", "unknown"))
