"""The runtime that an environment names: the same verbs, by processes or in Kubernetes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ontime.runtime import stack, status
from ontime.runtime.component import Component
from ontime.runtime.kind import stack as kind_stack
from ontime.runtime.reporter import Reporter
from ontime.runtime.status import StackStatus
from ontime.settings import Environment


class Up(Protocol):
    def __call__(self, environment: Environment, reporter: Reporter, names: Sequence[str] = ()) -> None: ...


class Down(Protocol):
    def __call__(self, environment: Environment, reporter: Reporter) -> None: ...


class Stop(Protocol):
    def __call__(self, environment: Environment, names: Sequence[str]) -> None: ...


class Restart(Protocol):
    def __call__(self, environment: Environment, reporter: Reporter, names: Sequence[str]) -> None: ...


class Again(Protocol):
    def __call__(self, environment: Environment, reporter: Reporter, components: Sequence[Component]) -> None: ...


class Running(Protocol):
    def __call__(self, environment: Environment) -> list[Component]: ...


class Look(Protocol):
    def __call__(self, environment: Environment, names: Iterable[str] | None = None) -> StackStatus: ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """`again` is `restart` for a caller that holds the lock and has changed the current release."""

    up: Up
    down: Down
    stop: Stop
    restart: Restart
    again: Again
    running: Running
    look: Look


LOCAL = Runtime(stack.up, stack.down, stack.stop, stack.restart, stack.again, stack.running_components, status.look)
KIND = Runtime(
    kind_stack.up,
    kind_stack.down,
    kind_stack.stop,
    kind_stack.restart,
    kind_stack.again,
    kind_stack.running_components,
    kind_stack.look,
)


def runtime(environment: Environment) -> Runtime:
    return KIND if environment.runtime == "kind" else LOCAL
