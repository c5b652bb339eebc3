from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes_validate import validate

from brownout import reference, secrecy
from brownout.kind import as_applied, forward, hold, outside
from brownout.proctor import prometheus
from brownout.proof import published
from brownout.settings import Harness
from ontime.errors import ConfigError
from ontime.runtime.kind import cluster
from ontime.runtime.kind.kubectl import Kubectl
from ontime.runtime.kind.programs import run
from ontime.settings import ROOT, Environment

DESK = ROOT / "interview" / "k8s" / "desk"


@pytest.mark.parametrize(
    ("arguments", "name", "rest"),
    [
        (["up"], None, ["up"]),
        (["--namespace", "second", "up"], "second", ["up"]),
        (["interview", "--namespace=second", "mid-01"], "second", ["interview", "mid-01"]),
        (["finding", "--", "ingest", "--namespace", "x"], None, ["finding", "--", "ingest", "--namespace", "x"]),
    ],
)
def test_the_namespace_is_taken_from_anywhere_before_free_text(arguments, name, rest) -> None:
    assert outside.namespace_from(arguments) == (name, rest)


def test_a_namespace_without_a_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="--namespace"):
        outside.namespace_from(["up", "--namespace"])


def test_a_namespace_needs_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONTIME_RUNTIME", "local")

    with pytest.raises(ConfigError, match="RUNTIME=kind"):
        outside.take_namespace(["--namespace", "second", "up"])


def test_both_claims_lead_to_one_directory_and_nobody_elses() -> None:
    here = Environment(namespace="second")
    found = outside.volumes(here, "ontime-worker")

    assert {volume["spec"]["local"]["path"] for volume in found} == {"/var/lib/ontime/second"}
    assert [volume["spec"]["claimRef"] for volume in found] == [
        {"namespace": "second", "name": "state"},
        {"namespace": "second-desk", "name": "state"},
    ]


@pytest.mark.parametrize(
    ("phase", "does"), [("", "create"), ("Bound", None), ("Available", None), ("Released", "patch")]
)
def test_a_volume_is_there_for_whoever_claims_it_now(
    phase: str, does: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Released is what a `down` leaves that was interrupted after it had deleted the claim's namespace."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(Kubectl, "exists", lambda *_: bool(phase))
    monkeypatch.setattr(Kubectl, "get", lambda *_: {"status": {"phase": phase}})
    monkeypatch.setattr(Kubectl, "__call__", lambda _, *arguments, text=None: asked.append(arguments))
    outside.provide(Kubectl("kind-ontime", "brownout"), outside.volumes(Environment(), "node")[1])

    assert [arguments[0] for arguments in asked] == ([does] if does else [])
    if does == "patch":
        assert asked[0][2] == "state-brownout"
        assert json.loads(asked[0][-1]) == {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}


def test_the_proctor_operates_one_namespace() -> None:
    told = outside.binding(Environment(namespace="second"))

    assert told["metadata"]["namespace"] == "second"
    assert told["subjects"] == [{"kind": "ServiceAccount", "name": "proctor", "namespace": "second-desk"}]
    assert told["roleRef"]["kind"] == "Role"


def test_what_is_made_beside_the_manifests_is_valid_for_kubernetes() -> None:
    here = Environment(namespace="second")
    made = [*outside.volumes(here, "node"), outside.binding(here), *outside.allowed_images(here, ["redis:7"])]

    for document in made:
        validate(document, "1.36", strict=True)


def test_only_the_platforms_images_may_run_in_its_namespace() -> None:
    policy, bound = outside.allowed_images(Environment(namespace="second"), ["redis:7", "ontime/serving:x"])
    expression = policy["spec"]["validations"][0]["expression"]

    assert "c.image in ['redis:7']" in expression
    assert "brownout" not in expression
    assert all(kind in expression for kind in ("spec.containers", "spec.initContainers", "spec.ephemeralContainers"))
    assert bound["spec"]["validationActions"] == ["Deny"]
    assert bound["spec"]["matchResources"]["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "second"
    }


@pytest.fixture
def desk() -> list[dict[str, Any]]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH: it renders the manifests")
    return list(yaml.safe_load_all(run(["kubectl", "kustomize", str(DESK)]).stdout))


def texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for value in node.values() for text in texts(value)]
    if isinstance(node, list):
        return [text for value in node for text in texts(value)]
    return [str(node)]


