"""The tracked definitions and store configurations against the contract and the warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from feast import FeatureService, FeatureView, PushSource

from feature_repo import definitions
from ontime import online
from ontime.contract import FEATURES, FRESH_VIEWS, SLOW_VIEWS, VIEWS, contract_hash
from ontime.settings import ROOT, Environment, environment
from ontime.warehouse import TABLES

VIEWS_DEFINED: dict[str, FeatureView] = {
    name: value for name, value in vars(definitions).items() if isinstance(value, FeatureView)
}


def test_the_contract_is_covered() -> None:
    assert set(VIEWS_DEFINED) == set(VIEWS)
    wanted = {(f.view, f.name) for f in FEATURES if f.view != "request" and f.name != "aircraft_slack_minutes"}
    offered = {(name, field.name) for name, view in VIEWS_DEFINED.items() for field in view.features}
    assert offered == wanted | {("aircraft_fresh", "aircraft_prev_arrived_at")}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_reads_its_warehouse_table(name: str) -> None:
    view = VIEWS_DEFINED[name]

    assert view.ttl.total_seconds() > 0
    assert view.online
    assert view.batch_source.path == str(environment().warehouse / name / "*.parquet")
    assert view.batch_source.timestamp_field == "event_timestamp"
    assert view.entities == [TABLES[name].schema.names[0]]
    assert [field.name for field in view.features] == [
        column for column in TABLES[name].schema.names[1:] if column not in ("event_timestamp", "created_at")
    ]


def test_fresh_views_are_pushed_and_slow_views_are_not() -> None:
    assert all(isinstance(VIEWS_DEFINED[name].stream_source, PushSource) for name in FRESH_VIEWS)
    assert all(VIEWS_DEFINED[name].stream_source is None for name in SLOW_VIEWS)


def test_one_service_for_the_model_contract() -> None:
    services = [value for value in vars(definitions).values() if isinstance(value, FeatureService)]

    assert [service.name for service in services] == [f"ontime_delay_{contract_hash()}"]
    joined = {p.name: p.join_key_map for p in services[0].feature_view_projections}
    assert set(joined) == set(VIEWS)
    assert joined["origin_fresh"] == joined["weather_fresh"] == {"airport": "origin"}
    assert joined["destination_fresh"] == {"airport": "destination"}


def test_feast_imports_one_file() -> None:
    ignored = (ROOT / "feature_repo" / ".feastignore").read_text().splitlines()
    modules = {path.name for path in (ROOT / "feature_repo").glob("*.py")}

    assert modules - set(ignored) == {"definitions.py"}


@pytest.mark.parametrize("store", ["local", "kind"])
def test_store_configurations_differ_only_online(store: Any, tmp_path: Path) -> None:
    settings = Environment(state=tmp_path, store=store, redis_url="redis:6379,db=1")
    config = online.configuration(settings)
    raw = {s: yaml.safe_load((ROOT / f"feature_repo/feature_store.{s}.yaml").read_text()) for s in ("local", "kind")}

    assert config.registry.path == str(tmp_path / "online" / "registry.db")
    if store == "kind":
        assert config.online_store.connection_string == "redis:6379,db=1"
    else:
        assert config.online_store.path == str(tmp_path / "online" / "online.db")
    assert {k: v for k, v in raw["local"].items() if k != "online_store"} == {
        k: v for k, v in raw["kind"].items() if k != "online_store"
    }
