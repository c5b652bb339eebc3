"""The verbs on Kubernetes, by the names that the local runtime has for them.

From outside, `up` makes everything and `down` deletes what was made. Inside a pod, where whoever operates the platform
works, the cluster and the manifests are given: `up` scales and rolls out, `down` scales to nothing. A component's
template names the release that it runs from, so `kubectl rollout undo` goes back to the code before.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ontime.errors import ConfigError
from ontime.runtime import release
from ontime.runtime.address import port_of
from ontime.runtime.component import Component
from ontime.runtime.components import COMPONENTS, chosen
from ontime.runtime.kind import checks, cluster, images, manifests, passwords, pods
from ontime.runtime.kind.kubectl import Kubectl, inside
from ontime.runtime.lock import exclusive
from ontime.runtime.process_environment import python_path
from ontime.runtime.reporter import Reporter
from ontime.runtime.stack import NotReadyError, write_wrapper
from ontime.runtime.status import ComponentStatus, StackStatus, State, current_release
from ontime.settings import ROOT, Environment

STORES = ("postgres", "redis")
"""What components stand on; started before them and stopped after them."""
PREPARING_SECONDS = 240.0
"""Granted on top of a component's own time: its image may have to be unpacked, and its init container does work."""
STOP_SECONDS = 120.0


def up(environment: Environment, reporter: Reporter, names: Sequence[str] = ()) -> None:
    """Starts the named components (default: all) and waits until each is ready; what already runs is left alone.

    From outside, makes cluster, images and manifests first. Raises `RuntimeStateError` with what is in the way, or
    with the events and last lines of the pod that did not become ready.
    """
    components = chosen(names or COMPONENTS)
    with exclusive(environment, "up"):
        if inside():
            start(environment, reporter, components)
            return
        checks.require()
        furnish(environment, reporter, ROOT)
        _wait(environment, reporter, [*STORES, *(component.name for component in components)])


def furnish(
    environment: Environment,
    reporter: Reporter,
    root: Path,
    base: Path | None = None,
    components: Sequence[Path] = (),
    on_top: Callable[[str], Sequence[str]] = lambda tag: (),
) -> str:
    """Cluster, images, secrets and manifests of the checkout at `root`; returns the images' tag.

    `base` is a kustomization that is applied instead of `k8s/overlays/kind`, with `components` on top of it. `on_top`
    makes further images out of those that have the tag it is given, and names them. Expects that `checks.require`
    was content. Raises `RuntimeStateError`.
    """
    images.list_of(root)
    cluster.create(environment, reporter, root)
    cluster.require_context(environment)
    given = images.arguments(root, images.node_image(environment))
    tag = images.tag(root, given)
    built = [*images.build(root, reporter, given, tag), *on_top(tag)]
    text = manifests.render(environment, root, tag, base, components)
    missing = images.load(environment, reporter, list(dict.fromkeys([*built, *manifests.image_names(text)])))
    for name in missing:
        reporter.say(f"{name} is not on this machine: the cluster has to pull it.")
    apply(environment, reporter, text)
    return tag


def apply(environment: Environment, reporter: Reporter, text: str) -> None:
    """Makes the cluster hold what the manifests say. The namespace and its secrets come first."""
    kubectl = Kubectl.of(environment)
    reporter.doing("manifests", "applying")
    if not kubectl.exists("namespace", environment.namespace):
        kubectl("create", "namespace", environment.namespace)
    passwords.ensure(kubectl)
    kubectl("apply", "-f", "-", text=text, seconds=180)
    reporter.done("manifests", "applied")


def start(environment: Environment, reporter: Reporter, components: Sequence[Component]) -> None:
    """`up` inside: one pod for each component that has none, out of the current release."""
    kubectl = Kubectl.of(environment)
    write_wrapper(environment)
    there = pods.workloads(kubectl)
    _scale(kubectl, [name for name in STORES if name in there and there[name].wanted == 0], 1)
    pods.wait(kubectl, reporter, [name for name in STORES if name in there], PREPARING_SECONDS)
    for component in components:
        _patch(kubectl, environment, component, replicas=1 if there[component.name].wanted == 0 else None)
    _wait(environment, reporter, [component.name for component in components])
    release.confirm_health(environment)


