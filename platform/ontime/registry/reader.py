"""Reads the registry over MLflow's REST API, without importing mlflow (which costs seconds and 200 MB)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from ontime.contract import contract_hash
from ontime.errors import ArtifactError, RegistryError, UnknownNameError
from ontime.files import replacing
from ontime.registry.model import MODEL_FILE, MODEL_NAME, ModelVersion, from_mlflow

TIMEOUT = httpx.Timeout(10.0, connect=2.0)
_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


class RegistryReader:
    """Versions and aliases of `ontime-delay`. Thread-safe; `close` it, or use it in a `with` statement.

    Every method raises `RegistryError` when MLflow does not answer in time or answers nonsense.
    """

    def __init__(
        self, url: str, timeout: httpx.Timeout = TIMEOUT, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(base_url=self.url, timeout=timeout, transport=transport, trust_env=False)

    def __enter__(self) -> RegistryReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def alias(self, name: str) -> ModelVersion | None:
        """The version that the alias points to, or None when it points to none."""
        body = self._get("/api/2.0/mlflow/registered-models/alias", name=MODEL_NAME, alias=name)
        return None if body is None else from_mlflow(body["model_version"])

    def aliases(self) -> dict[str, int]:
        """Every alias with the version that it points to."""
        body = self._get("/api/2.0/mlflow/registered-models/get", name=MODEL_NAME)
        if body is None:
            return {}
        return {a["alias"]: int(a["version"]) for a in body["registered_model"].get("aliases", [])}

    def version(self, number: int) -> ModelVersion:
        """Raises `UnknownNameError` when there is no such version."""
        body = self._get("/api/2.0/mlflow/model-versions/get", name=MODEL_NAME, version=str(number))
        if body is None:
            raise UnknownNameError.of("model version", str(number), [str(v.version) for v in self.versions()])
        return from_mlflow(body["model_version"])

    def versions(self) -> list[ModelVersion]:
        """All versions, newest first; empty before the first registration."""
        aliases: dict[int, list[str]] = {}
        for alias, number in self.aliases().items():
            aliases.setdefault(number, []).append(alias)
        found: list[ModelVersion] = []
        token = ""
        while True:
            body = self._get(
                "/api/2.0/mlflow/model-versions/search",
                filter=f"name='{MODEL_NAME}'",
                max_results="200",
                **({"page_token": token} if token else {}),
            )
            found += [from_mlflow(v) for v in (body or {}).get("model_versions", [])]
            token = (body or {}).get("next_page_token", "")
            if not token:
                break
        named = [replace(v, aliases=tuple(sorted(aliases.get(v.version, [])))) for v in found]
        return sorted(named, key=lambda v: v.version, reverse=True)

    def download(self, version: ModelVersion, into: Path) -> Path:
        """The version's ONNX file, verified against its tags; named by its hash, so that it is fetched once.

        Raises `ArtifactError` when the bytes or the feature contract are not what the tags say, before anything is
        put in place.
        """
        if version.contract_hash != contract_hash():
            raise ArtifactError(
                f"Version {version.version} was trained on feature contract {version.contract_hash!r};"
                f" this platform serves {contract_hash()!r}. Train a version on the present contract."
            )
        path = into / f"{version.onnx_sha256}.onnx"
        if path.exists() and _sha256(path.read_bytes()) == version.onnx_sha256:
            return path
        content = self.artifact(version, MODEL_FILE)
        if (found := _sha256(content)) != version.onnx_sha256:
            raise ArtifactError(
                f"Version {version.version}: {MODEL_FILE} has SHA-256 {found}, its tag onnx_sha256 says"
                f" {version.onnx_sha256}. The file or the tag was changed after registration; register it anew."
            )
        into.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_bytes(content)
        return path

    def artifact(self, version: ModelVersion, path: str) -> bytes:
        """A file of the version's model directory. Raises `ArtifactError` when it is not there."""
        response = self._answer(
            "/model-versions/get-artifact", {"name": MODEL_NAME, "version": str(version.version), "path": path}
        )
        if response.status_code != httpx.codes.OK:
            raise ArtifactError(
                f"Version {version.version} of {MODEL_NAME} has no file {path!r} ({response.status_code})."
                f" Its run {version.run_id} may have been deleted."
            )
        return response.content

    def run_artifact(self, version: ModelVersion, path: str) -> bytes:
        """A file of the run that made the version. Raises `ArtifactError` when it is not there."""
        response = self._answer("/get-artifact", {"run_uuid": version.run_id, "path": path})
        if response.status_code != httpx.codes.OK:
            raise ArtifactError(
                f"Run {version.run_id} of version {version.version} has no file {path!r} ({response.status_code})."
            )
        return response.content

    def _answer(self, path: str, query: dict[str, str]) -> httpx.Response:
        try:
            response = self._client.get(path, params=query)
        except httpx.HTTPError as error:
            raise RegistryError(
                f"MLflow at {self.url} did not answer ({type(error).__name__}: {error})."
                " See `ontime status mlflow` and its log."
            ) from error
        if response.status_code == httpx.codes.FORBIDDEN or (response.status_code >= 500 and path.startswith("/api/")):
            raise RegistryError(f"MLflow at {self.url} answered {response.status_code}: {response.text[:200]!r}")
        return response

    def _get(self, path: str, **query: str) -> dict[str, Any] | None:
        """The answer's body; None when MLflow says that the thing asked for is not there."""
        response = self._answer(path, query)
        try:
            body: dict[str, Any] = response.json()
        except ValueError as error:
            raise RegistryError(
                f"MLflow at {self.url} answered {response.status_code} without JSON: {response.text[:200]!r}"
            ) from error
        if response.status_code == httpx.codes.OK:
            return body
        if body.get("error_code") in _ABSENT:
            return None
        raise RegistryError(f"MLflow at {self.url} answered {response.status_code}: {body.get('message', body)!r}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
