"""Training rows out of a warehouse: what is counted, what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ontime.errors import ContractError
from ontime.settings import TrainingBehaviour
from ontime.training import Days, Window, load_frames, validate
from ontime.training.data import labelled_days
from ontime.warehouse import TABLES, Warehouse
from tests.unit.ontime.features.flights import arrival, schedule

TRAINING = TrainingBehaviour(window_days=20, holdout_days=5)
PRESENT = datetime(2013, 5, 6, 9, tzinfo=UTC)
FIRST = date(2013, 4, 16)
PER_DAY = 6


def flights(warehouse: Warehouse, days: range, per_day: int = PER_DAY) -> None:
    """Flights from 10:00 New York on, an hour apart, that landed six hours later."""
    for day in days:
        departs = [datetime(2013, 4, 16, 14, tzinfo=UTC) + timedelta(days=day, hours=i) for i in range(per_day)]
        names = [f"flight-{day}-{i}" for i in range(per_day)]
        rows = {
            "schedules": [schedule(n, d) for n, d in zip(names, departs, strict=True)],
            "arrivals": [arrival(n, d + timedelta(hours=6), 20.0) for n, d in zip(names, departs, strict=True)],
        }
        for name, events in rows.items():
            warehouse.write(name, pa.Table.from_pylist(events, TABLES[name].schema))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    stored = Warehouse(tmp_path)
    flights(stored, range(20))
    return stored


def test_labelled_flights_are_counted_by_new_york_day(warehouse: Warehouse) -> None:
    counts = labelled_days(warehouse, Days(FIRST, FIRST + timedelta(days=2)))

    assert counts == {FIRST + timedelta(days=i): PER_DAY for i in range(3)}


def test_frames_are_split_at_the_first_held_out_midnight(warehouse: Warehouse) -> None:
    frames = load_frames(warehouse, Window.ending(PRESENT, TRAINING), PRESENT)

    assert (frames.training.num_rows, frames.holdout.num_rows) == (15 * PER_DAY, 5 * PER_DAY)
    assert max(frames.training["sched_dep_at"].to_pylist()) < frames.window.holdout.since


def test_labels_that_come_after_the_present_are_not_looked_at(warehouse: Warehouse) -> None:
    earlier = datetime(2013, 5, 5, 21, 30, tzinfo=UTC)
    window = Window.ending(PRESENT, TRAINING)

    frames = load_frames(warehouse, window, earlier)

    assert frames.holdout.num_rows == 4 * PER_DAY + 2


def test_a_whole_window_is_valid(warehouse: Warehouse) -> None:
    counts = validate(warehouse, Window.ending(PRESENT, TRAINING), PRESENT)

    assert sum(counts.values()) == 20 * PER_DAY


def test_a_window_with_holes_is_refused(tmp_path: Path) -> None:
    torn = Warehouse(tmp_path)
    flights(torn, range(0, 20, 2))

    with pytest.raises(ContractError, match=r"of a usual day's 6 labelled flights, the first 2013-04-17"):
        validate(torn, Window.ending(PRESENT, TRAINING), PRESENT)


def test_an_empty_warehouse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no labelled flight"):
        validate(Warehouse(tmp_path), Window.ending(PRESENT, TRAINING), PRESENT)


def test_a_window_that_reaches_into_today_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(ContractError, match="not before the present"):
        validate(warehouse, Window.ending(PRESENT + timedelta(days=1), TRAINING), PRESENT)
