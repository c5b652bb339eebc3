"""`python -m brownout.kind.forward`: the platform's services at 127.0.0.1, under the ports they have on one machine."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

from ontime.runtime.components import COMPONENTS
from ontime.runtime.forward import serve
from ontime.settings import Environment, environment

STORES = {"postgres": 5432, "redis": 6379}


def ways(here: Environment) -> dict[int, tuple[str, int]]:
    """Port here → service and port in the platform's namespace."""
    ports = {component.name: urlsplit(component.url(here) or "").port for component in COMPONENTS.values()}
    known = {**{name: port for name, port in ports.items() if port is not None}, **STORES}
    return {port: (f"{name}.{here.namespace}", port) for name, port in known.items()}


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(ways(environment())))
