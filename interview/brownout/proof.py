"""Proves a fault both ways on the running stack: `python -m brownout.proof [FAULT …]`.

healthy → probes ok · injected → symptom within its budget, root cause broken · each solution and valid fix → fixed ·
each wrong fix and cheat → not fixed, and convicted by the probe that it names · reset → equal to the baseline.

The broken state is snapshotted once; attempts that change it restore it. Results are kept by the hash of fault,
platform, harness and baseline, so an interrupted proof goes on where it was. `PROVE_LIMIT=1` proves one solution and
one wrong fix.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from brownout import baselines
from brownout.entries import Healthy
from brownout.errors import BrownoutError
from brownout.facts import ANSWERS, CONSECUTIVE
from brownout.faults import Fault, Plan, discover, get
from brownout.faults.context import InjectContext
from brownout.faults.model import Attempt, WrongFix
from brownout.faults.parameters import Value
from brownout.probes import ProbeResult, ProbeView
from brownout.proctor.answers import AnswerCount
from brownout.scenarios import Scenario, load
from brownout.settings import ROOT, Harness, harness
from brownout.stack import Stack
from brownout.stage import RealStage, World
from ontime.settings import Environment, environment

Tell = Callable[[str, str, str], None]
Outcome = Literal["proved", "dishonest"]

LOOK_SECONDS = 5.0
HEALTHY_SECONDS = 150.0
BROKEN_SECONDS = 150.0
FIXED_SECONDS = 300.0
WRONG_SECONDS = 150.0
"""Wall time for which a wrong fix is watched: long enough for what only hides the cause to come back."""


@dataclass(frozen=True, slots=True)
class Row:
    """One step of the proof: what was expected, what came, and how long it took."""

    step: str
    outcome: Outcome
    why: str
    seconds: float


@dataclass(slots=True)
class Watch:
    """Runs of ok of several probes, as the proctor counts them."""

    consecutive: dict[str, int] = field(default_factory=dict)
    first_row: dict[str, int] = field(default_factory=dict)
    last: dict[str, ProbeResult] = field(default_factory=dict)

    def take(self, results: Mapping[str, ProbeResult], row: int) -> None:
        for name, result in results.items():
            self.last[name] = result
            if result.status == "broken":
                self.consecutive[name] = 0
                self.first_row.pop(name, None)
            elif result.status == "ok":
                self.consecutive[name] = self.consecutive.get(name, 0) + 1
                self.first_row.setdefault(name, row)

    def held(self, name: str, row: int) -> bool:
        enough = row - self.first_row.get(name, row) >= ANSWERS
        return enough and self.consecutive.get(name, 0) >= CONSECUTIVE

    def said(self) -> str:
        return "; ".join(f"{name} {result.status}: {result.why}" for name, result in self.last.items())


class Proof:
    """One fault with one draw of its parameters, on the stack of this machine."""

    def __init__(
        self,
        fault: Fault,
        parameters: Mapping[str, Value],
        scenario: Scenario,
        here: Harness,
        platform: Environment,
        tell: Tell,
        limit: int | None = None,
    ) -> None:
        self.fault = fault
        self.plan: Plan = fault.plan(parameters)
        self._parameters = parameters
        self._scenario = scenario
        self._harness = here
        self._environment = platform
        self._tell = tell
        self._limit = limit
        self._stage = RealStage(here, platform, tell)
        self._stack = Stack(here, platform, tell)
        self._answers = AnswerCount(here.record)
        self._view: ProbeView | None = None
        self._store = here.state / "proof" / self.key()
        self.rows: list[Row] = []

    def key(self) -> str:
        """Hash of everything that the proof's result follows from."""
        paths = ("platform", "serving", "monitoring", "dags", "feature_repo", "ontime.toml", "uv.lock")
        listed = subprocess.run(
            ["git", "-C", str(ROOT), "ls-tree", "-r", "HEAD", "--", *paths, "interview/brownout"],
            capture_output=True,
            check=True,
        ).stdout
        told = json.dumps([self.fault.id, dict(self._parameters), self._scenario.baseline], sort_keys=True).encode()
        return hashlib.sha256(listed + told).hexdigest()[:16]

    # -- the whole --------------------------------------------------------------------------------------------------

    def run(self) -> list[Row]:
        """Every step that has no kept result; rows of all. Stops at the first dishonest one of the preparation."""
        self._store.mkdir(parents=True, exist_ok=True)
        kept = {row.step: row for row in self._kept()}
        attempts = self._chosen()
        if all(name in kept for name in ("symptom", "reset", *(a.name for a in attempts))):
            self.rows = list(kept.values())
            return self.rows
        for step, prove in (("healthy", self._healthy), ("symptom", self._injected)):
            if self._note(step, prove).outcome == "dishonest":
                return self.rows
        self._snapshot()
        fresh = True
        for attempt in attempts:
            if attempt.name in kept:
                self.rows.append(kept[attempt.name])
                continue
            if not fresh:
                self._restore_broken()
            self._note(attempt.name, partial(self._attempted, attempt))
            fresh = isinstance(attempt, WrongFix) and not attempt.mutates
        self._note("reset", self._reset)
        shutil.rmtree(self._store / "broken", ignore_errors=True)
        return self.rows

    def _chosen(self) -> list[Attempt]:
        """Attempts that change nothing first, while the broken state is fresh; then the rest."""
        solutions = [*self.plan.solutions, *self.plan.valid_fixes][: self._limit]
        wrong = sorted(self.plan.wrong_fixes, key=lambda w: w.mutates)[: self._limit]
        return [*wrong, *solutions]

    def _kept(self) -> Iterator[Row]:
        path = self._store / "rows.jsonl"
        if path.exists():
            yield from (Row(**json.loads(line)) for line in path.read_text().splitlines())

    def _note(self, step: str, prove: Callable[[], str]) -> Row:
        """Runs one step; an error of the stack is not the fault's dishonesty and ends the proof."""
        begun = time.monotonic()
        self._tell(step, "started", self.fault.id)
        try:
            row = Row(step, "proved", prove(), time.monotonic() - begun)
        except Dishonest as error:
            row = Row(step, "dishonest", str(error), time.monotonic() - begun)
        self.rows.append(row)
        if (row.outcome == "proved" and step not in ("healthy", "symptom")) or step == "symptom":
            with (self._store / "rows.jsonl").open("a") as out:
                out.write(json.dumps(asdict(row)) + "\n")
        self._tell(step, "done" if row.outcome == "proved" else "failed", row.why)
        return row

    # -- steps ------------------------------------------------------------------------------------------------------

    def _healthy(self) -> str:
        self._stage.restore(self._scenario.baseline)
        self._stage.run_world(self._scenario.speed)
        healthy = self._stage.measure_healthy()
        self._keep_healthy(healthy)
        self._view = self._stage.probe_view(healthy, None, time.time())
        watch = self._look(HEALTHY_SECONDS, self._settled)
        red = [name for name, result in watch.last.items() if result.status == "broken"]
        if red:
            raise Dishonest(f"A healthy stack is called broken by {', '.join(red)}: {watch.said()}")
        return watch.said()

    def _settled(self, watch: Watch) -> bool:
        judged = [name for name, result in watch.last.items() if result.status != "unknown"]
        return any(r.status == "broken" for r in watch.last.values()) or len(judged) == len(self.plan.probes)

    def _injected(self) -> str:
        if self._view is None:
            raise BrownoutError("The healthy stack was not looked at.")
        workspace = self._stage.make_workspace(self._scenario_with_draw(), self._scenario.seed)
        onset = self._stage.world_now()
        self._stage.deploy(workspace)
        self.fault.inject(self._context(), self._parameters)
        self._view = replace(self._view, onset_world=onset, since_wall=time.time())
        self._view.memory.forget()
        (self._store / "onset.json").write_text(json.dumps({"onset_world": onset}))
        begun = time.monotonic()
        symptom = self.plan.symptom.name
        watch = self._look(self.fault.symptom_budget_seconds, lambda w: w.last[symptom].status == "broken")
        observed = time.monotonic() - begun
        if watch.last[symptom].status != "broken":
            budget = self.fault.symptom_budget_seconds
            raise Dishonest(f"The symptom was not observed within {budget:.0f} s: {watch.said()}")
        roots = [probe.name for probe in self.plan.root_cause]
        watch = self._look(BROKEN_SECONDS, lambda w: any(w.last[name].status == "broken" for name in roots))
        if not any(watch.last[name].status == "broken" for name in roots):
            raise Dishonest(f"The fault is in, and no root-cause probe is broken: {watch.said()}")
        return f"observed after {observed:.0f} s; {watch.said()}"

    def _scenario_with_draw(self) -> Scenario:
        """The scenario with exactly this fault and these parameters."""
        use = type(self._scenario.faults[0])(fault=self.fault.id, parameters=dict(self._parameters))
        return self._scenario.model_copy(update={"faults": (use,)})

    def _attempted(self, attempt: Attempt) -> str:
        for action in attempt.actions:
            action.play(self._context())
        self._changed()
        if isinstance(attempt, WrongFix):
            return self._convicted(attempt)
        watch = self._look(FIXED_SECONDS, self._fixed)
        if not self._fixed(watch):
            raise Dishonest(f"{attempt.name} should repair it and is not seen to: {watch.said()}")
        return watch.said()

    def _convicted(self, attempt: WrongFix) -> str:
        eased: list[bool] = []

        def look(watch: Watch) -> bool:
            eased.append(watch.last[self.plan.symptom.name].status == "ok")
            return self._fixed(watch)

        watch = self._look(WRONG_SECONDS, look)
        if self._fixed(watch):
            raise Dishonest(f"{attempt.name} counts as a repair, which it is not ({attempt.why}): {watch.said()}")
        if watch.last[attempt.convicted_by].status == "ok":
            raise Dishonest(f"{attempt.convicted_by} does not convict {attempt.name}: {watch.said()}")
        if attempt.leaves == "mitigated" and not any(eased):
            raise Dishonest(f"{attempt.name} should ease the symptom and does not: {watch.said()}")
        return watch.said()

    def _reset(self) -> str:
        self._stack.supervision.stop(["world"])
        baselines.restore(self._scenario.baseline, self._environment, self._harness)
        different = baselines.verify(self._scenario.baseline, self._environment, self._harness)
        if different:
            raise Dishonest(f"After the reset {len(different)} files differ from the baseline: {different[:3]}")
        return "every file equals the baseline's"

    # -- tools ------------------------------------------------------------------------------------------------------

    def _context(self) -> InjectContext:
        return InjectContext(
            platform=self._stack.platform,
            workspace=self._stage.workspace,
            world=World(self._harness),
            seed=self._scenario.seed,
            harness=self._harness,
            environment=self._environment,
        )

    def _changed(self) -> None:
        if self._view is not None:
            self._view = replace(self._view, since_wall=time.time())

    def _fixed(self, watch: Watch) -> bool:
        row = self._answers.last()
        return all(watch.held(name, row) for name in self.plan.probes)

    def _look(self, seconds: float, done: Callable[[Watch], bool]) -> Watch:
        """Runs every probe every few seconds until `done`, at most so long."""
        if self._view is None:
            raise BrownoutError("There is no view of the stack yet.")
        watch, deadline = Watch(), time.monotonic() + seconds
        while True:
            begun = time.monotonic()
            results = {name: probe.run(self._view) for name, probe in self.plan.probes.items()}
            watch.take(results, self._answers.last())
            self._tell("look", "doing", watch.said())
            if done(watch) or time.monotonic() > deadline:
                return watch
            time.sleep(max(0.0, LOOK_SECONDS - (time.monotonic() - begun)))

    def _keep_healthy(self, healthy: Healthy) -> None:
        (self._store / "healthy.json").write_text(healthy.model_dump_json())

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """Nothing runs within the block; everything does after it."""
        World(self._harness).freeze()
        self._stack.supervision.stop(["world"])
        self._stack.platform.stop()
        yield
        self._stack.platform.start()
        self._stage.run_world(self._scenario.speed)

    def _snapshot(self) -> None:
        broken = self._store / "broken"
        with self._at_rest():
            shutil.rmtree(broken, ignore_errors=True)
            for name, source in self._places().items():
                _copy(source, broken / name)

    def _restore_broken(self) -> None:
        with self._at_rest():
            for name, target in self._places().items():
                shutil.rmtree(target, ignore_errors=True)
                _copy(self._store / "broken" / name, target)
        if self._view is not None:
            self._view.memory.forget()
            self._changed()

    def _places(self) -> dict[str, Path]:
        return {"platform": self._environment.state, "world": self._harness.world}


