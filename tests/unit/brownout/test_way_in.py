from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from brownout import entrance, secrecy, way_in
from brownout.settings import Harness
from ontime.settings import ROOT, Environment


class Configuration:
    """Collects what a `jupyter_server_config.py` sets."""

    def __init__(self, text: str) -> None:
        self.set: dict[str, Any] = {}
        exec(text, {"get_config": lambda: _Section(self.set, "")})  # noqa: S102 - our own text


class _Section:
    def __init__(self, into: dict[str, Any], name: str) -> None:
        object.__setattr__(self, "_into", into)
        object.__setattr__(self, "_name", name)

    def __getattr__(self, name: str) -> _Section:
        return _Section(self._into, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._into[f"{self._name}.{name}"] = value


@pytest.fixture
def configured() -> dict[str, Any]:
    text = way_in.configuration(Path("/ws"), "the-code", Environment(), Harness())
    return Configuration(text).set


def test_the_first_page_is_the_portal_and_it_is_open(configured: dict[str, Any]) -> None:
    portal = configured["ServerProxy.servers"]["oncall"]

    assert configured["LabApp.default_url"] == "/oncall/portal/"
    assert portal["request_headers_override"] == {"Authorization": "Bearer the-code"}
    assert configured["IdentityProvider.cookie_options"] == {"samesite": "Lax"}


def test_only_the_portal_gets_the_code(configured: dict[str, Any]) -> None:
    others = {name: page for name, page in configured["ServerProxy.servers"].items() if name != "oncall"}

    assert "the-code" not in json.dumps(others)


@pytest.mark.parametrize(("runtime", "expected"), [("local", 7304), ("kind", 7204)])
def test_in_a_pod_it_listens_where_the_service_leads_and_not_where_a_link_does(runtime: str, expected: int) -> None:
    ours, here = Harness(way_in_url="http://127.0.0.1:7304"), Environment(runtime=runtime)
    text = way_in.configuration(Path("/ws"), "the-code", here, ours)
    documents = yaml.safe_load_all((ROOT / "k8s" / "components" / "workstation" / "workstation.yaml").read_text())
    [service] = [document for document in documents if document["kind"] == "Service"]

    assert Configuration(text).set["ServerApp.port"] == expected
    assert 7204 in {port["port"] for port in service["spec"]["ports"]}


def test_mlflow_sees_the_host_that_it_knows(configured: dict[str, Any]) -> None:
    headers = configured["ServerProxy.servers"]["mlflow"]["request_headers_override"]

    assert headers == {"Host": "127.0.0.1:7103", "Origin": "http://127.0.0.1:7103"}


@pytest.mark.parametrize(("url", "keeps"), [("http://h:1/prometheus", True), ("http://h:1", False)])
def test_prometheus_keeps_the_prefix_that_it_lives_below(url: str, keeps: bool) -> None:
    pages = {page.name: page for page in way_in.pages(Environment(prometheus_url=url), Harness(), "c")}

    assert pages["prometheus"].keeps_prefix is keeps


def test_what_is_written_is_for_one_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Environment(state=tmp_path)
    monkeypatch.setattr(entrance, "secrecy", lambda _: secrecy.Secrecy("on-trust", None, ""))
    for _ in range(2):
        entrance.prepare(tmp_path / "ws", "the-code", here, Harness())
    lab = entrance.directory(here)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in lab.rglob("*") if p.is_file()}

    assert modes == {
        "jupyter_server_config.py": 0o600,
        "page_config.json": 0o644,
        "oncall.json": 0o600,
        "oncall": 0o755,
    }
    assert "the-code" not in (lab / "bin" / "oncall").read_text()
    surroundings = entrance.surroundings(here, None)
    assert surroundings["PATH"].startswith(f"{lab / 'bin'}:")
    assert not [name for name in surroundings if "BROWNOUT" in name]
