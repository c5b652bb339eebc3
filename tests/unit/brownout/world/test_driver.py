from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.world.driver import LEASE_SECONDS, Driver
from brownout.world.tape import Night, nights_between
from ontime.clock import Clock, Segment, read_segments, write_segments

WALL = 1_795_000_000.0
WORLD = 1_367_830_800.0
SPEED = 120.0
HOUR = 3600.0


class Wall:
    """A wall clock that moves when told to."""

    def __init__(self) -> None:
        self.now = WALL

    def __call__(self) -> float:
        return self.now


class Driven:
    def __init__(self, directory: Path, nights: tuple[Night, ...] = (), frozen: bool = False) -> None:
        self.wall = Wall()
        self.paths = (directory / "world" / "clock.json", directory / "platform" / "clock.json")
        if not self.paths[0].exists():
            write_segments(self.paths[0], (Segment(WALL, WORLD, 0.0),))
        self.driver = Driver(self.paths, nights, SPEED, frozen, self.wall)
        self.clock = Clock(self.paths[1])

    def run(self, seconds: float, step: float = 0.25, limit: float = math.inf) -> float:
        """Drives for so many wall seconds; returns world seconds since the beginning, as the platform reads them."""
        end = self.wall.now + seconds
        while self.wall.now < end:
            self.driver.drive(limit)
            self.wall.now = min(self.wall.now + step, end)
        return self.world()

    def world(self) -> float:
        return self.clock.world_seconds(self.wall.now) - WORLD


@pytest.fixture
def driven(tmp_path: Path) -> Driven:
    return Driven(tmp_path)


def test_by_day_world_time_runs_at_its_speed(driven: Driven) -> None:
    assert driven.run(60) == pytest.approx(60 * SPEED, abs=0.01)


def test_both_files_say_the_same(driven: Driven) -> None:
    driven.run(60)

    assert read_segments(driven.paths[0]) == read_segments(driven.paths[1])


def test_nights_pass_ten_times_faster(tmp_path: Path) -> None:
    night = Night(WORLD + HOUR, WORLD + 4 * HOUR)
    driven = Driven(tmp_path, (night,))

    assert driven.run(30) == pytest.approx(HOUR, abs=0.01)
    assert driven.run(9) == pytest.approx(4 * HOUR, abs=0.05)
    assert driven.run(30) == pytest.approx(5 * HOUR, abs=0.05)


def test_without_its_driver_time_stands_still_after_the_lease(driven: Driven) -> None:
    driven.run(10)
    before = driven.world()
    driven.wall.now += 1000

    assert before < driven.world() <= before + LEASE_SECONDS * SPEED


def test_a_driver_that_comes_back_goes_on_where_time_stood(tmp_path: Path) -> None:
    first = Driven(tmp_path)
    first.run(10)
    first.wall.now += 1000
    stood = first.world()
    second = Driven(tmp_path)
    second.wall.now = first.wall.now

    assert second.run(10) == pytest.approx(stood + 10 * SPEED, abs=0.01)


def test_time_never_passes_the_limit(driven: Driven) -> None:
    assert driven.run(60, limit=WORLD + 600) == pytest.approx(600, abs=0.2)
    assert driven.run(10, limit=WORLD + 100_000) == pytest.approx(600 + 10 * SPEED, abs=0.2)


def test_a_freeze_is_immediate_and_a_release_goes_on(driven: Driven) -> None:
    driven.run(10)
    driven.driver.frozen = True
    driven.driver.drive(anew=True)
    stood = driven.world()

    assert driven.run(100) == stood

    driven.driver.frozen = False
    driven.driver.drive(anew=True)

    assert driven.run(10) == pytest.approx(stood + 10 * SPEED, abs=0.01)


def test_a_changed_speed_takes_effect_at_once(driven: Driven) -> None:
    driven.run(10)
    driven.driver.speed = 1000.0
    driven.driver.drive(anew=True)

    assert driven.run(10) == pytest.approx(10 * SPEED + 10_000, abs=0.01)


@given(
    steps=st.lists(st.tuples(st.floats(0.01, 30.0), st.sampled_from(["drive", "freeze", "release", "faster", "hold"]))),
    night=st.floats(0.0, 20_000.0),
)
def test_whatever_happens_the_clock_is_monotone_and_joined(steps: list[tuple[float, str]], night: float) -> None:
    with TemporaryDirectory() as directory:
        driven = Driven(Path(directory), (Night(WORLD + night, WORLD + night + 3 * HOUR),))
        driver, seen = driven.driver, []
        for wait, what in steps:
            driver.frozen = {"freeze": True, "release": False}.get(what, driver.frozen)
            driver.speed = 1000.0 if what == "faster" else driver.speed
            limit = driver.world() + 5 if what == "hold" else math.inf
            driver.drive(limit, anew=what in ("freeze", "release", "faster"))
            driven.wall.now += wait
            seen.append(driver.world())

        assert seen == sorted(seen)
        for before, after in pairwise(read_segments(driven.paths[0])):
            assert after.world == pytest.approx(before.world_at(after.wall), abs=0.02)


def test_a_night_is_a_long_pause_between_departures() -> None:
    last, first = WORLD, WORLD + 5.5 * HOUR
    nights = list(nights_between([last - HOUR, last, first, first + HOUR]))

    assert nights == [Night(last + 0.5 * HOUR, first - 1.25 * HOUR)]
