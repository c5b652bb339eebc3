from __future__ import annotations

import json
from pathlib import Path

import pytest

from ontime.errors import ConfigError, RuntimeStateError
from ontime.runtime.kind import images

ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture(autouse=True)
def _nothing_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*images.listed(ROOT), *images.PASSED, "CA_CERTIFICATES", "SSL_CERT_FILE", "BUILD_NETWORK"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("redis:7.4", ("redis", "7.4", "")),
        ("registry.example:5000/team/redis:7.4", ("registry.example:5000/team/redis", "7.4", "")),
        ("registry.example:5000/redis", ("registry.example:5000/redis", "", "")),
        ("prom/prometheus@sha256:ab", ("prom/prometheus", "", "sha256:ab")),
    ],
)
def test_an_image_is_split_at_its_tag_and_not_at_its_port(name: str, parts: tuple[str, str, str]) -> None:
    assert images.split(name) == parts


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("redis:7", "docker.io/library/redis:7"),
        ("ontime/serving:1", "docker.io/ontime/serving:1"),
        ("docker.io/prom/prometheus:v2", "docker.io/prom/prometheus:v2"),
        ("localhost/redis:7", "localhost/redis:7"),
        ("registry.example:5000/redis:7", "registry.example:5000/redis:7"),
    ],
)
def test_an_image_is_known_to_a_node_by_its_whole_name(name: str, known: str) -> None:
    assert images.canonical(name) == known


def test_a_variable_overrides_an_image_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_IMAGE", "mirror.example/redis:7")

    assert images.list_of(ROOT) == {**images.listed(ROOT), "REDIS_IMAGE": "mirror.example/redis:7"}


