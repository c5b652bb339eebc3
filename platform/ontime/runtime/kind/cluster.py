"""The kind cluster: made, recognised as ours, and deleted only then.

What was made is written down in `kind/<name>.json` of the state before kind begins and again when it is done. So a
cluster of the same name that somebody else made is never touched, and one that an interrupted run left half made is
known to be ours to clear away.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from ontime.errors import ConfigError, RuntimeStateError
from ontime.files import replace_text
from ontime.runtime.holders import holder_of
from ontime.runtime.kind.kubectl import context_of
from ontime.runtime.kind.programs import run
from ontime.runtime.reporter import Reporter
from ontime.settings import Environment

CREATE_SECONDS = 600.0
POD_NETWORK = "10.244.0.0/16"
"""kind's default, which the network policies name."""


@dataclass(frozen=True, slots=True)
class Record:
    """`nodes` are the ids of the node containers; none before kind was done."""

    name: str
    begun: float
    nodes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return bool(self.nodes)


def place(environment: Environment) -> Path:
    return environment.state / "kind"


def _record_path(environment: Environment) -> Path:
    return place(environment) / f"{environment.cluster}.json"


def record(environment: Environment) -> Record | None:
    try:
        told = json.loads(_record_path(environment).read_text())
        return Record(told["name"], float(told["begun"]), tuple(told["nodes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(environment: Environment, found: Record) -> None:
    path = _record_path(environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(asdict(found)))


def exists(environment: Environment) -> bool:
    return environment.cluster in run(["kind", "get", "clusters"]).stdout.split()


def containers(environment: Environment) -> dict[str, str]:
    """Name → id of the cluster's node containers."""
    wanted = f"label=io.x-k8s.kind.cluster={environment.cluster}"
    listed = run(["docker", "ps", "--all", "--no-trunc", "--filter", wanted, "--format", "{{.Names}} {{.ID}}"]).stdout
    return dict(line.split() for line in listed.splitlines() if line.strip())


def standing(environment: Environment) -> bool:
    """Whether our cluster is there, whole. Raises `RuntimeStateError` for one that is not ours."""
    there, ours = exists(environment), record(environment)
    if not there:
        return False
    if ours is None or (ours.whole and set(ours.nodes) != set(containers(environment).values())):
        raise RuntimeStateError(
            f"A kind cluster {environment.cluster!r} is there that this did not make ({_record_path(environment)} does "
            f"not name it). It is left alone. Give ours another name with ONTIME_CLUSTER=…, or delete that one: "
            f"kind delete cluster --name {environment.cluster}"
        )
    return ours.whole


def require(environment: Environment) -> None:
    """Raises `RuntimeStateError` unless our cluster stands and our context leads to it."""
    if not standing(environment):
        raise RuntimeStateError(f"There is no cluster {environment.cluster!r}. Make it with: make up RUNTIME=kind")
    require_context(environment)


def require_context(environment: Environment) -> None:
    """Makes sure that our context leads to our cluster. Raises `RuntimeStateError` when it leads elsewhere."""
    context = context_of(environment)
    wanted = _server(yaml.safe_load(run(["kind", "get", "kubeconfig", "--name", environment.cluster]).stdout))
    told = run(["kubectl", "config", "view", "--minify", "--context", context, "-o", "json"], check=False)
    if told.returncode != 0:
        run(["kind", "export", "kubeconfig", "--name", environment.cluster])
        return
    found = _server(json.loads(told.stdout))
    if found != wanted:
        where = os.environ.get("KUBECONFIG", "~/.kube/config")
        raise RuntimeStateError(
            f"The context {context!r} in {where} points to {found}, but the cluster is at {wanted}. "
            f"Nothing was changed. Put it right with: kind export kubeconfig --name {environment.cluster}"
        )


def _server(config: dict[str, Any]) -> str:
    clusters = config.get("clusters") or [{}]
    return str(clusters[0].get("cluster", {}).get("server", "nowhere"))


def configuration(root: Path, mine: Path | None, replace: bool) -> dict[str, Any]:
    """What the cluster is created from: `k8s/kind.yaml`, with a file of the user's merged over it or in its place.

    Merged, the user's keys win. Nodes are taken from whoever names them; the ports that lead to the platform are added
    to the first control plane of the user's unless it maps ports itself. Raises `ConfigError`.
    """
    ours: dict[str, Any] = yaml.safe_load((root / "k8s" / "kind.yaml").read_text())
    if mine is None:
        return ours
    try:
        theirs = yaml.safe_load(mine.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError.of("KIND_CONFIG", str(mine), f"a readable kind configuration ({error})") from error
    if not isinstance(theirs, dict) or theirs.get("kind", "Cluster") != "Cluster":
        raise ConfigError.of("KIND_CONFIG", str(mine), "a kind configuration with kind: Cluster")
    if replace:
        return theirs
    merged = {**ours, **theirs, "networking": {**ours.get("networking", {}), **theirs.get("networking", {})}}
    if theirs.get("nodes"):
        nodes = [dict(node) for node in theirs["nodes"]]
        first = next((node for node in nodes if node.get("role") == "control-plane"), None)
        if first is not None:
            first.setdefault("extraPortMappings", ours["nodes"][0]["extraPortMappings"])
        merged["nodes"] = nodes
    return merged


def chosen_configuration(root: Path) -> dict[str, Any]:
    """`configuration` as `KIND_CONFIG` and `KIND_CONFIG_MODE` (merge or replace) say. Raises `ConfigError`."""
    mode = os.environ.get("KIND_CONFIG_MODE", "merge")
    if mode not in ("merge", "replace"):
        raise ConfigError.of("KIND_CONFIG_MODE", mode, "merge or replace")
    mine = os.environ.get("KIND_CONFIG")
    return configuration(root, Path(mine) if mine else None, mode == "replace")


def _made_from(environment: Environment) -> Path:
    """Where the configuration is kept that the cluster was made from."""
    return place(environment) / f"{environment.cluster}.kind.yaml"


def pod_network(environment: Environment) -> str:
    """The network that the cluster's pods are in: a configuration of the user's may have chosen another one."""
    try:
        told = yaml.safe_load(_made_from(environment).read_text())
    except OSError:
        return POD_NETWORK
    return str((told.get("networking") or {}).get("podSubnet") or POD_NETWORK)


def host_ports(config: dict[str, Any]) -> list[tuple[str, int]]:
    """Address and port on this machine of everything that the configuration leads into the cluster."""
    mappings = [m for node in config.get("nodes") or [] for m in node.get("extraPortMappings") or []]
    return [(m.get("listenAddress", "0.0.0.0"), int(m["hostPort"])) for m in mappings if m.get("hostPort")]  # noqa: S104


def refuse_taken_ports(config: dict[str, Any]) -> None:
    """Raises `RuntimeStateError` naming every port that is taken and who holds it."""
    if os.environ.get("DOCKER_HOST", "unix:").startswith(("tcp:", "ssh:")):
        return  # the ports are another machine's
    taken = [f"Port {holder.port} is held by {holder}." for at in host_ports(config) if (holder := holder_of(*at))]
    if taken:
        remedy = "End that process, or map other ports with a KIND_CONFIG. Nothing was created."
        raise RuntimeStateError("\n".join([*taken, remedy]))


def create(environment: Environment, reporter: Reporter, root: Path) -> None:
    """Makes the cluster, unless it stands. One that was begun and not finished is made anew.

    Raises `RuntimeStateError`, before anything is created when a port is taken or the name is somebody else's.
    """
    if standing(environment):
        return
    config = chosen_configuration(root)
    if exists(environment) or containers(environment):
        reporter.say(f"An interrupted run left cluster {environment.cluster!r} half made; it is made anew.")
        run(["kind", "delete", "cluster", "--name", environment.cluster], CREATE_SECONDS)
    refuse_taken_ports(config)
    _write(environment, Record(environment.cluster, time.time()))
    file = _made_from(environment)
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    reporter.doing("cluster", "creating")
    image = os.environ.get("KIND_NODE_IMAGE")
    command = ["kind", "create", "cluster", "--name", environment.cluster, "--config", str(file), "--wait", "120s"]
    run([*command, *(["--image", image] if image else [])], CREATE_SECONDS)
    _write(environment, Record(environment.cluster, time.time(), tuple(containers(environment).values())))
    reporter.done("cluster", f"{environment.cluster} is there")


def delete(environment: Environment, reporter: Reporter) -> bool:
    """Deletes the cluster if it is ours, half made ones too; whether there was anything. Raises `RuntimeStateError`."""
    ours = record(environment)
    if not exists(environment) and not (ours and containers(environment)):
        _record_path(environment).unlink(missing_ok=True)
        return False
    standing(environment)
    reporter.doing("cluster", "deleting")
    run(["kind", "delete", "cluster", "--name", environment.cluster], CREATE_SECONDS)
    _record_path(environment).unlink(missing_ok=True)
    reporter.done("cluster", f"{environment.cluster} is deleted")
    return True
