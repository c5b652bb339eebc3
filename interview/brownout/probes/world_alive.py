"""Does the world still get answers?"""

from __future__ import annotations

import time
from typing import Literal

from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.record import LIVE_SECONDS, Record


class WorldAlive(Probe):
    """`ok` while the world's questions are answered, `broken` when most fail, `unknown` when nothing was asked."""

    kind: Literal["world_alive"] = "world_alive"
    within_seconds: float = Field(default=LIVE_SECONDS, gt=0)
    max_failing_share: float = Field(default=0.2, ge=0, lt=1)

    def run(self, view: ProbeView) -> ProbeResult:
        traffic = Record(view.harness.record).traffic(time.time() - self.within_seconds)
        asked = traffic.answers + traffic.failures
        if not asked:
            return ProbeResult("unknown", f"The world asked nothing in the last {self.within_seconds:.0f} s.")
        share = traffic.failures / asked
        measured = {"failing_share": share}
        if share > self.max_failing_share:
            said = f"{traffic.failures} of {asked} questions failed, last with {traffic.last_error}."
            return ProbeResult("broken", said, traffic.answers, measured)
        return ProbeResult("ok", f"{traffic.answers} of {asked} questions were answered.", traffic.answers, measured)
