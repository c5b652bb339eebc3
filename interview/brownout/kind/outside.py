"""The interviewer's commands on kind, from the interviewer's shell: made here, carried out in the proctor's pod.

`up` makes cluster, images, platform and the desk's namespace, brings the flights there (no pod fetches anything), and
then says `brownout up` in the pod. `down` deletes both namespaces, and the cluster with the last one. Everything else
is passed on as it is.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from brownout.errors import StackError
from brownout.kind import as_applied, places
from brownout.settings import ROOT, Harness, harness
from brownout.world import dataset
from ontime.errors import ConfigError
from ontime.runtime.kind import checks, cluster, images, manifests, pods, stack
from ontime.runtime.kind.kubectl import Kubectl, context_of, inside
from ontime.runtime.kind.programs import run
from ontime.runtime.lock import exclusive
from ontime.runtime.reporter import Reporter
from ontime.settings import Environment, environment

IMAGE = "brownout/proctor"
PROCTOR = "proctor"
WORKSTATION = "workstation"
READY_SECONDS = 300.0
NODE_PORTS = {7201: 30201, 7203: 30203, 7206: 30206}
USER = 10001
OF_THE_CHECKOUT = frozenset({"docs"})
"""Commands about the code, wherever the stack runs."""
OF_ONE_MACHINE = frozenset({"bench", "quiet"})
"""Commands that copy and measure processes."""
SETTINGS = ("BROWNOUT_CONSOLE_URL", "BROWNOUT_PACKS", "BROWNOUT_SPEED", "BROWNOUT_WAY_IN_URL")
"""Variables of whoever says `up` that the desk's pod gets too."""
RECORD = "--record"
CHECKOUT = Path("/opt/brownout")
"""Where the harness's image has the checkout."""


def wanted(arguments: Sequence[str]) -> bool:
    """Whether a command has to be carried out in the cluster, and this process is not there."""
    if inside() or environment().runtime != "kind":
        return False
    named = command_of(arguments)
    return bool(named) and named not in OF_THE_CHECKOUT


