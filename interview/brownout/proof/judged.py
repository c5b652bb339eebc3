"""Which probes of a plan say what: what has to hold after a good attempt, and what has to hold all along."""

from __future__ import annotations

from brownout.faults import Plan


def guards(plan: Plan) -> tuple[str, ...]:
    """Probes that are ok while the fault is in, and must still be at the end; a plan may have none."""
    return tuple(probe.name for probe in getattr(plan, "guards", ()))


def good_when(plan: Plan) -> tuple[str, ...]:
    """Probes that hold ok after a good attempt: symptom and root cause; where nothing is broken, the guards."""
    judged = (plan.symptom, *plan.root_cause) if plan.root_cause else getattr(plan, "guards", ())
    return tuple(dict.fromkeys(probe.name for probe in judged))
