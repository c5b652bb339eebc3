"""What upstream does and when: a function of tape, seed and position, never of timing.

Events leave at the moment they become available; a few (seeded) leave again some minutes later, as at-least-once
upstreams do. Each flight is asked about once, 60 minutes ahead; each airport's departure board, and the city's board of
all three, asks every 15 minutes about all departures that leave in 15 to 120 minutes.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol

from brownout.world.tape import seconds, utc_day
from ontime.contract import MAX_BATCH, ORIGINS

MINUTE = 60.0
DUPLICATES_PER_THOUSAND = 5
DUPLICATE_WITHIN = 10 * MINUTE
SINGLE_LEAD = 60 * MINUTE
SINGLE_SPREAD = 50.0
BOARD_EVERY = 15 * MINUTE
BOARD_LEADS = (15 * MINUTE, 120 * MINUTE)
ANNOUNCED_AHEAD_DAYS = 2

Position = tuple[float, str]
"""Of everything up to this (moment, name) it is known that it is done."""


class Days(Protocol):
    def day(self, day: date) -> list[dict[str, Any]]: ...


def chance(seed: int, name: str) -> float:
    """A number in [0, 1) that depends on nothing but `seed` and `name`."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()) / 2**64


@dataclass(frozen=True, slots=True, order=True)
class Delivery:
    at: float
    name: str
    event: dict[str, Any] = field(compare=False)

    @property
    def position(self) -> Position:
        return (self.at, self.name)


@dataclass(frozen=True, slots=True, order=True)
class Ask:
    """One request: `flights` as scheduled, one for a single, several for a board."""

    at: float
    name: str
    flights: tuple[dict[str, Any], ...] = field(compare=False)

    @property
    def position(self) -> Position:
        return (self.at, self.name)


class Deliveries:
    """Events in the order in which they leave, all after `position`."""

    def __init__(self, days: Days, seed: int, position: Position) -> None:
        self._days = days
        self._seed = seed
        self._after = position
        self._heap: list[Delivery] = []
        self._next_day = utc_day(position[0] - DUPLICATE_WITHIN)

    def head(self) -> float:
        """When the next event leaves; infinite at the end of the tape."""
        self._fill()
        return self._heap[0].at if self._heap else float("inf")

    def due(self, world: float, most: int) -> list[Delivery]:
        """Takes at most `most` deliveries with `at` ≤ world."""
        taken: list[Delivery] = []
        while len(taken) < most and self.head() <= world:
            taken.append(heapq.heappop(self._heap))
        return taken

    def _fill(self) -> None:
        """Loads days until the earliest delivery can't be preceded by one of a day not loaded yet."""
        empty = 0
        while empty < 3 and (not self._heap or utc_day(self._heap[0].at) >= self._next_day):
            events = self._days.day(self._next_day)
            empty = 0 if events else empty + 1
            for delivery in self._of(events):
                if delivery.position > self._after:
                    heapq.heappush(self._heap, delivery)
            self._next_day += timedelta(days=1)

    def _of(self, events: list[dict[str, Any]]) -> Iterator[Delivery]:
        for event in events:
            at, name = seconds(event["available_at"]), event["event_id"]
            yield Delivery(at, name, event)
            drawn = chance(self._seed, f"again:{name}")
            if drawn < DUPLICATES_PER_THOUSAND / 1000:
                share = drawn / DUPLICATES_PER_THOUSAND * 1000
                yield Delivery(at + share * DUPLICATE_WITHIN, f"{name}:again", event)


class Asks:
    """Prediction requests in order, all after `position`; flights are known from their schedule events."""

    def __init__(self, days: Days, seed: int, position: Position) -> None:
        self._days = days
        self._seed = seed
        self._after = position
        self._flights: dict[str, list[tuple[float, dict[str, Any]]]] = {origin: [] for origin in ORIGINS}
        self._queue: list[Ask] = []
        self._loaded = utc_day(position[0]) - timedelta(days=ANNOUNCED_AHEAD_DAYS + 1)
        self._planned = position[0] // BOARD_EVERY * BOARD_EVERY

    def head(self) -> float:
        self._fill()
        return self._queue[0].at if self._queue else float("inf")

    def due(self, world: float, most: int) -> list[Ask]:
        """Takes at most `most` requests with `at` ≤ world."""
        taken: list[Ask] = []
        while len(taken) < most and self.head() <= world:
            taken.append(heapq.heappop(self._queue))
        return taken

    def _fill(self) -> None:
        """Plans quarter hour after quarter hour until there is something to ask, or the flights end."""
        while not self._queue and (self._load() or any(self._flights.values())):
            start, self._planned = self._planned, self._planned + BOARD_EVERY
            for ask in (*self._singles(start, self._planned), *self._boards(start)):
                if ask.position > self._after:
                    heapq.heappush(self._queue, ask)
            for origin, flights in self._flights.items():
                self._flights[origin] = [pair for pair in flights if pair[0] > self._planned]

    def _load(self) -> bool:
        """Takes in schedules announced up to what is being planned; false once the tape has ended."""
        found = True
        while self._loaded <= utc_day(self._planned):
            events = self._days.day(self._loaded)
            found = bool(events) or self._loaded < utc_day(self._planned)
            for event in events:
                if event["kind"] == "schedule":
                    flight = event["flight"]
                    self._flights[flight["origin"]].append((seconds(flight["sched_dep_at"]), flight))
            self._loaded += timedelta(days=1)
        return found

    def _singles(self, start: float, end: float) -> Iterator[Ask]:
        for flights in self._flights.values():
            for departs, flight in flights:
                at = departs - SINGLE_LEAD + chance(self._seed, flight["flight_id"]) * SINGLE_SPREAD
                if start <= at < end:
                    yield Ask(at, f"single:{flight['flight_id']}", (flight,))

    def _boards(self, start: float) -> Iterator[Ask]:
        for index, origin in enumerate(ORIGINS):
            at = start + index * BOARD_EVERY / len(ORIGINS)
            yield from _board(at, origin, self._flights[origin])
        everything = [pair for flights in self._flights.values() for pair in flights]
        yield from _board(start + BOARD_EVERY / 2, "ALL", everything)


def _board(at: float, name: str, known: Iterable[tuple[float, dict[str, Any]]]) -> Iterator[Ask]:
    """Every known departure of the next two hours, soonest first; nothing when there is none."""
    near, far = BOARD_LEADS
    flights = sorted((d, f["flight_id"]) for d, f in known if at + near <= d <= at + far)
    if flights:
        found = {f["flight_id"]: f for _, f in known}
        yield Ask(at, f"board:{name}", tuple(found[flight_id] for _, flight_id in flights)[:MAX_BATCH])
