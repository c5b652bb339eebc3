"""`python -m brownout.kind.opening`: the candidate's way in, for as long as this process lives.

Scales the workstation to one, leads the way in's port to it so that the harness can see that it answers, and fetches
what the candidate asks the desk. The candidate's namespace cannot reach this one: the desk goes there. JupyterLab's log
becomes this process's own, and so `way-in.log`, as where it is JupyterLab's: evidence of looks is gathered there.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from urllib.parse import urlsplit

from brownout.kind.places import WAY_IN
from brownout.settings import Harness, harness
from ontime.runtime.fetched import fetch
from ontime.runtime.forward import serve
from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment, environment

FETCHING = 7207
AGAIN_SECONDS = 1.0
NAME = "workstation"


def scale(here: Environment, replicas: int) -> None:
    Kubectl.of(here)("scale", f"--replicas={replicas}", f"deployment/{NAME}")


async def follow(here: Environment) -> None:
    """Passes on what JupyterLab says from now on, across restarts of its pod."""
    told = ("logs", f"deployment/{NAME}", "--container", NAME, "--follow", "--tail=0", "--pod-running-timeout=60s")
    while True:
        process = await asyncio.create_subprocess_exec(
            *Kubectl.of(here).command(*told), stdin=asyncio.subprocess.DEVNULL
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        await asyncio.sleep(AGAIN_SECONDS)


async def lead(here: Environment, ours: Harness) -> None:
    """Until it is told to end."""
    host = f"{NAME}.{here.namespace}"
    way_in, desk = urlsplit(ours.way_in_url).port or WAY_IN, urlsplit(ours.proctor_url).port or 7201
    work = asyncio.gather(serve({way_in: (host, WAY_IN)}), fetch((host, FETCHING), ("127.0.0.1", desk)), follow(here))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def main() -> None:
    here = environment()
    scale(here, 1)
    try:
        asyncio.run(lead(here, harness()))
    finally:
        scale(here, 0)


if __name__ == "__main__":
    main()
