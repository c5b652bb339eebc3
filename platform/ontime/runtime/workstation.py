"""`python -m ontime.runtime.workstation`: becomes JupyterLab, with the configuration that lies on the state volume.

Whoever opens the workstation writes `lab/jupyter_server_config.py` there first: it says where the work is and which
code opens it. The platform's addresses in the shells are those of the forwarder beside it, 127.0.0.1.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ontime.errors import OntimeError, RuntimeStateError
from ontime.runtime.process_environment import addresses, clean
from ontime.settings import Environment, environment

SECONDS = 120.0


def nearby(here: Environment) -> Environment:
    """The same environment at 127.0.0.1, where the forwarder listens."""
    urls = {name: value for name, value in here.model_dump().items() if name.endswith("_url") and "://" in str(value)}
    moved = {name: _moved(value) for name, value in urls.items() if name != "artifacts_url"}
    return here.model_copy(update=moved)


def _moved(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"127.0.0.1:{parts.port}" if parts.port else "127.0.0.1"))


def directory(here: Environment) -> Path:
    """What whoever opens the workstation writes: the configuration, and commands for its shells below `bin`."""
    return here.state / "lab"


def surroundings(here: Environment) -> dict[str, str]:
    """What JupyterLab and its shells see."""
    home = os.environ.get("HOME", "/tmp")  # noqa: S108
    variables = {**clean(os.environ, here.current), **addresses(nearby(here))}
    programs = [str(directory(here) / "bin"), str(here.state / "bin"), variables["PATH"]]
    return {
        **variables,
        "HOME": home,
        "SHELL": "/bin/bash",
        "PATH": os.pathsep.join(programs),
        "ONCALL": str(directory(here) / "oncall.json"),
        "JUPYTER_CONFIG_DIR": str(directory(here) / "config"),
        "JUPYTER_RUNTIME_DIR": f"{home}/.jupyter-run",
    }


def main() -> None:
    here = environment()
    config = directory(here) / "jupyter_server_config.py"
    deadline = time.monotonic() + SECONDS
    while not config.exists():
        if time.monotonic() > deadline:
            raise RuntimeStateError(f"{config} was not there after {SECONDS:.0f} s: nobody has opened the workstation.")
        time.sleep(0.5)
    command = [sys.executable, "-m", "jupyter", "lab", f"--config={config}", "--no-browser"]
    os.chdir(here.state)
    os.execve(command[0], command, surroundings(here))  # noqa: S606


if __name__ == "__main__":
    try:
        main()
    except OntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
