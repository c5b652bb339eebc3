"""Runs Python of a release to its end, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ontime.runtime.process_environment import addresses, clean
from ontime.settings import Environment


def run_python(
    environment: Environment, root: Path, arguments: list[str], seconds: float, extra: Mapping[str, str] | None = None
) -> tuple[int | None, str]:
    """Exit code and combined output of Python run out of `root`; the code is None when the time was not enough."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", *arguments],
            check=False,
            env={**clean(os.environ, root), **addresses(environment), **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=root,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        return None, (error.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout.decode(errors="replace")
