"""From the published tables of 2013 to the canonical upstream events: the truth that everything else is judged by.

Every rule about the source's oddities lives here:

* scheduled times are local to their airport; `2400` is the end of a day; four airports lack a time zone;
* an arrival's date is not given: it is the candidate whose duration fits the distance best;
* actual times follow from scheduled time and delay, which (unlike the clock readings) carry the date;
* a measurement outside the contract's range is no measurement: it becomes null;
* weather is keyed by its UTC hour: local hours are ambiguous when the clock changes.
"""

from __future__ import annotations

from typing import cast

import annotated_types
import numpy as np
import pandas as pd
import pyarrow as pa

from ontime.contract import NEW_YORK, ArrivalEvent, WeatherEvent, _Event
from ontime.warehouse import TABLES

ANNOUNCED_AHEAD = pd.Timedelta(hours=36)
DEPARTURE_LAG = pd.Timedelta(minutes=1)
ARRIVAL_LAG = pd.Timedelta(minutes=2)
DIVERSION_LAG = pd.Timedelta(minutes=60)
WEATHER_LAG = pd.Timedelta(minutes=5)

MISSING_TIME_ZONES = dict.fromkeys(("SJU", "BQN", "STT", "PSE"), "America/Puerto_Rico")
CRUISE_MINUTES_PER_MILE = 0.128
GROUND_MINUTES = 45.0

WEATHER_COLUMNS = {
    "wind_speed": "wind_speed_mph",
    "wind_gust": "wind_gust_mph",
    "visib": "visibility_miles",
    "precip": "precipitation_inches",
    "humid": "humidity_percent",
    "temp": "temperature_f",
}


def events(flights: pd.DataFrame, airports: pd.DataFrame, weather: pd.DataFrame) -> dict[str, pa.Table]:
    """Canonical events of the source tables, per warehouse table and in that table's schema, oldest available first."""
    known = _flights(flights, airports)
    frames = {
        "schedules": _schedules(known),
        "departures": _departures(known),
        "arrivals": _arrivals(known),
        "cancellations": _cancellations(known),
        "weather": _weather(weather),
    }
    return {name: _table(name, frame) for name, frame in frames.items()}


