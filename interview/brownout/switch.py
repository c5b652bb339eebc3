"""Stops and starts components of the platform one by one, whatever runs them: what freezing needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ontime.runtime.kind import stack as kind_stack
from ontime.runtime.supervisor import Supervisor
from ontime.settings import Environment


class Switch(Protocol):
    def there(self) -> bool:
        """Whether there is anything that could be switched."""

    def running(self) -> set[str]: ...

    def stop(self, names: Sequence[str]) -> None: ...

    def start(self, name: str) -> None:
        """Returns at once."""


class SupervisorSwitch:
    def __init__(self, environment: Environment) -> None:
        self._supervisor = Supervisor(environment)

    def there(self) -> bool:
        return self._supervisor.pid() is not None

    def running(self) -> set[str]:
        return {process.name for process in self._supervisor.processes() if not process.stopped}

    def stop(self, names: Sequence[str]) -> None:
        self._supervisor.stop(names)

    def start(self, name: str) -> None:
        self._supervisor.start(name)


class PodSwitch:
    """A component without pods is stopped."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def there(self) -> bool:
        return bool(kind_stack.running_components(self._environment))

    def running(self) -> set[str]:
        return {component.name for component in kind_stack.running_components(self._environment)}

    def stop(self, names: Sequence[str]) -> None:
        kind_stack.stop(self._environment, names)

    def start(self, name: str) -> None:
        kind_stack.begin(self._environment, name)


def switch(environment: Environment) -> Switch:
    return PodSwitch(environment) if environment.runtime == "kind" else SupervisorSwitch(environment)
