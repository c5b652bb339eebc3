from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import yaml

from ontime.errors import ConfigError, RuntimeStateError
from ontime.runtime.kind import cluster
from ontime.runtime.kind.cluster import Record

OURS = (("ontime-control-plane", "id1"), ("ontime-worker", "id2"))


def listing(*pairs: tuple[str, str]) -> str:
    return "".join(f"{name} {number}\n" for name, number in pairs)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "checkout"
    (place / "k8s").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    nodes = [
        {
            "role": "control-plane",
            "extraPortMappings": [{"containerPort": 30102, "hostPort": port, "listenAddress": "127.0.0.1"}],
        },
        {"role": "worker"},
    ]
    (place / "k8s" / "kind.yaml").write_text(
        yaml.safe_dump({"kind": "Cluster", "networking": {"a": 1}, "nodes": nodes})
    )
    return place


def created(programs, here, nodes=OURS) -> None:
    """From now on the cluster is there."""
    programs.when("kind", "get", "clusters", says="ontime\n")
    programs.when("docker", "ps", says=listing(*nodes))


def record_of(here, record: Record) -> None:
    path = here.state / "kind" / "ontime.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"name": record.name, "begun": record.begun, "nodes": record.nodes}))


def test_a_cluster_is_made_once_and_remembered(programs, here, told, root) -> None:
    programs.when("docker", "ps", says=listing(*OURS))
    programs.when("docker", "ps", says="", times=1)

    cluster.create(here, told, root)
    programs.when("kind", "get", "clusters", says="ontime\n")
    cluster.create(here, told, root)

    assert len(programs.asked("kind", "create", "cluster")) == 1
    assert cluster.standing(here)


def test_the_node_image_of_the_environment_is_used(programs, here, told, root, monkeypatch) -> None:
    monkeypatch.setenv("KIND_NODE_IMAGE", "mirror.example/node:v1.36.0")

    cluster.create(here, told, root)

    [command] = programs.asked("kind", "create", "cluster")
    assert command[command.index("--image") + 1] == "mirror.example/node:v1.36.0"


def test_a_cluster_of_somebody_else_is_left_alone(programs, here, told, root) -> None:
    created(programs, here)

    with pytest.raises(RuntimeStateError, match="did not make") as caught:
        cluster.create(here, told, root)

    assert "ONTIME_CLUSTER=" in str(caught.value)
    assert programs.asked("kind", "delete") == []
    assert programs.asked("kind", "create") == []


def test_a_cluster_that_somebody_made_anew_is_not_ours_any_more(programs, here, told) -> None:
    record_of(here, Record("ontime", 1.0, ("id1", "id2")))
    created(programs, here, (("ontime-control-plane", "other"),))

    with pytest.raises(RuntimeStateError, match="did not make"):
        cluster.delete(here, told)

    assert programs.asked("kind", "delete") == []


def test_a_half_made_cluster_of_ours_is_made_anew(programs, here, told, root) -> None:
    record_of(here, Record("ontime", 1.0))
    created(programs, here, (("ontime-control-plane", "id1"),))

    cluster.create(here, told, root)

    assert len(programs.asked("kind", "delete", "cluster")) == 1
    assert len(programs.asked("kind", "create", "cluster")) == 1
    assert any("half made" in line for line in told.lines)


def test_taken_ports_are_named_before_anything_is_created(programs, here, told, root) -> None:
    config = yaml.safe_load((root / "k8s" / "kind.yaml").read_text())
    port = config["nodes"][0]["extraPortMappings"][0]["hostPort"]
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()

        with pytest.raises(RuntimeStateError, match=f"Port {port} is held by") as caught:
            cluster.create(here, told, root)

    assert "Nothing was created" in str(caught.value)
    assert programs.asked("kind", "create") == []
    assert not (here.state / "kind" / "ontime.json").exists()


def test_down_deletes_what_was_made(programs, here, told) -> None:
    record_of(here, Record("ontime", 1.0, ("id1", "id2")))
    created(programs, here)

    assert cluster.delete(here, told)
    assert len(programs.asked("kind", "delete", "cluster", "--name", "ontime")) == 1
    assert cluster.record(here) is None


def test_down_without_a_cluster_does_nothing(programs, here, told) -> None:
    assert not cluster.delete(here, told)
    assert programs.asked("kind", "delete") == []


def kubeconfig(server: str) -> dict[str, object]:
    return {"clusters": [{"name": "kind-ontime", "cluster": {"server": server}}]}


def test_a_context_that_points_elsewhere_is_refused(programs, here) -> None:
    programs.when("kind", "get", "kubeconfig", says=yaml.safe_dump(kubeconfig("https://127.0.0.1:40001")))
    programs.when("kubectl", "config", "view", says=kubeconfig("https://production.example:6443"))

    with pytest.raises(RuntimeStateError, match=r"points to https://production\.example:6443") as caught:
        cluster.require_context(here)

    assert "kind export kubeconfig --name ontime" in str(caught.value)
    assert programs.asked("kind", "export") == []


def test_a_missing_context_is_written(programs, here) -> None:
    programs.when("kind", "get", "kubeconfig", says=yaml.safe_dump(kubeconfig("https://127.0.0.1:40001")))
    programs.when("kubectl", "config", "view", code=1, complains="context does not exist")

    cluster.require_context(here)

    assert len(programs.asked("kind", "export", "kubeconfig")) == 1


def test_a_configuration_of_the_users_is_merged(root, tmp_path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({"kind": "Cluster", "networking": {"b": 2}, "nodes": [{"role": "control-plane"}]}))

    found = cluster.configuration(root, mine, replace=False)

    assert found["networking"] == {"a": 1, "b": 2}
    assert len(found["nodes"]) == 1
    assert cluster.host_ports(found) == cluster.host_ports(cluster.configuration(root, None, replace=False))


def test_a_configuration_of_the_users_can_replace_ours(root, tmp_path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({"kind": "Cluster", "nodes": [{"role": "control-plane"}]}))

    assert cluster.configuration(root, mine, replace=True) == {"kind": "Cluster", "nodes": [{"role": "control-plane"}]}


@pytest.mark.parametrize("text", ["[1, 2]", "kind: Pod", "a: [", None])
def test_a_configuration_that_is_none_is_refused(root, tmp_path, text) -> None:
    mine = tmp_path / "mine.yaml"
    if text is not None:
        mine.write_text(text)

    with pytest.raises(ConfigError, match="KIND_CONFIG"):
        cluster.configuration(root, mine, replace=False)
