from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from ontime.runtime.kind import cluster, images, manifests
from ontime.settings import Environment

ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture(autouse=True)
def _needs_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*images.listed(ROOT), "GRAFANA"):
        monkeypatch.delenv(name, raising=False)
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH: it renders the manifests")


def rendered(tmp_path: Path, namespace: str = "ontime", tag: str = "t-1") -> str:
    here = Environment(state=tmp_path / "state", runtime="kind", namespace=namespace)
    return manifests.render(here, ROOT, tag)


@pytest.mark.parametrize("tag", ["t-1", "359748685e20", "359748685120"])
def test_our_images_get_the_tag(tmp_path: Path, tag: str) -> None:
    """Whatever hexadecimal digits it has: some of them are numbers."""
    names = manifests.image_names(rendered(tmp_path, tag=tag))

    assert {n for n in names if n.startswith("ontime/")} == {
        f"ontime/{target}:{tag}" for target in images.TARGETS if target != "workstation"
    }


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("mirror.example:5000/pg:17", "mirror.example:5000/pg:17"),
        (f"pg@sha256:{'a' * 64}", f"pg@sha256:{'a' * 64}"),
    ],
)
def test_every_third_party_image_can_be_overridden(tmp_path, monkeypatch, value: str, wanted: str) -> None:
    for name in images.listed(ROOT):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRAFANA", "true")

    others = {n for n in manifests.image_names(rendered(tmp_path)) if not n.startswith("ontime/")}

    assert others == {wanted}


def test_another_namespace_has_everything_of_its_own_and_no_ports(tmp_path: Path) -> None:
    documents = [d for d in yaml.safe_load_all(rendered(tmp_path, "second")) if d]

    assert {d["metadata"].get("namespace", d["metadata"]["name"]) for d in documents} == {"second"}
    assert {d["spec"].get("type") for d in documents if d["kind"] == "Service"} == {None}
    [config] = [d for d in documents if d["kind"] == "ConfigMap" and "ONTIME_NAMESPACE" in d.get("data", {})]
    assert config["data"]["ONTIME_NAMESPACE"] == "second"


def test_the_first_namespace_has_ports_that_kind_leads_in(tmp_path: Path) -> None:
    documents = [d for d in yaml.safe_load_all(rendered(tmp_path)) if d]
    ports = {p["nodePort"] for d in documents if d["kind"] == "Service" for p in d["spec"]["ports"] if "nodePort" in p}
    config = yaml.safe_load((ROOT / "k8s" / "kind.yaml").read_text())
    led = {m["containerPort"] for m in config["nodes"][0]["extraPortMappings"]}

    assert ports <= led


def test_the_policies_name_the_network_that_the_pods_are_in(tmp_path: Path) -> None:
    """A configuration of the user's may have chosen another one: its pods would count as people then."""
    here = Environment(state=tmp_path / "state")
    made_from = cluster.place(here) / f"{here.cluster}.kind.yaml"
    made_from.parent.mkdir(parents=True)
    made_from.write_text("networking: {podSubnet: 10.9.0.0/16}\n")
    text = manifests.render(here, ROOT, "abc")

    assert "10.9.0.0/16" in text
    assert cluster.POD_NETWORK not in text


def test_grafana_is_left_out_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [n for n in manifests.image_names(rendered(tmp_path)) if "grafana" in n]
    monkeypatch.setenv("GRAFANA", "true")
    assert [n for n in manifests.image_names(rendered(tmp_path)) if "grafana" in n]


def test_grafana_stands_beside_a_base_of_somebodys_own_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFANA", "true")
    text = manifests.render(Environment(state=tmp_path), ROOT, "abc", ROOT / "k8s" / "overlays" / "kind")

    assert [n for n in manifests.image_names(text) if "grafana" in n]
    assert "nodePort: 30109" in text
