"""Which processes belong to the stack, whether or not the supervisor still knows them."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from ontime.runtime.process_environment import COMPONENT

END_SECONDS = 10.0


def belongs_to(process: psutil.Process, state: Path) -> str | None:
    """Name of the component that `process` belongs to in the stack at `state`, or None."""
    try:
        variables = process.environ()
    except (psutil.Error, OSError):
        return None
    name = variables.get(COMPONENT)
    return name if name and variables.get("ONTIME_STATE") == str(state) else None


def has_become(pid: int, state: Path, name: str) -> bool:
    """Whether process `pid` is component `name` by now, and no longer the launcher that makes way for it."""
    try:
        return belongs_to(psutil.Process(pid), state) == name
    except psutil.NoSuchProcess:
        return False


def members(state: Path) -> dict[str, list[psutil.Process]]:
    """All living processes of the stack at `state`, by component: found by their environment, so orphans count."""
    found: dict[str, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter():
        name = belongs_to(process, state)
        if name is not None and process.pid != os.getpid():
            found[name].append(process)
    return dict(found)


def end(processes: Iterable[psutil.Process], seconds: float = END_SECONDS) -> list[int]:
    """Ends the processes, first asking, then not; returns the ids of those that still live after `seconds`."""
    wanted = list(processes)
    for process in wanted:
        _signal(process, psutil.Process.terminate)
    alive = _living_after(wanted, seconds / 2)
    for process in alive:
        _signal(process, psutil.Process.kill)
    return [process.pid for process in _living_after(alive, seconds / 2)]


def _living_after(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that live on after at most `seconds`. A dead process that nobody has collected yet is not among them."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, how: object) -> None:
    try:
        how(process)  # type: ignore[operator]
    except psutil.NoSuchProcess:
        return


@dataclass(frozen=True, slots=True)
class Tree:
    """A process with all its descendants."""

    pid: int
    pids: tuple[int, ...]

    def memory_mib(self) -> float:
        return sum(proportional_mib(pid) for pid in self.pids)


def trees(roots: Iterable[int]) -> dict[int, Tree]:
    """One look at the process table for all `roots`."""
    children: dict[int, list[int]] = defaultdict(list)
    for process in psutil.process_iter(["ppid"]):
        children[process.info["ppid"]].append(process.pid)
    found: dict[int, Tree] = {}
    for root in roots:
        pids, stack = [], [root]
        while stack:
            pid = stack.pop()
            pids.append(pid)
            stack.extend(children.get(pid, ()))
        found[root] = Tree(root, tuple(pids))
    return found


def proportional_mib(pid: int) -> float:
    """Resident memory, shared pages divided among their users (PSS), in MiB; without PSS, what is the process's own."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        pass
    try:
        return float(psutil.Process(pid).memory_full_info().uss) / 2**20
    except psutil.Error:
        return 0.0