@pytest.mark.parametrize("value", ["redis", "redis:latest", "registry.example:5000/redis"])
def test_an_image_without_a_fixed_tag_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REDIS_IMAGE", value)

    with pytest.raises(ConfigError, match="REDIS_IMAGE"):
        images.list_of(ROOT)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("Dockerfile", "uv.lock", "ontime.toml", "k8s/images.env", "serving/app.py"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text("PROMETHEUS_IMAGE=prom:v2\n")
    return tmp_path / "tree"


def test_the_tag_follows_from_code_packages_and_bases(tree: Path) -> None:
    before = images.tag(tree, {"PYTHON_IMAGE": "a:1"})

    assert images.tag(tree, {"PYTHON_IMAGE": "a:1"}) == before
    assert images.tag(tree, {"PYTHON_IMAGE": "a:2"}) != before
    (tree / "serving" / "__pycache__").mkdir()
    (tree / "serving" / "__pycache__" / "app.cpython-311.pyc").write_text("x")
    assert images.tag(tree, {"PYTHON_IMAGE": "a:1"}) == before
    (tree / "serving" / "app.py").write_text("changed")
    assert images.tag(tree, {"PYTHON_IMAGE": "a:1"}) != before


def test_what_is_on_the_machine_is_not_built_again(programs, told, tree: Path) -> None:
    programs.when("docker", "inspect", code=1, times=1)

    names = images.build(tree, told, {}, "t", ["serving", "ingest"])

    assert names == ["ontime/serving:t", "ontime/ingest:t"]
    assert [command[command.index("--target") + 1] for command in programs.asked("docker", "build")] == ["serving"]


def test_bases_index_and_certificates_reach_the_build(programs, tree, tmp_path, monkeypatch) -> None:
    certificates = tmp_path / "ca.pem"
    certificates.write_text("pem")
    monkeypatch.setenv("CA_CERTIFICATES", str(certificates))
    monkeypatch.setenv("PYTHON_IMAGE", "mirror.example/python:3.12")
    monkeypatch.setenv("INDEX_URL", "https://mirror.example/simple")

    images.build_one(tree, "ontime/serving:x", images.arguments(tree, "kindest/node:v1.36.0"), "serving")

    [command] = programs.asked("docker", "build")
    assert {
        "PYTHON_IMAGE=mirror.example/python:3.12",
        "INDEX_URL=https://mirror.example/simple",
        "PROMETHEUS_IMAGE=prom:v2",
        "KUBECTL_IMAGE=kindest/node:v1.36.0",
        f"id=ca,src={certificates}",
    } <= set(command)


def test_a_failed_build_says_how_to_give_it_other_bases(programs, tree) -> None:
    programs.when("docker", "build", code=1, complains="pull access denied for python")

    with pytest.raises(RuntimeStateError, match="pull access denied") as caught:
        images.build_one(tree, "ontime/serving:x", {}, "serving")

    assert "PYTHON_IMAGE" in str(caught.value)


def test_certificates_that_are_not_there_are_named(programs, tree, monkeypatch) -> None:
    monkeypatch.setenv("CA_CERTIFICATES", "/nowhere/ca.pem")

    with pytest.raises(ConfigError, match=r"/nowhere/ca\.pem"):
        images.build_one(tree, "ontime/serving:x", {}, "serving")


def two_nodes(programs, closed: str = images.CONTROL_PLANE) -> None:
    programs.when("docker", "ps", says="ontime-control-plane id1\nontime-worker id2\n")
    taints = {"ontime-control-plane": [{"key": closed, "effect": "NoSchedule"}], "ontime-worker": []}
    nodes = [{"metadata": {"name": name}, "spec": {"taints": told}} for name, told in taints.items()]
    programs.when("kubectl", "get", "nodes", says={"items": nodes})


def test_only_what_a_node_lacks_is_loaded(programs, here, told) -> None:
    two_nodes(programs)
    programs.when("docker", "exec", says="docker.io/library/redis:7\n")

    assert images.load(here, told, ["redis:7", "postgres:17", "grafana:11"]) == []
    [command] = programs.asked("kind", "load")
    assert command[3:5] == ["postgres:17", "grafana:11"]


@pytest.mark.parametrize(
    ("closed", "nodes"),
    [
        (images.CONTROL_PLANE, "ontime-worker"),
        ("node.kubernetes.io/not-ready", "ontime-control-plane,ontime-worker"),
    ],
)
def test_images_go_where_pods_go(programs, here, told, closed: str, nodes: str) -> None:
    """A node that is not ready yet will be."""
    two_nodes(programs, closed)

    images.load(here, told, ["postgres:17"])

    [command] = programs.asked("kind", "load")
    assert command[command.index("--nodes") + 1] == nodes


def test_a_control_plane_that_is_alone_gets_them(programs, here, told) -> None:
    two_nodes(programs)
    programs.when("docker", "ps", says="ontime-control-plane id1\n")

    images.load(here, told, ["postgres:17"])

    [command] = programs.asked("kind", "load")
    assert command[command.index("--nodes") + 1] == "ontime-control-plane"


def test_what_is_not_on_the_machine_is_told_and_not_loaded(programs, here, told) -> None:
    two_nodes(programs)
    programs.when("docker", "image", "inspect", code=1)

    assert images.load(here, told, ["postgres:17"]) == ["postgres:17"]
    assert programs.asked("kind", "load") == []


def test_images_that_kind_refuses_go_to_each_node_directly(programs, here, told) -> None:
    two_nodes(programs, closed="")
    programs.when("kind", "load", code=1, complains="content digest not found")

    images.load(here, told, ["postgres:17", "redis:7"])

    assert programs.asked("docker", "save") == [["docker", "save", "postgres:17", "redis:7"]] * 2
    assert {command[3] for command in programs.asked("docker", "exec", "-i")} == {
        "ontime-control-plane",
        "ontime-worker",
    }


def test_archives_of_an_interrupted_load_are_cleared_away(programs, here, told) -> None:
    """They are gigabytes, and kind leaves them where it was when a signal ended it."""
    two_nodes(programs)
    script = '#!/bin/sh\necho much > "$TMPDIR/images.tar" && echo "$TMPDIR" > "$(dirname "$0")/where"; kill -INT $$\n'
    (programs.directory / "kind").write_text(script)
    left = here.state / "kind" / "archives" / "images-tar1" / "images.tar"
    left.parent.mkdir(parents=True)
    left.touch()

    images.load(here, told, ["postgres:17"])

    assert (programs.directory / "where").read_text().strip() == str(here.state / "kind" / "archives")
    assert list(here.state.rglob("*.tar")) == []


def test_the_list_is_json_free_of_surprises() -> None:
    """Each name is a shell variable's, each value an image with a tag."""
    found = images.listed(ROOT)

    assert json.loads(json.dumps(found)) == found
    assert all(name.endswith("_IMAGE") and images.split(value)[1] for name, value in found.items())
