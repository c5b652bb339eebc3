"""Questions to the deployed code: which part of a release an answer depends on, and a program's JSON answer."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brownout.probes.base import ProbeView
from ontime.errors import OntimeError


def release_hash(current: Path, paths: Sequence[str]) -> str:
    """Hash of everything in the release below `paths`: while it is the same, so is the answer."""
    digest = hashlib.sha256()
    for name in paths:
        path = current / name
        for file in sorted(p for p in path.rglob("*") if p.suffix in (".py", ".sql")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(current)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def ask(view: ProbeView, program: str) -> Any:
    """What `program` prints last, as JSON, run over the deployed release. Raises `OntimeError` when it says nothing."""
    if view.platform is None:
        raise OntimeError("The deployed platform cannot be asked from here.")
    try:
        done = view.platform.run_python(program)
    except (OSError, subprocess.SubprocessError) as error:
        raise OntimeError(f"The deployed platform cannot be asked: {error}") from error
    lines = done.stdout.strip().splitlines()
    try:
        return json.loads(lines[-1])
    except (ValueError, IndexError):
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise OntimeError(f"The deployed platform did not answer: {said[-200:]}") from None
