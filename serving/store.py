"""The online store as serving reads it: Feast's own row read, without what `get_online_features` does around it.

`get_online_features` resolves definitions, builds and converts a response per view on every call: several milliseconds
for nine views. Definitions cannot change while a release runs, so they are resolved once here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from feast import FeatureStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from ontime import online
from ontime.contract import VIEWS
from ontime.errors import FeatureStoreError
from ontime.features import entity_of, value_columns
from ontime.features.local_time import micros
from ontime.settings import Environment

from serving.features import Row

REMEDY = "See `ontime status` and the logs of ingest and build_features; `ontime reset` restores it."
MICROS = 1e6
_COLUMNS = {view: value_columns(view) for view in VIEWS}
_NAN = float("nan")


def _number(value: Value) -> float:
    kind = value.WhichOneof("val")
    if kind == "double_val":
        return float(value.double_val)
    if kind is None:
        return _NAN
    if kind == "unix_timestamp_val":
        return value.unix_timestamp_val * MICROS
    return float(getattr(value, kind))


def _row(view: str, moment: datetime, values: Mapping[str, Value]) -> Row:
    return Row(micros(moment), tuple(_number(values[n]) if n in values else _NAN for n in _COLUMNS[view]))


class WriteSign:
    """Says when another process has written to the SQLite file, or put another file in its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = -1
        self._files = 0
        self._connection: sqlite3.Connection | None = None

    def look(self) -> tuple[int, int]:
        """(which file, its `data_version`). Raises `OSError` when there is no file, `sqlite3.Error` when unreadable."""
        inode = os.stat(self._path).st_ino
        if self._connection is None or inode != self._inode:
            self.close()
            self._connection = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
            self._inode = inode
            self._files += 1
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return self._files, int(version)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class FeastSource:
    """Rows of the online store of this environment. Callers take turns: it is not for several threads at once.

    Every method raises `FeatureStoreError` when the store, or Feast's registry of definitions, cannot be read; the
    next call tries again.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._sign = WriteSign(environment.online / "online.db") if environment.store == "local" else None
        self._file = 0
        self._store: FeatureStore | None = None
        self._views: dict[str, Any] = {}

    def version(self) -> tuple[int, int] | None:
        if self._sign is None:
            return None
        try:
            found = self._sign.look()
        except (OSError, sqlite3.Error) as error:
            self._sign.close()
            raise FeatureStoreError(f"The online store cannot be opened: {error}. {REMEDY}") from error
        if found[0] != self._file:
            self._store, self._file = None, found[0]
        return found

    def read(self, view: str, keys: Sequence[str]) -> dict[str, Row]:
        try:
            store = self._opened()
            join_keys = [entity_of(view)]
            entities = [EntityKey(join_keys=join_keys, entity_values=[Value(string_val=key)]) for key in keys]
            found = store.provider.online_read(store.config, self._views[view], entities, list(_COLUMNS[view]))
        except Exception as error:  # every store has errors of its own kind, without a common base
            self._store = None
            raise FeatureStoreError(
                f"View {view!r} cannot be read from the online store: {type(error).__name__}: {error}. {REMEDY}"
            ) from error
        return {
            key: _row(view, moment, values)
            for key, (moment, values) in zip(keys, found, strict=True)
            if values is not None and moment is not None
        }

    def _opened(self) -> FeatureStore:
        if self._store is None:
            store = online.open_store(self._environment)
            self._views = {v.name: v for v in store.registry.list_feature_views(store.project, allow_cache=True)}
            self._store = store
        return self._store
