"""What is applied: an overlay of the tracked manifests that adds this machine's image names and the namespace.

It is written into the state and rendered by `kubectl kustomize`, so that what was applied can be read afterwards.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ontime.runtime.kind import images
from ontime.runtime.kind.cluster import POD_NETWORK, place, pod_network
from ontime.runtime.kind.programs import run
from ontime.settings import Environment

DEFAULT_NAMESPACE = "ontime"
GRAFANA_PORT = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "grafana"},
    "spec": {"type": "NodePort", "ports": [{"name": "http", "port": 7109, "targetPort": "http", "nodePort": 30109}]},
}
"""Where kind.yaml leads 127.0.0.1:7109, when Grafana is there."""


def image_entries(root: Path, tag: str, targets: tuple[str, ...] = images.TARGETS) -> list[dict[str, str]]:
    """kustomize's `images`: our tags, and what replaces third-party images."""
    entries = [{"name": f"ontime/{target}", "newTag": tag} for target in targets]
    wanted = images.list_of(root)
    for name, value in images.listed(root).items():
        repository, label, digest = images.split(wanted[name])
        entry = {"newName": repository} | ({"digest": digest} if digest else {"newTag": label})
        if wanted[name] != value:
            entries.append({"name": images.split(value)[0], **entry})
        # What a component brings that comes after the list has its placeholder still.
        entries.append({"name": name, **entry})
    return entries


def overlay(
    environment: Environment, root: Path, tag: str, base: Path | None = None, components: Sequence[Path] = ()
) -> dict[str, Any]:
    """The kustomization, as it is when it lies in `directory(environment)`.

    The default namespace gets the NodePorts that kind.yaml leads to this machine. Further ones have no ports of their
    own: they are reached by `kubectl port-forward`.
    """
    here = directory(environment)
    k8s = root / "k8s"

    def relative(path: Path) -> str:
        return os.path.relpath(path.resolve(), here.resolve())

    told: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": environment.namespace,
    }
    first = environment.namespace == DEFAULT_NAMESPACE
    if base is not None:
        told["resources"] = [relative(base)]
        told["components"] = [relative(component) for component in components]
    elif first:
        told["resources"] = [relative(k8s / "overlays" / "kind")]
    else:
        told["resources"] = [relative(k8s / "base")]
        told["components"] = [relative(k8s / "components" / "network-policies"), relative(k8s / "images")]
    if os.environ.get("GRAFANA") == "true":
        told["components"] = [*told.get("components", []), relative(k8s / "components" / "grafana")]
        if first:
            told["patches"] = [{"patch": yaml.safe_dump(GRAFANA_PORT)}]
    if not first:
        told["configMapGenerator"] = [
            {"name": "ontime", "behavior": "merge", "literals": [f"ONTIME_NAMESPACE={environment.namespace}"]}
        ]
    told["images"] = image_entries(root, tag)
    return told


def directory(environment: Environment) -> Path:
    return place(environment) / f"overlay-{environment.namespace}"


def render(
    environment: Environment, root: Path, tag: str, base: Path | None = None, components: Sequence[Path] = ()
) -> str:
    """The manifests as YAML. Raises `RuntimeStateError` with what kustomize said."""
    here = directory(environment)
    here.mkdir(parents=True, exist_ok=True)
    file = here / "kustomization.yaml"
    # JSON is YAML in which a text stays a text: a tag such as 12e3 would be a number to kustomize.
    file.write_text(json.dumps(overlay(environment, root, tag, base, components), indent=2))
    text = run(["kubectl", "kustomize", str(here)], 60).stdout.replace(POD_NETWORK, pod_network(environment))
    (here / "applied.yaml").write_text(text)
    return text


def image_names(text: str) -> list[str]:
    """Every image that the manifests name, each once, in order."""
    found: dict[str, None] = {}

    def look(node: Any) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "image" and isinstance(value, str):
                    found[value] = None
                else:
                    look(value)
        elif isinstance(node, list):
            for value in node:
                look(value)

    for document in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        look(document)
    return list(found)
