"""Changes a deployment's pod template as a person with kubectl does, and waits until that is what runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ontime.runtime.kind import pods
from ontime.runtime.kind.kubectl import Kubectl
from ontime.runtime.reporter import Silence
from ontime.settings import Environment

READY_SECONDS = 300.0


def merge(here: Environment, component: str, fields: Mapping[str, Any], within_seconds: float = READY_SECONDS) -> None:
    """Merges `fields` into the component's container; a value of None takes a key away.

    Raises `RuntimeStateError` when the API server refuses, `NotReadyError` when the new pods do not get ready.
    """
    container = {"name": component, **fields}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    kubectl = Kubectl.of(here)
    kubectl("patch", "deployment", component, "--type=strategic", "--patch", json.dumps(patch))
    pods.wait(kubectl, Silence(), [component], within_seconds)


def undo(here: Environment, component: str) -> None:
    """`kubectl rollout undo`: back to the template before the last change. Raises what `merge` raises."""
    kubectl = Kubectl.of(here)
    kubectl("rollout", "undo", f"deployment/{component}")
    pods.wait(kubectl, Silence(), [component], READY_SECONDS)
