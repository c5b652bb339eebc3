"""The harness's own processes under a supervisor of their own; its state and logs are the invoker's alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from brownout.errors import StackError
from brownout.settings import ROOT, Harness
from ontime.files import replace_text
from ontime.runtime.holders import holder_of
from ontime.runtime.readiness import Readiness
from ontime.runtime.supervisor_config import LONGEST_SOCKET_PATH

START_SECONDS = 15.0
STOP_SECONDS = 15.0
_MARK = "BROWNOUT_PART"
_KEPT = (
    *("PATH", "HOME", "LANG", "USER", "LOGNAME"),
    *("PGPASSWORD", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "LD_LIBRARY_PATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)
_KEPT_PREFIXES = ("BROWNOUT_", "ONTIME_", "PIP_", "UV_")
"""With the proxies and certificates above: what a first download of the flights, from the console, goes by."""


def launcher(name: str) -> str:
    """The command line of a part, as the supervisor and everybody's process list see it."""
    return f'"{sys.executable}" -P -m brownout.launch {name}'


@dataclass(frozen=True)
class Part:
    """One process of the harness. `command` is asked at each start, so that it may depend on files made since."""

    name: str
    command: Callable[[], list[str]]
    port: int
    ready: Callable[[], Readiness]
    ready_seconds: float = 30.0
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartStatus:
    """`state` is what people read; `why` says what is missing when it is not `ready`."""

    name: str
    state: str
    why: str
    pid: int | None
    port: int
    log: str

    @property
    def ready(self) -> bool:
        return self.state == "ready"


