"""How long did the world wait for its answers?"""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.record import BATCH, LIVE_SECONDS, SINGLE, Record

ENOUGH = 8
"""Requests of one size from which its healthy latency is known: a minute of departure boards at dawn."""


def measure_healthy(view: ProbeView, requests: int = 200) -> dict[str, float]:
    """This machine's healthy latencies, for `ProbeView.healthy`; call it on a healthy stack, before injection."""
    record = Record(view.harness.record)
    figures: dict[str, float] = {}
    for size in (SINGLE, BATCH):
        found = record.latencies_ms(size, requests, view.since_wall)
        if len(found) >= ENOUGH:
            figures[f"{size}_p50_ms"] = float(np.quantile(found, 0.5))
            figures[f"{size}_p99_ms"] = float(np.quantile(found, 0.99))
    return figures


class ClientLatency(Probe):
    """A high quantile of the newest requests of one size, by the world's record.

    Broken when it exceeds the objective and is also a multiple of what was healthy on this machine, so that a slow
    machine alone breaks nothing. `unknown` below `min_requests`.
    """

    kind: Literal["client_latency"] = "client_latency"
    size: Literal["single", "batch"] = "batch"
    quantile: float = Field(default=0.95, gt=0, lt=1)
    objective_ms: float = Field(gt=0)
    min_ratio: float = Field(default=3.0, ge=1, description="Over the healthy median, when that was measured.")
    requests: int = Field(default=60, ge=10)
    min_requests: int = Field(default=12, ge=5)

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
        high = float(np.quantile(found, self.quantile))
        measured = {f"p{self.quantile * 100:.0f}_ms": high, "p50_ms": float(np.median(found))}
        limit = self.objective_ms
        healthy = view.healthy.get(f"{self.size}_p50_ms")
        if healthy is not None:
            limit = max(limit, healthy * self.min_ratio)
            measured["ratio"] = measured["p50_ms"] / max(healthy, 1e-6)
        said = f"{self.quantile:.0%} of {self.size} requests took up to {high:.0f} ms; the limit is {limit:.0f} ms"
        return ProbeResult("broken" if high > limit else "ok", f"{said}.", traffic.answers, measured)
