"""Who may see what: the platform and the candidate run as a Unix user of their own, the harness as the invoker.

With root or passwordless sudo on Linux that user exists (or is made), and everything of the interviewer's (checkout,
ledgers, baselines, tokens) is readable by the invoker alone. Elsewhere secrecy rests on trust, and is called that.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from brownout.errors import SecrecyError
from brownout.settings import ROOT, Harness

USER = "oncall"
"""The Unix user of platform and candidate: a name that says nothing."""

Level = Literal["separate-user", "separate-namespace", "on-trust"]


@dataclass(frozen=True, slots=True)
class Secrecy:
    """`user` is the Unix user of platform and candidate; None means the invoker's own, on trust."""

    level: Level
    user: str | None
    why: str

    def command(self, *arguments: str) -> list[str]:
        """`arguments` as that user, without the invoker's environment."""
        if self.user is None:
            return list(arguments)
        switch = ["runuser", "-u", self.user, "--"] if os.geteuid() == 0 else ["sudo", "-n", "-u", self.user, "--"]
        return [*switch, *arguments]


def _privileged(*arguments: str) -> subprocess.CompletedProcess[str]:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return subprocess.run([*prefix, *arguments], capture_output=True, text=True, check=False)


def _can_switch() -> bool:
    if os.geteuid() == 0:
        return shutil.which("runuser") is not None
    return shutil.which("sudo") is not None and _privileged("true").returncode == 0


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


@lru_cache(maxsize=1)
def _of_machine(wanted: bool) -> Secrecy:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return Secrecy("separate-namespace", None, "the harness has a namespace of its own")
    if not wanted:
        return Secrecy("on-trust", None, "BROWNOUT_SECRECY is off")
    if sys.platform != "linux":
        return Secrecy("on-trust", None, f"no user switching on {sys.platform}")
    if not _can_switch():
        return Secrecy("on-trust", None, "neither root nor passwordless sudo")
    if not _exists(USER):
        made = _privileged("useradd", "--create-home", "--shell", "/bin/bash", USER)
        if made.returncode != 0:
            return Secrecy("on-trust", None, f"user {USER!r} cannot be made: {made.stderr.strip()}")
    return Secrecy("separate-user", USER, f"platform and candidate run as {USER!r}")


def secrecy(harness: Harness) -> Secrecy:
    """What this machine allows. Makes the user when it is missing and may be made."""
    return _of_machine(harness.secrecy)


def close_doors(harness: Harness) -> None:
    """Makes the checkout and the harness's state and cache readable by the invoker alone (0700).

    In a namespace of its own nobody else is there; the image is read-only and the volume another's.
    """
    for directory in (harness.state, harness.cache):
        directory.mkdir(parents=True, exist_ok=True)
    if secrecy(harness).level == "separate-namespace":
        return
    for directory in (ROOT, harness.state, harness.cache):
        directory.chmod(0o700)


def hand_over(path: Path, to: Secrecy) -> None:
    """Gives what is another's in a directory tree to platform and candidate, and checks that they can get there.

    The platform may be running, and its files come and go meanwhile. Raises `SecrecyError` naming the directory in the
    way.
    """
    if to.user is None:
        return
    path.mkdir(parents=True, exist_ok=True)
    # Less or more than the user's id, and not `! -user`: that would also be true of a file that is gone by now.
    mine = pwd.getpwnam(to.user).pw_uid
    others = ("-ignore_readdir_race", "(", "-uid", f"-{mine}", "-o", "-uid", f"+{mine}", ")")
    give = ("-exec", "chown", "--no-dereference", f"{to.user}:", "{}", "+")
    changed = _privileged("find", str(path), *others, *give)
    if changed.returncode != 0:
        raise SecrecyError(f"{path} cannot be given to {to.user!r}: {changed.stderr.strip()}")
    for parent in path.resolve().parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            raise SecrecyError(
                f"{path} cannot be reached by {to.user!r}: {parent} is closed to others. "
                f"Set ONTIME_STATE to a directory below /var/lib, or BROWNOUT_SECRECY=false."
            )
