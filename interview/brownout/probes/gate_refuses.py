from __future__ import annotations

from typing import Literal

from brownout.probes.base import Probe, ProbeResult, ProbeView


class GateRefuses(Probe):
    kind: Literal["gate_refuses"] = "gate_refuses"

    def run(self, view: ProbeView) -> ProbeResult:
        return ProbeResult("unknown", "not judged yet")
