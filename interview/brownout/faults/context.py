"""What injectors and actions may reach: the platform, the workspace and the world, each from outside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brownout.controls import PlatformControl, WorldControl
from brownout.settings import Harness
from ontime.settings import Environment


@dataclass(frozen=True)
class InjectContext:
    """Where a fault is put in, or an attempt at its repair is played."""

    platform: PlatformControl
    workspace: Path
    world: WorldControl
    seed: int
    harness: Harness
    environment: Environment
