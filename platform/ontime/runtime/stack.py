"""Starts, stops and restarts the stack: in order, with deadlines, and leaving nothing behind."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ontime.errors import RuntimeStateError
from ontime.files import replace_text
from ontime.runtime import preparation, processes, release, tools
from ontime.runtime.component import Component
from ontime.runtime.components import COMPONENTS, chosen
from ontime.runtime.holders import refuse_taken_ports
from ontime.runtime.lock import exclusive
from ontime.runtime.preparation import PREPARATIONS, Preparation
from ontime.runtime.process_environment import addresses
from ontime.runtime.readiness import Readiness
from ontime.runtime.reporter import Reporter
from ontime.runtime.status import ask
from ontime.runtime.supervisor import Supervised, Supervisor
from ontime.runtime.tail import last_lines
from ontime.settings import Environment

LOOK_SECONDS = 0.25
LAST_LINES = 15
ENOUGH_FAILURES = 3
"""Starts in a row that end at once, after which a start is given up; the supervisor goes on trying for a while."""


class NotReadyError(RuntimeStateError):
    """A component that did not get ready; `component` is its name."""

    def __init__(self, component: str, message: str) -> None:
        super().__init__(message)
        self.component = component


def up(environment: Environment, reporter: Reporter, names: Sequence[str] = ()) -> None:
    """Starts the named components (default: all) and waits until each is ready.

    Idempotent: what already runs is left alone. Raises `RuntimeStateError` naming what is missing, the taken ports, or
    the component that did not become ready, with its last log lines.
    """
    with exclusive(environment, "up"):
        start(environment, reporter, chosen(names or COMPONENTS))


def start(environment: Environment, reporter: Reporter, components: Sequence[Component]) -> None:
    """`up` for a caller that holds the lock."""
    root = _release(environment)
    for tool in tools.NAMES:
        tools.find(tool)
    preparation.directories(environment)
    supervisor = Supervisor(environment)
    if supervisor.pid() is None:
        clear_leftovers(environment, reporter)
        refuse_taken_ports(environment, components)
        write_wrapper(environment)
        supervisor.spawn(COMPONENTS.values())
    else:
        running = {process.name for process in supervisor.processes() if not process.stopped}
        refuse_taken_ports(environment, [c for c in components if c.name not in running])
        write_wrapper(environment)
        supervisor.reload(COMPONENTS.values())
    _Start(environment, supervisor, reporter, root, components).run()
    release.confirm_health(environment)


def down(environment: Environment, reporter: Reporter) -> None:
    """Stops everything, the supervisor too, and ends what it had lost sight of."""
    with exclusive(environment, "down"):
        supervisor = Supervisor(environment)
        if supervisor.pid() is not None:
            running = [process.name for process in supervisor.processes() if not process.stopped]
            reporter.doing("stack", f"stopping {len(running)} components")
            supervisor.stop(COMPONENTS)
            supervisor.shut_down()
            reporter.done("stack", "stopped")
        clear_leftovers(environment, reporter)


def stop(environment: Environment, names: Sequence[str]) -> None:
    """Stops the named components together; the others go on. Raises `RuntimeStateError`."""
    components = chosen(names)
    with exclusive(environment, "stop"):
        supervisor = Supervisor(environment)
        if supervisor.pid() is not None:
            supervisor.stop([component.name for component in components])


def restart(environment: Environment, reporter: Reporter, names: Sequence[str]) -> None:
    """Restarts the named components together and waits until each is ready. Raises `RuntimeStateError`."""
    components = chosen(names)
    with exclusive(environment, "restart"):
        again(environment, reporter, components)


def again(environment: Environment, reporter: Reporter, components: Sequence[Component]) -> None:
    """`restart` for a caller that holds the lock."""
    supervisor = Supervisor(environment)
    if supervisor.pid() is None:
        raise RuntimeStateError("The stack is down. Start it with: ontime up")
    supervisor.stop([component.name for component in components])
    _Start(environment, supervisor, reporter, _release(environment), components).run()


def clear_leftovers(environment: Environment, reporter: Reporter) -> None:
    """Ends processes of this stack that no supervisor watches. Raises `RuntimeStateError` when they do not end."""
    left = processes.members(environment.state)
    if left:
        reporter.say(f"Ending what an earlier run left behind: {', '.join(sorted(left))}.")
        alive = processes.end(process for group in left.values() for process in group)
        if alive:
            raise RuntimeStateError(f"Processes {alive} of an earlier run do not end. Are they another user's?")
    if Supervisor(environment).clear_stale():
        reporter.say("Removed the socket and PID file of a supervisor that is gone.")


def write_wrapper(environment: Environment) -> None:
    """Writes `bin/ontime`: the command line of the current release, at this stack's addresses, for people's shells."""
    path = environment.state / "bin" / "ontime"
    path.parent.mkdir(parents=True, exist_ok=True)
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(addresses(environment).items()))
    current = shlex.quote(str(environment.current))
    program = (
        f"#!/bin/sh\n# The platform's command line, out of the current release.\n{exports}\n"
        f"export PYTHONPATH={current}/platform:{current}\n"
        f'exec {shlex.quote(sys.executable)} -P -m ontime.cli "$@"\n'
    )
    replace_text(path, program, mode=0o755)


def _release(environment: Environment) -> Path:
    try:
        return environment.current.resolve(strict=True)
    except OSError as error:
        raise RuntimeStateError(
            f"There is no release at {environment.current}. Make one from a git checkout with: ontime deploy TREE"
        ) from error


@dataclass
class _Start:
    """One start: preparations in the background, each component as soon as what it waits for is done."""

    environment: Environment
    supervisor: Supervisor
    reporter: Reporter
    root: Path
    components: Sequence[Component]
    began: dict[str, float] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
    failures: dict[str, set[float]] = field(default_factory=dict)

    def run(self) -> None:
        names = {component.name for component in self.components}
        wanted = [step for step in PREPARATIONS if names & set(step.before)]
        with ThreadPoolExecutor(max_workers=len(PREPARATIONS)) as pool, ThreadPoolExecutor(len(COMPONENTS)) as asking:
            futures: dict[str, Future[None]] = {}
            for step in wanted:
                self.reporter.doing(step.name, "preparing")
                futures[step.name] = pool.submit(step.run, self.environment, self.root)
            try:
                self._until_ready(wanted, futures, asking)
            except NotReadyError:
                self._start_the_others()
                raise
            finally:
                for future in futures.values():
                    future.cancel()

    def _until_ready(
        self, steps: Sequence[Preparation], futures: dict[str, Future[None]], asking: ThreadPoolExecutor
    ) -> None:
        finished: set[str] = set()
        while len(self.ready) < len(self.components):
            for step in steps:
                if step.name not in finished and futures[step.name].done():
                    futures[step.name].result()
                    finished.add(step.name)
                    self.reporter.done(step.name, "prepared")
            told = {process.name: process for process in self.supervisor.processes()}
            blocked = {name for step in steps if step.name not in finished for name in step.before}
            for component in self.components:
                if component.name in self.began:
                    continue
                if not told[component.name].stopped:
                    self._begin(component)
                elif component.name not in blocked and self._may_start(component):
                    self.supervisor.start(component.name)
                    self._begin(component)
            waiting = [c for c in self.components if c.name in self.began and c.name not in self.ready]
            answers = asking.map(self._ask, waiting, [told[component.name] for component in waiting])
            for component, answer in zip(waiting, answers, strict=True):
                self._judge(component, told[component.name], answer)
            time.sleep(LOOK_SECONDS)

    def _start_the_others(self) -> None:
        """One component's failure keeps no other down."""
        for component in self.components:
            if component.name not in self.began:
                self.supervisor.start(component.name)

    def _may_start(self, component: Component) -> bool:
        here = {other.name for other in self.components}
        return all(name in self.ready for name in component.after if name in here)

    def _begin(self, component: Component) -> None:
        self.began[component.name] = time.monotonic()
        self.reporter.doing(component.name, "starting")

    def _ask(self, component: Component, told: Supervised) -> Readiness:
        return ask(self.environment, component, told)

    def _judge(self, component: Component, told: Supervised, answer: Readiness) -> None:
        waited = time.monotonic() - self.began[component.name]
        if told.state in {"BACKOFF", "FATAL"}:
            tries = self.failures.setdefault(component.name, set())
            tries.add(told.since)
            if told.state == "FATAL" or len(tries) >= ENOUGH_FAILURES:
                raise self._failure(component, f"ends as soon as it is started ({told.note})")
        if answer.ready:
            self.ready.add(component.name)
            self.reporter.done(component.name, f"ready after {waited:.1f} s")
        elif waited > component.ready_seconds:
            raise self._failure(component, f"was not ready after {component.ready_seconds:.0f} s: {answer.why}")

    def _failure(self, component: Component, what: str) -> NotReadyError:
        path = component.log(self.environment)
        said = "\n".join(f"  {line}" for line in last_lines(path, LAST_LINES))
        return NotReadyError(component.name, f"{component.name} {what}. Its last lines in {path}:\n{said}")


def running_components(environment: Environment) -> list[Component]:
    """The components that the supervisor runs, in the table's order; none when there is no supervisor."""
    supervisor = Supervisor(environment)
    if supervisor.pid() is None:
        return []
    running = {process.name for process in supervisor.processes() if not process.stopped}
    return [component for component in COMPONENTS.values() if component.name in running]
