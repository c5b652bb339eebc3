"""From a scenario to a closed interview: prepare, start, pause, resume, close, reset. Every step is in the ledger.

The stack is moved through a `Stage` alone. A process that dies in the middle leaves a ledger that tells where it was:
`abandoned` is what the next one makes of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psutil

from brownout import entries as e
from brownout import interview as interviews
from brownout import scenarios
from brownout.errors import BrownoutError, LifecycleError, PreparationError
from brownout.facts import Facts
from brownout.faults import Fault, discover
from brownout.faults.calibration import too_weak
from brownout.interview import Access, Interview
from brownout.probes import ProbeView
from brownout.proctor.prober import Prober, Watched
from brownout.scenarios import Drawn, Scenario
from brownout.settings import Harness

Parameters = Mapping[str, str | int | float]
Tell = Callable[[str, str, str], None]
"""Called with a step's name, its status (`started`, `done`, `failed`, `doing`) and a detail."""

WATCH_SECONDS = 600.0
OBSERVE_EVERY_SECONDS = 1.0
LAST_LOOK_SECONDS = 60.0
"""For a slow probe's last look: nothing asks the platform any more when it is frozen."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """Since when everything stands still, on both clocks."""

    wall: float
    world: float


@dataclass(frozen=True, slots=True)
class Release:
    """How letting go went: `trouble` is what of the past could not be brought along; everything runs all the same."""

    still_seconds: float
    trouble: str = ""


class Stage(Protocol):
    """What the lifecycle needs of the stack; `brownout.stage.RealStage` is the real one."""

    def versions(self) -> dict[str, str]: ...
    def secrecy(self) -> e.Secrecy: ...
    def runtime(self) -> str: ...
    def restore(self, baseline: str, seed: int | None = None) -> None: ...
    def run_world(self, speed: float) -> None: ...
    def measure_healthy(self) -> e.Healthy: ...
    def make_workspace(self, scenario: Scenario, seed: int) -> Path: ...
    def deploy(self, workspace: Path) -> None: ...
    def inject(self, fault: Fault, parameters: Parameters, workspace: Path, seed: int) -> None: ...
    def probe_view(self, healthy: e.Healthy | None, onset_world: float | None, since_wall: float) -> ProbeView: ...
    def world_now(self) -> float: ...
    def freeze(self) -> Standstill: ...
    def release(self, frozen_wall: float | None) -> Release: ...
    def let_in(self, access: Access) -> None: ...
    def lock_out(self) -> None: ...


def record_of(fault: Fault, parameters: Parameters) -> e.FaultRecord:
    """What the ledger keeps of a fault: enough to derive every fact without the fault's file."""
    plan = fault.plan(parameters)
    words: dict[str, e.VerdictWord] = {"confirm": "confirmed", "partial": "partial"}
    return e.FaultRecord(
        fault=fault.id,
        layer=fault.layer,
        title=fault.title,
        symptom_probes=(plan.symptom.name,),
        root_cause_probes=tuple(probe.name for probe in plan.root_cause),
        guard_probes=tuple(probe.name for probe in plan.guards),
        answers=tuple(
            e.AnswerKey(component=a.component, failure_class=a.failure_class, verdict=words[a.verdict])
            for a in fault.accepts
        ),
        hints=tuple(fault.told(hint, parameters) for hint in fault.hints),
        confirm_when=_when(fault, "confirm_when"),
        partial_when=_when(fault, "partial_when"),
        refuse_when=_when(fault, "refuse_when"),
        causal_chain=tuple(fault.told(line, parameters) for line in fault.truth),
        parameters=dict(parameters),
    )


def _when(fault: Fault, which: str) -> str:
    return " ".join(f"{w.says} (“{w.samples[0]}” “{w.samples[1]}”)" for w in getattr(fault, which))


def watched_by(created: e.Created, faults: Mapping[str, Fault]) -> list[Watched]:
    """The probes of an interview, each once, made from the faults' files and the ledger's parameters."""
    found: list[Watched] = []
    for record in created.faults:
        for name, probe in faults[record.fault].plan(record.parameters).probes.items():
            found.append(Watched(record.fault, probe, _role(name, record)))
    return found


