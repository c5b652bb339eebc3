from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from brownout.errors import DatasetError
from brownout.world import tape
from brownout.world.tape import KINDS, Night, Tape
from ontime.contract import EVENT
from ontime.warehouse import TABLES

DEPARTS = datetime(2013, 5, 6, 23, 30, tzinfo=UTC)


def tables() -> dict[str, pa.Table]:
    schedules = [
        {
            "event_id": f"schedule:{number}",
            "event_time": DEPARTS + timedelta(hours=5 * number),
            "available_at": DEPARTS + timedelta(hours=5 * number - 36),
            "ingested_at": DEPARTS,
            "flight_id": f"2013-05-06-UA-{number}-EWR",
            "origin": "EWR",
            "destination": "SFO",
            "carrier": "UA",
            "flight_number": number,
            "tail_number": None,
            "sched_dep_at": DEPARTS + timedelta(hours=5 * number),
            "distance_miles": 2565.0,
            "scheduled_minutes": 360.0,
        }
        for number in (1, 2)
    ]
    made = {name: TABLES[name].schema.empty_table() for name in KINDS}
    made["schedules"] = pa.Table.from_pylist(schedules, schema=TABLES["schedules"].schema)
    return made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tape.write(tmp_path, tables())
    return tmp_path


def test_a_day_holds_the_events_that_became_available_on_it(data: Path) -> None:
    ids = {day: [row["event_id"] for row in Tape(data).day(date(2013, 5, day))] for day in (4, 5, 6)}

    assert ids == {4: [], 5: ["schedule:1", "schedule:2"], 6: []}


def test_events_keep_the_contract_and_nothing_else_is_told(data: Path) -> None:
    row = Tape(data).day(date(2013, 5, 5))[0]

    assert EVENT.validate_python(row).event_time == DEPARTS + timedelta(hours=5)
    assert set(row) == {"kind", "event_id", "event_time", "available_at", "flight"}


def test_the_hours_between_departures_are_a_night(data: Path) -> None:
    first, second = (DEPARTS + timedelta(hours=hours) for hours in (5, 10))

    assert Tape(data).nights() == [
        Night((first + timedelta(minutes=30)).timestamp(), (second - timedelta(minutes=75)).timestamp())
    ]


def test_the_same_events_make_the_same_bytes(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    tape.write(other, tables())
    names = sorted(path.name for path in (data / "tape").iterdir())

    assert [(data / "tape" / n).read_bytes() for n in names] == [(other / "tape" / n).read_bytes() for n in names]


def test_a_missing_or_damaged_tape_is_named(data: Path, tmp_path: Path) -> None:
    next((data / "tape").glob("*.gz")).write_bytes(b"no gzip")

    with pytest.raises(DatasetError, match="cannot be read"):
        Tape(data).day(date(2013, 5, 5))
    with pytest.raises(DatasetError, match="holds no tape"):
        Tape(tmp_path / "elsewhere").day(date(2013, 5, 5))
