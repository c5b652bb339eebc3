from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.errors import WorldError
from brownout.world.feed import Feed, parse
from tests.unit.brownout.world.worlds import PRESENT, event, flight

NOW = PRESENT.timestamp()
HOURS = {"field": "scheduled_minutes", "kinds": ["schedule", "request"], "factor": 1 / 60, "from_world": NOW}
FLIGHT = flight(1, PRESENT)
SCHEDULE = event("schedule", "x", PRESENT, flight=FLIGHT)
ARRIVAL = event("arrival", "x", PRESENT, flight_id="x", arr_delay_minutes=30.0, carrier="UA")


def feed(tmp_path: Path, *changes: dict[str, Any]) -> Feed:
    made = Feed(tmp_path / "feed.json")
    made.change(parse({"changes": list(changes)}))
    return made


def test_without_changes_the_truth_is_sent(tmp_path: Path) -> None:
    assert Feed(tmp_path / "feed.json").send("schedule", SCHEDULE, NOW) == SCHEDULE


def test_one_field_changes_and_nothing_else_and_the_truth_stays(tmp_path: Path) -> None:
    before = copy.deepcopy(SCHEDULE)
    sent = feed(tmp_path, HOURS).send("schedule", SCHEDULE, NOW)

    assert sent == {**SCHEDULE, "flight": {**FLIGHT, "scheduled_minutes": pytest.approx(6.0)}}
    assert before == SCHEDULE


def test_requests_change_as_schedules_do(tmp_path: Path) -> None:
    assert feed(tmp_path, HOURS).send("request", FLIGHT, NOW)["scheduled_minutes"] == pytest.approx(6.0)


@given(before=st.floats(1e-3, 1e9))
def test_nothing_changes_before_its_moment(before: float) -> None:
    made = Feed(Path("feed-that-does-not-exist.json"))
    made.changes = parse({"changes": [HOURS]})

    assert made.send("schedule", SCHEDULE, NOW - before) is SCHEDULE


def test_other_kinds_stay(tmp_path: Path) -> None:
    assert feed(tmp_path, HOURS).send("arrival", ARRIVAL, NOW) is ARRIVAL


def test_codes_are_mapped_where_a_condition_holds(tmp_path: Path) -> None:
    change = {"field": "carrier", "kinds": ["arrival"], "mapping": {"UA": "U2"}, "from_world": NOW}
    elsewhere = {**change, "where": {"origin": "JFK"}}

    assert feed(tmp_path, change).send("arrival", ARRIVAL, NOW)["carrier"] == "U2"
    assert feed(tmp_path, elsewhere).send("arrival", ARRIVAL, NOW) == ARRIVAL


def test_null_stays_null(tmp_path: Path) -> None:
    change = {"field": "tail_number", "kinds": ["request"], "mapping": {"None": "X"}, "from_world": NOW}

    assert feed(tmp_path, change).send("request", FLIGHT, NOW) == FLIGHT


def test_a_restarted_world_sends_the_same(tmp_path: Path) -> None:
    made = feed(tmp_path, HOURS)

    assert Feed(tmp_path / "feed.json").changes == made.changes


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"changes": 1},
        {"changes": [{}]},
        {"changes": [{**HOURS, "kinds": []}]},
        {"changes": [{**HOURS, "kinds": ["letters"]}]},
        {"changes": [{**HOURS, "factor": 1.0}]},
        {"changes": [{**HOURS, "share": 0.5}]},
    ],
)
def test_a_change_that_is_none_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"expected|received"):
        parse(document)


def test_a_damaged_feed_is_named(tmp_path: Path) -> None:
    (tmp_path / "feed.json").write_text('{"changes": [')

    with pytest.raises(WorldError, match=r"feed\.json is not a feed"):
        Feed(tmp_path / "feed.json")
