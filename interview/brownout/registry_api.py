"""MLflow's registry over its REST interface, as anyone with its address can use it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from brownout.errors import BrownoutError
from brownout.http import client

MODEL = "ontime-delay"


class RegistryApi:
    """A few calls of MLflow's registry. Raises `BrownoutError` with the server's own words."""

    def __init__(self, url: str, timeout_seconds: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout_seconds

    def call(self, method: str, path: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        given: dict[str, Any] = {"params": payload} if method == "GET" else {"json": payload or {}}
        try:
            answer = client().request(method, f"{self._url}/api/2.0/mlflow/{path}", timeout=self._timeout, **given)
        except httpx.HTTPError as error:
            raise BrownoutError(f"MLflow at {self._url} does not answer ({error}). Start it.") from error
        if answer.status_code != 200:
            raise BrownoutError(f"MLflow refused {path} with {answer.status_code}: {answer.text[:300]}")
        parsed: dict[str, Any] = answer.json()
        return parsed

    def version_of(self, alias: str) -> str:
        found = self.call("GET", "registered-models/alias", {"name": MODEL, "alias": alias})
        return str(found["model_version"]["version"])

    def version(self, version: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", "model-versions/get", {"name": MODEL, "version": version})[
            "model_version"
        ]
        return found

    def set_alias(self, alias: str, version: str) -> None:
        self.call("POST", "registered-models/alias", {"name": MODEL, "alias": alias, "version": version})

    def upload(self, artifact_uri: str, name: str, file: Path) -> None:
        """Puts a file among the artifacts that MLflow serves; `artifact_uri` is the run's."""
        path = f"{artifact_uri.removeprefix('mlflow-artifacts:').lstrip('/')}/{name}"
        with file.open("rb") as content:
            try:
                answer = client().put(
                    f"{self._url}/api/2.0/mlflow-artifacts/artifacts/{path}", content=content, timeout=self._timeout
                )
            except httpx.HTTPError as error:
                raise BrownoutError(f"MLflow at {self._url} did not take {name} ({error}).") from error
        if answer.status_code != 200:
            raise BrownoutError(f"MLflow refused the file {name} with {answer.status_code}: {answer.text[:300]}")

    def create_version(self, source: str, run_id: str, tags: Mapping[str, str], description: str = "") -> str:
        """Registers files that a run has logged; returns the new version."""
        rows = [{"key": key, "value": value} for key, value in tags.items()]
        made = self.call(
            "POST",
            "model-versions/create",
            {"name": MODEL, "source": source, "run_id": run_id, "tags": rows, "description": description},
        )
        return str(made["model_version"]["version"])

    def delete_version(self, version: str) -> None:
        self.call("DELETE", "model-versions/delete", {"name": MODEL, "version": version})
