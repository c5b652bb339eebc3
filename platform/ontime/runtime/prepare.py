"""`python -m ontime.runtime.prepare COMPONENT`: what has to be there before the component starts, in a pod.

Where a supervisor starts components it runs the preparations; in Kubernetes each pod's init container does, by this.
Pods share the state volume, so preparations take turns. The code that runs is the current release. A volume that has
none yet, or one that an earlier image brought, gets the one that is in the image; what was deployed from git stays.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ontime.errors import OntimeError
from ontime.runtime import release
from ontime.runtime.components import chosen
from ontime.runtime.lock import exclusive
from ontime.runtime.preparation import PREPARATIONS, directories
from ontime.settings import ROOT, Environment, environment

TURN_SECONDS = 420.0


def furnish(here: Environment, root: Path) -> Path:
    """The current release's directory; made of the tree at `root` unless a commit is deployed."""
    now = release.current(here)
    if now is not None and (now.name == root.name or release.revision(now) is not None):
        return now
    place = here.releases / root.name
    if not place.exists():
        draft = here.releases / f".{root.name}.{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(root, draft, ignore=shutil.ignore_patterns("__pycache__"))
        draft.rename(place)
    release.point_current_at(here, place)
    return place


def main(name: str) -> None:
    here = environment()
    component = chosen([name])[0]
    directories(here)
    here.releases.mkdir(parents=True, exist_ok=True)
    with exclusive(here, f"prepare {name}", TURN_SECONDS, turn="preparations"):
        root = furnish(here, ROOT)
        for step in PREPARATIONS:
            if component.name in step.before:
                print(f"{step.name}: preparing", flush=True)
                step.run(here, root)
    print(f"{name} may start, from {root.name}", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
