"""The world clock, and which revision of the platform runs."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.exporter.look import Collector, Look, Sample, sample
from ontime.settings import Environment


def revision(environment: Environment) -> str:
    """The release that `current` points to, or `unreleased` for a tree that was never deployed."""
    try:
        return environment.current.readlink().name[:12]
    except OSError:
        return "unreleased"


def collect(look: Look) -> Iterator[Sample]:
    yield sample("ontime_build_info", 1.0, revision=revision(look.environment))
    yield sample("ontime_world_speed", look.clock.speed())
    yield sample("ontime_world_timestamp_seconds", look.now.timestamp())


WORLD = Collector(
    "world",
    collect,
    {
        "ontime_world_timestamp_seconds": "World time, Unix seconds.",
        "ontime_world_speed": "World seconds per wall second; 0 while frozen.",
        "ontime_build_info": "1 for the revision of the platform that is current.",
    },
    at_scrape=True,
)
