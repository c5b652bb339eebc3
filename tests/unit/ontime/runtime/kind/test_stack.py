from __future__ import annotations

import json
from typing import Any

import pytest

from ontime.errors import ConfigError, RuntimeStateError
from ontime.runtime import release
from ontime.runtime.components import COMPONENTS
from ontime.runtime.kind import cluster, pods, stack


def deployment(name: str, wanted: int = 1) -> Any:
    return {
        "metadata": {"name": name, "generation": 1, "labels": {pods.NAME: name}},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 1, "replicas": wanted, "updatedReplicas": wanted, "readyReplicas": wanted},
    }


def standing(programs, wanted: int = 1, **others: int) -> None:
    """All deployments with so many pods each."""
    names = (*stack.STORES, *COMPONENTS)
    items = [deployment(name, others.get(name.replace("-", "_"), wanted)) for name in names]
    programs.when("kubectl", "get", "deployments", says={"items": items})
    programs.when("kubectl", "get", "pods", says={"items": []})


@pytest.fixture
def inside(programs, here, monkeypatch: pytest.MonkeyPatch):
    """A pod with the state volume, and a release that is current."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    place = here.releases / "abc123"
    place.mkdir(parents=True)
    (place / "REVISION").write_text(json.dumps({"sha": "abc123", "subject": "s"}))
    release.point_current_at(here, place)
    (here.state / "run").mkdir(exist_ok=True)
    return here


def patches(programs) -> dict[str, Any]:
    found = {}
    for command in programs.asked("kubectl", "patch"):
        found[command[command.index("deployment") + 1]] = json.loads(command[command.index("--patch") + 1])["spec"]
    return found


def test_inside_a_start_names_the_current_release_in_the_template(programs, inside, told) -> None:
    standing(programs, 1, serving=0)
    stack.up(inside, told, ["serving"])

    spec = patches(programs)["serving"]
    [container] = spec["template"]["spec"]["containers"]
    place = inside.releases.resolve() / "abc123"
    assert spec["replicas"] == 1
    assert container == {"name": "serving", "env": [{"name": "PYTHONPATH", "value": f"{place}/platform:{place}"}]}


def test_inside_no_context_is_named(programs, inside, told) -> None:
    standing(programs)
    stack.up(inside, told, ["serving"])

    assert [command for command in programs.asked("kubectl") if "--context" in command] == []


def test_what_runs_keeps_its_number_of_pods(programs, inside, told) -> None:
    standing(programs, 3)
    stack.up(inside, told, ["serving"])

    assert "replicas" not in patches(programs)["serving"]


def test_airflow_follows_the_link_and_is_not_rolled_out_by_a_start(programs, inside, told) -> None:
    standing(programs)
    stack.up(inside, told, ["airflow-scheduler"])

    assert "airflow-scheduler" not in patches(programs)


def test_third_party_programs_get_no_code_but_are_rolled_out(programs, inside, told) -> None:
    standing(programs)
    stack.again(inside, told, [COMPONENTS["prometheus"]])

    template = patches(programs)["prometheus"]["template"]
    assert "spec" not in template
    assert "ontime/rolled-out-at" in template["metadata"]["annotations"]


def test_a_restart_starts_what_was_stopped(programs, inside, told) -> None:
    """As on one machine."""
    standing(programs, 1, serving=0)
    stack.restart(inside, told, ["serving", "ingest"])

    [scaled] = programs.asked("kubectl", "scale")
    assert scaled[-2:] == ["--replicas=1", "deployment/serving"]
    assert {"deployment/serving", "deployment/ingest"} <= set(programs.asked("kubectl", "rollout")[0])


@pytest.mark.parametrize(
    "verb",
    [
        lambda here, told: stack.look(here),
        lambda here, told: stack.stop(here, ["serving"]),
        lambda here, told: stack.restart(here, told, ["serving"]),
        lambda here, told: stack.logs(here, "serving", 10, False),
    ],
    ids=["status", "stop", "restart", "logs"],
)
def test_from_outside_a_context_that_leads_elsewhere_is_told_and_not_used(programs, here, told, verb: Any) -> None:
    cluster._write(here, cluster.Record(here.cluster, 0.0, ("id1",)))
    programs.when("kind", "get", "clusters", says="ontime\n")
    programs.when("docker", "ps", says="ontime-control-plane id1\n")
    programs.when("kind", "get", "kubeconfig", says={"clusters": [{"cluster": {"server": "https://127.0.0.1:1"}}]})
    programs.when("kubectl", "config", says={"clusters": [{"cluster": {"server": "https://elsewhere:6443"}}]})

    with pytest.raises(RuntimeStateError, match=r"points to https://elsewhere:6443"):
        verb(here, told)

    assert [command[1] for command in programs.asked("kubectl")] == ["config"]


def test_down_inside_stops_components_before_what_they_stand_on(programs, inside, told) -> None:
    standing(programs)
    stack.down(inside, told)

    first, second = [[w for w in c if w.startswith("deployment/")] for c in programs.asked("kubectl", "scale")]
    assert set(first) == {f"deployment/{name}" for name in COMPONENTS}
    assert set(second) == {"deployment/postgres", "deployment/redis"}
    assert programs.asked("kind") == []


def test_down_from_outside_touches_no_cluster_that_is_not_ours(programs, here, told) -> None:
    programs.when("kind", "get", "clusters", says="ontime\n")

    with pytest.raises(RuntimeStateError, match="did not make"):
        stack.down(here, told)

    assert programs.asked("kubectl") == []
    assert programs.asked("kind", "delete") == []


def test_deploying_from_outside_says_where_to_go(here) -> None:
    with pytest.raises(ConfigError, match="workstation"):
        stack.refuse_from_outside("deploy")


@pytest.mark.parametrize(
    ("wanted", "found", "state"),
    [
        (0, [], "stopped"),
        (1, [], "starting"),
        (1, [pods.PodStatus("serving", "p", False, "pulling", 0, None)], "starting"),
        (1, [pods.PodStatus("serving", "p", False, "waits", 2, None)], "restarting"),
        (1, [pods.PodStatus("serving", "p", False, "no image", 0, None, stuck="no image")], "gave up"),
        (1, [pods.PodStatus("serving", "p", True, "", 0, None)], "starting"),
    ],
)
def test_states_are_told_in_the_local_runtimes_words(wanted: int, found: list[pods.PodStatus], state: str) -> None:
    told = deployment("serving", wanted)
    told["status"]["observedGeneration"] = 0

    assert stack.judge(pods.workload(told), found)[0] == state


def test_a_settled_component_is_ready() -> None:
    one = pods.PodStatus("serving", "p", True, "", 0, None)

    assert stack.judge(pods.workload(deployment("serving")), [one]) == ("ready", "")


def test_without_a_cluster_status_says_how_to_make_one(programs, here) -> None:
    with pytest.raises(RuntimeStateError, match="make up RUNTIME=kind"):
        stack.look(here)
