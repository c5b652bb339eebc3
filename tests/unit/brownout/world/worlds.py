"""A small world for tests: a tape of a few flights, and an upstream's counterpart that fails when told to."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

PRESENT = datetime(2013, 5, 6, 9, tzinfo=UTC)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def flight(number: int, departs: datetime, origin: str = "EWR") -> dict[str, Any]:
    return {
        "flight_id": f"{departs:%Y-%m-%d}-UA-{number}-{origin}",
        "origin": origin,
        "destination": "SFO",
        "carrier": "UA",
        "flight_number": number,
        "tail_number": None,
        "sched_dep_at": iso(departs),
        "distance_miles": 2565.0,
        "scheduled_minutes": 360.0,
    }


def event(kind: str, key: str, available: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "event_id": f"{kind}:{key}",
        "event_time": iso(available),
        "available_at": iso(available),
        **fields,
    }


class SmallTape:
    """Events of every day from 3 to 8 May 2013: a schedule 36 hours ahead, a departure, an arrival a flight."""

    def __init__(self, flights_a_day: int = 40, first: date = date(2013, 5, 3), days: int = 6) -> None:
        self.days: dict[date, list[dict[str, Any]]] = {}
        for offset in range(days):
            for number in range(flights_a_day):
                self._add(first + timedelta(days=offset), number, flights_a_day)
        for events in self.days.values():
            events.sort(key=lambda row: (row["available_at"], row["event_id"]))

    def _add(self, day: date, number: int, count: int) -> None:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        departs = midnight + timedelta(minutes=9 * 60 + number * 14 * 60 // count)
        about = flight(number + 1, departs, ("EWR", "JFK", "LGA")[number % 3])
        key = about["flight_id"]
        self._keep(event("schedule", key, departs - timedelta(hours=36), flight=about))
        self._keep(event("departure", key, departs + timedelta(minutes=number), flight_id=key, dep_delay_minutes=1.0))
        self._keep(event("arrival", key, departs + timedelta(minutes=360 + number), flight_id=key))

    def _keep(self, row: dict[str, Any]) -> None:
        self.days.setdefault(datetime.fromisoformat(row["available_at"]).date(), []).append(row)

    def day(self, day: date) -> list[dict[str, Any]]:
        return self.days.get(day, [])

    def ids(self, after: datetime, through: datetime) -> set[str]:
        return {
            row["event_id"]
            for events in self.days.values()
            for row in events
            if after < datetime.fromisoformat(row["available_at"]) <= through
        }


class Counterpart:
    """Ingest and serving in one real HTTP server. `fails()` decides about each request: a status, or a lost answer."""

    def __init__(self, fails: Callable[[], bool] = lambda: False) -> None:
        self.received: list[dict[str, Any]] = []
        self.acknowledged: Counter[str] = Counter()
        self.asked: list[list[dict[str, Any]]] = []
        self.requests = 0
        self.asks_a_connection = 0
        self.wait = 0.0
        self.answers_wait = 0.0
        self._fails = fails
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Counterpart:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        asks = 0
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                body = orjson.loads(await reader.readexactly(size))
                self.requests += 1
                asks += not head.startswith(b"post /events")
                self.asks_a_connection = max(self.asks_a_connection, asks)
                await asyncio.sleep(self.wait if head.startswith(b"post /events") else self.answers_wait)
                if not self._answer(writer, head, body):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, head: bytes, body: dict[str, Any]) -> bool:
        """Whether the connection stays: a failure is a 503, or an answer lost after the events were taken."""
        failing = self._fails()
        lost = failing and self.requests % 2 == 0
        if failing and not lost:
            return _write(writer, 503, {"reason": "busy"})
        if head.startswith(b"post /events"):
            self.received.extend(body["events"])
            if lost:
                return False
            self.acknowledged.update(row["event_id"] for row in body["events"])
            return _write(writer, 200, {"accepted": len(body["events"]), "duplicates": 0, "rejected": []})
        flights = body.get("flights", [body])
        self.asked.append(flights)
        if lost:
            return False
        answers = [
            {
                "flight_id": f["flight_id"],
                "late_probability": 0.2,
                "model_version": "1",
                "degraded": False,
                "reasons": [],
            }
            for f in flights
        ]
        return _write(writer, 200, {"predictions": answers} if "flights" in body else answers[0])


def _write(writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> bool:
    content = orjson.dumps(body)
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    return True


def now_and_then(share: float, seed: int = 1) -> Callable[[], bool]:
    chance = random.Random(seed)  # noqa: S311
    return lambda: chance.random() < share
