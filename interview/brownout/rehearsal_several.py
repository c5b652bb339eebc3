"""The rehearsal of a scenario with several faults: each is found, then repaired, the one put in last first.

A later fault may lie over an earlier one, so its repair has to come before.
"""

from __future__ import annotations

import time
from typing import Any

from brownout import findings
from brownout.errors import BrownoutError, LifecycleError
from brownout.faults import Fault
from brownout.faults.parameters import Parameters
from brownout.lifecycle import record_of
from brownout.proctor import tokens
from brownout.rehearsal import FIXED_SECONDS, LOOK_SECONDS, Desk, Rehearsal, confirmed_pair
from brownout.stack import Stack

Drawn = list[tuple[Fault, Parameters]]
MOMENTS = ("injected", "symptom_observed", "found", "mitigated", "fixed")


def refused_by_all(drawn: Drawn) -> tuple[str, str]:
    """A pair that no ground truth has anything of. Raises `BrownoutError` when everything fits."""
    records = [record_of(fault, parameters) for fault, parameters in drawn]
    for component in findings.COMPONENTS:
        for failure_class in findings.FAILURE_CLASSES:
            pair = (component, failure_class)
            if findings.HEALTHY[0] in pair or findings.HEALTHY[1] in pair:
                continue
            if findings.suggest(records, pair).verdict == "refused":
                return pair
    raise BrownoutError("The faults accept every pair. A finding must be able to be wrong.")


class SeveralRehearsal(Rehearsal):
    def play(self) -> list[str]:
        """Wrong finding, hint, a right finding for each, repairs in reverse, close."""
        drawn: Drawn = list(self._scenario.drawn(self._seed))
        Stack(self._harness, self._environment, self._tell).ensure_proctor()
        interview = self._lifecycle.prepare(self._scenario, self._seed, "rehearsal")
        access = interview.access()
        if access is None:
            raise LifecycleError(f"Interview {interview.id} was prepared without a code for the candidate.")
        me, them = Desk(self._harness, access.code), Desk(self._harness, tokens.read(self._harness, "proctor"))
        them("POST", "/interviews/current/start")
        self._find_all(me, them, drawn)
        for fault, parameters in reversed(drawn):
            self._script.did(f"{fault.id} begun")
            self._play(fault.plan(parameters).solutions[0])
        self._watch_all(them)
        them("POST", "/interviews/current/close", {"reason": "the rehearsal is over", "watch": False})
        card = them("GET", f"/interviews/{interview.id}/scorecard?form=json")
        self._compare_all(card["machine"], drawn)
        return self._script.differences

    def _find_all(self, me: Desk, them: Desk, drawn: Drawn) -> None:
        script = self._script
        script.wrong_pair = refused_by_all(drawn)
        self._state(me, them, script.wrong_pair, drawn[0][0].refuse_when[0].samples[0], "refused", None)
        self._step("ask for a hint", "")
        script.hint = me("POST", "/candidate/hints")["text"]
        for fault, _ in drawn:
            self._state(me, them, confirmed_pair(fault), fault.confirm_when[0].samples[0], "confirmed", fault.id)
            script.did(f"{fault.id} found")

    def _state(self, me: Desk, them: Desk, pair: tuple[str, str], text: str, verdict: str, fault: str | None) -> None:
        """The candidate states a finding, the interviewer judges it."""
        self._step("state a finding", f"{' '.join(pair)}, to be {verdict}")
        said = {"component": pair[0], "failure_class": pair[1], "text": text, "certainty": "conclusion"}
        number = me("POST", "/candidate/findings", said)["number"]
        judged = {"verdict": verdict, "reason": "as the script says", **({"fault": fault} if fault else {})}
        them("PUT", f"/interviews/current/findings/{number}/verdict", judged)

    def _watch_all(self, them: Desk) -> None:
        """Looks until every fault is fixed, at most so long."""
        deadline = time.monotonic() + FIXED_SECONDS
        while time.monotonic() < deadline:
            told: list[dict[str, Any]] = them("GET", "/interviews/current")["facts"]["faults"]
            if all(fault["fixed"] is not None for fault in told):
                return
            said = [f"{f['fault']}: {', '.join(p['probe'] + ' ' + p['status'] for p in f['probes'])}" for f in told]
            self._tell("watch the repairs", "doing", "; ".join(said))
            time.sleep(LOOK_SECONDS)

    def _compare_all(self, machine: dict[str, Any], drawn: Drawn) -> None:
        script = self._script
        verdicts = [(f["component"], f["failure_class"], f["verdict"]) for f in machine["findings"]]
        right = [(*confirmed_pair(fault), "confirmed") for fault, _ in drawn]
        script.expect("findings", verdicts, [(*script.wrong_pair, "refused"), *right])
        script.expect("hints", [hint["text"] for hint in machine["hints"]], [script.hint])
        told = {fault["fault"]: fault for fault in machine["faults"]}
        script.expect("faults", list(told), [fault.id for fault, _ in drawn])
        for fault, _ in drawn:
            for moment in MOMENTS:
                script.holds(f"{fault.id} {moment}", told[fault.id][moment] is not None, told[fault.id][moment])
            if told[fault.id]["found"]:
                off = abs(told[fault.id]["found"]["wall"] - script.times[f"{fault.id} found"])
                script.holds(f"{fault.id} found at", off < 10, f"{off:.0f} s from when it was confirmed")
