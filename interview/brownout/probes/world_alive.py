from __future__ import annotations

from typing import Literal

from brownout.probes.base import Probe, ProbeResult, ProbeView


class WorldAlive(Probe):
    kind: Literal["world_alive"] = "world_alive"

    def run(self, view: ProbeView) -> ProbeResult:
        return ProbeResult("unknown", "not judged yet")
