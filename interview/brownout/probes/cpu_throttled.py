"""Does the kernel hold a component back at its CPU limit?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from ontime.errors import OntimeError
from ontime.runtime.kind import pods
from ontime.runtime.kind.kubectl import Kubectl

PROGRAM = """
import json, pathlib
here = pathlib.Path("/sys/fs/cgroup/")
if (here / "cpu.max").exists():
    quota, period = (here / "cpu.max").read_text().split()
else:
    here = here / "cpu"
    quota, period = ((here / name).read_text().strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
told = dict(line.split() for line in (here / "cpu.stat").read_text().splitlines())
cores = None if quota in ("max", "-1") else int(quota) / int(period)
print(json.dumps([cores, int(told.get("nr_periods", 0)), int(told.get("nr_throttled", 0))]))
"""
"""Reads the container's own control group, of either version: the kernel counts there, and nobody in it can write."""


@dataclass(frozen=True, slots=True)
class Count:
    """`cores` is the limit, None without one; the others count periods of 100 ms in which there was work."""

    cores: float | None
    periods: int
    held_back: int


class CpuThrottled(Probe):
    """The share of periods in which a pod's processes were held back at their CPU limit, by the kernel's own count.

    Between two looks, over all pods of the component; a pod counts from its second look on. Only on Kubernetes.
    """

    kind: Literal["cpu_throttled"] = "cpu_throttled"
    component: str = "serving"
    max_share: float = Field(default=0.2, gt=0, lt=1, description="Share of such periods that is still ok.")
    min_periods: int = Field(default=20, ge=5, description="Periods with work that a verdict rests on.")

    def run(self, view: ProbeView) -> ProbeResult:
        if view.environment.runtime != "kind":
            return ProbeResult("unknown", "Processes of this machine have no CPU limit; pods have.")
        before = view.memory.keep(f"cpu/{self.component}", dict[str, Count])
        try:
            now = _look(Kubectl.of(view.environment), self.component)
        except (OntimeError, ValueError, KeyError) as error:
            return ProbeResult("unknown", f"The pods of {self.component} do not tell: {str(error)[:200]}")
        if not now:
            return ProbeResult("unknown", f"No pod of {self.component} is ready.")
        limits = [count.cores for count in now.values() if count.cores is not None]
        if not limits:
            return ProbeResult("ok", f"{self.component} runs without a CPU limit.")
        known = [(before[name], count) for name, count in now.items() if name in before]
        periods = sum(count.periods - then.periods for then, count in known)
        if periods < self.min_periods and len(known) == len(now):
            return ProbeResult("unknown", f"Only {periods} periods with work since the last look.")
        before.clear()
        before.update(now)
        if periods < self.min_periods:
            return ProbeResult("unknown", f"The pods of {self.component} were looked at for the first time.")
        share = sum(count.held_back - then.held_back for then, count in known) / periods
        held = f"was held back at its limit of {min(limits):g} cores in {share:.0%} of {periods} periods"
        measured = {"throttled_share": share, "cores": min(limits)}
        return ProbeResult("broken" if share > self.max_share else "ok", f"{self.component} {held}.", measured=measured)


def _look(kubectl: Kubectl, component: str) -> dict[str, Count]:
    """What each ready pod's kernel says, by the pod's name."""
    ready = [pod.pod for pod in pods.look(kubectl) if pod.component == component and pod.ready]
    found: dict[str, Count] = {}
    for pod in ready:
        done = kubectl("exec", pod, "-c", component, "--", "python3", "-I", "-c", PROGRAM)
        cores, periods, held_back = json.loads(done.stdout)
        found[pod] = Count(cores, int(periods), int(held_back))
    return found
