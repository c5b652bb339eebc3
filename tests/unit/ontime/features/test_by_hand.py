"""Every feature once, on events small enough to compute by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ontime.features import events_connection, local_midnight, point_in_time
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


def _at(rows: Rows, at: datetime = NOON, **flight: Any) -> dict[str, Any]:
    asked = schedule("asked", at + HOUR, **flight)
    result = point_in_time(events_connection(tables(rows)), requests([asked], at, local_midnight(at)))
    return dict(result.to_pylist()[0])


def test_delays_at_the_origin() -> None:
    row = _at(
        {
            "departures": [
                departure("a", NOON, 30),
                departure("b", NOON - HOUR, 0),
                departure("c", NOON - HOUR - MINUTE, 60),
                departure("d", NOON - 3 * HOUR - MINUTE, 999),
                departure("e", NOON - MINUTE, 500, origin="JFK", carrier="DL"),
            ]
        }
    )

    assert row["origin_dep_delay_mean_1h"] == 15.0
    assert row["origin_late_share_1h"] == 0.5
    assert row["origin_departures_1h"] == 2.0
    assert row["origin_dep_delay_mean_3h"] == 30.0
    assert row["carrier_dep_delay_mean_3h"] == 30.0


def test_fifteen_minutes_is_not_late() -> None:
    assert _at({"departures": [departure("a", NOON, 15)]})["origin_late_share_1h"] == 0.0


def test_a_quiet_origin_has_counts_but_no_means() -> None:
    row = _at({"departures": [departure("a", NOON - DAY, 30)]})

    assert row["origin_departures_1h"] == row["origin_cancellations_6h"] == row["origin_queue"] == 0.0
    assert row["origin_dep_delay_mean_1h"] is row["origin_late_share_1h"] is row["carrier_dep_delay_mean_3h"] is None
    assert row["origin_fresh_at"] == row["carrier_fresh_at"] == NOON


def test_the_queue_holds_who_is_due_and_neither_left_nor_cancelled() -> None:
    row = _at(
        {
            "schedules": [
                schedule("due", NOON),
                schedule("waiting", NOON - 2 * HOUR),
                schedule("given-up", NOON - 2 * HOUR - MINUTE),
                schedule("left", NOON - HOUR),
                schedule("cancelled", NOON - HOUR),
                schedule("left-later", NOON - HOUR),
                schedule("elsewhere", NOON - HOUR, origin="JFK"),
                schedule("announced-later", NOON - HOUR, available_at=NOON + MINUTE),
            ],
            "departures": [departure("left", NOON, 0), departure("left-later", NOON + MINUTE, 0)],
            "cancellations": [cancellation("cancelled", NOON)],
        }
    )

    assert row["origin_queue"] == 3.0


def test_scheduled_next_counts_the_cancelled_too() -> None:
    row = _at(
        {
            "schedules": [
                schedule("now", NOON),
                schedule("soon", NOON + MINUTE),
                schedule("soon-cancelled", NOON + HOUR),
                schedule("last", NOON + 2 * HOUR),
                schedule("after", NOON + 2 * HOUR + MINUTE),
            ],
            "cancellations": [cancellation("soon-cancelled", NOON + HOUR)],
        }
    )

    assert row["origin_scheduled_next_2h"] == 3.0


def test_cancellations_are_not_diversions() -> None:
    row = _at(
        {
            "cancellations": [
                cancellation("a", NOON - 6 * HOUR),
                cancellation("b", NOON - 6 * HOUR - MINUTE),
                cancellation("c", NOON, outcome="diverted"),
            ]
        }
    )

    assert row["origin_cancellations_6h"] == 1.0


def test_arrivals_tell_about_taxi_destination_and_aircraft() -> None:
    row = _at(
        {
            "arrivals": [
                arrival("a", NOON - 3 * HOUR, 10, taxi=30.0, tail_number="N2"),
                arrival("b", NOON - HOUR, 40, taxi=None),
                arrival("c", NOON - 4 * HOUR, -20, taxi=90.0),
                arrival("d", NOON - 2 * HOUR, 7, origin="JFK", destination="LAX", taxi=99.0, tail_number="N3"),
                arrival("e", NOON + MINUTE, 300),
            ]
        }
    )

    assert row["origin_taxi_mean_3h"] == 30.0
    assert row["destination_arr_delay_mean_6h"] == 10.0
    assert row["aircraft_prev_arr_delay"] == 40.0
    assert row["aircraft_prev_arrived_at"] == NOON - HOUR - 2 * MINUTE


@pytest.mark.parametrize(("age", "delay"), [(48 * HOUR, 5.0), (48 * HOUR + MINUTE, None)])
def test_an_arrival_counts_for_48_hours(age: Any, delay: float | None) -> None:
    assert _at({"arrivals": [arrival("a", NOON - age, 5)]})["aircraft_prev_arr_delay"] == delay


def test_a_flight_without_an_aircraft_has_none() -> None:
    row = _at({"arrivals": [arrival("a", NOON - HOUR, 40, tail_number=None)]}, tail_number=None)

    assert row["aircraft_prev_arr_delay"] is row["aircraft_fresh_at"] is row["aircraft_slow_at"] is None


def test_weather_is_the_last_one_published() -> None:
    rows = {"weather": [weather(NOON - HOUR, 10.0), weather(NOON, 30.0), weather(NOON, 99.0, airport="JFK")]}

    before, after = _at(rows, NOON), _at(rows, NOON + 5 * MINUTE)

    assert (before["wind_speed_mph"], before["weather_fresh_at"]) == (10.0, NOON - HOUR)
    assert (after["wind_speed_mph"], after["weather_fresh_at"]) == (30.0, NOON)
    assert after["humidity_percent"] == 60.0


def test_slow_features_are_smoothed_over_28_and_7_days() -> None:
    midnight = local_midnight(NOON)
    row = _at(
        {
            "schedules": [schedule("a", NOON - DAY, carrier="UA"), schedule("b", NOON - 8 * DAY)],
            "arrivals": [
                arrival("a", midnight - MINUTE, 50),
                arrival("b", midnight - 8 * DAY, 0),
                arrival("c", midnight - 8 * DAY, 10, origin="JFK", carrier="DL", tail_number="N9"),
                arrival("d", midnight, 600),
                arrival("e", midnight - 28 * DAY - MINUTE, 600),
            ],
        },
        tail_number="N1",
    )

    everyone = (50 + 0 + 10) / 3
    assert row["route_flights_28d"] == 2.0
    assert row["route_late_rate_28d"] == pytest.approx((1 + 4.6) / 22)
    assert row["route_mean_delay_28d"] == pytest.approx((50 + 20 * everyone) / 22)
    assert row["carrier_late_rate_28d"] == pytest.approx((1 + 4.6) / 22)
    assert row["carrier_late_rate_7d"] == pytest.approx((1 + 4.6) / 21)
    assert row["carrier_mean_delay_28d"] == pytest.approx((50 + 20 * everyone) / 22)
    assert row["aircraft_late_rate_28d"] == pytest.approx((1 + 4.6) / 22)
    assert row["aircraft_mean_delay_28d"] == pytest.approx((50 + 20 * everyone) / 22)
    assert row["route_slow_at"] == row["aircraft_slow_at"] == midnight


def test_origin_hour_is_the_scheduled_local_hour() -> None:
    midnight = local_midnight(NOON)
    row = _at(
        {
            "schedules": [schedule("a", NOON - DAY + HOUR), schedule("b", NOON - DAY)],
            "arrivals": [arrival("a", midnight - HOUR, 30), arrival("b", midnight - HOUR, 90)],
        }
    )

    assert row["origin_hour_late_rate_28d"] == pytest.approx((1 + 4.6) / 21)
    assert row["origin_hour_mean_delay_28d"] == pytest.approx((30 + 20 * 60) / 21)


@pytest.mark.parametrize(("days", "rate"), [(29, 0.23), (56, 0.23), (57, None)])
def test_a_key_falls_back_to_the_prior_before_it_is_forgotten(days: int, rate: float | None) -> None:
    row = _at({"arrivals": [arrival("a", local_midnight(NOON) - days * DAY + HOUR, 50)]})

    assert row["route_late_rate_28d"] == (None if rate is None else pytest.approx(rate))
