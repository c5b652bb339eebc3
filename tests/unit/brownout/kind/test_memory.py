from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout.kind import memory
from brownout.kind.memory import PROGRAM, amount
from ontime.runtime.kind.kubectl import Kubectl

MIB = 2**20


def pod(name: str, limit: str | None, ready: bool = True) -> dict[str, Any]:
    resources = {"limits": {"memory": limit, "cpu": "2"}} if limit else {}
    return {
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "serving"}},
        "spec": {"containers": [{"name": "beside"}, {"name": "serving", "resources": resources}]},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def test_pods_tell_what_they_use_when_they_are_ready_and_what_they_may_use_always(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = pod("serving-d", "2Gi")
    gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    there = [pod("serving-a", "300Mi"), pod("serving-b", None), pod("serving-c", "1Gi", ready=False), gone]
    monkeypatch.setattr(Kubectl, "get", lambda *_: {"items": there})
    monkeypatch.setattr(Kubectl, "__call__", lambda *_: SimpleNamespace(stdout=f"{260 * MIB}\n"))
    kubectl = Kubectl(None, "ontime")

    assert memory.used(kubectl, "serving") == {"serving-a": 260 * MIB, "serving-b": 260 * MIB}
    assert memory.limits(kubectl, "serving") == {"serving-a": 300 * MIB, "serving-b": None, "serving-c": 2**30}


@pytest.mark.parametrize(
    ("text", "told"), [("300Mi", 300 * MIB), ("1Gi", 2**30), ("1.5G", 1_500_000_000), ("64Ki", 65_536), ("1000", 1000)]
)
def test_amounts_are_read_as_kubernetes_writes_them(text: str, told: int) -> None:
    assert amount(text) == told


def test_what_is_no_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="many"):
        amount("many")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("memory.stat", "anon 4096\nfile 99\n"),
        ("memory/memory.stat", "cache 99\nrss 1\ntotal_cache 99\ntotal_rss 4096\n"),
    ],
)
def test_the_pod_reads_its_own_control_group(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    program = PROGRAM.replace("/sys/fs/cgroup/", f"{tmp_path}/")
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "4096\n"
