"""Waits until no run of a DAG is under way, by Airflow's own database: what it writes must not come in between."""

from __future__ import annotations

import time

from brownout.airflow_tables import ask
from brownout.errors import PreparationError
from brownout.faults.context import InjectContext

WITHIN_SECONDS = 120.0
_UNDER_WAY = "SELECT run_id FROM dag_run WHERE dag_id = :dag AND state IN ('queued', 'running')"


def wait_for_runs(context: InjectContext, dag: str) -> None:
    """Returns at once when there is no database yet. Raises `PreparationError` when a run does not end."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while ask(context.environment, _UNDER_WAY, dag=dag):
        if time.monotonic() > deadline:
            raise PreparationError(f"A run of {dag} has not ended within {WITHIN_SECONDS:.0f} s. See Airflow's log.")
        time.sleep(0.5)
