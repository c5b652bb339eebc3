"""Which models answer: the registry's aliases followed, verified, warmed up and swapped in at once.

A request takes one `Models` snapshot and uses nothing else, so a swap in between can neither lose it nor mix a version
with another's score. The last good files stay in the state directory: a restart while MLflow is down serves them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Protocol
from zlib import crc32

import numpy as np

from ontime.contract import FEATURE_NAMES
from ontime.errors import ArtifactError, OntimeError, RegistryError
from ontime.registry import ALIASES, CHALLENGER, CHAMPION, PREVIOUS, ModelVersion
from ontime.scorer import Scorer
from serving.metrics import Metrics

RETRY_SECONDS = 30.0
"""How long a version that could not be used is left alone."""
KEEP_FILES_SECONDS = 600.0
LAST_GOOD = "last-good.json"

log = logging.getLogger("ontime.serving.models")


class Registry(Protocol):
    """What following the aliases needs of `ontime.registry.RegistryReader`."""

    def aliases(self) -> dict[str, int]: ...

    def version(self, number: int) -> ModelVersion: ...

    def download(self, version: ModelVersion, into: Path) -> Path: ...


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """One warmed-up version."""

    version: int
    file: str
    scorer: Scorer

    @property
    def name(self) -> str:
        return str(self.version)


@dataclass(frozen=True, slots=True)
class Models:
    """The models of one moment. Without a champion the route's prior answers."""

    champion: LoadedModel | None = None
    previous: LoadedModel | None = None
    challenger: LoadedModel | None = None

    def of(self, alias: str) -> LoadedModel | None:
        found: LoadedModel | None = getattr(self, alias)
        return found


def _intact(path: Path) -> Path:
    """Raises `ArtifactError` when the file's content is no longer what it was stored as: its name is its SHA-256."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
        raise ArtifactError(f"{path} has changed since it was verified. It is downloaded again when MLflow answers.")
    return path


def challenged(flight_id: str, share: float) -> bool:
    """Whether this flight belongs to the challenger's `share`: the same answer at every request and worker."""
    return share > 0 and crc32(flight_id.encode()) < share * 2**32


