"""File times that stand out: in a fresh checkout and a fresh release, every file is as old as every other."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from ontime.settings import Environment

APART_SECONDS = 60.0
SKIPPED = {".git", "__pycache__", "venv", ".venv"}


def outstanding(environment: Environment) -> list[tuple[Path, float]]:
    """Files of the workspace and of the current release whose modification time is not that of the others.

    With seconds from the median; until somebody edits, there are none.
    """
    roots = (environment.state / "workspace", environment.current.resolve())
    return [entry for root in roots if root.is_dir() for entry in apart(root)]


def apart(root: Path) -> Iterator[tuple[Path, float]]:
    times = {path: path.stat().st_mtime for path in _files(root)}
    if not times:
        return
    usual = statistics.median(times.values())
    for path, moment in sorted(times.items()):
        if abs(moment - usual) > APART_SECONDS:
            yield path, moment - usual


def _files(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and not SKIPPED & set(path.relative_to(root).parts):
            yield path