def test_a_second_desk_knows_only_its_own_platform(desk: list[dict[str, Any]]) -> None:
    found = outside.adapted(desk, Environment(namespace="second"), "brownout/proctor:abc")

    assert {d["metadata"].get("namespace", d["metadata"]["name"]) for d in found} == {"second-desk"}
    assert "ontime" not in texts(found)
    assert "brownout/proctor:abc" in texts(found)
    assert not [d for d in found if d["kind"] == "Service" and d["spec"].get("type") == "NodePort"]


def test_the_first_desk_is_at_this_machines_ports(desk: list[dict[str, Any]]) -> None:
    found = outside.adapted(desk, Environment(), "brownout/proctor:abc")
    [service] = [d for d in found if d["kind"] == "Service"]
    led = yaml.safe_load((ROOT / "k8s" / "kind.yaml").read_text())["nodes"][0]["extraPortMappings"]

    assert {p["nodePort"] for p in service["spec"]["ports"]} <= {m["containerPort"] for m in led}


def test_every_page_of_the_interviewers_has_a_port_all_the_way(desk: list[dict[str, Any]]) -> None:
    """From this machine by kind's mapping and the service to a container that listens, through the policy."""
    ours = Harness()
    wanted = {urlsplit(url).port for url in (ours.proctor_url, ours.console_url, ours.prometheus_url)}
    found = outside.adapted(desk, Environment(), "brownout/proctor:abc")
    [service] = [d for d in found if d["kind"] == "Service"]
    [deployment] = [d for d in found if d["kind"] == "Deployment"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    [policy] = [d for d in found if d["kind"] == "NetworkPolicy" and d["metadata"]["name"] == "proctor"]
    led = yaml.safe_load((ROOT / "k8s" / "kind.yaml").read_text())["nodes"][0]["extraPortMappings"]
    by_node_port = {m["containerPort"]: m["hostPort"] for m in led}

    assert {p["port"] for p in service["spec"]["ports"]} == wanted
    assert {by_node_port[p["nodePort"]] for p in service["spec"]["ports"]} == wanted
    assert {p["containerPort"] for p in container["ports"]} == wanted
    assert {p["port"] for p in policy["spec"]["ingress"][0]["ports"]} == wanted


def test_the_interviewers_prometheus_listens_where_the_desk_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prometheus, "find", lambda name: name)

    assert "--web.listen-address=0.0.0.0:7203" in prometheus.command(Harness(state=tmp_path, host="0.0.0.0"))  # noqa: S104


