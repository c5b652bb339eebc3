"""The door: exactly once in, a reason for every refusal, nothing acknowledged that is not durable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ontime.contract import Event
from ontime.errors import WarehouseError
from ontime.ingest import rebuild as module
from ontime.ingest.intake import Intake
from ontime.ingest.landing import Landing
from ontime.ingest.rebuild import rebuild, recover
from ontime.ingest.rows import tables
from ontime.ingest.writer import Writer
from ontime.warehouse import Warehouse

NOW = datetime(2013, 5, 6, 12, tzinfo=UTC)


def departure(event_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "departure",
        "event_id": event_id,
        "event_time": "2013-05-06T11:58:00+00:00",
        "available_at": "2013-05-06T11:59:00+00:00",
        "flight_id": "2013-05-06-UA-1545-EWR",
        "origin": "EWR",
        "carrier": "UA",
        "dep_delay_minutes": 4.0,
    } | changes


class Door:
    """An intake on real files; remembers what was delivered."""

    def __init__(self, root: Path) -> None:
        self.landing = Landing(root / "landing")
        self.warehouse = Warehouse(root / "warehouse")
        self.delivered: list[str] = []
        self.intake = Intake(self.landing, self.warehouse, self._deliver)

    def _deliver(self, events: Sequence[Event], ingested_at: datetime) -> None:
        self.delivered += [event.event_id for event in events]
        for name, rows in tables(events, ingested_at).items():
            self.warehouse.write(name, rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 15), max_size=8), max_size=6))
def test_every_event_gets_in_exactly_once(tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]) -> None:
    door = Door(tmp_path_factory.mktemp("door"))
    accepted = duplicates = 0
    for batch in batches:
        receipt = door.intake.take([departure(f"event-{n:04}") for n in batch], NOW)
        accepted += len(receipt.accepted)
        duplicates += receipt.duplicates
    sent = [f"event-{n:04}" for batch in batches for n in batch]

    assert sorted(door.delivered) == sorted(set(sent))
    assert accepted + duplicates == len(sent)
    assert sorted(e.raw["event_id"] for e in door.landing.read()) == sorted(set(sent))
    assert sorted(door.warehouse.read("departures")["event_id"].to_pylist()) == sorted(set(sent))


def test_a_restart_still_knows_what_it_has(tmp_path: Path) -> None:
    Door(tmp_path).intake.take([departure("event-0001")], NOW)
    again = Door(tmp_path)
    again.intake.remember(NOW.date())

    assert again.intake.take([departure("event-0001")], NOW).duplicates == 1


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (departure("event-0001", dep_delay_minutes="late"), "dep_delay_minutes"),
        (departure("event-0001", dep_delay_minutes=99_999), "dep_delay_minutes"),
        (departure("event-0001", origin="ZZZ"), "origin"),
        (departure("event-0001", surprise=1), "surprise"),
        (departure("event-0001", available_at="2013-05-06T11:00:00+00:00"), "event"),
        (departure("event-0001", available_at="2013-05-07T11:00:00+00:00"), "available_at"),
        (departure("event-0001", event_time="2013-05-06T11:58:00"), "event_time"),
        (departure("event-0001", kind="teleport"), "event"),
        (["not", "an", "object"], "event"),
        ({}, "event"),
    ],
)
def test_a_refusal_names_the_field_and_is_kept(tmp_path: Path, raw: Any, field: str) -> None:
    door = Door(tmp_path)
    receipt = door.intake.take([departure("event-good"), raw], NOW)

    assert [r.field for r in receipt.rejected] == [field]
    assert door.delivered == ["event-good"]
    assert door.warehouse.read("dead_letters")["field"].to_pylist() == [field]


def test_what_cannot_be_landed_is_not_acknowledged_and_not_remembered(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.landing.root.write_text("in the way")
    with pytest.raises(WarehouseError):
        door.intake.take([departure("event-0001")], NOW)
    door.landing.root.unlink()

    assert door.delivered == []
    assert len(door.intake.take([departure("event-0001")], NOW).accepted) == 1


def test_a_crash_between_landing_and_warehouse_loses_nothing(tmp_path: Path) -> None:
    landing, warehouse = Landing(tmp_path / "landing"), Warehouse(tmp_path / "warehouse")
    landing.append(NOW, [departure(f"event-{n:04}") for n in range(5)])

    assert recover(landing, warehouse) == 5
    assert recover(landing, warehouse) == 0
    assert warehouse.read("departures").num_rows == 5


def test_nothing_landed_is_nothing_to_recover(tmp_path: Path) -> None:
    assert recover(Landing(tmp_path / "landing"), Warehouse(tmp_path / "warehouse")) == 0


def test_what_a_crash_left_joins_what_is_stored(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.intake.take([departure("event-0001")], NOW)
    door.landing.append(NOW, [departure("event-0002")])

    assert recover(door.landing, door.warehouse) == 1
    assert door.warehouse.read("departures")["event_id"].to_pylist() == ["event-0001", "event-0002"]


def test_only_a_rebuild_rewrites_what_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract has learnt that delays are in hours; one event was stored before, one was lost by a crash."""
    door = Door(tmp_path)
    door.intake.take([departure("event-0001")], NOW)
    door.landing.append(NOW, [departure("event-0002")])
    real = module.validate
    monkeypatch.setattr(module, "validate", lambda raw, now: real(raw | {"dep_delay_minutes": 240.0}, now))

    assert recover(door.landing, door.warehouse) == 1
    assert door.warehouse.read("departures")["dep_delay_minutes"].to_pylist() == [4.0, 240.0]
    assert rebuild(door.landing, door.warehouse).changed == {"departures": 1}
    assert door.warehouse.read("departures")["dep_delay_minutes"].to_pylist() == [240.0, 240.0]


def test_rebuild_takes_in_what_the_contract_has_learnt_to_accept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(tmp_path)
    door.intake.take([departure("event-0001", dep_delay_minutes="4 min")], NOW)
    assert door.warehouse.read("departures").num_rows == 0

    real = module.validate
    monkeypatch.setattr(module, "validate", lambda raw, now: real(raw | {"dep_delay_minutes": 4.0}, now))

    assert rebuild(door.landing, door.warehouse).changed == {"departures": 1}
    assert door.warehouse.read("departures")["dep_delay_minutes"].to_pylist() == [4.0]


def test_the_writer_keeps_rows_that_could_not_be_written(tmp_path: Path) -> None:
    door = Door(tmp_path)
    rows = tables(door.intake.take([departure("event-0001")], NOW).accepted, NOW)["departures"]
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the warehouse should be")
    writer = Writer(Warehouse(blocked), every_seconds=60)
    writer.add("departures", rows)
    writer.flush()
    blocked.unlink()
    writer.flush()

    assert Warehouse(blocked).read("departures").num_rows == 1


def test_two_days_land_in_two_files(tmp_path: Path) -> None:
    door = Door(tmp_path)
    later = (NOW + timedelta(days=1)).isoformat()
    door.intake.take([departure("event-0001")], NOW)
    door.intake.take([departure("event-0002", event_time=later, available_at=later)], NOW + timedelta(days=1))

    assert [path.stem for path in door.warehouse.files("departures")] == ["2013-05-06", "2013-05-07"]
