"""`python -m ontime.runtime.watcher`: keeps the journal, and components within their memory.

Runs under the supervisor as its event listener: standard input and output are the supervisor's protocol.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from supervisor.childutils import get_headers, listener

from ontime.errors import RuntimeStateError
from ontime.runtime import journal, processes
from ontime.runtime.components import COMPONENTS
from ontime.runtime.supervisor import Supervisor
from ontime.settings import Environment, environment

LOOKS_ABOVE = 2
"""Consecutive looks (five seconds apart) above its limit after which a component is restarted."""


class MemoryGuard:
    """Says which components have been above their limit for long enough to be restarted."""

    def __init__(self, limits: dict[str, float]) -> None:
        self._limits = limits
        self._above: dict[str, int] = {}

    def look(self, measured: dict[str, float]) -> list[str]:
        """`measured` maps component to MiB."""
        due = []
        for name, mib in measured.items():
            self._above[name] = self._above.get(name, 0) + 1 if mib > self._limits.get(name, float("inf")) else 0
            if self._above[name] >= LOOKS_ABOVE:
                self._above[name] = 0
                due.append(name)
        return due


def events() -> Iterator[tuple[str, dict[str, str]]]:
    """Name and data of each event until the supervisor is gone; asking for the next one says the last was handled."""
    while True:
        listener.ready(sys.stdout)
        line = sys.stdin.readline()
        if not line:
            return
        headers = get_headers(line)
        yield headers["eventname"], get_headers(sys.stdin.read(int(headers["len"])))
        listener.ok(sys.stdout)


def _note(here: Environment, name: str, data: dict[str, str]) -> None:
    component = data.get("processname", "")
    if component not in COMPONENTS:
        return
    if name == "PROCESS_STATE_EXITED" and data.get("expected") != "1":
        journal.record(here, "exited", component, f"process {data.get('pid')}")
    elif name == "PROCESS_STATE_EXITED":
        journal.record(here, "exited", component, f"process {data.get('pid')}, exit code 0")
    elif name == "PROCESS_STATE_FATAL":
        journal.record(here, "gave-up", component)
    elif name == "PROCESS_STATE_RUNNING":
        journal.record(here, "running", component, f"process {data.get('pid')}")


def main() -> None:
    here = environment()
    supervisor = Supervisor(here)
    guard = MemoryGuard({component.name: component.memory_mib for component in COMPONENTS.values()})
    for name, data in events():
        if not name.startswith("TICK"):
            _note(here, name, data)
            continue
        try:
            running = {process.name: process.pid for process in supervisor.processes() if process.pid}
            trees = processes.trees(running.values())
            measured = {component: trees[pid].memory_mib() for component, pid in running.items()}
            for component in guard.look(measured):
                used, limit = round(measured[component]), COMPONENTS[component].memory_mib
                journal.record(here, "over-memory", component, f"{used} MiB of {limit} allowed")
                supervisor.restart(component)
        except RuntimeStateError as error:
            print(error, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
