"""The world clock: event time, read from one small file of wall → world segments.

The file is replaced atomically by whoever drives the clock. Without a file, world time is wall time.
All datetimes are timezone-aware UTC; `wall` and `world` in the file are Unix seconds.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from ontime.errors import ConfigError
from ontime.files import replace_text


@dataclass(frozen=True, slots=True)
class Segment:
    """From wall second `wall` on, world time is `world + (now - wall) * speed`. Speed 0 is a frozen clock."""

    wall: float
    world: float
    speed: float

    def __post_init__(self) -> None:
        if self.speed < 0:
            raise ConfigError.of("clock speed", self.speed, "a number of at least 0")

    def world_at(self, wall: float) -> float:
        return self.world + (wall - self.wall) * self.speed


REAL_TIME = (Segment(0.0, 0.0, 1.0),)


def read_segments(path: Path) -> tuple[Segment, ...]:
    """Segments in wall order. Raises `ConfigError` when the file is not a clock."""
    try:
        rows = json.loads(path.read_text())["segments"]
        segments = tuple(Segment(float(r["wall"]), float(r["world"]), float(r["speed"])) for r in rows)
    except FileNotFoundError:
        return REAL_TIME
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError.of(str(path), f"unreadable: {error}", "a clock file with 'segments'") from error
    if not segments or any(a.wall > b.wall for a, b in pairwise(segments)):
        raise ConfigError.of(str(path), "no segments in wall order", "at least one segment, oldest first")
    return segments


def write_segments(path: Path, segments: tuple[Segment, ...]) -> None:
    """Replaces the clock file atomically; readers see the old or the new one, never half of one."""
    rows = [{"wall": s.wall, "world": s.world, "speed": s.speed} for s in segments]
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps({"segments": rows}), mode=0o644)


class Clock:
    """Reads world time. Re-reads its file only when the file has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._segments: tuple[Segment, ...] = REAL_TIME
        self._walls: list[float] = [0.0]

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            stamp = None
        else:
            stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp or (stamp is None and self._segments is not REAL_TIME):
            self._segments = read_segments(self._path)
            self._walls = [s.wall for s in self._segments]
            self._stamp = stamp

    def world_seconds(self, wall: float | None = None) -> float:
        """World time as Unix seconds, at wall second `wall` (default: now)."""
        self._refresh()
        moment = time.time() if wall is None else wall
        return self._segments[max(bisect_right(self._walls, moment) - 1, 0)].world_at(moment)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world_seconds(), UTC)

    def speed(self, wall: float | None = None) -> float:
        """World seconds per wall second."""
        self._refresh()
        moment = time.time() if wall is None else wall
        return self._segments[max(bisect_right(self._walls, moment) - 1, 0)].speed

    def wall_seconds(self, world: float) -> float:
        """The earliest wall second at which the world stood at `world`; infinite when it never gets there."""
        self._refresh()
        for index, segment in enumerate(self._segments):
            end = self._segments[index + 1].wall if index + 1 < len(self._segments) else float("inf")
            if world <= segment.world:
                return segment.wall
            if segment.speed > 0:
                wall = segment.wall + (world - segment.world) / segment.speed
                if wall < end:
                    return wall
        return float("inf")
