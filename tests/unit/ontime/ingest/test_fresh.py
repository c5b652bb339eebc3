"""The fresh path: every grid point once, stamped with how far upstream really was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ontime.clock import Clock, Segment, write_segments
from ontime.contract import EVENT, Event
from ontime.ingest.fresh import FreshPath
from ontime.ingest.watermark import Watermark

NOON = datetime(2013, 5, 6, 12, tzinfo=UTC)


def schedule(number: int, sched_dep_at: datetime) -> Event:
    return EVENT.validate_python(
        {
            "kind": "schedule",
            "event_id": f"schedule-{number:04}",
            "event_time": sched_dep_at,
            "available_at": sched_dep_at - timedelta(hours=36),
            "flight": {
                "flight_id": f"2013-05-06-UA-{number}-EWR",
                "origin": "EWR",
                "destination": "IAH",
                "carrier": "UA",
                "flight_number": number,
                "tail_number": "N14228",
                "sched_dep_at": sched_dep_at,
                "distance_miles": 1400,
                "scheduled_minutes": 227,
            },
        }
    )


def departure(number: int, left_at: datetime, delay: float) -> Event:
    return EVENT.validate_python(
        {
            "kind": "departure",
            "event_id": f"departure-{number:04}",
            "event_time": left_at,
            "available_at": left_at + timedelta(minutes=1),
            "flight_id": f"2013-05-06-UA-{number}-EWR",
            "origin": "EWR",
            "carrier": "UA",
            "dep_delay_minutes": delay,
        }
    )


class Stage:
    """A fresh path on a frozen clock that the test moves."""

    def __init__(self, root: Path) -> None:
        self._clock = root / "clock.json"
        self._moved = 0
        self.stand_at(NOON)
        self.pushed: list[tuple[str, pa.Table]] = []
        self.archived: list[tuple[str, pa.Table]] = []
        self.path = FreshPath(
            Clock(self._clock),
            lambda: self,
            lambda view, rows: self.archived.append((view, rows)),
            Watermark(timedelta(minutes=15)),
            every_minutes=5,
            history=timedelta(hours=72),
        )

    def stand_at(self, moment: datetime) -> None:
        self._moved += 1
        write_segments(self._clock, (Segment(float(self._moved), moment.timestamp(), 0.0),))

    def push(self, view: str, rows: pa.Table, /) -> int:
        self.pushed.append((view, rows))
        return rows.num_rows

    def latest(self, view: str) -> dict[str, object]:
        rows = [rows for name, rows in self.pushed if name == view][-1]
        found: dict[str, object] = rows.to_pylist()[0]
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.path.observe([schedule(1, NOON - timedelta(minutes=30)), schedule(2, NOON + timedelta(minutes=30))], NOON)
    stage.path.observe([departure(1, NOON - timedelta(minutes=10), 20.0)], NOON)
    stage.path.observe([schedule(3, NOON + timedelta(hours=36) - timedelta(minutes=2))], NOON)
    return stage


def test_a_grid_point_is_computed_once(stage: Stage) -> None:
    assert [stage.path.step(), stage.path.step()] == [True, False]

    stage.stand_at(NOON + timedelta(minutes=4))
    assert stage.path.step() is True
    stage.stand_at(NOON + timedelta(minutes=5, seconds=30))
    assert stage.path.step() is False


def test_rows_go_to_both_stores(stage: Stage) -> None:
    stage.path.step()

    assert stage.pushed
    assert [view for view, _ in stage.pushed] == [view for view, _ in stage.archived]
    assert stage.latest("origin_fresh")["origin_dep_delay_mean_1h"] == 20.0


def test_airports_are_written_even_when_nothing_happens(stage: Stage) -> None:
    stage.path.step()
    stage.stand_at(NOON + timedelta(hours=2))
    stage.path.step()

    assert stage.latest("origin_fresh")["airport"] == "EWR"
    assert stage.latest("origin_fresh")["event_timestamp"] == NOON + timedelta(hours=1, minutes=40)


def test_the_age_of_a_row_is_how_far_upstream_was(stage: Stage) -> None:
    stage.stand_at(NOON + timedelta(minutes=31))
    stage.path.observe([departure(2, NOON + timedelta(minutes=24), 0.0)], NOON + timedelta(minutes=25))
    stage.path.step()

    assert stage.latest("origin_fresh")["event_timestamp"] == NOON + timedelta(minutes=25)


def test_an_event_that_is_not_available_yet_changes_nothing(stage: Stage) -> None:
    stage.path.step()
    before = stage.latest("origin_fresh")
    stage.path.observe([departure(2, NOON + timedelta(hours=1), 500.0)], NOON)
    stage.stand_at(NOON + timedelta(minutes=6))
    stage.path.step()

    assert before["origin_dep_delay_mean_1h"] == stage.latest("origin_fresh")["origin_dep_delay_mean_1h"] == 20.0


def test_an_arrival_that_is_delivered_late_still_reaches_its_aircraft(stage: Stage) -> None:
    stage.path.step()
    late = EVENT.validate_python(
        {
            "kind": "arrival",
            "event_id": "arrival-0001",
            "event_time": NOON - timedelta(minutes=40),
            "available_at": NOON - timedelta(minutes=38),
            "flight_id": "2013-05-06-UA-9-EWR",
            "origin": "EWR",
            "destination": "IAH",
            "carrier": "UA",
            "tail_number": "N14228",
            "arr_delay_minutes": 33.0,
        }
    )
    stage.path.observe([late], NOON)
    stage.stand_at(NOON + timedelta(minutes=6))
    stage.path.step()

    assert stage.latest("aircraft_fresh")["aircraft_prev_arr_delay"] == 33.0
