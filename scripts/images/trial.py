"""`make test-images`: builds every image and runs the kind overlay's pods with Docker alone.

Where no cluster can be had, this is what of one can be tried for real: each deployment's init containers and containers
run with the manifest's image, command, user, read-only root, dropped capabilities, memory limit, environment, volumes
and probes, in one network under the services' names. Then a prediction is asked for.

Base images come from `scripts/images/base.sh` unless PYTHON_IMAGE and the names of k8s/images.env say otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ontime.errors import OntimeError, RuntimeStateError
from ontime.runtime.kind import images, manifests
from ontime.runtime.kind.programs import last_words, run
from ontime.settings import ROOT, Environment

ORDER = (
    *("postgres", "redis", "mlflow", "ingest", "serving", "airflow-api-server", "airflow-scheduler"),
    *("airflow-dag-processor", "exporter", "dashboards", "prometheus", "alertmanager"),
)
NETWORK = "ontime-trial"
PYTHON, SERVICES = "ontime-trial/python:bookworm", "ontime-trial/services:bookworm"
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
INIT_SECONDS = 420.0
FLIGHT = {
    "flight_id": "2013-05-06-UA-1545-EWR",
    "carrier": "UA",
    "flight_number": 1545,
    "origin": "EWR",
    "destination": "IAH",
    "tail_number": "N14228",
    "sched_dep_at": "2013-05-06T16:00:00Z",
    "distance_miles": 1400,
    "scheduled_minutes": 240,
}


class Reporter:
    def say(self, text: str) -> None:
        print(text, flush=True)

    def doing(self, name: str, state: str) -> None:
        return

    def done(self, name: str, state: str) -> None:
        print(f"{name}: {state}", flush=True)


@dataclass
class Pods:
    """The rendered manifests, and where their volumes lie on this machine."""

    documents: list[dict[str, Any]]
    place: Path
    secrets: dict[str, str] = field(default_factory=dict)
    running: dict[str, str] = field(default_factory=dict)

    def named(self, kind: str, name: str) -> dict[str, Any]:
        return next(d for d in self.documents if d["kind"] == kind and d["metadata"]["name"] == name)

    def variables(self, container: Mapping[str, Any]) -> dict[str, str]:
        """The container's environment, `$(NAME)` put in as Kubernetes does."""
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            found |= self.named("ConfigMap", source["configMapRef"]["name"])["data"]
        for entry in container.get("env", []):
            if "value" in entry:
                value = str(entry["value"])
                for name, known in found.items():
                    value = value.replace(f"$({name})", known)
                found[entry["name"]] = value
            else:
                name = entry["valueFrom"]["secretKeyRef"]["name"]
                found[entry["name"]] = self.secrets.setdefault(name, secrets.token_urlsafe(18))
        return found

    def mounts(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
        """Docker's flags for the container's volumes, outer ones first."""
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        for mount in sorted(container.get("volumeMounts", []), key=lambda m: str(m["mountPath"])):
            volume = volumes[mount["name"]]
            if "emptyDir" in volume:
                source = Path(tempfile.mkdtemp(prefix=f"{mount['name']}-", dir=self.place))
                source.chmod(0o777)
            elif "configMap" in volume:
                source = self.place / f"configmap-{mount['name']}-{mount['subPath']}"
                source.write_text(self.named("ConfigMap", volume["configMap"]["name"])["data"][mount["subPath"]])
                source.chmod(0o644)
            else:
                source = self.place / volume["persistentVolumeClaim"]["claimName"]
                source.mkdir(exist_ok=True)
                os.chown(source, 10001, 10001)
            yield from ("--volume", f"{source}:{mount['mountPath']}{':ro' if mount.get('readOnly') else ''}")

    def command(self, pod: Mapping[str, Any], container: Mapping[str, Any], *flags: str) -> list[str]:
        """`docker run` that allows what the manifest allows."""
        who, may = pod["securityContext"], container["securityContext"]
        if not (may["readOnlyRootFilesystem"] and may["capabilities"]["drop"] == ["ALL"] and who["runAsNonRoot"]):
            raise RuntimeStateError(f"{container['name']} is allowed more than it should be.")
        told = [
            "docker",
            "run",
            "--network",
            NETWORK,
            "--user",
            f"{who['runAsUser']}:{who['runAsGroup']}",
            "--read-only",
        ]
        told += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        told += ["--memory", str(amount(container["resources"]["limits"]["memory"]))]
        for name, value in self.variables(container).items():
            told += ["--env", f"{name}={value}"]
        told += [*self.mounts(pod, container), *flags]
        words = [str(word) for word in (*container.get("command", []), *container.get("args", []))]
        if container.get("command"):
            return [*told, "--entrypoint", words[0], container["image"], *words[1:]]
        return [*told, container["image"], *words]


def amount(text: str) -> int:
    return int(float(text[:-2]) * UNITS[text[-2:]])


def healthy(probe: Mapping[str, Any], container: Mapping[str, Any], name: str) -> str:
    """Why the probe fails; empty when it does not."""
    if "exec" in probe:
        done = run(["docker", "exec", name, *probe["exec"]["command"]], 60, check=False)
        return "" if done.returncode == 0 else last_words(done, 2)
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
    told = json.loads(run(["docker", "inspect", name]).stdout)[0]
    address = told["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]
    if "tcpSocket" in probe:
        return ""
    get = probe["httpGet"]
    headers = {header["name"]: header["value"] for header in get.get("httpHeaders", [])}
    request = urllib.request.Request(f"http://{address}:{ports[get['port']]}{get['path']}", headers=headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5):
            return ""
    except (urllib.error.URLError, OSError) as error:
        return str(error)


def begin(pods: Pods, name: str) -> None:
    """Runs a deployment's pod until its probes pass. Raises `RuntimeStateError` with its last lines."""
    pod = pods.named("Deployment", name)["spec"]["template"]["spec"]
    began = time.monotonic()
    for container in pod.get("initContainers", []):
        done = run(pods.command(pod, container, "--rm"), INIT_SECONDS, check=False)
        if done.returncode != 0:
            raise RuntimeStateError(f"{name}'s init container {container['name']} failed: {last_words(done, 15)}")
    prepared = time.monotonic() - began
    container = pod["containers"][0]
    host = f"{NETWORK}-{name}"
    run(pods.command(pod, container, "--detach", "--name", host, "--network-alias", name), 60)
    pods.running[name] = host
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container[kind]
        deadline = time.monotonic() + probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10) + 60
        while why := healthy(probe, container, host):
            alive = run(["docker", "inspect", "--format", "{{.State.Running}}", host]).stdout.strip() == "true"
            if not alive or time.monotonic() > deadline:
                logs = run(["docker", "logs", "--tail", "25", host], check=False)
                said = f"{logs.stdout}{logs.stderr}"
                raise RuntimeStateError(f"{name}'s {kind} fails: {why}\n{said}")
            time.sleep(0.5)
    print(
        f"{name}: ready after {time.monotonic() - began:.1f} s, {prepared:.1f} of them in init containers", flush=True
    )


def predict(pods: Pods) -> None:
    """Asks for a prediction from a container in the network. Raises `RuntimeStateError`."""
    program = (
        "import sys, urllib.request as u; r = u.Request('http://serving:7102/predict', data=sys.argv[1].encode(), "
        "headers={'Content-Type': 'application/json'}); print(u.urlopen(r, timeout=20).read().decode())"
    )
    done = run(
        ["docker", "exec", pods.running["serving"], "python3", "-c", program, json.dumps(FLIGHT)], 60, check=False
    )
    if done.returncode != 0 or "late_probability" not in done.stdout:
        raise RuntimeStateError(f"No prediction was answered: {last_words(done)}")
    print(f"predicted: {done.stdout.strip()}", flush=True)


def measure(pods: Pods) -> None:
    """Memory of each container, and the size of each image."""
    told = run(["docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *pods.running.values()]).stdout
    for line in sorted(told.splitlines()):
        print(f"memory of {line.removeprefix(f'{NETWORK}-')}", flush=True)


def outside(pods: Pods) -> None:
    """What no pod may be able to do. Raises `RuntimeStateError` when one can."""
    host = pods.running["serving"]
    attempts = {
        "writes to its root": ["python3", "-c", "open('/opt/ontime/x', 'w')"],
        "has a shell": ["sh", "-c", "true"],
        "is root": ["python3", "-c", "import os, sys; sys.exit(os.getuid() != 0)"],
    }
    for what, command in attempts.items():
        if run(["docker", "exec", host, *command], check=False).returncode == 0:
            raise RuntimeStateError(f"The serving container {what}, and must not.")
    print("serving: no writable root, no shell, no root", flush=True)


@contextmanager
def network() -> Iterator[None]:
    run(["docker", "network", "create", NETWORK], check=False)
    try:
        yield
    finally:
        run(["docker", "network", "rm", NETWORK], check=False)


def needed() -> str:
    """Why the trial is impossible here; empty when it is not."""
    if shutil.which("docker") is None:
        return "there is no docker on PATH"
    if run(["docker", "info"], 20, check=False).returncode != 0:
        return "no Docker daemon answers (Debian: apt-get install --no-install-recommends docker.io, then dockerd)"
    if shutil.which("kubectl") is None:
        return "there is no kubectl on PATH, which renders the manifests"
    if "PYTHON_IMAGE" not in os.environ and (shutil.which("debootstrap") is None or os.geteuid() != 0):
        return "making base images needs debootstrap and root; or name a PYTHON_IMAGE and the images of k8s/images.env"
    return ""


def bases() -> None:
    """Makes base images of Debian's packages, and has everything use them."""
    subprocess.run([str(ROOT / "scripts/images/base.sh")], check=True)
    os.environ |= {"PYTHON_IMAGE": PYTHON, "KUBECTL_IMAGE": SERVICES}
    for name in images.listed(ROOT):
        os.environ.setdefault(name, SERVICES)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the containers running")
    keep = parser.parse_args().keep
    if reason := needed():
        print(f"test-images: skipped, since {reason}")
        return 0
    if "PYTHON_IMAGE" not in os.environ:
        bases()
    place = Path(tempfile.mkdtemp(prefix="ontime-trial-"))
    place.chmod(0o755)
    here = Environment(state=place / "runtime", runtime="kind")
    pods = Pods([], place)
    try:
        given = images.arguments(ROOT)
        label = images.tag(ROOT, given)
        images.build(ROOT, Reporter(), given, label, [t for t in images.TARGETS if t != "workstation"])
        pods.documents = [d for d in yaml.safe_load_all(manifests.render(here, ROOT, label)) if d]
        with network():
            try:
                for name in ORDER:
                    begin(pods, name)
                predict(pods)
                outside(pods)
                measure(pods)
            finally:
                if not keep and pods.running:
                    run(["docker", "rm", "--force", *pods.running.values()], 120, check=False)
    except OntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
    print(f"{len(ORDER)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
