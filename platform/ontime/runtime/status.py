"""The truth about the stack: what the supervisor says, held against the process table and each component's own word."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ontime.errors import RuntimeStateError
from ontime.runtime import journal, processes
from ontime.runtime.address import port_of
from ontime.runtime.component import Component
from ontime.runtime.components import COMPONENTS
from ontime.runtime.readiness import Readiness
from ontime.runtime.supervisor import Supervised, Supervisor
from ontime.settings import Environment

State = Literal["ready", "not ready", "starting", "restarting", "gave up", "stopped", "unsupervised"]
"""unsupervised: it runs, but the supervisor that should watch it is gone."""

_WITHOUT_PROCESS: dict[str, State] = {"BACKOFF": "restarting", "EXITED": "restarting", "FATAL": "gave up"}
START_GRACE_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """`since` is in Unix seconds; `pid`, `since` and `memory_mib` are None when nothing runs."""

    name: str
    state: State
    why: str
    pid: int | None
    since: float | None
    restarts: int
    memory_mib: float | None
    memory_limit_mib: int
    port: int | None
    url: str | None
    log: str

    @property
    def ready(self) -> bool:
        return self.state == "ready"


@dataclass(frozen=True, slots=True)
class StackStatus:
    components: tuple[ComponentStatus, ...]
    supervisor_pid: int | None
    overhead_mib: float
    release: str | None

    @property
    def ready(self) -> bool:
        return all(component.ready for component in self.components)

    @property
    def memory_mib(self) -> float:
        """Proportional resident memory of every process of the stack, the supervisor included."""
        return self.overhead_mib + sum(component.memory_mib or 0.0 for component in self.components)


def current_release(environment: Environment) -> str | None:
    """Name of the release that `current` leads to, or None."""
    try:
        return Path(environment.current).resolve(strict=True).name
    except OSError:
        return None


def ask(environment: Environment, component: Component, told: Supervised | None) -> Readiness:
    """The component's own word, once its process is there: before, an orphan could be answering in its place."""
    if told is None or not told.pid:
        return Readiness(False, told.note if told else "")
    if not processes.has_become(told.pid, environment.state, component.name):
        return Readiness(False, "being launched")
    return component.ready(environment, told.since)


def judge(told: Supervised | None, readiness: Readiness, orphans: int, now: float) -> tuple[State, str]:
    """One component's state and why, from everything known about it."""
    if told is None or told.stopped or told.state == "BACKOFF":
        if orphans:
            return "unsupervised", f"{orphans} of its processes run without a supervisor"
        if told is None or told.state in {"STOPPED", "UNKNOWN"}:
            return "stopped", ""
        return _WITHOUT_PROCESS[told.state], told.note
    if told.state == "STOPPING":
        return "stopped", "ending"
    if readiness.ready:
        return "ready", ""
    young = now - told.since < START_GRACE_SECONDS
    return ("starting" if young or told.state == "STARTING" else "not ready"), readiness.why


def look(environment: Environment, names: Iterable[str] | None = None) -> StackStatus:
    """Asks everything at once; takes as long as the slowest answer, at most a few seconds."""
    wanted: list[Component] = [COMPONENTS[name] for name in (names if names is not None else COMPONENTS)]
    supervisor = Supervisor(environment)
    supervisor_pid = supervisor.pid()
    try:
        told = {process.name: process for process in supervisor.processes()} if supervisor_pid else {}
    except RuntimeStateError:
        told = {}
    running = {name: process.pid for name, process in told.items() if process.pid}
    unwatched = {} if len(running) == len(COMPONENTS) else processes.members(environment.state)

    def answer(component: Component) -> Readiness:
        return ask(environment, component, told.get(component.name))

    with ThreadPoolExecutor(max_workers=max(len(wanted), 1)) as pool:
        answers = dict(zip((component.name for component in wanted), pool.map(answer, wanted), strict=True))
    roots = [*running.values(), *([supervisor_pid] if supervisor_pid else [])]
    found = processes.trees(roots)
    memory = {name: found[pid].memory_mib() for name, pid in running.items()}
    overhead = 0.0
    if supervisor_pid:
        of_components = {pid for root in running.values() for pid in found[root].pids}
        overhead = sum(
            processes.proportional_mib(pid) for pid in found[supervisor_pid].pids if pid not in of_components
        )
    exits = journal.unasked_exits(journal.read(environment))
    now = time.time()
    statuses = []
    for component in wanted:
        process = told.get(component.name)
        orphans = unwatched.get(component.name, []) if component.name not in running else []
        state, why = judge(process, answers[component.name], len(orphans), now)
        url = component.url(environment)
        pid = running.get(component.name) or (orphans[0].pid if orphans else None)
        statuses.append(
            ComponentStatus(
                name=component.name,
                state=state,
                why=why,
                pid=pid,
                since=process.since if process is not None and process.pid else None,
                restarts=exits[component.name],
                memory_mib=round(memory[component.name], 1) if component.name in memory else None,
                memory_limit_mib=component.memory_mib,
                port=port_of(url) if url else None,
                url=url,
                log=str(component.log(environment)),
            )
        )
    return StackStatus(tuple(statuses), supervisor_pid, round(overhead, 1), current_release(environment))
