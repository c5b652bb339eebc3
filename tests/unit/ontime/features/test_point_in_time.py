"""The SQL against the plain definition, on random small streams of events."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontime.contract import FRESH_VIEWS, SLOW_VIEWS, VIEWS
from ontime.errors import ContractError
from ontime.features import (
    KEY_COLUMNS,
    RecentEvents,
    entity_keys,
    entity_of,
    events_connection,
    fresh_history,
    fresh_rows,
    fresh_rows_each,
    local_midnight,
    point_in_time,
    slow_rows,
    value_columns,
)
from tests.unit.ontime.features import naive
from tests.unit.ontime.features.flights import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    Rows,
    arrival,
    cancellation,
    departure,
    requests,
    schedule,
    tables,
    weather,
)

TICKS = [NOON - 5 * MINUTE, NOON]


@st.composite
def _streams(draw: st.DrawFn) -> Rows:
    """Up to a dozen flights around noon, some days back, with what became of them."""
    rows: Rows = {name: [] for name in ("schedules", "departures", "arrivals", "cancellations", "weather")}
    for number in range(draw(st.integers(1, 12))):
        key = str(number)
        recent = draw(st.booleans())
        offset = draw(st.integers(-8 * 60, 3 * 60)) if recent else draw(st.integers(-60 * 24 * 60, -24 * 60))
        leaves = NOON + timedelta(minutes=offset)
        place = {"origin": draw(st.sampled_from(["EWR", "JFK"])), "carrier": draw(st.sampled_from(["UA", "DL"]))}
        tail = draw(st.sampled_from(["N1", "N2", None]))
        where = {"destination": draw(st.sampled_from(["SFO", "LAX"])), "tail_number": tail}
        rows["schedules"].append(schedule(key, leaves, **place, **where))
        delay = draw(st.integers(-10, 200))
        fate = draw(st.sampled_from(["waits", "left", "landed", "cancelled", "diverted"]))
        if fate in ("left", "landed", "diverted"):
            rows["departures"].append(departure(key, leaves + (delay + 1) * MINUTE, delay, **place))
        if fate == "landed":
            lands = leaves + timedelta(minutes=draw(st.integers(delay, 300)) + 2)
            taxi = draw(st.none() | st.integers(5, 60).map(float))
            rows["arrivals"].append(arrival(key, lands, draw(st.integers(-40, 200)), taxi=taxi, **place, **where))
        if fate in ("cancelled", "diverted"):
            rows["cancellations"].append(cancellation(key, leaves, outcome=fate, **place))
    for hours in draw(st.sets(st.integers(-30, 2), max_size=4)):
        rows["weather"].append(weather(NOON + hours * HOUR, float(hours)))
    return rows


ASKED = [
    schedule("x", NOON + HOUR),
    schedule("y", NOON + HOUR, origin="JFK", destination="LAX", carrier="DL", tail_number="N2"),
    schedule("z", NOON + 2 * HOUR, carrier="DL", tail_number=None),
]
VALUES = [name for view in VIEWS for name in value_columns(view)]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values that `pytest.approx` takes: moments as seconds."""
    return {n: v.timestamp() if isinstance(v, datetime) else v for n, v in values.items()}


def _answers(rows: Rows, at: datetime = NOON) -> list[dict[str, Any]]:
    result = point_in_time(events_connection(tables(rows)), requests(ASKED, at, local_midnight(at)))
    return [dict(row) for row in result.to_pylist()]


@settings(max_examples=25, deadline=None)
@given(_streams())
def test_the_sql_is_the_plain_definition(rows: Rows) -> None:
    for flight, answer in zip(ASKED, _answers(rows), strict=True):
        expected = naive.fresh(rows, flight, NOON) | naive.slow(rows, flight, local_midnight(NOON))
        assert _plain({name: answer[name] for name in expected}) == pytest.approx(_plain(expected))


@settings(max_examples=8, deadline=None)
@given(_streams())
def test_what_becomes_known_later_changes_nothing(rows: Rows) -> None:
    known = {name: [row for row in some if row["available_at"] <= NOON] for name, some in rows.items()}

    assert _answers(rows) == _answers(known)
    assert all(row["available_at_max"] is None or row["available_at_max"] <= NOON for row in _answers(rows))


