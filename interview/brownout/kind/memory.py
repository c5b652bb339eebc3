"""What memory a component's containers use, by the kernel's count, and may use, by the API server's."""

from __future__ import annotations

from typing import Any

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


def used(kubectl: Kubectl, component: str) -> dict[str, int]:
    """Bytes that each ready pod's container uses, by the pod's name. Raises `RuntimeStateError`, `ValueError`."""
    ready = [status.pod for pod in _of(kubectl, component) if (status := pods.judge(pod)).ready]
    return {
        pod: int(kubectl("exec", pod, "-c", component, "--", "python3", "-I", "-c", PROGRAM).stdout) for pod in ready
    }


def limits(kubectl: Kubectl, component: str) -> dict[str, int | None]:
    """Bytes that each pod's container may use, ready or not; None without a limit. Raises what `used` does."""
    found: dict[str, int | None] = {}
    for pod in _of(kubectl, component):
        if "deletionTimestamp" not in pod["metadata"]:
            (container,) = [one for one in pod["spec"]["containers"] if one["name"] == component]
            told = (container.get("resources", {}).get("limits") or {}).get("memory")
            found[pod["metadata"]["name"]] = None if told is None else amount(told)
    return found


def _of(kubectl: Kubectl, component: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kubectl.get("pods", "-l", f"{pods.NAME}={component}")["items"]
    return found


def amount(text: str) -> int:
    """Bytes of a Kubernetes quantity, such as 300Mi. Raises `ValueError`."""
    for unit, size in UNITS.items():
        if text.endswith(unit):
            return int(float(text.removesuffix(unit)) * size)
    return int(float(text))
