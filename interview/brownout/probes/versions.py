"""The registered versions as the proctor runs them: its own copy of the file, its own scorer, its own options."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from pathlib import Path

import httpx

from brownout.probes.base import ProbeView
from ontime.errors import OntimeError
from ontime.registry import CHALLENGER, CHAMPION, MODEL_FILE, ModelVersion, RegistryReader
from ontime.scorer import Scorer

TIMEOUT = httpx.Timeout(5.0, connect=1.0)
ALIAS_GRACE_SECONDS = 30.0
"""Wall seconds within which serving must have followed a moved alias."""


class Versions:
    """Scorers of versions, each fetched once. What MLflow hands out for a version is kept: it never changes."""

    def __init__(self, view: ProbeView) -> None:
        self._reader = RegistryReader(view.environment.mlflow_url, timeout=TIMEOUT)
        self._directory = view.harness.run / "versions"
        self._scorers: dict[str, Scorer] = {}
        self._aliases: deque[tuple[float, dict[str, int]]] = deque(maxlen=2000)
        self.reference = view.reference

    def look(self) -> dict[str, int]:
        """The aliases now; remembered together with the time. Raises `RegistryError` when MLflow is down."""
        found = self._reader.aliases()
        if not self._aliases or self._aliases[-1][1] != found:
            self._aliases.append((time.time(), found))
        return found

    def champion(self) -> str:
        """Raises `RegistryError` when MLflow is down or nothing is champion."""
        found = self.look()
        if CHAMPION not in found:
            raise OntimeError(f"No version of the registered model is {CHAMPION}.")
        return str(found[CHAMPION])

    def allowed(self, version: str, asked_wall: float) -> bool:
        """Whether `version` was champion or challenger around then, as far as it was looked at."""
        for index, (since, aliases) in enumerate(self._aliases):
            ended = self._aliases[index + 1][0] if index + 1 < len(self._aliases) else float("inf")
            first = since if index else 0.0
            if first - ALIAS_GRACE_SECONDS <= asked_wall <= ended + ALIAS_GRACE_SECONDS:
                names = {str(aliases[name]) for name in (CHAMPION, CHALLENGER) if name in aliases}
                if version in names:
                    return True
        return False

    def registered(self) -> list[ModelVersion]:
        """Every version there is, newest first. Raises `RegistryError`."""
        return self._reader.versions()

    def after_reference(self) -> list[ModelVersion]:
        """Versions registered after the baseline's champion, newest first. Raises `RegistryError`."""
        return [v for v in self.registered() if v.version > int(self.reference.version)]

    def scorer(self, version: str) -> Scorer:
        """Raises `OntimeError` when the version or its file cannot be had, or is no model of this contract."""
        if version not in self._scorers:
            self._scorers[version] = Scorer(self.file(version))
        return self._scorers[version]

    def file(self, version: str) -> Path:
        """The proctor's own copy of its ONNX file. Raises `OntimeError`."""
        if version == self.reference.version:
            return self.reference.model
        if not version.isdigit():
            raise OntimeError(f"{version!r} is not a version of the registered model.")
        content = self._reader.artifact(self._reader.version(int(version)), MODEL_FILE)
        path = self._directory / f"{hashlib.sha256(content).hexdigest()}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


def versions(view: ProbeView) -> Versions:
    return view.memory.keep("versions", lambda: Versions(view))
