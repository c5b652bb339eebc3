"""Sees deployments that were changed past the platform's own commands: `kubectl rollout undo`, `set` and the like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from brownout import entries as e
from ontime.errors import RuntimeStateError
from ontime.runtime.kind import pods
from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment

REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class _Template:
    """`rolled_out`: when the platform's own command rolled it out last; `restarted`: when kubectl restarted it."""

    revision: str
    release: str
    rolled_out: str
    restarted: str

    @classmethod
    def of(cls, deployment: dict[str, Any]) -> _Template:
        marks = deployment["spec"]["template"]["metadata"].get("annotations") or {}
        return cls(
            (deployment["metadata"].get("annotations") or {}).get(REVISION, ""),
            marks.get("ontime/release", ""),
            marks.get("ontime/rolled-out-at", ""),
            marks.get("kubectl.kubernetes.io/restartedAt", ""),
        )


class Rollouts:
    """Remembers each deployment's template; the first look finds nothing new."""

    def __init__(self, environment: Environment) -> None:
        self._kubectl = Kubectl.of(environment)
        self._known: dict[str, _Template] | None = None

    def look(self, current: str) -> Iterator[e.Change]:
        """What changed since the last look. Roll-outs of the `current` release are a deploy, which is told as such."""
        try:
            found = self._kubectl.get("deployments", "-l", pods.NAME)["items"]
        except (RuntimeStateError, ValueError):
            return
        before, self._known = self._known, {one["metadata"]["name"]: _Template.of(one) for one in found}
        if before is None:
            return
        for name, now in self._known.items():
            then = before.get(name, now)
            ours = now.rolled_out > then.rolled_out or (now.release != then.release and now.release == current)
            if now.revision == then.revision or ours:
                continue
            runs = f"release {now.release}" if now.release else "what was applied first"
            detail = f"{name}: revision {then.revision} → {now.revision} by hand, running {runs}"
            yield e.Change(what="restart" if now.restarted > then.restarted else "deploy", subject=name, detail=detail)
