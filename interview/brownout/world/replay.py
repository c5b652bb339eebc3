"""Plays the plan on the world clock, and never lets the clock run ahead of what has been done.

Time is held back when ingest is *slow*, or when too many requests are under way to make another: the clock's lease ends
a few world minutes after the oldest event not acknowledged and the oldest request not made. So nothing is dropped,
however fast time runs. A *dead* ingest does not stop time, as it would not in reality: events wait, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from brownout.world.asker import Asker
from brownout.world.driver import Driver
from brownout.world.feed import Feed, FeedChange
from brownout.world.plan import Ask, Asks, Deliveries, Delivery, Position
from brownout.world.record import Answer, Record
from brownout.world.sender import MOST_PER_BATCH, Sender, backoff

AHEAD_WORLD_SECONDS = 600.0
AHEAD_WALL_SECONDS = 1.0
LOOK_WORLD_SECONDS = 30.0
LOOK_WALL_SECONDS = (0.02, 0.25)
COMMIT_SECONDS = 0.5
CONCURRENT_ASKS = 64
QUIET_DEADLINE_SECONDS = 12.0

log = logging.getLogger("world")


class Replay:
    """Runs until `stop`. All methods belong to the event loop's thread."""

    def __init__(
        self,
        record: Record,
        driver: Driver,
        deliveries: Deliveries,
        asks: Asks,
        sender: Sender,
        asker: Asker,
        feed: Feed,
    ) -> None:
        self._record = record
        self._driver = driver
        self._deliveries = deliveries
        self._asks = asks
        self._sender = sender
        self._asker = asker
        self._feed = feed
        self._stopping = False
        self._sending: list[Delivery] = []
        self._asking: dict[asyncio.Task[None], Ask] = {}
        self._answers: list[Answer] = []
        self._asked: Position = (asks.head(), "")
        self._on_the_wire = asyncio.Lock()

    async def run(self) -> None:
        """Returns after `stop`, with the clock standing still and the record complete."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._drive())
            group.create_task(self._send())
            group.create_task(self._ask())
            group.create_task(self._commit())

    async def stop(self) -> None:
        self._stopping = True
        await self._quiet()

    async def freeze(self) -> None:
        """Stops time and returns when nothing is under way any more."""
        self._driver.frozen = True
        self._driver.drive(anew=True)
        self._record.note(frozen=True)
        await self._quiet()
        log.info("frozen at %.0f", self._driver.world())

    def release(self) -> None:
        self._driver.frozen = False
        self._record.note(frozen=False)
        self._driver.drive(self._limit(), anew=True)
        log.info("released at %.0f", self._driver.world())

    def accelerate(self, speed: float) -> None:
        """World seconds per wall second by day."""
        self._driver.speed = speed
        self._record.note(speed=speed)
        self._driver.drive(self._limit(), anew=True)

    def change_feed(self, changes: tuple[FeedChange, ...]) -> None:
        self._feed.change(changes)

    def status(self) -> dict[str, Any]:
        world = self._driver.world()
        return {
            "world": world,
            "speed": self._driver.speed,
            "pace": self._driver.pace(),
            "frozen": self._driver.frozen,
            "night": self._driver.night_at(world) is not None,
            "behind_seconds": max(0.0, world - self._oldest_event()),
            "ingest_reachable": self._sender.reachable,
            "ingest_error": self._sender.last_error,
            "asking": len(self._asking),
            "feed": [change.model_dump() for change in self._feed.changes],
            **self._record.counts(),
        }

    def _oldest_event(self) -> float:
        return self._sending[0].at if self._sending else self._deliveries.head()

    def _limit(self) -> float:
        """World second that time may not pass before more has been done."""
        oldest = self._asks.head()
        if self._sender.reachable:
            oldest = min(oldest, self._oldest_event())
        return oldest + max(AHEAD_WORLD_SECONDS, self._driver.speed * AHEAD_WALL_SECONDS)

    async def _look(self) -> None:
        shortest, longest = LOOK_WALL_SECONDS
        await asyncio.sleep(min(max(LOOK_WORLD_SECONDS / self._driver.speed, shortest), longest))

    async def _drive(self) -> None:
        while not self._stopping:
            self._driver.drive(self._limit())
            await self._look()
        frozen, self._driver.frozen = self._driver.frozen, True
        self._driver.drive(anew=not frozen)

    async def _send(self) -> None:
        """One batch at a time; the position moves only with what has been acknowledged."""
        attempt = 0
        while not self._stopping:
            if not self._driver.frozen and not self._sending:
                self._sending = self._deliveries.due(self._driver.world(), MOST_PER_BATCH)
            if self._driver.frozen or not self._sending:
                await self._look()
                continue
            async with self._on_the_wire:
                rows = await self._sender.send(self._sending)
            if rows is None:
                await backoff(attempt)
                attempt += 1
                continue
            attempt = 0
            self._record.sent(rows, delivered=self._sending[-1].position)
            full = len(self._sending) == MOST_PER_BATCH
            self._sending = []
            if not full:
                await self._look()

    async def _ask(self) -> None:
        while not self._stopping:
            room = CONCURRENT_ASKS - len(self._asking)
            if not self._driver.frozen and room:
                for ask in self._asks.due(self._driver.world(), room):
                    task = asyncio.create_task(self._answer(ask))
                    self._asking[task] = ask
                    task.add_done_callback(self._asking.pop)
            await self._look()

    async def _answer(self, ask: Ask) -> None:
        self._answers.extend(await self._asker.ask(ask))

    async def _commit(self) -> None:
        while not self._stopping:
            self._flush()
            await asyncio.sleep(COMMIT_SECONDS)
        self._flush()

    def _flush(self) -> None:
        """Commits answers with the position before which every request has been answered."""
        done = min((ask.position for ask in self._asking.values()), default=None)
        position: Position = (done[0], "") if done else (self._asks.head(), "")
        if self._answers or position != self._asked:
            answers, self._answers, self._asked = self._answers, [], position
            self._record.answered(answers, asked=position)

    async def _quiet(self) -> None:
        """Waits until no request is under way; gives up on those that outlive their own timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_DEADLINE_SECONDS):
                async with self._on_the_wire:
                    pass
                while self._asking:
                    await asyncio.wait(self._asking)
        self._flush()
