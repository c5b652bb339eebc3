"""What memory a component's containers use and may use, by the kernel's and the API server's own count."""

from __future__ import annotations

from dataclasses import dataclass

from ontime.runtime.kind import pods
from ontime.runtime.kind.kubectl import Kubectl

PROGRAM = """
import pathlib
here = pathlib.Path("/sys/fs/cgroup/")
file = next(file for file in (here / "memory.stat", here / "memory/memory.stat") if file.exists())
told = dict(line.split() for line in file.read_text().splitlines())
print(told["anon"] if "anon" in told else told["total_rss"])
"""
"""Reads the container's own control group, of either version: what no file backs, so that nothing can take it back."""
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one container, in bytes; `limit` is None without one."""

    used: int
    limit: int | None


def look(kubectl: Kubectl, component: str) -> dict[str, Memory]:
    """Of each ready pod, by its name. Raises `RuntimeStateError`, and `ValueError` for what is no amount."""
    found: dict[str, Memory] = {}
    for pod in kubectl.get("pods", "-l", f"{pods.NAME}={component}")["items"]:
        status = pods.judge(pod)
        if not status.ready:
            continue
        done = kubectl("exec", status.pod, "-c", component, "--", "python3", "-I", "-c", PROGRAM)
        (container,) = [one for one in pod["spec"]["containers"] if one["name"] == component]
        limit = (container.get("resources", {}).get("limits") or {}).get("memory")
        found[status.pod] = Memory(int(done.stdout), None if limit is None else amount(limit))
    return found


def amount(text: str) -> int:
    """Bytes of a Kubernetes quantity, such as 300Mi. Raises `ValueError`."""
    for unit, size in UNITS.items():
        if text.endswith(unit):
            return int(float(text.removesuffix(unit)) * size)
    return int(float(text))
