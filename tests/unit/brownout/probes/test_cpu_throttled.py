from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout.probes import CpuThrottled, Memory, ProbeView, Reference
from brownout.probes.cpu_throttled import PROGRAM
from brownout.settings import Harness
from ontime.errors import RuntimeStateError
from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment

PROBE = CpuThrottled()


class Pods:
    """What each pod's kernel says; a pod that is None does not answer."""

    def __init__(self) -> None:
        self.counts: dict[str, list[Any] | None] = {"serving-a": [0.1, 100, 10]}

    def get(self, *_: str) -> Any:
        labels = {"app.kubernetes.io/name": "serving"}
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        return {"items": [{"metadata": {"name": name, "labels": labels}, "status": ready} for name in self.counts]}

    def call(self, verb: str, pod: str, *_: str) -> Any:
        assert verb == "exec"
        told = self.counts[pod]
        if told is None:
            raise RuntimeStateError("kubectl exec failed: container not found")
        return SimpleNamespace(stdout=json.dumps(told))


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> Pods:
    made = Pods()
    monkeypatch.setattr(Kubectl, "get", lambda _, *arguments: made.get(*arguments))
    monkeypatch.setattr(Kubectl, "__call__", lambda _, *arguments: made.call(*arguments))
    return made


@pytest.fixture
def view(tmp_path: Path) -> ProbeView:
    here = Environment(state=tmp_path, runtime="kind")
    return ProbeView(here, Harness(state=tmp_path), Reference("1", tmp_path), memory=Memory())


@pytest.mark.parametrize(("held_back", "status"), [(30, "broken"), (20, "ok"), (0, "ok")])
def test_what_came_since_the_last_look_decides(pods: Pods, view: ProbeView, held_back: int, status: str) -> None:
    first = PROBE.run(view)
    pods.counts["serving-a"] = [0.1, 200, 10 + held_back]
    second = PROBE.run(view)

    assert (first.status, second.status) == ("unknown", status)
    assert second.measured == {"throttled_share": held_back / 100, "cores": 0.1}


def test_too_little_work_says_nothing_and_is_counted_on(pods: Pods, view: ProbeView) -> None:
    PROBE.run(view)
    pods.counts["serving-a"] = [0.1, 110, 20]
    assert PROBE.run(view).status == "unknown"
    pods.counts["serving-a"] = [0.1, 125, 35]

    assert PROBE.run(view).measured["throttled_share"] == 1.0


def test_a_new_pod_counts_from_its_second_look_on(pods: Pods, view: ProbeView) -> None:
    PROBE.run(view)
    pods.counts = {"serving-b": [2.0, 400, 300]}
    assert PROBE.run(view).status == "unknown"
    pods.counts = {"serving-b": [2.0, 500, 301]}

    assert PROBE.run(view).status == "ok"


def test_without_a_limit_nothing_is_held_back(pods: Pods, view: ProbeView) -> None:
    pods.counts["serving-a"] = [None, 0, 0]

    assert PROBE.run(view).status == "ok"


@pytest.mark.parametrize("counts", [{}, {"serving-a": None}, {"serving-a": ["x"]}])
def test_what_cannot_be_read_is_unknown(pods: Pods, view: ProbeView, counts: dict[str, Any]) -> None:
    pods.counts = counts

    assert PROBE.run(view).status == "unknown"


def test_processes_have_no_limit(tmp_path: Path) -> None:
    view = ProbeView(Environment(state=tmp_path), Harness(state=tmp_path), Reference("1", tmp_path))

    assert PROBE.run(view).status == "unknown"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "15000 100000"}, 0.15),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "15000", "cpu/cpu.cfs_period_us": "100000"}, 0.15),
    ],
)
def test_the_pod_reads_its_own_control_group(tmp_path: Path, files: dict[str, str], cores: float | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
        (tmp_path / name).with_name("cpu.stat").write_text("nr_periods 40\nnr_throttled 7\nthrottled_usec 99\n")
    program = PROGRAM.replace("/sys/fs/cgroup/", f"{tmp_path}/")
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == [cores, 40, 7]
