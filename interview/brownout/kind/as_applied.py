"""Puts what people may change with kubectl back to what was applied: a baseline is more than files there.

The copy that counts is the desk's own, made when the manifests were applied; what lies in the platform's namespace,
annotations included, may have been edited by anybody there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment

KEPT = Path("/applied/applied.json")
"""Where the desk's pod has the copy."""
NAME = "applied"
KINDS = ("Deployment", "ConfigMap")
ROOT_CERTIFICATE = "kube-root-ca.crt"
"""Kubernetes' own, in every namespace."""
OF_A_DEPLOYMENT = ("template", "strategy")
"""Not the number of pods: that is decided by who starts and stops."""


def kept(text: str) -> dict[str, Any]:
    """The ConfigMap with the copy, for the desk's namespace, from the manifests as YAML."""
    documents = [d for d in yaml.safe_load_all(text) if d and d["kind"] in KINDS]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME},
        "data": {KEPT.name: json.dumps(documents, sort_keys=True)},
    }


def as_it_is(here: Environment) -> str:
    """What is there now, as `put_back` reads it. Raises `RuntimeStateError`."""
    found = Kubectl.of(here).get(",".join(f"{kind.lower()}s" for kind in KINDS))["items"]
    return json.dumps([one for one in found if one["metadata"]["name"] != ROOT_CERTIFICATE])


def put_back(here: Environment, place: Path = KEPT) -> None:
    """Makes every deployment's template and every ConfigMap's data what was applied. Raises `RuntimeStateError`."""
    kubectl = Kubectl.of(here)
    for document in json.loads(place.read_text()):
        name, kind = document["metadata"]["name"], document["kind"].lower()
        changes = [{"op": "add", "path": path, "value": value} for path, value in _wanted(document)]
        kubectl("patch", kind, name, "--type=json", "--patch", json.dumps(changes))


def _wanted(document: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Paths and what has to stand there. In a JSON patch, adding to a path that is there replaces it."""
    if document["kind"] == "ConfigMap":
        return [("/data", document.get("data", {}))]
    return [(f"/spec/{part}", document["spec"][part]) for part in OF_A_DEPLOYMENT]