@pytest.mark.parametrize(
    ("arguments", "there"),
    [(["up"], True), (["--no-color", "status"], True), (["docs", "--check"], False), (["--help"], False), ([], False)],
)
def test_what_is_about_the_code_stays_here(arguments: list[str], there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "environment", lambda: Environment(runtime="kind"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    assert outside.wanted(arguments) is there


def test_what_measures_one_machine_is_refused_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "environment", lambda: Environment(runtime="kind"))

    with pytest.raises(ConfigError, match="RUNTIME=local"):
        outside.main(["--no-color", "bench"])


@pytest.mark.parametrize(("code", "told"), [(0, True), (1, False)])
def test_how_long_up_took_is_told_with_what_was_done_before_the_pod(
    code: int, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pod's own figure begins when images are built and loaded."""
    monkeypatch.setattr(outside, "environment", lambda: Environment(runtime="kind", state=tmp_path))
    monkeypatch.setattr(outside, "furnish", lambda *_: None)
    monkeypatch.setattr(outside.cluster, "standing", lambda _: True)
    monkeypatch.setattr(outside, "pass_on", lambda *_: code)

    assert outside.main(["up"]) == code
    assert ("With cluster, images and flights" in capsys.readouterr().err) == told


@pytest.mark.parametrize("outcome", ["proved", "dishonest"])
def test_a_proof_of_the_cluster_is_published_in_the_checkout(
    outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"step": "healthy", "kind": "healthy", "outcome": outcome, "why": "", "seconds": 2.0, "wall": 5.0}
    told = [{"fault": "starved_serving", "seed": 61, "key": "k", "fault_key": "f", "short": False, "rows": [row]}]
    asked: list[list[str]] = []

    def answer(command: list[str], **_: Any) -> Any:
        asked.append(command)
        return SimpleNamespace(stdout=json.dumps(told), returncode=0 if outcome == "proved" else 8)

    monkeypatch.setattr(outside.subprocess, "run", answer)
    for reads_or_writes in (published.publish, published.read):
        monkeypatch.setattr(reads_or_writes, "__defaults__", (tmp_path / "proved.json",))
    monkeypatch.setattr(reference, "PAGE", tmp_path / "faults.md")

    code = outside.prove(Environment(runtime="kind"), ["prove", "starved_serving", "--record"])

    assert asked[0][-3:] == ["prove", "starved_serving", "--json"]
    assert code == (0 if outcome == "proved" else 8)
    assert list(published.read()) == (["starved_serving"] if outcome == "proved" else [])
    assert "starved_serving" in (tmp_path / "faults.md").read_text()


def test_what_people_may_change_is_kept_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = [d for d in platform_documents() if d["kind"] in ("Deployment", "ConfigMap")]
    next(d for d in live if d["metadata"]["name"] == "serving")["spec"]["template"]["spec"]["dnsPolicy"] = "None"
    certificate = {"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}}
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(Kubectl, "get", lambda _, kinds: {"items": [*live, certificate]})
    monkeypatch.setattr(Kubectl, "__call__", lambda _, *arguments: asked.append(arguments))
    file = tmp_path / "templates.json"

    file.write_text(as_applied.as_it_is(Environment()))
    as_applied.put_back(Environment(), file)

    patches = {name: json.loads(patch) for _, _, name, _, _, patch in asked}
    assert patches.keys() == {d["metadata"]["name"] for d in live}
    assert patches["serving"][0]["value"]["spec"]["dnsPolicy"] == "None"


def test_settings_of_the_shell_reach_the_desk(
    desk: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWNOUT_CONSOLE_URL", "http://desk.example:7306")
    monkeypatch.setenv("BROWNOUT_PACKS", str(ROOT / "tests" / "faults" / "pack"))
    said = texts(outside.adapted(desk, Environment(), "brownout/proctor:abc"))

    assert {"http://desk.example:7306", "/opt/brownout/tests/faults/pack"} <= set(said)
    monkeypatch.setenv("BROWNOUT_PACKS", str(tmp_path))
    with pytest.raises(ConfigError, match="BROWNOUT_PACKS"):
        outside.settings(Environment())


@pytest.mark.parametrize(
    ("namespace", "asked", "console", "way_in"),
    [
        ("ontime", {}, None, None),
        ("second", {}, "http://console.localhost:7306", "http://127.0.0.1:7304"),
        ("third", {"BROWNOUT_CONSOLE_URL": "http://desk:7406"}, "http://desk:7406", "http://127.0.0.1:7304"),
    ],
)
def test_links_of_a_further_desk_do_not_lead_to_the_first(
    namespace: str, asked: dict[str, str], console: str | None, way_in: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    found = outside.settings(Environment(namespace=namespace))

    assert (found.get("BROWNOUT_CONSOLE_URL"), found.get("BROWNOUT_WAY_IN_URL")) == (console, way_in)


def test_the_desk_keeps_out_the_pods_of_whatever_network_they_are_in(
    desk: list[dict[str, Any]], tmp_path: Path
) -> None:
    here = Environment(state=tmp_path)
    made_from = cluster.place(here) / f"{here.cluster}.kind.yaml"
    made_from.parent.mkdir(parents=True)
    made_from.write_text("networking: {podSubnet: 10.9.0.0/16}\n")
    said = texts(outside.adapted(desk, here, "brownout/proctor:abc"))

    assert "10.9.0.0/16" in said
    assert cluster.POD_NETWORK not in said


def test_no_pod_may_come_to_the_desk(desk: list[dict[str, Any]]) -> None:
    policies = [d for d in desk if d["kind"] == "NetworkPolicy"]
    sources = [s for p in policies for rule in p["spec"].get("ingress", []) for s in rule["from"]]

    assert {next(iter(source)) for source in sources} == {"ipBlock"}
    assert all("10.244.0.0/16" in source["ipBlock"]["except"] for source in sources)


def platform_documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(run(["kubectl", "kustomize", str(ROOT / "interview/k8s/platform")]).stdout))


def test_what_the_candidate_can_read_of_the_platform_tells_nothing(desk: list[dict[str, Any]]) -> None:
    del desk  # skips where there is no kubectl
    said = " ".join(texts(platform_documents())).lower()

    assert not [word for word in ("brownout", "fault", "candidate", "interview", "proctor") if word in said.split("/")]
    assert "brownout" not in said
    assert "proctor" not in said


def test_the_workstation_may_neither_read_secrets_nor_leave_its_namespace(desk: list[dict[str, Any]]) -> None:
    del desk
    documents = platform_documents()
    roles = [d for d in documents if d["kind"] == "Role" and d["metadata"]["name"] == "workstation"]
    granted = {resource for role in roles for rule in role["rules"] for resource in rule["resources"]}

    assert "secrets" not in granted
    assert not granted & {"pods/ephemeralcontainers", "serviceaccounts/token", "rolebindings", "roles", "*"}
    assert not [d for d in documents if d["kind"] in {"ClusterRole", "ClusterRoleBinding"}]


def test_applying_again_changes_no_number_of_pods(desk: list[dict[str, Any]]) -> None:
    del desk
    deployments = [d for d in platform_documents() if d["kind"] == "Deployment"]

    assert [d["metadata"]["name"] for d in deployments if "replicas" in d["spec"]] == []


def test_all_state_is_one_volume(desk: list[dict[str, Any]]) -> None:
    del desk
    documents = platform_documents()

    assert [d["metadata"]["name"] for d in documents if d["kind"] == "PersistentVolumeClaim"] == ["state"]


def test_the_forwarder_knows_components_and_stores() -> None:
    found = forward.ways(Environment(namespace="second"))

    assert found[7102] == ("serving.second", 7102)
    assert found[5432] == ("postgres.second", 5432)
    assert found[6379] == ("redis.second", 6379)


def test_a_reset_puts_back_what_people_may_change_with_kubectl(
    desk: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a workstation's Role may change: deployments, without their number of pods, and ConfigMaps."""
    del desk
    documents = platform_documents()
    file = tmp_path / "applied.json"
    file.write_text(as_applied.kept(yaml.safe_dump_all(documents))["data"]["applied.json"])
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(Kubectl, "__call__", lambda _, *arguments: asked.append(arguments))
    as_applied.put_back(Environment(), file)

    patched = {(kind, name): json.loads(patch) for _, kind, name, _, _, patch in asked}
    serving = next(d for d in documents if (d["kind"], d["metadata"]["name"]) == ("Deployment", "serving"))
    [role] = [d for d in documents if d["kind"] == "Role" and d["metadata"]["name"] == "workstation"]
    may_change = {r for rule in role["rules"] if "patch" in rule["verbs"] for r in rule["resources"]}

    assert {kind for kind, _ in patched} == {"deployment", "configmap"}
    assert len(patched) == len([d for d in documents if d["kind"] in ("Deployment", "ConfigMap")])
    assert patched["deployment", "serving"][0] == {
        "op": "add",
        "path": "/spec/template",
        "value": serving["spec"]["template"],
    }
    assert "/spec/replicas" not in {change["path"] for changes in patched.values() for change in changes}
    assert (
        not {f"{kind}s" for kind in {d["kind"].lower() for d in documents} - {"deployment", "configmap"}} & may_change
    )


def test_the_dead_are_buried() -> None:
    import os

    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)

    assert hold.bury() == 1
    assert hold.bury() == 0


def test_the_image_of_the_harness_stands_on_the_workstation_and_never_the_other_way() -> None:
    assert "interview" not in (ROOT / "Dockerfile").read_text()
    assert "!interview" not in (ROOT / ".dockerignore").read_text()
    assert "FROM ${WORKSTATION_IMAGE}" in (Path(ROOT) / "interview" / "Dockerfile").read_text()


def test_in_a_pod_no_doors_have_to_be_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The volume may belong to somebody else, and the image is read-only."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setattr(Path, "chmod", lambda *_: pytest.fail("nothing here may be chmodded"))
    secrecy._of_machine.cache_clear()
    try:
        found = secrecy.secrecy(Harness(state=tmp_path))
        secrecy.close_doors(Harness(state=tmp_path))
    finally:
        secrecy._of_machine.cache_clear()

    assert (found.level, found.user) == ("separate-namespace", None)


def test_the_harnesss_image_has_all_that_its_catalogue_edits() -> None:
    hidden = (ROOT / "interview" / "Dockerfile.dockerignore").read_text().split()

    assert not [
        name for name in hidden if name.strip("/") in {"tests", "docs", "platform", "serving", "monitoring", "dags"}
    ]
