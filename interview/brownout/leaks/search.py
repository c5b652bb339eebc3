"""Looks through every place for every needle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from brownout.faults import discover
from brownout.history.tree import ALLOWED, tracked
from brownout.leaks.needles import HARNESS, Needles, needles_of
from brownout.leaks.places import Place, in_reach
from brownout.leaks.times import outstanding
from brownout.scenarios import load
from brownout.settings import ROOT
from ontime.settings import Environment

SHOWN = 60


@dataclass(frozen=True, slots=True)
class Leak:
    """`where` says `said`, which is part of `what`."""

    where: str
    said: str
    what: str

    def __str__(self) -> str:
        return f"{self.where} says {self.said[:SHOWN]!r} ({self.what})"


@lru_cache(maxsize=1)
def known_needles() -> Needles:
    """Of every fault and scenario of this checkout and of the packs, less what the public platform says itself."""
    public = [
        (ROOT / path).read_text(errors="replace")
        for path in tracked(ROOT)
        if ALLOWED.match(path) and (ROOT / path).is_file() and path != "uv.lock"
    ]
    return needles_of(discover().values(), load(), public)


def search(places: Iterable[Place], needles: Needles) -> list[Leak]:
    """Every needle in every place, in their order."""
    found: list[Leak] = []
    without_harness = needles.without(HARNESS)
    for place in places:
        meant = without_harness if place.harness_may_be_named else needles
        found += [Leak(place.name, said, what) for said, what in sorted(meant.found(place.text))]
    return found


def leaks_of(environment: Environment) -> list[Leak]:
    """What a candidate could find on the running stack: by words, and by the times of files that stand out."""
    by_time = [
        Leak(str(path), f"its time is {apart:+.0f} s off", "file times") for path, apart in outstanding(environment)
    ]
    return [*search(in_reach(environment), known_needles()), *by_time]
