"""The images: ours are built under tags made from their content, third-party ones come from the one list.

Everything that is on this machine is loaded into the cluster, so that no pod has to fetch anything.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ontime.errors import ConfigError, RuntimeStateError
from ontime.runtime.kind.cluster import containers, place
from ontime.runtime.kind.kubectl import Kubectl
from ontime.runtime.kind.programs import last_words, run
from ontime.runtime.release import EXPORTED
from ontime.runtime.reporter import Reporter
from ontime.settings import Environment

TARGETS = ("serving", "ingest", "mlflow", "monitoring", "history", "airflow", "workstation")
RECIPE = ("Dockerfile", ".dockerignore", "uv.lock", "scripts/images/packages.sh")
PASSED = ("PYTHON_IMAGE", "WORKSTATION_IMAGE", "PROMETHEUS_IMAGE", "KUBECTL_IMAGE", "INDEX_URL")
"""Variables that reach the build as arguments of the same name."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
BUILD_SECONDS = 3600.0
LOAD_SECONDS = 1800.0
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
"""The taint that keeps pods away from a control plane."""


def list_of(root: Path) -> dict[str, str]:
    """`k8s/images.env`: the third-party images by name, each as a variable of that name overrides it."""
    path = root / "k8s" / "images.env"
    found = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name.strip()] = os.environ.get(name.strip()) or value.strip()
    for name, value in found.items():
        if value.endswith(":latest") or not (split(value)[1] or "@" in value):
            raise ConfigError.of(
                name, value, "an image with a fixed tag or a digest; latest is fetched again each time"
            )
    return found


