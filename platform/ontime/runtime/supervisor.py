"""Talks to the one supervisor of a stack through its Unix socket, and starts it when there is none."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ontime.errors import RuntimeStateError
from ontime.files import replace_text
from ontime.runtime import journal
from ontime.runtime.component import STOP_SECONDS, Component
from ontime.runtime.process_environment import addresses, clean
from ontime.runtime.supervisor_config import (
    WATCHER,
    pid_path,
    render,
    run_directory,
    socket_path,
)
from ontime.settings import Environment

START_SECONDS = 15.0
ANSWER_SECONDS = 10.0
BAD_NAME, ALREADY_STARTED, NOT_RUNNING = 10, 60, 70
"""The supervisor's codes for refusals that mean "nothing to do"."""


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(str(self._path))


class _SocketTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        connection = _SocketConnection(self._path)
        self._connection = ("localhost", connection)  # so that closing the transport closes it
        return connection


@dataclass(frozen=True, slots=True)
class Supervised:
    """What the supervisor says of one component. `pid` is 0 and `since` meaningless when nothing runs."""

    name: str
    state: str
    pid: int
    since: float
    note: str

    @property
    def stopped(self) -> bool:
        return self.state in {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}


class Supervisor:
    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._socket = socket_path(environment)

    def _call(self, method: str, *arguments: object) -> Any:
        """Raises `RuntimeStateError` when the supervisor does not answer; lets its refusals through."""
        with xmlrpc.client.ServerProxy("http://localhost", transport=_SocketTransport(self._socket)) as server:
            try:
                return getattr(server.supervisor, method)(*arguments)
            except xmlrpc.client.Fault:
                raise
            except (OSError, xmlrpc.client.Error, http.client.HTTPException) as error:
                raise RuntimeStateError(f"The supervisor at {self._socket} does not answer: {error}") from error

    def pid(self) -> int | None:
        """Process id of the living supervisor, or None. A socket or PID file left by a killed one proves nothing."""
        if not self._socket.exists():
            return None
        try:
            return int(self._call("getPID"))
        except (RuntimeStateError, xmlrpc.client.Fault):
            return None

    def processes(self) -> list[Supervised]:
        """Every component that the supervisor knows. Raises `RuntimeStateError`."""
        return [
            Supervised(
                name=told["name"],
                state=told["statename"],
                pid=told["pid"],
                since=float(told["start"]),
                note=told["spawnerr"] or told["description"],
            )
            for told in self._call("getAllProcessInfo")
            if told["name"] != WATCHER
        ]

    def clear_stale(self) -> bool:
        """Removes the socket and PID file of a supervisor that is gone; whether there was anything to remove."""
        stale = [path for path in (self._socket, pid_path(self._environment)) if path.exists()]
        for path in stale:
            path.unlink(missing_ok=True)
        return bool(stale)

    def spawn(self, components: Iterable[Component]) -> None:
        """Starts the supervisor with nothing running under it. Raises `RuntimeStateError`."""
        here = self._environment
        self._write(components)
        journal.begin(here)
        started = subprocess.run(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(self._file())],
            check=False,
            env={**clean(os.environ, here.current), **addresses(here)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            cwd=run_directory(here),
        )
        deadline = time.monotonic() + START_SECONDS
        while self.pid() is None:
            if started.returncode != 0 or time.monotonic() > deadline:
                said = (started.stderr or started.stdout).strip().splitlines()[-3:]
                raise RuntimeStateError(f"The supervisor did not start: {' '.join(said) or 'no answer on its socket'}")
            time.sleep(0.05)

    def reload(self, components: Iterable[Component]) -> None:
        """Makes a running supervisor know `components` as they are now; what is unchanged keeps running."""
        self._write(components)
        added, changed, removed = self._call("reloadConfig")[0]
        for name in [*removed, *changed]:
            if name != WATCHER:
                self.stop([name])
                self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            if name != WATCHER:
                self._call("addProcessGroup", name)

    def start(self, name: str) -> None:
        """Returns at once; a component that already runs is left alone. Raises `RuntimeStateError`."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as error:
            if error.faultCode != ALREADY_STARTED:
                raise RuntimeStateError(f"{name} could not be started: {error.faultString}") from error

    def stop(self, names: Iterable[str], seconds: float = STOP_SECONDS + 5.0) -> None:
        """Stops the named components together and waits for them. Raises `RuntimeStateError` naming those left."""
        waiting = set(names)
        for name in waiting:
            try:
                self._call("stopProcess", name, False)
            except xmlrpc.client.Fault as error:
                if error.faultCode not in {NOT_RUNNING, BAD_NAME}:
                    raise RuntimeStateError(f"{name} could not be stopped: {error.faultString}") from error
        deadline = time.monotonic() + seconds
        while left := {process.name for process in self.processes() if not process.stopped} & waiting:
            if time.monotonic() > deadline:
                raise RuntimeStateError(f"Still running {seconds:.0f} s after being stopped: {', '.join(sorted(left))}")
            time.sleep(0.1)

    def restart(self, name: str) -> None:
        self.stop([name])
        self.start(name)

    def shut_down(self, seconds: float = 10.0) -> None:
        """Ends the supervisor itself; its components should be stopped. Raises `RuntimeStateError`."""
        pid = self.pid()
        if pid is None:
            return
        process = psutil.Process(pid)
        self._call("shutdown")
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired as error:
            raise RuntimeStateError(
                f"The supervisor (process {pid}) still runs {seconds:.0f} s after its end"
            ) from error

    def _file(self) -> Path:
        return run_directory(self._environment) / "supervisord.conf"

    def _write(self, components: Iterable[Component]) -> None:
        run_directory(self._environment).mkdir(parents=True, exist_ok=True)
        self._environment.logs.mkdir(parents=True, exist_ok=True)
        replace_text(self._file(), render(self._environment, components))
