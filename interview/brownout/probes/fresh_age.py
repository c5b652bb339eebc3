from __future__ import annotations

from typing import Literal

from brownout.probes.base import Probe, ProbeResult, ProbeView


class FreshAge(Probe):
    kind: Literal["fresh_age"] = "fresh_age"

    def run(self, view: ProbeView) -> ProbeResult:
        return ProbeResult("unknown", "not judged yet")
