from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.world.plan import Ask, Asks, Deliveries, Delivery, Position
from brownout.world.tape import seconds
from tests.unit.brownout.world.worlds import PRESENT, SmallTape

TAPE = SmallTape()
BEGIN: Position = (PRESENT.timestamp(), "\U0010ffff")
START: Position = (PRESENT.timestamp(), "")
END = (PRESENT + timedelta(hours=30)).timestamp()


def deliveries(until: float = END, after: Position = BEGIN, seed: int = 7, step: float = 1e9) -> list[Delivery]:
    plan, taken, world = Deliveries(TAPE, seed, after), [], after[0]
    while world < until:
        world = min(world + step, until)
        taken += plan.due(world, 10_000)
    return taken


def asks(until: float = END, after: Position = START) -> list[Ask]:
    return Asks(TAPE, 7, after).due(until, 10_000)


def test_every_event_leaves_when_it_becomes_available() -> None:
    first_copies = [d for d in deliveries() if not d.name.endswith(":again")]

    assert {d.name for d in first_copies} == TAPE.ids(PRESENT, datetime.fromtimestamp(END, UTC))
    assert all(d.at == seconds(d.event["available_at"]) for d in first_copies)


def test_a_few_events_leave_again_within_minutes() -> None:
    tape = SmallTape(flights_a_day=400)
    again = [d for d in Deliveries(tape, 7, BEGIN).due(END, 10**6) if d.name.endswith(":again")]

    assert 0 < len(again) < 40
    assert all(0 <= d.at - seconds(d.event["available_at"]) <= 600 for d in again)


def test_the_same_seed_gives_the_same_plan_and_another_one_other_duplicates() -> None:
    tape = SmallTape(flights_a_day=400)
    plans = [[d.position for d in Deliveries(tape, seed, BEGIN).due(END, 10**6)] for seed in (7, 7, 8)]

    assert plans[0] == plans[1]
    assert plans[0] != plans[2]


@given(step=st.floats(60.0, 40_000.0))
def test_how_often_one_looks_changes_nothing(step: float) -> None:
    assert [d.position for d in deliveries(step=step)] == [d.position for d in deliveries()]


@given(cut=st.integers(0, 200))
def test_going_on_from_any_position_repeats_nothing_and_skips_nothing(cut: int) -> None:
    whole = deliveries()
    position = whole[min(cut, len(whole) - 1)].position

    assert deliveries(after=position) == whole[min(cut, len(whole) - 1) + 1 :]


def test_positions_never_go_back() -> None:
    positions = [d.position for d in deliveries()]

    assert positions == sorted(positions)


def test_after_the_last_day_nothing_is_left() -> None:
    plan = Deliveries(TAPE, 7, BEGIN)
    plan.due(1e12, 10**6)

    assert plan.head() == float("inf")
    assert Asks(TAPE, 7, (seconds("2013-06-01T00:00:00Z"), "")).head() == float("inf")


def test_every_flight_is_asked_about_once_an_hour_before() -> None:
    singles = [ask for ask in asks() if ask.name.startswith("single:")]
    leads = [seconds(ask.flights[0]["sched_dep_at"]) - ask.at for ask in singles]
    names = [ask.flights[0]["flight_id"] for ask in singles]

    assert len(names) == len(set(names)) > 40
    assert all(59 * 60 < lead <= 60 * 60 for lead in leads)


def test_a_board_shows_what_leaves_in_the_next_two_hours() -> None:
    board = next(ask for ask in asks() if ask.name == "board:JFK")
    leads = [(seconds(f["sched_dep_at"]) - board.at) / 60 for f in board.flights]

    assert {f["origin"] for f in board.flights} == {"JFK"}
    assert leads == sorted(leads)
    assert 15 <= leads[0] < leads[-1] <= 120


def test_the_city_board_shows_all_three_airports() -> None:
    boards = [ask for ask in asks(PRESENT.timestamp() + 6 * 3600) if ask.name == "board:ALL"]

    assert {f["origin"] for board in boards for f in board.flights} == {"EWR", "JFK", "LGA"}
    assert all(len({f["flight_id"] for f in board.flights}) == len(board.flights) for board in boards)


@pytest.mark.parametrize("origin", ["EWR", "JFK", "LGA"])
def test_boards_ask_every_quarter_of_an_hour(origin: str) -> None:
    times = [ask.at for ask in asks(PRESENT.timestamp() + 6 * 3600) if ask.name == f"board:{origin}"]

    assert {later - sooner for sooner, later in pairwise(times)} == {900.0}


@given(cut=st.integers(0, 300))
def test_asking_goes_on_from_any_position(cut: int) -> None:
    whole = asks()
    position = whole[min(cut, len(whole) - 1)].position

    assert asks(after=position) == whole[min(cut, len(whole) - 1) + 1 :]
