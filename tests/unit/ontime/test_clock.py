from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontime.clock import Clock, Segment, read_segments, write_segments
from ontime.errors import ConfigError

WALL = 1_795_000_000.0
WORLD = 1_367_830_800.0
SPEEDS = st.sampled_from([0.0, 0.5, 1.0, 120.0, 1200.0])
PIECES = st.lists(st.tuples(st.floats(0.01, 5_000.0), SPEEDS), min_size=1, max_size=12)
AFTER = st.floats(-100.0, 40_000.0)


def joined(pieces: list[tuple[float, float]]) -> tuple[Segment, ...]:
    """Segments of the given lengths (wall seconds) and speeds, each beginning where the one before ends."""
    segments = [Segment(WALL, WORLD, pieces[0][1])]
    for (length, _), (_, speed) in pairwise(pieces):
        wall = segments[-1].wall + length
        segments.append(Segment(wall, segments[-1].world_at(wall), speed))
    return tuple(segments)


def clock_of(segments: tuple[Segment, ...], directory: str) -> Clock:
    write_segments(Path(directory) / "clock.json", segments)
    return Clock(Path(directory) / "clock.json")


@given(pieces=PIECES, first=AFTER, second=AFTER)
def test_world_time_never_goes_back(pieces: list[tuple[float, float]], first: float, second: float) -> None:
    early, late = sorted((WALL + first, WALL + second))
    with TemporaryDirectory() as directory:
        clock = clock_of(joined(pieces), directory)

        assert clock.world_seconds(early) <= clock.world_seconds(late)


@given(pieces=PIECES)
def test_world_time_has_no_jump_where_segments_join(pieces: list[tuple[float, float]]) -> None:
    segments = joined(pieces)
    with TemporaryDirectory() as directory:
        clock = clock_of(segments, directory)
        for segment in segments[1:]:
            before = clock.world_seconds(segment.wall - 1e-6)

            assert clock.world_seconds(segment.wall) == pytest.approx(before, abs=0.01)


@given(pieces=PIECES, after=st.floats(0.0, 40_000.0))
def test_wall_seconds_inverts_world_seconds(pieces: list[tuple[float, float]], after: float) -> None:
    with TemporaryDirectory() as directory:
        clock = clock_of(joined(pieces), directory)
        world = clock.world_seconds(WALL + after)
        wall = clock.wall_seconds(world)

        assert wall <= WALL + after + 1e-3
        assert clock.world_seconds(wall) == pytest.approx(world, abs=0.01)


def test_a_moment_that_never_comes_is_infinitely_far(tmp_path: Path) -> None:
    clock = clock_of((Segment(WALL, WORLD, 120.0), Segment(WALL + 1, WORLD + 120, 0.0)), str(tmp_path))

    assert clock.wall_seconds(WORLD + 121) == math.inf


def test_without_a_file_world_time_is_wall_time(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json")

    assert (clock.world_seconds(WALL), clock.speed(WALL)) == (WALL, 1.0)


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    clock = clock_of((Segment(WALL, WORLD, 0.0),), str(tmp_path))
    before = clock.now()
    write_segments(tmp_path / "clock.json", (Segment(WALL, WORLD + 60, 0.0),))

    assert (clock.now() - before).total_seconds() == 60


def test_a_removed_file_is_noticed(tmp_path: Path) -> None:
    clock = clock_of((Segment(WALL, WORLD, 0.0),), str(tmp_path))
    assert clock.now() == datetime.fromtimestamp(WORLD, UTC)
    (tmp_path / "clock.json").unlink()

    assert clock.world_seconds(WALL) == WALL


def test_segments_survive_the_file(tmp_path: Path) -> None:
    segments = joined([(10.0, 120.0), (3.5, 0.0), (1.0, 1200.0)])
    write_segments(tmp_path / "clock.json", segments)

    assert read_segments(tmp_path / "clock.json") == segments


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"segments": []}',
        '{"segments": [{"wall": 1}]}',
        json.dumps({"segments": [{"wall": 2, "world": 0, "speed": 1}, {"wall": 1, "world": 0, "speed": 1}]}),
        json.dumps({"segments": [{"wall": 1, "world": 0, "speed": -1}]}),
    ],
)
def test_a_file_that_is_no_clock_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "clock.json"
    path.write_text(content)

    with pytest.raises(ConfigError):
        read_segments(path)
