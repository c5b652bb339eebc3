"""Whether this machine shows a fault of latency clearly enough to be judged by it."""

from __future__ import annotations

import numpy as np

from brownout.probes import AnyProbe, ClientLatency, ProbeView
from brownout.probes.client_latency import UPPER
from brownout.probes.record import Record

CALIBRATED_RATIO = 3.0
"""Injected over healthy upper quartile, at least: below it, the two cannot be told apart on every machine and day."""


def too_weak(symptom: AnyProbe, view: ProbeView, ratio: float = CALIBRATED_RATIO) -> str:
    """Why the latency that was put in is too near the healthy one on this machine; empty when it is not.

    Other symptoms do not depend on the machine. `view.healthy` must have been measured before the injection.
    """
    if not isinstance(symptom, ClientLatency):
        return ""
    healthy = view.healthy.get(f"{symptom.size}_p75_ms")
    found = Record(view.harness.record).latencies_ms(symptom.size, symptom.requests, view.since_wall)
    if healthy is None or not found:
        return f"there are no {symptom.size} requests to compare with. Run it again."
    injected = float(np.quantile(found, UPPER))
    if injected >= ratio * healthy:
        return ""
    return (
        f"{UPPER:.0%} of {symptom.size} requests take up to {injected:.0f} ms with it and {healthy:.0f} ms without, "
        f"{injected / max(healthy, 1e-6):.1f} times as long; at least {ratio:g} times is needed. "
        "Use a quieter machine, or free this one of other work."
    )
