"""Whether this machine can run the platform."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from ontime.errors import OntimeError
from ontime.runtime import tools
from ontime.runtime.address import port_of
from ontime.runtime.components import COMPONENTS
from ontime.runtime.holders import holder_of
from ontime.runtime.supervisor import Supervisor
from ontime.runtime.supervisor_config import socket_path
from ontime.settings import Environment

GIB = 2**30
MEMORY_GIB = 4.0
DISK_GIB = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """`needed` findings decide; the others only warn."""

    what: str
    good: bool
    told: str
    needed: bool = True


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _ports(environment: Environment) -> Finding:
    if Supervisor(environment).pid() is not None:
        return Finding("ports", True, "the stack runs")
    taken = []
    for component in COMPONENTS.values():
        url = component.url(environment)
        holder = holder_of(environment.host, port_of(url)) if url else None
        if holder:
            taken.append(f"{holder.port} ({component.name}) is held by {holder}")
    return Finding("ports", not taken, "; ".join(taken) or "ports free")


def findings(environment: Environment) -> list[Finding]:
    """Everything that starting the platform depends on, good or not."""
    found = [Finding("python", sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}")]
    for tool in tools.NAMES:
        path = tools.locate(tool)
        found.append(Finding(tool, path is not None, path or "not on PATH. Install it with: make setup"))
    found.append(Finding("git", shutil.which("git") is not None, shutil.which("git") or "not on PATH"))
    try:
        socket_path(environment)
    except OntimeError as error:
        found.append(Finding("state", False, str(error)))
    memory = psutil.virtual_memory().available / GIB
    found.append(
        Finding(
            "memory", memory >= MEMORY_GIB, f"{memory:.1f} GiB of memory free, {MEMORY_GIB:.0f} wanted", needed=False
        )
    )
    disk = shutil.disk_usage(_existing(environment.state)).free / GIB
    found.append(Finding("disk", disk >= DISK_GIB, f"{disk:.1f} GiB of disk free, {DISK_GIB:.0f} wanted"))
    found.append(_ports(environment))
    return found
