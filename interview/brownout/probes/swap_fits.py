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

MIB = 2**20
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
    """Whether every pod's limit holds what the pod uses and, on top, what loading the newest version takes.

    Use and limit are the kernel's and the API server's; the newest version is loaded by the proctor itself. Only on
    Kubernetes, and only while a pod is ready.
    """

    kind: Literal["swap_fits"] = "swap_fits"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    component: str = "serving"

    def run(self, view: ProbeView) -> ProbeResult:
        if view.environment.runtime != "kind":
            return ProbeResult("unknown", "Processes of this machine have no memory limit; pods have.")
        try:
            found = memory.look(Kubectl.of(view.environment), self.component)
            version, loading = _loading(view)
        except (OntimeError, ValueError, KeyError) as error:
            return ProbeResult("unknown", f"What {self.component} may use cannot be seen: {str(error)[:200]}")
        if not found:
            return ProbeResult("unknown", f"No pod of {self.component} is ready.")
        limited = [(one.limit - one.used - loading, one) for one in found.values() if one.limit is not None]
        if not limited:
            return ProbeResult("ok", f"{self.component} runs without a memory limit.")
        left, one = min(limited, key=lambda pair: pair[0])
        said = (
            f"{self.component} uses {one.used // MIB} MiB and version {version} takes {loading // MIB} while it is "
            f"loaded; the limit is {(one.limit or 0) // MIB}."
        )
        return ProbeResult("broken" if left < 0 else "ok", said, measured={"left_mib": left / MIB})


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
