"""Secrets of the platform: made when they are missing, sent on standard input, never written to a file."""

from __future__ import annotations

import json
import secrets

from ontime.runtime.kind.kubectl import Kubectl

NAMES = ("postgres", "redis", "grafana")


def manifest(name: str, namespace: str, **values: str) -> str:
    told = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "ontime"}},
        "type": "Opaque",
        "stringData": values,
    }
    return json.dumps(told)


def ensure(kubectl: Kubectl) -> list[str]:
    """Makes those that are not there; returns their names. Those that are there stay: databases were made with them."""
    made = []
    for name in NAMES:
        if not kubectl.exists("secret", name):
            kubectl("create", "-f", "-", text=manifest(name, kubectl.namespace, password=secrets.token_urlsafe(24)))
            made.append(name)
    return made
