from __future__ import annotations

import json
from typing import Any

import pytest

from brownout.kind import templates
from ontime.errors import RuntimeStateError
from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment


class Server:
    """An API server that takes what it is told, and has one deployment that runs."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.settled = True

    def call(self, *arguments: str) -> None:
        if "refused" in arguments:
            raise RuntimeStateError("kubectl patch failed: limits.cpu must be at least the request")
        self.told.append(arguments)

    def get(self, what: str, *_: str) -> Any:
        status = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
        one = {"metadata": {"name": "serving", "generation": 2}, "spec": {"replicas": 1}, "status": status}
        return {"items": [one] if what == "deployments" else []}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(Kubectl, "__call__", lambda _, *arguments: made.call(*arguments))
    monkeypatch.setattr(Kubectl, "get", lambda _, *arguments: made.get(*arguments))
    return made


def test_fields_are_merged_into_the_containers_of_that_name(server: Server) -> None:
    templates.merge(Environment(), "serving", {"resources": {"limits": {"cpu": None}}})

    ((verb, kind, name, how, _, patch),) = server.told
    assert (verb, kind, name, how) == ("patch", "deployment", "serving", "--type=strategic")
    (container,) = json.loads(patch)["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "serving", "resources": {"limits": {"cpu": None}}}


def test_a_rollout_is_undone(server: Server) -> None:
    templates.undo(Environment(), "serving")

    assert server.told == [("rollout", "undo", "deployment/serving")]


def test_what_the_server_refuses_is_told(server: Server) -> None:
    with pytest.raises(RuntimeStateError, match="at least the request"):
        templates.merge(Environment(), "refused", {"image": "x"})
