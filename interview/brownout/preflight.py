"""Whether this machine can run an interview: each check says what it found, and the remedy when that is too little."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from brownout.secrecy import secrecy
from brownout.settings import Harness
from brownout.stack import parts
from brownout.supervision import Supervision
from ontime.runtime.address import port_of
from ontime.runtime.components import COMPONENTS
from ontime.runtime.holders import holder_of
from ontime.runtime.processes import members
from ontime.runtime.tools import NAMES, locate
from ontime.settings import Environment

MIN_CORES = 2
MIN_MEMORY_GIB = 5.0
MIN_DISK_GIB = 4.0
GIB = 2**30
PACKAGES = ("apache-airflow", "bentoml", "evidently", "feast", "lightgbm", "mlflow", "onnxruntime", "jupyterlab")


@dataclass(frozen=True, slots=True)
class Check:
    """`remedy` is empty when it is fine."""

    name: str
    found: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return not self.remedy


def look(harness: Harness, environment: Environment) -> list[Check]:
    return [
        _cores(),
        _memory(),
        _disk("disk of the platform's state", environment.state, "ONTIME_STATE"),
        _disk("disk of the harness's state", harness.state, "BROWNOUT_STATE"),
        *_tools(),
        _packages(),
        *_ports(harness, environment),
        _secrecy(harness),
    ]


def _cores() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    remedy = "" if cores >= MIN_CORES else f"Use a machine with at least {MIN_CORES} cores."
    return Check("processor", f"{cores} cores", remedy)


def _memory() -> Check:
    free = psutil.virtual_memory().available / GIB
    remedy = "" if free >= MIN_MEMORY_GIB else f"Free memory until {MIN_MEMORY_GIB:g} GiB are available."
    return Check("memory", f"{free:.1f} GiB available", remedy)


def _disk(name: str, place: Path, variable: str) -> Check:
    there = next(path for path in (place, *place.parents) if path.exists())
    free = shutil.disk_usage(there).free / GIB
    remedy = "" if free >= MIN_DISK_GIB else f"Free {MIN_DISK_GIB:g} GiB at {there}, or set {variable} to another disk."
    return Check(name, f"{free:.1f} GiB free", remedy)


def _tools() -> Iterator[Check]:
    for tool in NAMES:
        path = locate(tool)
        yield Check(tool, path or "missing", "" if path else "Install it with: make setup")


def _packages() -> Check:
    missing = []
    for name in PACKAGES:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("packages", f"missing: {', '.join(missing)}", "Install them with: make setup")
    return Check("packages", f"{len(PACKAGES)} of {len(PACKAGES)} there")


def _ports(harness: Harness, environment: Environment) -> Iterator[Check]:
    """A port held by this very stack is fine."""
    ours = bool(members(environment.state))
    wanted = {c.name: port_of(url) for c in COMPONENTS.values() if (url := c.url(environment)) and not ours}
    table = parts(harness)
    if Supervision(harness, table).pid() is None:
        wanted |= {part.name: part.port for part in table}
    taken = {name: holder for name, port in wanted.items() if (holder := holder_of(harness.host, port))}
    for name, holder in taken.items():
        yield Check(
            f"port {holder.port}", f"held by {holder}", f"End that process, or give {name} another port with its *_URL."
        )
    if not taken:
        yield Check("ports", "free, or held by this stack")


def _secrecy(harness: Harness) -> Check:
    """On trust is allowed, and said."""
    side = secrecy(harness)
    return Check("secrecy", f"{side.level}: {side.why}")
