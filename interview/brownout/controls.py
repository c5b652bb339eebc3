"""How the harness drives the platform and the world: the two interfaces that faults, probes and the proctor share."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol


class PlatformControl(Protocol):
    """Drives the platform through its command line; `brownout.platform.Platform` is the real one."""

    def ontime(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]: ...

    def run_python(self, program: str) -> subprocess.CompletedProcess[str]:
        """Runs a program over the current release's modules, as the platform's user; the exit code tells."""

    def deploy(self, tree: Path) -> object: ...


class WorldControl(Protocol):
    """The world's control socket."""

    def feed(self, changes: Sequence[Mapping[str, Any]]) -> object: ...

    def now(self) -> float:
        """World time as Unix seconds."""
