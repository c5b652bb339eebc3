"""The replay against a real HTTP server that fails at random."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from brownout.errors import WorldError
from brownout.settings import ROOT, Harness
from brownout.world import beginning
from brownout.world.asker import Asker
from brownout.world.control import WorldControl
from brownout.world.driver import Driver
from brownout.world.feed import Feed, parse
from brownout.world.plan import Asks, Deliveries
from brownout.world.replay import AHEAD_WALL_SECONDS, AHEAD_WORLD_SECONDS, Replay
from brownout.world.sender import Sender
from tests.unit.brownout.world.worlds import PRESENT, Counterpart, SmallTape, now_and_then

DEADLINE = 30.0
FAST = 20_000.0
TAPE = SmallTape()


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    made = Harness(state=tmp_path / "brownout", speed=FAST)
    beginning.begin(made, tmp_path / "clock.json", PRESENT, seed=7)
    return made


@asynccontextmanager
async def playing(harness: Harness, counterpart: Counterpart) -> AsyncIterator[Replay]:
    """A replay that continues from the harness's state, against the counterpart."""
    record = beginning.resume(harness)
    files = beginning.clock_files(harness, harness.state.parent / "clock.json")
    driver = Driver(files, (), record.noted("speed"), record.noted("frozen"))
    feed = Feed(harness.world / "feed.json")
    async with httpx.AsyncClient(trust_env=False) as client:
        replay = Replay(
            record,
            driver,
            Deliveries(TAPE, 7, tuple(record.noted("delivered"))),
            Asks(TAPE, 7, tuple(record.noted("asked"))),
            Sender(client, counterpart.url, feed),
            Asker(client, counterpart.url, feed, driver.world),
            feed,
        )
        running = asyncio.create_task(replay.run())
        try:
            yield replay
        finally:
            await replay.stop()
            await running
            record.close()


async def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not met():
        assert time.monotonic() < end, "the deadline has passed"
        await asyncio.sleep(0.01)


