"""A small platform for serving: two real models, a real Feast store on SQLite, a clock that stands where it is put."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ontime import online
from ontime.clock import Segment, write_segments
from ontime.contract import FEATURE_NAMES, VIEWS, contract_hash
from ontime.errors import ArtifactError, FeatureStoreError, RegistryError
from ontime.export import write_onnx
from ontime.features import entity_of
from ontime.registry import ModelVersion
from ontime.settings import Behaviour, Environment, ServingBehaviour, TrainingBehaviour
from ontime.training.booster import LABEL, train
from ontime.warehouse import TABLES, Warehouse
from serving.app import Application
from serving.features import Row, Source
from serving.store import FeastSource
from serving.worker import Worker

NOON = datetime(2013, 5, 6, 16, tzinfo=UTC)
"""12:00 in New York; where the clock of every test stands until it is moved."""
SLOW_AT = datetime(2013, 5, 6, 4, tzinfo=UTC)
FLIGHT: dict[str, Any] = {
    "flight_id": "2013-05-06-UA-1545-EWR",
    "origin": "EWR",
    "destination": "SFO",
    "carrier": "UA",
    "flight_number": 1545,
    "tail_number": "N14228",
    "sched_dep_at": "2013-05-06T17:15:00Z",
    "distance_miles": 2565,
    "scheduled_minutes": 360,
}
ENTITIES = {
    "route": ["EWR-SFO", "JFK-LAX"],
    "carrier": ["UA", "DL"],
    "origin_hour": ["EWR-13", "JFK-13"],
    "aircraft": ["N14228"],
    "airport": ["EWR", "JFK", "LGA", "SFO", "LAX"],
}
ROUTE_RATE = 0.31


def flight(**changes: Any) -> dict[str, Any]:
    return {**FLIGHT, **changes}


def view_rows(view: str, keys: Sequence[str], at: datetime, value: float = 0.2) -> pa.Table:
    """The same values for every key; times of arrival half an hour before `at`."""
    columns = {}
    for name, kind in zip(TABLES[view].schema.names, TABLES[view].schema.types, strict=True):
        if name == entity_of(view):
            columns[name] = pa.array(keys)
        elif name in ("event_timestamp", "created_at"):
            columns[name] = pa.array([at] * len(keys), kind)
        elif pa.types.is_timestamp(kind):
            columns[name] = pa.array([at - timedelta(minutes=30)] * len(keys), kind)
        else:
            columns[name] = pa.array([ROUTE_RATE if name == "route_late_rate_28d" else value] * len(keys), kind)
    return pa.table(columns, schema=TABLES[view].schema)


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Versions 1, 2 and 3: three different models."""
    root = tmp_path_factory.mktemp("models")
    random = np.random.default_rng(3)
    matrix = random.random((2_000, len(FEATURE_NAMES)))
    small = TrainingBehaviour(trees=8, leaves=7, min_leaf_rows=20)
    files = {}
    for version in (1, 2, 3):
        late = (matrix[:, 6 + version :].sum(axis=1) + random.normal(0, 2, len(matrix)) > 13).astype(float)
        columns = {name: matrix[:, i] for i, name in enumerate(FEATURE_NAMES)} | {LABEL: late}
        files[version] = write_onnx(train(pa.table(columns), small), root / f"{version}.onnx")
    return files


@pytest.fixture(scope="session")
def applied_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `online` directory of a store with every row that FLIGHT needs."""
    state = tmp_path_factory.mktemp("store")
    settings = Environment(state=state)
    online.apply(settings)
    features = online.OnlineFeatures.open(settings)
    for view in VIEWS:
        at = SLOW_AT if view.endswith("_slow") else NOON - timedelta(minutes=5)
        features.push(view, view_rows(view, ENTITIES[entity_of(view)], at))
    online.checkpoint(settings.online / "online.db")
    return settings.online


class FakeRegistry:
    """Aliases and versions as the registry has them; `down` and `broken` misbehave."""

    def __init__(self, files: dict[int, Path]) -> None:
        self._files = files
        self.wanted: dict[str, int] = {"champion": 1}
        self.down = False
        self.broken: set[int] = set()
        self.downloads: list[int] = []

    def aliases(self) -> dict[str, int]:
        if self.down:
            raise RegistryError("MLflow did not answer")
        return dict(self.wanted)

    def version(self, number: int) -> ModelVersion:
        tags = {"onnx_sha256": sha256(self._files[number].read_bytes()).hexdigest(), "contract_hash": contract_hash()}
        return ModelVersion(number, "run", "source", NOON, tags=tags)

    def download(self, version: ModelVersion, into: Path) -> Path:
        self.downloads.append(version.version)
        if version.version in self.broken:
            raise ArtifactError("its SHA-256 is another")
        into.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(self._files[version.version], into / f"{version.onnx_sha256}.onnx"))


class Failing:
    """A source that can be switched off."""

    def __init__(self, inner: Source) -> None:
        self._inner = inner
        self.down = False

    def _check(self) -> None:
        if self.down:
            raise FeatureStoreError("the disk is gone")

    def version(self) -> object:
        self._check()
        return self._inner.version()

    def read(self, view: str, keys: Sequence[str]) -> dict[str, Row]:
        self._check()
        return dict(self._inner.read(view, keys))


@dataclass
class Platform:
    """One serving worker over a real store, driven by hand: nothing polls or flushes by itself."""

    environment: Environment
    worker: Worker
    registry: FakeRegistry
    source: Failing
    app: Any

    def set_clock(self, moment: datetime) -> None:
        write_segments(self.environment.clock, (Segment(0.0, moment.timestamp(), 0.0),))

    def push(self, view: str, keys: Sequence[str], at: datetime, value: float = 0.2) -> None:
        online.OnlineFeatures.open(self.environment).push(view, view_rows(view, keys, at, value))

    def metric(self, name: str, **labels: str) -> float:
        """The sample's value; 0 when there is none."""
        for family in text_string_to_metric_families(self.worker.exposition().decode()):
            for sample in family.samples:
                if sample.name == name and all(sample.labels.get(k) == v for k, v in labels.items()):
                    return float(sample.value)
        return 0.0

    def logged(self) -> list[dict[str, Any]]:
        self.worker.flush()
        rows: list[dict[str, Any]] = Warehouse(self.environment.warehouse).read("predictions").to_pylist()
        return rows

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the running application; the worker is started and stopped with it."""
        async with self.app.router.lifespan_context(self.app):
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://serving") as client:
                yield client


@pytest.fixture
def make_platform(tmp_path: Path, applied_store: Path, model_files: dict[int, Path]) -> Callable[..., Platform]:
    """Makes platforms in one state directory; keyword arguments change serving's behaviour."""
    state = tmp_path / "state"
    shutil.copytree(applied_store, state / "online")

    def make(**serving: Any) -> Platform:
        environment = Environment(state=state)
        quiet = {"poll_seconds": 3600.0, "log_flush_seconds": 3600.0, "feature_cache_seconds": 60.0}
        behaviour = Behaviour(serving=ServingBehaviour(**{**quiet, **serving}))
        registry, source = FakeRegistry(model_files), Failing(FeastSource(environment))
        worker = Worker(environment, behaviour, source, registry)
        platform = Platform(environment, worker, registry, source, Application(lambda: worker).app)
        platform.set_clock(NOON)
        return platform

    return make


@pytest.fixture
def platform(make_platform: Callable[..., Platform]) -> Platform:
    made = make_platform()
    made.worker.models.poll()
    return made
