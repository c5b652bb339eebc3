"""Every overlay and combination renders, is valid for Kubernetes, and keeps the rules that all pods keep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from kubernetes_validate import ValidationError, validate

from ontime.runtime import tools
from ontime.runtime.components import COMPONENTS
from ontime.settings import ROOT, Environment
from tests.k8s.conftest import HARNESS, kustomize, overlay

Document = dict[str, Any]
KUBERNETES = "1.36"
WORKS_TO_ITS_END = frozenset({"airflow-task"})
"""Pods that nobody asks anything: they have no probes."""
SPEAKS_WITH_THE_API = frozenset({"workstation", "airflow-scheduler", "proctor"})
OF_THE_NETWORK = 100
"""Millicores that kind's own network asks for on every node."""
FIXED = re.compile(r"^[\w./-]+(:\d+)?[\w./-]*(:[\w.-]+|@sha256:[0-9a-f]{64})$")


@cache
def documents(text: str) -> list[Document]:
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


VALID: set[str] = set()
"""What was validated already: most documents are the same in every combination."""


def pods(text: str) -> Iterator[tuple[str, Document]]:
    """Name and pod specification of everything that makes pods."""
    for document in documents(text):
        if document["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def containers(pod: Document) -> list[Document]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_it_is_valid_for_kubernetes(manifests: str) -> None:
    for document in documents(manifests):
        if (text := json.dumps(document, sort_keys=True)) in VALID:
            continue
        VALID.add(text)
        try:
            validate(document, KUBERNETES, strict=True)
        except ValidationError as error:
            pytest.fail(f"{document['kind']} {document['metadata']['name']}: {error.message} at {list(error.path)}")


def test_every_pod_is_restricted(manifests: str) -> None:
    """What Pod Security `restricted` enforces, and a read-only root besides."""
    for name, pod in pods(manifests):
        who = pod["securityContext"]
        assert (who["runAsNonRoot"], who["seccompProfile"]) == (True, {"type": "RuntimeDefault"}), name
        assert who["runAsUser"] >= 1000, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        assert all("hostPath" not in volume for volume in pod.get("volumes", [])), name
        for container in containers(pod):
            may = container["securityContext"]
            assert may["allowPrivilegeEscalation"] is False, name
            assert may["readOnlyRootFilesystem"] is True, name
            assert may["capabilities"] == {"drop": ["ALL"]}, name
            assert "privileged" not in may, name


def test_two_cores_hold_everything_twice_and_one_pod_more() -> None:
    """Two namespaces side by side, and in one of them a roll-out, which starts the next pod beside the one before.

    Where there is no room for that, no deploy ever ends.
    """
    places = [place for name in HARNESS if (place := ROOT / "interview" / "k8s" / name).is_dir()]
    rendered = [kustomize(place) for place in places] or [overlay("kind")]
    asked = [millicores(pod) for text in rendered for _, pod in pods(text)]

    assert len(asked) > 10
    assert 2 * sum(asked) + max(asked) + OF_THE_NETWORK <= 2_000


def millicores(pod: Document) -> int:
    """What the scheduler counts: all containers together, or the greediest of those that run before them."""
    first, beside = ([_cpu(c) for c in pod.get(part, [])] for part in ("initContainers", "containers"))
    return max([sum(beside), *first])


def test_preparing_a_pod_asks_for_no_more_than_the_pod(manifests: str) -> None:
    """What runs for seconds before a container would otherwise be set aside for it all day."""
    for name, pod in pods(manifests):
        for first in pod.get("initContainers", []):
            assert _cpu(first) <= sum(_cpu(c) for c in pod["containers"]), name
            assert _memory(first, "requests") <= sum(_memory(c, "requests") for c in pod["containers"]), name


def _memory(container: Document, which: str) -> int:
    """MiB."""
    told = str(container["resources"][which]["memory"])
    return int(told[:-2]) * {"Mi": 1, "Gi": 1024}[told[-2:]]


def _cpu(container: Document) -> int:
    told = str(container["resources"]["requests"]["cpu"])
    return int(told[:-1]) if told.endswith("m") else int(float(told) * 1000)


def test_every_container_has_requests_and_limits(manifests: str) -> None:
    for name, pod in pods(manifests):
        for container in containers(pod):
            resources = container["resources"]
            assert {"cpu", "memory"} == resources["requests"].keys() == resources["limits"].keys(), name


def test_every_long_running_container_has_three_probes_that_differ(manifests: str) -> None:
    for name, pod in pods(manifests):
        if name in WORKS_TO_ITS_END:
            continue
        for container in pod["containers"]:
            probes = [container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe")]
            assert probes[1] != probes[2], f"{name}: readiness and liveness ask the same"


def test_what_listens_on_the_pods_own_loopback_is_asked_inside_the_pod(manifests: str) -> None:
    """The kubelet comes from outside, and would be refused."""
    for name, pod in pods(manifests):
        for container in pod["containers"]:
            if "ontime.runtime.forward" in container.get("command", []):
                probes = [container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe")]
                assert all("exec" in probe for probe in probes), f"{name}: {container['name']}"


def test_no_image_is_latest_or_without_a_tag(manifests: str) -> None:
    for name, pod in pods(manifests):
        for container in containers(pod):
            assert FIXED.match(container["image"]), f"{name}: {container['image']}"
            assert not container["image"].endswith(":latest"), name
            assert container["imagePullPolicy"] == "IfNotPresent", name


def test_no_token_is_mounted_where_none_is_used(manifests: str) -> None:
    for name, pod in pods(manifests):
        if name not in SPEAKS_WITH_THE_API:
            assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, f"{name}: MLFLOW_PORT=tcp://… would be read as an option"


def test_namespaces_enforce_restricted_pods(manifests: str) -> None:
    for document in documents(manifests):
        if document["kind"] == "Namespace":
            assert document["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_secrets_are_never_part_of_it(manifests: str) -> None:
    assert [d for d in documents(manifests) if d["kind"] == "Secret"] == []


def chosen_by(policy: Document, labels: dict[str, str]) -> bool:
    selector = policy["spec"]["podSelector"]
    expressions = selector.get("matchExpressions", [])
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        e["operator"] == "In" and labels.get(e["key"]) in e["values"] for e in expressions
    )


def test_every_pod_has_a_network_policy_of_its_own(manifests: str) -> None:
    """Besides the one that denies everything, where there are policies at all."""
    found = documents(manifests)
    policies = [d for d in found if d["kind"] == "NetworkPolicy"]
    if not any(p["metadata"]["name"] == "nothing-by-default" for p in policies):
        pytest.skip("this combination leaves network policies out")
    deployments = [d for d in found if d["kind"] == "Deployment"]
    for deployment in deployments:
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        own = [p["metadata"]["name"] for p in policies if p["spec"]["podSelector"] and chosen_by(p, labels)]
        assert own, f"{deployment['metadata']['name']} has no network policy"


def test_every_port_that_a_policy_opens_is_listened_on(manifests: str) -> None:
    found = documents(manifests)
    ports = {
        d["metadata"]["name"]: {
            p["containerPort"] for c in d["spec"]["template"]["spec"]["containers"] for p in c.get("ports", [])
        }
        for d in found
        if d["kind"] == "Deployment"
    }
    for policy in (d for d in found if d["kind"] == "NetworkPolicy"):
        name = policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
        if name not in ports or name == "workstation":
            continue
        opened = {p["port"] for rule in policy["spec"].get("ingress", []) for p in rule.get("ports", [])}
        assert opened <= ports[name], f"{policy['metadata']['name']} opens {opened - ports[name]}"


def test_services_lead_to_pods_that_listen(manifests: str) -> None:
    found = documents(manifests)
    deployments = {d["metadata"]["name"]: d for d in found if d["kind"] == "Deployment"}
    for service in (d for d in found if d["kind"] == "Service"):
        deployment = deployments[service["spec"]["selector"]["app.kubernetes.io/name"]]
        listening = {
            p["name"] for c in deployment["spec"]["template"]["spec"]["containers"] for p in c.get("ports", [])
        }
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= listening, service["metadata"]["name"]


def test_memory_limits_are_those_of_the_local_runtime(manifests: str) -> None:
    """One figure a component, measured once. With the KubernetesExecutor the scheduler's tasks are elsewhere."""
    executor = "KubernetesExecutor" in manifests
    for name, pod in pods(manifests):
        if name not in COMPONENTS or (executor and name == "airflow-scheduler"):
            continue
        container = next(c for c in pod["containers"] if c["name"] == name)
        assert _memory(container, "limits") == COMPONENTS[name].memory_mib, name


def environment_of(text: str) -> Environment:
    """What the ConfigMap `ontime` tells every component."""
    found = [d["data"] for d in documents(text) if d["kind"] == "ConfigMap" and "ONTIME_STATE" in d.get("data", {})]
    if not found:
        pytest.skip("there is no platform in it")
    [told] = found
    return Environment(**{name.removeprefix("ONTIME_").lower(): value for name, value in told.items()})


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_what_is_not_ours_gets_the_options_that_it_gets_locally(
    manifests: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "find", lambda tool: tool)
    wanted = COMPONENTS[name].command(environment_of(manifests))[1:]
    container = dict(pods(manifests))[name]["containers"][0]
    said = " ".join([*container["command"], *container.get("args", [])]).split()

    assert sorted(word for word in said if word.startswith("--")) == sorted(wanted)


def test_whoever_asks_prometheus_asks_below_its_path(manifests: str) -> None:
    url = environment_of(manifests).prometheus_url
    [container] = dict(pods(manifests))["prometheus"]["containers"]
    asked = [container[kind]["httpGet"]["path"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")]

    assert all(path.startswith("/prometheus/-/") for path in asked)
    assert url.endswith("/prometheus")
    assert set(re.findall(r"http://prometheus:7105[^\s,'}\"]*", manifests)) == {url}
