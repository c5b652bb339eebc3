"""`python -m ontime.runtime.pod_template DEPLOYMENT FILE`: a deployment's pod, written as Airflow's executor wants it.

The deployment itself runs nothing: it stands in the manifests so that overlays set the image of Airflow's tasks as
they set any other. Asks the API server with this pod's own token.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import httpx
import yaml

from ontime.errors import OntimeError, RuntimeStateError
from ontime.settings import environment

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    """The pod of a deployment's template, that ends when its work does."""
    template = deployment["spec"]["template"]
    metadata = {"name": deployment["metadata"]["name"], "labels": template["metadata"].get("labels", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**template["spec"], "restartPolicy": "Never"},
    }


def fetch(namespace: str, name: str, account: Path = ACCOUNT) -> dict[str, Any]:
    """Raises `RuntimeStateError` with what the API server said."""
    base = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ.get('KUBERNETES_SERVICE_PORT', '443')}"
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    headers = {"Authorization": f"Bearer {(account / 'token').read_text().strip()}"}
    try:
        answer = httpx.get(base + path, headers=headers, verify=str(account / "ca.crt"), timeout=15, trust_env=False)
    except httpx.HTTPError as error:
        raise RuntimeStateError(f"The API server does not answer: {error}") from error
    if answer.is_error:
        raise RuntimeStateError(f"The API server answered {answer.status_code} for {path}: {answer.text[:300]}")
    told: dict[str, Any] = answer.json()
    return told


if __name__ == "__main__":
    try:
        found = pod_of(fetch(environment().namespace, sys.argv[1]))
        Path(sys.argv[2]).write_text(yaml.safe_dump(found, sort_keys=False))
    except OntimeError as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
