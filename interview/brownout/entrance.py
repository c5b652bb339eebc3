"""Opens and closes the candidate's way in: JupyterLab as the platform's user, configured for one interview."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from brownout import way_in
from brownout.errors import StackError
from brownout.secrecy import hand_over, secrecy
from brownout.settings import Harness, harness
from ontime.runtime.process_environment import addresses, clean
from ontime.settings import Environment, environment


def directory(here: Environment) -> Path:
    """On the candidate's side: it holds the candidate's own code and nothing else of the harness."""
    return here.state / "lab"


def prepare(workspace: Path, code: str, here: Environment, ours: Harness) -> None:
    """Writes the configuration for this workspace and code, readable by the candidate's user alone."""
    place = directory(here)
    place.mkdir(parents=True, exist_ok=True)
    file = place / "jupyter_server_config.py"
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(way_in.configuration(workspace, code, here, ours))
    hand_over(place, secrecy(ours))


def surroundings(here: Environment, user: str | None) -> dict[str, str]:
    """What JupyterLab's shells see: the platform's addresses and `ontime` on PATH, nothing of the invoker's."""
    variables = {**clean(os.environ, here.current), **addresses(here)}
    home = pwd.getpwnam(user).pw_dir if user else str(Path.home())
    return {
        **variables,
        "HOME": home,
        "SHELL": "/bin/bash",
        "PATH": f"{here.state / 'bin'}{os.pathsep}{variables['PATH']}",
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
