"""How the pods are, as the API server tells it, and what one of them said before it failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ontime.errors import RuntimeStateError
from ontime.runtime.kind.kubectl import Kubectl
from ontime.runtime.reporter import Reporter

NAME = "app.kubernetes.io/name"
LOOK_SECONDS = 1.0
HOPELESS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError"}
)
HOPELESS_LOOKS = 15
ENOUGH_RESTARTS = 4
LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class PodStatus:
    """`since` is in Unix seconds. `stuck` says why waiting longer helps nothing; it is empty while there is hope."""

    component: str
    pod: str
    ready: bool
    why: str
    restarts: int
    since: float | None
    stuck: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """A deployment: `settled` when its newest template is what runs, everywhere and ready."""

    name: str
    wanted: int
    settled: bool
    why: str


def _moment(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


def judge(pod: dict[str, Any]) -> PodStatus:
    """One pod's status from its JSON."""
    status = pod.get("status", {})
    name = pod["metadata"]["name"]
    component = pod["metadata"].get("labels", {}).get(NAME, name)
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    restarts = sum(int(c.get("restartCount", 0)) for c in containers)
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    ready = conditions.get("Ready", {}).get("status") == "True"
    if "deletionTimestamp" in pod["metadata"]:
        return PodStatus(component, name, False, "ending", restarts, _moment(status.get("startTime")))
    why, stuck = "", ""
    for container in containers:
        waiting = container.get("state", {}).get("waiting")
        ended = container.get("lastState", {}).get("terminated") or container.get("state", {}).get("terminated") or {}
        if waiting:
            reason = waiting.get("reason", "waiting")
            why = f"{container['name']}: {reason} {waiting.get('message', '')}".strip()
            if reason in HOPELESS:
                stuck = why
            elif reason == "CrashLoopBackOff" and int(container.get("restartCount", 0)) >= ENOUGH_RESTARTS:
                stuck = f"{container['name']} ends as soon as it is started (exit code {ended.get('exitCode')})"
            break
        if container.get("state", {}).get("running") and not container.get("ready", True):
            why = f"{container['name']} runs and is not ready yet"
    if not ready and not why:
        scheduled = conditions.get("PodScheduled", {})
        why = scheduled.get("message", "") if scheduled.get("status") == "False" else status.get("phase", "not ready")
    return PodStatus(component, name, ready, "" if ready else why, restarts, _moment(status.get("startTime")), stuck)


def look(kubectl: Kubectl) -> list[PodStatus]:
    """All pods of the namespace that belong to a component."""
    return [judge(pod) for pod in kubectl.get("pods", "-l", NAME)["items"]]


def workload(deployment: dict[str, Any]) -> Workload:
    name, spec, status = deployment["metadata"]["name"], deployment["spec"], deployment.get("status", {})
    wanted = int(spec.get("replicas", 1))
    generation = deployment["metadata"].get("generation", 0)
    seen = status.get("observedGeneration", 0) >= generation
    counts = {key: int(status.get(key, 0)) for key in ("replicas", "updatedReplicas", "readyReplicas")}
    settled = seen and all(count == wanted for count in counts.values())
    return Workload(name, wanted, settled, "" if settled else f"{counts['readyReplicas']} of {wanted} pods are ready")


def workloads(kubectl: Kubectl) -> dict[str, Workload]:
    found = [workload(deployment) for deployment in kubectl.get("deployments", "-l", NAME)["items"]]
    return {one.name: one for one in found}


def wait(
    kubectl: Kubectl,
    reporter: Reporter,
    names: Iterable[str],
    seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until each named deployment runs its newest template, ready.

    Raises `NotReadyError` naming the first that does not: with its pod's events and last log lines.
    """
    from ontime.runtime.stack import NotReadyError

    waiting = dict.fromkeys(names)
    began = now()
    hopeless: dict[str, int] = {}
    while waiting:
        there = workloads(kubectl)
        pods = look(kubectl)
        for name in list(waiting):
            one = there.get(name)
            if one is not None and one.settled:
                del waiting[name]
                reporter.done(name, f"ready after {now() - began:.0f} s" if one.wanted else "stands at no pods")
                continue
            mine = [pod for pod in pods if pod.component == name and not pod.ready]
            why = next((pod.why for pod in mine if pod.why), one.why if one else "there is no such deployment")
            reporter.doing(name, why[:100])
            stuck = next((pod for pod in mine if pod.stuck), None)
            if stuck is not None:
                hopeless[name] = hopeless.get(name, 0) + 1
                if hopeless[name] >= HOPELESS_LOOKS or stuck.restarts >= ENOUGH_RESTARTS:
                    raise NotReadyError(name, f"{name}: {stuck.stuck}.\n{last_words(kubectl, stuck.pod)}")
            if now() - began > seconds:
                pod = mine[0].pod if mine else None
                said = last_words(kubectl, pod) if pod else "It has no pod."
                raise NotReadyError(name, f"{name} was not ready after {seconds:.0f} s: {why}.\n{said}")
        if waiting:
            sleep(LOOK_SECONDS)


def wait_gone(
    kubectl: Kubectl,
    names: Iterable[str],
    seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until the named components have no pod. Raises `RuntimeStateError` naming those left."""
    wanted = set(names)
    began = now()
    while left := sorted({pod.pod for pod in look(kubectl) if pod.component in wanted}):
        if now() - began > seconds:
            raise RuntimeStateError(f"Still there {seconds:.0f} s after being stopped: {', '.join(left)}")
        sleep(LOOK_SECONDS)


def last_words(kubectl: Kubectl, pod: str) -> str:
    """A pod's events and the last lines of its containers, indented."""
    events = kubectl.get("events", "--field-selector", f"involvedObject.name={pod}")["items"][-8:]
    told = [f"{event.get('reason', '')}: {event.get('message', '')}" for event in events]
    logs = kubectl("logs", pod, "--all-containers", "--prefix", f"--tail={LAST_LINES}", check=False)
    before = kubectl("logs", pod, "--all-containers", "--prefix", "--previous", f"--tail={LAST_LINES}", check=False)
    lines = [*logs.stdout.splitlines(), *(before.stdout.splitlines() if before.returncode == 0 else [])]
    shown = [f"Events of {pod}:", *(f"  {line}" for line in told or ["none"])]
    return "\n".join([*shown, "Its last lines:", *(f"  {line}" for line in lines or ["none"])])