@settings(max_examples=8, deadline=None)
@given(_streams(), st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(rows: Rows, random: Any) -> None:
    shuffled = {name: random.sample(some, len(some)) for name, some in rows.items()}

    assert _answers(shuffled) == _answers(rows)


@settings(max_examples=8, deadline=None)
@given(_streams())
def test_rows_written_online_are_what_a_join_would_find_later(rows: Rows) -> None:
    online = RecentEvents()
    for name, table in tables(rows).items():
        online.append(name, table)
    online.trim(NOON - 72 * HOUR)
    whole = events_connection(tables(rows))
    written = fresh_rows(online.connection, NOON) | slow_rows(whole, local_midnight(NOON))
    stored = {view: {row[entity_of(view)]: row for row in table.to_pylist()} for view, table in written.items()}
    announced = {name for row in rows["schedules"] for name in (row["origin"], row["destination"], row["carrier"])
                 if NOON - 72 * HOUR <= row["available_at"] <= NOON}  # fmt: skip

    for flight, answer in zip(ASKED, _answers(rows), strict=True):
        keys = entity_keys(*(flight[n] for n in ("origin", "destination", "carrier", "tail_number", "sched_dep_at")))
        for view, key in keys.items():
            if view in ("origin_fresh", "destination_fresh", "carrier_fresh", "weather_fresh") and key not in announced:
                continue
            row = stored[view].get(key, {})
            expected = {name: answer[name] for name in value_columns(view)}
            found = {name: row.get(name) for name in value_columns(view)}
            assert _plain(found) == pytest.approx(_plain(expected)), view
            assert row.get("event_timestamp") == answer[f"{view}_at"]


@settings(max_examples=6, deadline=None)
@given(_streams())
def test_a_history_is_the_ticks_one_after_another(rows: Rows) -> None:
    connection = events_connection(tables(rows))
    first, second = fresh_rows(connection, TICKS[0]), fresh_rows(connection, TICKS[1], TICKS[0])

    history = fresh_history(connection, TICKS)

    for view in FRESH_VIEWS:
        separate = pa.concat_tables([first[view], second[view]]).to_pylist()
        unique = {(row[entity_of(view)], row["event_timestamp"]): row for row in reversed(separate)}
        assert sorted(history[view].to_pylist(), key=str) == sorted(unique.values(), key=str)


@settings(max_examples=6, deadline=None)
@given(_streams())
def test_ticks_asked_together_are_the_same_as_each_alone(rows: Rows) -> None:
    connection = events_connection(tables(rows))

    together = fresh_rows_each(connection, TICKS)

    for view in FRESH_VIEWS:
        apart = [row for at in TICKS for row in fresh_rows(connection, at)[view].to_pylist()]
        assert sorted(together[view].to_pylist(), key=str) == sorted(apart, key=str)


def test_many_midnights_are_each_on_their_own() -> None:
    rows = {"arrivals": [arrival(str(day), NOON - day * DAY, 10.0 * day) for day in range(40)]}
    midnights = [local_midnight(NOON - day * DAY) for day in (9, 3)]
    connection = events_connection(tables(rows))

    together = slow_rows(connection, *midnights)

    for view in SLOW_VIEWS:
        apart = [row for midnight in midnights for row in slow_rows(connection, midnight)[view].to_pylist()]
        assert sorted(together[view].to_pylist(), key=str) == sorted(apart, key=str)


def test_aircraft_are_written_when_they_have_landed_since() -> None:
    rows = {"arrivals": [arrival("a", NOON, 1), arrival("b", NOON - 5 * MINUTE, 2, tail_number="N2")]}
    connection = events_connection(tables(rows))

    assert fresh_rows(connection, NOON, NOON - 5 * MINUTE)["aircraft_fresh"]["aircraft"].to_pylist() == ["N1"]
    assert fresh_rows(connection, NOON)["aircraft_fresh"]["aircraft"].to_pylist() == ["N1", "N2"]


def test_keys_of_one_flight_are_those_of_the_join() -> None:
    flight = schedule("f", datetime.fromisoformat("2013-03-10T07:30:00+00:00"))

    keys = entity_keys("EWR", "SFO", "UA", None, flight["sched_dep_at"])

    assert set(keys) == set(KEY_COLUMNS) == set(VIEWS)
    assert keys["origin_hour_slow"] == "EWR-03"
    assert keys["route_slow"] == "EWR-SFO"
    assert keys["aircraft_fresh"] is None


def test_a_request_without_its_moment_is_refused() -> None:
    bare = requests(ASKED, NOON, NOON).drop_columns(["fresh_at"])

    with pytest.raises(ContractError, match="fresh_at"):
        point_in_time(events_connection({}), bare)


def test_recent_events_forget() -> None:
    online = RecentEvents()
    online.append(
        "departures", tables({"departures": [departure("a", NOON, 1), departure("b", NOON - DAY, 1)]})["departures"]
    )

    online.trim(NOON)

    assert online.rows() == 1
