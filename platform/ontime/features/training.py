"""Labelled flights with the features they had an hour before scheduled departure."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from ontime.contract import FEATURE_NAMES, LATE_AFTER_MINUTES, VIEWS
from ontime.features.as_of import point_in_time
from ontime.features.local_time import MINUTE, Micros, local_midnights, ticks
from ontime.features.matrix import assemble, columns
from ontime.settings import behaviour
from ontime.warehouse import TABLES, TIMESTAMP

LEAD_MINUTES = 60
FLIGHT_COLUMNS = tuple(TABLES["schedules"].schema.names[4:])


def _timestamps(values: Micros) -> pa.Array:
    return pa.array(values, pa.int64()).cast(TIMESTAMP)


def requests_at(flights: pa.Table, asked_at: Micros, every_minutes: int | None = None) -> pa.Table:
    """Adds `fresh_at` and `slow_at` to flights that were asked about at `asked_at` (UTC microseconds)."""
    every = every_minutes or behaviour().ingest.fresh_every_minutes
    return flights.append_column("fresh_at", _timestamps(ticks(asked_at, every))).append_column(
        "slow_at", _timestamps(local_midnights(asked_at))
    )


def requests_before_departure(
    flights: pa.Table, lead: timedelta = timedelta(minutes=LEAD_MINUTES), every_minutes: int | None = None
) -> pa.Table:
    """Flights as asked about `lead` before their scheduled departure."""
    departs = flights["sched_dep_at"].cast(TIMESTAMP).cast(pa.int64()).to_numpy()
    return requests_at(flights, departs - lead // timedelta(minutes=1) * MINUTE, every_minutes)


def labelled_flights(
    connection: duckdb.DuckDBPyConnection, since: datetime, until: datetime, known_by: datetime | None = None
) -> pa.Table:
    """Flights scheduled in [since, until) whose arrival is known (by `known_by`), with `arr_delay_minutes`.

    Cancelled and diverted flights have outcomes of their own and are left out.
    """
    rows = connection.sql(
        f"""
        SELECT {", ".join(f"schedules.{name}" for name in FLIGHT_COLUMNS)},
            schedules.available_at AS announced_at, landed.arr_delay_minutes
        FROM schedules
        JOIN (
            SELECT flight_id, arg_min(arr_delay_minutes, available_at) AS arr_delay_minutes,
                min(available_at) AS available_at
            FROM arrivals GROUP BY flight_id
        ) AS landed ON landed.flight_id = schedules.flight_id
        ANTI JOIN cancellations ON cancellations.flight_id = schedules.flight_id
        WHERE sched_dep_at >= $since::TIMESTAMPTZ::TIMESTAMP AND sched_dep_at < $until::TIMESTAMPTZ::TIMESTAMP
            AND ($known_by IS NULL OR landed.available_at <= $known_by::TIMESTAMPTZ::TIMESTAMP)
        ORDER BY sched_dep_at, schedules.flight_id
        """,  # noqa: S608
        params={"since": since, "until": until, "known_by": known_by},
    ).to_arrow_table()
    fields = [pa.field(f.name, TIMESTAMP) if pa.types.is_timestamp(f.type) else f for f in rows.schema]
    return rows.cast(pa.schema(fields))


def training_frame(
    connection: duckdb.DuckDBPyConnection, since: datetime, until: datetime, known_by: datetime | None = None
) -> pa.Table:
    """One row per labelled flight scheduled in [since, until), with its features 60 minutes before departure.

    Columns: the flight's, `contract.FEATURE_NAMES` (float32, NaN as null), `label` (int8, arrival delay over 15
    minutes), `arr_delay_minutes`, `<view>_at`, and `available_at_max`: the latest available_at behind any feature.
    With `known_by` only labels available by then. The connection must hold events from 56 days before `since`.
    """
    flights = labelled_flights(connection, since, until, known_by)
    rows = point_in_time(connection, requests_before_departure(flights))
    known = columns(rows)
    matrix = assemble(known, known)
    result = rows.select([name for name in FLIGHT_COLUMNS if name not in FEATURE_NAMES])
    for position, name in enumerate(FEATURE_NAMES):
        result = result.append_column(name, pa.array(np.ascontiguousarray(matrix[:, position]), from_pandas=True))
    delay = known["arr_delay_minutes"]
    result = result.append_column("label", pa.array((delay > LATE_AFTER_MINUTES).astype(np.int8)))
    for name in ("arr_delay_minutes", *(f"{view}_at" for view in VIEWS)):
        result = result.append_column(name, rows[name])
    latest = np.fmax(known["available_at_max"], known["announced_at"])
    return result.append_column("available_at_max", _timestamps(latest.view(np.int64)))
