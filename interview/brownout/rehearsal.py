"""Plays a scripted candidate and interviewer against the running stack, and checks the scorecard against the script.

Everything goes through the ways that people have: the lifecycle behind the command line, the proctor's HTTP interface
with the candidate's code and the interviewer's token, git, deploys, the platform's own command line.

Where something is broken the candidate errs, then repairs. Of a control there are two candidates: one says that it is
healthy and leaves it well, the other meddles and must be told what they made worse.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from brownout import findings
from brownout.errors import BrownoutError, LifecycleError
from brownout.faults import Fault, Plan
from brownout.faults.context import InjectContext
from brownout.faults.model import Attempt, WrongFix
from brownout.faults.parameters import Parameters
from brownout.http import client
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
WORSE_SECONDS = 300.0
LOOK_SECONDS = 2.0
EVIDENCE = "Parity is zero, ages are minutes, and the previous champion misses by as much on the same flights."


@dataclass
class Script:
    """What was done, with wall times: the facts that the scorecard must agree with."""

    wrong_pair: tuple[str, str] = ("", "")
    right_pair: tuple[str, str] = ("", "")
    hint: str = ""
    wrong_fix: str = ""
    right_fix: str = ""
    made_worse: list[str] = field(default_factory=list)
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


def meddling(plan: Plan) -> list[WrongFix]:
    """What a meddling candidate does to a healthy platform: an honest mistake, then a cheat; each breaks a guard.

    The traffic goes on, since without it nothing can be told.
    """
    if not plan.control:
        raise BrownoutError("Something is broken in this scenario, so acting is no meddling. Leave out --meddle.")
    honest = next(wrong for wrong in plan.wrong_fixes if not wrong.cheat)
    quiet = next(wrong for wrong in plan.wrong_fixes if wrong.cheat and wrong.convicted_by != honest.convicted_by)
    return [honest, quiet]


def rehearse(scenario_id: str, seed: int | None = None, tell: Tell | None = None, meddle: bool = False) -> list[str]:
    """Returns the facts of the scorecard that differ from what the script did; empty when all agree.

    `meddle`: the candidate makes a healthy platform worse. Raises `BrownoutError` when a step could not be played.
    """
    from brownout.rehearsal_several import SeveralRehearsal  # it is a rehearsal, too

    scenario = get(scenario_id)
    kind = SeveralRehearsal if len(scenario.drawn(seed)) > 1 else Rehearsal
    return kind(scenario, seed, harness(), environment(), tell or (lambda *_: None), meddle).play()


class Rehearsal:
    def __init__(
        self,
        scenario: Scenario,
        seed: int | None,
        here: Harness,
        platform: Environment,
        tell: Tell,
        meddle: bool = False,
    ) -> None:
        self._scenario = scenario
        self._seed = scenario.seed if seed is None else seed
        self._harness = here
        self._environment = platform
        self._tell = tell
        self._meddle = meddle
        self._stage = RealStage(here, platform, tell)
        self._lifecycle = Lifecycle(here, self._stage, tell)
        self._script = Script()

    def play(self) -> list[str]:
        """Wrong finding, hint, right finding, wrong fix, right fix, close; a control is left alone, or meddled with."""
        ((fault, parameters),) = self._one_fault()
        plan = fault.plan(parameters)
        wanted = meddling(plan) if self._meddle else []
        Stack(self._harness, self._environment, self._tell).ensure_proctor()
        interview = self._lifecycle.prepare(self._scenario, self._seed, "rehearsal")
        access = interview.access()
        if access is None:
            raise LifecycleError(f"Interview {interview.id} was prepared without a code for the candidate.")
        me, them = Desk(self._harness, access.code), Desk(self._harness, tokens.read(self._harness, "proctor"))
        them("POST", "/interviews/current/start")
        self._script.did("started")
        self._find(me, them, fault, parameters)
        if wanted:
            self._make_worse(them, wanted)
        elif plan.control:
            self._leave_well(them, plan)
        else:
            self._repair(them, plan)
        them("POST", "/interviews/current/close", {"reason": "the rehearsal is over", "watch": False})
        card = them("GET", f"/interviews/{interview.id}/scorecard?form=json")
        told = self._compare(card, fault)
        if plan.control:
            self._compare_control(told)
            self._compare_metrics(interview.id, fault.id, "brownout_harms" if wanted else "brownout_fault_done")
        else:
            self._compare_repair(told)
            self._compare_metrics(interview.id, fault.id, "brownout_fault_fixed")
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

    def _leave_well(self, them: Desk, plan: Plan) -> None:
        """The one thing that may be done about a false alarm; everything else is left alone."""
        self._play(plan.solutions[0])
        symptom = plan.symptom.name
        self._watch(them, "the alert", FIXED_SECONDS, lambda fault: _status(fault, symptom) == "ok")
        self._script.holds("the alert", _status(self._fault(them), symptom) == "ok", "it still fires")
        self._watch(them, "what was left", SETTLE_SECONDS, lambda fault: bool(fault["harms"]))

    def _make_worse(self, them: Desk, wanted: list[WrongFix]) -> None:
        script = self._script
        for wrong in wanted:
            guard = wrong.convicted_by
            script.did(f"{guard} begun")
            self._play(wrong)
            self._watch(them, wrong.name, WORSE_SECONDS, partial(_is_broken, guard))
            script.did(f"{guard} seen")
            script.made_worse.append(guard)

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

    def _compare(self, card: dict[str, Any], fault: Fault) -> dict[str, Any]:
        """What every script must find on the scorecard; returns what it says of the fault."""
        script, machine = self._script, card["machine"]
        verdicts = [(f["component"], f["failure_class"], f["verdict"]) for f in machine["findings"]]
        script.expect("findings", verdicts, [(*script.wrong_pair, "refused"), (*script.right_pair, "confirmed")])
        script.expect("hints", [hint["text"] for hint in machine["hints"]], [script.hint])
        script.expect("state", card["times"]["state"], "closed")
        told: dict[str, Any]
        (told,) = machine["faults"]
        script.expect("fault", told["fault"], fault.id)
        for moment in ("injected", "symptom_observed", "found"):
            script.holds(moment, told[moment] is not None, told[moment])
        if told["found"]:
            off = abs(told["found"]["wall"] - script.times["found"])
            script.holds("found at", off < 10, f"{off:.0f} s from when it was confirmed")
        return told

    def _compare_control(self, told: dict[str, Any]) -> None:
        """Nothing can be mitigated or fixed; what was made worse is there, with its time, and nothing else is."""
        script = self._script
        for moment in ("mitigated", "fixed"):
            script.expect(moment, told[moment], None)
        left = [harm for harm in told["harms"] if harm["healed"] is None]
        missing = set(script.made_worse) - {harm["probe"] for harm in left}
        script.holds("left worse", not missing, f"nothing of {', '.join(sorted(missing))}")
        script.holds("done", (told["done"] is None) == bool(script.made_worse), told["done"])
        if not script.made_worse:
            script.expect("left worse", [harm["probe"] for harm in left], [])
        for harm in (harm for harm in left if harm["probe"] in script.made_worse):
            begun, seen = (script.times[f"{harm['probe']} {what}"] for what in ("begun", "seen"))
            at = harm["at"]["wall"]
            script.holds(f"{harm['probe']} worse at", begun <= at <= seen, f"{at - begun:+.0f} s from the meddling")

    def _compare_repair(self, told: dict[str, Any]) -> None:
        script = self._script
        for moment in ("mitigated", "fixed", "done"):
            script.holds(moment, told[moment] is not None, told[moment])
        if told["fixed"]:
            at = told["fixed"]["wall"]
            within = script.times["right fix begun"] <= at <= script.times["seen fixed"]
            script.holds("fixed at", within, f"{at - script.times['right fix begun']:+.0f} s from the right fix")

    def _compare_metrics(self, interview: str, fault: str, metric: str) -> None:
        """The interviewer's Prometheus must know how it ended."""
        name = metric if metric == "brownout_harms" else f"{metric}_timestamp_seconds"
        query = f'{name}{{interview="{interview}",fault="{fault}"}} > 0'
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                answer = client().get(
                    f"{self._harness.prometheus_url}/api/v1/query",
                    params={"query": query},
                    auth=(USER, tokens.read(self._harness, "prometheus")),
                    timeout=5,
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
    said = {"component": pair[0], "failure_class": pair[1], "text": text, "certainty": "conclusion"}
    return {**said, "evidence": EVIDENCE} if pair == findings.HEALTHY else said


def _is_broken(probe: str, fault: dict[str, Any]) -> bool:
    return _status(fault, probe) == "broken"


def _status(fault: dict[str, Any], probe: str) -> str:
    """What the fault's facts say of that probe."""
    return next((str(p["status"]) for p in fault["probes"] if p["probe"] == probe), "unknown")


def _verdict(word: str) -> dict[str, Any]:
    return {"verdict": word, "reason": "as the script says"}
