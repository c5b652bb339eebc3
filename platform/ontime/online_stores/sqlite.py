"""Feast's SQLite online store, guarded, in write-ahead mode: readers never wait for the writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

from feast import FeatureView, RepoConfig
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import compute_table_id
from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig

from ontime.online_stores.guard import Row, aware, batches, newest_wins

MAX_VARIABLES = 10_000
BUSY_MILLISECONDS = 10_000


class GuardedSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):  # type: ignore[misc]
    type: Literal["ontime.online_stores.sqlite.GuardedSqliteOnlineStore"] = (
        "ontime.online_stores.sqlite.GuardedSqliteOnlineStore"
    )


class GuardedSqliteOnlineStore(SqliteOnlineStore):  # type: ignore[misc]
    def _get_conn(self, config: RepoConfig) -> sqlite3.Connection:
        if self._conn is None:
            connection: sqlite3.Connection = super()._get_conn(config)
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            return connection
        open_already: sqlite3.Connection = self._conn
        return open_already

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: Sequence[Row], progress: Callable[[int], Any] | None
    ) -> None:
        version = config.entity_key_serialization_version
        rows = [(serialize_entity_key(row[0], entity_key_serialization_version=version), row) for row in data]
        stored = self._newest(config, table, [key for key, _ in rows])
        super().online_write_batch(config, table, newest_wins(rows, stored), progress)

    def _newest(self, config: RepoConfig, table: FeatureView, keys: Sequence[bytes]) -> dict[bytes, datetime]:
        name = compute_table_id(config.project, table, config.registry.enable_online_feature_view_versioning)
        connection = self._get_conn(config)
        found: dict[bytes, datetime] = {}
        for some in batches(keys, MAX_VARIABLES):
            query = (
                f'SELECT DISTINCT entity_key, event_ts FROM "{name}" '  # noqa: S608
                f"WHERE entity_key IN ({','.join('?' * len(some))}) ORDER BY event_ts"
            )
            found.update((key, aware(moment)) for key, moment in connection.execute(query, list(some)))
        return found
