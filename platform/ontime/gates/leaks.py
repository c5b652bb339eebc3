"""Does a training feature know what was not yet known when it would have been used?

Two looks. By time: the latest `available_at` behind a row must not be after the moment of scoring. By value: at a few
moments the features are computed again from only the events that were available by then; a feature that changes had
looked ahead, whatever its timestamps say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ontime.contract import FEATURE_NAMES
from ontime.features import (
    EVENT_TABLES,
    LEAD_MINUTES,
    assemble,
    columns,
    events_connection,
    point_in_time,
    requests_before_departure,
)
from ontime.training.booster import features
from ontime.training.data import HISTORY_DAYS
from ontime.training.window import local_day
from ontime.warehouse import TABLES, Warehouse

LEAD = timedelta(minutes=LEAD_MINUTES)
MOMENTS = 3
NEIGHBOURS = timedelta(minutes=15)
"""Flights scored this shortly before a moment are compared at it: a leak of less than that is not seen by value."""
REQUEST = tuple(name for name in TABLES["schedules"].schema.names[4:])


@dataclass(frozen=True, slots=True)
class Leaks:
    """Flights with a feature from the future, by each look; `features` are those that changed by value."""

    by_time: int
    by_value: int
    compared: int
    features: tuple[str, ...]

    @property
    def flights(self) -> int:
        return self.by_time + self.by_value


def find(warehouse: Warehouse, rows: pa.Table) -> Leaks:
    """Both looks at `rows`, which `training_frame` made: in the order of scheduled departure."""
    differs = [np.zeros((0, len(FEATURE_NAMES)), dtype=bool)]
    if rows.num_rows:
        events = _events(warehouse, rows)
        differs += [_differences(events, group, moment) for moment, group in _groups(rows)]
    changed = np.concatenate(differs)
    return Leaks(
        by_time=after_use(rows),
        by_value=int(changed.any(axis=1).sum()),
        compared=len(changed),
        features=tuple(FEATURE_NAMES[i] for i in np.flatnonzero(changed.any(axis=0))),
    )


def after_use(rows: pa.Table) -> int:
    """Rows that rest on an event which was available only after the moment of scoring."""
    late = pc.greater(rows["available_at_max"], pc.subtract(rows["sched_dep_at"], _duration(LEAD)))
    return int(pc.sum(late).as_py() or 0)


def _duration(span: timedelta) -> pa.Scalar:
    return pa.scalar(span, pa.duration("us"))


def _groups(rows: pa.Table) -> list[tuple[datetime, pa.Table]]:
    """Moments spread over the rows, each with the flights that were scored shortly before it."""
    used_at = pc.subtract(rows["sched_dep_at"], _duration(LEAD))
    groups = []
    for position in np.linspace(0, rows.num_rows - 1, MOMENTS + 2).astype(int)[1:-1]:
        moment = used_at[int(position)]
        near = pc.and_(pc.less_equal(used_at, moment), pc.greater(used_at, pc.subtract(moment, _duration(NEIGHBOURS))))
        groups.append((moment.as_py(), rows.filter(near)))
    return groups


def _events(warehouse: Warehouse, rows: pa.Table) -> dict[str, pa.Table]:
    first = local_day(rows["sched_dep_at"][0].as_py()) - timedelta(days=HISTORY_DAYS)
    return {name: warehouse.read(name, first - timedelta(days=3)) for name in EVENT_TABLES}


def _differences(events: Mapping[str, pa.Table], group: pa.Table, moment: datetime) -> npt.NDArray[np.bool_]:
    """bool [flights, features]: the values that are others when all that came after `moment` is withheld."""
    known = {
        name: table.filter(pc.less_equal(table["available_at"], pa.scalar(moment, table["available_at"].type)))
        for name, table in events.items()
    }
    connection = events_connection(known)
    try:
        again = columns(point_in_time(connection, requests_before_departure(group.select(REQUEST))))
    finally:
        connection.close()
    trained, honest = features(group), assemble(again, again)
    return ~np.isclose(trained, honest, rtol=1e-4, atol=1e-4, equal_nan=True)
