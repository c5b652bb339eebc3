"""Which row of each view belongs to a flight.

| view               | key                                   | example  |
|--------------------|---------------------------------------|----------|
| route_slow         | origin and destination                | EWR-SFO  |
| carrier_*          | carrier                               | UA       |
| origin_hour_slow   | origin and local scheduled hour       | EWR-07   |
| aircraft_*         | tail number, null when none is known  | N14228   |
| destination_fresh  | destination                           | SFO      |
| origin_fresh, weather_fresh | origin                       | EWR      |
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ontime.features.local_time import DAY, HOUR, Micros, local_micros, micros

KEY_COLUMNS: dict[str, str] = {
    "route_slow": "route",
    "carrier_slow": "carrier",
    "origin_hour_slow": "origin_hour",
    "aircraft_slow": "tail_number",
    "origin_fresh": "origin",
    "destination_fresh": "destination",
    "carrier_fresh": "carrier",
    "aircraft_fresh": "tail_number",
    "weather_fresh": "origin",
}
"""The flight's column that holds a view's key, once `with_keys` has added `route` and `origin_hour`."""


def _local_hours(sched_dep_at: Micros) -> Micros:
    return local_micros(sched_dep_at) % DAY // HOUR


@lru_cache(maxsize=4096)
def _local_hour(sched_dep_at: datetime) -> int:
    return int(_local_hours(np.array([micros(sched_dep_at)]))[0])


def with_keys(flights: pa.Table) -> pa.Table:
    """Adds `route` and `origin_hour` to a table with origin, destination and sched_dep_at."""
    hours = _local_hours(flights["sched_dep_at"].cast(pa.int64()).to_numpy())
    labels = pa.array([f"{hour:02d}" for hour in range(24)]).take(pa.array(hours))
    return flights.append_column(
        "route", pc.binary_join_element_wise(flights["origin"], flights["destination"], "-")
    ).append_column("origin_hour", pc.binary_join_element_wise(flights["origin"], labels, "-"))


def entity_keys(
    origin: str, destination: str, carrier: str, tail_number: str | None, sched_dep_at: datetime
) -> dict[str, str | None]:
    """The key of one flight in each view."""
    hour = _local_hour(sched_dep_at)
    flight = {
        "route": f"{origin}-{destination}",
        "carrier": carrier,
        "origin_hour": f"{origin}-{hour:02d}",
        "tail_number": tail_number,
        "origin": origin,
        "destination": destination,
    }
    return {view: flight[column] for view, column in KEY_COLUMNS.items()}
