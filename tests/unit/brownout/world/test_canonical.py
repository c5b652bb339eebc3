"""Golden rows: real lines of the source, each for one of its traps."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from brownout.world import canonical
from brownout.world.tape import _event, _textual
from ontime.contract import EVENT
from ontime.warehouse import TABLES

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,"
    "origin,dest,air_time,distance,hour,minute,time_hour\n"
)
FLIGHTS = (
    HEADER
    + """\
2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
2013,1,1,1939,1840,59,29,2151,NA,9E,3325,N905XJ,JFK,DFW,NA,1391,18,40,2013-01-01T23:00:00Z
2013,1,2,NA,1540,NA,NA,1747,NA,EV,4352,NA,EWR,CVG,NA,569,15,40,2013-01-02T20:00:00Z
2013,2,2,858,900,-2,1440,1540,-60,HA,51,N388HA,JFK,HNL,629,4983,9,0,2013-02-02T14:00:00Z
2013,3,9,2306,2145,81,203,34,89,B6,35,N658JB,JFK,PBI,141,1028,21,45,2013-03-10T02:00:00Z
2013,3,10,615,619,-4,851,903,-12,UA,1236,N14242,EWR,PHX,297,2133,6,19,2013-03-10T10:00:00Z
2013,6,30,2400,2359,1,338,350,-12,B6,745,N708JB,JFK,PSE,200,1617,23,59,2013-07-01T03:00:00Z
2013,7,4,11,2359,12,400,340,20,B6,839,N563JB,JFK,BQN,199,1576,23,59,2013-07-05T03:00:00Z
2013,7,5,1200,1130,30,2400,2400,0,UA,1,N101,EWR,LAX,300,2454,11,30,2013-07-05T15:00:00Z
"""
)
AIRPORTS = """faa,tzone
IAH,America/Chicago
DFW,America/Chicago
CVG,America/New_York
HNL,Pacific/Honolulu
PBI,America/New_York
PHX,America/Phoenix
LAX,America/Los_Angeles
"""
WEATHER = """origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour
EWR,2013,2,12,3,39.02,26.96,61.63,260,1048.36058,NA,0,1008.3,10,2013-02-12T08:00:00Z
EWR,2013,11,3,1,51.98,39.02,61.15,310,6.904679999999999,NA,0,1009.8,10,2013-11-03T05:00:00Z
EWR,2013,11,3,1,50,39.02,65.8,290,5.7539,23.0156,0,1010.5,10,2013-11-03T06:00:00Z
"""


def read(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pa.Table]:
    return canonical.events(read(FLIGHTS), read(AIRPORTS), read(WEATHER))


def row(tables: Mapping[str, pa.Table], table: str, key: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [r for r in tables[table].to_pylist() if r["event_id"].endswith(key)]

    assert len(found) == 1

    return found[0]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_an_ordinary_flight(tables: Mapping[str, pa.Table]) -> None:
    key = "2013-01-01-UA-1545-EWR"
    schedule, departure, arrival = (row(tables, t, key) for t in ("schedules", "departures", "arrivals"))

    assert schedule == {
        "event_id": f"schedule:{key}",
        "event_time": utc(2013, 1, 1, 10, 15),
        "available_at": utc(2012, 12, 30, 22, 15),
        "ingested_at": utc(2012, 12, 30, 22, 15),
        "flight_id": key,
        "origin": "EWR",
        "destination": "IAH",
        "carrier": "UA",
        "flight_number": 1545,
        "tail_number": "N14228",
        "sched_dep_at": utc(2013, 1, 1, 10, 15),
        "distance_miles": 1400.0,
        "scheduled_minutes": 244.0,
    }
    assert (departure["event_time"], departure["available_at"]) == (utc(2013, 1, 1, 10, 17), utc(2013, 1, 1, 10, 18))
    assert (arrival["event_time"], arrival["available_at"]) == (utc(2013, 1, 1, 14, 30), utc(2013, 1, 1, 14, 32))
    assert (arrival["arr_delay_minutes"], arrival["taxi_minutes"]) == (11.0, 244.0 + 11 - 2 - 227)


@pytest.mark.parametrize(
    ("key", "minutes", "arrived"),
    [
        ("2013-02-02-HA-51-JFK", 700.0, utc(2013, 2, 3, 0, 40)),  # ten hours of time zones
        ("2013-03-09-B6-35-JFK", 169.0, utc(2013, 3, 10, 7, 3)),  # lands in an hour that does not exist
        ("2013-03-10-UA-1236-EWR", 344.0, utc(2013, 3, 10, 15, 51)),  # Arizona keeps winter time
        ("2013-06-30-B6-745-JFK", 231.0, utc(2013, 7, 1, 7, 38)),  # departs at 2400; PSE lacks a time zone
        ("2013-07-04-B6-839-JFK", 221.0, utc(2013, 7, 5, 8, 0)),  # BQN lacks a time zone
        ("2013-07-05-UA-1-EWR", 930.0, utc(2013, 7, 6, 7, 0)),  # scheduled to arrive at 2400
    ],
)
def test_times_that_mislead(tables: Mapping[str, pa.Table], key: str, minutes: float, arrived: datetime) -> None:
    assert row(tables, "schedules", key)["scheduled_minutes"] == minutes
    assert row(tables, "arrivals", key)["event_time"] == arrived


def test_a_cancelled_flight_has_no_other_outcome(tables: Mapping[str, pa.Table]) -> None:
    key = "2013-01-02-EV-4352-EWR"
    cancelled = row(tables, "cancellations", key)

    assert (cancelled["outcome"], cancelled["available_at"]) == ("cancelled", utc(2013, 1, 2, 20, 40))
    assert row(tables, "schedules", key)["tail_number"] is None
    assert not any(key in i for t in ("departures", "arrivals") for i in tables[t]["event_id"].to_pylist())


def test_a_diverted_flight_departed_and_never_arrived(tables: Mapping[str, pa.Table]) -> None:
    key = "2013-01-01-9E-3325-JFK"
    diverted = row(tables, "cancellations", key)

    assert (diverted["outcome"], diverted["available_at"]) == ("diverted", utc(2013, 1, 2, 4, 51))
    assert row(tables, "departures", key)["dep_delay_minutes"] == 59.0
    assert key not in "".join(tables["arrivals"]["event_id"].to_pylist())


def test_impossible_weather_is_null_and_the_rest_stays(tables: Mapping[str, pa.Table]) -> None:
    observed = row(tables, "weather", "EWR:2013-02-12T08Z")

    assert observed["wind_speed_mph"] is None
    assert (observed["temperature_f"], observed["available_at"]) == (39.02, utc(2013, 2, 12, 8, 5))


def test_both_readings_of_the_doubled_hour_are_kept(tables: Mapping[str, pa.Table]) -> None:
    november = [r["event_id"] for r in tables["weather"].to_pylist() if r["event_time"].month == 11]

    assert november == ["weather:EWR:2013-11-03T05Z", "weather:EWR:2013-11-03T06Z"]


def test_every_row_fits_its_table_and_comes_in_order_of_availability(tables: Mapping[str, pa.Table]) -> None:
    for name, rows in tables.items():
        available = rows["available_at"].to_pylist()

        assert rows.schema == TABLES[name].schema
        assert available == sorted(available)
        assert rows["ingested_at"] == rows["available_at"]


def test_every_event_keeps_the_contract(tables: Mapping[str, pa.Table]) -> None:
    kinds = dict(zip(tables, ("schedule", "departure", "arrival", "cancellation", "weather"), strict=True))
    for name, rows in tables.items():
        for fields in _textual(rows).to_pylist():
            assert EVENT.validate_python(_event(kinds[name], fields)).kind == kinds[name]