class Supervision:
    def __init__(self, harness: Harness, parts: Iterable[Part]) -> None:
        self._harness = harness
        self._parts = {part.name: part for part in parts}
        self._socket = harness.run / "harness.sock"

    def up(self, names: Iterable[str] | None = None) -> None:
        """Starts what is not running and waits until each is ready. Raises `StackError` with the last log lines."""
        wanted = [self._parts[name] for name in (names or self._parts)]
        if self.pid() is None:
            self._end_leftovers()
            self._refuse_taken(wanted)
            self._spawn()
        else:
            self._write()
            self._reload()
        running = {name for name, state in self._states().items() if state in ("RUNNING", "STARTING")}
        self._refuse_taken([part for part in wanted if part.name not in running])
        for part in wanted:
            if part.name not in running:
                self._call("startProcess", part.name, False)
        for part in wanted:
            self._until_ready(part)

    def stop(self, names: Iterable[str]) -> None:
        """Stops the named parts and waits for them; unknown or stopped ones are left alone."""
        if self.pid() is None:
            return
        for name in names:
            try:
                self._call("stopProcess", name, True)
            except xmlrpc.client.Fault as error:
                if error.faultCode not in {Faults.NOT_RUNNING, Faults.BAD_NAME}:
                    raise StackError(f"{name} could not be stopped: {error.faultString}") from error

    def down(self) -> None:
        """Stops everything, the supervisor too, and ends what it had lost sight of."""
        pid = self.pid()
        if pid is not None:
            process = psutil.Process(pid)
            self._call("shutdown")
            try:
                process.wait(STOP_SECONDS + 5)
            except psutil.TimeoutExpired as error:
                raise StackError(f"The harness's supervisor (process {pid}) does not end.") from error
        self._end_leftovers()

    def status(self) -> list[PartStatus]:
        alive = self.pid() is not None
        told = {p["name"]: p for p in self._call("getAllProcessInfo")} if alive else {}
        orphans = {name for name, _ in self._members()} if not alive else set()
        return [self._judge(part, told.get(part.name), part.name in orphans) for part in self._parts.values()]

    def pid(self) -> int | None:
        """Process id of the living supervisor, or None; a socket left by a killed one proves nothing."""
        if not self._socket.exists():
            return None
        try:
            return int(self._call("getPID"))
        except (OSError, xmlrpc.client.Error):
            return None

    # -- inside -----------------------------------------------------------------------------------------------------

    def _judge(self, part: Part, told: Mapping[str, Any] | None, orphaned: bool) -> PartStatus:
        log = str(self._log(part.name))
        if told is None or told["statename"] in ("STOPPED", "EXITED", "FATAL", "BACKOFF", "UNKNOWN"):
            if orphaned:
                return PartStatus(part.name, "unsupervised", "it runs, and nothing watches it", None, part.port, log)
            state = "stopped" if told is None or told["statename"] == "STOPPED" else "failed"
            why = "" if state == "stopped" or told is None else f"{told['spawnerr'] or told['description']}"
            return PartStatus(part.name, state, why, None, part.port, log)
        readiness = part.ready()
        state = "ready" if readiness.ready else "not ready"
        return PartStatus(part.name, state, readiness.why, told["pid"], part.port, log)

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport, allow_none=True)
        try:
            return getattr(server.supervisor, method)(*arguments)
        finally:
            transport.close()

    def _states(self) -> dict[str, str]:
        return {p["name"]: p["statename"] for p in self._call("getAllProcessInfo")}

    def _until_ready(self, part: Part) -> None:
        deadline = time.monotonic() + part.ready_seconds
        while not (readiness := part.ready()).ready:
            state = self._states().get(part.name, "UNKNOWN")
            if state in ("FATAL", "EXITED") or time.monotonic() > deadline:
                said = "\n".join(self._log(part.name).read_text(errors="replace").splitlines()[-12:])
                raise StackError(f"{part.name} is not ready: {readiness.why or state}. Its last lines:\n{said}")
            time.sleep(0.1)

    def _refuse_taken(self, parts: Iterable[Part]) -> None:
        for part in parts:
            holder = holder_of(self._harness.host, part.port)
            if holder is not None:
                raise StackError(
                    f"Port {part.port} of {part.name} is held by {holder}. End that, or give it another BROWNOUT_*_URL."
                )

    def _log(self, name: str) -> Any:
        return self._harness.logs / f"{name}.log"

    def _spawn(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._write()
        done = subprocess.run(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(self._config())],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            cwd=self._harness.run,
            check=False,
        )
        deadline = time.monotonic() + START_SECONDS
        while self.pid() is None:
            if done.returncode != 0 or time.monotonic() > deadline:
                said = " ".join((done.stderr or done.stdout).split())[-400:]
                raise StackError(f"The harness's supervisor did not start: {said or 'no answer on its socket'}")
            time.sleep(0.05)

    def _environment(self) -> dict[str, str]:
        """Ours and the platform's addresses, and nothing else of the invoker's."""
        own = {k: v for k, v in os.environ.items() if k in _KEPT or k.startswith(_KEPT_PREFIXES)}
        here = {f"BROWNOUT_{name.upper()}": str(value) for name, value in self._harness.model_dump().items()}
        paths = os.pathsep.join(str(ROOT / part) for part in ("platform", "interview", ""))
        return {**own, **here, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "TZ": "UTC", "DO_NOT_TRACK": "true"}

    def _reload(self) -> None:
        added, changed, _ = self._call("reloadConfig")[0]
        for name in changed:
            self.stop([name])
            self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("addProcessGroup", name)

    def _config(self) -> Any:
        return self._harness.run / "supervisord.conf"

    def _write(self) -> None:
        if len(str(self._socket)) > LONGEST_SOCKET_PATH:
            raise StackError(f"{self._socket} is too long for a socket. Give BROWNOUT_STATE a shorter path.")
        for folder in (self._harness.run, self._harness.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_text(self._config(), self._render(), mode=0o600)

    def _render(self) -> str:
        run, logs = self._harness.run, self._harness.logs
        sections: dict[str, dict[str, object]] = {
            "supervisord": {
                "logfile": logs / "supervisor.log",
                "logfile_maxbytes": "4MB",
                "logfile_backups": 1,
                "pidfile": run / "harness.pid",
                "directory": run,
                "childlogdir": logs,
                "identifier": "harness",
                "umask": "077",
                "nocleanup": "true",
            },
            "unix_http_server": {"file": self._socket, "chmod": "0700"},
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
            },
        }
        for part in self._parts.values():
            marks = {_MARK: part.name, **part.variables}
            sections[f"program:{part.name}"] = {
                "command": launcher(part.name),
                "environment": ",".join(f'{name}="{value}"' for name, value in marks.items()),
                "directory": run,
                "autostart": "false",
                "autorestart": "true",
                "startsecs": 1,
                "startretries": 5,
                "stopwaitsecs": int(STOP_SECONDS),
                "stopasgroup": "true",
                "killasgroup": "true",
                "redirect_stderr": "true",
                "stdout_logfile": self._log(part.name),
                "stdout_logfile_maxbytes": "8MB",
                "stdout_logfile_backups": 1,
            }
        lines: list[str] = []
        for name, keys in sections.items():
            lines += [f"[{name}]", *(f"{key} = {str(value).replace('%', '%%')}" for key, value in keys.items()), ""]
        return "\n".join(lines)

    def _members(self) -> list[tuple[str, psutil.Process]]:
        found: list[tuple[str, psutil.Process]] = []
        for process in psutil.process_iter():
            try:
                variables = process.environ()
            except (psutil.Error, OSError):
                continue
            if variables.get("BROWNOUT_STATE") == str(self._harness.state) and _MARK in variables:
                found.append((variables[_MARK], process))
        return [(name, process) for name, process in found if process.pid != os.getpid()]

    def _end_leftovers(self) -> None:
        left = [process for _, process in self._members()]
        for process in left:
            process.terminate()
        _, alive = psutil.wait_procs(left, timeout=STOP_SECONDS)
        for process in alive:
            process.kill()
        self._socket.unlink(missing_ok=True)
