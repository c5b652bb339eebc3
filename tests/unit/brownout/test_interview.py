from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout import entries as e
from brownout import interview as interviews
from brownout import lifecycle as lifecycles
from brownout.baselines import present
from brownout.errors import LifecycleError, PreparationError
from brownout.interview import Interview
from brownout.lifecycle import Lifecycle, Release, Standstill
from brownout.probes import ProbeResult, Reference
from brownout.settings import Harness
from ontime.errors import UnknownNameError

Tell = Callable[..., Any]
RIGHT = ("ingest", "stale_data")


# -- what people add -----------------------------------------------------------------------------------------------


def test_findings_are_numbered_even_when_many_arrive_at_once(tell_story: Tell) -> None:
    story = tell_story().started()
    threads = [
        threading.Thread(target=lambda: story.interview.state_finding("candidate", *RIGHT, "why")) for _ in range(6)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [f.number for f in story.facts.findings] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("verb", ["finding", "hint", "rate"])
def test_nothing_is_taken_before_the_start(tell_story: Tell, verb: str) -> None:
    interview = tell_story().prepared().interview
    actions: dict[str, Callable[[], object]] = {
        "finding": lambda: interview.state_finding("candidate", *RIGHT, "why"),
        "hint": lambda: interview.next_hint("candidate"),
        "rate": lambda: interview.rate("ann", "repair", 3),
    }

    with pytest.raises(LifecycleError, match=r"is ready and cannot .*brownout start"):
        actions[verb]()


def test_hints_come_in_order_first_of_what_is_not_found(tell_story: Tell, stale: e.FaultRecord, slow: Any) -> None:
    story = tell_story(faults=(stale, slow)).started()
    interview = story.interview
    first = interview.next_hint("candidate").text
    story.finding(300, RIGHT)

    others = [interview.next_hint("interviewer").text for _ in range(3)]

    assert [first, *others] == ["Look at the ages.", "Look at latency.", "Compare two views.", "It is the watermark."]
    with pytest.raises(LifecycleError, match="All 4 hints"):
        interview.next_hint("candidate")


def test_a_verdict_needs_a_finding_a_reason_and_a_known_fault(tell_story: Tell) -> None:
    interview = tell_story().started().finding(300, RIGHT).interview

    with pytest.raises(UnknownNameError, match="Unknown finding '2'"):
        interview.judge(2, "confirmed", "why")
    with pytest.raises(LifecycleError, match="no reason"):
        interview.judge(1, "confirmed", " ")
    with pytest.raises(UnknownNameError, match="stuck"):
        interview.judge(1, "confirmed", "why", fault="stick")
    assert interview.judge(1, "partial", "why").fault == "stuck"


def test_with_several_faults_a_verdict_names_one(tell_story: Tell, stale: e.FaultRecord, slow: Any) -> None:
    interview = tell_story(faults=(stale, slow)).started().finding(300, ("warehouse", "label_leakage")).interview

    with pytest.raises(LifecycleError, match="name one of slow, stuck"):
        interview.judge(1, "confirmed", "why")
    assert interview.judge(1, "confirmed", "why", fault="slow").fault == "slow"


def test_only_what_people_added_can_be_undone(tell_story: Tell) -> None:
    interview = tell_story().started().interview
    noted = interview.note("slip").seq

    with pytest.raises(LifecycleError, match="kind 'created'"):
        interview.undo(1, "why")
    with pytest.raises(LifecycleError, match="does not exist"):
        interview.undo(999, "why")
    interview.undo(noted, "why")

    assert interview.facts().notes == ()


def test_codes_expire_and_are_private(tell_story: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    interview = tell_story().started().interview
    access = interview.grant_access()

    assert interview.access() == access
    assert (interview.folder / "access.json").stat().st_mode & 0o077 == 0
    later = time.time() + interviews.CODE_LIVES_SECONDS + 1
    monkeypatch.setattr("brownout.interview.time.time", lambda: later)
    assert interview.access() is None


def test_an_unknown_interview_is_answered_with_the_nearest(tell_story: Tell, ours: Harness) -> None:
    tell_story()

    with pytest.raises(UnknownNameError, match="20261121-story"):
        Interview(ours, "20261121-stroy")


@pytest.mark.parametrize("bad", ["../../etc", "", ".", "current", "a/b"])
def test_an_id_is_never_a_path(tell_story: Tell, ours: Harness, bad: str) -> None:
    tell_story()

    with pytest.raises(UnknownNameError):
        Interview(ours, bad)


# -- the lifecycle, on a stage that only remembers -----------------------------------------------------------------


class FakeProbe:
    cost = "cheap"

    def __init__(self, name: str, answers: list[str]) -> None:
        self.name = name
        self.asked = 0
        self._answers = answers

    def run(self, _: object) -> ProbeResult:
        self.asked += 1
        status: Any = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return ProbeResult(status, f"{self.name} says {status}", 90)


class FakeFault:
    """What the lifecycle asks of a fault."""

    id, layer, title = "stuck", "features", "Stuck"
    truth, hints = ("symptom", "link", "cause"), ("first",)
    accepts: tuple[Any, ...] = (SimpleNamespace(component="ingest", failure_class="stale_data", verdict="confirm"),)
    confirm_when = partial_when = refuse_when = (SimpleNamespace(says="when", samples=("a", "b")),)

    def __init__(self, answers: list[str], budget: float = 5.0) -> None:
        self.symptom_budget_seconds = budget
        symptom, cause = FakeProbe("FreshAge", answers), FakeProbe("Path", ["broken"])
        probes = {"FreshAge": symptom, "Path": cause}
        self._plan = SimpleNamespace(symptom=symptom, root_cause=(cause,), guards=(), probes=probes)
        self.symptom = symptom

    def plan(self, _: Mapping[str, object]) -> Any:
        return self._plan

    def told(self, text: str, _: Mapping[str, object]) -> str:
        return text


class FakeStage:
    """Remembers what was asked of it; `fails` names the step that raises."""

    def __init__(self, harness: Harness, fails: str = "") -> None:
        self.calls: list[str] = []
        self.seeds: list[int | None] = []
        self.fails = fails
        self._harness = harness

    def _did(self, what: str) -> None:
        self.calls.append(what)
        if what == self.fails:
            raise RuntimeError(f"{what} broke")

    def versions(self) -> dict[str, str]:
        return {"brownout": "1"}

    def secrecy(self) -> e.Secrecy:
        return "on-trust"

    def runtime(self) -> str:
        return "local"

    def restore(self, baseline: str, seed: int | None = None) -> None:
        self._did(f"restore {baseline}")
        self.seeds.append(seed)

    def run_world(self, speed: float) -> None:
        self._did("world")

    def measure_healthy(self) -> e.Healthy:
        self._did("measure")
        return e.Healthy(reference_version="1", reference_model="/nowhere")

    def make_workspace(self, scenario: Any, seed: int) -> Path:
        self._did("workspace")
        return Path("workspace")

    def deploy(self, workspace: Path) -> None:
        self._did("deploy")

    def inject(self, fault: Any, parameters: Any, workspace: Path, seed: int) -> None:
        self._did(f"inject {fault.id}")

    def probe_view(self, healthy: Any, onset_world: float | None, since_wall: float) -> Any:
        return FakeView(self._harness)

    def world_now(self) -> float:
        return 1_367_838_000.0

    def freeze(self) -> Standstill:
        self._did("freeze")
        return Standstill(time.time(), self.world_now())

    def release(self, frozen_wall: float | None) -> Release:
        self._did("release")
        return Release(1.0, "the past is gone")

    def let_in(self, access: Any) -> None:
        self._did("let in")

    def lock_out(self) -> None:
        self._did("lock out")


class FakeView:
    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.world_now = 0.0
        self.reference = Reference("1", Path("/nowhere"))


class FakeScenario:
    id, title, level, baseline, seed, time_box_minutes, speed = "junior-01", "T", "junior", "may", 7, 45, 120.0
    runtime = "any"
    controls: tuple[FakeFault, ...] = ()

    def __init__(self, *faults: FakeFault) -> None:
        self._faults = faults

    def chosen(self, _: int) -> FakeScenario:
        return self

    def drawn(self, _: int) -> list[tuple[Any, dict[str, Any]]]:
        return [(fault, {"n": 1}) for fault in self._faults]

    def drawn_controls(self, _: int) -> list[tuple[Any, dict[str, Any]]]:
        return [(control, {"n": 1}) for control in self.controls]

    def page(self, since_world: Any, since_wall: Any, now_world: Any) -> str:
        return f"since {since_wall:%H:%M:%S}"


def conductor(ours: Harness, fault: FakeFault, fails: str = "") -> tuple[Lifecycle, FakeStage, FakeScenario]:
    stage, scenario = FakeStage(ours, fails), FakeScenario(fault)
    faults: Any = {"stuck": fault}
    made = Lifecycle(ours, stage, lambda *_: None, faults, lambda _: scenario)  # type: ignore[arg-type, return-value]
    return made, stage, scenario


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycles, "OBSERVE_EVERY_SECONDS", 0.0)
    monkeypatch.setattr("brownout.proctor.prober.CHEAP_EVERY_SECONDS", 0.0)


def test_a_whole_interview(ours: Harness) -> None:
    lifecycle, stage, scenario = conductor(ours, FakeFault(["unknown", "ok", "broken"]))

    interview = lifecycle.prepare(scenario, candidate="kestrel", ai_policy="own")  # type: ignore[arg-type]
    ready = interview.facts()
    lifecycle.start(interview)
    lifecycle.pause(interview, "fire drill")
    lifecycle.resume(interview)
    lifecycle.close(interview, "time is up", watch=False)

    facts = interview.facts()
    assert ready.state == "ready"
    assert ready.frozen_at is not None
    assert ready.faults[0].symptom_observed is not None
    assert facts.state == "closed"
    assert facts.frozen_at is None
    assert not facts.watching
    assert stage.calls == [
        *("restore may", "world", "measure", "workspace", "deploy", "inject stuck", "freeze"),
        *("let in", "release", "freeze", "release", "lock out"),
    ]
    assert interview.access() is None
    assert {note.text for note in facts.trouble} == {"the past is gone"}


def test_the_world_is_the_one_of_the_interviews_seed(ours: Harness) -> None:
    lifecycle, stage, scenario = conductor(ours, FakeFault(["broken"]))

    lifecycle.prepare(scenario, seed=23)  # type: ignore[arg-type]
    lifecycle.reset("may")

    assert stage.seeds == [23, None]


def test_what_stands_beside_the_fault_must_show_too(ours: Harness) -> None:
    lifecycle, _, scenario = conductor(ours, FakeFault(["broken"]))
    beside = FakeFault(["ok", "unknown", "broken"])
    scenario.controls = (beside,)

    interview = lifecycle.prepare(scenario)  # type: ignore[arg-type]

    assert beside.symptom.asked == 3
    assert [fault.fault for fault in interview.facts().faults] == ["stuck"]


def test_before_a_world_has_begun_it_is_the_baselines_present(ours: Harness) -> None:
    lifecycle, _, scenario = conductor(ours, FakeFault(["broken"]))

    interview = lifecycle.prepare(scenario)  # type: ignore[arg-type]

    assert interview.facts().created.world == present("may").timestamp()
    assert interview.world() == present("may").timestamp()


def test_the_brief_is_as_old_at_a_later_start(ours: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle, _, scenario = conductor(ours, FakeFault(["broken"]))
    interview = lifecycle.prepare(scenario)  # type: ignore[arg-type]
    facts = interview.facts()
    frozen, onset = facts.frozen_at, facts.onset
    assert frozen is not None
    assert onset is not None
    later = frozen + 1800
    monkeypatch.setattr("brownout.lifecycle.time.time", lambda: later)

    lifecycle.start(interview)

    shown = time.strftime("%H:%M:%S", time.gmtime(later - (frozen - onset[0])))
    assert interview.facts().brief == f"since {shown}"


@pytest.mark.parametrize("step", ["restore may", "measure", "deploy", "inject stuck", "freeze"])
def test_a_step_that_fails_abandons_the_interview(ours: Harness, step: str) -> None:
    lifecycle, _, scenario = conductor(ours, FakeFault(["broken"]), fails=step)

    with pytest.raises(PreparationError, match=f"{step} broke"):
        lifecycle.prepare(scenario)  # type: ignore[arg-type]

    current = interviews.current(ours)
    assert current is not None
    assert current.facts().state == "abandoned"
    assert step in current.facts().failure


def test_a_symptom_that_does_not_show_is_a_failure_with_the_last_look(ours: Harness) -> None:
    lifecycle, _, scenario = conductor(ours, FakeFault(["ok"], budget=0.05))

    with pytest.raises(PreparationError, match=r"stuck was not observed within 0 s; last look: FreshAge: ok"):
        lifecycle.prepare(scenario)  # type: ignore[arg-type]


def test_there_is_one_interview_at_a_time(ours: Harness) -> None:
    lifecycle, _, scenario = conductor(ours, FakeFault(["broken"]))
    first = lifecycle.prepare(scenario)  # type: ignore[arg-type]

    with pytest.raises(LifecycleError, match=rf"{first.id} .*is ready"):
        lifecycle.prepare(scenario)  # type: ignore[arg-type]


def test_a_preparation_that_died_is_settled_by_the_next(ours: Harness, tell_story: Tell) -> None:
    dead = tell_story(pid=2**22 + 1)
    lifecycle, _, scenario = conductor(ours, FakeFault(["broken"]))

    lifecycle.prepare(scenario)  # type: ignore[arg-type]

    assert dead.facts.state == "abandoned"


@pytest.mark.parametrize("moment", ["prepared", "started"])
def test_reset_ends_what_is_under_way(ours: Harness, tell_story: Tell, moment: str) -> None:
    story = getattr(tell_story(), moment)()
    lifecycle, stage, _ = conductor(ours, FakeFault(["broken"]))

    lifecycle.reset("may")

    assert story.facts.state == "abandoned"
    assert story.facts.was_reset
    assert story.facts.frozen_at is None
    assert stage.calls == ["lock out", "restore may", "world"]


def test_verbs_out_of_turn_say_what_to_do(ours: Harness) -> None:
    lifecycle, stage, scenario = conductor(ours, FakeFault(["broken"]))
    interview = lifecycle.prepare(scenario)  # type: ignore[arg-type]
    before = list(stage.calls)

    for verb in (lambda: lifecycle.pause(interview, "r"), lambda: lifecycle.resume(interview)):
        with pytest.raises(LifecycleError, match="brownout start"):
            verb()
    with pytest.raises(LifecycleError, match="brownout start"):
        lifecycle.close(interview)

    assert stage.calls == before


def test_what_only_kubernetes_has_is_not_prepared_elsewhere(ours: Harness) -> None:
    lifecycle, stage, scenario = conductor(ours, FakeFault(["broken"]))
    scenario.runtime = "kind"

    with pytest.raises(LifecycleError, match="junior-01 breaks something that only Kubernetes has"):
        lifecycle.prepare(scenario)  # type: ignore[arg-type]

    assert stage.calls == []
    assert interviews.known_ids(ours) == []
