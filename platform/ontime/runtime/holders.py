"""Who holds a port, so that a taken one is named together with its holder."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from ontime.errors import RuntimeStateError
from ontime.runtime.address import port_of
from ontime.runtime.component import Component
from ontime.settings import Environment


@dataclass(frozen=True, slots=True)
class Holder:
    port: int
    pid: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.pid is None else f"process {self.pid} ({self.what})"


def _bindable(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _listener(port: int) -> int | None:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    found = [c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port]
    return next((pid for pid in found if pid is not None), None)


def holder_of(host: str, port: int) -> Holder | None:
    """Who listens on `port`, or None when it can be bound. Another user's process cannot always be named."""
    if _bindable(host, port):
        return None
    pid = _listener(port)
    if pid is None:
        return Holder(port, None, "a process of another user, or one that is just ending")
    try:
        process = psutil.Process(pid)
        what = f"{' '.join(process.cmdline())[:120] or process.name()}, user {process.username()}"
    except psutil.Error:
        what = "just ended"
    return Holder(port, pid, what)


def refuse_taken_ports(environment: Environment, components: Iterable[Component]) -> None:
    """Raises `RuntimeStateError` naming every port that is taken, who needs it and who holds it."""
    taken = []
    for component in components:
        url = component.url(environment)
        holder = holder_of(environment.host, port_of(url)) if url else None
        if holder is not None:
            taken.append(f"Port {holder.port} of {component.name} is held by {holder}.")
    if taken:
        remedy = "End that process, or give the component another address with its ONTIME_*_URL."
        raise RuntimeStateError("\n".join([*taken, remedy]))
