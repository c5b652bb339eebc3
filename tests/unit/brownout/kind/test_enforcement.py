from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from brownout import secrecy, stage
from brownout.kind.enforcement import FORBIDDEN, enforced
from brownout.settings import Harness
from brownout.stage import RealStage
from ontime.settings import ROOT, Environment


def test_what_lets_everything_pass_does_not_enforce() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not enforced(("127.0.0.1", server.getsockname()[1]))


def test_what_lets_nothing_through_enforces() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert enforced(("127.0.0.1", port))


def test_the_attempt_is_one_that_the_desks_policy_forbids() -> None:
    """Names are asked at port 53, and nothing else of kube-system."""
    documents = yaml.safe_load_all((ROOT / "interview" / "k8s" / "desk" / "policies.yaml").read_text())
    [policy] = [document for document in documents if document["metadata"]["name"] == "proctor"]
    system = {"kubernetes.io/metadata.name": FORBIDDEN[0].split(".")[1]}
    allowed = [
        {port["port"] for port in rule["ports"]}
        for rule in policy["spec"]["egress"]
        if {"namespaceSelector": {"matchLabels": system}} in rule["to"]
    ]

    assert allowed == [{53}]
    assert FORBIDDEN[1] != 53


@pytest.mark.parametrize(("keeps", "level"), [(True, "separate-namespace"), (False, "on-trust")])
def test_an_interview_on_an_open_network_is_on_trust(
    keeps: bool, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setattr(stage, "enforced", lambda: keeps)
    secrecy._of_machine.cache_clear()
    try:
        found = RealStage(Harness(state=tmp_path), Environment(runtime="kind"), lambda *_: None).secrecy()
    finally:
        secrecy._of_machine.cache_clear()

    assert found == level