def _flights(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """One row a flight with its identity, its UTC times and what became of it."""
    zones = airports.set_index("faa")["tzone"].to_dict() | MISSING_TIME_ZONES
    day = pd.to_datetime(flights[["year", "month", "day"]])
    departs = _local(day, flights["sched_dep_time"]).dt.tz_localize(NEW_YORK).dt.tz_convert("UTC")
    out = pd.DataFrame(
        {
            "flight_id": day.dt.strftime("%Y-%m-%d")
            + "-"
            + flights["carrier"]
            + "-"
            + flights["flight"].astype(str)
            + "-"
            + flights["origin"],
            "origin": flights["origin"],
            "destination": flights["dest"],
            "carrier": flights["carrier"],
            "flight_number": flights["flight"].astype("int32"),
            "tail_number": flights["tailnum"].astype(object).where(flights["tailnum"].notna(), None),
            "sched_dep_at": departs,
            "distance_miles": flights["distance"].astype("float64"),
        }
    )
    expected = GROUND_MINUTES + CRUISE_MINUTES_PER_MILE * out["distance_miles"]
    out["scheduled_minutes"] = _scheduled_minutes(
        day, flights["sched_arr_time"], flights["dest"].map(zones), departs, expected
    )
    out["dep_delay_minutes"] = flights["dep_delay"].astype("float64")
    out["arr_delay_minutes"] = flights["arr_delay"].astype("float64")
    gate_to_gate = out["scheduled_minutes"] + out["arr_delay_minutes"] - out["dep_delay_minutes"]
    out["taxi_minutes"] = _within_contract(gate_to_gate - flights["air_time"], ArrivalEvent, "taxi_minutes")
    return out


def _local(day: pd.Series, hhmm: pd.Series) -> pd.Series:
    """Naive local time of a clock reading such as 517 or 2400 on `day`."""
    reading = hhmm.astype("int64")
    return day + pd.to_timedelta(reading // 100 * 60 + reading % 100, unit="min")


def _scheduled_minutes(
    day: pd.Series, hhmm: pd.Series, zones: pd.Series, departs: pd.Series, expected: pd.Series
) -> pd.Series:
    """Scheduled gate-to-gate minutes: of all dates and readings of a doubled hour, the one nearest to `expected`."""
    local = _local(day, hhmm)
    best = np.full(len(day), np.nan)
    for zone in zones.unique():
        rows = np.flatnonzero(zones == zone)
        want = expected.to_numpy()[rows]
        for days in (-1, 0, 1):
            for summer in (True, False):
                naive = local.iloc[rows] + pd.Timedelta(days=days)
                ambiguous = np.full(len(rows), summer)
                arrives = naive.dt.tz_localize(zone, ambiguous=ambiguous, nonexistent="shift_forward")
                minutes = (arrives.dt.tz_convert("UTC") - departs.iloc[rows]).dt.total_seconds().to_numpy() / 60
                worse = ~(np.abs(minutes - want) >= np.abs(best[rows] - want))
                best[rows] = np.where(worse & (minutes > 0), minutes, best[rows])
    return pd.Series(best, index=day.index)


def _schedules(flights: pd.DataFrame) -> pd.DataFrame:
    return flights.assign(
        event_id="schedule:" + flights["flight_id"],
        event_time=flights["sched_dep_at"],
        available_at=flights["sched_dep_at"] - ANNOUNCED_AHEAD,
    )


def _departed_at(flights: pd.DataFrame) -> pd.Series:
    return flights["sched_dep_at"] + pd.to_timedelta(flights["dep_delay_minutes"], unit="min")


def _departures(flights: pd.DataFrame) -> pd.DataFrame:
    left = flights[flights["dep_delay_minutes"].notna()]
    departed = _departed_at(left)
    return left.assign(
        event_id="departure:" + left["flight_id"], event_time=departed, available_at=departed + DEPARTURE_LAG
    )


def _arrivals(flights: pd.DataFrame) -> pd.DataFrame:
    landed = flights[flights["arr_delay_minutes"].notna()]
    minutes = landed["scheduled_minutes"] + landed["arr_delay_minutes"]
    arrived = landed["sched_dep_at"] + pd.to_timedelta(minutes, unit="min")
    return landed.assign(
        event_id="arrival:" + landed["flight_id"], event_time=arrived, available_at=arrived + ARRIVAL_LAG
    )


def _cancellations(flights: pd.DataFrame) -> pd.DataFrame:
    """A cancelled flight is known at its scheduled departure, a diverted one an hour after it was due and once gone."""
    lost = flights[flights["arr_delay_minutes"].isna()]
    diverted = lost["dep_delay_minutes"].notna()
    due = lost["sched_dep_at"] + pd.to_timedelta(lost["scheduled_minutes"], unit="min") + DIVERSION_LAG
    known = due.combine(_departed_at(lost) + DIVERSION_LAG, max).where(diverted, lost["sched_dep_at"])
    return lost.assign(
        event_id="cancellation:" + lost["flight_id"],
        event_time=known,
        available_at=known,
        outcome=np.where(diverted, "diverted", "cancelled"),
    )


def _weather(weather: pd.DataFrame) -> pd.DataFrame:
    observed = pd.to_datetime(weather["time_hour"], utc=True)
    out = pd.DataFrame(
        {
            "event_id": "weather:" + weather["origin"] + ":" + observed.dt.strftime("%Y-%m-%dT%HZ"),
            "event_time": observed,
            "available_at": observed + WEATHER_LAG,
            "airport": weather["origin"],
        }
    )
    for source, column in WEATHER_COLUMNS.items():
        out[column] = _within_contract(weather[source], WeatherEvent, column)
    return out


def _within_contract(values: pd.Series, event: type[_Event], field: str) -> pd.Series:
    """`values` with everything outside the contract's range of `field` made null."""
    limits = [m for m in event.model_fields[field].metadata if isinstance(m, annotated_types.Ge | annotated_types.Le)]
    low = next(cast(float, m.ge) for m in limits if isinstance(m, annotated_types.Ge))
    high = next(cast(float, m.le) for m in limits if isinstance(m, annotated_types.Le))
    numbers = values.astype("float64")
    return numbers.where(numbers.between(low, high))


def _table(name: str, frame: pd.DataFrame) -> pa.Table:
    spec = TABLES[name]
    frame = frame.assign(ingested_at=frame["available_at"]).sort_values(["available_at", "event_id"], kind="stable")
    return pa.Table.from_pandas(frame[spec.schema.names], schema=spec.schema, preserve_index=False)
