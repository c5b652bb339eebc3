"""Asks serving for predictions and keeps every answer, also the ones that did not come."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import orjson

from brownout.world.feed import Feed
from brownout.world.plan import Ask
from brownout.world.record import Answer
from brownout.world.tape import seconds

TIMEOUT_SECONDS = 10.0
NO_ANSWER = 0
OK = 200


class Asker:
    """A request is not repeated: a person who gets no answer now has no use for one later.

    Everyone who asks is somebody else and comes over a connection of their own: one that was kept would go on asking a
    process that is being replaced, and never notice that whoever comes anew is refused.
    """

    def __init__(self, client: httpx.AsyncClient, url: str, feed: Feed, world: Callable[[], float]) -> None:
        self._client = client
        self._url = f"{url}/predict"
        self._feed = feed
        self._world = world

    async def ask(self, ask: Ask) -> list[Answer]:
        """One row for each flight asked about. Never raises for what serving does."""
        flights = [self._feed.send("request", flight, ask.at) for flight in ask.flights]
        body = orjson.dumps(flights[0] if _single(ask) else {"flights": flights})
        request_id = uuid.uuid4().hex
        headers = {"content-type": "application/json", "x-request-id": request_id, "connection": "close"}
        world, wall, began = self._world(), time.time(), time.perf_counter()
        code, error, answers = NO_ANSWER, None, {}
        try:
            response = await self._client.post(self._url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
            code = response.status_code
            request_id = response.headers.get("x-request-id", request_id)
            if code == OK:
                answers = _answers(response.content, _single(ask))
            else:
                error = response.text[:300]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as failure:
            error = f"{type(failure).__name__}: {failure}"[:300]
        latency_ms = (time.perf_counter() - began) * 1000
        rows = []
        for flight in ask.flights:
            lead = (seconds(flight["sched_dep_at"]) - world) / 60
            row = Answer(
                request_id, flight["flight_id"], world, wall, latency_ms, code, len(flights), lead, error=error
            )
            rows.append(_answered(row, answers.get(flight["flight_id"])))
        return rows


def _single(ask: Ask) -> bool:
    return ask.name.startswith("single:")


def _answers(content: bytes, single: bool) -> dict[str, dict[str, Any]]:
    document = orjson.loads(content)
    predictions = [document] if single else document["predictions"]
    return {prediction["flight_id"]: prediction for prediction in predictions}


def _answered(row: Answer, prediction: dict[str, Any] | None) -> Answer:
    if prediction is None:
        return replace(row, error=row.error or "no prediction for this flight in the answer")
    return replace(
        row,
        late_probability=prediction.get("late_probability"),
        model_version=prediction.get("model_version"),
        degraded=int(bool(prediction.get("degraded"))),
        reasons=orjson.dumps(prediction.get("reasons", [])).decode(),
    )