def listed(root: Path) -> dict[str, str]:
    """The same without overrides: what the manifests name."""
    lines = (root / "k8s" / "images.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def tree_hash(root: Path, paths: Iterable[str], more: str = "") -> str:
    """12 hex digits over names and contents; bytecode does not count."""
    total = hashlib.sha256(more.encode())
    for path in paths:
        top = root / path
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc":
                total.update(f"{file.relative_to(root).as_posix()}\0".encode())
                total.update(file.read_bytes())
    return total.hexdigest()[:12]


def arguments(root: Path, node_image: str | None = None) -> dict[str, str]:
    """The build's arguments. kubectl comes out of the node's image unless another one is named."""
    found = {name: value for name in PASSED if (value := os.environ.get(name))}
    found.setdefault("PROMETHEUS_IMAGE", list_of(root)["PROMETHEUS_IMAGE"])
    if node_image:
        found.setdefault("KUBECTL_IMAGE", node_image)
    return found


def tag(root: Path, given: dict[str, str]) -> str:
    """The tag of all our images: what they are made from, and out of which bases."""
    return tree_hash(root, (*RECIPE, *EXPORTED), repr(sorted(given.items())))


def node_image(environment: Environment) -> str | None:
    """The image that the cluster's nodes run, or None when there are none."""
    nodes = list(containers(environment))
    if not nodes:
        return None
    return run(["docker", "inspect", "--format", "{{.Config.Image}}", nodes[0]]).stdout.strip() or None


def on_machine(image: str) -> bool:
    return run(["docker", "image", "inspect", image], check=False).returncode == 0


def build(
    root: Path, reporter: Reporter, given: dict[str, str], label: str, targets: Iterable[str] = TARGETS
) -> list[str]:
    """Builds what is missing; returns all names, tagged `label`. Raises `RuntimeStateError`."""
    names = []
    for target in targets:
        name = f"ontime/{target}:{label}"
        names.append(name)
        if not on_machine(name):
            reporter.doing(f"image {target}", "building")
            build_one(root, name, {**given, "REVISION": tree_hash(root, EXPORTED)}, target)
        reporter.done(f"image {target}", name)
    return names


def build_one(
    root: Path, name: str, given: dict[str, str], target: str | None = None, file: str = "Dockerfile"
) -> None:
    told = {**given, **{proxy: os.environ[proxy] for proxy in PROXIES if os.environ.get(proxy)}}
    flags = [part for key, value in told.items() for part in ("--build-arg", f"{key}={value}")]
    certificates = os.environ.get("CA_CERTIFICATES") or os.environ.get("SSL_CERT_FILE")
    if certificates:
        if not Path(certificates).is_file():
            raise ConfigError.of("CA_CERTIFICATES", certificates, "a file with certificates in PEM")
        flags += ["--secret", f"id=ca,src={certificates}"]
    if network := os.environ.get("BUILD_NETWORK"):
        flags += ["--network", network]
    chosen = ["--target", target] if target else []
    done = run(
        ["docker", "build", *chosen, "--tag", name, "--file", str(root / file), *flags, str(root)],
        BUILD_SECONDS,
        check=False,
        variables={"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"},
    )
    if done.returncode != 0:
        raise RuntimeStateError(
            f"The image {name} could not be built: {last_words(done, 12)}\n"
            "Base images and the package index can be others: PYTHON_IMAGE, PROMETHEUS_IMAGE, KUBECTL_IMAGE, "
            "INDEX_URL, CA_CERTIFICATES. See docs/cluster.md."
        )


def load(environment: Environment, reporter: Reporter, names: Iterable[str]) -> list[str]:
    """Puts images of this machine on every node with pods that lacks them; returns those that this machine lacks."""
    nodes = _with_pods(environment)
    there = {node: _on_node(node) for node in nodes}
    missing: list[str] = []
    wanted: list[str] = []
    for name in names:
        if all(canonical(name) in held for held in there.values()):
            continue
        (wanted if on_machine(name) else missing).append(name)
    if wanted:
        reporter.doing("images", f"loading {len(wanted)} into {', '.join(nodes)}")
        _load(environment, wanted, nodes)
        reporter.done("images", f"{len(wanted)} loaded into {', '.join(nodes)}")
    return missing


def _with_pods(environment: Environment) -> list[str]:
    """The nodes that get pods: a control plane gets none while there are others."""
    listed = Kubectl.of(environment).get("nodes")["items"]
    closed = {
        node["metadata"]["name"]
        for node in listed
        if any(taint["key"] == CONTROL_PLANE for taint in node["spec"].get("taints", []))
    }
    nodes = list(containers(environment))
    return [node for node in nodes if node not in closed] or nodes


def _load(environment: Environment, names: list[str], nodes: list[str]) -> None:
    """All in one archive, which holds layers that several share once.

    kind's own way first; it refuses images of which only one platform is here: those the nodes take directly.
    """
    command = ["kind", "load", "docker-image", *names, "--name", environment.cluster, "--nodes", ",".join(nodes)]
    with _room_for_archives(environment) as room:
        done = run(command, LOAD_SECONDS, check=False, variables={"TMPDIR": str(room)})
    if done.returncode == 0:
        return
    take = "ctr --namespace=k8s.io images import --snapshotter=overlayfs -"
    for node in nodes:
        script = f'node="$1"; shift; docker save "$@" | docker exec -i "$node" {take}'
        again = run(["sh", "-c", script, "sh", node, *names], LOAD_SECONDS, check=False)
        if again.returncode != 0:
            what = ", ".join(names)
            raise RuntimeStateError(f"{what} could not be loaded into {node}: {last_words(done)}\n{last_words(again)}")


@contextmanager
def _room_for_archives(environment: Environment) -> Iterator[Path]:
    """Where kind writes gigabytes, which it leaves behind when it is interrupted."""
    room = place(environment) / "archives"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _on_node(node: str) -> frozenset[str]:
    done = run(["docker", "exec", node, "ctr", "--namespace=k8s.io", "images", "list", "-q"], check=False)
    return frozenset(done.stdout.split())


def canonical(name: str) -> str:
    """The name as a node knows it: `redis:7` is `docker.io/library/redis:7`."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"


def split(name: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image; what is not there is empty."""
    name, _, digest = name.partition("@")
    repository, colon, label = name.rpartition(":")
    if not colon or "/" in label:
        return name, "", digest
    return repository, label, digest
