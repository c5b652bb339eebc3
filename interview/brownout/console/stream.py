"""What the ledger gets, as server-sent events: the entry's number is the event's id, so that nothing is missed.

A browser that comes back names the last id that it has and is given what followed. Streams are counted: beyond the
bound a new one is refused, so that pages left open somewhere cannot take the proctor's time.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

LOOK_SECONDS = 0.05
BEAT_SECONDS = 2.0
MOST_STREAMS = 24
REPLAYED = 5_000
"""A page that missed more than this many entries is told of the newest alone: it renders itself anew anyhow."""


class Streams:
    """How many streams are open. `ended` ends them all."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._most = most
        self.open = 0
        self.ended = False

    def take(self) -> bool:
        """Whether there was a place for one more."""
        if self.open >= self._most:
            return False
        self.open += 1
        return True


class EventStream(StreamingResponse):
    """Server-sent events, or 503 when too many streams are open. Its place is free again however it ends."""

    def __init__(self, told: AsyncGenerator[bytes, None], streams: Streams) -> None:
        super().__init__(told, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._told = told
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._streams.take():
            refusal = {"error": "Too many pages are open. Close some of them."}
            await JSONResponse(refusal, 503, {"Retry-After": "5"})(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.open -= 1
            await self._told.aclose()


class Tail:
    """The new entries of a ledger, without asking for them while nobody has written."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.5, check_same_thread=False)
        self._version = -1

    def close(self) -> None:
        self._db.close()

    def head(self) -> int:
        (head,) = self._db.execute("SELECT COALESCE(MAX(seq), 0) FROM entries").fetchone()
        return int(head)

    def after(self, seq: int) -> list[tuple[int, float, float, str, str]]:
        """(seq, wall, world, kind, actor) of entries after `seq`; empty at once when the file has not changed."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return []
        self._version = version
        rows = self._db.execute(
            "SELECT seq, wall, world, kind, actor FROM entries WHERE seq > ? ORDER BY seq DESC LIMIT ?", (seq, REPLAYED)
        ).fetchall()
        return [(int(s), float(w), float(v), str(k), str(a)) for s, w, v, k, a in reversed(rows)]


def event(kind: str, data: dict[str, Any], number: int | None = None) -> bytes:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def _told(seq: int, wall: float, world: float, kind: str, actor: str) -> bytes:
    return event("entry", {"seq": seq, "wall": wall, "world": world, "kind": kind, "actor": actor}, seq)


async def events(
    path: Path,
    after: int | None,
    beat: Callable[[], dict[str, Any]],
    streams: Streams,
    bare: bool = False,
) -> AsyncGenerator[bytes, None]:
    """Entries after `after` (None: from now on), then each new one, and a beat every other second.

    `bare` events say only that there is an entry, not what it is.
    """
    with suppress(sqlite3.Error), closing(Tail(path)) as tail:
        head = tail.head()
        seq = head if after is None else min(after, head)
        yield b"retry: 700\n\n"
        due = 0.0
        while not streams.ended:
            for entry in tail.after(seq):
                seq = entry[0]
                yield event("entry", {"seq": seq}, seq) if bare else _told(*entry)
            if time.monotonic() >= due:
                due = time.monotonic() + BEAT_SECONDS
                yield event("beat", {"wall": time.time(), "seq": seq, **beat()})
            await asyncio.sleep(LOOK_SECONDS)
