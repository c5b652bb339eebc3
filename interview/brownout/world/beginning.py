"""Where a world begins: its clock stands at the present, its record is empty, its feed tells the truth."""

from __future__ import annotations

import shutil
import time
from datetime import datetime
from pathlib import Path

from brownout.errors import WorldError
from brownout.settings import Harness
from brownout.world.record import Record
from ontime.clock import Segment, write_segments

SEED = 2013


def begin(harness: Harness, clock: Path, present: datetime, seed: int = SEED) -> None:
    """Replaces the world's state by one frozen at `present`; `clock` is the platform's copy of the clock file.

    The world must not be running.
    """
    shutil.rmtree(harness.world, ignore_errors=True)
    moment = present.timestamp()
    record = Record(harness.record)
    record.note(
        present=moment,
        seed=seed,
        speed=harness.speed,
        frozen=True,
        delivered=(moment, "\U0010ffff"),
        asked=(moment, ""),
    )
    record.close()
    segments = (Segment(time.time(), moment, 0.0),)
    for path in clock_files(harness, clock):
        write_segments(path, segments)


def clock_files(harness: Harness, clock: Path) -> tuple[Path, Path]:
    """The world's own copy, which is the truth, and the platform's."""
    return harness.world / "clock.json", clock


def resume(harness: Harness) -> Record:
    """The record of a world that has begun. Raises `WorldError`."""
    if not harness.record.exists():
        raise WorldError(f"{harness.record} does not exist: no world has begun. Restore a baseline: `brownout up`.")
    record = Record(harness.record)
    if record.noted("delivered") is None:
        raise WorldError(f"{harness.record} says nothing about a position. Restore a baseline: `brownout reset`.")
    return record
