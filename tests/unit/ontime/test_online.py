"""The feature store of a small environment: applied, pushed to, materialized, read, joined."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from ontime import online
from ontime.contract import FRESH_VIEWS, SLOW_VIEWS, VIEWS, contract_hash
from ontime.errors import FeatureStoreError, UnknownNameError
from ontime.features import (
    entity_keys,
    events_connection,
    fresh_history,
    fresh_rows,
    local_midnight,
    point_in_time,
    slow_rows,
    value_columns,
)
from ontime.settings import ROOT, Environment, environment
from ontime.warehouse import TABLES, Warehouse
from tests.unit.ontime.features.flights import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    Rows,
    arrival,
    departure,
    requests,
    schedule,
    tables,
    weather,
)

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
"""Feast's DuckDB store reads through ibis, which still calls it."""

ROWS: Rows = {
    "schedules": [schedule("a", NOON - DAY), schedule("b", NOON - HOUR), schedule("c", NOON + HOUR, origin="JFK")],
    "departures": [departure("a", NOON - DAY, 3), departure("b", NOON - 50 * MINUTE, 9)],
    "arrivals": [arrival("a", NOON - DAY + 5 * HOUR, 30), arrival("z", NOON - 4 * MINUTE, 12, tail_number="N2")],
    "weather": [weather(NOON - HOUR, 11.0)],
}
ASKED = [
    schedule("x", NOON + HOUR),
    schedule("y", NOON + HOUR, origin="JFK", tail_number="N2"),
    schedule("q", NOON + HOUR, destination="LAX", carrier="DL", tail_number="N7"),
]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    monkeypatch.setenv("ONTIME_STATE", str(tmp_path))
    _forget_definitions()
    environment.cache_clear()
    yield environment()
    environment.cache_clear()
    _forget_definitions()


def _forget_definitions() -> None:
    """Definitions hold this environment's paths, so another environment imports them anew."""
    for name in [name for name in sys.modules if name == "feature_repo" or name.startswith("feature_repo.")]:
        del sys.modules[name]


@pytest.fixture
def store(settings: Environment) -> online.OnlineFeatures:
    online.apply(settings)
    return online.OnlineFeatures.open(settings)


def test_what_is_pushed_is_read(store: online.OnlineFeatures) -> None:
    written = fresh_rows(events_connection(tables(ROWS)), NOON)

    pushed = {view: store.push(view, rows) for view, rows in written.items()}

    assert pushed == {view: rows.num_rows for view, rows in written.items()}
    for view, rows in written.items():
        for row in rows.to_pylist():
            expected = (row["event_timestamp"], {name: row[name] for name in value_columns(view)})
            assert store.read(view, [row[TABLES[view].schema.names[0]]]) == [expected]


def test_reads_keep_the_order_of_keys(store: online.OnlineFeatures) -> None:
    store.push("origin_fresh", fresh_rows(events_connection(tables(ROWS)), NOON)["origin_fresh"])

    jfk, nowhere, ewr = store.read("origin_fresh", ["JFK", "ZZZ", "EWR"], ["origin_departures_1h"])

    assert jfk == (NOON, {"origin_departures_1h": 0.0})
    assert nowhere == (None, None)
    assert ewr == (NOON, {"origin_departures_1h": 1.0})
    assert store.read("origin_fresh", []) == []


def test_a_row_of_nulls_is_written(store: online.OnlineFeatures) -> None:
    row = {"airport": "SFO", "event_timestamp": NOON, "created_at": NOON, "destination_arr_delay_mean_6h": None}
    rows = pa.Table.from_pylist([row], schema=TABLES["destination_fresh"].schema)

    store.push("destination_fresh", rows)

    assert store.read("destination_fresh", ["SFO"]) == [(NOON, {"destination_arr_delay_mean_6h": None})]


def test_older_rows_lose_and_equal_rows_win(store: online.OnlineFeatures) -> None:
    def write(value: float, at: datetime) -> object:
        row = {"carrier": "UA", "event_timestamp": at, "created_at": at, "carrier_dep_delay_mean_3h": value}
        store.push("carrier_fresh", pa.Table.from_pylist([row], schema=TABLES["carrier_fresh"].schema))
        return store.read("carrier_fresh", ["UA"])[0]

    assert write(1.0, NOON) == (NOON, {"carrier_dep_delay_mean_3h": 1.0})
    assert write(2.0, NOON - MINUTE) == (NOON, {"carrier_dep_delay_mean_3h": 1.0})
    assert write(3.0, NOON) == (NOON, {"carrier_dep_delay_mean_3h": 3.0})


def test_slow_views_are_materialized_from_the_warehouse(store: online.OnlineFeatures, settings: Environment) -> None:
    warehouse = Warehouse(settings.warehouse)
    midnights = [local_midnight(NOON - DAY), local_midnight(NOON)]
    rows = slow_rows(events_connection(tables(ROWS)), *midnights)
    for view, some in rows.items():
        warehouse.write(view, some)

    store.materialize(midnights[0])
    before = store.read("route_slow", ["EWR-SFO"])
    store.materialize(NOON)
    after = store.read("route_slow", ["EWR-SFO"])
    store.materialize(midnights[0])

    assert before == [(None, None)]
    assert after[0][0] == midnights[1]
    assert after[0][1] is not None
    assert after[0][1]["route_flights_28d"] == 1.0
    assert store.read("route_slow", ["EWR-SFO"]) == after
    assert store.read("aircraft_slow", ["N1"])[0][0] == midnights[1]


