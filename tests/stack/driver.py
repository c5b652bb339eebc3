"""How tests drive a stack: through its command line, in a state of its own and on free ports."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ontime.runtime.components import COMPONENTS

ROOT = Path(__file__).resolve().parents[2]
LOGS = Path(os.environ.get("CI_LOGS", "/tmp/ontime-test-logs"))  # noqa: S108
COMMAND_SECONDS = 300
WITHOUT_DATA = tuple(name for name in COMPONENTS if name != "serving")


_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds now, none of them given before."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            if one.getsockname()[1] not in _given:
                found.append(one.getsockname()[1])
    _given.update(found)
    return found


def platform_urls() -> dict[str, str]:
    """The variables that put a platform on free ports; Prometheus stays below its path, as by default."""
    names = ("INGEST", "SERVING", "MLFLOW", "AIRFLOW", "PROMETHEUS", "ALERTMANAGER", "EXPORTER", "DASHBOARDS")
    ports = zip(names, free_ports(len(names)), strict=True)
    urls = {f"ONTIME_{name}_URL": f"http://127.0.0.1:{port}" for name, port in ports}
    urls["ONTIME_PROMETHEUS_URL"] += "/prometheus"
    return urls


def until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first true answer of `condition`. Fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)
    return answer


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack, the checkout that it is deployed from, and its command line."""

    state: Path
    tree: Path
    variables: dict[str, str]

    def ontime(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `ontime …` from the checkout. Fails the test when the command does, unless told otherwise."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ontime.cli", *arguments],
            env={**self.variables, "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}", "LEAKED_SECRET": "hush"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode != 0:
            pytest.fail(f"ontime {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def status(self, *names: str) -> dict[str, dict[str, Any]]:
        """What `ontime status --json` tells, by component."""
        told = json.loads(self.ontime("status", "--json", *names, check=False).stdout)
        return {component["name"]: component for component in told["components"]}

    def wait_ready(self, name: str) -> dict[str, Any]:
        """The component's status once it is ready."""

        def ready() -> dict[str, Any] | None:
            told = self.status(name)[name]
            return told if told["state"] == "ready" else None

        found: dict[str, Any] = until(ready, f"{name} ready", COMPONENTS[name].ready_seconds)
        return found


def git(tree: Path, *arguments: str) -> str:
    """What git says in `tree`, without the last line's end."""
    author = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    command = ["git", *author, "-c", f"safe.directory={ROOT}", "-C", str(tree), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def clone(tree: Path, into: Path) -> None:
    """A checkout of `tree`'s HEAD that stays as it is while somebody works on `tree`."""
    git(tree, "clone", "--quiet", "--no-hardlinks", str(tree), str(into))


def new_stack() -> Stack:
    """A stack that nobody has started, in a short path: Unix sockets need one."""
    state = Path(tempfile.mkdtemp(prefix="ontime-"))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    tree = Path(tempfile.mkdtemp(prefix="ontime-tree-"))
    clone(ROOT, tree)
    return Stack(state, tree, {**kept, **platform_urls(), "ONTIME_STATE": str(state)})


def put_away(stack: Stack, keep_logs: bool) -> None:
    """Stops the stack and removes its state; the logs stay where CI looks for them when something failed."""
    stack.ontime("down", check=False)
    if keep_logs:
        LOGS.mkdir(parents=True, exist_ok=True)
        for path in (stack.state / "log").glob("*.log"):
            shutil.copy(path, LOGS / path.name)
    for path in (stack.state, stack.tree):
        shutil.rmtree(path, ignore_errors=True)
