"""`python -m ontime.runtime.launch COMPONENT`: becomes the component, out of the current release.

The supervisor starts every component through this, at each start anew. So a command or an environment that a deploy
changed takes effect with the restart, and what a killed predecessor left behind is ended before it can hold a port.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from ontime.errors import OntimeError
from ontime.runtime import processes
from ontime.runtime.component import Component
from ontime.runtime.components import chosen
from ontime.runtime.process_environment import COMPONENT, addresses, clean
from ontime.settings import ROOT, Environment, environment


def surroundings(component: Component, here: Environment) -> dict[str, str]:
    """The whole environment of the component's process."""
    root = here.current if component.follows_current else ROOT
    return {
        **clean(os.environ, root),
        **addresses(here),
        "ONTIME_REVISION": ROOT.name,
        COMPONENT: component.name,
        **component.variables(here),
    }


def main(name: str) -> None:
    here = environment()
    component = chosen([name])[0]
    left = processes.members(here.state).get(name, [])
    if left:
        print(f"ending what an earlier {name} left behind: {[process.pid for process in left]}", flush=True)
        processes.end(left, seconds=4.0)
    command = component.command(here)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"--- {stamp} {name} starts from {ROOT.name}", flush=True)
    os.chdir(ROOT if (ROOT / "platform").is_dir() else Path("/"))
    os.execve(command[0], command, surroundings(component, here))  # noqa: S606


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
