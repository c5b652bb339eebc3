from __future__ import annotations

from typing import Literal

from brownout.probes.base import Probe, ProbeResult, ProbeView


class ModelCost(Probe):
    kind: Literal["model_cost"] = "model_cost"

    def run(self, view: ProbeView) -> ProbeResult:
        return ProbeResult("unknown", "not judged yet")
