"""Drives the world clock: the only writer of its file, in two copies.

A clock must never run without its driver. So the file always ends in a frozen segment a few wall seconds ahead. This
*lease* is renewed while the world lives; when the world dies, time stands still by itself, and nothing is missed.
The same mechanism holds time back when the replay falls behind: the lease never reaches past the given limit.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

from brownout.world.tape import Night
from ontime.clock import Segment, read_segments, write_segments

LEASE_SECONDS = 6.0
NIGHT_FACTOR = 10.0
KEPT_SEGMENTS = 400
STEP_SECONDS = 1e-3


class Driver:
    """`paths`: where the clock file is kept, the first one being the truth that is read back at start."""

    def __init__(
        self,
        paths: Sequence[Path],
        nights: Sequence[Night],
        speed: float,
        frozen: bool,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._paths = paths
        self._nights = nights
        self._night_ends = [night.end for night in nights]
        self._wall = wall
        self._segments = list(read_segments(paths[0]))
        self.speed = speed
        self.frozen = frozen

    def world(self) -> float:
        """World time as Unix seconds."""
        now = self._wall()
        return self._at(now).world_at(now)

    def pace(self) -> float:
        """World seconds per wall second at this moment."""
        return self._at(self._wall()).speed

    def night_at(self, world: float) -> Night | None:
        index = bisect_right(self._night_ends, world)
        night = self._nights[index] if index < len(self._nights) else None
        return night if night and night.start <= world else None

    def drive(self, limit: float = math.inf, *, anew: bool = False) -> None:
        """Renews the lease up to world second `limit`; writes only when the lease gains something worth a write.

        `anew` writes in any case: after a change of speed, a freeze or a release.
        """
        now = self._wall()
        kept = [segment for segment in self._segments if segment.wall <= now] or self._segments[:1]
        world = max(kept[-1].world_at(now), kept[-1].world)
        ahead = self._lease(now, world, limit)
        left, gained = self._segments[-1].wall - now, ahead[-1].wall - self._segments[-1].wall
        stands = kept[-1].speed == 0
        if not anew and (self.frozen or ahead[-1].wall <= now):
            return
        if not anew and not stands and (gained < LEASE_SECONDS / 3 and not (left < LEASE_SECONDS / 6 and gained > 0)):
            return
        if ahead[0].speed == kept[-1].speed:
            ahead = ahead[1:]
        self._segments = [*kept, *ahead][-KEPT_SEGMENTS:]
        for path in self._paths:
            write_segments(path, tuple(self._segments))

    def _lease(self, wall: float, world: float, limit: float) -> list[Segment]:
        """Segments from now to the lease's end, the last one frozen; nights run faster."""
        ahead: list[Segment] = []
        end = wall + (0.0 if self.frozen else LEASE_SECONDS)
        while end - wall > STEP_SECONDS and limit - world > STEP_SECONDS * self.speed:
            night = self.night_at(world)
            speed = self.speed * (NIGHT_FACTOR if night else 1.0)
            ahead.append(Segment(wall, world, speed))
            until = min(limit, night.end if night else self._next_night(world), world + (end - wall) * speed)
            wall, world = wall + (until - world) / speed, until
        return [*ahead, Segment(wall, world, 0.0)]

    def _next_night(self, world: float) -> float:
        index = bisect_right(self._night_ends, world)
        return self._nights[index].start if index < len(self._nights) else math.inf

    def _at(self, wall: float) -> Segment:
        index = bisect_right([segment.wall for segment in self._segments], wall) - 1
        return self._segments[max(index, 0)]
