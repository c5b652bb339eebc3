"""How long did the world wait for its answers?"""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.record import BATCH, LIVE_SECONDS, SINGLE, Record

ENOUGH = 5
"""Requests of one size from which its healthy latency is known: half a minute of large departure boards at dawn."""
UPPER = 0.75
"""What is judged is the upper quartile: a slow model slows every request, while the 99th percentile of a minute's
requests is their maximum, which is the machine's."""


def measure_healthy(view: ProbeView, requests: int = 200) -> dict[str, float]:
    """This machine's healthy medians and upper quartiles in ms, for `ProbeView.healthy`.

    Call it on a healthy stack, before injection. A size is missing until enough requests of it were answered.
    """
    record = Record(view.harness.record)
    figures: dict[str, float] = {}
    for size in (SINGLE, BATCH):
        found = record.latencies_ms(size, requests, view.since_wall)
        if len(found) >= ENOUGH:
            figures[f"{size}_p50_ms"] = float(np.quantile(found, 0.5))
            figures[f"{size}_p75_ms"] = float(np.quantile(found, UPPER))
    return figures


class ClientLatency(Probe):
    """The upper quartile of the newest requests of one size, by the world's record.

    Broken when it exceeds the objective and is also a multiple of the healthy median on this machine, so that a slow
    machine alone breaks nothing. `unknown` below `min_requests`. Two minutes of batches are enough: what was asked
    before a repair must not count for long after it.
    """

    kind: Literal["client_latency"] = "client_latency"
    size: Literal["single", "batch"] = "batch"
    objective_ms: float = Field(gt=0)
    min_ratio: float = Field(default=3.0, ge=1, description="Over the healthy median, when that was measured.")
    requests: int = Field(default=24, ge=10)
    min_requests: int = Field(default=8, ge=5)

    def run(self, view: ProbeView) -> ProbeResult:
        record = Record(view.harness.record)
        traffic = record.traffic(time.time() - LIVE_SECONDS)
        if traffic.failing:
            return ProbeResult("unknown", f"Serving fails: {traffic.last_error}.")
        if traffic.answers == 0:
            return ProbeResult("unknown", "No answers: the world asked nothing or nothing answered lately.")
        found = record.latencies_ms(self.size, self.requests, view.since_wall)
        if len(found) < self.min_requests:
            return ProbeResult(
                "unknown",
                f"Only {len(found)} {self.size} requests answered; {self.min_requests} are needed.",
                len(found),
            )
        high = float(np.quantile(found, UPPER))
        measured = {"p75_ms": high, "p50_ms": float(np.median(found))}
        limit = self.objective_ms
        healthy = view.healthy.get(f"{self.size}_p50_ms")
        if healthy is not None:
            limit = max(limit, healthy * self.min_ratio)
            measured["ratio"] = measured["p50_ms"] / max(healthy, 1e-6)
        said = f"{UPPER:.0%} of {self.size} requests took up to {high:.0f} ms; the limit is {limit:.0f} ms"
        return ProbeResult("broken" if high > limit else "ok", f"{said}.", traffic.answers, measured)