def test_materializing_an_empty_warehouse_does_nothing(store: online.OnlineFeatures) -> None:
    store.materialize(NOON)

    assert store.read("route_slow", ["EWR-SFO"]) == [(None, None)]


def test_feast_joins_history_as_the_sql_does(store: online.OnlineFeatures, settings: Environment) -> None:
    connection, midnight = events_connection(tables(ROWS)), local_midnight(NOON)
    warehouse = Warehouse(settings.warehouse)
    ticks = [NOON - 5 * MINUTE * step for step in reversed(range(3))]
    for view, rows in (fresh_history(connection, ticks) | slow_rows(connection, midnight)).items():
        warehouse.write(view, rows)
    expected = point_in_time(connection, requests(ASKED, NOON, midnight)).to_pylist()
    flights = []
    for flight in ASKED:
        columns = {n: flight[n] for n in ("origin", "destination", "carrier", "tail_number")}
        keys = entity_keys(**columns, sched_dep_at=flight["sched_dep_at"])
        flights.append(columns | {"route": keys["route_slow"], "origin_hour": keys["origin_hour_slow"]})
    frame = pd.DataFrame(flights).assign(event_timestamp=pd.Timestamp(NOON).as_unit("us"))
    service = store.store.get_feature_service(f"ontime_delay_{contract_hash()}")

    joined = store.store.get_historical_features(entity_df=frame, features=service).to_arrow().to_pylist()

    found = {(row["origin"], row["carrier"]): row for row in joined}
    names = [name for view in VIEWS for name in value_columns(view)]
    assert len(joined) == len(ASKED)
    for row in expected:
        assert _values(found[row["origin"], row["carrier"]], names) == pytest.approx(_values(row, names), nan_ok=True)


def _values(row: dict[str, object], names: list[str]) -> dict[str, object]:
    plain = {name: row[name] for name in names}
    return {
        n: None if v is None or v != v else v.timestamp() if isinstance(v, datetime) else v for n, v in plain.items()
    }


def test_online_and_offline_agree_through_feast(store: online.OnlineFeatures, settings: Environment) -> None:
    connection, midnight = events_connection(tables(ROWS)), local_midnight(NOON)
    for view, rows in slow_rows(connection, midnight).items():
        Warehouse(settings.warehouse).write(view, rows)
    store.materialize(NOON)
    for view, rows in fresh_rows(connection, NOON).items():
        store.push(view, rows)

    for flight, row in zip(
        ASKED[:2], point_in_time(connection, requests(ASKED[:2], NOON, midnight)).to_pylist(), strict=True
    ):
        columns = (flight[n] for n in ("origin", "destination", "carrier", "tail_number", "sched_dep_at"))
        for view, key in entity_keys(*columns).items():
            at, values = store.read(view, [str(key)])[0]
            names = list(value_columns(view))
            assert at == row[f"{view}_at"]
            assert _values(values or dict.fromkeys(names), names) == pytest.approx(_values(row, names)), view


def test_unknown_views_and_missing_definitions_are_named(settings: Environment) -> None:
    bare = online.OnlineFeatures.open(settings)

    with pytest.raises(FeatureStoreError, match="Apply the definitions"):
        bare.read("origin_fresh", ["EWR"])
    with pytest.raises(UnknownNameError, match="origin_fresh"):
        bare.read("origin_frsh", ["EWR"])


def test_applying_again_keeps_rows(store: online.OnlineFeatures, settings: Environment) -> None:
    store.push("origin_fresh", fresh_rows(events_connection(tables(ROWS)), NOON)["origin_fresh"])

    online.apply(settings)

    assert online.OnlineFeatures.open(settings).read("origin_fresh", ["EWR"])[0][0] == NOON


def test_a_checkpointed_file_is_whole(store: online.OnlineFeatures, settings: Environment, tmp_path: Path) -> None:
    store.push("origin_fresh", fresh_rows(events_connection(tables(ROWS)), NOON)["origin_fresh"])
    path = settings.online / "online.db"

    online.checkpoint(path)

    assert path.with_name("online.db-wal").stat().st_size == 0


def test_importing_feast_leaves_prometheus_alone() -> None:
    program = (
        "import os; from ontime import online; import prometheus_client;"
        "print([n for n in os.environ if n.startswith('PROMETHEUS')], prometheus_client.values.ValueClass.__name__)"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS")}

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=clean | {"PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["[]", "MutexValue"]


def test_every_view_of_the_contract_is_defined(store: online.OnlineFeatures) -> None:
    assert {view: store.view(view).name for view in VIEWS} == {view: view for view in (*SLOW_VIEWS, *FRESH_VIEWS)}
    assert all(store.view(view).ttl > timedelta(0) for view in VIEWS)
