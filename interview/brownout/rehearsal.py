"""Plays a scripted candidate and interviewer against the running stack, and checks the scorecard against the script.

Everything goes through the ways that people have: the lifecycle behind the command line, the proctor's HTTP interface
with the candidate's code and the interviewer's token, git, deploys, the platform's own command line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from brownout import findings
from brownout.errors import BrownoutError, LifecycleError
from brownout.faults import Fault, Plan
from brownout.faults.context import InjectContext
from brownout.faults.model import Attempt, WrongFix
from brownout.faults.parameters import Parameters
from brownout.lifecycle import Lifecycle, record_of
from brownout.proctor import tokens
from brownout.proctor.prometheus import USER
from brownout.scenarios import Scenario, get
from brownout.settings import Harness, harness
from brownout.stack import Stack, platform_of
from brownout.stage import RealStage, World
from ontime.settings import Environment, environment

Tell = Callable[[str, str, str], None]

SETTLE_SECONDS = 45.0
"""Wall time for which a wrong fix is watched: longer than six looks of a probe."""
FIXED_SECONDS = 300.0
LOOK_SECONDS = 2.0


@dataclass
class Script:
    """What was done, with wall times: the facts that the scorecard must agree with."""

    wrong_pair: tuple[str, str] = ("", "")
    right_pair: tuple[str, str] = ("", "")
    hint: str = ""
    wrong_fix: str = ""
    right_fix: str = ""
    times: dict[str, float] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def did(self, what: str) -> None:
        self.times[what] = time.time()

    def expect(self, what: str, actual: object, expected: object) -> None:
        if actual != expected:
            self.differences.append(f"{what}: the scorecard says {actual!r}, the script did {expected!r}")

    def holds(self, what: str, true: bool, actual: object) -> None:
        if not true:
            self.differences.append(f"{what}: the scorecard says {actual!r}")


class Desk:
    """One person's way to the proctor. Raises `BrownoutError` with the proctor's words."""

    def __init__(self, here: Harness, secret: str) -> None:
        self._client = httpx.Client(
            base_url=here.proctor_url, headers={"Authorization": f"Bearer {secret}"}, timeout=120, trust_env=False
        )

    def __call__(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise BrownoutError(
                f"The proctor does not answer {method} {path}: {error}. `brownout up` starts it."
            ) from error
        if answer.is_error:
            raise BrownoutError(f"The proctor refused {method} {path} with {answer.status_code}: {answer.text[:300]}")
        return answer.json()


def refused_pair(fault: Fault, parameters: Parameters) -> tuple[str, str]:
    """A component and a class that the ground truth has nothing of. Raises `BrownoutError` when everything fits."""
    record = record_of(fault, parameters)
    for component in findings.COMPONENTS:
        for failure_class in findings.FAILURE_CLASSES:
            pair = (component, failure_class)
            if findings.HEALTHY[0] in pair or findings.HEALTHY[1] in pair:
                continue
            if findings.suggest([record], pair).verdict == "refused":
                return pair
    raise BrownoutError(f"Fault {fault.id} accepts every pair. A finding must be able to be wrong.")


def confirmed_pair(fault: Fault) -> tuple[str, str]:
    first = next(accepted for accepted in fault.accepts if accepted.verdict == "confirm")
    return (first.component, first.failure_class)


def wrong_fix(plan: Plan) -> WrongFix:
    """An honest mistake that leaves the way to the solution open: no edits, no cheat, preferably nothing moved."""
    open_ = [
        wrong
        for wrong in plan.wrong_fixes
        if not wrong.cheat and wrong.leaves == "broken" and all(act.kind != "edit_files" for act in wrong.actions)
    ]
    if not open_:
        raise BrownoutError("The fault has no wrong fix that a rehearsal can play before the right one.")
    return min(open_, key=lambda wrong: wrong.mutates)


def rehearse(scenario_id: str, seed: int | None = None, tell: Tell | None = None) -> list[str]:
    """Returns the facts of the scorecard that differ from what the script did; empty when all agree.

    Raises `BrownoutError` when a step could not be played at all.
    """
    from brownout.rehearsal_several import SeveralRehearsal  # it is a rehearsal, too

    scenario = get(scenario_id)
    kind = SeveralRehearsal if len(scenario.drawn(seed)) > 1 else Rehearsal
    return kind(scenario, seed, harness(), environment(), tell or (lambda *_: None)).play()


class Rehearsal:
    def __init__(self, scenario: Scenario, seed: int | None, here: Harness, platform: Environment, tell: Tell) -> None:
        self._scenario = scenario
        self._seed = scenario.seed if seed is None else seed
        self._harness = here
        self._environment = platform
        self._tell = tell
        self._stage = RealStage(here, platform, tell)
        self._lifecycle = Lifecycle(here, self._stage, tell)
        self._script = Script()

    def play(self) -> list[str]:
        """Wrong finding, hint, right finding, wrong fix, right fix, close."""
        ((fault, parameters),) = self._one_fault()
        plan = fault.plan(parameters)
        Stack(self._harness, self._environment, self._tell).ensure_proctor()
        interview = self._lifecycle.prepare(self._scenario, self._seed, "rehearsal")
        access = interview.access()
        if access is None:
            raise LifecycleError(f"Interview {interview.id} was prepared without a code for the candidate.")
        me, them = Desk(self._harness, access.code), Desk(self._harness, tokens.read(self._harness, "proctor"))
        them("POST", "/interviews/current/start")
        self._script.did("started")
        self._find(me, them, fault, parameters)
        self._repair(them, plan)
        them("POST", "/interviews/current/close", {"reason": "the rehearsal is over", "watch": False})
        self._compare(them("GET", f"/interviews/{interview.id}/scorecard?form=json"), fault)
        self._compare_metrics(interview.id, fault.id)
        return self._script.differences

    def _one_fault(self) -> list[tuple[Fault, Parameters]]:
        drawn = self._scenario.drawn(self._seed)
        if len(drawn) != 1:
            raise BrownoutError(f"{self._scenario.id} has {len(drawn)} faults; this script plays scenarios with one.")
        return [(fault, parameters) for fault, parameters in drawn]

    def _find(self, me: Desk, them: Desk, fault: Fault, parameters: Parameters) -> None:
        script = self._script
        script.wrong_pair, script.right_pair = refused_pair(fault, parameters), confirmed_pair(fault)
        self._step("state a wrong finding", " ".join(script.wrong_pair))
        wrong = me("POST", "/candidate/findings", _finding(script.wrong_pair, fault.refuse_when[0].samples[0]))
        them("PUT", f"/interviews/current/findings/{wrong['number']}/verdict", _verdict("refused"))
        self._step("ask for a hint", "")
        script.hint = me("POST", "/candidate/hints")["text"]
        self._step("state the right finding", " ".join(script.right_pair))
        right = me("POST", "/candidate/findings", _finding(script.right_pair, fault.confirm_when[0].samples[0]))
        them("PUT", f"/interviews/current/findings/{right['number']}/verdict", _verdict("confirmed"))
        script.did("found")

    def _repair(self, them: Desk, plan: Plan) -> None:
        script = self._script
        mistake, solution = wrong_fix(plan), plan.solutions[0]
        script.wrong_fix, script.right_fix = mistake.name, solution.name
        self._play(mistake)
        script.did("wrong fix")
        self._watch(them, "the wrong fix", SETTLE_SECONDS, lambda fault: fault["fixed"] is not None)
        script.holds("fixed after the wrong fix", self._fault(them)["fixed"] is None, "fixed")
        script.did("right fix begun")
        self._play(solution)
        script.did("right fix")
        self._watch(them, "the right fix", FIXED_SECONDS, lambda fault: fault["fixed"] is not None)
        script.did("seen fixed")

    def _play(self, attempt: Attempt) -> None:
        context = InjectContext(
            platform=platform_of(self._environment, self._harness),
            workspace=self._stage.workspace,
            world=World(self._harness),
            seed=self._seed,
            harness=self._harness,
            environment=self._environment,
        )
        for action in attempt.actions:
            self._step(f"play {attempt.name}", action.kind)
            action.play(context)

    def _fault(self, them: Desk) -> dict[str, Any]:
        found: dict[str, Any] = them("GET", "/interviews/current")["facts"]["faults"][0]
        return found

    def _watch(self, them: Desk, what: str, seconds: float, done: Callable[[dict[str, Any]], bool]) -> None:
        """Looks until `done`, at most so long; tells what each probe says meanwhile."""
        deadline = time.monotonic() + seconds
        while not done(fault := self._fault(them)) and time.monotonic() < deadline:
            said = ", ".join(f"{probe['probe']} {probe['status']}" for probe in fault["probes"])
            self._tell(f"watch {what}", "doing", said)
            time.sleep(LOOK_SECONDS)

    def _compare(self, card: dict[str, Any], fault: Fault) -> None:
        script, machine = self._script, card["machine"]
        verdicts = [(f["component"], f["failure_class"], f["verdict"]) for f in machine["findings"]]
        script.expect("findings", verdicts, [(*script.wrong_pair, "refused"), (*script.right_pair, "confirmed")])
        script.expect("hints", [hint["text"] for hint in machine["hints"]], [script.hint])
        script.expect("state", card["times"]["state"], "closed")
        (told,) = machine["faults"]
        script.expect("fault", told["fault"], fault.id)
        for moment in ("injected", "symptom_observed", "found", "mitigated", "fixed"):
            script.holds(moment, told[moment] is not None, told[moment])
        if told["found"]:
            off = abs(told["found"]["wall"] - script.times["found"])
            script.holds("found at", off < 10, f"{off:.0f} s from when it was confirmed")
        if told["fixed"]:
            at = told["fixed"]["wall"]
            within = script.times["right fix begun"] <= at <= script.times["seen fixed"]
            script.holds("fixed at", within, f"{at - script.times['right fix begun']:+.0f} s from the right fix")

    def _compare_metrics(self, interview: str, fault: str) -> None:
        """The interviewer's Prometheus must answer with the moment of the repair."""
        query = f'brownout_fault_fixed_timestamp_seconds{{interview="{interview}",fault="{fault}"}}'
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                answer = httpx.get(
                    f"{self._harness.prometheus_url}/api/v1/query",
                    params={"query": query},
                    auth=(USER, tokens.read(self._harness, "prometheus")),
                    timeout=5,
                    trust_env=False,
                )
                if answer.is_success and answer.json()["data"]["result"]:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(LOOK_SECONDS)
        self._script.differences.append(f"metrics: the interviewer's Prometheus has no {query}")

    def _step(self, what: str, detail: str) -> None:
        self._tell(what, "started", detail)
        self._tell(what, "done", detail)


def _finding(pair: tuple[str, str], text: str) -> dict[str, Any]:
    return {"component": pair[0], "failure_class": pair[1], "text": text, "certainty": "conclusion"}


def _verdict(word: str) -> dict[str, Any]:
    return {"verdict": word, "reason": "as the script says"}
