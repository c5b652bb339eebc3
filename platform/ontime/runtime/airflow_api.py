"""Asks Airflow's API server to run a DAG, and waits for the run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from ontime.errors import RuntimeStateError, UnknownNameError
from ontime.settings import Environment

LOOK_SECONDS = 0.5
OVER = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a DAG; `seconds` is how long was waited for it."""

    dag: str
    run_id: str
    state: str
    seconds: float


class AirflowApi:
    def __init__(self, environment: Environment) -> None:
        self._client = httpx.Client(base_url=environment.airflow_pages, timeout=20.0, trust_env=False)
        token = self._json("GET", "/auth/token")["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> AirflowApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _json(self, method: str, path: str, body: object = None) -> Any:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise RuntimeStateError(f"Airflow at {self._client.base_url} does not answer: {error}") from error
        if answer.is_error:
            said = " ".join(answer.text.split())[:300]
            raise RuntimeStateError(f"Airflow answered {answer.status_code} to {method} {path}: {said}")
        try:
            return answer.json()
        except ValueError as error:
            raise RuntimeStateError(f"Airflow answered {method} {path} with something that is no JSON.") from error

    def names(self) -> list[str]:
        return [dag["dag_id"] for dag in self._json("GET", "/api/v2/dags?limit=100")["dags"]]

    def trigger(
        self, dag: str, wait_seconds: float | None = None, parameters: Mapping[str, object] | None = None
    ) -> Run:
        """Starts a run, with values for the DAG's parameters; with `wait_seconds`, waits until it is over.

        Raises `UnknownNameError`, and `RuntimeStateError` when Airflow refuses or the run is not over in time.
        """
        known = self.names()
        if dag not in known:
            raise UnknownNameError.of("DAG", dag, known)
        began = time.monotonic()
        started = self._json(
            "POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": dict(parameters or {})}
        )
        run_id, state = started["dag_run_id"], started["state"]
        while wait_seconds is not None and state not in OVER:
            if time.monotonic() - began > wait_seconds:
                raise RuntimeStateError(f"Run {run_id} of {dag} is still {state} after {wait_seconds:.0f} s.")
            time.sleep(LOOK_SECONDS)
            state = self._json("GET", f"/api/v2/dags/{dag}/dagRuns/{run_id}")["state"]
        return Run(dag, run_id, state, round(time.monotonic() - began, 1))
