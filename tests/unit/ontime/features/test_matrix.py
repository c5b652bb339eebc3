from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontime.contract import FEATURE_NAMES, FEATURES
from ontime.errors import ContractError
from ontime.features import assemble, columns
from ontime.features.matrix import VIEW_INPUTS

SUNDAY = datetime(2013, 3, 10, 7, 30, tzinfo=UTC)
"""03:30 in New York, half an hour after the clocks went forward."""


def _inputs(n: int = 1, **changes: Any) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    request = {"origin": "EWR", "sched_dep_at": SUNDAY, "distance_miles": 1400.0, "scheduled_minutes": 227.0}
    view = {name: float(i) for i, name in enumerate(VIEW_INPUTS)} | {"aircraft_prev_arrived_at": SUNDAY}
    return (
        {name: [changes.get(name, value)] * n for name, value in request.items()},
        {name: [changes.get(name, value)] * n for name, value in view.items()},
    )


def _row(**changes: Any) -> dict[str, float]:
    matrix = assemble(*_inputs(**changes))
    return dict(zip(FEATURE_NAMES, matrix[0].tolist(), strict=True))


def test_every_column_lands_in_its_place() -> None:
    request, view = _inputs()

    row = _row()

    assert assemble(request, view).dtype == np.float32
    copied = [f.name for f in FEATURES if f.view != "request" and f.name != "aircraft_slack_minutes"]
    assert {name: row[name] for name in copied} == {name: view[name][0] for name in copied}
    assert (row["distance_miles"], row["scheduled_minutes"]) == (1400.0, 227.0)


def test_local_time_counts_across_daylight_saving() -> None:
    after, before = _row(), _row(sched_dep_at=SUNDAY - timedelta(hours=1))

    assert (after["sched_minute_of_day"], after["day_of_week"]) == (3 * 60 + 30, 7)
    assert (before["sched_minute_of_day"], before["day_of_week"]) == (60 + 30, 7)


@pytest.mark.parametrize(("origin", "flags"), [("EWR", (1, 0)), ("JFK", (0, 1)), ("LGA", (0, 0))])
def test_origin_flags(origin: str, flags: tuple[int, int]) -> None:
    row = _row(origin=origin)

    assert (row["origin_is_ewr"], row["origin_is_jfk"]) == flags


@pytest.mark.parametrize(
    ("age", "slack"), [(timedelta(hours=2), 120.0), (timedelta(hours=48), 2880.0), (timedelta(hours=-1), -60.0)]
)
def test_slack_is_minutes_since_the_aircraft_arrived(age: timedelta, slack: float) -> None:
    row = _row(aircraft_prev_arrived_at=SUNDAY - age, aircraft_prev_arr_delay=7.0)

    assert (row["aircraft_slack_minutes"], row["aircraft_prev_arr_delay"]) == (slack, 7.0)


@pytest.mark.parametrize("arrived", [None, SUNDAY - timedelta(hours=48, minutes=1)])
def test_an_old_arrival_says_nothing(arrived: datetime | None) -> None:
    row = _row(aircraft_prev_arrived_at=arrived, aircraft_prev_arr_delay=7.0)

    assert np.isnan(row["aircraft_slack_minutes"])
    assert np.isnan(row["aircraft_prev_arr_delay"])


def test_missing_is_nan() -> None:
    assert np.isnan(_row(wind_gust_mph=None)["wind_gust_mph"])


@given(st.lists(st.tuples(st.integers(0, 10**8), st.none() | st.floats(-1e3, 1e3)), min_size=1, max_size=20))
def test_one_by_one_is_the_batch(flights: list[tuple[int, float | None]]) -> None:
    singles = [_inputs(sched_dep_at=SUNDAY + timedelta(seconds=s), origin_queue=v) for s, v in flights]
    batch = [{name: [s[half][name][0] for s in singles] for name in singles[0][half]} for half in (0, 1)]

    together = assemble(*batch)

    np.testing.assert_array_equal(together, np.vstack([assemble(*single) for single in singles]))


def test_arrow_columns_assemble_like_lists() -> None:
    request, view = _inputs(3, wind_gust_mph=None)
    utc = pa.timestamp("us", tz="UTC")
    times = ("sched_dep_at", "aircraft_prev_arrived_at")
    rows = pa.table({n: pa.array(v, utc if n in times else None) for n, v in (request | view).items()})
    rows = rows.set_column(rows.column_names.index("wind_gust_mph"), "wind_gust_mph", pa.nulls(3, pa.float64()))

    known = columns(rows)

    np.testing.assert_array_equal(assemble(known, known), assemble(request, view))


def test_a_missing_column_is_named() -> None:
    request, view = _inputs()
    del view["origin_queue"]

    with pytest.raises(ContractError, match="origin_queue"):
        assemble(request, view)