def command_of(arguments: Sequence[str]) -> str:
    """The command's name; empty when there are only options."""
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def namespace_from(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The value of `--namespace`, and the arguments without it. Raises `ConfigError` when it has none."""
    rest = list(arguments)
    for place, argument in enumerate(rest):
        if argument == "--":
            break
        if argument.startswith("--namespace="):
            return argument.partition("=")[2], rest[:place] + rest[place + 1 :]
        if argument == "--namespace":
            if place + 1 == len(rest):
                raise ConfigError("--namespace needs a name.")
            return rest[place + 1], rest[:place] + rest[place + 2 :]
    return None, rest


def main(arguments: Sequence[str]) -> int:
    """Carries out one command. Raises `RuntimeStateError`, `ConfigError`."""
    from ontime.cli.output import reporting

    rest = list(arguments)
    here = environment()
    command, begun = command_of(rest), time.monotonic()
    if command in OF_ONE_MACHINE:
        raise ConfigError(f"brownout {command} looks at the processes of one machine. Say RUNTIME=local.")
    if command == "up":
        with reporting() as reporter, exclusive(here, "up"):
            furnish(here, harness(), reporter)
    elif command == "down":
        with reporting() as reporter:
            down(here, reporter)
        return 0
    elif command == "preflight":
        return preflight()
    else:
        cluster.require(here)
    if command == "prove" and (limit := os.environ.get("PROVE_LIMIT")) and "--limit" not in rest:
        rest += ["--limit", limit]
    if command == "prove" and RECORD in rest:
        return prove(here, rest)
    code = pass_on(here, rest)
    if command == "up" and code == 0:
        print(f"With cluster, images and flights: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return code


def preflight() -> int:
    """Says whether this machine can run it all in kind; 0 when it can."""
    found = checks.findings()
    for finding in found:
        print(f"{'ok ' if finding.good else 'NO '} {finding.what}: {finding.told}")
    return 0 if all(finding.good for finding in found if finding.needed) else 1


def pass_on(here: Environment, arguments: Sequence[str]) -> int:
    """Runs a command in the proctor's pod, with this terminal when there is one; its exit code."""
    terminal = "-it" if sys.stdin.isatty() and sys.stdout.isatty() else "-i"
    return subprocess.run(_in_the_pod(here, arguments, terminal), check=False).returncode


def _in_the_pod(here: Environment, arguments: Sequence[str], terminal: str = "-i") -> list[str]:
    told = ["exec", terminal, f"deployment/{PROCTOR}", "-c", PROCTOR, "--", "python3", "-P", "-m", "brownout.cli"]
    return Kubectl(context_of(here), places.desk_of(here)).command(*told, *arguments)


def prove(here: Environment, arguments: Sequence[str]) -> int:
    """Proves in the proctor's pod and publishes here, where the checkout is; the proof's exit code."""
    from brownout.proof import published
    from brownout.proof.prove import Proved
    from brownout.reference import write

    told = [argument for argument in arguments if argument not in (RECORD, "--json")]
    done = subprocess.run(_in_the_pod(here, [*told, "--json"]), stdout=subprocess.PIPE, text=True, check=False)
    for raw in json.loads(done.stdout or "[]"):
        published.publish(Proved.of(raw))
    write()
    if "--json" in arguments:
        print(done.stdout, end="")
    return done.returncode


def furnish(here: Environment, ours: Harness, reporter: Reporter) -> None:
    """Everything up to a proctor's pod that is ready and has the flights."""
    checks.require()
    interview = ROOT / "interview" / "k8s"
    ports = (ROOT / "k8s" / "components" / "node-ports", interview / "ports") if places.first(here) else ()
    known = False
    if cluster.standing(here):
        cluster.require_context(here)
        known = Kubectl.of(here).exists("deployment", WORKSTATION)
    tag = stack.furnish(here, reporter, ROOT, interview / "platform", ports, lambda tag: [_image(reporter, tag)])
    platform, desk = Kubectl(context_of(here), here.namespace), Kubectl(context_of(here), places.desk_of(here))
    if not known:
        platform("scale", "--replicas=0", f"deployment/{WORKSTATION}")
    for volume in volumes(here, _directory(here)):
        provide(desk, volume)
    if not desk.exists("namespace", desk.namespace):
        desk("create", "namespace", desk.namespace)
    desk("apply", "-f", "-", text=json.dumps(_stores(platform, desk)))
    platform("apply", "-f", "-", text=json.dumps(binding(here)))
    applied = (manifests.directory(here) / "applied.yaml").read_text()
    for document in allowed_images(here, manifests.image_names(applied)):
        platform("apply", "-f", "-", text=json.dumps(document))
    desk("apply", "-f", "-", text=json.dumps(as_applied.kept(applied)))
    rendered = run(["kubectl", "kustomize", str(interview / "desk")]).stdout
    documents = adapted(list(yaml.safe_load_all(rendered)), here, _image_of(tag)[0])
    desk("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))
    pods.wait(desk, reporter, [PROCTOR], READY_SECONDS)
    _bring_flights(desk, ours, reporter)


def provide(kubectl: Kubectl, volume: dict[str, Any]) -> None:
    """Makes the volume, or frees it of a claim that is gone: after an interrupted `down` it would wait for that one."""
    name = volume["metadata"]["name"]
    if not kubectl.exists("persistentvolume", name):
        kubectl("create", "-f", "-", text=json.dumps(volume))
    elif kubectl.get("persistentvolume", name)["status"]["phase"] == "Released":
        any_claim = {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
        kubectl("patch", "persistentvolume", name, "--type=merge", "-p", json.dumps(any_claim))


def _image_of(tag: str) -> tuple[str, dict[str, str]]:
    """The harness's image on top of the platform's workstation with that tag: its name, and its build's arguments."""
    given = {
        "WORKSTATION_IMAGE": f"ontime/workstation:{tag}",
        "PROMETHEUS_IMAGE": images.list_of(ROOT)["PROMETHEUS_IMAGE"],
    }
    label = images.tree_hash(ROOT, ("interview", "tests", "Makefile", "README.md"), repr(given))
    return f"{IMAGE}:{label}", given


def _image(reporter: Reporter, tag: str) -> str:
    """The harness's image, built when it is not there. It is loaded with those that it shares its layers with."""
    name, given = _image_of(tag)
    if not images.on_machine(name):
        reporter.doing("image proctor", "building")
        images.build_one(ROOT, name, given, file="interview/Dockerfile")
    reporter.done("image proctor", name)
    return name


def _directory(here: Environment) -> str:
    """Makes the directory of all platform state on a node; returns the node's name."""
    nodes = sorted(cluster.containers(here))
    node = next((name for name in nodes if "worker" in name), nodes[0])
    flags = ["-d", "-o", str(USER), "-g", str(USER), "-m", "0770"]
    run(["docker", "exec", node, "install", *flags, state_path(here)])
    return node


def state_path(here: Environment) -> str:
    return f"/var/lib/ontime/{here.namespace}"


def volumes(here: Environment, node: str) -> list[dict[str, Any]]:
    """Two volumes over one directory, one for the platform's claim and one for the desk's."""
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"state-{namespace}", "labels": {"ontime/volume": "state"}},
            "spec": {
                "capacity": {"storage": "8Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": "",
                "claimRef": {"namespace": namespace, "name": "state"},
                "local": {"path": state_path(here)},
                "nodeAffinity": {
                    "required": {
                        "nodeSelectorTerms": [
                            {
                                "matchExpressions": [
                                    {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
                                ]
                            }
                        ]
                    }
                },
            },
        }
        for namespace in (here.namespace, places.desk_of(here))
    ]


def binding(here: Environment) -> dict[str, Any]:
    """Lets the proctor operate the platform's namespace, and no other."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "operations", "namespace": here.namespace},
        "subjects": [{"kind": "ServiceAccount", "name": PROCTOR, "namespace": places.desk_of(here)}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operations"},
    }


def allowed_images(here: Environment, names: Sequence[str]) -> list[dict[str, Any]]:
    """Lets pods of the platform's namespace run the platform's images only.

    Whoever may change a deployment could otherwise run the harness's image, which lies on the same nodes.
    """
    known = ", ".join(f"'{name}'" for name in names if not name.startswith("ontime/"))
    one = f"c.image.startsWith('ontime/') || c.image in [{known}]"
    kinds = ("containers", "initContainers", "ephemeralContainers")
    rules = [f"(!has(object.spec.{kind}) || object.spec.{kind}.all(c, {one}))" for kind in kinds]
    name = f"images-of-{here.namespace}"
    what = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["pods", "pods/ephemeralcontainers"],
    }
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [what]},
        "validations": [{"expression": " && ".join(rules), "message": "this image is none of the platform's"}],
    }
    where = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": here.namespace}}}
    bound = {"policyName": name, "validationActions": ["Deny"], "matchResources": where}
    group = "admissionregistration.k8s.io/v1"
    return [
        {"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": policy},
        {"apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": bound},
    ]


def _stores(platform: Kubectl, desk: Kubectl) -> dict[str, Any]:
    """The passwords of the platform's databases, for the desk's namespace."""

    def password(name: str) -> str:
        return base64.b64decode(platform.get("secret", name)["data"]["password"]).decode()

    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "stores", "namespace": desk.namespace},
        "stringData": {"postgres": password("postgres"), "redis": password("redis")},
    }


def adapted(documents: list[dict[str, Any]], here: Environment, image: str) -> list[dict[str, Any]]:
    """The desk's manifests for this image, cluster and namespace; in the default one, with this machine's ports."""
    text = json.dumps(documents).replace(f"{IMAGE}:unbuilt", image)
    text = text.replace(cluster.POD_NETWORK, cluster.pod_network(here))
    found: list[dict[str, Any]] = json.loads(text)
    for document in found:
        if document["kind"] == "Namespace":
            document["metadata"]["name"] = places.desk_of(here)
        else:
            document["metadata"]["namespace"] = places.desk_of(here)
        if document["kind"] == "Deployment":
            for container in document["spec"]["template"]["spec"]["containers"]:
                for variable in container["env"]:
                    if variable["name"] == "ONTIME_NAMESPACE":
                        variable["value"] = here.namespace
                container["env"] += [{"name": name, "value": value} for name, value in settings(here).items()]
        if document["kind"] == "NetworkPolicy":
            _lead_to(document["spec"], here.namespace)
        if document["kind"] == "Service" and places.first(here):
            document["spec"]["type"] = "NodePort"
            for port in document["spec"]["ports"]:
                port["nodePort"] = NODE_PORTS[port["port"]]
    return found


def settings(here: Environment) -> dict[str, str]:
    """This shell's settings as the desk's pod needs them. Raises `ConfigError` for a pack that its image lacks."""
    found = {} if places.first(here) else dict(places.FURTHER)
    found |= {name: value for name in SETTINGS if (value := os.environ.get(name))}
    if packs := found.get("BROWNOUT_PACKS"):
        found["BROWNOUT_PACKS"] = ":".join(
            str(CHECKOUT / _in_checkout(Path(pack))) for pack in packs.split(":") if pack
        )
    return found


def _in_checkout(pack: Path) -> Path:
    try:
        return pack.resolve().relative_to(ROOT)
    except ValueError as error:
        raise ConfigError.of(
            "BROWNOUT_PACKS", str(pack), f"a directory below {ROOT}: the proctor's image holds that"
        ) from error


def _lead_to(node: Any, namespace: str) -> None:
    """Makes every selector of the default platform's namespace one of `namespace`."""
    if isinstance(node, dict):
        if node.get("kubernetes.io/metadata.name") == manifests.DEFAULT_NAMESPACE:
            node["kubernetes.io/metadata.name"] = namespace
        for value in node.values():
            _lead_to(value, namespace)
    elif isinstance(node, list):
        for value in node:
            _lead_to(value, namespace)


def _bring_flights(desk: Kubectl, ours: Harness, reporter: Reporter) -> None:
    """Copies the canonical events into the pod, unless it has them."""
    there = desk("exec", f"deployment/{PROCTOR}", "-c", PROCTOR, "--", "ls", "/records/data", check=False)
    local = dataset.ensure(ours.data)
    directory = local if isinstance(local, Path) and local.is_dir() else ours.data
    missing = {path.name for path in directory.iterdir()} - set(there.stdout.split())
    if not missing:
        return
    reporter.doing("flights", "copying")
    into = desk.command(
        *("exec", "-i", f"deployment/{PROCTOR}", "-c", PROCTOR, "--"),
        *("sh", "-c", "mkdir -p /records/data && tar -x -C /records/data"),
    )
    with subprocess.Popen(["tar", "-C", str(directory), "-c", "."], stdout=subprocess.PIPE) as packing:
        done = subprocess.run(into, stdin=packing.stdout, capture_output=True, text=True, check=False)
    if done.returncode != 0 or packing.returncode != 0:
        raise StackError(f"The flights could not be copied to the proctor's pod: {done.stderr.strip()[-300:]}")
    reporter.done("flights", "copied")


def down(here: Environment, reporter: Reporter) -> None:
    """Deletes the desk and its volumes, then what the platform's runtime deletes."""
    if cluster.standing(here):
        cluster.require_context(here)
        desk = Kubectl(context_of(here), places.desk_of(here))
        reporter.doing("desk", "deleting")
        desk("delete", "namespace", desk.namespace, "--ignore-not-found", "--timeout=120s", seconds=150)
        reporter.done("desk", f"{desk.namespace} is deleted")
    stack.down(here, reporter)
    if cluster.standing(here):
        kubectl = Kubectl(context_of(here), here.namespace)
        for document in allowed_images(here, []):
            kubectl("delete", document["kind"], document["metadata"]["name"], "--ignore-not-found")
        names = [volume["metadata"]["name"] for volume in volumes(here, "")]
        kubectl("delete", "persistentvolume", *names, "--ignore-not-found", "--timeout=60s", seconds=90)
        node = next((name for name in sorted(cluster.containers(here)) if "worker" in name), None)
        if node is not None:
            run(["docker", "exec", node, "rm", "-rf", state_path(here)], check=False)


def take_namespace(arguments: Sequence[str]) -> list[str]:
    """Puts `--namespace` into the environment, where the settings read it. Raises `ConfigError` off Kubernetes."""
    name, rest = namespace_from(arguments)
    if name is not None:
        if os.environ.get("ONTIME_RUNTIME", "local") != "kind":
            raise ConfigError("--namespace runs an interview in a Kubernetes namespace: it needs RUNTIME=kind.")
        os.environ["ONTIME_NAMESPACE"] = name
    return rest
