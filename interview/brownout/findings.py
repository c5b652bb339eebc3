"""The words that a finding is made of, the same in every scenario, and what the ground truth suggests about one.

A suggestion is never a verdict: the interviewer confirms or corrects it, with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from brownout.entries import AnswerKey, Certainty, FaultRecord, Finding, VerdictWord
from brownout.errors import FindingError
from ontime.errors import UnknownNameError

COMPONENTS: dict[str, str] = {
    "upstream": "what airlines and the weather service send",
    "ingest": "the service that accepts events and keeps fresh features",
    "feature_repo": "feature views and the online store",
    "warehouse": "the stored tables",
    "build_features": "the DAG that computes and materializes slow features",
    "train_model": "the DAG that trains, gates and promotes",
    "monitor_model": "the DAG that reports drift",
    "batch_score": "the DAG that scores tomorrow's schedule",
    "registry": "the registered model, its versions and aliases",
    "serving": "the service that answers predictions",
    "monitoring": "exporter, rules, alerts, dashboards",
    "runtime": "processes, limits, schedules, the machine",
    "none": "no component: nothing is broken",
}

FAILURE_CLASSES: dict[str, str] = {
    "stale_data": "something no longer moves, or moves too late",
    "data_drift": "the world really changed",
    "unit_or_schema_change": "a field's unit, type, name or meaning changed",
    "wrong_join_or_key": "rows meet the wrong partner",
    "training_serving_skew": "training and serving compute a feature differently",
    "label_leakage": "training saw what is known only later",
    "bad_promotion": "a version serves that should have been refused",
    "slow_model": "answers take too long because of the model",
    "resource_limit": "memory, threads, disk or quota run out",
    "hidden_errors": "failures are swallowed or reported as success",
    "misconfiguration": "a setting has the wrong value",
    "nothing_is_broken": "all of it works as it should",
}

_RANK: dict[VerdictWord, int] = {"refused": 0, "partial": 1, "confirmed": 2}
HEALTHY = ("none", "nothing_is_broken")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the ground truth says about a component–class pair; `fault` is the one it is nearest to."""

    verdict: VerdictWord
    fault: str | None
    why: str


def _known(what: str, name: str, known: dict[str, str]) -> str:
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    if plain not in known:
        raise UnknownNameError.of(what, name, known)
    return plain


def component(name: str) -> str:
    """The component of this name; raises `UnknownNameError` with the nearest ones."""
    return _known("component", name, COMPONENTS)


def failure_class(name: str) -> str:
    """The failure class of this name; raises `UnknownNameError` with the nearest ones."""
    return _known("failure class", name, FAILURE_CLASSES)


def _judge(fault: FaultRecord, pair: tuple[str, str]) -> Suggestion:
    exact = [key for key in fault.answers if (key.component, key.failure_class) == pair]
    if exact:
        best = max(exact, key=lambda key: _RANK[key.verdict])
        return Suggestion(best.verdict, fault.fault, best.why or "The pair is in the fault's ground truth.")
    right: list[AnswerKey] = [key for key in fault.answers if key.verdict == "confirmed"]
    if any(key.component == pair[0] for key in right):
        return Suggestion("partial", fault.fault, "The component is right, the failure class is another.")
    if any(key.failure_class == pair[1] for key in right):
        return Suggestion("partial", fault.fault, "The failure class is right, the component is another.")
    return Suggestion("refused", None, "Neither component nor failure class is in the ground truth.")


def suggest(faults: Sequence[FaultRecord], pair: tuple[str, str], evidence: str = "") -> Suggestion:
    """The best that any fault's ground truth says about (component, failure class).

    That nothing is broken is half right at most without evidence: it says nothing about what was looked at.
    """
    found = _suggest(faults, pair)
    if pair == HEALTHY and found.verdict == "confirmed" and not evidence.strip():
        return Suggestion("partial", found.fault, "It is healthy; what shows it is not said.")
    return found


def _suggest(faults: Sequence[FaultRecord], pair: tuple[str, str]) -> Suggestion:
    if not faults:
        if pair == HEALTHY:
            return Suggestion("confirmed", None, "Nothing was injected: the stack is healthy.")
        return Suggestion("refused", None, "Nothing was injected: the stack is healthy.")
    found = max((_judge(fault, pair) for fault in faults), key=lambda s: _RANK[s.verdict])
    if pair == HEALTHY and found.verdict == "refused":
        return Suggestion("refused", None, "Something is broken.")
    return found


def make(
    number: int,
    faults: Sequence[FaultRecord],
    component_name: str,
    class_name: str,
    text: str,
    certainty: Certainty = "conclusion",
    evidence: str = "",
    repair: str = "",
) -> Finding:
    """A finding in the fixed words, with its suggested verdict. Raises `UnknownNameError`, `FindingError`."""
    pair = (component(component_name), failure_class(class_name))
    if (pair[0] == HEALTHY[0]) != (pair[1] == HEALTHY[1]):
        raise FindingError(
            f"Component {pair[0]!r} does not go with failure class {pair[1]!r}. "
            f"{HEALTHY[0]!r} and {HEALTHY[1]!r} are stated together or not at all."
        )
    if not text.strip():
        raise FindingError("The finding has no text. Say what is wrong and why, in a sentence.")
    judged = suggest(faults, pair, evidence)
    try:
        return Finding(
            finding=number,
            component=pair[0],
            failure_class=pair[1],
            certainty=certainty,
            text=text.strip(),
            evidence=evidence.strip(),
            repair=repair.strip(),
            suggested=judged.verdict,
            suggested_fault=judged.fault,
            suggested_why=judged.why,
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FindingError(f"Finding: {where}: {first['msg']} (received {str(first['input'])[:60]!r}).") from error
