"""A port here that is answered from a place which nobody here can reach: its owner comes and fetches the requests.

The owner keeps a few idle connections open to the fetching port. A client of the local port is joined to one of them;
the owner sees the first bytes and answers. So a network policy needs to let the owner in, and nobody out.
"""

from __future__ import annotations

import asyncio
import contextlib

from ontime.runtime.forward import CHUNK, pour

PATIENCE_SECONDS = 10.0
"""How long a client waits for somebody to fetch it."""

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Exchange:
    """Clients on one side, fetchers on the other."""

    def __init__(self) -> None:
        self._idle: asyncio.Queue[Ends] = asyncio.Queue()

    async def fetcher(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keeps a fetcher's connection until a client needs it."""
        await self._idle.put((reader, writer))

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Joins a client to a fetcher that is still there; closes it when none comes."""
        try:
            there, back = await asyncio.wait_for(self._living(), PATIENCE_SECONDS)
        except TimeoutError:
            writer.close()
            return
        try:
            await asyncio.gather(pour(reader, back), pour(there, writer))
        finally:
            for end in (back, writer):
                end.close()

    def close(self) -> None:
        """Lets go of the fetchers that wait."""
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()

    async def _living(self) -> Ends:
        while True:
            reader, writer = await self._idle.get()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()


async def exchange(port: int, fetching: int, host: str = "127.0.0.1", open_to: str = "0.0.0.0") -> None:  # noqa: S104
    """Listens for clients on `port` of this machine and for fetchers on `fetching` of every address."""
    between = Exchange()
    servers = (
        await asyncio.start_server(between.client, host, port),
        await asyncio.start_server(between.fetcher, open_to, fetching),
    )
    try:
        await asyncio.gather(*(server.serve_forever() for server in servers))
    finally:
        between.close()
        for server in servers:
            server.close()


async def fetch(fetching: tuple[str, int], target: tuple[str, int], idle: int = 6, again_seconds: float = 1.0) -> None:
    """The owner's side: keeps `idle` connections to the fetching port and answers each from `target`."""

    async def one() -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(*fetching)
            except OSError:
                await asyncio.sleep(again_seconds)
                continue
            first = b""
            try:
                with contextlib.suppress(OSError):
                    first = await reader.read(CHUNK)
            finally:
                if not first:
                    writer.close()
            if first:
                beside.add(task := asyncio.create_task(_answer(first, reader, writer, target)))
                task.add_done_callback(beside.discard)

    beside: set[asyncio.Task[None]] = set()
    try:
        await asyncio.gather(*(one() for _ in range(idle)))
    finally:
        for task in beside:
            task.cancel()


async def _answer(
    first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]
) -> None:
    try:
        there, back = await asyncio.open_connection(*target)
    except OSError:
        writer.close()
        return
    try:
        back.write(first)
        await asyncio.gather(pour(reader, back), pour(there, writer))
    finally:
        for end in (back, writer):
            end.close()
