"""The online store: Feast opened for this environment, written and read.

Feast takes a second or two to import, so import this module only where the store is used.
"""

from __future__ import annotations

import contextlib
import io
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any

import ontime.plain_feast  # noqa: F401  before feast

# isort: split
import pyarrow as pa
import yaml
from feast import FeatureStore, FeatureView, RepoConfig
from feast.errors import FeastError
from feast.project import Project
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_operations import apply_total_with_repo_instance, parse_repo

from ontime.contract import SLOW_VIEWS, VIEWS
from ontime.errors import FeatureStoreError, UnknownNameError
from ontime.features.local_time import EPOCH
from ontime.features.views import entity_of, value_columns
from ontime.settings import ROOT, Environment, environment
from ontime.warehouse import TABLES, Warehouse

REPO = ROOT / "feature_repo"
Answer = tuple[datetime | None, dict[str, Any] | None]


def configuration(settings: Environment | None = None) -> RepoConfig:
    """The tracked store configuration with addresses and paths filled in, as `feast -f` would read it."""
    settings = settings or environment()
    path = REPO / f"feature_store.{settings.store}.yaml"
    values = {"ONTIME_STATE": str(settings.state), "ONTIME_REDIS_URL": settings.redis_url}
    raw = yaml.safe_load(Template(path.read_text()).substitute(values))
    settings.online.mkdir(parents=True, exist_ok=True)
    return RepoConfig(**raw, repo_path=REPO)


def open_store(settings: Environment | None = None) -> FeatureStore:
    """The feature store of this environment. Definitions are those last applied."""
    return FeatureStore(config=configuration(settings))


def apply(settings: Environment | None = None) -> None:
    """Applies the tree's definitions as `feast apply` does. Changes the working directory while it does: one thread.

    The registry keeps the absolute path of the warehouse: apply again when the state directory has moved.
    """
    settings = settings or environment()
    store = open_store(settings)
    with contextlib.chdir(REPO.parent), contextlib.redirect_stdout(io.StringIO()):
        contents = parse_repo(REPO)
        contents.projects.append(Project(name=store.project))
        apply_total_with_repo_instance(store, store.project, store.registry, contents, skip_source_validation=True)


def _entity_key(view: str, key: str) -> EntityKey:
    return EntityKey(join_keys=[entity_of(view)], entity_values=[Value(string_val=key)])


def _encoded(value: float | datetime | None) -> Value:
    if value is None:
        return Value()
    if isinstance(value, datetime):
        return Value(unix_timestamp_val=(value - EPOCH) // timedelta(seconds=1))
    return Value(double_val=value)


def _decoded(value: Value | None) -> float | datetime | None:
    if value is None or value.WhichOneof("val") is None:
        return None
    if value.HasField("unix_timestamp_val"):
        return datetime.fromtimestamp(value.unix_timestamp_val, UTC)
    return float(value.double_val)


class OnlineFeatures:
    """Reads and writes rows of the feature views. For one thread; open one a thread.

    Holds the views' definitions as applied when it was opened: asking the registry costs more than reading a row.
    """

    def __init__(self, store: FeatureStore, warehouse: Warehouse) -> None:
        self.store = store
        self._warehouse = warehouse
        self._views: dict[str, FeatureView] = {}

    @classmethod
    def open(cls, settings: Environment | None = None) -> OnlineFeatures:
        settings = settings or environment()
        return cls(open_store(settings), Warehouse(settings.warehouse))

    def view(self, name: str) -> FeatureView:
        """The view's applied definition. Raises `UnknownNameError`, or `FeatureStoreError` before any `apply`."""
        if name not in self._views:
            if name not in VIEWS:
                raise UnknownNameError.of("feature view", name, VIEWS)
            try:
                self._views[name] = self.store.registry.get_feature_view(name, self.store.project)
            except FeastError as error:
                raise FeatureStoreError(
                    f"Feature view {name!r} is not in the registry ({error}). Apply the definitions first."
                ) from error
        return self._views[name]

    def push(self, view: str, rows: pa.Table) -> int:
        """Writes rows of a view, in the warehouse's schema; returns how many were handed over.

        A row older than the one stored is ignored; an equally old one replaces it (`online_stores.guard`).
        Uses the provider's batch write, since `FeatureStore.push` skips rows whose features are all null.
        """
        definition, names = self.view(view), value_columns(view)
        table = rows.select(TABLES[view].schema.names).to_pydict()
        values = zip(*(table[name] for name in names), strict=True)
        data = [
            (_entity_key(view, entity), {n: _encoded(v) for n, v in zip(names, row, strict=True)}, stamp, made)
            for entity, row, stamp, made in zip(
                table[entity_of(view)], values, table["event_timestamp"], table["created_at"], strict=True
            )
        ]
        if data:
            self.store.provider.online_write_batch(self.store.config, definition, data, None)
        return len(data)

    def read(self, view: str, keys: Sequence[str], features: Sequence[str] | None = None) -> list[Answer]:
        """The stored rows of `keys`, in their order: (event timestamp, values), or (None, None) where there is none.

        Values are floats, datetimes in UTC, or None. Nothing is refused for its age: look at the timestamp.
        """
        definition, wanted = self.view(view), features or value_columns(view)
        if not keys:
            return []
        entities = [_entity_key(view, key) for key in keys]
        found = self.store.provider.online_read(self.store.config, definition, entities, list(wanted))
        return [
            (None, None) if values is None else (stamp, {name: _decoded(values.get(name)) for name in wanted})
            for stamp, values in found
        ]

    def materialize(self, until: datetime, views: Sequence[str] = SLOW_VIEWS, since: datetime | None = None) -> None:
        """Loads each key's latest warehouse row in [since, until] into the online store, through Feast.

        `since` is the view's ttl before `until` unless given. Views whose table is still empty are left out.
        """
        for name in views:
            first = since or until - (self.view(name).ttl or timedelta(days=3))
            if self._warehouse.files(name):
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    self.store.materialize(first, until, feature_views=[name])


def checkpoint(path: Path) -> None:
    """Folds SQLite's write-ahead log into `path`, so that copying the file alone copies everything."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
