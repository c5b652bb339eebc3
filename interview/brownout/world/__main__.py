"""`python -m brownout.world`: continues the world from its record, until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import uvicorn

from brownout.errors import WorldError
from brownout.settings import Harness, harness
from brownout.world import beginning, control
from brownout.world.asker import Asker
from brownout.world.driver import Driver
from brownout.world.feed import Feed
from brownout.world.plan import Asks, Deliveries
from brownout.world.replay import Replay
from brownout.world.sender import Sender
from brownout.world.tape import Tape
from ontime.errors import OntimeError
from ontime.settings import Environment, environment


class Server(uvicorn.Server):
    """Leaves signals to the world, which has more to close than its port."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def play(harness: Harness, environment: Environment) -> None:
    """Runs the world. Raises `WorldError` or `DatasetError` when it cannot begin."""
    record = beginning.resume(harness)
    tape = Tape(harness.data)
    seed = int(record.noted("seed"))
    feed = Feed(harness.world / "feed.json")
    driver = Driver(
        beginning.clock_files(harness, environment.clock),
        tape.nights(),
        float(record.noted("speed")),
        bool(record.noted("frozen")),
    )
    port = bound(harness)
    async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None)) as client:
        replay = Replay(
            record,
            driver,
            Deliveries(tape, seed, tuple(record.noted("delivered"))),
            Asks(tape, seed, tuple(record.noted("asked"))),
            Sender(client, environment.ingest_url, feed),
            Asker(client, environment.serving_url, feed, driver.world),
            feed,
        )
        app = control.application(replay, control.token(harness))
        server = Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        playing, serving = asyncio.create_task(replay.run()), asyncio.create_task(server.serve(sockets=[port]))
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait((playing, serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        await replay.stop()
        server.should_exit = True
        await asyncio.gather(playing, serving)
    record.close()


def bound(harness: Harness) -> socket.socket:
    """The control's listening socket. Raises `WorldError` when the port is taken."""
    port = urlsplit(harness.world_url).port or 80
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((harness.host, port))
    except OSError as error:
        raise WorldError(f"The world's control cannot listen on {harness.host}:{port}: {error.strerror}.") from error
    return listener


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(play(harness(), environment()))
    except OntimeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
