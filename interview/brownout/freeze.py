"""Stops world, schedules and alert evaluation together, and lets them run as if no time had passed."""

from __future__ import annotations

import time
from collections.abc import Callable

from brownout.airflow_tables import ask
from brownout.errors import StackError
from brownout.lifecycle import Release, Standstill
from brownout.switch import switch
from brownout.world.control import WorldControl
from ontime.errors import OntimeError
from ontime.runtime.components import COMPONENTS
from ontime.settings import Environment

DAG_RUNS_END_SECONDS = 120.0
READY_SECONDS = 60.0
STOPPED = ("prometheus", "airflow-scheduler")
_RUNNING = "SELECT dag_id FROM dag_run WHERE state = 'running'"


class Freezer:
    """`shift` moves Prometheus's data by so many seconds while Prometheus is stopped."""

    def __init__(self, environment: Environment, world: WorldControl, shift: Callable[[float], None]) -> None:
        self._environment = environment
        self._world = world
        self._switch = switch(environment)
        self._shift = shift

    def freeze(self) -> Standstill:
        """World first, then alert evaluation, then, once no DAG runs, the scheduler. Again does no harm."""
        world = float(self._world.freeze()["world"])
        wall = time.time()
        if not self._switch.there():
            raise StackError("The platform's supervisor does not run, so nothing can be frozen. `brownout status`.")
        self._switch.stop(["prometheus"])
        self._wait("a DAG run to end", DAG_RUNS_END_SECONDS, lambda: not running_dags(self._environment))
        self._switch.stop(["airflow-scheduler"])
        return Standstill(wall, world)

    def release(self, frozen_wall: float | None) -> Release:
        """Lets everything run. Without `frozen_wall` nothing is shifted. Again does no harm."""
        if not self._switch.there():
            raise StackError("The platform's supervisor does not run, so nothing can be released. `brownout status`.")
        running = self._switch.running()
        trouble = ""
        if frozen_wall is not None and "prometheus" not in running:
            try:
                self._shift(max(time.time() - frozen_wall, 0.0))
            except OntimeError as error:
                trouble = f"the metrics before the freeze could not be brought along: {error}"
        for name in STOPPED:
            self._switch.start(name)
        prometheus = COMPONENTS["prometheus"]
        self._wait(
            "Prometheus to be ready", READY_SECONDS, lambda: prometheus.ready(self._environment, time.time()).ready
        )
        self._world.release()
        return Release(0.0 if frozen_wall is None else max(time.time() - frozen_wall, 0.0), trouble)

    @staticmethod
    def _wait(what: str, seconds: float, met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while not met():
            if time.monotonic() > deadline:
                raise StackError(f"Waited {seconds:.0f} s for {what}. See `brownout status` and the log of Airflow.")
            time.sleep(0.25)


def running_dags(environment: Environment) -> list[str]:
    """Ids of the DAGs with a run in progress; none when Airflow's tables cannot be read."""
    return [str(row[0]) for row in ask(environment, _RUNNING) or []]
