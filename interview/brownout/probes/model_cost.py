"""What does the champion cost to run, against the baseline's champion?"""

from __future__ import annotations

import time
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.versions import versions
from ontime.contract import FEATURE_NAMES
from ontime.errors import OntimeError
from ontime.scorer import Scorer


def batch_seconds(scorer: Scorer, rows: int, rounds: int) -> float:
    """The fastest of several rounds: what is measured is the model, not the machine's other work."""
    matrix = np.random.default_rng(7).normal(size=(rows, len(FEATURE_NAMES))).astype(np.float32)
    scorer.score(matrix)
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        scorer.score(matrix)
        best = min(best, time.perf_counter() - started)
    return best


def cost_ratio(view: ProbeView, version: str, rows: int = 120) -> float:
    """How many times the reference's time a batch takes; measured once a version. Raises `OntimeError`."""

    def measured() -> float:
        known = versions(view)
        reference = batch_seconds(known.scorer(view.reference.version), rows, 40)
        return batch_seconds(known.scorer(version), rows, 7) / reference

    return view.memory.keep(f"cost/{version}/{rows}", measured)


class ModelCost(Probe):
    """Time for a batch over the reference's, both run by the proctor in one sitting with one thread."""

    kind: Literal["model_cost"] = "model_cost"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    max_ratio: float = Field(default=10.0, gt=1)
    rows: int = Field(default=120, ge=1)

    def run(self, view: ProbeView) -> ProbeResult:
        known = versions(view)
        try:
            champion = known.champion()
            ratio = cost_ratio(view, champion, self.rows)
        except OntimeError as error:
            return ProbeResult("unknown", str(error))
        why = f"Version {champion} takes {ratio:.1f} times as long as the baseline's champion for {self.rows} flights."
        return ProbeResult("broken" if ratio > self.max_ratio else "ok", why, measured={"ratio": ratio})
