"""Opens and closes the candidate's way in: JupyterLab as the platform's user, configured for one interview."""

from __future__ import annotations

import json
import os
import pwd
import sys
from pathlib import Path

from brownout import way_in
from brownout.errors import StackError
from brownout.secrecy import hand_over, secrecy
from brownout.settings import Harness, harness
from ontime.runtime.process_environment import addresses, clean
from ontime.settings import Environment, environment

ONCALL = Path(__file__).with_name("portal") / "oncall.py"
"""The candidate's command: it runs as the candidate, from a copy, with the standard library alone."""


def directory(here: Environment) -> Path:
    """On the candidate's side: it holds the candidate's own code and nothing else of the harness."""
    return here.state / "lab"


def prepare(workspace: Path, code: str, here: Environment, ours: Harness) -> None:
    """Writes the configuration for this workspace and code, readable by the candidate's user alone."""
    place = directory(here)
    place.mkdir(parents=True, exist_ok=True)
    _write(place / "jupyter_server_config.py", way_in.configuration(workspace, code, here, ours), 0o600)
    _write(place / "config" / "labconfig" / "page_config.json", way_in.page_configuration(), 0o644)
    _write(place / "oncall.json", json.dumps({"url": ours.proctor_url, "code": code}), 0o600)
    _write(place / "bin" / "oncall", f"#!{sys.executable} -IS\n{ONCALL.read_text()}", 0o755)
    hand_over(place, secrecy(ours))


def _write(file: Path, text: str, mode: int) -> None:
    """A new file with exactly that mode from its first byte on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
        out.write(text)


def surroundings(here: Environment, user: str | None) -> dict[str, str]:
    """What JupyterLab's shells see: the platform's addresses and `ontime` on PATH, nothing of the invoker's."""
    variables = {**clean(os.environ, here.current), **addresses(here)}
    home = pwd.getpwnam(user).pw_dir if user else str(Path.home())
    return {
        **variables,
        "HOME": home,
        "SHELL": "/bin/bash",
        "PATH": os.pathsep.join([str(directory(here) / "bin"), str(here.state / "bin"), variables["PATH"]]),
        "ONCALL": str(directory(here) / "oncall.json"),
        "JUPYTER_CONFIG_DIR": str(directory(here) / "config"),
        "JUPYTER_RUNTIME_DIR": str(directory(here) / "run"),
    }


def become() -> None:
    """Replaces this process by JupyterLab. Raises `StackError` when no interview has opened it."""
    here, ours = environment(), harness()
    config = directory(here) / "jupyter_server_config.py"
    if not config.exists():
        raise StackError(f"{config} is missing: the way in opens with `brownout start`.")
    side = secrecy(ours)
    command = side.command(*way_in.command(config))
    os.chdir(here.state)
    os.execvpe(command[0], command, surroundings(here, side.user))  # noqa: S606


if __name__ == "__main__":
    become()
