"""Does a component's memory limit hold its models and the next one beside them?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Literal

from brownout.kind import memory
from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.versions import versions
from ontime.errors import OntimeError
from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment

MIB = 2**20
USED = "{}_used_bytes"
"""Names the figure of what a component uses while it is healthy."""
PROGRAM = """
import sys
from pathlib import Path
from ontime.scorer import Scorer
here = Path("/proc/self")
def kib(name):
    return next(int(line.split()[1]) for line in (here / "status").read_text().splitlines() if line.startswith(name))
def loaded(path):
    scorer = Scorer(Path(path))
    scorer.warm_up()
    return scorer
serves = loaded(sys.argv[1])
(here / "clear_refs").write_text("5")
before = kib("VmRSS:")
comes = loaded(sys.argv[2])
print((kib("VmHWM:") - before) * 1024)
"""
"""Loads one model and another beside it, as serving does, in a process of its own; the second one's peak counts."""
LOADING_SECONDS = 60.0


class SwapFits(Probe):
    """Whether every pod's limit holds what serving used while it was healthy and what loading the newest version takes.

    Use and limit are the kernel's and the API server's; the newest version is loaded by the proctor itself, so that a
    container that does not live long enough to be asked is judged all the same. Only on Kubernetes.
    """

    kind: Literal["swap_fits"] = "swap_fits"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    component: str = "serving"

    def run(self, view: ProbeView) -> ProbeResult:
        if view.environment.runtime != "kind":
            return ProbeResult("unknown", "Processes of this machine have no memory limit; pods have.")
        used = view.healthy.get(USED.format(self.component))
        if used is None:
            return ProbeResult("unknown", f"What {self.component} uses was not measured while it was healthy.")
        try:
            limits = memory.limits(Kubectl.of(view.environment), self.component)
            version, loading = _loading(view)
        except (OntimeError, ValueError, KeyError) as error:
            return ProbeResult("unknown", f"What {self.component} may use cannot be seen: {str(error)[:200]}")
        if not limits:
            return ProbeResult("unknown", f"{self.component} has no pod.")
        limit = min((limit for limit in limits.values() if limit is not None), default=None)
        if limit is None:
            return ProbeResult("ok", f"{self.component} runs without a memory limit.")
        left = limit - used - loading
        said = (
            f"{self.component} used {used / MIB:.0f} MiB while it was healthy, and version {version} takes "
            f"{loading / MIB:.0f} while it is loaded; the limit is {limit / MIB:.0f}."
        )
        return ProbeResult("broken" if left < 0 else "ok", said, measured={"left_mib": left / MIB})


def measure_used(environment: Environment, component: str = "serving") -> dict[str, float]:
    """What the greediest pod uses, for `ProbeView.healthy`; empty where there are no pods.

    Call it on a healthy stack, before injection. Raises `RuntimeStateError`.
    """
    if environment.runtime != "kind":
        return {}
    found = memory.used(Kubectl.of(environment), component)
    return {USED.format(component): float(max(found.values()))} if found else {}


def _loading(view: ProbeView) -> tuple[str, int]:
    """The newest version and the bytes that loading it takes; measured once a version. Raises `OntimeError`."""
    known = versions(view)
    version = str(known.registered()[0].version)
    file = known.file(version)
    return version, view.memory.keep(f"loading/{version}", lambda: loading_bytes(file, view.reference.model))


def loading_bytes(model: Path, beside: Path) -> int:
    """How much more than before a process that serves `beside` uses at most while it loads and warms up `model`.

    Raises `OntimeError` when it cannot.
    """
    command = [sys.executable, "-P", "-c", PROGRAM, str(beside), str(model)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOADING_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise OntimeError(f"{model} was not loaded within {LOADING_SECONDS:.0f} s.") from error
    if done.returncode != 0:
        raise OntimeError(f"{model} cannot be loaded: {done.stderr.strip()[-200:]}")
    return int(done.stdout)
