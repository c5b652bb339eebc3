"""The supervisor's configuration, rendered from the table of components."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from ontime.errors import ConfigError
from ontime.runtime.component import Component
from ontime.settings import Environment

LONGEST_SOCKET_PATH = 103
"""Shortest of the platforms' limits on a Unix socket's path, less the final zero."""

WATCHER = "watcher"
WATCHER_PRIORITY = 1000
"""The supervisor ends its groups one a second, highest first, until nothing runs: when it ends, only this one does."""


def run_directory(environment: Environment) -> Path:
    return environment.state / "run"


def socket_path(environment: Environment) -> Path:
    """Where the supervisor listens. Raises `ConfigError` when the path is too long for a Unix socket."""
    path = run_directory(environment) / "supervisor.sock"
    if len(str(path)) > LONGEST_SOCKET_PATH:
        room = LONGEST_SOCKET_PATH - len("/run/supervisor.sock")
        raise ConfigError.of("ONTIME_STATE", str(environment.state), f"a path of at most {room} characters")
    return path


def pid_path(environment: Environment) -> Path:
    return run_directory(environment) / "supervisor.pid"


def _section(kind: str, keys: dict[str, object]) -> str:
    """One section; a percent sign would be expanded by the supervisor, so it is doubled."""
    lines = [f"{key} = {str(value).replace('%', '%%')}" for key, value in keys.items()]
    return "\n".join([f"[{kind}]", *lines, ""])


def _program(component: Component, environment: Environment) -> str:
    return _section(
        f"program:{component.name}",
        {
            "command": f'"{sys.executable}" -P -m ontime.runtime.launch {component.name}',
            "directory": run_directory(environment),
            "autostart": "false",
            "autorestart": "true" if component.restart == "always" else "unexpected",
            "startsecs": 2,
            "startretries": 8,
            "stopsignal": "TERM",
            "stopwaitsecs": component.stop_seconds,
            "stopasgroup": "true",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": component.log(environment),
            "stdout_logfile_maxbytes": "8MB",
            "stdout_logfile_backups": 2,
        },
    )


def render(environment: Environment, components: Iterable[Component]) -> str:
    """The whole configuration file. Raises `ConfigError`."""
    run = run_directory(environment)
    parts = [
        _section(
            "supervisord",
            {
                "logfile": environment.logs / "supervisor.log",
                "logfile_maxbytes": "8MB",
                "logfile_backups": 2,
                "pidfile": pid_path(environment),
                "directory": run,
                "childlogdir": environment.logs,
                "identifier": "ontime",
                "umask": "022",
                "minfds": 1024,
                "nocleanup": "true",
            },
        ),
        _section("unix_http_server", {"file": socket_path(environment), "chmod": "0700"}),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        *(_program(component, environment) for component in components),
        _section(
            f"eventlistener:{WATCHER}",
            {
                "command": f'"{sys.executable}" -P -m ontime.runtime.watcher',
                "directory": run,
                "events": "PROCESS_STATE_EXITED,PROCESS_STATE_FATAL,PROCESS_STATE_RUNNING,TICK_5",
                "buffer_size": 500,
                "stderr_logfile": environment.logs / "watcher.log",
                "stderr_logfile_maxbytes": "1MB",
                "stderr_logfile_backups": 1,
                "stopasgroup": "true",
                "killasgroup": "true",
                "priority": WATCHER_PRIORITY,
            },
        ),
    ]
    return "\n".join(parts)
