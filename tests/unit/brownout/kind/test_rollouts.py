from __future__ import annotations

from typing import Any

import pytest

from brownout.kind.rollouts import REVISION, Rollouts
from ontime.errors import RuntimeStateError
from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment


class Server:
    """An API server with one deployment."""

    def __init__(self) -> None:
        self.down = False
        self.change(1, "ontime/release", "aaa")

    def change(self, revision: int, *marks: str) -> None:
        annotations = dict(zip(marks[::2], marks[1::2], strict=True))
        self.items = [
            {
                "metadata": {"name": "serving", "annotations": {REVISION: str(revision)}},
                "spec": {"template": {"metadata": {"annotations": annotations}}},
            }
        ]

    def get(self, *_: str) -> Any:
        if self.down:
            raise RuntimeStateError("kubectl get failed")
        return {"items": self.items}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(Kubectl, "get", lambda _, *arguments: made.get(*arguments))
    return made


@pytest.fixture
def rollouts(server: Server) -> Rollouts:
    found = Rollouts(Environment())

    assert list(found.look("aaa")) == []
    return found


def test_nothing_new_is_nothing(rollouts: Rollouts) -> None:
    assert list(rollouts.look("aaa")) == []


@pytest.mark.parametrize(
    ("marks", "what"),
    [
        (("ontime/release", "before"), "deploy"),
        ((), "deploy"),
        (("ontime/release", "aaa"), "deploy"),
        (("ontime/release", "aaa", "kubectl.kubernetes.io/restartedAt", "2013-05-06T09:00:00Z"), "restart"),
    ],
    ids=["undone", "undone to the first", "limits set", "restarted"],
)
def test_what_kubectl_changed_is_told(rollouts: Rollouts, server: Server, marks: tuple[str, ...], what: str) -> None:
    server.change(2, *marks)
    [found] = rollouts.look("aaa")

    assert (found.what, found.subject) == (what, "serving")
    assert "revision 1 → 2" in found.detail
    assert list(rollouts.look("aaa")) == []


@pytest.mark.parametrize(
    "marks", [("ontime/release", "bbb"), ("ontime/release", "aaa", "ontime/rolled-out-at", "2013-05-06T09:00:00Z")]
)
def test_what_a_deploy_rolls_out_is_the_deploys(rollouts: Rollouts, server: Server, marks: tuple[str, ...]) -> None:
    server.change(2, *marks)

    assert list(rollouts.look("bbb")) == []


def test_a_server_that_is_gone_for_a_while_loses_nothing(rollouts: Rollouts, server: Server) -> None:
    server.down = True
    assert list(rollouts.look("aaa")) == []
    server.down = False
    server.change(2, "ontime/release", "before")

    assert [change.subject for change in rollouts.look("aaa")] == ["serving"]