class ModelKeeper:
    """Keeps `current` in step with the registry, from a thread of its own."""

    def __init__(
        self,
        registry: Registry,
        directory: Path,
        load: Callable[[Path], Scorer],
        metrics: Metrics,
        poll_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.current = Models()
        self.settled = Event()
        """Set once the registry has been asked for the first time, whatever it answered."""
        self._registry = registry
        self._directory = directory
        self._load_file = load
        self._metrics = metrics
        self._poll_seconds = poll_seconds
        self._monotonic = monotonic
        self._not_before: dict[int, float] = {}
        self._registry_up: bool | None = None
        self._shown: dict[str, str] = {}
        self._stop = Event()
        self._thread = Thread(target=self._run, name="models", daemon=True)

    def start(self) -> None:
        """Serves the last good files at once and follows the registry from then on."""
        self.restore()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def restore(self) -> None:
        """Loads what this state directory last served; what is unusable is left out and logged."""
        try:
            kept = json.loads((self._directory / LAST_GOOD).read_text())
        except FileNotFoundError:
            return
        except ValueError as error:
            log.warning("last good models unreadable, ignored: %s", error)
            return
        loaded: dict[str, LoadedModel] = {}
        for alias in ALIASES:
            if alias not in kept:
                continue
            try:
                version, file = int(kept[alias]["version"]), str(kept[alias]["file"])
                known = next((m for m in loaded.values() if m.version == version), None)
                loaded[alias] = known or self._warmed(version, _intact(self._directory / file))
            except (OntimeError, OSError, KeyError, TypeError, ValueError) as error:
                log.warning("last good model of alias %s unusable, ignored: %s", alias, error)
        self._swap(Models(**loaded))

    def poll(self) -> None:
        """Looks at the aliases once. Keeps what is loaded when MLflow is down or a version cannot be used."""
        try:
            wanted = self._registry.aliases()
        except RegistryError as error:
            self._note_registry(up=False, why=str(error))
            return
        self._note_registry(up=True)
        found = {alias: self._model_for(alias, wanted) for alias in ALIASES}
        if found != {alias: self.current.of(alias) for alias in ALIASES}:
            self._swap(Models(**found))
            self._remember()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.poll()
            except Exception:
                log.exception("following the registry failed; trying again")
            self.settled.set()
            self._stop.wait(self._poll_seconds)

    def _model_for(self, alias: str, wanted: dict[str, int]) -> LoadedModel | None:
        """The model to serve under `alias`: the wanted version when it is usable, else the one served so far."""
        before = self.current.of(alias)
        if alias not in wanted:
            return before if alias == CHAMPION else None
        version = wanted[alias]
        for model in (before, *(self.current.of(other) for other in ALIASES)):
            if model is not None and model.version == version:
                return model
        if self._monotonic() < self._not_before.get(version, 0.0):
            return before
        try:
            described = self._registry.version(version)
            model = self._warmed(version, self._registry.download(described, self._directory))
        except (OntimeError, OSError) as error:
            outcome = "refused" if isinstance(error, ArtifactError) else "failed"
            self._metrics.model_loads.labels(outcome).inc()
            self._not_before[version] = self._monotonic() + RETRY_SECONDS
            keeping = f"keeping version {before.version}" if before else "nothing to keep"
            log.error("model %s alias=%s version=%d %s: %s", outcome, alias, version, keeping, error)
            return before
        self._metrics.model_loads.labels("loaded").inc()
        self._not_before.pop(version, None)
        return model

    def _warmed(self, version: int, path: Path) -> LoadedModel:
        """Raises `ArtifactError` when the file is no model, or one that answers nonsense."""
        scorer = self._load_file(path)
        scorer.warm_up()
        answers = scorer.score(np.zeros((2, len(FEATURE_NAMES)), np.float32))
        if not (np.isfinite(answers).all() and (answers >= 0).all() and (answers <= 1).all()):
            raise ArtifactError(f"Version {version} answers {answers.tolist()}. Expected probabilities.")
        return LoadedModel(version, path.name, scorer)

    def _swap(self, models: Models) -> None:
        self.current = models
        for alias in ALIASES:
            model = models.of(alias)
            before, now = self._shown.get(alias), model.name if model else None
            if before == now:
                continue
            if before is not None:
                self._metrics.model_info.labels(alias, before).set(0)
                del self._shown[alias]
            if now is not None:
                self._metrics.model_info.labels(alias, now).set(1)
                self._shown[alias] = now
            log.info("model serving alias=%s version=%s before=%s", alias, now, before)

    def _remember(self) -> None:
        """Writes down what is served now, and drops model files that nothing has needed for a while."""
        kept = {
            alias: {"version": model.version, "file": model.file}
            for alias in (CHAMPION, PREVIOUS, CHALLENGER)
            if (model := self.current.of(alias)) is not None
        }
        self._directory.mkdir(parents=True, exist_ok=True)
        draft = self._directory / f".{LAST_GOOD}.{os.getpid()}"
        draft.write_text(json.dumps(kept, indent=1))
        draft.replace(self._directory / LAST_GOOD)
        needed = {entry["file"] for entry in kept.values()}
        for path in self._directory.glob("*.onnx"):
            if path.name not in needed and time.time() - path.stat().st_mtime > KEEP_FILES_SECONDS:
                path.unlink(missing_ok=True)

    def _note_registry(self, up: bool, why: str = "") -> None:
        self._metrics.registry_up.set(int(up))
        if up != self._registry_up:
            self._registry_up = up
            if up:
                log.info("registry answers")
            else:
                log.warning("registry does not answer, serving what is loaded: %s", why)
