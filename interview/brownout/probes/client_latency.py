from __future__ import annotations

from typing import Literal

from brownout.probes.base import Probe, ProbeResult, ProbeView


class ClientLatency(Probe):
    kind: Literal["client_latency"] = "client_latency"

    def run(self, view: ProbeView) -> ProbeResult:
        return ProbeResult("unknown", "not judged yet")
