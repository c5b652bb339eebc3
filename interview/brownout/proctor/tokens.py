"""The secrets of the harness: one file each in `$BROWNOUT_STATE/run`, readable by the invoker alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from brownout.errors import ProctorError
from brownout.settings import Harness

NAMES = ("proctor", "metrics", "prometheus")


def path(harness: Harness, name: str) -> Path:
    return harness.run / f"{name}.token"


def ensure(harness: Harness, name: str) -> str:
    """The token of this name, made when there is none."""
    harness.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = path(harness, name)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read(harness, name)
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_urlsafe(32))
    return read(harness, name)


def read(harness: Harness, name: str) -> str:
    """Raises `ProctorError` when it is missing, empty, or readable by others."""
    file = path(harness, name)
    try:
        token = file.read_text().strip()
        mode = file.stat().st_mode
    except FileNotFoundError as error:
        raise ProctorError(f"{file} is missing. `brownout up` makes it.") from error
    if not token or mode & 0o077:
        raise ProctorError(f"{file} is empty or readable by others (mode {mode & 0o777:o}). Remove it; `brownout up`.")
    return token
