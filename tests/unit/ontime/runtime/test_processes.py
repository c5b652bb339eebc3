from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ontime.runtime import processes
from ontime.runtime.process_environment import COMPONENT

DEADLINE_SECONDS = 20.0


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[psutil.Process]:
    """A process of component `serving` of the stack at `tmp_path`, with a child, that ignores being asked to end."""
    program = "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    program += "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)']); time.sleep(100)"
    variables = {COMPONENT: "serving", "ONTIME_STATE": str(tmp_path), "PATH": "/usr/bin:/bin"}
    started = subprocess.Popen([sys.executable, "-S", "-c", program], env=variables)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(processes.members(tmp_path).get("serving", [])) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield psutil.Process(started.pid)
    for group in processes.members(tmp_path).values():
        processes.end(group, seconds=2.0)
    started.wait(5)


def test_processes_are_found_by_their_environment(orphan: psutil.Process, tmp_path: Path) -> None:
    assert processes.belongs_to(orphan, tmp_path) == "serving"
    assert processes.has_become(orphan.pid, tmp_path, "serving")
    assert not processes.has_become(orphan.pid, tmp_path, "ingest")
    assert processes.members(tmp_path / "another") == {}
    assert len(processes.trees([orphan.pid])[orphan.pid].pids) == 2
    assert processes.trees([orphan.pid])[orphan.pid].memory_mib() > 1


def test_what_does_not_want_to_end_is_ended(orphan: psutil.Process, tmp_path: Path) -> None:
    found = processes.members(tmp_path)

    assert processes.end((p for group in found.values() for p in group), seconds=2.0) == []
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
