from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ontime.runtime import fetched, forward
from ontime.settings import Environment


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1000):
        writer.write(chunk.upper())
        await writer.drain()
    writer.close()


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for _ in range(10):  # closed transports let go of their sockets one turn of the loop later
            await asyncio.sleep(0)


async def ask(port: int, text: bytes) -> bytes:
    """The answer, tried until somebody listens."""
    for _ in range(200):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.write(text)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer
    raise TimeoutError(port)


def test_the_ways_are_those_of_the_components() -> None:
    here = Environment(serving_url="http://serving:7102", mlflow_url="http://mlflow:7103")
    found = forward.ways(here, "6379=redis:6379")

    assert found[7102] == ("serving", 7102)
    assert found[7103] == ("mlflow", 7103)
    assert found[6379] == ("redis", 6379)


def test_a_port_here_leads_there() -> None:
    async def run() -> bytes:
        port, there = free_port(), free_port()
        server = await asyncio.start_server(echo, "127.0.0.1", there)
        async with server, beside(forward.serve({port: ("127.0.0.1", there)})):
            return await ask(port, b"hello")

    assert asyncio.run(run()) == b"HELLO"


def test_a_target_that_is_not_there_closes_the_client() -> None:
    async def run() -> bytes:
        port = free_port()
        async with beside(forward.serve({port: ("127.0.0.1", free_port())})):
            return await ask(port, b"hello")

    assert asyncio.run(run()) == b""


@pytest.mark.parametrize("clients", [1, 20])
def test_clients_are_fetched_and_answered_from_where_they_cannot_reach(clients: int) -> None:
    async def run() -> list[bytes]:
        port, fetching, desk = free_port(), free_port(), free_port()
        server = await asyncio.start_server(echo, "127.0.0.1", desk)
        work = (
            fetched.exchange(port, fetching, open_to="127.0.0.1"),
            fetched.fetch(("127.0.0.1", fetching), ("127.0.0.1", desk), idle=3, again_seconds=0.01),
        )
        async with server, beside(*work):
            return await asyncio.gather(*(ask(port, f"number {n}".encode()) for n in range(clients)))

    assert asyncio.run(run()) == [f"NUMBER {n}".encode() for n in range(clients)]
