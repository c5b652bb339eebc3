"""The landing: what it acknowledged is there, whatever a crash left behind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontime.errors import WarehouseError
from ontime.ingest.landing import Landing

NOON = datetime(2013, 5, 6, 12, tzinfo=UTC)


def test_events_come_back_as_they_were_received(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    events = [{"event_id": "a", "value": 1.5}, {"event_id": "b", "nested": {"x": [1, None]}}]
    landing.append(NOON, events)

    assert [entry.raw for entry in landing.read()] == events
    assert {entry.received_at for entry in landing.read()} == {NOON}


@given(cut=st.integers(min_value=1, max_value=200))
def test_a_line_cut_short_hides_nothing_before_or_after_it(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    landing = Landing(tmp_path_factory.mktemp("landing"))
    landing.append(NOON, [{"event_id": "before"}])
    path = next(landing.root.glob("*.jsonl"))
    kept = path.stat().st_size
    landing.append(NOON, [{"event_id": "torn", "padding": "x" * 200}])
    with path.open("r+b") as handle:
        handle.truncate(kept + cut)
    landing.append(NOON, [{"event_id": "after"}])

    assert [entry.raw["event_id"] for entry in landing.read()] == ["before", "after"]


def test_since_leaves_out_earlier_days(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.append(datetime(2013, 5, 5, 23, 59, tzinfo=UTC), [{"event_id": "old"}])
    landing.append(NOON, [{"event_id": "new"}])

    assert [entry.raw["event_id"] for entry in landing.read(date(2013, 5, 6))] == ["new"]


def test_a_landing_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("a file where the directory should be")
    with pytest.raises(WarehouseError, match="cannot be written"):
        Landing(tmp_path / "landing").append(NOON, [{"event_id": "a"}])
