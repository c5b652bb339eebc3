"""Rendered manifests: every overlay, and the base with every combination of components."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache, lru_cache
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from ontime.runtime.kind.programs import KUBECTL, version_of

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
OVERLAYS = ("kind", "cluster")
HARNESS = ("platform", "desk")
"""Overlays of the interviewer's side, where it is there."""
COMPONENTS = ("network-policies", "grafana", "workstation", "autoscaling", "kubernetes-executor", "object-storage")
NEEDS = {"grafana": {"network-policies"}}
"""Components that patch what another one brings."""

Document = dict[str, Any]


def combinations_of_components() -> list[tuple[str, ...]]:
    every = chain.from_iterable(combinations(COMPONENTS, size) for size in range(len(COMPONENTS) + 1))
    return [c for c in every if all(NEEDS.get(name, set()) <= set(c) for name in c)] + [
        ("network-policies", "monitoring-only"),
        ("monitoring-only",),
    ]


@lru_cache(maxsize=1)
def scratch() -> Path:
    place = Path(tempfile.mkdtemp(prefix="ontime-k8s-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


@cache
def why_not() -> str:
    """Why nothing can be rendered here; empty when it can."""
    if shutil.which("kubectl") is None:
        return "kubectl is not on PATH: it renders the manifests. `make setup` installs it where it can be had"
    version = version_of(KUBECTL)
    if version is None or version < KUBECTL.least:
        return f"kubectl on PATH is {version}, and what renders the manifests has to be {KUBECTL.least} or newer"
    return ""


def kustomize(directory: Path) -> str:
    if reason := why_not():
        pytest.skip(reason)
    done = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def overlay(name: str) -> str:
    return kustomize(K8S / "overlays" / name)


@cache
def combination(components: tuple[str, ...]) -> str:
    """The base with these components and the one list of images."""
    place = scratch() / ("-".join(components) or "base")
    place.mkdir(exist_ok=True)

    def relative(path: Path) -> str:
        return os.path.relpath(path, place.resolve())

    told = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "ontime",
        "resources": [relative(K8S / "base")],
        "components": [*(relative(K8S / "components" / name) for name in components), relative(K8S / "images")],
    }
    (place / "kustomization.yaml").write_text(yaml.safe_dump(told))
    return kustomize(place)


def documents(text: str) -> list[Document]:
    return [document for document in yaml.safe_load_all(text) if document]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`manifests` is each of them in turn, as text."""
    if "manifests" in metafunc.fixturenames:
        sources = [("overlay", name) for name in OVERLAYS]
        sources += [("components", names) for names in combinations_of_components()]
        sources += [("harness", name) for name in HARNESS if (ROOT / "interview" / "k8s" / name).is_dir()]
        ids = [f"{kind}-{name if isinstance(name, str) else '+'.join(name) or 'none'}" for kind, name in sources]
        metafunc.parametrize("manifests", sources, ids=ids, indirect=True)


@pytest.fixture
def manifests(request: pytest.FixtureRequest) -> str:
    kind, name = request.param
    if kind == "harness":
        return kustomize(ROOT / "interview" / "k8s" / name)
    return overlay(name) if kind == "overlay" else combination(name)