class Dishonest(Exception):  # noqa: N818 - it is a verdict, not an error
    """What a step of the proof found out about the fault, in a sentence."""


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ["cp", "-a", "--reflink=auto", str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrownoutError(f"{source} could not be copied: {done.stderr.strip()[-200:]}")


def scenario_of(fault_id: str) -> Scenario:
    """The first scenario that uses the fault. Raises `BrownoutError` when none does."""
    for scenario in load().values():
        if any(use.fault == fault_id for use in scenario.faults):
            return scenario
    raise BrownoutError(f"No scenario uses fault {fault_id!r}; add one, or a fault that is used.")


def limit_from_environment() -> int | None:
    """`PROVE_LIMIT`: how many solutions and how many wrong fixes are proved; all when it is not set."""
    text = os.environ.get("PROVE_LIMIT", "")
    return int(text) if text.isdigit() else None


def prove(fault_id: str, tell: Tell) -> list[Row]:
    """The proof of one fault with the parameters that its scenario's own seed draws."""
    scenario = scenario_of(fault_id)
    drawn = {fault.id: parameters for fault, parameters in scenario.drawn()}
    here, platform = harness(), environment()
    Stack(here, platform, tell).ensure_proctor()
    return Proof(get(fault_id), drawn[fault_id], scenario, here, platform, tell, limit_from_environment()).run()


def main(arguments: list[str]) -> int:
    """Proves the named faults, all when none is named; exit code 8 when one is dishonest."""
    dishonest = 0
    for fault_id in arguments or sorted(discover()):
        rows = prove(fault_id, lambda step, status, detail: print(f"{step}: {status} {detail}"[:220], flush=True))
        print(f"\n{fault_id}")
        for row in rows:
            print(f"  {row.outcome:9} {row.seconds:6.0f} s  {row.step}: {row.why[:160]}")
        dishonest += any(row.outcome == "dishonest" for row in rows)
    return 8 if dishonest else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
