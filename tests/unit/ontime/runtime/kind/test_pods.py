from __future__ import annotations

from typing import Any

import pytest

from ontime.errors import RuntimeStateError
from ontime.runtime.kind import pods
from ontime.runtime.kind.kubectl import Kubectl
from ontime.runtime.stack import NotReadyError

KUBECTL = Kubectl("kind-ontime", "ontime")


def pod(name: str = "serving", ready: bool = True, waiting: dict[str, str] | None = None, restarts: int = 0) -> Any:
    state = {"waiting": waiting} if waiting else {"running": {}}
    return {
        "metadata": {"name": f"{name}-abc", "labels": {pods.NAME: name}},
        "status": {
            "phase": "Running",
            "startTime": "2026-01-01T00:00:00Z",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": name, "ready": ready, "restartCount": restarts, "state": state}],
        },
    }


def deployment(name: str = "serving", wanted: int = 1, ready: int = 1, updated: int = 1, seen: int = 2) -> Any:
    return {
        "metadata": {"name": name, "generation": 2, "labels": {pods.NAME: name}},
        "spec": {"replicas": wanted},
        "status": {
            "observedGeneration": seen,
            "replicas": max(ready, updated),
            "updatedReplicas": updated,
            "readyReplicas": ready,
        },
    }


def test_a_ready_pod_has_nothing_to_explain() -> None:
    found = pods.judge(pod())

    assert (found.component, found.ready, found.why, found.stuck) == ("serving", True, "", "")


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError"])
def test_waiting_does_not_help_an_image_that_is_not_there(reason: str) -> None:
    found = pods.judge(pod(ready=False, waiting={"reason": reason, "message": "not found"}))

    assert found.stuck == f"serving: {reason} not found"


def test_a_container_that_ends_again_and_again_is_given_up() -> None:
    waiting = {"reason": "CrashLoopBackOff"}

    assert pods.judge(pod(ready=False, waiting=waiting, restarts=1)).stuck == ""
    assert "ends as soon as it is started" in pods.judge(pod(ready=False, waiting=waiting, restarts=4)).stuck


def test_a_pod_that_finds_no_node_says_what_the_scheduler_said() -> None:
    told = pod(ready=False)
    told["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "message": "Insufficient memory"}],
    }

    assert pods.judge(told).why == "Insufficient memory"


def test_a_pod_that_ends_is_not_ready() -> None:
    told = pod()
    told["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert (pods.judge(told).ready, pods.judge(told).why) == (False, "ending")


@pytest.mark.parametrize(
    ("told", "settled"),
    [
        (deployment(), True),
        (deployment(seen=1), False),
        (deployment(updated=0), False),
        (deployment(ready=0), False),
        (deployment(wanted=0, ready=0, updated=0), True),
    ],
)
def test_a_roll_out_is_over_when_only_the_newest_template_runs(told: Any, settled: bool) -> None:
    assert pods.workload(told).settled is settled


def answer(programs, deployments: list[Any], found: list[Any]) -> None:
    programs.when("kubectl", "get", "deployments", says={"items": deployments})
    programs.when("kubectl", "get", "pods", says={"items": found})
    programs.when("kubectl", "get", "events", says={"items": [{"reason": "BackOff", "message": "pulling failed"}]})
    programs.when("kubectl", "logs", says="[pod/serving-abc] Traceback\n")


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def wait(told: Any, seconds: float = 3.0) -> None:
    time = Time()
    pods.wait(KUBECTL, told, ["serving"], seconds, time.now, time.sleep)


def test_waiting_ends_when_all_is_ready(programs, told) -> None:
    answer(programs, [deployment(ready=0)], [pod(ready=False)])
    programs.when("kubectl", "get", "deployments", says={"items": [deployment()]})
    programs.when("kubectl", "get", "deployments", says={"items": [deployment(ready=0)]}, times=1)

    wait(told)

    assert told.lines[-1].startswith("serving: ready after")


def test_what_does_not_become_ready_is_told_with_events_and_last_lines(programs, told) -> None:
    answer(programs, [deployment(ready=0)], [pod(ready=False)])

    with pytest.raises(NotReadyError, match="was not ready after 3 s") as caught:
        wait(told)

    assert caught.value.component == "serving"
    assert "BackOff: pulling failed" in str(caught.value)
    assert "Traceback" in str(caught.value)


def test_a_hopeless_pod_is_not_waited_for(programs, told) -> None:
    answer(programs, [deployment(ready=0)], [pod(ready=False, waiting={"reason": "CrashLoopBackOff"}, restarts=4)])

    with pytest.raises(NotReadyError, match="ends as soon as it is started"):
        wait(told, seconds=1e9)


def test_every_call_names_cluster_and_namespace(programs, told) -> None:
    answer(programs, [deployment()], [pod()])

    wait(told)

    for command in programs.asked("kubectl"):
        assert command[1:5] == ["--context", "kind-ontime", "--namespace", "ontime"]


def test_pods_that_do_not_go_are_named(programs) -> None:
    answer(programs, [], [pod()])
    time = Time()

    with pytest.raises(RuntimeStateError, match="serving-abc"):
        pods.wait_gone(KUBECTL, ["serving"], 2, time.now, time.sleep)
