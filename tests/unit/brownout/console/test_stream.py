"""The stream misses nothing, repeats what a browser says that it lacks, and is bounded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from brownout import entries as e
from brownout.console.doors import COOKIE, Seal
from brownout.console.stream import MOST_STREAMS, Streams, events


def parsed(chunk: bytes) -> tuple[str, str, dict[str, Any]]:
    lines = dict(line.split(": ", 1) for line in chunk.decode().strip().splitlines())
    return lines["event"], lines.get("id", ""), json.loads(lines["data"])


async def entries(stream: AsyncIterator[bytes], count: int) -> list[str]:
    """Ids of the next entries."""
    found: list[str] = []
    async with asyncio.timeout(10):
        async for chunk in stream:
            if b"event: entry" in chunk:
                found.append(parsed(chunk)[1])
            if len(found) == count:
                return found
    raise AssertionError(found)


def test_what_followed_the_last_id_comes_first_and_then_what_is_new(story: Any) -> None:
    last = story.ledger.head()[0]

    async def listen() -> list[str]:
        stream = events(story.ledger.path, last - 2, dict, Streams())
        before = await entries(stream, 2)
        story.interview.note("one more")
        after = await entries(stream, 1)
        await stream.aclose()  # type: ignore[attr-defined]
        return before + after

    assert asyncio.run(listen()) == [str(last - 1), str(last), str(last + 1)]


@pytest.mark.parametrize("after", [None, 10**9])
def test_without_an_id_or_with_one_of_another_ledger_only_new_entries_come(story: Any, after: int | None) -> None:
    head = story.ledger.head()[0]

    async def listen() -> list[str]:
        stream = events(story.ledger.path, after, dict, Streams())
        await anext(stream)  # what comes before anything is looked at
        story.interview.note("new")
        found = await entries(stream, 1)
        await stream.aclose()  # type: ignore[attr-defined]
        return found

    assert asyncio.run(listen()) == [str(head + 1)]


def test_a_bare_event_does_not_say_what_happened(story: Any) -> None:
    async def listen() -> str:
        stream = events(story.ledger.path, 0, dict, Streams(), bare=True)
        text = ""
        async for chunk in stream:
            text += chunk.decode()
            if "event: beat" in text:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        return text

    text = asyncio.run(listen())
    assert ("event: entry" in text, "injected" in text, "proctor" in text) == (True, False, False)


def test_fifty_streams_are_bounded_and_pages_still_answer(app: Any, browser: Any, story: Any) -> None:
    cookie = f"{COOKIE}={app.state.doors.seal(Seal('interviewer'))}".encode()
    codes: list[int] = []

    async def open_one(gone: asyncio.Event) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/interviews/current/events",
            "raw_path": b"/interviews/current/events",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", app.state.doors.host.encode()), (b"cookie", cookie)],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                codes.append(message["status"])

        await app(scope, receive, send)

    async def crowd() -> None:
        gone = asyncio.Event()
        tasks = [asyncio.create_task(open_one(gone)) for _ in range(50)]
        async with asyncio.timeout(20):
            while len(codes) < 50:
                await asyncio.sleep(0.01)
            page = await asyncio.to_thread(browser.get, "/interviews/current")
            assert page.status_code == 200
            gone.set()
            await asyncio.gather(*tasks)

    asyncio.run(crowd())

    assert (codes.count(200), codes.count(503)) == (MOST_STREAMS, 50 - MOST_STREAMS)
    assert app.state.services.streams.open == 0


def test_a_page_that_missed_an_undo_hears_of_it(story: Any) -> None:
    seq = story.interview.note("x").seq
    story.interview.undo(seq, "slip")

    async def listen() -> list[str]:
        stream = events(story.ledger.path, seq, dict, Streams())
        found = await entries(stream, 1)
        await stream.aclose()  # type: ignore[attr-defined]
        return found

    assert asyncio.run(listen()) == [str(seq + 1)]
    assert isinstance(story.ledger.entries()[-1].payload, e.Undone)
