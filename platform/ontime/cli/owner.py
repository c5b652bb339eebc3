"""Root and a stack that belongs to another user: the stack's processes and files stay that user's."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from ontime.errors import RuntimeStateError
from ontime.settings import Environment


def owner_of(environment: Environment) -> str | None:
    """The user that the state belongs to when this process is root's and the state is not; else None."""
    if os.geteuid() != 0 or not environment.state.exists():
        return None
    owner = environment.state.stat().st_uid
    return None if owner == 0 else pwd.getpwuid(owner).pw_name


def become_owner(environment: Environment) -> None:
    """Runs this very command as the state's owner instead, through the command line of the current release.

    Returns when this process may go on itself. Raises `RuntimeStateError` when there is no release to run from.
    """
    user = owner_of(environment)
    if user is None:
        return
    command = environment.state / "bin" / "ontime"
    switch = shutil.which("runuser")
    if switch is None or not command.exists():
        raise RuntimeStateError(f"{environment.state} belongs to {user}. Run the command as that user.")
    os.chdir("/")
    os.execv(switch, [switch, "-u", user, "--", str(command), *sys.argv[1:]])  # noqa: S606


def give_to_owner(environment: Environment) -> None:
    """Gives what root made in the state to the state's owner, while components write there and rename their drafts."""
    if owner_of(environment) is None:
        return
    status = environment.state.stat()
    for directory, names, files in os.walk(environment.state):
        for name in (*names, *files):
            path = Path(directory) / name
            with suppress(FileNotFoundError):
                if path.lstat().st_uid == 0:
                    os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)
