"""kubectl, told with every call which cluster and namespace it is about.

The context that happens to be current decides nothing.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from ontime.runtime.kind.programs import Done, run
from ontime.settings import Environment


def inside() -> bool:
    """Whether this process runs in a pod: kubectl then speaks with the pod's own account, to its own cluster."""
    return "KUBERNETES_SERVICE_HOST" in os.environ


def context_of(environment: Environment) -> str:
    """The context that kind makes for the cluster."""
    return f"kind-{environment.cluster}"


@dataclass(frozen=True, slots=True)
class Kubectl:
    """`context` is None inside a pod."""

    context: str | None
    namespace: str

    @classmethod
    def of(cls, environment: Environment) -> Kubectl:
        return cls(None if inside() else context_of(environment), environment.namespace)

    def command(self, *arguments: str) -> list[str]:
        place = ["--context", self.context] if self.context else []
        return ["kubectl", *place, "--namespace", self.namespace, *arguments]

    def __call__(self, *arguments: str, text: str | None = None, seconds: float = 60.0, check: bool = True) -> Done:
        """Raises `RuntimeStateError` with what kubectl said."""
        return run(self.command(*arguments), seconds, text, check)

    def get(self, *arguments: str) -> Any:
        """The JSON of `kubectl get`. Raises `RuntimeStateError`."""
        return json.loads(self("get", *arguments, "-o", "json").stdout)

    def exists(self, kind: str, name: str) -> bool:
        return bool(self("get", kind, name, "--ignore-not-found", "-o", "name").stdout.strip())