def recorded(harness: Harness, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{harness.record}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def world_is_past(replay: Replay, hours: float) -> Callable[[], bool]:
    return lambda: replay.status()["world"] > PRESENT.timestamp() + hours * 3600


@pytest.mark.anyio
async def test_every_event_arrives_and_is_recorded_once_whatever_fails(harness: Harness) -> None:
    async with Counterpart(now_and_then(0.3)) as counterpart, playing(harness, counterpart) as replay:
        replay.release()
        await until(world_is_past(replay, 26))
        await until(lambda: replay.status()["behind_seconds"] < 3600)
        await replay.freeze()
    expected = TAPE.ids(PRESENT, PRESENT + timedelta(hours=24))
    rows = recorded(harness, "SELECT event_id, status FROM events_sent")

    assert len(rows) == len({event_id for event_id, _ in rows})
    assert expected <= {event_id for event_id, status in rows if status == 200}
    assert {event_id for event_id, _ in rows} == set(counterpart.acknowledged)
    assert counterpart.requests > len(counterpart.asked)


@pytest.mark.anyio
async def test_events_arrive_in_the_order_of_availability_between_batches(harness: Harness) -> None:
    async with Counterpart() as counterpart, playing(harness, counterpart) as replay:
        replay.accelerate(5000.0)
        replay.release()
        await until(lambda: len(counterpart.received) > 20)
        await replay.freeze()
    firsts = list(dict.fromkeys(row["event_id"] for row in counterpart.received))
    available = {row["event_id"]: row["available_at"] for row in counterpart.received}
    displaced = [
        abs(index - place)
        for place, event_id in enumerate(sorted(firsts, key=lambda e: (available[e], e)))
        for index in [firsts.index(event_id)]
    ]

    assert max(displaced) < 20


@pytest.mark.anyio
async def test_a_dead_ingest_does_not_stop_time_and_loses_nothing(harness: Harness) -> None:
    dead = {"is": True}
    async with Counterpart(lambda: dead["is"]) as counterpart, playing(harness, counterpart) as replay:
        replay.release()
        await until(world_is_past(replay, 6))

        assert not replay.status()["ingest_reachable"]
        assert replay.status()["behind_seconds"] > 3600

        dead["is"] = False
        await until(lambda: replay.status()["ingest_reachable"] and replay.status()["behind_seconds"] < 1)
        await replay.freeze()

    assert TAPE.ids(PRESENT, PRESENT + timedelta(hours=6)) <= set(counterpart.acknowledged)


@pytest.mark.anyio
async def test_while_frozen_nothing_is_sent_and_time_stands(harness: Harness) -> None:
    async with Counterpart() as counterpart, playing(harness, counterpart) as replay:
        replay.release()
        await until(lambda: counterpart.requests > 20)
        await replay.freeze()
        stood, requests = replay.status()["world"], counterpart.requests
        for _ in range(10):
            await replay._look()

        assert (replay.status()["world"], counterpart.requests) == (stood, requests)

        replay.release()
        await until(lambda: counterpart.requests > requests)


@pytest.mark.anyio
async def test_answers_are_recorded_for_every_flight_also_the_ones_that_did_not_come(harness: Harness) -> None:
    async with Counterpart(now_and_then(0.5, seed=3)) as counterpart, playing(harness, counterpart) as replay:
        replay.release()
        await until(world_is_past(replay, 5))
        await replay.freeze()
    codes: dict[Any, Any] = dict(recorded(harness, "SELECT code, count(*) FROM answers GROUP BY code"))
    scored = recorded(harness, "SELECT count(*) FROM answers WHERE late_probability = 0.2 AND error IS NULL")

    assert set(codes) == {0, 200, 503}
    assert scored == [(codes[200],)]
    assert recorded(harness, "SELECT count(*) FROM answers WHERE code <> 200 AND error IS NULL") == [(0,)]
    assert recorded(harness, "SELECT count(*) FROM answers WHERE batch_size > 1")[0][0]


@pytest.mark.anyio
async def test_everyone_who_asks_comes_over_a_connection_of_their_own(harness: Harness) -> None:
    async with Counterpart() as counterpart, playing(harness, counterpart) as replay:
        replay.release()
        await until(lambda: len(counterpart.asked) > 20)
        await replay.freeze()

    assert counterpart.asks_a_connection == 1


@pytest.mark.anyio
async def test_an_answer_says_how_long_before_departure_it_was_asked_for(harness: Harness) -> None:
    async with Counterpart() as counterpart, playing(harness, counterpart) as replay:
        replay.release()
        await until(world_is_past(replay, 3))
        await replay.freeze()
    departures = {
        f["flight_id"]: datetime.fromisoformat(f["sched_dep_at"]) for flights in counterpart.asked for f in flights
    }
    rows = recorded(harness, "SELECT flight_id, asked_world, lead_minutes FROM answers")

    assert rows
    for flight_id, asked, lead in rows:
        assert lead == pytest.approx((departures[str(flight_id)].timestamp() - float(str(asked))) / 60)


@pytest.mark.anyio
async def test_the_feed_changes_events_and_requests_from_its_moment_on(harness: Harness) -> None:
    moment = PRESENT.timestamp() + 3600
    change = {"field": "scheduled_minutes", "kinds": ["schedule", "request"], "factor": 1 / 60, "from_world": moment}
    async with Counterpart() as counterpart, playing(harness, counterpart) as replay:
        replay.change_feed(parse({"changes": [change]}))
        replay.release()
        await until(world_is_past(replay, 5))
        await replay.freeze()
    minutes = {
        (datetime.fromisoformat(row["available_at"]).timestamp() >= moment, row["flight"]["scheduled_minutes"])
        for row in counterpart.received
        if row["kind"] == "schedule"
    }

    assert minutes == {(False, 360.0), (True, 6.0)}
    assert {f["scheduled_minutes"] for flights in counterpart.asked for f in flights} == {360.0, 6.0}


@pytest.mark.anyio
async def test_a_slow_ingest_holds_time_back(harness: Harness) -> None:
    async with Counterpart() as counterpart, playing(harness, counterpart) as replay:
        replay.release()
        await until(lambda: counterpart.requests > 5)
        counterpart.wait = 0.5
        await until(lambda: replay.status()["pace"] == 0)
        ahead = replay.status()["behind_seconds"]

        assert ahead <= max(600.0, FAST) + 1

        counterpart.wait = 0.0
        await until(lambda: replay.status()["pace"] > 0)


@pytest.mark.anyio
async def test_a_serving_that_hangs_does_not_stop_time(harness: Harness) -> None:
    async with Counterpart() as counterpart, playing(harness, counterpart) as replay:
        counterpart.answers_wait = 3.0
        replay.accelerate(3000.0)
        replay.release()
        ahead = max(AHEAD_WORLD_SECONDS, 3000.0 * AHEAD_WALL_SECONDS)
        await until(lambda: any(replay.status()["world"] > ask.at + ahead + 500 for ask in replay._asking.values()))
        counterpart.answers_wait = 0.0


def test_a_world_that_has_not_begun_says_so(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="no world has begun"):
        beginning.resume(Harness(state=tmp_path))


def write_tape(data: Path) -> None:
    (data / "tape").mkdir(parents=True)
    for day, events in TAPE.days.items():
        lines = b"\n".join(orjson.dumps(event) for event in events)
        (data / "tape" / f"{day}.jsonl.gz").write_bytes(gzip.compress(lines))
    (data / "tape" / "nights.json").write_text("[]")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.anyio
async def test_a_killed_world_goes_on_without_a_hole(harness: Harness, tmp_path: Path) -> None:
    """The real process, killed twice, continued each time from its record."""
    write_tape(harness.data)
    control = WorldControl(harness.model_copy(update={"world_url": f"http://127.0.0.1:{free_port()}"}))
    async with Counterpart(now_and_then(0.1)) as counterpart:
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ONTIME_", "BROWNOUT_"))},
            "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT / 'interview'}{os.pathsep}{ROOT}",
            "BROWNOUT_STATE": str(harness.state),
            "BROWNOUT_WORLD_URL": control._harness.world_url,
            "ONTIME_STATE": str(tmp_path / "ontime"),
            "ONTIME_INGEST_URL": counterpart.url,
            "ONTIME_SERVING_URL": counterpart.url,
        }
        worlds = []
        for life in range(3):
            worlds.append(subprocess.Popen([sys.executable, "-m", "brownout.world"], env=variables))
            await until_alive(control)
            if life == 0:
                await asyncio.to_thread(control.speed, 10_000.0)
                await asyncio.to_thread(control.release)
            sent = len(counterpart.acknowledged)
            await until(lambda sent=sent: len(counterpart.acknowledged) > sent + 15)  # type: ignore[misc]
            if life < 2:
                worlds[-1].send_signal(signal.SIGKILL)
                worlds[-1].wait()
        status = await asyncio.to_thread(control.freeze)
        worlds[-1].terminate()

        assert await asyncio.to_thread(worlds[-1].wait, DEADLINE) == 0
    through = datetime.fromtimestamp(status["world"] - status["behind_seconds"] - 1, UTC)
    expected = TAPE.ids(PRESENT, through)
    rows = {event_id for (event_id,) in recorded(harness, "SELECT event_id FROM events_sent")}

    assert expected <= rows
    assert expected <= set(counterpart.acknowledged)
    assert json.loads((tmp_path / "ontime" / "clock.json").read_text())["segments"][-1]["speed"] == 0


async def until_alive(control: WorldControl) -> None:
    end = time.monotonic() + DEADLINE
    while not await asyncio.to_thread(control.alive):
        assert time.monotonic() < end, "the world does not answer"
        await asyncio.sleep(0.05)