def down(environment: Environment, reporter: Reporter) -> None:
    """Inside: stops every component. From outside: deletes the namespace, and with the last one the cluster.

    Deletes only what `up` made. Raises `RuntimeStateError`.
    """
    with exclusive(environment, "down"):
        if inside():
            kubectl = Kubectl.of(environment)
            there = pods.workloads(kubectl)
            names = [name for name in COMPONENTS if name in there]
            _scale(kubectl, names, 0)
            pods.wait_gone(kubectl, names, STOP_SECONDS)
            _scale(kubectl, [name for name in STORES if name in there], 0)
            pods.wait_gone(kubectl, STORES, STOP_SECONDS)
            return
        _demolish(environment, reporter)


def _demolish(environment: Environment, reporter: Reporter) -> None:
    if not cluster.standing(environment):
        if not cluster.delete(environment, reporter):
            reporter.say(f"There is no cluster {environment.cluster!r} of ours.")
        return
    cluster.require_context(environment)
    kubectl = Kubectl.of(environment)
    ours = {
        item["metadata"]["name"]
        for item in kubectl.get("namespaces", "-l", "app.kubernetes.io/part-of=ontime")["items"]
    }
    if ours - {environment.namespace}:
        reporter.doing("namespace", f"deleting {environment.namespace}")
        kubectl("delete", "namespace", environment.namespace, "--ignore-not-found", "--timeout=180s", seconds=200)
        others = ", ".join(sorted(ours - {environment.namespace}))
        reporter.done("namespace", f"{environment.namespace} is deleted; the cluster stays, it holds {others}")
        return
    cluster.delete(environment, reporter)


def stop(environment: Environment, names: Sequence[str]) -> None:
    """Stops the named components; the others go on. Raises `RuntimeStateError`."""
    wanted = [component.name for component in chosen(names)]
    kubectl = _reached(environment)
    _scale(kubectl, wanted, 0)
    pods.wait_gone(kubectl, wanted, STOP_SECONDS)


def begin(environment: Environment, name: str) -> None:
    """Starts a stopped component, from the current release, without waiting for it. Raises `RuntimeStateError`."""
    _patch(_reached(environment), environment, chosen([name])[0], replicas=1)


def restart(environment: Environment, reporter: Reporter, names: Sequence[str]) -> None:
    """Restarts the named components together, starts those that were stopped, and waits until each is ready.

    Raises `RuntimeStateError`.
    """
    components = chosen(names)
    kubectl = _reached(environment)
    there = pods.workloads(kubectl)
    kubectl("rollout", "restart", *(f"deployment/{component.name}" for component in components))
    _scale(kubectl, [component.name for component in components if there[component.name].wanted == 0], 1)
    _wait(environment, reporter, [component.name for component in components])


def again(environment: Environment, reporter: Reporter, components: Sequence[Component]) -> None:
    """Rolls the components out anew, from the current release, and waits. Raises `NotReadyError`."""
    kubectl = _reached(environment)
    for component in components:
        _patch(kubectl, environment, component, replicas=None, anew=True)
    _wait(environment, reporter, [component.name for component in components])


def running_components(environment: Environment) -> list[Component]:
    """The components that have pods to run, in the table's order."""
    there = pods.workloads(_reached(environment))
    return [component for component in COMPONENTS.values() if component.name in there and there[component.name].wanted]


def logs(environment: Environment, name: str, lines: int, follow: bool) -> int:
    """Shows a component's log, as kubectl does; its exit code."""
    component = chosen([name])[0]
    command = _reached(environment).command("logs", f"deployment/{component.name}", "-c", component.name)
    os.execvp(command[0], [*command, f"--tail={lines}", *(["--follow"] if follow else [])])  # noqa: S606


