"""Feast's Redis online store, guarded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from feast import FeatureView, RepoConfig
from feast.infra.online_stores.helpers import _redis_key, compute_versioned_name
from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]

from ontime.online_stores.guard import Row, newest_wins


class GuardedRedisOnlineStoreConfig(RedisOnlineStoreConfig):  # type: ignore[misc]
    type: Literal["ontime.online_stores.redis.GuardedRedisOnlineStore"] = (
        "ontime.online_stores.redis.GuardedRedisOnlineStore"
    )
    skip_dedup: Literal[True] = True
    """Feast's own check refuses rows of an equal timestamp; the guard replaces it."""


class GuardedRedisOnlineStore(RedisOnlineStore):  # type: ignore[misc]
    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: Sequence[Row], progress: Callable[[int], Any] | None
    ) -> None:
        version = config.entity_key_serialization_version
        rows = [(_redis_key(config.project, row[0], entity_key_serialization_version=version), row) for row in data]
        stored = self._newest(config, table, [key for key, _ in rows])
        super().online_write_batch(config, table, newest_wins(rows, stored), progress)

    def _generate_hset_keys_for_features(
        self,
        feature_view: FeatureView,
        requested_features: list[str] | None = None,
        fv_name_override: str | None = None,
    ) -> tuple[list[str], list[str | bytes]]:
        """Feast adds a name of its own to the list that it is given; here the caller's stays as it is."""
        asked = list(requested_features) if requested_features else None
        found: tuple[list[str], list[str | bytes]]
        found = super()._generate_hset_keys_for_features(feature_view, asked, fv_name_override)
        return found

    def _get_features_for_entity(
        self, values: Sequence[bytes | None], feature_view: str, requested_features: list[str]
    ) -> tuple[datetime | None, dict[str, Any] | None]:
        """Feast dates a row that does not exist at 1970; here it is (None, None), as in SQLite."""
        stamp = dict(zip(requested_features, values, strict=True))[f"_ts:{feature_view}"]
        if stamp is None:
            return None, None
        found: tuple[datetime | None, dict[str, Any] | None]
        found = super()._get_features_for_entity(values, feature_view, requested_features)
        return found

    def _newest(self, config: RepoConfig, table: FeatureView, keys: Sequence[bytes]) -> dict[bytes, datetime]:
        field = f"_ts:{compute_versioned_name(table, config.registry.enable_online_feature_view_versioning)}"
        with self._get_client(config.online_store).pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hget(key, field)
            values = pipe.execute()
        return {key: _moment(value) for key, value in zip(keys, values, strict=True) if value}


def _moment(value: bytes) -> datetime:
    stamp = Timestamp()
    stamp.ParseFromString(value)
    moment: datetime = stamp.ToDatetime(tzinfo=UTC)
    return moment
