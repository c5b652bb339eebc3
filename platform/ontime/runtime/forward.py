"""`python -m ontime.runtime.forward`: the platform's addresses on 127.0.0.1, as they are where it runs as processes.

For pods in which people or tools work: each port of a component's URL is opened here and leads to that URL.
`ONTIME_FORWARD` adds `port=host:port` pairs, separated by commas. `ONTIME_FETCHED=port=fetching` opens a port that is
answered by whoever comes to the other one (`ontime.runtime.fetched`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from ontime.runtime.components import COMPONENTS
from ontime.settings import Environment, environment

CHUNK = 64 * 1024
CONNECT_SECONDS = 5.0


def ways(here: Environment, more: str = "") -> dict[int, tuple[str, int]]:
    """Port here → host and port there."""
    found: dict[int, tuple[str, int]] = {}
    for component in COMPONENTS.values():
        parts = urlsplit(component.url(here) or "")
        if parts.hostname and parts.port:
            found[parts.port] = (parts.hostname, parts.port)
    for pair in filter(None, more.split(",")):
        port, _, target = pair.partition("=")
        host, _, there = target.rpartition(":")
        found[int(port)] = (host, int(there))
    return found


async def pour(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    """Everything that comes, until it ends; the end is passed on."""
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK):
            into.write(chunk)
            await into.drain()
    with contextlib.suppress(OSError):
        into.write_eof() if into.can_write_eof() else into.close()


async def join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: tuple[str, int],
    seconds: float = CONNECT_SECONDS,
) -> None:
    """Connects the client to `target` until both ends are done; a target that does not answer closes the client."""
    try:
        there, back = await asyncio.wait_for(asyncio.open_connection(*target), seconds)
    except (OSError, TimeoutError):
        writer.close()
        return
    try:
        await asyncio.gather(pour(reader, back), pour(there, writer))
    finally:
        for end in (back, writer):
            end.close()


async def serve(targets: dict[int, tuple[str, int]], host: str = "127.0.0.1") -> None:
    """Listens until it is cancelled."""

    def leading_to(target: tuple[str, int]) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        return lambda reader, writer: join(reader, writer, target)

    servers = [await asyncio.start_server(leading_to(target), host, port) for port, target in targets.items()]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def main() -> None:
    from ontime.runtime.fetched import exchange

    wanted = [serve(ways(environment(), os.environ.get("ONTIME_FORWARD", "")))]
    port, _, fetching = os.environ.get("ONTIME_FETCHED", "").partition("=")
    if port:
        wanted.append(exchange(int(port), int(fetching)))
    await asyncio.gather(*wanted)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