def look(environment: Environment, names: Iterable[str] | None = None) -> StackStatus:
    """How the components are, as the API server tells it. Raises `RuntimeStateError` when there is no cluster."""
    kubectl = _reached(environment)
    wanted = [COMPONENTS[name] for name in (names if names is not None else COMPONENTS)]
    there, found = pods.workloads(kubectl), pods.look(kubectl)
    statuses = [_status(environment, component, there.get(component.name), found) for component in wanted]
    return StackStatus(tuple(statuses), None, 0.0, current_release(environment))


def _reached(environment: Environment) -> Kubectl:
    """kubectl for the platform's namespace. From outside, raises `RuntimeStateError` unless it is in our cluster."""
    if not inside():
        cluster.require(environment)
    return Kubectl.of(environment)


def _status(
    environment: Environment, component: Component, one: pods.Workload | None, found: Sequence[pods.PodStatus]
) -> ComponentStatus:
    mine = [pod for pod in found if pod.component == component.name]
    url = component.url(environment)
    state, why = judge(one, mine)
    return ComponentStatus(
        name=component.name,
        state=state,
        why=why,
        pid=None,
        since=min((pod.since for pod in mine if pod.since), default=None),
        restarts=sum(pod.restarts for pod in mine),
        memory_mib=None,
        memory_limit_mib=component.memory_mib,
        port=port_of(url) if url else None,
        url=url,
        log=f"kubectl logs deployment/{component.name}",
    )


def judge(one: pods.Workload | None, mine: Sequence[pods.PodStatus]) -> tuple[State, str]:
    """A component's state and why, in the local runtime's words."""
    if one is None:
        return "stopped", "there is no such deployment"
    if one.wanted == 0:
        return "stopped", ""
    why = next((pod.stuck or pod.why for pod in mine if not pod.ready), one.why)
    if any(pod.stuck for pod in mine):
        return "gave up", why
    if any(pod.ready for pod in mine):
        # While a roll-out goes on, the pods before it answer.
        return ("ready", "") if one.settled else ("starting", why)
    return ("restarting" if any(pod.restarts for pod in mine) else "starting"), why


def _scale(kubectl: Kubectl, names: Iterable[str], replicas: int) -> None:
    wanted = [f"deployment/{name}" for name in names]
    if wanted:
        kubectl("scale", f"--replicas={replicas}", *wanted)


def _patch(
    kubectl: Kubectl, environment: Environment, component: Component, replicas: int | None, anew: bool = False
) -> None:
    """Makes the component's template name the current release; `anew` rolls it out even when it did already."""
    template = template_of(environment, component, time.time() if anew else None)
    spec = {**({"replicas": replicas} if replicas is not None else {}), **({"template": template} if template else {})}
    if spec:
        kubectl("patch", "deployment", component.name, "--type=strategic", "--patch", json.dumps({"spec": spec}))


def template_of(environment: Environment, component: Component, moment: float | None) -> dict[str, object]:
    """What of the pod template follows from the current release; nothing for what follows `current` by itself."""
    now = release.current(environment)
    told: dict[str, object] = {}
    marks: dict[str, str] = {}
    if moment is not None:
        marks["ontime/rolled-out-at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    if now is not None and not component.follows_current and component.paths:
        marks["ontime/release"] = now.name
        if component.modules:
            variables = [{"name": "PYTHONPATH", "value": python_path(now)}]
            told["spec"] = {"containers": [{"name": component.name, "env": variables}]}
    if marks:
        told["metadata"] = {"annotations": marks}
    return told


def _wait(environment: Environment, reporter: Reporter, names: Sequence[str]) -> None:
    kubectl = Kubectl.of(environment)
    slowest = max((COMPONENTS[name].ready_seconds for name in names if name in COMPONENTS), default=0.0)
    pods.wait(kubectl, reporter, names, slowest + PREPARING_SECONDS)


def refuse_from_outside(what: str) -> None:
    """Raises `ConfigError` where a command needs the state volume."""
    if not inside():
        raise ConfigError(
            f"ontime {what} needs the state volume, which is in the cluster. Run it at the workstation. As long "
            "as no commit is deployed, `ontime up` puts the code of this checkout there."
        )


__all__ = ["NotReadyError", "again", "down", "look", "restart", "running_components", "start", "stop", "up"]
