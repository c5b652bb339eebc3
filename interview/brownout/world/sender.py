"""Publishes events to ingest: at least once, in order, one batch at a time."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from typing import Any

import httpx
import orjson

from brownout.world.feed import Feed
from brownout.world.plan import Delivery
from brownout.world.record import Sent
from brownout.world.tape import seconds

MOST_PER_BATCH = 1000
TIMEOUT_SECONDS = 15.0
BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)
ACCEPTED, REFUSED = 200, 422

log = logging.getLogger("world.sender")


class Sender:
    """`reachable` is False from a failed attempt to the next success."""

    def __init__(self, client: httpx.AsyncClient, url: str, feed: Feed) -> None:
        self._client = client
        self._url = f"{url}/events"
        self._feed = feed
        self.reachable = True
        self.last_error = ""

    async def send(self, batch: Sequence[Delivery]) -> list[Sent] | None:
        """Rows to record, or None when ingest did not take the batch: it is to be sent again."""
        body = orjson.dumps({"events": [self._leaving(delivery) for delivery in shuffled(batch)]})
        try:
            response = await self._client.post(
                self._url, content=body, headers={"content-type": "application/json"}, timeout=TIMEOUT_SECONDS
            )
            if response.status_code != ACCEPTED:
                raise ValueError(f"status {response.status_code}: {response.text[:200]}")
            refused = {entry.get("event_id") for entry in response.json().get("rejected", [])}
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            self._failed(error)
            return None
        if not self.reachable:
            log.info("ingest takes events again")
        self.reachable, self.last_error = True, ""
        now = time.time()
        return [_sent(delivery.event, now, refused) for delivery in batch]

    def _leaving(self, delivery: Delivery) -> dict[str, Any]:
        return self._feed.send(delivery.event["kind"], delivery.event, delivery.at)

    def _failed(self, error: Exception) -> None:
        message = f"{type(error).__name__}: {error}"
        if self.reachable:
            log.warning("ingest does not take events, keeping them: %s", message)
        self.reachable, self.last_error = False, message


def shuffled(batch: Sequence[Delivery]) -> list[Delivery]:
    """The batch in another order, which depends on nothing but its first event: upstreams are a little disordered."""
    order = list(batch)
    random.Random(order[0].name).shuffle(order)  # noqa: S311
    return order


def _sent(event: dict[str, Any], wall: float, refused: set[str | None]) -> Sent:
    status = REFUSED if event["event_id"] in refused else ACCEPTED
    times = seconds(event["event_time"]), seconds(event["available_at"])
    return Sent(event["event_id"], event["kind"], *times, wall, status)


async def backoff(attempt: int) -> None:
    await asyncio.sleep(BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)])
