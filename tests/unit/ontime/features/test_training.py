from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from ontime.contract import FEATURE_NAMES, VIEWS
from ontime.features import (
    assemble,
    columns,
    events_connection,
    load_events,
    local_midnight,
    point_in_time,
    training_frame,
)
from ontime.warehouse import Warehouse
from tests.unit.ontime.features.flights import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    arrival,
    cancellation,
    departure,
    requests,
    schedule,
    tables,
    weather,
)

ROWS = {
    "schedules": [
        schedule("late", NOON),
        schedule("just-in-time", NOON + MINUTE),
        schedule("cancelled", NOON),
        schedule("diverted", NOON),
        schedule("airborne", NOON),
        schedule("tomorrow", NOON + DAY),
    ],
    "departures": [departure("before", NOON - 65 * MINUTE, 8), departure("after", NOON - 55 * MINUTE, 500)],
    "arrivals": [
        arrival("late", NOON + 5 * HOUR, 16),
        arrival("just-in-time", NOON + 6 * HOUR, 15),
        arrival("diverted", NOON + 7 * HOUR, 300),
        arrival("tomorrow", NOON + DAY + 5 * HOUR, 0),
        arrival("earlier", NOON - 4 * HOUR, 20),
    ],
    "cancellations": [cancellation("cancelled", NOON), cancellation("diverted", NOON + HOUR, outcome="diverted")],
    "weather": [weather(NOON - 2 * HOUR, 12.0)],
}


def _frame(**more: object) -> pa.Table:
    return training_frame(events_connection(tables(ROWS)), NOON, NOON + HOUR, **more)


def test_labels_are_of_flights_that_landed() -> None:
    frame = _frame()

    assert frame["flight_id"].to_pylist() == ["late", "just-in-time"]
    assert frame["label"].to_pylist() == [1, 0]
    assert frame["label"].type == pa.int8()
    assert frame["arr_delay_minutes"].to_pylist() == [16.0, 15.0]


def test_labels_known_by_a_moment() -> None:
    assert _frame(known_by=NOON + 5 * HOUR)["flight_id"].to_pylist() == ["late"]


def test_features_are_as_of_an_hour_before_departure() -> None:
    frame = _frame()
    first = frame.to_pylist()[0]

    assert first["origin_dep_delay_mean_1h"] == 8.0
    assert first["origin_fresh_at"] == NOON - HOUR
    assert first["route_slow_at"] is None
    assert first["weather_fresh_at"] == NOON - 2 * HOUR
    assert first["aircraft_slack_minutes"] == 4 * 60 + 2


def test_nothing_is_used_before_it_was_available() -> None:
    for row in _frame().to_pylist():
        assert row["available_at_max"] == NOON - 65 * MINUTE
        assert row["available_at_max"] <= row["sched_dep_at"] - timedelta(hours=1)


def test_the_frame_holds_what_is_assembled() -> None:
    frame = _frame()
    asked = requests(ROWS["schedules"][:1], NOON - HOUR, local_midnight(NOON - HOUR))
    known = columns(point_in_time(events_connection(tables(ROWS)), asked))

    matrix = np.column_stack([frame[name].to_numpy() for name in FEATURE_NAMES])

    np.testing.assert_array_equal(matrix[:1], assemble(known, known))
    assert {f"{view}_at" for view in VIEWS} <= set(frame.column_names)


def test_nobody_landed() -> None:
    frame = training_frame(events_connection({}), NOON, NOON + DAY)

    assert frame.num_rows == 0
    assert set(FEATURE_NAMES) <= set(frame.column_names)


def test_events_are_loaded_from_the_warehouse_with_their_schedules(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    for name, table in tables(ROWS).items():
        warehouse.write(name, table)

    connection = load_events(warehouse, since=NOON.date())

    assert [len(connection.table(name)) for name in ("schedules", "arrivals")] == [6, 5]
    assert training_frame(connection, NOON, NOON + HOUR)["label"].to_pylist() == [1, 0]
