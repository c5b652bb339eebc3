"""What the runtime has to know about one component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ontime.runtime.readiness import Check
from ontime.settings import Environment

RestartPolicy = Literal["always", "on-failure"]
STOP_SECONDS = 12
"""Wall seconds that a component may take to end by itself before it is killed."""


def _no_variables(_: Environment) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Component:
    """One process tree under the supervisor.

    `paths` are the parts of the tree whose change restarts it on deploy: a file, or a directory with a final slash.
    `after` names what is ready first: it is needed, or it matters more while everything competes for the processor.
    Serving waits for nothing (it keeps the last good model), and the batch side waits for serving.
    `follows_current` is for a process that starts children by itself: they must find the newest release, so its
    PYTHONPATH names the `current` link instead of the release behind it.
    `stop_seconds` is how long it may take to end by itself.
    """

    name: str
    command: Callable[[Environment], list[str]]
    url: Callable[[Environment], str | None]
    ready: Check
    paths: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    variables: Callable[[Environment], Mapping[str, str]] = field(default=_no_variables)
    memory_mib: int = 512
    restart: RestartPolicy = "always"
    ready_seconds: float = 90.0
    stop_seconds: int = STOP_SECONDS
    follows_current: bool = False

    def log(self, environment: Environment) -> Path:
        return environment.logs / f"{self.name}.log"

    def runs_code_of(self, path: str) -> bool:
        """Whether a change of `path` (relative to the tree, with forward slashes) must restart this component."""
        return any(path == mine or (mine.endswith("/") and path.startswith(mine)) for mine in self.paths)