def _role(probe: str, record: e.FaultRecord) -> e.ProbeRole:
    """What a probe stands for; one that serves as several is a symptom first."""
    if probe in record.symptom_probes:
        return "symptom"
    return "guard" if probe in record.guard_probes else "root_cause"


class Lifecycle:
    def __init__(
        self,
        harness: Harness,
        stage: Stage,
        tell: Tell,
        faults: Mapping[str, Fault] | None = None,
        scenario: Callable[[str], Scenario] = scenarios.get,
    ) -> None:
        self._harness = harness
        self._stage = stage
        self._tell = tell
        self._faults = discover() if faults is None else faults
        self._scenario = scenario

    # -- prepare ----------------------------------------------------------------------------------------------------

    def prepare(
        self,
        scenario: Scenario,
        seed: int | None = None,
        candidate: str = "",
        ai_policy: e.AiPolicy = "none",
        raters: tuple[str, ...] = (),
        interview_id: str = "",
    ) -> Interview:
        """Restores, furnishes, injects, waits for the symptom and freezes. Under five minutes.

        `interview_id` is chosen when it is not given.

        Raises `LifecycleError` when another interview is under way or this runtime lacks what the scenario breaks,
        `PreparationError` when a step fails; the interview is then abandoned.
        """
        self.refuse_a_second()
        self._refuse_elsewhere(scenario)
        begun = time.monotonic()
        number = scenario.seed if seed is None else seed
        scenario = scenario.chosen(number)
        drawn = scenario.drawn(number)
        created = self._created(scenario, number, candidate, ai_policy, drawn)
        named = {"raters": raters, **({"interview": interview_id} if interview_id else {})}
        interview = Interview.create(self._harness, created.model_copy(update=named))
        try:
            self._prepare(interview, scenario, number, drawn, begun)
        except BaseException as error:
            reason = str(error) or type(error).__name__
            interview.add("harness", e.Abandoned(reason=f"the preparation failed: {reason}"[:4000]))
            if isinstance(error, BrownoutError) or not isinstance(error, Exception):
                raise
            raise PreparationError(f"The preparation of {scenario.id} failed: {reason}") from error
        return interview

    def _refuse_elsewhere(self, scenario: Scenario) -> None:
        if scenario.runtime not in ("any", self._stage.runtime()):
            raise LifecycleError(
                f"Scenario {scenario.id} breaks something that only Kubernetes has, and this stack runs as "
                f"{self._stage.runtime()} processes. Choose another, or `make up RUNTIME=kind`."
            )

    def _created(
        self,
        scenario: Scenario,
        seed: int,
        candidate: str,
        ai_policy: e.AiPolicy,
        drawn: Drawn,
    ) -> e.Created:
        return e.Created.of(
            interview=interviews.new_id(),
            scenario=scenario.id,
            title=scenario.title,
            level=scenario.level,
            seed=seed,
            candidate=candidate,
            ai_policy=ai_policy,
            baseline=scenario.baseline,
            time_box_minutes=scenario.time_box_minutes,
            secrecy=self._stage.secrecy(),
            versions=self._stage.versions(),
            faults=tuple(record_of(fault, parameters) for fault, parameters in drawn),
            pid=os.getpid(),
        )

    def _prepare(
        self,
        interview: Interview,
        scenario: Scenario,
        seed: int,
        drawn: Drawn,
        begun: float,
    ) -> None:
        stage = self._stage
        with self._step(interview, "restore the baseline", scenario.baseline):
            stage.restore(scenario.baseline, seed)
        with self._step(interview, "run the world", f"{scenario.speed:g}×"):
            stage.run_world(scenario.speed)
        with self._step(interview, "measure it healthy"):
            healthy = stage.measure_healthy()
            interview.add("harness", healthy)
        with self._step(interview, "make the workspace"):
            workspace = stage.make_workspace(scenario, seed)
        onset = Standstill(time.time(), stage.world_now())
        with self._step(interview, "deploy it"):
            stage.deploy(workspace)
        for fault, parameters in drawn:
            with self._step(interview, f"inject {fault.id}"):
                stage.inject(fault, parameters, workspace, seed)
                interview.add("harness", e.Injected(fault=fault.id, what=fault.told(fault.truth[-1], parameters)))
        with self._step(interview, "wait for the symptom"):
            view = stage.probe_view(healthy, onset.world, time.time())
            self._observe(interview, drawn, scenario.drawn_controls(seed), view)
        with self._step(interview, "freeze"):
            still = stage.freeze()
            interview.add("harness", e.Frozen(frozen_wall=still.wall, frozen_world=still.world))
        interview.grant_access()
        ready = e.Ready(
            seconds=time.monotonic() - begun,
            brief=_page(scenario, onset, still, still.wall),
            onset_wall=onset.wall,
            onset_world=onset.world,
        )
        interview.add("harness", ready)

    def _observe(self, interview: Interview, drawn: Drawn, controls: Drawn, view: ProbeView) -> None:
        """Looks until every fault's symptom probe has answered `broken`, at most for the longest budget.

        The symptoms of controls beside the faults must show too, so that every truth of a scenario begins alike.
        """
        waiting = {fault.id: fault.plan(parameters).symptom.name for fault, parameters in drawn}
        beside = {fault.id: fault.plan(parameters).symptom for fault, parameters in controls}
        budget = max((fault.symptom_budget_seconds for fault, _ in (*drawn, *controls)), default=0.0)
        symptoms = [one for one in watched_by(interview.created, self._faults) if one.role == "symptom"]
        prober = Prober(interview, view, symptoms)
        deadline = time.monotonic() + budget
        last = "nothing was looked at"
        while waiting or beside:
            for name, shown in list(beside.items()):
                seen = shown.run(view)
                last = f"{shown.name}: {seen.status}, {seen.why}"
                if seen.status == "broken":
                    del beside[name]
            for (fault, probe), result in prober.look().items():
                if waiting.get(fault) != probe:
                    continue
                last = f"{probe}: {result.status}, {result.why}"
                self._tell("wait for the symptom", "doing", last)
                if result.status == "broken":
                    interview.add("proctor", e.SymptomObserved(fault=fault, probe=probe, why=result.why[:400]))
                    del waiting[fault]
            if (waiting or beside) and time.monotonic() > deadline:
                missing = ", ".join([*waiting, *beside])
                raise PreparationError(
                    f"The symptom of {missing} was not observed within {budget:.0f} s; last look: {last}. "
                    "Try again, with another seed if it stays so."
                )
            time.sleep(OBSERVE_EVERY_SECONDS if waiting or beside else 0)
        for one, parameters in drawn:
            symptom = one.plan(parameters).symptom
            while weak := too_weak(symptom, view):
                if time.monotonic() > deadline:
                    raise PreparationError(f"{one.id} cannot be shown on this machine: {weak}")
                self._tell("wait for the symptom", "doing", weak)
                time.sleep(OBSERVE_EVERY_SECONDS)
        prober.wait(LAST_LOOK_SECONDS)

    # -- live -------------------------------------------------------------------------------------------------------

    def start(self, interview: Interview) -> None:
        """Releases everything, opens the candidate's way in and begins the time box."""
        facts = self._expect(interview, "start", "ready")
        scenario = self._scenario(facts.scenario)
        self._stage.let_in(interview.access() or interview.grant_access())
        self._release(interview, facts)
        onset_wall, onset_world = facts.onset or (facts.created.wall, facts.created.world)
        frozen = Standstill(facts.frozen_at or time.time(), self._stage.world_now())
        brief = _page(scenario, Standstill(onset_wall, onset_world), frozen, time.time())
        interview.advance("interviewer", "start", e.Started(brief=brief), "ready")

    def pause(self, interview: Interview, reason: str, lost: bool = False) -> None:
        """Freezes both clocks. `lost`: the harness's own failure is the reason."""
        if not reason.strip():
            raise LifecycleError("A pause needs a reason; it stands on the scorecard.")
        interview.advance("interviewer", "pause", e.Paused.of(reason=reason.strip(), lost=lost), "running")
        with self._step(interview, "freeze"):
            still = self._stage.freeze()
            interview.add("harness", e.Frozen(frozen_wall=still.wall, frozen_world=still.world))

    def resume(self, interview: Interview) -> None:
        facts = self._expect(interview, "resume", "paused")
        self._release(interview, facts)
        interview.advance("interviewer", "resume", e.Resumed(), "paused")

    def close(self, interview: Interview, reason: str = "closed by the interviewer", watch: bool = True) -> None:
        """Ends the time box and the candidate's access; probes go on looking for ten minutes when `watch`."""
        facts = self._expect(interview, "close", "running", "paused")
        seconds = WATCH_SECONDS if watch else 0.0
        interview.advance(
            "interviewer", "close", e.Closed.of(reason=reason, watch_seconds=seconds), "running", "paused"
        )
        interview.end_access()
        self._stage.lock_out()
        if facts.frozen_at is not None:
            self._release(interview, facts)
        if not watch:
            interview.add("harness", e.WatchEnded())

    def reset(self, baseline: str) -> None:
        """Back to a healthy stack, from any state; an interview that is under way is abandoned by it."""
        interview = interviews.current(self._harness)
        if interview is not None:
            settle(interview, "reset by the interviewer")
            interview.end_access()
        self._stage.lock_out()
        self._tell("restore the baseline", "started", baseline)
        self._stage.restore(baseline)
        self._stage.run_world(self._harness.speed)
        self._tell("restore the baseline", "done", baseline)
        if interview is not None:
            interview.add("harness", e.WasReset(baseline=baseline))

    # -- inside -----------------------------------------------------------------------------------------------------

    def _release(self, interview: Interview, facts: Facts) -> None:
        with self._step(interview, "release"):
            released = self._stage.release(facts.frozen_at)
            interview.add("harness", e.Released(frozen_seconds=max(released.still_seconds, 0.0)))
            if released.trouble:
                interview.add("harness", e.HarnessTrouble(part="monitoring", what=released.trouble))

    def _expect(self, interview: Interview, what: str, *states: str) -> Facts:
        facts = interview.facts()
        interview.require(facts, what, *states)
        return facts

    def refuse_a_second(self) -> None:
        """Raises `LifecycleError` while another interview is under way; one whose preparation died is settled."""
        other = interviews.current(self._harness)
        if other is None:
            return
        facts = other.facts()
        if facts.state in ("ready", "running", "paused") or (facts.state == "preparing" and alive(facts)):
            raise LifecycleError(
                f"Interview {other.id} ({facts.scenario}) is {facts.state}. "
                "Close it with `brownout close`, or give it up with `brownout reset`."
            )
        settle(other, "its preparation died")

    @contextmanager
    def _step(self, interview: Interview, name: str, detail: str = "") -> Iterator[None]:
        begun = time.monotonic()
        interview.add("harness", e.Step(name=name, status="started", detail=detail))
        self._tell(name, "started", detail)
        try:
            yield
        except BaseException as error:
            said = (str(error) or type(error).__name__)[:4000]
            seconds = time.monotonic() - begun
            interview.add("harness", e.Step(name=name, status="failed", detail=said, seconds=seconds))
            self._tell(name, "failed", said)
            raise
        seconds = time.monotonic() - begun
        interview.add("harness", e.Step(name=name, status="done", detail=detail, seconds=seconds))
        self._tell(name, "done", f"{seconds:.1f} s")


def alive(facts: Facts) -> bool:
    """Whether the process that prepared the interview still runs."""
    return facts.pid > 0 and psutil.pid_exists(facts.pid)


def settle(interview: Interview, reason: str) -> None:
    """Ends an interview that nobody will: abandoned when it was not closed, its watch over when it was."""
    facts = interview.facts()
    if facts.state not in ("closed", "abandoned"):
        interview.add("harness", e.Abandoned(reason=reason))
    elif facts.watching:
        interview.add("harness", e.WatchEnded())


def _page(scenario: Scenario, onset: Standstill, still: Standstill, start_wall: float) -> str:
    """The brief as it reads at `start_wall`: what happened so many seconds before the freeze is that long ago."""
    since_wall = start_wall - (still.wall - onset.wall)
    moments = (onset.world, since_wall, still.world)
    return scenario.page(*[datetime.fromtimestamp(moment, UTC) for moment in moments])
