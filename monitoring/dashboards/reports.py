"""Evidently's HTML reports in the state directory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Report:
    name: str
    made_at: datetime
    megabytes: float


def listing(directory: Path) -> list[Report]:
    """Newest first; empty when none was made yet."""
    found = []
    for path in directory.glob("**/*.html"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        made_at = datetime.fromtimestamp(status.st_mtime, UTC)
        found.append(Report(path.relative_to(directory).as_posix(), made_at, status.st_size / 1e6))
    return sorted(found, key=lambda report: report.made_at, reverse=True)


def locate(directory: Path, name: str) -> Path | None:
    """The report's file; None when there is none, or `name` leads out of the directory."""
    root = directory.resolve()
    path = (root / name).resolve()
    return path if path.is_relative_to(root) and path.suffix == ".html" and path.is_file() else None
